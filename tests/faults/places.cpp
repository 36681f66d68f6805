// Every public call that a report may name, each in its own process. It prints the reported places of the offence, the allocation
// and the free, and the actual lines; places.py asks addr2line and compares. usage: places [PART OF A NAME]
#include <framealloc/framealloc.h>
#include <framealloc/framealloc.hpp>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <coroutine>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <string>
#include <thread>
#include <vector>

namespace {

namespace fa = framealloc;
using namespace fa::literals;

struct plain {
    char bytes[64];
};
struct rich {
    rich() noexcept { bytes[0] = 1; }
    ~rich() { bytes[0] = 0; }
    char bytes[64];
};

// --- what is expected, and what was reported ---

struct expectation {
    fa::code what;
    int where, born, died;  // lines of this file; 0: nothing may be reported
    int or_died;            // the destroying call: the destructor may be inlined there, outside the program's functions
    bool may_omit;          // only a trap names allocation and free
    bool heard;
};
expectation* want;  // shared with the parent

// On the line of the call that the report must name.
#define BORN (want->born = __LINE__)
#define DIED (want->died = __LINE__)
#define OR_DIED (want->or_died = __LINE__)
#define OFFENCE (want->where = __LINE__)

const char* said(const fa::site& s, const char* place, char* text, std::size_t size) {
    if (s.file == nullptr) return place[0] == '\0' ? "-" : place;
    const char* slash = std::strrchr(s.file, '/');
    std::snprintf(text, size, "%s:%d", slash == nullptr ? s.file : slash + 1, s.line);
    return text;
}

const char* current_group;
const char* current_name;

void tell(const char* which, int line, const char* place, int or_line = 0) {
    if (want->may_omit && line != want->where && place[0] == '-') return;
    char text[400];
    const int n = std::snprintf(text, sizeof text, "%s|%s|%s|%d|%d|%s\n", current_group, current_name, which, line, or_line, place);
    if (write(STDOUT_FILENO, text, static_cast<std::size_t>(n)) != n) _exit(1);
}

// The first expected report counts. Not through std::exit: this may be a signal handler.
void hear(const fa::fault& f) {
    if (f.what != want->what || want->heard) return;
    want->heard = true;
    char where[200], born[200], died[200];
    tell("offence", want->where, said(f.where, f.code_place, where, sizeof where));
    tell("birth", want->born, said(f.born, f.born_place, born, sizeof born));
    tell("death", want->died, said(f.died, f.died_place, died, sizeof died), want->or_died);
    _exit(0);
}

bool hear_exhausted(const fa::exhaustion& e) {
    want->heard = true;
    char where[200];
    tell("offence", want->where, said(e.where, e.code_place, where, sizeof where));
    _exit(0);
}

fa::options with(fa::code what) {
    want->what = what;
    return {.name = "places", .frame_capacity = 64_KiB, .on_exhaustion = hear_exhausted, .on_fault = hear};
}

struct listed {
    const char* group;
    const char* name;
    void (*program)();
    void (*birth)(const fa::smart_alloc&, const fa::frame_scope&);
};
std::vector<listed>& all() {
    static std::vector<listed> v;
    return v;
}
struct add_case {
    add_case(const char* group, const char* name, void (*program)()) { all().push_back({group, name, program, nullptr}); }
    add_case(const char* group, const char* name, void (*birth)(const fa::smart_alloc&, const fa::frame_scope&)) {
        all().push_back({group, name, nullptr, birth});
    }
};

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define CASE(group, name)                                                             \
    void JOIN(program_, __LINE__)();                                                  \
    const add_case JOIN(add_, __LINE__){group, name, JOIN(program_, __LINE__)};       \
    void JOIN(program_, __LINE__)()

// Hidden from the optimiser.
template <class T>
[[gnu::noinline]] T* hidden(T* p) {
    __asm__ volatile("" : "+r"(p));
    return p;
}
[[gnu::noinline]] void touch(void* p) {
    OFFENCE; static_cast<volatile char*>(p)[0] = 1;
}

// --- allocations: the call is alone on its line; `check()` or an access after the frame reports it ---

const fa::smart_alloc* now;
void* outliving;

[[gnu::noinline]] void overrun(const void* p, std::size_t bytes) {
    char* end = static_cast<char*>(const_cast<void*>(hidden(p))) + bytes;
    *hidden(end) = static_cast<char>(*end ^ 1);
    want->what = fa::code::FA412;
    OFFENCE; now->check();
    std::fprintf(stderr, "not found\n");
}
template <class T>
void overrun(T* p) { overrun(p, sizeof(T)); }
template <class R>
    requires requires(const R& r) { r.data(); r.size(); }
void overrun(const R& r) {
    if constexpr (requires { r.length(); }) overrun(r.data(), r.capacity() + 1);
    else if constexpr (requires { r.capacity(); }) overrun(r.data(), r.capacity() * sizeof(*r.data()));
    else overrun(r.data(), r.size() * sizeof(*r.data()));
}
template <class B>
    requires requires(B& b) { b.get(); b.reset(); }
void overrun(const B& b) { overrun(b.get()); }
template <class B>
void overrun_shared(const B& b) { overrun(b.get(), (sizeof(*b) + 7) / 8 * 8); }  // the counts are before it

// The end of the block that contains it.
[[gnu::noinline]] void overrun_around(const void* p) {
    const auto* begin = reinterpret_cast<const void*>(fa::describe(p).begin);
    overrun(begin, fa::usable_size(begin));
}

[[gnu::noinline]] void outlive(const void* p) { outliving = const_cast<void*>(p); }

void run_birth(void (*birth)(const fa::smart_alloc&, const fa::frame_scope&)) {
    const fa::smart_alloc a{with(fa::code::FA002)};
    now = &a;
    {
        const fa::frame_scope frame = a.frame_scope();
        birth(a, frame);
        if (want->died == 0) DIED; }
    if (outliving != nullptr) touch(outliving);
}

#define BIRTH(group, name, ...)                                                                                         \
    const add_case JOIN(add_, __LINE__){group, name, [](const fa::smart_alloc& a, const fa::frame_scope& f) {           \
        BORN; static_cast<void>(a), static_cast<void>(f); __VA_ARGS__ }}

constexpr const char* frame_births = "births: frame_*";
BIRTH(frame_births, "frame_alloc", overrun(a.frame_alloc<plain>()););
BIRTH(frame_births, "try_frame_alloc", overrun(a.try_frame_alloc<plain>()););
BIRTH(frame_births, "frame_alloc_bytes", overrun(a.frame_alloc_bytes(50), 50););
BIRTH(frame_births, "try_frame_alloc_bytes", overrun(a.try_frame_alloc_bytes(50), 50););
BIRTH(frame_births, "frame_alloc_bytes, large", overrun(a.frame_alloc_bytes(200'000), 200'000););
BIRTH(frame_births, "frame_alloc_batch", overrun(a.frame_alloc_batch<plain>(3)););
BIRTH(frame_births, "try_frame_alloc_batch", overrun(a.try_frame_alloc_batch<plain>(3)););
BIRTH(frame_births, "frame_alloc_n", overrun(a.frame_alloc_n<plain, 3>()););
BIRTH(frame_births, "try_frame_alloc_n", overrun(a.try_frame_alloc_n<plain, 3>(), 3 * sizeof(plain)););
BIRTH(frame_births, "frame_slice", overrun(a.frame_slice<rich>(3)););
BIRTH(frame_births, "try_frame_slice", overrun(a.try_frame_slice<rich>(3)););
BIRTH(frame_births, "frame_slice, trivial", overrun(a.frame_slice<int>(3)););
BIRTH(frame_births, "frame_make", overrun(a.frame_make<rich>()););
BIRTH(frame_births, "frame_make, trivial", overrun(a.frame_make<plain>()););
BIRTH(frame_births, "try_frame_make", overrun(a.try_frame_make<rich>()););
BIRTH(frame_births, "frame_box", const auto b = a.frame_box<rich>(); overrun(b););
BIRTH(frame_births, "frame_box, trivial", const auto b = a.frame_box<plain>(); overrun(b););
BIRTH(frame_births, "frame_box of a value", const auto b = a.frame_box(7.0); overrun(b););
BIRTH(frame_births, "frame_box of an array", const auto b = a.frame_box<rich[]>(3); overrun(b.get(), 3 * sizeof(rich)););
BIRTH(frame_births, "try_frame_box", const auto b = a.try_frame_box<rich>(); overrun(b););
BIRTH(frame_births, "frame_vec of n", const auto v = a.frame_vec<int>(3); overrun(v););
BIRTH(frame_births, "frame_vec of copies", const auto v = a.frame_vec<int>(3, 1); overrun(v););
BIRTH(frame_births, "frame_vec of capacity", const auto v = a.frame_vec<rich>(fa::capacity(3)); overrun(v););
BIRTH(frame_births, "frame_vec of a list", const auto v = a.frame_vec<int>({1, 2, 3}); overrun(v););
BIRTH(frame_births, "frame_vec of a range", const auto v = a.frame_vec<int>(std::vector<int>(3)); overrun(v););
BIRTH(frame_births, "try_frame_vec of n", const auto v = a.try_frame_vec<int>(3); overrun(v););
BIRTH(frame_births, "try_frame_vec of a list", const auto v = a.try_frame_vec<int>({1, 2, 3}); overrun(v););
BIRTH(frame_births, "try_frame_vec of a range", const auto v = a.try_frame_vec<int>(std::vector<int>(3)); overrun(v););
BIRTH(frame_births, "frame_map of a list", const auto m = a.frame_map<int, int>({{1, 2}}); outlive(&m.begin()->second););
BIRTH(frame_births, "try_frame_map of a list", const auto m = a.try_frame_map<int, int>({{1, 2}}); outlive(&m.begin()->second););
BIRTH(frame_births, "frame_map of capacity", auto m = a.frame_map<int, int>(fa::capacity(3)); m.insert({1, 2}); outlive(&m.begin()->second););
BIRTH(frame_births, "frame_map, operator[]", auto m = a.frame_map<int, int>(); m[1] = 2; outlive(&m.begin()->second););
BIRTH(frame_births, "frame_string", const auto s = a.frame_string("a text in memory"); overrun(s););
BIRTH(frame_births, "frame_string of copies", const auto s = a.frame_string(100, 'x'); overrun(s););
BIRTH(frame_births, "try_frame_string", const auto s = a.try_frame_string("a text in memory"); overrun(s););
BIRTH(frame_births, "frame_resource", const std::pmr::vector<int> v(3, a.frame_resource()); overrun(v););
BIRTH(frame_births, "frame_ref", overrun(a.frame_ref().try_allocate(40, 8), 40););
BIRTH(frame_births, "in an outer frame", const auto inner = a.frame_scope(); overrun(f.alloc_bytes(40), 40););

constexpr const char* scope_births = "births: frame_scope";
BIRTH(scope_births, "alloc", overrun(f.alloc<plain>()););
BIRTH(scope_births, "try_alloc", overrun(f.try_alloc<plain>()););
BIRTH(scope_births, "alloc_bytes", overrun(f.alloc_bytes(50), 50););
BIRTH(scope_births, "try_alloc_bytes", overrun(f.try_alloc_bytes(50), 50););
BIRTH(scope_births, "batch", overrun(f.batch<plain>(3)););
BIRTH(scope_births, "try_batch", overrun(f.try_batch<plain>(3)););
BIRTH(scope_births, "alloc_n", overrun(f.alloc_n<plain, 3>()););
BIRTH(scope_births, "try_alloc_n", overrun(f.try_alloc_n<plain, 3>(), 3 * sizeof(plain)););
BIRTH(scope_births, "make", overrun(f.make<rich>()););
BIRTH(scope_births, "try_make", overrun(f.try_make<rich>()););
BIRTH(scope_births, "box", const auto b = f.box<rich>(); overrun(b););
BIRTH(scope_births, "try_box", const auto b = f.try_box<plain>(); overrun(b););
BIRTH(scope_births, "box of an array", const auto b = f.box<int[]>(3); overrun(b.get(), 3 * sizeof(int)););
BIRTH(scope_births, "slice", overrun(f.slice<rich>(3)););
BIRTH(scope_births, "try_slice", overrun(f.try_slice<int>(3)););
BIRTH(scope_births, "vec of n", const auto v = f.vec<rich>(fa::count(3)); overrun(v););
BIRTH(scope_births, "vec of a list", const auto v = f.vec<int>({1, 2, 3}); overrun(v););
BIRTH(scope_births, "try_vec", const auto v = f.try_vec<int>(3); overrun(v););
BIRTH(scope_births, "try_map", const auto m = f.try_map<int, int>({{1, 2}}); outlive(&m.begin()->second););
BIRTH(scope_births, "map", auto m = f.map<int, int>(); m.insert_or_assign(1, 2); outlive(&m.begin()->second););
BIRTH(scope_births, "string", const auto s = f.string("a text in memory"); overrun(s););
BIRTH(scope_births, "try_string", const auto s = f.try_string("a text in memory"); overrun(s););
BIRTH(scope_births, "resource", std::pmr::list<int> l(f.resource()); l.push_back(1); DIED; outlive(&l.front()););
BIRTH(scope_births, "ref", overrun(f.ref().try_allocate(40, 8), 40););
BIRTH(scope_births, "frame_allocator, vector", const std::vector<int, fa::frame_allocator<int>> v(3, 1, f); overrun(v););
BIRTH(scope_births, "frame_allocator, map", std::map<int, int, std::less<>, fa::frame_allocator<std::pair<const int, int>>> m(f); m[1] = 2; DIED; outlive(&m[1]););
BIRTH(scope_births, "allocator", const std::vector<int, fa::frame_allocator<int>> v(3, 1, f.allocator<int>()); overrun(v););
BIRTH(scope_births, "frame_source", overrun(f.source<fa::frame_source>().allocate(40, 8), 40););

constexpr const char* block_births = "births: pool_*, heap_*";
BIRTH(block_births, "pool_alloc", overrun(a.pool_alloc<plain>()););
BIRTH(block_births, "try_pool_alloc", overrun(a.try_pool_alloc<plain>()););
BIRTH(block_births, "pool_alloc_bytes", overrun(a.pool_alloc_bytes(50), 50););
BIRTH(block_births, "try_pool_alloc_bytes", overrun(a.try_pool_alloc_bytes(50), 50););
BIRTH(block_births, "pool_alloc_bytes, large", overrun(a.pool_alloc_bytes(20'000), 20'000););
BIRTH(block_births, "pool_box", const auto b = a.pool_box<rich>(); overrun(b););
BIRTH(block_births, "pool_box of an array", const auto b = a.pool_box<int[]>(3); overrun(b.get(), 3 * sizeof(int)););
BIRTH(block_births, "try_pool_box", const auto b = a.try_pool_box<rich>(); overrun(b););
BIRTH(block_births, "pool_shared", const auto s = a.pool_shared<rich>(); overrun_shared(s););
BIRTH(block_births, "try_pool_shared", const auto s = a.try_pool_shared<rich>(); overrun_shared(s););
BIRTH(block_births, "pool_vec of n", const auto v = a.pool_vec<int>(3); overrun(v););
BIRTH(block_births, "pool_vec of a list", const auto v = a.pool_vec<int>({1, 2, 3}); overrun(v););
BIRTH(block_births, "pool_vec of a range", const auto v = a.pool_vec<int>(std::vector<int>(3)); overrun(v););
BIRTH(block_births, "try_pool_vec", const auto v = a.try_pool_vec<int>(3); overrun(v););
BIRTH(block_births, "pool_resource", const std::pmr::vector<int> v(3, a.pool_resource()); overrun(v););
BIRTH(block_births, "pool_ref", overrun(a.pool_ref().try_allocate(40, 8), 40););
BIRTH(block_births, "pool_allocator, vector", const std::vector<int, fa::pool_allocator<int>> v(3, 1, a); overrun(v););
BIRTH(block_births, "pool_allocator, string", const std::basic_string<char, std::char_traits<char>, fa::pool_allocator<char>> s(99, 'x', a); overrun(s););
BIRTH(block_births, "frame_box_for_transfer", auto h = a.frame_box_for_transfer<rich>(); const auto b = std::move(h).receive(); overrun(b););
BIRTH(block_births, "try_frame_box_for_transfer", auto h = a.try_frame_box_for_transfer<rich>(); const auto b = std::move(h).receive(); overrun(b););
BIRTH(block_births, "frame_span_for_transfer", const auto h = a.frame_span_for_transfer<int>(3); overrun(h.span()););
BIRTH(block_births, "heap_alloc", overrun(a.heap_alloc<plain>()););
BIRTH(block_births, "try_heap_alloc", overrun(a.try_heap_alloc<plain>()););
BIRTH(block_births, "heap_alloc_bytes", overrun(a.heap_alloc_bytes(50), 50););
BIRTH(block_births, "try_heap_alloc_bytes", overrun(a.try_heap_alloc_bytes(50), 50););
BIRTH(block_births, "heap_alloc_bytes, large", overrun(a.heap_alloc_bytes(2'000'000), 2'000'000););
BIRTH(block_births, "heap_box", const auto b = a.heap_box<rich>(); overrun(b););
BIRTH(block_births, "heap_box of an array", const auto b = a.heap_box<rich[]>(3); overrun(b.get(), 3 * sizeof(rich)););
BIRTH(block_births, "try_heap_box", const auto b = a.try_heap_box<rich>(); overrun(b););
BIRTH(block_births, "heap_vec of n", const auto v = a.heap_vec<int>(3); overrun(v););
BIRTH(block_births, "heap_vec of copies", const auto v = a.heap_vec<int>(3, 1); overrun(v););
BIRTH(block_births, "try_heap_vec", const auto v = a.try_heap_vec<int>({1, 2, 3}); overrun(v););
BIRTH(block_births, "heap_resource", const std::pmr::string s(99, 'x', a.heap_resource()); overrun(s););
BIRTH(block_births, "heap_ref", overrun(a.heap_ref().try_allocate(40, 8), 40););
BIRTH(block_births, "heap_allocator, vector", const std::vector<int, fa::heap_allocator<int>> v(3, 1, a); overrun(v););

constexpr const char* view_births = "births: views";
BIRTH(view_births, "pool, alloc", overrun(a.pool().alloc<plain>()););
BIRTH(view_births, "pool, try_alloc", overrun(a.pool().try_alloc<plain>()););
BIRTH(view_births, "pool, alloc_bytes", overrun(a.pool().alloc_bytes(50), 50););
BIRTH(view_births, "pool, try_alloc_bytes", overrun(a.pool().try_alloc_bytes(50), 50););
BIRTH(view_births, "pool, batch", overrun(a.pool().batch<plain>(3)););
BIRTH(view_births, "pool, try_batch", overrun(a.pool().try_batch<plain>(3)););
BIRTH(view_births, "pool, alloc_n", overrun(a.pool().alloc_n<plain, 3>()););
BIRTH(view_births, "pool, try_alloc_n", overrun(a.pool().try_alloc_n<plain, 3>(), 3 * sizeof(plain)););
BIRTH(view_births, "pool, make", overrun(a.pool().make<rich>()););
BIRTH(view_births, "pool, try_make", overrun(a.pool().try_make<rich>()););
BIRTH(view_births, "pool, box", const auto b = a.pool().box<rich>(); overrun(b););
BIRTH(view_births, "pool, try_box", const auto b = a.pool().try_box(7.0); overrun(b););
BIRTH(view_births, "pool, slice", overrun(a.pool().slice<rich>(3)););
BIRTH(view_births, "pool, try_slice", overrun(a.pool().try_slice<int>(3)););
BIRTH(view_births, "pool, vec", const auto v = a.pool().vec<int>({1, 2, 3}); overrun(v););
BIRTH(view_births, "pool, try_vec", const auto v = a.pool().try_vec<int>(3); overrun(v););
BIRTH(view_births, "pool, map", auto m = a.pool().map<int, int>(); m[1] = 2; overrun_around(&m.begin()->second););
BIRTH(view_births, "pool, try_map", const auto m = a.pool().try_map<int, int>({{1, 2}}); overrun_around(&m.begin()->second););
BIRTH(view_births, "pool, string", const auto s = a.pool().string("a text in memory"); overrun(s););
BIRTH(view_births, "pool, try_string", const auto s = a.pool().try_string("a text in memory"); overrun(s););
BIRTH(view_births, "pool, allocator", const std::vector<int, fa::pool_allocator<int>> v(3, 1, a.pool().allocator<int>()); overrun(v););
BIRTH(view_births, "pool, resource", const std::pmr::vector<int> v(3, a.pool().resource()); overrun(v););
BIRTH(view_births, "pool, ref", overrun(a.pool().ref().try_allocate(40, 8), 40););
BIRTH(view_births, "pool, source", overrun(a.pool().source().allocate(40, 8), 40););
BIRTH(view_births, "pool_map", auto m = a.pool_map<int, int>(); m[1] = 2; overrun_around(&m.begin()->second););
BIRTH(view_births, "try_pool_map", const auto m = a.try_pool_map<int, int>({{1, 2}}); overrun_around(&m.begin()->second););
BIRTH(view_births, "pool_string", const auto s = a.pool_string("a text in memory"); overrun(s););
BIRTH(view_births, "try_pool_string", const auto s = a.try_pool_string("a text in memory"); overrun(s););
BIRTH(view_births, "heap, alloc", overrun(a.heap().alloc<plain>()););
BIRTH(view_births, "heap, try_alloc", overrun(a.heap().try_alloc<plain>()););
BIRTH(view_births, "heap, alloc_bytes", overrun(a.heap().alloc_bytes(50), 50););
BIRTH(view_births, "heap, try_alloc_bytes", overrun(a.heap().try_alloc_bytes(50), 50););
BIRTH(view_births, "heap, batch", overrun(a.heap().batch<plain>(3)););
BIRTH(view_births, "heap, try_batch", overrun(a.heap().try_batch<plain>(3)););
BIRTH(view_births, "heap, alloc_n", overrun(a.heap().alloc_n<plain, 3>()););
BIRTH(view_births, "heap, try_alloc_n", overrun(a.heap().try_alloc_n<plain, 3>(), 3 * sizeof(plain)););
BIRTH(view_births, "heap, make", overrun(a.heap().make<rich>()););
BIRTH(view_births, "heap, try_make", overrun(a.heap().try_make<rich>()););
BIRTH(view_births, "heap, box", const auto b = a.heap().box<rich>(); overrun(b););
BIRTH(view_births, "heap, try_box", const auto b = a.heap().try_box(7.0); overrun(b););
BIRTH(view_births, "heap, slice", overrun(a.heap().slice<rich>(3)););
BIRTH(view_births, "heap, try_slice", overrun(a.heap().try_slice<int>(3)););
BIRTH(view_births, "heap, vec", const auto v = a.heap().vec<int>({1, 2, 3}); overrun(v););
BIRTH(view_births, "heap, try_vec", const auto v = a.heap().try_vec<int>(3); overrun(v););
BIRTH(view_births, "heap, map", auto m = a.heap().map<int, int>(); m[1] = 2; overrun_around(&m.begin()->second););
BIRTH(view_births, "heap, try_map", const auto m = a.heap().try_map<int, int>({{1, 2}}); overrun_around(&m.begin()->second););
BIRTH(view_births, "heap, string", const auto s = a.heap().string("a text in memory"); overrun(s););
BIRTH(view_births, "heap, try_string", const auto s = a.heap().try_string("a text in memory"); overrun(s););
BIRTH(view_births, "heap, allocator", const std::vector<int, fa::heap_allocator<int>> v(3, 1, a.heap().allocator<int>()); overrun(v););
BIRTH(view_births, "heap, resource", const std::pmr::vector<int> v(3, a.heap().resource()); overrun(v););
BIRTH(view_births, "heap, ref", overrun(a.heap().ref().try_allocate(40, 8), 40););
BIRTH(view_births, "heap, source", overrun(a.heap().source().allocate(40, 8), 40););
BIRTH(view_births, "heap_map", auto m = a.heap_map<int, int>(); m[1] = 2; overrun_around(&m.begin()->second););
BIRTH(view_births, "try_heap_map", const auto m = a.try_heap_map<int, int>({{1, 2}}); overrun_around(&m.begin()->second););
BIRTH(view_births, "heap_string", const auto s = a.heap_string("a text in memory"); overrun(s););
BIRTH(view_births, "try_heap_string", const auto s = a.try_heap_string("a text in memory"); overrun(s););
BIRTH(view_births, "pool, shared", const auto s = a.pool().shared<rich>(); overrun_shared(s););
BIRTH(view_births, "pool, try_shared", const auto s = a.pool().try_shared<rich>(); overrun_shared(s););

constexpr const char* growths = "births: growth";
BIRTH(growths, "vec, push_back", auto v = f.vec<int>(); v.push_back(1); overrun(v););
BIRTH(growths, "vec, emplace_back", auto v = a.pool_vec<rich>(); v.emplace_back(); overrun(v););
BIRTH(growths, "vec, try_push_back", auto v = a.heap_vec<int>(); if (v.try_push_back(1)) overrun(v););
BIRTH(growths, "vec, reserve", auto v = a.pool_vec<int>(); v.reserve(10); overrun(v););
BIRTH(growths, "vec, try_reserve", auto v = a.pool_vec<int>(); if (v.try_reserve(10)) overrun(v););
BIRTH(growths, "vec, resize", auto v = a.heap_vec<rich>(); v.resize(10); overrun(v););
BIRTH(growths, "vec, resize with copies", auto v = a.heap_vec<int>(); v.resize(10, 1); overrun(v););
BIRTH(growths, "vec, try_resize", auto v = a.heap_vec<int>(); if (v.try_resize(10)) overrun(v););
BIRTH(growths, "vec, insert", auto v = f.vec<int>(); v.insert(v.begin(), 1); overrun(v););
BIRTH(growths, "vec, insert of copies", auto v = a.pool_vec<int>(); v.insert(v.begin(), 3, 1); overrun(v););
BIRTH(growths, "vec, insert of a list", auto v = a.pool_vec<int>(); v.insert(v.begin(), {1, 2}); overrun(v););
BIRTH(growths, "vec, assign", auto v = a.pool_vec<int>(); v.assign(3, 1); overrun(v););
BIRTH(growths, "vec, assign of a list", auto v = a.pool_vec<int>(); v.assign({1, 2}); overrun(v););
BIRTH(growths, "vec, append", auto v = a.pool_vec<int>(); v.append({1, 2}); overrun(v););
BIRTH(growths, "vec, extend", auto v = a.pool_vec<int>(); v.extend(std::vector<int>(3)); overrun(v););
BIRTH(growths, "vec, try_extend", auto v = a.pool_vec<int>(); if (v.try_extend(std::vector<int>(2))) overrun(v););
BIRTH(growths, "vec, try_assign", auto v = a.pool_vec<int>(); if (v.try_assign({1, 2})) overrun(v););
BIRTH(growths, "vec, try_insert_range", auto v = f.vec<int>(); if (v.try_insert_range(v.begin(), std::vector<int>(2)) != nullptr) overrun(v););
BIRTH(growths, "map, try_insert_or_assign", auto m = f.map<int, int>(); if (m.try_insert_or_assign(1, 2)) outlive(&m.begin()->second););
BIRTH(growths, "vec, try_append", auto v = a.pool_vec<int>(); if (v.try_append({1, 2})) overrun(v););
BIRTH(growths, "vec, copied", const auto v = a.pool_vec<int>(3); const auto w = v; overrun(w););
BIRTH(growths, "vec, assigned", auto v = a.pool_vec<int>(3); auto w = a.heap_vec<int>(); w = {1, 2}; overrun(w););
BIRTH(growths, "vec, shrink_to_fit", auto v = a.pool_vec<int>(fa::capacity(99)); v.push_back(1); v.shrink_to_fit(); overrun(v););
BIRTH(growths, "map, insert", auto m = f.map<int, int>(); m.insert({1, 2}); outlive(&m.begin()->second););
BIRTH(growths, "map, try_insert", auto m = f.map<int, int>(); if (m.try_insert(1, 2)) outlive(&m.begin()->second););
BIRTH(growths, "map, emplace", auto m = f.map<int, rich>(); m.try_emplace(1); outlive(&m.begin()->second););
BIRTH(growths, "map, reserve", auto m = f.map<int, int>(); m.reserve(9); m[1] = 2; outlive(&m.begin()->second););
BIRTH(growths, "string, append", auto s = f.string(); s.append("a text in memory"); overrun(s););
BIRTH(growths, "string, +=", auto s = f.string(); s += "a text in memory"; overrun(s););
BIRTH(growths, "string, push_back", auto s = f.string(15, 'a'); s.push_back('a'); overrun(s););
BIRTH(growths, "string, reserve", auto s = f.string(); s.reserve(99); s = "a text in memory"; overrun(s););
BIRTH(growths, "string, try_append", auto s = f.string(); if (s.try_append("a text in memory")) overrun(s););
BIRTH(growths, "string, resize", auto s = f.string(); s.resize(40); overrun(s););
BIRTH(growths, "string, assign", auto s = f.string(); s.assign("a text in memory"); overrun(s););

BIRTH(growths, "vec, try_emplace_back", auto v = a.pool_vec<int>(); if (v.try_emplace_back(1)) overrun(v););
BIRTH(growths, "vec, emplace", auto v = a.pool_vec<rich>(); v.emplace(v.begin()); overrun(v););
BIRTH(growths, "vec, try_emplace", auto v = a.heap_vec<int>(); if (v.try_emplace(v.begin(), 1) != nullptr) overrun(v););
BIRTH(growths, "vec, try_insert", auto v = f.vec<int>(); if (v.try_insert(v.begin(), 1) != nullptr) overrun(v););
BIRTH(growths, "vec, insert_range", auto v = a.pool_vec<int>(); v.insert_range(v.begin(), std::vector<int>(3)); overrun(v););
BIRTH(growths, "map, emplace of a pair", auto m = f.map<int, int>(); m.emplace(1, 2); outlive(&m.begin()->second););
BIRTH(growths, "map, emplace_hint", auto m = f.map<int, int>(); m.emplace_hint(m.begin(), 1, 2); outlive(&m.begin()->second););
BIRTH(growths, "map, insert_range", auto m = f.map<int, int>(); m.insert_range(std::map<int, int>{{1, 2}}); outlive(&m.begin()->second););
BIRTH(growths, "map, extend", auto m = f.map<int, int>(); m.extend(std::map<int, int>{{1, 2}}); outlive(&m.begin()->second););
BIRTH(growths, "map, insert_or_assign", auto m = f.map<int, int>(); m.insert_or_assign(1, 2); outlive(&m.begin()->second););
BIRTH(growths, "map, assign", auto m = f.map<int, int>(); m.assign({{1, 2}}); outlive(&m.begin()->second););
BIRTH(growths, "map, try_reserve", auto m = f.map<int, int>(); if (m.try_reserve(9)) m[1] = 2; outlive(&m.begin()->second););
BIRTH(growths, "map, rehash", auto m = f.map<int, int>(); m.rehash(99); m[1] = 2; outlive(&m.begin()->second););
BIRTH(growths, "map, copied", auto m = f.map<int, int>({{1, 2}}); const auto n = m; outlive(&n.begin()->second););
BIRTH(growths, "string, try_push_back", auto s = f.string(15, 'a'); if (s.try_push_back('a')) overrun(s););
BIRTH(growths, "string, try_assign", auto s = f.string(); if (s.try_assign("a text in memory")) overrun(s););
BIRTH(growths, "string, try_reserve", auto s = f.string(); if (s.try_reserve(99)) s = "a text in memory"; overrun(s););
BIRTH(growths, "string, try_resize", auto s = f.string(); if (s.try_resize(40)) overrun(s););
BIRTH(growths, "string, insert", auto s = f.string(); s.insert(0, "a text in memory"); overrun(s););
BIRTH(growths, "string, try_insert", auto s = f.string(); if (s.try_insert(0, "a text in memory")) overrun(s););
BIRTH(growths, "string, replace", auto s = f.string(); s.replace(0, 0, "a text in memory"); overrun(s););
BIRTH(growths, "string, try_replace", auto s = f.string(); if (s.try_replace(0, 0, "a text in memory")) overrun(s););
BIRTH(growths, "string, copied", auto s = f.string("a text in memory"); const auto t = s; overrun(t););
BIRTH(growths, "try_frame_span_for_transfer", const auto h = a.try_frame_span_for_transfer<int>(3); overrun(h.span()););
BIRTH(growths, "shared of a box", auto b = a.pool_box<plain>(); const fa::pool_shared<plain> s(std::move(b)); overrun(s););
BIRTH(growths, "checkpoint_guard", const auto guard = a.checkpoint_guard(); overrun(a.frame_make<plain>()););

// --- containers of a frame that has ended ---

using int_vec = fa::frame_vec<int>;
using int_map = fa::frame_map<int, int>;
volatile std::size_t used;

template <void (*Use)(int_vec&, int_map&, fa::frame_string&)>
void use_after_frame() {
    const fa::smart_alloc a{with(fa::code::FA002)};
    want->may_omit = true;
    a.begin_frame();
    BORN; auto v = a.frame_vec<int>(3); auto m = a.frame_map<int, int>({{1, 2}}); auto s = a.frame_string("a text in memory");
    DIED; a.end_frame();
    Use(*hidden(&v), *hidden(&m), *hidden(&s));
}

#define AFTER(name, ...)                                                                                  \
    void JOIN(use_, __LINE__)([[maybe_unused]] int_vec& v, [[maybe_unused]] int_map& m, [[maybe_unused]] fa::frame_string& s) { OFFENCE; __VA_ARGS__ } \
    const add_case JOIN(add_, __LINE__){"containers after their frame", name, use_after_frame<JOIN(use_, __LINE__)>}

AFTER("vec, data", used = reinterpret_cast<std::size_t>(v.data()););
AFTER("vec, begin", used = *v.begin(););
AFTER("vec, rbegin", used = *v.rend(););
AFTER("vec, at", used = v.at(0););
AFTER("vec, front", used = v.front(););
AFTER("vec, back", used = v.back(););
AFTER("vec, []", used = v[1];);
AFTER("vec, contains", used = v.contains(1););
AFTER("vec, ==", used = v == v;);
AFTER("vec, push_back", v.push_back(1););
AFTER("vec, emplace_back", v.emplace_back(1););
AFTER("vec, try_push_back", used = v.try_push_back(1););
AFTER("vec, clear", v.clear(););
AFTER("vec, reserve", v.reserve(99););
AFTER("vec, resize", v.resize(99););
AFTER("vec, assign", v.assign({1, 2}););
AFTER("vec, append", v.append({1, 2}););
AFTER("vec, insert", v.insert(v.end(), 1););
AFTER("vec, erase", v.erase(v.begin()););
AFTER("vec, erase_if", v.erase_if([](int i) { return i == 9; }););
AFTER("vec, retain", v.retain([](int i) { return i == 9; }););
AFTER("vec, cbegin", used = *v.cbegin(););
AFTER("vec, crend", used = static_cast<std::size_t>(v.crend() - v.crend()););
AFTER("vec, copied", const auto w = v;);
AFTER("vec, assigned to", v = {1, 2};);
AFTER("map, begin", used = m.begin()->first;);
AFTER("map, for", for (auto& [key, value] : m) used = key + value;);
AFTER("map, find", used = m.find(1)->second;);
AFTER("map, contains", used = m.contains(1););
AFTER("map, count", used = m.count(1););
AFTER("map, equal_range", used = m.equal_range(1).first->second;);
AFTER("map, at", used = m.at(1););
AFTER("map, []", used = m[1];);
AFTER("map, insert", m.insert({3, 4}););
AFTER("map, emplace", m.emplace(3, 4););
AFTER("map, try_emplace", m.try_emplace(3, 4););
AFTER("map, insert_or_assign", m.insert_or_assign(3, 4););
AFTER("map, erase", m.erase(1););
AFTER("map, erase_if", m.erase_if([](const auto& e) { return e.first == 9; }););
AFTER("map, clear", m.clear(););
AFTER("map, reserve", m.reserve(99););
AFTER("map, rehash", m.rehash(99););
AFTER("map, retain", m.retain([](const auto& e) { return e.first == 9; }););
AFTER("map, cbegin", used = m.cbegin()->first;);
AFTER("map, ==", used = m == m;);
AFTER("map, copied", const auto n = m;);
AFTER("string, c_str", used = reinterpret_cast<std::size_t>(s.c_str()););
AFTER("string, begin", used = *s.begin(););
AFTER("string, view", used = s.view()[0];);
AFTER("string, []", used = s[1];);
AFTER("string, front", used = s.front(););
AFTER("string, back", used = s.back(););
AFTER("string, append", s.append("d"););
AFTER("string, +=", s += "d";);
AFTER("string, push_back", s.push_back('d'););
AFTER("string, pop_back", s.pop_back(););
AFTER("string, assign", s.assign("d"););
AFTER("string, reserve", s.reserve(99););
AFTER("string, resize", s.resize(99););
AFTER("string, insert", s.insert(1, "d"););
AFTER("string, erase", s.erase(1, 1););
AFTER("string, replace", s.replace(1, 1, "d"););
AFTER("string, find", used = s.find("b"););
AFTER("string, rfind", used = s.rfind("b"););
AFTER("string, find_first_of", used = s.find_first_of("b"););
AFTER("string, find_last_of", used = s.find_last_of("b"););
AFTER("string, find_first_not_of", used = s.find_first_not_of("b"););
AFTER("string, find_last_not_of", used = s.find_last_not_of("b"););
AFTER("string, contains", used = s.contains("b"););
AFTER("string, ends_with", used = s.ends_with("b"););
AFTER("string, substr", used = s.substr(1)[0];);
AFTER("string, copy", char to[4]; used = s.copy(to, 3););
AFTER("string, at", used = s.at(1););
AFTER("string, end", used = reinterpret_cast<std::size_t>(s.end()););
AFTER("string, cbegin", used = *s.cbegin(););
AFTER("string, rbegin", used = *s.rbegin(););
AFTER("string, rend", used = static_cast<std::size_t>(s.rend() - s.rend()););
AFTER("string, erase_if", erase_if(s, [](char) { return true; }););
AFTER("string, shrink_to_fit", s.append(300, 'x'); s.shrink_to_fit(););
AFTER("string, clear", s.clear(););
AFTER("string, compare", used = s.compare("b") == 0;);
AFTER("string, starts_with", used = s.starts_with("b"););
AFTER("string, ==", used = s == "b";);
AFTER("string, copied", const auto t = s;);

// --- frees: the block is freed once more ---

constexpr std::size_t usual = alignof(std::max_align_t);

[[gnu::noinline]] void free_again(const fa::smart_alloc& a, void* p, std::size_t bytes) {
    OFFENCE; a.pool_free_bytes(hidden(p), bytes);
}
[[gnu::noinline]] void free_heap_again(const fa::smart_alloc& a, void* p, std::size_t bytes) {
    OFFENCE; a.heap_free_bytes(hidden(p), bytes);
}

constexpr const char* block_deaths = "deaths: pool, heap";
CASE(block_deaths, "pool_free") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; plain* p = hidden(a.pool_alloc<plain>());
    DIED; a.pool_free(p);
    OFFENCE; a.pool_free(p);
}
CASE(block_deaths, "pool_free_bytes") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; void* p = a.try_pool_alloc_bytes(99);
    DIED; a.pool_free_bytes(p, 99);
    OFFENCE; a.pool_free_bytes(p, 99);
}
CASE(block_deaths, "pool view, free") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; plain* p = hidden(a.pool().alloc<plain>());
    DIED; a.pool().free(p);
    OFFENCE; a.pool().free(p);
}
CASE(block_deaths, "pool view, free of a span") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; const std::span<plain> p(a.pool().batch<plain>(3));
    DIED; a.pool().free(p);
    OFFENCE; a.pool().free(p);
}
CASE(block_deaths, "pool view, free_bytes") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; void* p = a.pool().alloc_bytes(99);
    DIED; a.pool().free_bytes(p, 99);
    OFFENCE; a.pool().free_bytes(p, 99);
}
CASE(block_deaths, "pool view, destroy") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; rich* p = hidden(a.pool().make<rich>());
    DIED; a.pool().destroy(p);
    OFFENCE; a.pool().destroy(p);
}
CASE(block_deaths, "pool view, destroy of a span") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; const std::span<rich> p(a.pool().slice<rich>(3));
    DIED; a.pool().destroy(p);
    OFFENCE; a.pool().destroy(p);
}
CASE(block_deaths, "heap view, free") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; plain* p = hidden(a.heap().alloc<plain>());
    DIED; a.heap().free(p);
    OFFENCE; a.heap().free(p);
}
CASE(block_deaths, "heap view, free of a span") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; const std::span<plain> p(a.heap().batch<plain>(3));
    DIED; a.heap().free(p);
    OFFENCE; a.heap().free(p);
}
CASE(block_deaths, "heap view, free_bytes") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; void* p = a.heap().alloc_bytes(99);
    DIED; a.heap().free_bytes(p, 99);
    OFFENCE; a.heap().free_bytes(p, 99);
}
CASE(block_deaths, "heap view, destroy") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; rich* p = hidden(a.heap().make<rich>());
    DIED; a.heap().destroy(p);
    OFFENCE; a.heap().destroy(p);
}
CASE(block_deaths, "heap view, destroy of a span") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; const std::span<rich> p(a.heap().slice<rich>(3));
    DIED; a.heap().destroy(p);
    OFFENCE; a.heap().destroy(p);
}
CASE(block_deaths, "heap_free") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; plain* p = hidden(a.heap_alloc<plain>());
    DIED; a.heap_free(p);
    OFFENCE; a.heap_free(p);
}
CASE(block_deaths, "heap_free_bytes, large") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; void* p = a.heap_alloc_bytes(99'999);
    DIED; a.heap_free_bytes(p, 99'999);
    OFFENCE; a.heap_free_bytes(p, 99'999);
}
CASE(block_deaths, "pool_box, its scope") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    void* p = nullptr;
    {
        BORN; const auto box = a.pool_box<rich>();
        p = box.get();
    DIED; }
    free_again(a, p, sizeof(rich));
}
CASE(block_deaths, "pool_box, reset") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; auto box = a.pool_box<plain>();
    void* p = box.get();
    DIED; box.reset();
    free_again(a, p, sizeof(plain));
}
CASE(block_deaths, "pool_box, move assignment") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; auto box = a.pool_box<rich>();
    auto other = a.pool_box<rich>();
    void* p = box.get();
    DIED; box = std::move(other);
    free_again(a, p, sizeof(rich));
}
CASE(block_deaths, "pool_box, into_inner") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; auto box = a.pool_box<rich>();
    void* p = box.get();
    DIED; const rich r = std::move(box).into_inner();
    free_again(a, p, sizeof(r));
}
CASE(block_deaths, "pool_box of an array") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; auto box = a.pool_box<rich[]>(3);
    void* p = box.get();
    DIED; box.reset();
    free_again(a, p, 3 * sizeof(rich));
}
CASE(block_deaths, "pool_box, deleted in a container") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    std::vector<fa::pool_box<rich>> boxes;
    BORN; boxes.push_back(a.pool_box<rich>());
    void* p = boxes[0].get();
    DIED; boxes.clear();
    free_again(a, p, sizeof(rich));
}
CASE(block_deaths, "heap_box, its scope") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    void* p = nullptr;
    {
        BORN; const auto box = a.heap_box<rich>();
        p = box.get();
    DIED; }
    free_heap_again(a, p, sizeof(rich));
}
CASE(block_deaths, "heap_box, reset") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; auto box = a.heap_box<rich>();
    void* p = box.get();
    DIED; box.reset();
    free_heap_again(a, p, sizeof(rich));
}
CASE(block_deaths, "heap_box, move assignment") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; auto box = a.heap_box<plain>();
    void* p = box.get();
    DIED; box = {};
    free_heap_again(a, p, sizeof(plain));
}
CASE(block_deaths, "heap_box, large array") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; auto box = a.heap_box<char[]>(99'999);
    void* p = box.get();
    DIED; box.reset();
    free_heap_again(a, p, 99'999);
}
CASE(block_deaths, "pool_shared, last owner's scope") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    void* p = nullptr;
    {
        fa::pool_shared<rich> last;
        {
            BORN; const auto first = a.pool_shared<rich>();
            last = first;
        }
        p = last.get();
    DIED; }
    free_again(a, static_cast<char*>(p) - 16, sizeof(rich) + 16);
}
CASE(block_deaths, "pool_shared, reset") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; auto last = a.pool_shared<rich>();
    void* p = last.get();
    DIED; last.reset();
    free_again(a, static_cast<char*>(p) - 16, sizeof(rich) + 16);
}
CASE(block_deaths, "pool_weak, the last one") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; auto last = a.pool_shared<rich>();
    fa::pool_weak<rich> seen = last;
    void* p = last.get();
    last.reset();
    DIED; seen.reset();
    free_again(a, static_cast<char*>(p) - 16, sizeof(rich) + 16);
}
CASE(block_deaths, "transfer_handle, dropped") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; auto handle = a.frame_span_for_transfer<int>(9);
    void* p = handle.span().data();
    DIED; handle = {};
    free_again(a, p, 9 * sizeof(int));
}
CASE(block_deaths, "transfer_box, reset") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; auto handle = a.frame_box_for_transfer<rich>();
    auto box = std::move(handle).receive();
    void* p = box.get();
    DIED; box.reset();
    free_again(a, p, sizeof(rich));
}

constexpr const char* container_deaths = "deaths: containers";
CASE(container_deaths, "pool_vec, its scope") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    void* p = nullptr;
    {
        BORN; auto v = a.pool_vec<rich>(fa::count(3));
        p = v.data();
    DIED; }
    free_again(a, p, 3 * sizeof(rich));
}
CASE(container_deaths, "pool_vec, growth") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; auto v = a.pool_vec<int>(3);
    void* p = v.data();
    DIED; v.push_back(1);
    free_again(a, p, 3 * sizeof(int));
}
CASE(container_deaths, "heap_vec, reserve") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; auto v = a.heap_vec<int>(3);
    void* p = v.data();
    DIED; v.reserve(99);
    free_heap_again(a, p, 3 * sizeof(int));
}
CASE(container_deaths, "heap_vec, clear and shrink_to_fit") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; auto v = a.heap_vec<int>(3);
    void* p = v.data();
    v.clear();
    DIED; v.shrink_to_fit();
    free_heap_again(a, p, 3 * sizeof(int));
}
CASE(container_deaths, "pool_vec, move assignment") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; auto v = a.pool_vec<int>(3);
    void* p = v.data();
    DIED; v = a.pool_vec<int>();
    free_again(a, p, 3 * sizeof(int));
}
CASE(container_deaths, "pmr::vector on the pool, its scope") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    void* p = nullptr;
    {
        BORN; std::pmr::vector<int> v(3, a.pool_resource());
        p = v.data();
    DIED; }
    free_again(a, p, 3 * sizeof(int));
}
CASE(container_deaths, "pmr::vector on the heap, growth") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; std::pmr::vector<int> v(3, a.heap_resource());
    void* p = v.data();
    DIED; v.push_back(1);
    free_heap_again(a, p, 3 * sizeof(int));
}
CASE(container_deaths, "pmr::list on the pool, clear") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    std::pmr::list<plain> l(a.pool_resource());
    BORN; l.push_back({});
    void* p = &l.front();
    DIED; l.clear();
    free_again(a, static_cast<char*>(p) - 16, sizeof(plain) + 16);
}
CASE(container_deaths, "memory_resource, deallocate") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    std::pmr::memory_resource* r = a.pool_resource();
    BORN; void* p = r->allocate(40, usual);
    DIED; r->deallocate(p, 40, usual);
    OFFENCE; r->deallocate(p, 40, usual);
}
CASE(container_deaths, "std::vector on pool_allocator, its scope") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    void* p = nullptr;
    {
        BORN; std::vector<int, fa::pool_allocator<int>> v(3, 1, a);
        p = v.data();
    DIED; }
    free_again(a, p, 3 * sizeof(int));
}
CASE(container_deaths, "std::list on heap_allocator, erase") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    std::list<plain, fa::heap_allocator<plain>> l(a);
    BORN; l.emplace_back();
    void* p = &l.front();
    DIED; l.erase(l.begin());
    free_heap_again(a, static_cast<char*>(p) - 16, sizeof(plain) + 16);
}
CASE(container_deaths, "std::map on pool_allocator, clear") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    std::map<int, plain, std::less<>, fa::pool_allocator<std::pair<const int, plain>>> m(a);
    BORN; m[1] = {};
    const void* p = &m.begin()->first;
    DIED; m.clear();
    free_again(a, const_cast<char*>(static_cast<const char*>(p)) - 32, 32 + 68 + 4);
}
CASE(container_deaths, "allocator_ref, deallocate") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    const fa::allocator_ref r = a.heap_ref();
    BORN; void* p = r.try_allocate(40, usual);
    DIED; r.deallocate(p, 40, usual);
    OFFENCE; r.deallocate(p, 40, usual);
}
CASE(container_deaths, "standard allocator, deallocate") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    fa::pool_allocator<plain> al(a);
    BORN; plain* p = al.allocate(1);
    DIED; al.deallocate(p, 1);
    OFFENCE; al.deallocate(p, 1);
}

constexpr const char* frame_deaths = "deaths: frame";
CASE(frame_deaths, "end_frame") {
    const fa::smart_alloc a{with(fa::code::FA002)};
    a.begin_frame();
    BORN; void* p = a.frame_alloc_bytes(40);
    DIED; a.end_frame();
    touch(p);
}
CASE(frame_deaths, "an inner frame's scope") {
    const fa::smart_alloc a{with(fa::code::FA002)};
    const auto outer = a.frame_scope();
    static_cast<void>(outer.alloc_bytes(40));
    void* p = nullptr;
    {
        const auto frame = a.frame_scope();
        BORN; p = frame.alloc_bytes(40);
    DIED; }
    touch(p);
}
CASE(frame_deaths, "out of line, its frame's end") {
    auto o = with(fa::code::FA419);
    o.guard = fa::guard_level::fill;
    const fa::smart_alloc a{o};
    void* p = nullptr;
    {
        const auto frame = a.frame_scope();
        const auto inner = a.frame_scope();
        BORN; p = frame.alloc_bytes(40);
    DIED; }
    static_cast<char*>(hidden(p))[0] = 1;
    OFFENCE; a.check();
}
CASE(frame_deaths, "rollback_to") {
    const fa::smart_alloc a{with(fa::code::FA002)};
    const auto frame = a.frame_scope();
    static_cast<void>(frame.alloc_bytes(40));
    const auto cp = a.frame_checkpoint();
    BORN; void* p = frame.alloc_bytes(40);
    DIED; a.rollback_to(cp);
    static_cast<char*>(hidden(p))[0] = 1;
    OFFENCE; static_cast<void>(frame.alloc_bytes(40));
}
CASE(frame_deaths, "checkpoint_guard") {
    const fa::smart_alloc a{with(fa::code::FA002)};
    const auto frame = a.frame_scope();
    static_cast<void>(frame.alloc_bytes(40));
    void* p = nullptr;
    {
        const auto guard = a.checkpoint_guard();
        BORN; p = frame.make<rich>();
    DIED; }
    static_cast<char*>(hidden(p))[0] = 2;
    OFFENCE; static_cast<void>(frame.make<rich>());
}
CASE(frame_deaths, "speculative") {
    const fa::smart_alloc a{with(fa::code::FA002)};
    const auto frame = a.frame_scope();
    static_cast<void>(frame.alloc_bytes(40));
    void* p = nullptr;
    DIED; static_cast<void>(a.speculative([&] {
        BORN; p = frame.make<rich>();
        return false;
    }));
    static_cast<char*>(hidden(p))[0] = 2;
    OFFENCE; auto v = frame.vec<int>(9);
}
CASE(frame_deaths, "frame_vec, shrink_to_fit") {
    const fa::smart_alloc a{with(fa::code::FA002)};
    const auto frame = a.frame_scope();
    BORN; auto v = frame.vec<int>(9);
    void* p = v.data();
    v.clear();
    DIED; v.shrink_to_fit();
    static_cast<char*>(hidden(p))[0] = 1;
    OFFENCE; v.push_back(1);
}
CASE(frame_deaths, "frame_ref, deallocate") {
    const fa::smart_alloc a{with(fa::code::FA002)};
    const auto frame = a.frame_scope();
    const fa::allocator_ref r = a.frame_ref();
    BORN; void* p = r.try_allocate(40, usual);
    DIED; r.deallocate(p, 40, usual);
    static_cast<char*>(hidden(p))[0] = 1;
    OFFENCE; static_cast<void>(r.try_allocate(40, usual));
}
CASE(frame_deaths, "frames in flight") {
    auto o = with(fa::code::FA002);
    o.frames_in_flight = 2;
    const fa::smart_alloc a{o};
    a.begin_frame();
    BORN; void* p = a.frame_alloc_bytes(40);
    a.end_frame();
    a.begin_frame();
    a.end_frame();
    DIED; a.begin_frame();
    touch(p);
}
CASE(frame_deaths, "worker_frames, on_frame_end") {
    const fa::smart_alloc a{with(fa::code::FA002)};
    fa::worker_frames frames{a};
    frames.on_frame_begin();
    void* p = nullptr;
    {
        fa::job_scope job{frames, frames.context(), fa::job_memory::keep};
        BORN; p = job.result_batch<plain>(400).data();
    }
    DIED; frames.on_frame_end();
    touch(p);
}
CASE(frame_deaths, "job_scope") {
    const fa::smart_alloc a{with(fa::code::FA002)};
    fa::worker_frames frames{a};
    frames.on_frame_begin();
    void* p = nullptr;
    {
        fa::job_scope job{frames, frames.context()};
        BORN; auto v = a.frame_vec<int>(9);
        p = v.data();
    DIED; }
    touch(p);
}
CASE(frame_deaths, "parked_context, dropped") {
    const fa::smart_alloc a{with(fa::code::FA002)};
    a.begin_frame();
    BORN; void* p = a.frame_alloc_bytes(40);
    auto parked = a.park();
    DIED; parked = {};
    touch(p);
}

// --- offences ---

constexpr const char* frames = "offences: frames";
CASE(frames, "end_frame without begin_frame") {
    const fa::smart_alloc a{with(fa::code::FA428)};
    OFFENCE; a.end_frame();
}
CASE(frames, "an inner frame is open") {
    const fa::smart_alloc a{with(fa::code::FA428)};
    {
        const auto frame = a.frame_scope();
        BORN; a.begin_frame();
    OFFENCE; }
}
CASE(frames, "an inner scope is open") {
    const fa::smart_alloc a{with(fa::code::FA428)};
    auto* outer = new fa::frame_scope(a.owner());
    BORN; auto* inner = new fa::frame_scope(a.owner());
    OFFENCE; delete outer;
    delete inner;
}
CASE(frames, "frame_alloc outside a frame") {
    const fa::smart_alloc a{with(fa::code::FA001)};
    OFFENCE; static_cast<void>(a.frame_alloc<plain>());
}
CASE(frames, "frame_vec outside a frame") {
    const fa::smart_alloc a{with(fa::code::FA001)};
    OFFENCE; auto v = a.frame_vec<int>(3);
}
CASE(frames, "frame_make outside a frame") {
    const fa::smart_alloc a{with(fa::code::FA001)};
    OFFENCE; static_cast<void>(a.frame_make<rich>());
}
CASE(frames, "frame_resource outside a frame") {
    const fa::smart_alloc a{with(fa::code::FA001)};
    OFFENCE; static_cast<void>(a.frame_resource());
}
CASE(frames, "allocation from an ended scope") {
    const fa::smart_alloc a{with(fa::code::FA002)};
    const auto frame = a.frame_scope();
    const auto inner = a.frame_scope();
    a.end_frame();
    OFFENCE; static_cast<void>(inner.alloc_bytes(9));
}
CASE(frames, "make in an ended scope") {
    const fa::smart_alloc a{with(fa::code::FA002)};
    const auto frame = a.frame_scope();
    const auto inner = a.frame_scope();
    a.end_frame();
    OFFENCE; static_cast<void>(inner.make<rich>());
}
CASE(frames, "allocation on another thread") {
    const fa::smart_alloc a{with(fa::code::FA430)};
    const auto frame = a.frame_scope();
    std::thread([&] {
        OFFENCE; static_cast<void>(frame.try_alloc_bytes(9));
    }).join();
}
CASE(frames, "vec in another thread's frame") {
    const fa::smart_alloc a{with(fa::code::FA430)};
    const auto frame = a.frame_scope();
    std::thread([&] {
        OFFENCE; auto v = frame.try_vec<int>(9);
    }).join();
}
CASE(frames, "end on another thread") {
    const fa::smart_alloc a{with(fa::code::FA430)};
    auto* frame = new fa::frame_scope(a.owner());
    std::thread([&] {
        OFFENCE; delete frame;
    }).join();
}
CASE(frames, "box of another thread's frame") {
    const fa::smart_alloc a{with(fa::code::FA211)};
    const auto frame = a.frame_scope();
    auto box = frame.box<rich>();
    std::thread([&] {
        OFFENCE; box.reset();
    }).join();
}
CASE(frames, "vec of another thread's frame") {
    const fa::smart_alloc a{with(fa::code::FA211)};
    const auto frame = a.frame_scope();
    auto v = frame.vec<rich>(fa::count(3));
    std::thread([&] {
        OFFENCE; { const auto gone = std::move(v); }
    }).join();
}
CASE(frames, "hold of a frame that is not open") {
    const fa::smart_alloc a{with(fa::code::FA441)};
    const auto frame = a.frame_scope();
    const auto inner = a.frame_scope();
    a.end_frame();
    OFFENCE; const auto held = inner.hold("render");
}
CASE(frames, "hold of another thread's frame") {
    const fa::smart_alloc a{with(fa::code::FA441)};
    const auto frame = a.frame_scope();
    std::thread([&] {
        OFFENCE; const auto held = frame.hold("render");
    }).join();
}
CASE(frames, "still held when its memory is needed") {
    auto o = with(fa::code::FA438);
    o.on_frame_busy = fa::on_frame_busy::fault();
    const fa::smart_alloc a{o};
    fa::frame_hold held;
    {
        const auto frame = a.frame_scope();
        static_cast<void>(frame.alloc_bytes(9));
        held = frame.hold("render");
    }
    OFFENCE; a.begin_frame();
}
CASE(frames, "overrun found by end_frame") {
    const fa::smart_alloc a{with(fa::code::FA412)};
    a.begin_frame();
    BORN; char* p = static_cast<char*>(a.frame_alloc_bytes(40));
    hidden(p)[40] = 1;
    DIED; OFFENCE; a.end_frame();
}
CASE(frames, "overrun found by a scope") {
    const fa::smart_alloc a{with(fa::code::FA412)};
    {
        const auto frame = a.frame_scope();
        BORN; auto s = frame.string("a text in memory");
        hidden(s.data())[s.capacity() + 1] = 1;
    DIED; OFFENCE; }
}
CASE(frames, "underrun found by rollback_to") {
    const fa::smart_alloc a{with(fa::code::FA413)};
    const auto frame = a.frame_scope();
    const auto cp = a.frame_checkpoint();
    BORN; char* p = static_cast<char*>(frame.alloc_bytes(40));
    hidden(p)[-1] = 1;
    DIED; OFFENCE; a.rollback_to(cp);
}
CASE(frames, "rollback_to, stale") {
    const fa::smart_alloc a{with(fa::code::FA427)};
    a.begin_frame();
    const auto cp = a.frame_checkpoint();
    a.end_frame();
    a.begin_frame();
    OFFENCE; a.rollback_to(cp);
}
CASE(frames, "checkpoint_guard, stale") {
    const fa::smart_alloc a{with(fa::code::FA427)};
    a.begin_frame();
    {
        const auto guard = a.checkpoint_guard();
        a.end_frame();
    OFFENCE; }
}
CASE(frames, "checkpoint_guard of another thread") {
    const fa::smart_alloc a{with(fa::code::FA430)};
    a.begin_frame();
    auto* guard = new fa::checkpoint_guard(*fa::memory::context_of(a.owner()));
    std::thread([&] {
        OFFENCE; delete guard;
    }).join();
}
CASE(frames, "worker_frames, begun twice") {
    const fa::smart_alloc a{with(fa::code::FA428)};
    fa::worker_frames frames_of{a};
    frames_of.on_frame_begin();
    OFFENCE; frames_of.on_frame_begin();
}
CASE(frames, "worker_frames, ended twice") {
    const fa::smart_alloc a{with(fa::code::FA428)};
    fa::worker_frames frames_of{a};
    OFFENCE; frames_of.on_frame_end();
}
CASE(frames, "worker_frames, a frame is open") {
    const fa::smart_alloc a{with(fa::code::FA428)};
    fa::worker_frames frames_of{a};
    frames_of.on_frame_begin();
    BORN; a.begin_frame();
    OFFENCE; frames_of.on_frame_end();
}
CASE(frames, "worker_frames, a frame is open at on_worker_exit") {
    const fa::smart_alloc a{with(fa::code::FA428)};
    fa::worker_frames frames_of{a};
    frames_of.on_frame_begin();
    std::thread([&] {
        frames_of.on_worker_enter();
        BORN; a.begin_frame();
        static_cast<void>(a.frame_alloc<plain>());
        while (frames_of.in_frame()) std::this_thread::yield();
        OFFENCE; frames_of.on_worker_exit();
    }).detach();
    usleep(20'000);
    frames_of.on_frame_end();
    pause();
}
CASE(frames, "resume of an empty context") {
    const fa::smart_alloc a{with(fa::code::FA212)};
    OFFENCE; a.resume({});
}
CASE(frames, "resume with a frame open") {
    const fa::smart_alloc a{with(fa::code::FA212)};
    auto parked = a.park();
    a.begin_frame();
    OFFENCE; a.resume(std::move(parked));
}
CASE(frames, "a parked frame used") {
    const fa::smart_alloc a{with(fa::code::FA212)};
    const auto frame = a.frame_scope();
    auto parked = a.park();
    OFFENCE; static_cast<void>(frame.alloc_bytes(9));
}
CASE(frames, "a parked context dropped with frames") {
    const fa::smart_alloc a{with(fa::code::FA428)};
    BORN; a.begin_frame();
    auto parked = a.park();
    OFFENCE; parked = {};
}

constexpr const char* scopes = "offences: scopes";
CASE(scopes, "tag_scope out of order") {
    const fa::smart_alloc a{with(fa::code::FA429)};
    BORN; auto* outer = new fa::tag_scope(a, "outer");
    auto* inner = new fa::tag_scope(a, "inner");
    OFFENCE; delete outer;
    delete inner;
}
CASE(scopes, "phase_scope out of order") {
    const fa::smart_alloc a{with(fa::code::FA429)};
    BORN; auto* outer = new fa::phase_scope(a, "outer");
    auto* inner = new fa::phase_scope(a, "inner");
    OFFENCE; delete outer;
    delete inner;
}
CASE(scopes, "context_scope out of order") {
    const fa::smart_alloc a{with(fa::code::FA429)};
    BORN; auto* outer = new fa::context_scope(a, a.context());
    auto* inner = new fa::tag_scope(a, "inner");
    OFFENCE; delete outer;
    delete inner;
}
CASE(scopes, "context of another allocator") {
    const fa::smart_alloc other{{.name = "other"}};
    const fa::smart_alloc a{with(fa::code::FA429)};
    OFFENCE; const fa::context_scope scope(a, other.context());
}
CASE(scopes, "tag_scope closed by another thread") {
    const fa::smart_alloc a{with(fa::code::FA429)};
    BORN; auto* scope = new fa::tag_scope(a, "ai");
    std::thread([&] {
        OFFENCE; delete scope;
    }).join();
}
CASE(scopes, "tag open at the end of its frame") {
    const fa::smart_alloc a{with(fa::code::FA429)};
    a.begin_frame();
    BORN; auto* scope = new fa::tag_scope(a, "ai");
    OFFENCE; a.end_frame();
    delete scope;
}
CASE(scopes, "phase open at the end of its frame") {
    const fa::smart_alloc a{with(fa::code::FA429)};
    {
        const auto frame = a.frame_scope();
        BORN; a.begin_phase("broad");
    OFFENCE; }
}
CASE(scopes, "end_phase without begin_phase") {
    const fa::smart_alloc a{with(fa::code::FA429)};
    OFFENCE; a.end_phase();
}

constexpr const char* wrong_frees = "offences: frees";
CASE(wrong_frees, "pool_free of a heap block") {
    const fa::smart_alloc a{with(fa::code::FA417)};
    BORN; plain* p = a.heap_alloc<plain>();
    OFFENCE; a.pool_free(p);
}
CASE(wrong_frees, "heap_free of a pool block") {
    const fa::smart_alloc a{with(fa::code::FA417)};
    BORN; plain* p = a.pool_alloc<plain>();
    OFFENCE; a.heap_free(p);
}
CASE(wrong_frees, "another allocator's block") {
    const fa::smart_alloc other{{.name = "other"}};
    const fa::smart_alloc a{with(fa::code::FA417)};
    BORN; plain* p = other.pool_alloc<plain>();
    OFFENCE; a.pool_free(p);
}
CASE(wrong_frees, "a foreign pointer") {
    const fa::smart_alloc a{with(fa::code::FA414)};
    auto* p = new plain;
    OFFENCE; a.heap_free(p);
}
CASE(wrong_frees, "a pointer into a block") {
    const fa::smart_alloc a{with(fa::code::FA415)};
    BORN; char* p = static_cast<char*>(a.pool_alloc_bytes(99));
    OFFENCE; a.pool_free_bytes(p + 48, 51);
}
CASE(wrong_frees, "another size") {
    const fa::smart_alloc a{with(fa::code::FA418)};
    BORN; void* p = a.pool_alloc_bytes(99);
    OFFENCE; a.pool_free_bytes(p, 98);
}
CASE(wrong_frees, "another type's size") {
    const fa::smart_alloc a{with(fa::code::FA418)};
    BORN; void* p = a.pool_alloc<plain>();
    OFFENCE; a.pool_free(static_cast<int*>(p));
}
CASE(wrong_frees, "heap_free_bytes, another size") {
    const fa::smart_alloc a{with(fa::code::FA418)};
    BORN; void* p = a.heap_alloc_bytes(99);
    OFFENCE; a.heap_free_bytes(p, 98);
}
CASE(wrong_frees, "memory_resource, another size") {
    const fa::smart_alloc a{with(fa::code::FA418)};
    std::pmr::memory_resource* r = a.pool_resource();
    BORN; void* p = r->allocate(99, usual);
    OFFENCE; r->deallocate(p, 98, usual);
}
CASE(wrong_frees, "memory_resource, the other kind") {
    const fa::smart_alloc a{with(fa::code::FA417)};
    BORN; void* p = a.heap_resource()->allocate(99, usual);
    OFFENCE; a.pool_resource()->deallocate(p, 99, usual);
}
CASE(wrong_frees, "pmr::polymorphic_allocator") {
    const fa::smart_alloc a{with(fa::code::FA418)};
    std::pmr::polymorphic_allocator<int> al(a.heap_resource());
    BORN; int* p = al.allocate(9);
    OFFENCE; al.deallocate(p, 8);
}
CASE(wrong_frees, "allocator_ref, another size") {
    const fa::smart_alloc a{with(fa::code::FA418)};
    const fa::allocator_ref r = a.pool_ref();
    BORN; void* p = r.try_allocate(99, usual);
    OFFENCE; r.deallocate(p, 98, usual);
}
CASE(wrong_frees, "standard allocator, another size") {
    const fa::smart_alloc a{with(fa::code::FA418)};
    fa::heap_allocator<int> al(a);
    BORN; int* p = al.allocate(9);
    OFFENCE; al.deallocate(p, 8);
}
CASE(wrong_frees, "overrun found by a free") {
    const fa::smart_alloc a{with(fa::code::FA412)};
    BORN; char* p = static_cast<char*>(a.pool_alloc_bytes(40));
    hidden(p)[40] = 1;
    OFFENCE; a.pool_free_bytes(p, 40);
}
CASE(wrong_frees, "overrun found by a box") {
    const fa::smart_alloc a{with(fa::code::FA412)};
    BORN; auto box = a.heap_box<plain>();
    hidden(box->bytes)[64] = 1;
    OFFENCE; box.reset();
}
CASE(wrong_frees, "overrun found by a vec's growth") {
    const fa::smart_alloc a{with(fa::code::FA412)};
    BORN; auto v = a.pool_vec<char>(40);
    hidden(v.data())[40] = 1;
    OFFENCE; v.push_back('a');
}
CASE(wrong_frees, "overrun found by a pmr container") {
    const fa::smart_alloc a{with(fa::code::FA412)};
    {
        BORN; std::pmr::vector<char> v(40, a.heap_resource());
        hidden(v.data())[40] = 1;
    OFFENCE; }
}
CASE(wrong_frees, "written after its free, found by check") {
    const fa::smart_alloc a{with(fa::code::FA419)};
    BORN; char* p = static_cast<char*>(a.pool_alloc_bytes(40));
    DIED; a.pool_free_bytes(p, 40);
    hidden(p)[20] = 1;
    OFFENCE; a.check();
}
CASE(wrong_frees, "written after a box's end, found by trim") {
    const fa::smart_alloc a{with(fa::code::FA419)};
    BORN; auto box = a.pool_box<plain>();
    char* p = box->bytes;
    DIED; box.reset();
    hidden(p)[20] = 1;
    OFFENCE; a.trim();
}
CASE(wrong_frees, "a page's list of free blocks, found by use") {
    const fa::smart_alloc a{with(fa::code::FA433)};
    BORN; char* p = static_cast<char*>(a.pool_alloc_bytes(64));
    void* neighbour = a.pool_alloc_bytes(64);
    DIED; a.pool_free_bytes(p, 64);
    for (int i = 0; i < 600; ++i) a.pool_free_bytes(a.pool_alloc_bytes(2000), 2000);
    hidden(p)[-3] ^= 1;
    OFFENCE; auto v = a.pool_vec<char>(64);
    a.pool_free_bytes(neighbour, 64);
}
CASE(wrong_frees, "a call in the fault handler") {
    static const fa::smart_alloc* asked;
    auto o = with(fa::code::FA436);
    o.on_fault = [](const fa::fault& f) {
        if (f.what == fa::code::FA436) return hear(f);
        asked->begin_frame();
        OFFENCE; static_cast<void>(asked->frame_make<rich>());
    };
    const fa::smart_alloc a{o};
    asked = &a;
    a.end_frame();
}
CASE(wrong_frees, "the last handle goes, a thread has a frame open") {
    auto a = std::make_unique<fa::smart_alloc>(with(fa::code::FA432));
    std::atomic<bool> begun = false;
    std::thread([&] {
        a->begin_frame();
        begun = true;
        pause();
    }).detach();
    while (!begun) std::this_thread::yield();
    OFFENCE; a.reset();
}
CASE(wrong_frees, "written after a free elsewhere, found when it comes back") {
    const fa::smart_alloc a{with(fa::code::FA419)};
    BORN; char* p = static_cast<char*>(a.pool_alloc_bytes(40));
    std::thread([&] {
        DIED; a.pool_free_bytes(p, 40);
    }).join();
    hidden(p)[20] = 1;
    a.process_deferred_frees();
    OFFENCE; a.trim();
}
CASE(wrong_frees, "freed by another thread, twice") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; plain* p = a.pool_alloc<plain>();
    std::thread([&] {
        DIED; a.pool_free(p);
    }).join();
    OFFENCE; a.pool_free(p);
}
CASE(wrong_frees, "box freed by another thread") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; auto box = a.pool_box<rich>();
    void* p = box.get();
    std::thread([&] {
        DIED; box.reset();
    }).join();
    free_again(a, p, sizeof(rich));
}
CASE(wrong_frees, "a leak") {
    OFFENCE; BORN; static_cast<void>(fa::smart_alloc(with(fa::code::FA424)).pool_alloc<plain>());
}
CASE(wrong_frees, "a box's leak") {
    fa::smart_alloc a{with(fa::code::FA424)};
    BORN; static_cast<void>(a.heap_box<rich>().release());
    OFFENCE; a = fa::smart_alloc();
}
CASE(wrong_frees, "odd alignment, pool") {
    const fa::smart_alloc a{with(fa::code::FA431)};
    OFFENCE; static_cast<void>(a.try_pool_alloc_bytes(40, 3));
}
CASE(wrong_frees, "odd alignment, heap") {
    const fa::smart_alloc a{with(fa::code::FA431)};
    OFFENCE; static_cast<void>(a.try_heap_alloc_bytes(40, 24));
}
CASE(wrong_frees, "odd alignment, frame") {
    const fa::smart_alloc a{with(fa::code::FA431)};
    const auto frame = a.frame_scope();
    OFFENCE; static_cast<void>(frame.try_alloc_bytes(40, 3));
}
CASE(wrong_frees, "odd alignment, memory_resource") {
    const fa::smart_alloc a{with(fa::code::FA431)};
    std::pmr::memory_resource* r = a.pool_resource();
    OFFENCE; static_cast<void>(r->allocate(40, 3));
}
CASE(wrong_frees, "odd alignment, allocator_ref") {
    const fa::smart_alloc a{with(fa::code::FA431)};
    const fa::allocator_ref r = a.heap_ref();
    OFFENCE; static_cast<void>(r.try_allocate(40, 3));
}

constexpr const char* objects = "offences: objects";
CASE(objects, "transfer received twice") {
    const fa::smart_alloc a{with(fa::code::FA434)};
    auto h = a.frame_box_for_transfer<int>(3);
    auto first = std::move(h).receive();
    OFFENCE; auto second = std::move(h).receive();
}
CASE(objects, "vec, index") {
    const fa::smart_alloc a{with(fa::code::FA439)};
    auto v = a.pool_vec<int>(3);
    OFFENCE; v[static_cast<std::size_t>(*hidden(v.data())) + 3] = 1;
}
CASE(objects, "frame_vec, front") {
    const fa::smart_alloc a{with(fa::code::FA439)};
    const auto frame = a.frame_scope();
    auto v = frame.vec<int>();
    OFFENCE; v.front() = 1;
}
CASE(objects, "vec, pop_back") {
    const fa::smart_alloc a{with(fa::code::FA439)};
    auto v = a.heap_vec<int>();
    OFFENCE; v.pop_back();
}
CASE(objects, "vec, erase") {
    const fa::smart_alloc a{with(fa::code::FA439)};
    auto v = a.heap_vec<int>(3);
    OFFENCE; v.erase(v.end());
}
CASE(objects, "vec, insert") {
    const fa::smart_alloc a{with(fa::code::FA439)};
    auto v = a.heap_vec<int>(3);
    OFFENCE; v.insert(v.end() + 1, 7);
}
CASE(objects, "string, index") {
    const fa::smart_alloc a{with(fa::code::FA439)};
    const auto frame = a.frame_scope();
    auto s = frame.string("abc");
    OFFENCE; s[9] = 'a';
}
CASE(objects, "string, back") {
    const fa::smart_alloc a{with(fa::code::FA439)};
    const auto frame = a.frame_scope();
    auto s = frame.string();
    OFFENCE; s.back() = 'a';
}
CASE(objects, "string, pop_back") {
    const fa::smart_alloc a{with(fa::code::FA439)};
    const auto frame = a.frame_scope();
    auto s = frame.string();
    OFFENCE; s.pop_back();
}
CASE(objects, "map, erase") {
    const fa::smart_alloc a{with(fa::code::FA439)};
    const auto frame = a.frame_scope();
    auto m = frame.map<int, int>({{1, 2}});
    OFFENCE; m.erase(m.end());
}
CASE(objects, "map, erase again") {
    const fa::smart_alloc a{with(fa::code::FA439)};
    auto m = a.pool_map<int, int>({{1, 2}, {3, 4}});
    const auto at = m.find(1);
    m.erase(at);
    OFFENCE; m.erase(at);
}
CASE(objects, "box of an array, index") {
    const fa::smart_alloc a{with(fa::code::FA439)};
    const auto b = a.pool_box<int[]>(3);
    OFFENCE; b[3] = 1;
}
CASE(objects, "frame_box, empty") {
    static_cast<void>(with(fa::code::FA444));
    fa::frame_box<plain> box;
    OFFENCE; (*hidden(&box))->bytes[0] = 1;
}
CASE(objects, "pool_box, empty") {
    static_cast<void>(with(fa::code::FA444));
    fa::pool_box<plain> box;
    OFFENCE; (**hidden(&box)).bytes[0] = 1;
}
CASE(objects, "heap_box, into_inner of nothing") {
    static_cast<void>(with(fa::code::FA444));
    fa::heap_box<plain> box;
    OFFENCE; static_cast<void>(std::move(*hidden(&box)).into_inner());
}
CASE(objects, "pool_shared, empty") {
    static_cast<void>(with(fa::code::FA444));
    fa::pool_shared<plain> box;
    OFFENCE; (*hidden(&box))->bytes[0] = 1;
}
CASE(objects, "transfer_box, empty") {
    static_cast<void>(with(fa::code::FA444));
    fa::transfer_box<plain> box;
    OFFENCE; (*hidden(&box))->bytes[0] = 1;
}
CASE(objects, "vec without a source") {
    static_cast<void>(with(fa::code::FA440));
    fa::frame_vec<int> v;
    OFFENCE; v.push_back(1);
}
CASE(objects, "string without a source") {
    static_cast<void>(with(fa::code::FA440));
    fa::frame_string s;
    OFFENCE; s.append("abc");
}
CASE(objects, "map without a source") {
    static_cast<void>(with(fa::code::FA440));
    fa::frame_map<int, int> m;
    OFFENCE; m[1] = 2;
}
CASE(objects, "vec after its frame, growth") {
    const fa::smart_alloc a{with(fa::code::FA002)};
    a.begin_frame();
    auto v = a.frame_vec<rich>();
    a.end_frame();
    OFFENCE; v.emplace_back();
}
CASE(objects, "vec after its frame, element") {
    const fa::smart_alloc a{with(fa::code::FA002)};
    a.begin_frame();
    auto v = a.frame_vec<int>(3);
    a.end_frame();
    OFFENCE; v[0] = 1;
}
CASE(objects, "vec after its frame, in a loop") {
    const fa::smart_alloc a{with(fa::code::FA002)};
    a.begin_frame();
    auto v = a.frame_vec<int>(3);
    a.end_frame();
    OFFENCE; for (int& i : v) i = 1;
}
CASE(objects, "map after its frame") {
    const fa::smart_alloc a{with(fa::code::FA002)};
    a.begin_frame();
    auto m = a.frame_map<int, int>({{1, 2}});
    a.end_frame();
    OFFENCE; static_cast<void>(m.find(1));
}
CASE(objects, "string after its frame") {
    const fa::smart_alloc a{with(fa::code::FA002)};
    a.begin_frame();
    auto s = a.frame_string("a text in memory");
    a.end_frame();
    OFFENCE; s += 'd';
}
CASE(objects, "box after its frame") {
    const fa::smart_alloc a{with(fa::code::FA002)};
    a.begin_frame();
    auto box = a.frame_box<plain>();
    a.end_frame();
    OFFENCE; box->bytes[0] = 1;
}
CASE(objects, "read by memcpy after the frame") {
    const fa::smart_alloc a{with(fa::code::FA002)};
    a.begin_frame();
    BORN; void* p = a.frame_alloc_bytes(4000);
    DIED; a.end_frame();
    static char to[4000];
    void* (*volatile copy)(void*, const void*, std::size_t) = std::memcpy;
    OFFENCE; copy(to, p, 4000);
}
CASE(objects, "sorted after the frame") {
    const fa::smart_alloc a{with(fa::code::FA002)};
    a.begin_frame();
    BORN; const auto numbers = a.frame_alloc_batch<int>(400);
    DIED; a.end_frame();
    OFFENCE; std::sort(numbers.begin(), numbers.end());
}

constexpr const char* limits = "offences: limits";
fa::options limited() {
    auto o = with(fa::code::FA003);
    o.global_limit = 2_MiB;
    return o;
}
constexpr std::size_t much = 8'000'000;
struct page {
    char bytes[4000];
};
CASE(limits, "frame memory") {
    const fa::smart_alloc a{limited()};
    const auto frame = a.frame_scope();
    OFFENCE; static_cast<void>(frame.alloc_bytes(much));
}
CASE(limits, "frame_alloc_batch") {
    const fa::smart_alloc a{limited()};
    a.begin_frame();
    OFFENCE; static_cast<void>(a.frame_alloc_batch<char>(much));
}
CASE(limits, "frame_box") {
    const fa::smart_alloc a{limited()};
    const auto frame = a.frame_scope();
    OFFENCE; const auto box = frame.box<char[]>(much);
}
CASE(limits, "pool memory") {
    const fa::smart_alloc a{limited()};
    OFFENCE; static_cast<void>(a.pool_alloc_bytes(much));
}
CASE(limits, "pool memory, small blocks") {
    const fa::smart_alloc a{limited()};
    OFFENCE; while (a.pool_alloc<plain>() != nullptr) continue;
}
CASE(limits, "pool_box, small ones") {
    const fa::smart_alloc a{limited()};
    OFFENCE; while (a.pool_box<plain>().release() != nullptr) continue;
}
CASE(limits, "heap memory") {
    const fa::smart_alloc a{limited()};
    OFFENCE; static_cast<void>(a.heap_alloc_bytes(much));
}
CASE(limits, "heap_box") {
    const fa::smart_alloc a{limited()};
    OFFENCE; const auto box = a.heap_box<char[]>(much);
}
CASE(limits, "frame_vec, growth") {
    const fa::smart_alloc a{limited()};
    const auto frame = a.frame_scope();
    auto v = frame.vec<char>();
    OFFENCE; v.resize(much);
}
CASE(limits, "pool_vec, growth") {
    const fa::smart_alloc a{limited()};
    auto v = a.pool_vec<int>();
    OFFENCE; for (;;) v.push_back(1);
}
CASE(limits, "heap_vec, made") {
    const fa::smart_alloc a{limited()};
    OFFENCE; const auto v = a.heap_vec<char>(much);
}
CASE(limits, "frame_map, reserve") {
    const fa::smart_alloc a{limited()};
    const auto frame = a.frame_scope();
    auto m = frame.map<int, int>();
    OFFENCE; m.reserve(much);
}
CASE(limits, "frame_string, append") {
    const fa::smart_alloc a{limited()};
    const auto frame = a.frame_scope();
    auto s = frame.string();
    OFFENCE; s.append(much, 'x');
}
CASE(limits, "frame_span_for_transfer") {
    const fa::smart_alloc a{limited()};
    OFFENCE; const auto h = a.frame_span_for_transfer<char>(much);
}
CASE(limits, "frame_limit") {
    auto o = with(fa::code::FA003);
    o.frame_limit = 1000;
    const fa::smart_alloc a{o};
    const auto frame = a.frame_scope();
    OFFENCE; static_cast<void>(frame.make<page>());
}
CASE(limits, "thread budget, pool") {
    const fa::smart_alloc a{with(fa::code::FA003)};
    a.set_thread_pool_budget(1000);
    a.on_budget_exceeded(fa::budget_policy::fail);
    OFFENCE; while (a.pool_alloc<plain>() != nullptr) continue;
}
CASE(limits, "sealed") {
    const fa::smart_alloc a{with(fa::code::FA003)};
    a.seal();
    OFFENCE; const auto box = a.heap_box<char[]>(much);
}
CASE(limits, "queue of freed blocks") {
    const fa::smart_alloc a{with(fa::code::FA213)};
    a.set_deferred({.full_policy = fa::queue_full_policy::fail, .capacity = 1});
    fa::pool_box<plain> first = a.pool_box<plain>(), second = a.pool_box<plain>(), third = a.pool_box<plain>();
    std::thread([&] {
        first.reset(), second.reset(), third.reset();
        OFFENCE; a.process_deferred_frees();
    }).join();
}
CASE(limits, "budget warning, frame") {
    const fa::smart_alloc a{with(fa::code::FA311)};
    const auto frame = a.frame_scope();
    a.set_thread_frame_budget(1000);
    OFFENCE; static_cast<void>(frame.alloc_bytes(4000));
}
CASE(limits, "budget warning, frame_make") {
    const fa::smart_alloc a{with(fa::code::FA311)};
    const auto frame = a.frame_scope();
    a.set_thread_frame_budget(1000);
    OFFENCE; static_cast<void>(frame.make<page>());
}
CASE(limits, "budget warning, frame_vec") {
    const fa::smart_alloc a{with(fa::code::FA311)};
    const auto frame = a.frame_scope();
    a.set_thread_frame_budget(1000);
    auto v = frame.vec<char>();
    OFFENCE; v.reserve(4000);
}
CASE(limits, "budget warning, pool") {
    const fa::smart_alloc a{with(fa::code::FA311)};
    a.set_thread_pool_budget(1000);
    OFFENCE; for (int i = 0; i < 99; ++i) static_cast<void>(a.pool_alloc<plain>());
}
CASE(limits, "budget warning, pmr") {
    const fa::smart_alloc a{with(fa::code::FA311)};
    a.set_thread_pool_budget(1000);
    std::pmr::list<plain> l(a.pool_resource());
    OFFENCE; for (int i = 0; i < 99; ++i) l.emplace_back();
}

// --- the C interface ---

constexpr const char* c_interface = "C interface";
void hear_c(void*, const fa_fault* f) {
    if (f->code != static_cast<int>(want->what) || want->heard) return;
    want->heard = true;
    tell("offence", want->where, f->place[0] == '\0' ? "-" : f->place);
    _exit(0);
}
fa_allocator* c_allocator(fa::code what) {
    want->what = what;
    fa_options o{};
    o.name = "places";
    o.on_fault = hear_c;
    return fa_create(&o);
}
CASE(c_interface, "fa_frame_end, an inner frame is open") {
    fa_allocator* a = c_allocator(fa::code::FA428);
    fa_frame* frame = fa_frame_begin(a);
    fa_frame* inner = fa_frame_begin(a);
    OFFENCE; fa_frame_end(frame);
    fa_frame_end(inner);
}
CASE(c_interface, "fa_frame_alloc, odd alignment") {
    fa_allocator* a = c_allocator(fa::code::FA431);
    fa_frame* frame = fa_frame_begin(a);
    OFFENCE; void* p = fa_frame_alloc(frame, 9, 3);
    fa_pool_free(a, p, 9, 0);
}
CASE(c_interface, "fa_pool_free, twice") {
    fa_allocator* a = c_allocator(fa::code::FA411);
    void* p = hidden(fa_pool_alloc(a, 40, 0));
    void* again = hidden(p);
    fa_pool_free(a, p, 40, 0);
    OFFENCE; fa_pool_free(a, again, 40, 0);
}
CASE(c_interface, "fa_heap_free, another size") {
    fa_allocator* a = c_allocator(fa::code::FA418);
    void* p = fa_heap_alloc(a, 40, 0);
    OFFENCE; fa_heap_free(a, p, 41, 0);
}
CASE(c_interface, "fa_pool_alloc, odd alignment") {
    fa_allocator* a = c_allocator(fa::code::FA431);
    OFFENCE; void* p = fa_pool_alloc(a, 40, 3);
    fa_pool_free(a, p, 40, 0);
}
CASE(c_interface, "fa_tag_end, out of order") {
    fa_allocator* a = c_allocator(fa::code::FA429);
    fa_tag outer, inner;
    fa_tag_begin(&outer, a, "outer");
    fa_tag_begin(&inner, a, "inner");
    OFFENCE; fa_tag_end(&outer);
    fa_tag_end(&inner);
}
CASE(c_interface, "fa_check") {
    fa_allocator* a = c_allocator(fa::code::FA412);
    char* p = hidden(static_cast<char*>(fa_pool_alloc(a, 40, 0)));
    hidden(p)[40] = 1;
    OFFENCE; static_cast<void>(fa_check(a));
}
CASE(c_interface, "fa_trim") {
    fa_allocator* a = c_allocator(fa::code::FA419);
    char* p = hidden(static_cast<char*>(fa_pool_alloc(a, 40, 0)));
    char* dead = hidden(p);
    fa_pool_free(a, p, 40, 0);
    dead[20] = 1;
    OFFENCE; fa_trim(a);
}
CASE(c_interface, "fa_destroy, a leak") {
    fa_allocator* a = c_allocator(fa::code::FA424);
    static_cast<void>(hidden(fa_pool_alloc(a, 40, 0)));
    OFFENCE; fa_destroy(a);
}

CASE(c_interface, "fa_malloc, fa_free, twice") {
    fa_allocator* a = c_allocator(fa::code::FA411);
    fa_hook* h = fa_hook_create(a, FA_HEAP, "library");
    void* p = hidden(fa_malloc(h, 40));
    void* again = hidden(p);
    fa_free(h, p);
    OFFENCE; fa_free(h, again);
}
CASE(c_interface, "fa_calloc, written behind") {
    fa_allocator* a = c_allocator(fa::code::FA412);
    fa_hook* h = fa_hook_create(a, FA_POOL, nullptr);
    char* p = hidden(static_cast<char*>(fa_calloc(h, 10, 4)));
    hidden(p)[40] = 1;
    OFFENCE; fa_free(h, p);
}
CASE(c_interface, "fa_realloc, of what is freed") {
    fa_allocator* a = c_allocator(fa::code::FA411);
    fa_hook* h = fa_hook_create(a, FA_HEAP, nullptr);
    void* p = hidden(fa_malloc(h, 40));
    void* again = hidden(p);
    fa_free(h, p);
    OFFENCE; p = fa_realloc(h, again, 80);
}
CASE(c_interface, "fa_realloc moved it") {
    fa_allocator* a = c_allocator(fa::code::FA411);
    fa_hook* h = fa_hook_create(a, FA_HEAP, nullptr);
    void* p = hidden(fa_malloc(h, 40));
    void* old = hidden(p);
    p = fa_realloc(h, p, 80);
    OFFENCE; fa_free(h, old);
}
CASE(c_interface, "fa_aligned_alloc, odd alignment") {
    fa_allocator* a = c_allocator(fa::code::FA431);
    fa_hook* h = fa_hook_create(a, FA_HEAP, nullptr);
    OFFENCE; void* p = fa_aligned_alloc(h, 3, 40);
    fa_free(h, p);
}
CASE(c_interface, "fa_hook_create, of frame memory") {
    fa_allocator* a = c_allocator(fa::code::FA445);
    OFFENCE; static_cast<void>(fa_hook_create(a, static_cast<fa_kind>(0), nullptr));
}
CASE(c_interface, "fa_hook_destroy, the last handle, a leak") {
    fa_allocator* a = c_allocator(fa::code::FA424);
    fa_hook* h = fa_hook_create(a, FA_HEAP, nullptr);
    static_cast<void>(hidden(fa_malloc(h, 40)));
    fa_destroy(a);
    OFFENCE; fa_hook_destroy(h);
}

// --- hooks ---

constexpr const char* hooks = "hooks";
#define HOOK_CASE(name, kind, birth, death)                    \
    CASE(hooks, name) {                                        \
        const fa::smart_alloc a{with(fa::code::FA411)};        \
        const fa::hook h{a, fa::memory_kind::kind, "library"}; \
        BORN; void* p = hidden(birth);                         \
        DIED; death;                                           \
        OFFENCE; h.deallocate(hidden(p));                      \
    }
HOOK_CASE("allocate", heap, h.allocate(40), h.deallocate(p))
HOOK_CASE("allocate, pool", pool, h.allocate(4000), h.deallocate(p))
HOOK_CASE("allocate, large", heap, h.allocate(40'000), h.deallocate(p))
HOOK_CASE("allocate_zeroed", heap, h.allocate_zeroed(40), h.deallocate(p, 40))
HOOK_CASE("reallocate of nothing", heap, h.reallocate(nullptr, 40), static_cast<void>(h.reallocate(p, 0)))
HOOK_CASE("moved by reallocate", heap, h.allocate(40), static_cast<void>(h.reallocate(p, 80)))
HOOK_CASE("moved by resize", pool, h.allocate(40), static_cast<void>(h.resize(p, 40, 8000)))
HOOK_CASE("try_allocate", pool, h.try_allocate(40, 16), h.deallocate(p, 40))
CASE(hooks, "deallocate, another size") {
    const fa::smart_alloc a{with(fa::code::FA418)};
    const fa::hook h{a};
    BORN; void* p = hidden(h.allocate(40));
    OFFENCE; h.deallocate(p, 41);
}
CASE(hooks, "deallocate, of another kind") {
    const fa::smart_alloc a{with(fa::code::FA417)};
    const fa::hook h{a}, pool{a, fa::memory_kind::pool};
    BORN; void* p = hidden(pool.allocate(40));
    OFFENCE; h.deallocate(p);
}
CASE(hooks, "reallocate, of what is freed") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    const fa::hook h{a};
    BORN; void* p = hidden(h.allocate(40));
    DIED; h.deallocate(p);
    OFFENCE; p = h.reallocate(hidden(p), 80);
}
CASE(hooks, "of frame memory") {
    const fa::smart_alloc a{with(fa::code::FA445)};
    OFFENCE; const fa::hook h{a, fa::memory_kind::frame};
}
const fa::smart_alloc& bound_memory() {
    static const fa::smart_alloc a{with(fa::code::FA418)};
    return a;
}
CASE(hooks, "bound_allocator") {
    fa::bound_allocator<int, bound_memory> bound;
    BORN; int* p = hidden(bound.allocate(10));
    OFFENCE; bound.deallocate(p, 11);
}

// --- callers: only the instruction identifies the place of a box's allocation and free ---

constexpr const char* callers = "callers";
CASE(callers, "a lambda in std::for_each") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    std::vector<plain*> blocks(2);
    BORN; blocks[0] = blocks[1] = a.pool_box<plain>().release();
    bool first = true;
    std::for_each(blocks.begin(), blocks.end(), [&](plain* p) {
        if (std::exchange(first, false)) {
            fa::pool_box<plain> box(p);
            DIED; box.reset();
            return;
        }
        OFFENCE; const fa::pool_box<plain> box(p);  // of the freed block
    });
}
CASE(callers, "std::function") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; auto box = a.pool_box<plain>();
    fa::pool_box<plain> copy(hidden(box.get()));
    const std::function<void()> first = [&] {
        DIED; box.reset();
    };
    const std::function<void()> second = [&] {
        OFFENCE; copy.reset();
    };
    first();
    second();
}
CASE(callers, "std::thread") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    fa::pool_box<plain> box;
    std::thread([&] {
        BORN; box = a.pool_box<plain>();
    }).join();
    fa::pool_box<plain> copy(hidden(box.get()));
    std::thread([&] {
        DIED; box.reset();
    }).join();
    std::thread([&] {
        OFFENCE; copy.reset();
    }).join();
}
CASE(callers, "with_tag") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    fa::pool_box<plain> box;
    a.with_tag("ai", [&] {
        BORN; box = a.pool_box<plain>();
    });
    fa::pool_box<plain> copy(hidden(box.get()));
    a.with_tag(fa::tag("ai"), [&] {
        DIED; box.reset();
    });
    a.with_tag("ai", [&](const fa::smart_alloc&) {
        OFFENCE; copy.reset();
    });
}
CASE(callers, "speculative") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    const auto frame = a.frame_scope();
    fa::pool_box<plain> box;
    a.speculative([&] {
        BORN; box = a.pool_box<plain>();
    });
    fa::pool_box<plain> copy(hidden(box.get()));
    a.speculative([&] {
        DIED; box.reset();
        return true;
    });
    a.speculative([&](const fa::smart_alloc&) {
        OFFENCE; copy.reset();
    });
}
struct member_template {
    const fa::smart_alloc& a;
    template <class T>
    [[gnu::noinline]] fa::pool_box<T> make() const {
        BORN; return a.pool_box<T>();
    }
    template <class T>
    [[gnu::noinline]] void drop(fa::pool_box<T>& box) const {
        DIED; box.reset();
        __asm__ volatile("");
    }
};
CASE(callers, "a member function template") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    const member_template m{a};
    auto box = m.make<plain>();
    void* p = box.get();
    m.drop(box);
    free_again(a, p, sizeof(plain));
}
[[gnu::noinline]] void drop_last(fa::pool_box<plain>& box) {
    DIED; box.reset();
}
CASE(callers, "a tail call") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; auto box = a.pool_box<plain>();
    void* p = box.get();
    drop_last(box);
    free_again(a, p, sizeof(plain));
}
[[gnu::noinline]] void grow_last(fa::pool_vec<int>& v) {
    DIED; v.reserve(99);
}
CASE(callers, "a tail call of a container") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; auto v = a.pool_vec<int>(3);
    void* p = v.data();
    grow_last(v);
    free_again(a, p, 3 * sizeof(int));
}
[[gnu::noinline]] void give_last(const fa::smart_alloc& a, plain* p) {
    DIED; a.pool_free(p);
}
CASE(callers, "a tail call that carries its line") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; plain* p = hidden(a.pool_alloc<plain>());
    give_last(a, p);
    OFFENCE; a.pool_free(p);
}
// Called from several places, so that its caller is not inlined.
struct dropper {
    fa::pool_box<plain>* box;
    bool operator()() const {
        DIED; box->reset();
        const int stays = *hidden(&want->born);
        return stays != 0;
    }
};
[[gnu::noinline]] void use_droppers(const fa::smart_alloc& a, const dropper& d) {
    a.with_tag("ai", d);
    a.with_tag("physics", d);
    a.with_tag("audio", d);
}
CASE(callers, "with_tag, a function object") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; auto box = a.pool_box<plain>();
    void* p = box.get();
    use_droppers(a, dropper{hidden(&box)});
    free_again(a, p, sizeof(plain));
}
[[gnu::noinline]] void speculate_with_droppers(const fa::smart_alloc& a, const dropper& d) {
    a.speculative(d);
    a.speculative(d);
    a.speculative(d);
}
CASE(callers, "speculative, a function object") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    const auto frame = a.frame_scope();
    BORN; auto box = a.pool_box<plain>();
    void* p = box.get();
    speculate_with_droppers(a, dropper{hidden(&box)});
    free_again(a, p, sizeof(plain));
}
CASE(callers, "erase_if") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    auto boxes = a.heap_vec<fa::pool_box<plain>>();
    BORN; boxes.push_back(a.pool_box<plain>());
    void* p = boxes[0].get();
    OR_DIED; boxes.erase_if([](fa::pool_box<plain>& box) {
        DIED; box.reset();
        return true;
    });
    free_again(a, p, sizeof(plain));
}
struct node {
    explicit node(fa::pool_box<plain>&& b) noexcept : box(std::move(b)) {}
    node(node&&) noexcept = default;
    fa::pool_box<plain> box;
    ~node() {
        DIED; box.reset();
    }
};
CASE(callers, "a destructor in a frame") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    void* p = nullptr;
    {
        const auto frame = a.frame_scope();
        BORN; p = frame.make<node>(a.pool_box<plain>())->box.get();
    OR_DIED; }
    free_again(a, p, sizeof(plain));
}
CASE(callers, "a destructor in a vec") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    auto v = a.heap_vec<node>();
    BORN; v.emplace_back(a.pool_box<plain>());
    void* p = v[0].box.get();
    OR_DIED; v.clear();
    free_again(a, p, sizeof(plain));
}
CASE(callers, "a destructor in a std::list") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    std::list<node> l;
    BORN; l.emplace_back(a.pool_box<plain>());
    void* p = l.front().box.get();
    OR_DIED; l.clear();
    free_again(a, p, sizeof(plain));
}
struct task {
    struct promise_type {
        task get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() {}
    };
    std::coroutine_handle<promise_type> handle;
};
task use_box(const fa::smart_alloc& a, plain** p) {
    BORN; auto box = a.pool_box<plain>();
    *p = box.get();
    co_await std::suspend_always();
    DIED; box.reset();
    co_await std::suspend_always();
    OFFENCE; const fa::pool_box<plain> again(*hidden(p));
}
CASE(callers, "a coroutine") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    plain* p = nullptr;
    const task t = use_box(a, &p);
    for (int i = 0; i < 3; ++i) t.handle.resume();
}
[[gnu::noinline]] void virtual_call(const std::function<void()>& f) { f(); }
CASE(callers, "a bound function") {
    const fa::smart_alloc a{with(fa::code::FA411)};
    BORN; auto box = a.pool_box<plain>();
    void* p = box.get();
    virtual_call(std::bind(drop_last, std::ref(box)));
    free_again(a, p, sizeof(plain));
}

fa::smart_alloc& global() {
    static fa::smart_alloc a{{.name = "global", .on_fault = hear}};
    return a;
}
int born_before_main;
plain* before_main = (born_before_main = __LINE__, global().pool_box<plain>().release());
CASE(callers, "a static initialiser") {
    want->what = fa::code::FA412;
    want->born = born_before_main;
    hidden(before_main->bytes)[64] = 1;
    OFFENCE; global().check();
}
// Not a call of the program: the thread is ending.
CASE(callers, "the end of a thread") {
    const fa::smart_alloc a{with(fa::code::FA428)};
    std::thread([&] {
        BORN; a.begin_frame();
    }).join();
}
CASE(callers, "the end of the program") {
    want->what = fa::code::FA424;
    static fa::smart_alloc a{{.name = "global", .on_fault = hear}};
    BORN; static_cast<void>(a.heap_box<rich>().release());
    OFFENCE; std::exit(0);
}

// --- what the program does while a call of its own is interrupted by the library ---

constexpr const char* inside = "user code inside calls";
fa::hook* asked_inside;
void* taken_inside;
void lose_inside() {
    if (taken_inside != nullptr) return;
    BORN; taken_inside = asked_inside->allocate(sizeof(rich));
}
// What was allocated inside the call is freed twice afterwards.
void report_inside() {
    fa::pool_box<rich> box(static_cast<rich*>(hidden(taken_inside)));
    DIED; box.reset();
    OFFENCE; fa::pool_box<rich> again(static_cast<rich*>(hidden(taken_inside)));
}
struct allocates_at_its_end {
    ~allocates_at_its_end() { lose_inside(); }
};
struct inlined_at_its_end {
    ~inlined_at_its_end() {
        if (taken_inside != nullptr) return;
        BORN; taken_inside = asked_inside->allocate(sizeof(rich));
    }
};
template <class T>
void destroyed_with_its_frame() {
    fa::smart_alloc a{with(fa::code::FA411)};
    fa::hook h{a, fa::memory_kind::pool, "inside"};
    asked_inside = &h;
    a.begin_frame();
    static_cast<void>(a.frame_make<T>());
    a.end_frame();
    report_inside();
}
CASE(inside, "a destructor, end_frame") { destroyed_with_its_frame<allocates_at_its_end>(); }
CASE(inside, "a destructor that is inlined, end_frame") { destroyed_with_its_frame<inlined_at_its_end>(); }
CASE(inside, "a destructor of an array that is inlined, end_frame") {
    fa::smart_alloc a{with(fa::code::FA411)};
    fa::hook h{a, fa::memory_kind::pool, "inside"};
    asked_inside = &h;
    a.begin_frame();
    static_cast<void>(a.frame_slice<inlined_at_its_end>(3));
    a.end_frame();
    report_inside();
}
CASE(inside, "a destructor, rollback_to") {
    fa::smart_alloc a{with(fa::code::FA411)};
    fa::hook h{a, fa::memory_kind::pool, "inside"};
    asked_inside = &h;
    a.begin_frame();
    const auto mark = a.frame_checkpoint();
    static_cast<void>(a.frame_make<inlined_at_its_end>());
    a.rollback_to(mark);
    a.end_frame();
    report_inside();
}
CASE(inside, "a budget handler") {
    fa::smart_alloc a{with(fa::code::FA411)};
    fa::hook h{a, fa::memory_kind::pool, "inside"};
    asked_inside = &h;
    a.set_thread_frame_budget(1000);
    a.on_budget_exceeded(fa::budget_policy::custom, [](const fa::budget_event&) {
        if (taken_inside != nullptr) return true;
        BORN; taken_inside = asked_inside->allocate(sizeof(rich));
        return true;
    });
    a.begin_frame();
    static_cast<void>(a.frame_alloc_bytes(2000));
    a.end_frame();
    report_inside();
}
CASE(inside, "an exhaustion handler") {
    fa::options o = with(fa::code::FA411);
    o.frame_limit = 100'000;
    const auto refuse = [](const fa::exhaustion&) {
        BORN; taken_inside = asked_inside->allocate(sizeof(rich));
        report_inside();
        return false;
    };
    o.on_exhaustion = refuse;
    fa::smart_alloc a{o};
    fa::hook h{a, fa::memory_kind::pool, "inside"};
    asked_inside = &h;
    a.begin_frame();
    static_cast<void>(a.frame_alloc_bytes(200'000));
}
CASE(inside, "a fault handler") {
    fa::options o = with(fa::code::FA411);
    const auto handle = [](const fa::fault& f) {
        if (f.what != fa::code::FA428) return hear(f);
        BORN; taken_inside = asked_inside->allocate(100);
    };
    o.on_fault = handle;
    o.strict = fa::strictness::warn;
    fa::smart_alloc a{o};
    fa::hook h{a, fa::memory_kind::pool, "inside"};
    asked_inside = &h;
    a.end_frame();
    DIED; a.pool_free_bytes(taken_inside, 100);
    OFFENCE; a.pool_free_bytes(hidden(taken_inside), 100);
}
CASE(inside, "an observer") {
    fa::smart_alloc a{with(fa::code::FA411)};
    fa::hook h{a, fa::memory_kind::pool, "inside"};
    asked_inside = &h;
    a.lifecycle().enable([](const fa::frame_event& e) {
        if (e.kind != fa::frame_event_kind::frame_begin || taken_inside != nullptr) return;
        BORN; taken_inside = asked_inside->allocate(sizeof(rich));
    });
    a.begin_frame();
    a.end_frame();
    a.lifecycle().disable();
    report_inside();
}

// --- faults for which there is no allocator ---

constexpr const char* nobodys = "offences: the process";
alignas(65536) char zeros[1 << 17];
CASE(nobodys, "receive() of a handle that was never given one") {
    want->what = fa::code::FA434;
    fa::transfer_handle<int> h;
    OFFENCE; auto b = std::move(h).receive();
}
CASE(nobodys, "a pool_box of foreign memory") {
    want->what = fa::code::FA414;
    OFFENCE; fa::pool_box<plain> b(reinterpret_cast<plain*>(hidden(zeros) + 70'000));
}
CASE(nobodys, "erase of an empty vec without a source") {
    want->what = fa::code::FA439;
    fa::pool_vec<int> v;
    OFFENCE; v.erase(v.begin());
}
CASE(nobodys, "value of a key that a map has not") {
    want->what = fa::code::FA439;
    const fa::smart_alloc a;
    auto m = a.pool_map<int, int>({{1, 2}});
    OFFENCE; m.find(3)->second = 4;
}
CASE(nobodys, "entry at the end of a map") {
    want->what = fa::code::FA439;
    const fa::smart_alloc a;
    const auto m = a.heap_map<int, int>({{1, 2}});
    auto i = m.begin();
    ++i;
    OFFENCE; static_cast<void>(*hidden(&*i));
}
CASE(nobodys, "first entry of an empty map") {
    want->what = fa::code::FA439;
    const fa::smart_alloc a;
    const auto frame = a.frame_scope();
    const auto m = frame.map<int, int>();
    OFFENCE; static_cast<void>(*hidden(&m.begin()->second));
}
CASE(nobodys, "step past the end of a map") {
    want->what = fa::code::FA439;
    const fa::smart_alloc a;
    auto m = a.pool_map<int, int>({{1, 2}});
    auto i = m.end();
    OFFENCE; ++i;
}
CASE(nobodys, "try_insert of a map without a source") {
    want->what = fa::code::FA440;
    fa::pool_map<int, int> m;
    OFFENCE; static_cast<void>(m.try_insert(1, 2));
}
CASE(nobodys, "into_inner() of an empty pool_box") {
    want->what = fa::code::FA444;
    fa::pool_box<plain> b;
    OFFENCE; static_cast<void>(std::move(*hidden(&b)).into_inner());
}

// --- the parent ---

// A report to standard error that no allocator receives: "PLACE: framealloc: FA…", and the program ends.
void tell_printed(const char* text) {
    char code[16];
    std::snprintf(code, sizeof code, "FA%03u", static_cast<unsigned>(want->what));
    const char* found = std::strstr(text, code);
    if (found == nullptr) return;
    want->heard = true;
    const std::string before(text, found);
    const std::size_t begin = before.rfind('\n') + 1, end = before.rfind(": framealloc: ");
    std::string place = end == std::string::npos || end < begin ? "-" : before.substr(begin, end - begin);
    if (const std::size_t slash = place.rfind('/'); slash != std::string::npos) place.erase(0, slash + 1);
    tell("offence", want->where, place.c_str());
}

void run(const listed& c) {
    current_group = c.group;
    current_name = c.name;
    *want = {};
    int ends[2];
    if (pipe(ends) != 0) std::abort();
    const pid_t child = fork();
    if (child == 0) {
        alarm(20);
        dup2(ends[1], STDERR_FILENO);
        if (c.birth != nullptr) run_birth(c.birth);
        else c.program();
        _exit(0);
    }
    close(ends[1]);
    std::string text;
    char part[4000];
    for (ssize_t n = 0; (n = read(ends[0], part, sizeof part)) > 0;) text.append(part, static_cast<std::size_t>(n));
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (!want->heard) tell_printed(text.c_str());
    if (!want->heard) tell("offence", want->where, ("nothing was said; " + text.substr(0, 150)).c_str());
}

}  // namespace

int main(int argc, char** argv) {
    want = static_cast<expectation*>(mmap(nullptr, sizeof(expectation), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    const char* only = argc > 1 ? argv[1] : "";
    for (const listed& c : all()) {
        if (std::strstr(c.group, only) != nullptr || std::strstr(c.name, only) != nullptr) run(c);
    }
    return 0;
}
