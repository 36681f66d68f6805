// Faults and exhaustion as text on standard error.
#include <framealloc/base/fault.hpp>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#include <framealloc/detail/base/compiler.hpp>

namespace framealloc::inline v1 {

namespace {

// One line, built on the stack and written at once: reporting never allocates.
class line_writer {
public:
    FRAMEALLOC_PRINTF(2, 3) void add(const char* format, ...) noexcept {
        va_list args;
        va_start(args, format);
        const int n = std::vsnprintf(text_ + used_, sizeof text_ - used_, format, args);
        va_end(args);
        if (n > 0) {
            const std::size_t room = sizeof text_ - used_ - 1;
            used_ += static_cast<std::size_t>(n) < room ? static_cast<std::size_t>(n) : room;
        }
    }
    void add_site(const char* before, const site& s, const char* place) noexcept {
        if (s.file != nullptr) add("%s%s:%d", before, s.file, s.line);
        else if (place[0] != '\0') add("%s%s", before, place);
        else if (s.caller != nullptr) add("%sinstruction %p", before, s.caller);
    }
    // As compilers and their readers have it: "file.cpp:7: …".
    void begin_at(const site& s, const char* place) noexcept {
        add_site("", s, place);
        if (used_ != 0) add(": ");
    }
    // Not by printf, which takes 8 KiB of stack where a stream has no buffer: this may be a signal's small one.
    void flush() noexcept {
        text_[used_] = '\n';
        std::fwrite(text_, 1, used_ + 1, stderr);
        std::fflush(stderr);
    }

private:
    char text_[1024] = {};
    std::size_t used_ = 0;
};

const char* reason_text(exhaustion_reason r) noexcept {
    switch (r) {
        case exhaustion_reason::system_refused: return "the page source refused";
        case exhaustion_reason::frame_limit: return "the thread's frame_limit is reached";
        case exhaustion_reason::thread_budget: return "the thread's budget is used up";
        case exhaustion_reason::global_limit: return "global_limit is reached";
        case exhaustion_reason::fixed_memory: return "fixed_memory is used up";
        case exhaustion_reason::sealed: return "a page was needed after seal()";
        case exhaustion_reason::size_overflow: return "the size is too large to exist";
    }
    return "?";
}

}  // namespace

const char* code_text(code c) noexcept {
    switch (c) {
#define FRAMEALLOC_CODE(name, number, text) \
    case code::name: return text;
#include <framealloc/base/codes.def>
#undef FRAMEALLOC_CODE
    }
    return "unknown code";
}

void print_fault(const fault& f) noexcept {
    line_writer line;
    line.begin_at(f.where, f.code_place);
    line.add("framealloc: FA%03u %s", static_cast<unsigned>(f.what), f.text);
    if (f.detail[0] != '\0') line.add(": %s", f.detail);
    if (f.allocator[0] != '\0') line.add(" [%s]", f.allocator);
    if (f.tag[0] != '\0') line.add("; tag \"%s\"", f.tag);
    line.add_site(f.what == code::FA428 || f.what == code::FA429 ? "; opened at " : "; allocated at ", f.born,
                  f.born_place);
    if (f.frame != 0) line.add(" in frame %llu", static_cast<unsigned long long>(f.frame));
    line.add_site(f.what == code::FA002 ? "; ended at " : "; freed at ", f.died, f.died_place);
    line.flush();
}

void print_exhaustion(const exhaustion& e) noexcept {
    line_writer line;
    line.begin_at(e.where, e.code_place);
    line.add("framealloc: FA003 memory exhausted: %s; %s request of %zu bytes aligned to %zu, %zu bytes committed",
             reason_text(e.reason), e.kind, e.requested, e.alignment, e.in_use);
    if (e.limit != 0) line.add(", limit %zu", e.limit);
    if (e.allocator[0] != '\0') line.add(" [%s]", e.allocator);
    if (e.tag[0] != '\0') line.add("; tag \"%s\"", e.tag);
    line.flush();
}

void broken_invariant(const char* what, site where) noexcept {
    print_fault({.what = code::FA991, .text = code_text(code::FA991), .detail = what, .where = where});
    std::abort();
}

}  // namespace framealloc::inline v1
