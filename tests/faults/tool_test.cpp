// Mistakes that a tool, AddressSanitizer or Valgrind, must report. usage: tool_test CASE SIZE, which the tool must end;
// tool_test --all runs every case in a child of its own and expects the sanitizer's report; tool_test --list names
// them.
#include <framealloc/framealloc.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <memory_resource>
#include <string>

#include "../support/child.hpp"

namespace fa = framealloc;

namespace {

using byte_pointer = volatile char*;
byte_pointer bytes(void* p) { return static_cast<byte_pointer>(p); }
volatile char seen;
void look(byte_pointer p) { seen = *p; }
void touch(byte_pointer p) { *p = static_cast<char>(*p + 1); }

fa::smart_alloc& alloc() {
    static fa::smart_alloc a;
    return a;
}

void pool_overrun(std::size_t n) { touch(bytes(alloc().pool_alloc_bytes(n)) + n); }
void pool_underrun(std::size_t n) { touch(bytes(alloc().pool_alloc_bytes(n)) - 1); }
void pool_read_after_free(std::size_t n) {
    void* p = alloc().pool_alloc_bytes(n);
    alloc().pool_free_bytes(p, n);
    look(bytes(p));
}
void pool_box_after_reset(std::size_t) {
    auto box = alloc().pool_box<long>(1);
    byte_pointer p = bytes(box.get());
    box.reset();
    touch(p);
}
void heap_overrun(std::size_t n) { touch(bytes(alloc().heap_alloc_bytes(n)) + n); }
void heap_underrun(std::size_t n) { touch(bytes(alloc().heap_alloc_bytes(n)) - 1); }
void heap_read_after_free(std::size_t n) {
    void* p = alloc().heap_alloc_bytes(n);
    alloc().heap_free_bytes(p, n);
    look(bytes(p) + n - 1);
}
void heap_vec_after_growth(std::size_t n) {
    auto v = alloc().heap_vec<char>();
    v.push_back('x');
    byte_pointer p = bytes(v.data());
    for (std::size_t i = 0; i < n + 5000; ++i) v.push_back('y');
    touch(p);
}
void frame_overrun(std::size_t n) {
    auto frame = alloc().frame_scope();
    touch(bytes(frame.alloc_bytes(n)) + n);
}
void frame_underrun(std::size_t n) {
    auto frame = alloc().frame_scope();
    touch(bytes(frame.alloc_bytes(n)) - 1);
}
void frame_read_after_end(std::size_t n) {
    byte_pointer p = nullptr;
    {
        auto frame = alloc().frame_scope();
        p = bytes(frame.alloc_bytes(n));
    }
    look(p);
}
void inner_frame_write_after_end(std::size_t n) {
    auto frame = alloc().frame_scope();
    byte_pointer p = nullptr;
    {
        auto inner = alloc().frame_scope();
        p = bytes(inner.alloc_bytes(n));
    }
    touch(p);
}
void frame_read_after_rollback(std::size_t n) {
    auto frame = alloc().frame_scope();
    const auto cp = alloc().frame_checkpoint();
    byte_pointer p = bytes(frame.alloc_bytes(n));
    alloc().rollback_to(cp);
    look(p);
}
void outer_frame_overrun(std::size_t n) {
    auto frame = alloc().frame_scope();
    auto inner = alloc().frame_scope();
    touch(bytes(frame.alloc_bytes(n)) + ((n + 7) & ~std::size_t{7}));
}
void outer_frame_read_after_end(std::size_t n) {
    byte_pointer p = nullptr;
    {
        auto frame = alloc().frame_scope();
        auto inner = alloc().frame_scope();
        p = bytes(frame.alloc_bytes(n));
    }
    look(p);
}
void oversize_read_after_end(std::size_t n) {
    byte_pointer p = nullptr;
    {
        auto frame = alloc().frame_scope();
        p = bytes(frame.alloc_bytes(n + 1'000'000));
    }
    look(p);
}

// Containers: memory that holds no element.
template <class Vec>
void behind_the_last(Vec v, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) v.push_back('x');
    v.reserve(2 * n + 8);
    look(bytes(v.data()) + v.size());
}
template <class Vec>
void removed(Vec v, std::size_t n) {
    v.assign(n + 8, 'x');
    byte_pointer last = bytes(&v.back());
    v.pop_back();
    touch(last);
}
void frame_vec_behind_the_last(std::size_t n) {
    auto frame = alloc().frame_scope();
    behind_the_last(frame.vec<char>(), n);
}
void pool_vec_behind_the_last(std::size_t n) { behind_the_last(alloc().pool_vec<char>(), n); }
void heap_vec_behind_the_last(std::size_t n) { behind_the_last(alloc().heap_vec<char>(), n); }
void frame_vec_removed(std::size_t n) {
    auto frame = alloc().frame_scope();
    removed(frame.vec<char>(), n);
}
void pool_vec_removed(std::size_t n) { removed(alloc().pool_vec<char>(), n); }
void heap_vec_removed(std::size_t n) { removed(alloc().heap_vec<char>(), n); }
void frame_vec_cleared(std::size_t n) {
    auto frame = alloc().frame_scope();
    auto v = frame.vec<std::string>();
    v.resize(n, "a text that is too long for the small string buffer");
    byte_pointer p = bytes(&v[n / 2]);
    v.clear();
    look(p);
}
void frame_string_behind_the_end(std::size_t n) {
    auto frame = alloc().frame_scope();
    auto s = frame.string(n, 'x');
    s.reserve(2 * n + 20);
    look(bytes(s.data()) + s.size() + 1);
}
void frame_string_cut(std::size_t n) {
    auto frame = alloc().frame_scope();
    auto s = frame.string(n + 20, 'x');
    byte_pointer p = bytes(s.data()) + n + 10;
    s.resize(n);
    look(p);
}
void frame_map_erased(std::size_t n) {
    auto frame = alloc().frame_scope();
    auto m = frame.map<std::size_t, std::size_t>();
    for (std::size_t i = 0; i <= n; ++i) m[i] = i;
    byte_pointer p = bytes(&m.at(n / 2));
    m.erase(n / 2);
    look(p);
}
void frame_map_cleared(std::size_t n) {
    auto frame = alloc().frame_scope();
    auto m = frame.map<std::size_t, std::string>();
    for (std::size_t i = 0; i <= n; ++i) m[i] = "a text that is too long for the small string buffer";
    byte_pointer p = bytes(&m.at(n / 2));
    m.clear();
    look(p);
}
void frame_map_grown(std::size_t n) {
    auto frame = alloc().frame_scope();
    auto m = frame.map<std::size_t, std::size_t>();
    m[n] = 1;
    byte_pointer p = bytes(&m.at(n));
    for (std::size_t i = 0; i < 1000; ++i) m[n + i] = i;
    touch(p);
}

// Every way in which elements of a container are added, moved and removed.
template <class Vec>
void use_vec(Vec v, std::size_t n) {
    using element = typename Vec::value_type;
    const element e = element();
    for (std::size_t i = 0; i < n; ++i) v.push_back(e);
    v.resize(n / 2);
    v.resize(2 * n, e);
    v.insert(v.begin() + n / 2, n, e);
    v.insert(v.begin(), v.front());
    v.append(v.begin(), v.end());
    v.erase(v.begin(), v.begin() + n / 3);
    while (v.size() > n) v.pop_back();
    v.erase_if([&, i = 0](const element&) mutable { return i++ % 2 == 0; });
    v.assign(v.begin(), v.begin() + v.size() / 2);
    v.shrink_to_fit();
    v.emplace_back();
    v.reserve(4 * n);
    Vec other(std::move(v));
    v = other;
    v.swap(other);
    other.clear();
    other.append(3, e);
}
template <class Map>
void use_map(Map m, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) m[i] = {};
    for (std::size_t i = 0; i < n; i += 2) m.erase(i);
    for (std::size_t i = n; i < 2 * n; ++i) m.insert_or_assign(i, typename Map::mapped_type());  // swept on the way
    m.erase_if([](const auto& entry) { return entry.first % 3 == 0; });
    m.reserve(n);
    m.reserve(4 * n);
    Map other(m);
    other.merge(m);
    m.clear();
    m[1] = {};
    m.swap(other);
    for (auto& [key, value] : m) value = {};
}
void use_string(fa::frame_string s, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) s += "ab";
    s.insert(n / 2, s.substr(0, n));
    s.replace(n / 3, n / 3, s.substr(n / 2));
    s.erase(n / 4, n / 2);
    s.append(s);
    s.resize(n / 2);
    s.resize(n, 'x');
    s.assign(s.substr(n / 2));
    s.pop_back();
    s.clear();
    s.append(n, 'y');
    s.shrink_to_fit();
    s.push_back('z');
    seen = s.c_str()[s.size()];
}

// The source of memory may write to it after it gets it back, and before it gives it.
struct own_heap final : std::pmr::memory_resource {
    void* do_allocate(std::size_t n, std::size_t align) override {
        void* p = std::pmr::new_delete_resource()->allocate(n, align);
        std::memset(p, 5, n);
        return p;
    }
    void do_deallocate(void* p, std::size_t n, std::size_t align) override {
        std::memset(p, 6, n);
        std::pmr::new_delete_resource()->deallocate(p, n, align);
    }
    bool do_is_equal(const std::pmr::memory_resource& o) const noexcept override { return this == &o; }
};
struct own_pages final : fa::page_source {
    fa::os::system_pages pages;

    void* reserve(std::size_t n, std::size_t align) noexcept override { return pages.reserve(n, align); }
    bool commit(void* p, std::size_t n) noexcept override { return pages.commit(p, n) && (std::memset(p, 0, n), true); }
    void decommit(void* p, std::size_t n) noexcept override {
        std::memset(p, 7, n);
        pages.decommit(p, n);
    }
    void release(void* p, std::size_t n) noexcept override { pages.release(p, n); }
    std::size_t granularity() const noexcept override { return pages.granularity(); }
};
void use_memory_of_ones_own(std::size_t n) {
    own_heap heap;
    own_pages pages;
    const fa::smart_alloc a{
        fa::options{.frame_capacity = 64 * 1024, .retain = fa::retain::bytes(0), .pages = &pages, .heap = &heap}};
    for (int i = 0; i < 3; ++i) {
        for (int k = 0; k < 2; ++k) {
            const auto frame = a.frame_scope();
            for (std::size_t left = 200'000; left > n; left -= n) static_cast<void>(frame.alloc_bytes(n));
            use_vec(frame.vec<char>(), n);
        }
        use_vec(a.heap_vec<char>(), n + 4);
        use_vec(a.pool_vec<std::string>(), n / 10 + 4);
        const fa::hook h{a};
        void* p = h.allocate(n);
        p = h.reallocate(p, 3 * n);
        p = h.reallocate(p, n / 2 + 1);
        h.deallocate(p);
        a.trim();
    }
}
// A container in one block, part of which the tool treats as unused.
void use_forbidden_blocks(std::size_t n) {
    const fa::hook h{alloc()};
    char* p = static_cast<char*>(h.allocate(2 * n + 16));
    std::memset(p, 1, n);
    fa::guard::forbid(reinterpret_cast<std::uintptr_t>(p) + n, reinterpret_cast<std::uintptr_t>(p) + 2 * n + 16);
    p = static_cast<char*>(h.reallocate(p, 4 * n + 16));
    seen = p[n - 1];
    h.deallocate(p);
}
// Vecs and strings without destructors to run may outlive their frame, and be destroyed or assigned
// afterwards.
void outlive_a_frame(std::size_t n) {
    fa::frame_string name;
    auto kept = std::make_unique<fa::frame_vec<char>>();
    for (int i = 0; i < 3; ++i) {
        const auto frame = alloc().frame_scope();
        const auto now = frame.slice<char>(n + 100);
        std::memset(now.data(), 'x', now.size());
        name = frame.string(n, 'y');
        kept = std::make_unique<fa::frame_vec<char>>(frame.vec<char>(fa::capacity(n + 1)));
        kept->push_back('z');
        for (const char c : now) {
            if (c != 'x') std::abort();
        }
    }
}

// Objects in the library's memory are reachable, also when the program ends without destroying them.
struct kept_text {
    std::string text;
    kept_text* next;
};
kept_text* newest = nullptr;

// No mistake: nothing must be reported.
void correct(std::size_t n) {
    static const fa::smart_alloc& forever = *new fa::smart_alloc;  // is never destroyed
    for (int i = 0; i < 10; ++i) {
        newest = new (forever.pool_alloc_bytes(sizeof(kept_text))) kept_text{std::string(n + 100, 'k'), newest};
    }
    use_memory_of_ones_own(n);
    use_forbidden_blocks(n);
    outlive_a_frame(n);
    for (int round = 0; round < 2; ++round) {
        auto frame = alloc().frame_scope();
        use_vec(frame.vec<char>(), n + 4);
        use_vec(frame.vec<std::string>(), n + 4);
        use_vec(alloc().pool_vec<int>(), n + 4);
        use_vec(alloc().heap_vec<std::string>(), n + 4);
        use_map(frame.map<std::size_t, char>(), n + 4);
        use_map(frame.map<std::size_t, std::string>(), n + 4);
        use_string(frame.string(), n + 4);
    }
    for (int round = 0; round < 3; ++round) {
        auto frame = alloc().frame_scope();
        std::memset(frame.alloc_bytes(n), 1, n);
        auto v = frame.vec<int>();
        for (int i = 0; i < 1000; ++i) v.push_back(i);
        auto inner = alloc().frame_scope();
        v.resize(3000);
        std::memset(frame.alloc_bytes(n), 2, n);
        auto box = alloc().pool_box<std::string>("a text that is too long for the small string buffer");
        auto h = alloc().heap_vec<std::size_t>();
        for (std::size_t i = 0; i < n; ++i) h.push_back(i);
        void* p = alloc().pool_alloc_bytes(n);
        std::memset(p, 3, n);
        alloc().pool_free_bytes(p, n);
    }
    alloc().trim();
}

struct tool_case {
    const char* name;
    void (*program)(std::size_t);
};
#define CASE(program) {#program, program}
constexpr tool_case all[] = {CASE(pool_overrun),
                             CASE(pool_underrun),
                             CASE(pool_read_after_free),
                             CASE(pool_box_after_reset),
                             CASE(heap_overrun),
                             CASE(heap_underrun),
                             CASE(heap_read_after_free),
                             CASE(heap_vec_after_growth),
                             CASE(frame_overrun),
                             CASE(frame_underrun),
                             CASE(frame_read_after_end),
                             CASE(inner_frame_write_after_end),
                             CASE(frame_read_after_rollback),
                             CASE(outer_frame_overrun),
                             CASE(outer_frame_read_after_end),
                             CASE(oversize_read_after_end),
                             CASE(frame_vec_behind_the_last),
                             CASE(pool_vec_behind_the_last),
                             CASE(heap_vec_behind_the_last),
                             CASE(frame_vec_removed),
                             CASE(pool_vec_removed),
                             CASE(heap_vec_removed),
                             CASE(frame_vec_cleared),
                             CASE(frame_string_behind_the_end),
                             CASE(frame_string_cut),
                             CASE(frame_map_erased),
                             CASE(frame_map_cleared),
                             CASE(frame_map_grown)};
constexpr std::size_t sizes[] = {1, 8, 13, 64, 100, 1000, 4096, 10000};

bool reported(const tool_case& c, std::size_t n) {
    const test::ended_child child = test::in_child(30, [&] { c.program(n); });
    return child.status != 0 && child.said.find("use-after-poison") != std::string::npos;
}

// A separate program: the sanitizer checks for leaks when it ends.
bool is_correct(const char* program, std::size_t n) {
    return std::system((std::string(program) + " correct " + std::to_string(n)).c_str()) == 0;
}

int run_all(const char* program) {
    std::size_t runs = 0, failures = 0;
    for (const tool_case& c : all) {
        for (std::size_t n : sizes) {
            ++runs;
            if (reported(c, n)) continue;
            ++failures;
            std::printf("FAILED %s, %zu bytes: not reported\n", c.name, n);
        }
    }
    std::fflush(stdout);
    for (std::size_t n : sizes) {
        if (is_correct(program, n)) continue;
        ++failures;
        std::printf("FAILED correct, %zu bytes\n", n);
    }
    std::printf("%zu of %zu mistakes reported by the sanitizer at the access\n", runs - failures, runs);
    return failures == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 2 && std::strcmp(argv[1], "--all") == 0) return run_all(argv[0]);
    if (argc == 2 && std::strcmp(argv[1], "--list") == 0) {
        for (const tool_case& c : all) std::puts(c.name);
        return 0;
    }
    if (argc == 3 && std::strcmp(argv[1], "correct") == 0) {
        correct(static_cast<std::size_t>(std::atol(argv[2])));
        return 0;
    }
    for (const tool_case& c : all) {
        if (argc != 3 || std::strcmp(argv[1], c.name) != 0) continue;
        c.program(static_cast<std::size_t>(std::atol(argv[2])));
        return 0;
    }
    std::fprintf(stderr, "usage: tool_test CASE SIZE | --all | --list\n");
    return 2;
}
