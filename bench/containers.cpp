// Vectors, strings and lists, in frames and elsewhere.
#include <list>
#include <string>

#include "frame_sources.hpp"

namespace bench {

namespace {

// std::allocator's interface over one of the mallocs.
template <class T>
struct malloc_allocator {
    using value_type = T;
    explicit malloc_allocator(const functions* calls) : f(calls) {}
    template <class U>
    malloc_allocator(const malloc_allocator<U>& other) : f(other.f) {}
    T* allocate(std::size_t n) { return static_cast<T*>(f->allocate(n * sizeof(T))); }
    void deallocate(T* p, std::size_t) { f->free(p); }
    template <class U>
    friend bool operator==(const malloc_allocator& a, const malloc_allocator<U>& b) {
        return a.f == b.f;
    }
    const functions* f;
};

template <class Body>
contestant passes(std::string name, Body body) {
    return {.name = std::move(name), .make = [body] { return run(body); }};
}
// For each malloc: body(malloc_allocator<long>).
template <class Body>
void passes_on_mallocs(workload& w, Body body) {
    for (const malloc_rival& r : malloc_rivals()) {
        contestant c{.name = r.name, .missing = r.missing};
        if (r.missing.empty())
            c.make = [f = &r.calls, body] { return run([f, body] { return body(malloc_allocator<long>(f)); }); };
        w.contestants.push_back(std::move(c));
    }
}
std::shared_ptr<known_monotonic> monotonic_resource() { return monotonic{}.own; }

template <class V>
[[gnu::noinline]] double pushed(V&& v, long n) {
    for (long i = 0; i < n; ++i) {
        v.push_back(i);
        fence();
    }
    return static_cast<double>(v[static_cast<std::size_t>(n) / 2]);
}
void add_pushes(workloads& all, long n, const char* name, const std::string& sentence, std::vector<gate> gates) {
    workload w{.group = "containers", .name = name, .sentence = sentence, .operations = static_cast<double>(n)};
    w.contestants = {passes(ours_name,
                            [n] {
                                const auto frame = ours().frame_scope();
                                return pushed(frame.vec<long>(), n);
                            }),
                     passes("std::vector in a frame",
                            [n] {
                                const auto frame = ours().frame_scope();
                                using in_frame = fa::frame_allocator<long>;
                                return pushed(std::vector<long, in_frame>(in_frame(frame)), n);
                            }),
                     passes("std::vector", [n] { return pushed(std::vector<long>(), n); }),
                     passes("pmr::vector, monotonic", [n, r = monotonic_resource()] {
                         const double d = pushed(std::pmr::vector<long>(r.get()), n);
                         r->release();
                         return d;
                     })};
    passes_on_mallocs(w, [n](auto a) { return pushed(std::vector<long, decltype(a)>(a), n); });
    w.gates = std::move(gates);
    all.push_back(std::move(w));
}

void add_assign(workloads& all) {
    static const std::vector<long> from = [] {
        std::vector<long> v(10'000);
        for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<long>(i);
        return v;
    }();
    workload w{.group = "containers",
               .name = "vec assign",
               .sentence = "10,000 longs are assigned, as a range, to a vector that has room for them; time of all.",
               .operations = 1};
    const auto assigned = [](auto& v) {
        v.assign(from.begin(), from.end());
        keep(v.data());
        return static_cast<double>(v[5'000]);
    };
    w.contestants = {
        {.name = ours_name,
         .make = [assigned] { return run([assigned, v = ours().heap_vec<long>()]() mutable { return assigned(v); }); }},
        {.name = "framealloc, frame_vec",
         .make =
             [assigned] {
                 return run([assigned] {
                     const auto frame = ours().frame_scope();
                     auto v = frame.vec<long>(fa::capacity(10'000));
                     return assigned(v);
                 });
             }},
        {.name = "std::vector",
         .make = [assigned] { return run([assigned, v = std::vector<long>()]() mutable { return assigned(v); }); }}};
    w.gates = row("vec assign(range) of trivial types",
                  {{"std::vector", 1.0}, {"std::vector", 1.0, "framealloc, frame_vec"}});
    all.push_back(std::move(w));
}

// A frame and a string in it that stay.
struct standing_string {
    fa::smart_alloc alloc{};
    fa::frame_scope frame{alloc};
    decltype(frame.string()) text = frame.string();
};

void add_resize(workloads& all) {
    workload w{.group = "containers",
               .name = "string resize",
               .sentence = "A string that has room is cleared and resized to 65,536 characters; time of both.",
               .operations = 1};
    const auto resized = [](auto& s) {
        s.clear();
        s.resize(65'536, 'x');
        keep(s.data());
        return static_cast<double>(s[40'000]);
    };
    w.contestants = {
        {.name = ours_name,
         .make =
             [resized] {
                 return run([resized, s = std::make_shared<standing_string>()] { return resized(s->text); });
             }},
        {.name = "std::string",
         .make = [resized] { return run([resized, s = std::string()]() mutable { return resized(s); }); }}};
    w.gates = row("string resize to 64 K", {{"std::string", 1.0}});
    all.push_back(std::move(w));
}

void add_short_strings(workloads& all) {
    static volatile std::size_t five = 5;
    workload w{
        .group = "containers",
        .name = "short string",
        .sentence = "A string of five characters is made, five more are appended, and it is dropped; time of all.",
        .operations = 100};
    const auto made = [](auto&& make) {
        double sum = 0;
        for (int i = 0; i < 100; ++i) {
            auto s = make(std::string_view("hello", five));
            s.append(std::string_view("world", five));
            keep(s.data());
            sum += static_cast<double>(s.size());
        }
        return sum;
    };
    w.contestants = {
        passes(ours_name,
               [made] {
                   const auto frame = ours().frame_scope();
                   return made([&](std::string_view text) { return frame.string(text); });
               }),
        passes("std::string", [made] { return made([](std::string_view text) { return std::string(text); }); }),
        passes("pmr::string, monotonic", [made, r = monotonic_resource()] {
            const double d = made([&](std::string_view text) { return std::pmr::string(text, r.get()); });
            r->release();
            return d;
        })};
    all.push_back(std::move(w));
}

template <class L>
[[gnu::noinline]] double listed(L&& list) {
    for (long i = 0; i < 1000; ++i) list.push_back(i);
    keep(&list);
    return static_cast<double>(list.size());
}
void add_lists(workloads& all) {
    workload w{.group = "containers",
               .name = "std::list",
               .sentence = "1,000 elements are pushed to a std::list, which is destroyed; time of one element.",
               .operations = 1000};
    using in_frame = fa::frame_allocator<long>;
    w.contestants = {passes(ours_name,
                            [] {
                                const auto frame = ours().frame_scope();
                                return listed(std::list<long, in_frame>(in_frame(frame)));
                            }),
                     passes("framealloc, pool_allocator",
                            [] {
                                using in_pool = fa::pool_allocator<long>;
                                return listed(std::list<long, in_pool>(in_pool(ours())));
                            }),
                     passes("std::list", [] { return listed(std::list<long>()); }),
                     passes("pmr::list, monotonic", [r = monotonic_resource()] {
                         const double d = listed(std::pmr::list<long>(r.get()));
                         r->release();
                         return d;
                     })};
    passes_on_mallocs(w, [](auto a) { return listed(std::list<long, decltype(a)>(a)); });
    w.gates = {{"pmr::list, monotonic", 1.0}};
    all.push_back(std::move(w));
}

}  // namespace

void add_containers(workloads& all) {
    add_pushes(all, 1000, "vec push 1,000",
               "1,000 longs are pushed to a vector that has no room, which is dropped; time of one push.",
               row("frame_vec, push of 1,000", {{"std::vector", 0.9}, {"pmr::vector, monotonic", 0.9}}));
    add_pushes(all, 100'000, "vec push 100,000",
               "100,000 longs are pushed to a vector that has no room, which is dropped; time of one push.",
               {{"std::vector", 0.9}, {"pmr::vector, monotonic", 0.9}});
    add_assign(all);
    add_resize(all);
    add_short_strings(all);
    add_lists(all);
}

}  // namespace bench
