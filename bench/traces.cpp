// Replays a recorded program with one rival after the other.
#include "traces.hpp"

#include <algorithm>
#include <cstring>

#include "replay/program.hpp"
#include "sources.hpp"

namespace bench {

namespace {

struct recorded {
    std::string name;
    replay::program program;
    fa::options frames;
};
std::vector<recorded>& loaded() {
    static std::vector<recorded> all;
    return all;
}

// What is cleared or copied of a block: all, or an OS page at each end of one that is larger than 1 MiB; of those the
// trace does not tell which pages were used.
template <class F>
void each_used_part(std::size_t bytes, F f) {
    if (bytes <= replay::stamped_whole) return f(std::size_t{0}, bytes);
    f(std::size_t{0}, std::size_t{4096});
    f(bytes - 4096, std::size_t{4096});
}
void* copied(void* to, const void* from, std::size_t bytes) {
    each_used_part(bytes, [&](std::size_t at, std::size_t n) {
        std::memcpy(static_cast<char*>(to) + at, static_cast<const char*>(from) + at, n);
    });
    return to;
}

struct trace_malloc {
    explicit trace_malloc(const functions& calls) : f(calls) {}
    void* allocate(const replay::operation& o) const { return f.allocate(o.bytes()); }
    void release(const replay::operation&, void* p, std::size_t) const { f.free(p); }
    void* grow(const replay::operation& o, void* p, std::size_t) const { return f.reallocate(p, o.bytes()); }
    void next_frame() const {}
    functions f;
};
struct trace_pool {
    explicit trace_pool(const fa::options& o) : alloc(o) {}
    void* allocate(const replay::operation& o) const {
        return alloc.pool_alloc_bytes(std::max<std::size_t>(o.bytes(), 1));
    }
    void release(const replay::operation&, void* p, std::size_t n) const {
        alloc.pool_free_bytes(p, std::max<std::size_t>(n, 1));
    }
    void* grow(const replay::operation& o, void* p, std::size_t n) const {
        void* q = copied(allocate(o), p, std::min(n, o.bytes()));
        release(o, p, n);
        return q;
    }
    void next_frame() const {}
    fa::smart_alloc alloc;
};
struct trace_hook {
    explicit trace_hook(const fa::options& o) : alloc(o) {}
    void* allocate(const replay::operation& o) const { return memory.allocate(o.bytes()); }
    void release(const replay::operation&, void* p, std::size_t) const { memory.deallocate(p); }
    void* grow(const replay::operation& o, void* p, std::size_t) const {
        return memory.reallocate(p, std::max<std::size_t>(o.bytes(), 1));
    }
    void next_frame() const {}
    fa::smart_alloc alloc;
    fa::hook memory{alloc, fa::memory_kind::pool};
};
// Blocks of places that the advice puts into frames live there.
struct trace_intent : trace_pool {
    explicit trace_intent(const fa::options& o) : trace_pool(o) { alloc.begin_frame(); }
    trace_intent(const trace_intent&) = delete;
    trace_intent& operator=(const trace_intent&) = delete;
    ~trace_intent() { alloc.end_frame(); }
    void* allocate(const replay::operation& o) const {
        return o.in_frame() ? alloc.frame_alloc_bytes(std::max<std::size_t>(o.bytes(), 1)) : trace_pool::allocate(o);
    }
    void release(const replay::operation& o, void* p, std::size_t n) const {
        if (!o.in_frame()) trace_pool::release(o, p, n);
    }
    void* grow(const replay::operation& o, void* p, std::size_t n) const {
        return o.in_frame() ? copied(allocate(o), p, std::min(n, o.bytes())) : trace_pool::grow(o, p, n);
    }
    void next_frame() const {
        alloc.end_frame();
        alloc.begin_frame();
    }
};

template <class M>
class playing final : public runner {
public:
    template <class From>
    playing(const replay::program& p, const From& from) : program_(p), memory_(from), slots_(p.slots) {}
    double pass() override {
        double sum = 0;
        std::uint64_t frame = ~std::uint64_t{0};
        for (const replay::operation& o : program_.operations) {
            if (o.what() == replay::act::frame) {
                if (frame != o.bytes()) memory_.next_frame();
                frame = o.bytes();
                continue;
            }
            play(o, slots_[o.slot()]);
            sum += static_cast<double>(o.bytes());
        }
        return sum;
    }

private:
    struct slot {
        void* p = nullptr;
        std::size_t bytes = 0;
    };
    [[gnu::always_inline]] void play(const replay::operation& o, slot& s) {
        if (o.what() == replay::act::release) {
            memory_.release(o, s.p, s.bytes);
            return;
        }
        s.p = o.what() == replay::act::grow ? memory_.grow(o, s.p, s.bytes) : memory_.allocate(o);
        s.bytes = o.bytes();
        if (o.what() == replay::act::allocate_zero)
            each_used_part(s.bytes,
                           [&](std::size_t at, std::size_t n) { std::memset(static_cast<char*>(s.p) + at, 0, n); });
        else if (s.bytes >= 8) std::memcpy(s.p, &s.bytes, 8);
    }
    const replay::program& program_;
    M memory_;
    std::vector<slot> slots_;
};

template <class M, class From>
contestant player(std::string name, const replay::program& p, const From& from) {
    return {.name = std::move(name), .make = [&p, from] { return std::make_unique<playing<M>>(p, from); }};
}

}  // namespace

std::string take_trace(const std::string& argument) {
    const std::size_t equals = argument.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == argument.size())
        return "--trace takes NAME=FILE, not '" + argument + "'";
    try {
        const trace::recording r(argument.substr(equals + 1));
        const advise::study_options o;
        const advise::advice a = advise::study(r, o);
        recorded x{.name = argument.substr(0, equals),
                   .program = replay::build(r, a, o.depth, replay::part::all),
                   .frames = {}};
        x.frames.frame_capacity = std::max<std::size_t>(a.frame_capacity, 1 << 20);
        x.frames.frames_in_flight = a.frames_in_flight;
        if (x.program.calls == 0) return "--trace: nothing is played in " + argument;
        loaded().push_back(std::move(x));
    } catch (const trace::error& e) { return "--trace: " + std::string(e.what()); }
    return {};
}

void add_traces(workloads& all) {
    for (const recorded& r : loaded()) {
        workload w{.group = "traces", .name = "trace of " + r.name};
        w.sentence = "The recorded allocations of " + r.name + ": " + std::to_string(r.program.calls) + " calls, " +
                     std::to_string(r.program.frames) + " frames, " + std::to_string(r.program.peak_bytes >> 10) +
                     " KiB live at most, on one thread; time of one call. In frames: blocks of the places that "
                     "framealloc-advise puts there.";
        w.operations = static_cast<double>(r.program.calls);
        w.most_rounds = 11;
        w.contestants = {player<trace_pool>(ours_name, r.program, r.frames),
                         player<trace_intent>("framealloc, in frames", r.program, r.frames),
                         player<trace_hook>("framealloc, hook", r.program, r.frames)};
        for (const malloc_rival& m : malloc_rivals()) {
            contestant c{.name = m.name, .missing = m.missing};
            if (m.missing.empty()) c.make = player<trace_malloc>("", r.program, m.calls).make;
            w.contestants.push_back(std::move(c));
        }
        all.push_back(std::move(w));
    }
}

}  // namespace bench
