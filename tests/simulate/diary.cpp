// usage: diary FOLDER            compares all reports and statistics with FOLDER/<policy>.txt
//        diary FOLDER --update   writes them there after an intended change; CHANGELOG.md says why
#include "diary.hpp"

#include <sys/mman.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <span>
#include <sstream>

namespace diary {

namespace {

constexpr std::size_t region_bytes = 128_MiB, region_alignment = 2_MiB;

// Aligned, so that offsets in it are the same in each run.
char* map_region() {
    void* p = mmap(nullptr, region_bytes + region_alignment, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) std::abort();
    const std::uintptr_t begin = fa::align_up(fa::address_of(p), region_alignment);
    munmap(p, begin - fa::address_of(p));
    munmap(fa::pointer_at(begin + region_bytes), fa::address_of(p) + region_alignment - begin);
    return fa::pointer_at<char>(begin);
}

std::string without_threads(std::string text) {
    const std::size_t at = text.find("thread ");
    const std::size_t end = at == std::string::npos ? at : text.find_first_not_of("0123456789", at + 7);
    return at == std::string::npos || end == at + 7 ? text : text.replace(at + 7, end - at - 7, "#");
}

}  // namespace

counted_pages::counted_pages() : region_(map_region()), pages_(region_, region_bytes) {}

counted_pages::~counted_pages() {
    if (live == 0) munmap(region_, region_bytes);  // an allocator with leaks lives on
}

std::span<std::byte> counted_pages::all(std::size_t bytes) noexcept {
    ++live;
    return {reinterpret_cast<std::byte*>(region_), bytes};
}

bool counted_pages::serves() noexcept {
    if (refuse_after > 0) --refuse_after;
    else if (refuse_after == 0) return false;
    return true;
}

void* counted_pages::reserve(std::size_t n, std::size_t a) noexcept {
    ++reserves;
    void* p = serves() ? pages_.reserve(n, a) : nullptr;
    live += p != nullptr ? 1U : 0U;
    return p;
}

bool counted_pages::commit(void* p, std::size_t n) noexcept {
    ++commits;
    return serves() && pages_.commit(p, n);
}

void counted_pages::decommit(void* p, std::size_t n) noexcept {
    ++decommits;
    pages_.decommit(p, n);
}

void counted_pages::release(void* p, std::size_t n) noexcept {
    ++releases;
    --live;
    pages_.release(p, n);
}

std::uint64_t counted_pages::place_of(const void* p) const noexcept {
    const auto* at = static_cast<const char*>(p);
    return at >= region_ && at < region_ + region_bytes ? static_cast<std::uint64_t>(at - region_) : 0;
}

void numbers::set(const std::string& name, std::uint64_t value) {
    for (entry& e : entries_) {
        if (e.name == name) return static_cast<void>(e.now = value);
    }
    entries_.push_back({name, value, 0});
}

std::string numbers::changed() {
    std::string line;
    for (entry& e : entries_) {
        if (e.now == e.told) continue;
        line += " " + e.name + "=" + std::to_string(e.now);
        e.told = e.now;
    }
    return line;
}

void observer::write(const char* format, ...) {
    char line[512];
    std::va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    *book_ += line;
}

fa::options observer::options(fa::options o) {
    o.reports = reports;
    const bool of_the_system = o.guard_sample != 0 || o.guard == fa::guard_level::revoke;  // these need its pages
    if (of_the_system) o.base_address = 0x2000'0000'0000;
    else if (o.fixed_memory.bytes != 0) o.fixed_memory = pages.all(o.fixed_memory.bytes);
    else o.pages = &pages;
    o.name = "diary";
    o.on_fault = on_fault_;
    o.on_exhaustion = on_exhaustion_;
    return o;
}

void observer::note(const void* p) {
    places_ = (places_ ^ pages.place_of(p)) * prime;
    noted_[next_++ % most_noted] = p;
}

// The owners of recently noted pointers, and of those beside them.
void observer::describe_noted() {
    for (const void* p : noted_) {
        if (pages.place_of(p) == 0) continue;
        for (const std::ptrdiff_t at : {-8, 0, 40, 3000}) {
            const fa::pointer_info d = fa::describe(static_cast<const char*>(p) + at);
            for (const std::uint64_t part :
                 {std::uint64_t{static_cast<unsigned>(d.state) * 4U + static_cast<unsigned>(d.kind)},
                  std::uint64_t{d.bytes}, static_cast<std::uint64_t>(d.offset), d.frame, std::uint64_t{d.depth}})
                whose_ = (whose_ ^ part) * prime;
            for (const char* c = d.tag; *c != '\0'; ++c) whose_ = (whose_ ^ static_cast<unsigned char>(*c)) * prime;
        }
    }
}

void observer::set_tag(fa::memory::core_ref a, const char* path) {
    const std::string name = std::string(path) + ".";
    const fa::tag_stats t = fa::insight::tag_stats_of(a, path);
    numbers_.set(name + "frame", t.frame_bytes);
    numbers_.set(name + "last", t.last_frame_bytes);
    numbers_.set(name + "pool", t.pool_bytes);
    numbers_.set(name + "heap", t.heap_bytes);
    numbers_.set(name + "peak", t.peak_bytes);
    numbers_.set(name + "borrows", t.borrows ? 1 : 0);
    numbers_.set(name + "all", t.with_children.total_bytes);
    numbers_.set(name + "all.last", t.with_children.last_frame_bytes);
    numbers_.set(name + "all.peak", t.with_children.peak_bytes);
}

void observer::set_source() {
    numbers_.set("reserves", pages.reserves);
    numbers_.set("commits", pages.commits);
    numbers_.set("decommits", pages.decommits);
    numbers_.set("releases", pages.releases);
    numbers_.set("ranges", pages.live);
}

void observer::set_all(fa::memory::core_ref a) {
    const fa::memory::thread_context& c = *fa::memory::context_of(a);
    const fa::alloc_stats s = fa::insight::stats_of(a);
    numbers_.set("peak", s.peak_allocated);
    numbers_.set("taken", s.allocation_count);
    numbers_.set("given", s.deallocation_count);
    numbers_.set("frame", s.frame_allocated);
    numbers_.set("pool", s.pool_allocated);
    numbers_.set("heap", s.heap_allocated);
    numbers_.set("refills", s.slab_refill_count);
    numbers_.set("elsewhere", s.deferred_free_count);
    numbers_.set("committed", s.committed);
    numbers_.set("most committed", s.peak_committed);
    numbers_.set("reserved", s.reserved);
    numbers_.set("requests", s.page_requests);
    const fa::frame_stats f = fa::insight::frame_stats_of(a);
    numbers_.set("number", f.frame_number);
    numbers_.set("handed", f.bytes_allocated);
    numbers_.set("count", f.allocation_count);
    numbers_.set("in use", f.bytes_in_use);
    numbers_.set("frame peak", f.peak_bytes);
    numbers_.set("outer", f.outer_growth);
    numbers_.set("oversize", f.oversize);
    numbers_.set("growth", f.arena_growth);
    numbers_.set("suggested", f.suggested_capacity);
    numbers_.set("depth", c.stack.top()->depth);
    numbers_.set("slots", c.arenas.count());
    const fa::budget_stats b = fa::memory::budget_stats_of(a);
    numbers_.set("pool carved", b.pool_used);
    numbers_.set("frame exceeded", b.frame_exceeded);
    numbers_.set("pool exceeded", b.pool_exceeded);
    numbers_.set("warnings", b.warnings);
    const fa::deferred_stats d = fa::memory::stats_of_deferred(a);
    numbers_.set("queued", d.total_queued);
    numbers_.set("processed", d.total_processed);
    numbers_.set("waiting", d.current_depth);
    numbers_.set("most waiting", d.peak_depth);
    numbers_.set("came home", d.processed_bytes);
    numbers_.set("full", d.full_count);
    numbers_.set("blocked", d.blocked_count);
    const fa::transfer_stats t = fa::object::transfer_stats_of(*a.owner);
    numbers_.set("sent", t.initiated);
    numbers_.set("received", t.completed);
    numbers_.set("dropped", t.dropped);
    for (const char* path : {"", "physics", "physics::solver", "render"}) set_tag(a, path);
    for (const fa::phase_stats& p : fa::insight::phase_stats_of(a)) {
        numbers_.set("phase " + std::string(p.name), p.bytes);
        numbers_.set("phase " + std::string(p.name) + " count", p.allocations);
    }
}

std::string observer::look(fa::memory::core_ref a) {
    numbers_.set("locks", fa::sync::lock_acquisitions() - locks_);
    set_all(a);
    set_source();
    describe_noted();
    numbers_.set("places", places_);
    numbers_.set("whose", whose_);
    std::string said = numbers_.changed();
    locks_ = fa::sync::lock_acquisitions();
    return said;
}

void observer::see(fa::memory::core_ref a, const char* label) {
    write("%s:", label);
    *book_ += look(a) + "\n";
}

void observer::sum_up(fa::memory::core_ref a) {
    std::uint64_t sum = basis;
    for (const char byte : look(a)) sum = (sum ^ static_cast<unsigned char>(byte)) * prime;
    write("  in sum %llu\n", static_cast<unsigned long long>(sum));
}

void observer::see_end() {
    set_source();
    *book_ += "end:" + numbers_.changed() + "\n";
}

void observer::on_fault_type::operator()(const fa::fault& f) const {
    const auto known = [](const fa::site& s) { return s.file != nullptr; };  // instructions depend on the compiler
    self->write("  ! FA%03u %s [%s]%s%s%s frame %llu, %zu\n", static_cast<unsigned>(f.what),
                without_threads(f.detail).c_str(), f.tag, known(f.where) ? " where" : "", known(f.born) ? " born" : "",
                known(f.died) ? " died" : "", static_cast<unsigned long long>(f.frame), f.bytes);
}

bool observer::on_exhaustion_type::operator()(const fa::exhaustion& e) const {
    self->write("  ? %u %s %zu aligned to %zu, limit %zu\n", static_cast<unsigned>(e.reason), e.kind, e.requested,
                e.alignment, e.limit);
    self->pages.refuse_after = -1;
    return true;
}

namespace {

template <class P>
std::string tell(fa::reporting misuse) {
    reports = misuse;
    std::string book;
    tell_frames<P>(book);
    tell_blocks<P>(book);
    tell_threads<P>(book);
    tell_mistakes<P>(book);
    tell_everything<P>(book);
    return book;
}

// The words of a line that the other one does not have.
std::string not_in(const std::string& line, const std::string& other) {
    std::istringstream words(line);
    std::string word, all;
    while (words >> word) {
        if ((other + " ").find(word + " ") == std::string::npos) all += " " + word;
    }
    return all.empty() ? line : all;
}

// Returns whether they are the same; prints where they differ.
bool same(const std::string& name, const std::string& told, const std::string& expected) {
    std::istringstream a(told), b(expected);
    std::string chapter, was, is;
    for (int line = 1;; ++line) {
        const bool more = static_cast<bool>(std::getline(a, is)), wanted = static_cast<bool>(std::getline(b, was));
        if (!more && !wanted) return true;
        if (more && wanted && is == was) {
            if (is.starts_with("##")) chapter = is;
            continue;
        }
        std::cout << name << ":" << line << ", in \"" << chapter
                  << "\"\n  expected:" << (wanted ? not_in(was, is) : " nothing more")
                  << "\n  but is:  " << (more ? not_in(is, was) : " nothing more") << "\n";
        return false;
    }
}

bool check(const std::string& folder, const char* policy, const std::string& told, bool update) {
    const std::string name = folder + "/" + policy + ".txt";
    if (update) {
        std::ofstream out(name);
        out << told;
        return static_cast<bool>(out.flush());
    }
    std::ifstream in(name);
    if (!in) {
        std::cout << "diary: cannot read " << name << "\n";
        return false;
    }
    std::ostringstream expected;
    expected << in.rdbuf();
    return same(name, told, expected.str());
}

}  // namespace
}  // namespace diary

int main(int argc, char** argv) {
    using namespace diary;
    if (argc < 2 || argc > 3 || (argc == 3 && std::string_view(argv[2]) != "--update")) {
        std::cerr << "usage: diary FOLDER [--update]\n";
        return 2;
    }
    const bool update = argc == 3;
    bool good = check(argv[1], "minimal", tell<fa::policy::unchecked>(fa::reporting::off), update);
    good = check(argv[1], "standard", tell<fa::policy::unchecked>(fa::reporting::on), update) && good;
    good = check(argv[1], "debug", tell<fa::policy::checked>(fa::reporting::on), update) && good;
    std::cout << (good ? "every allocator says what it should\n"
                       : "diary: not what it was; if that is meant, run it with --update\n");
    return good ? 0 : 1;
}
