// Faults and exhaustion as text, in a buffer and on standard error.
#include <framealloc/detail/base/fault_text.hpp>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#include <framealloc/detail/base/compiler.hpp>

namespace framealloc::inline v1 {

namespace {

// One line in the caller's memory: reporting never allocates.
class line_writer {
public:
    line_writer(char* to, std::size_t room) noexcept : text_(to), room_(room) { text_[0] = '\0'; }

    FRAMEALLOC_PRINTF(2, 3) void add(const char* format, ...) noexcept {
        va_list args;
        va_start(args, format);
        const int n = std::vsnprintf(text_ + used_, room_ - used_, format, args);
        va_end(args);
        if (n > 0) {
            const std::size_t left = room_ - used_ - 1;
            used_ += static_cast<std::size_t>(n) < left ? static_cast<std::size_t>(n) : left;
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
    std::size_t length() const noexcept { return used_; }

private:
    char* text_;
    std::size_t room_;
    std::size_t used_ = 0;
};

// Written at once, and not by printf, which takes 8 KiB of stack where a stream has no buffer: this may be a signal's
// small one.
template <class Report>
void print(const Report& r) noexcept {
    char line[1024];
    const std::size_t length = base::write_text(r, line, sizeof line);
    line[length] = '\n';
    std::fwrite(line, 1, length + 1, stderr);
    std::fflush(stderr);
}

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

std::size_t base::write_text(const fault& f, char* to, std::size_t room) noexcept {
    line_writer line(to, room);
    line.begin_at(f.where, f.code_place);
    line.add("framealloc: FA%03u %s", static_cast<unsigned>(f.what), f.text);
    if (f.detail[0] != '\0') line.add(": %s", f.detail);
    if (f.allocator[0] != '\0') line.add(" [%s]", f.allocator);
    if (f.tag[0] != '\0') line.add("; tag \"%s\"", f.tag);
    line.add_site(f.what == code::FA428 || f.what == code::FA429 ? "; opened at " : "; allocated at ", f.born,
                  f.born_place);
    if (f.frame != 0) line.add(" in frame %llu", static_cast<unsigned long long>(f.frame));
    line.add_site(f.what == code::FA002 ? "; ended at " : "; freed at ", f.died, f.died_place);
    return line.length();
}

std::size_t base::write_text(const exhaustion& e, char* to, std::size_t room) noexcept {
    line_writer line(to, room);
    line.begin_at(e.where, e.code_place);
    line.add("framealloc: FA003 memory exhausted: %s; %s request of %zu bytes aligned to %zu, %zu bytes committed",
             reason_text(e.reason), e.kind, e.requested, e.alignment, e.in_use);
    if (e.limit != 0) line.add(", limit %zu", e.limit);
    if (e.allocator[0] != '\0') line.add(" [%s]", e.allocator);
    if (e.tag[0] != '\0') line.add("; tag \"%s\"", e.tag);
    return line.length();
}

void print_fault(const fault& f) noexcept { print(f); }
void print_exhaustion(const exhaustion& e) noexcept { print(e); }

void broken_invariant(const char* what, site where) noexcept {
    print_fault({.what = code::FA991, .text = code_text(code::FA991), .detail = what, .where = where});
    std::abort();
}

}  // namespace framealloc::inline v1
