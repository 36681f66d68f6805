// Every feature that diverts an allocation x every operation that assumes what it extends to be the newest block.
//
// A cell is a random sequence of its operation among others: blocks, frames, checkpoints, and what the feature
// switches. FRAMEALLOC_MODEL_OPS sets the steps of all cells of a policy (default 60,000), FRAMEALLOC_MODEL_SEED the
// seed; FRAMEALLOC_MODEL_CELL runs only the cells whose "feature, operation" contains it.
#include <doctest/doctest.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <tuple>

#include <signal.h>
#include <unistd.h>

#include "adjacency_world.hpp"

using namespace test;
using namespace test::adjacency;

namespace {

// --- every option is in the matrix ---

// A new option does not compile here until it is named; then some feature must set it.
auto members_of(const fa::options& o) {
    const auto& [name, frame_capacity, frame_limit, frames_in_flight, on_frame_busy, retain, size_classes,
                 slab_page_size, pool_max, global_limit, deferred, fixed_memory, huge_pages, prefault, base_address,
                 pages, heap, guard, guard_sample, guard_seed, strict, reports, on_exhaustion, on_fault] = o;
    return std::tie(name, frame_capacity, frame_limit, frames_in_flight, on_frame_busy, retain, size_classes,
                    slab_page_size, pool_max, global_limit, deferred, fixed_memory, huge_pages, prefault, base_address,
                    pages, heap, guard, guard_sample, guard_seed, strict, reports, on_exhaustion, on_fault);
}
constexpr const char* option_names[] = {"name",          "frame_capacity", "frame_limit",   "frames_in_flight",
                                        "on_frame_busy", "retain",         "size_classes",  "slab_page_size",
                                        "pool_max",      "global_limit",   "deferred",      "fixed_memory",
                                        "huge_pages",    "prefault",       "base_address",  "pages",
                                        "heap",          "guard",          "guard_sample",  "guard_seed",
                                        "strict",        "reports",        "on_exhaustion", "on_fault"};
constexpr std::size_t option_count = std::tuple_size_v<decltype(members_of({}))>;
static_assert(std::size(option_names) == option_count);

using option_set = std::array<bool, option_count>;

template <std::size_t... I>
void note_changes(const fa::options& o, option_set& changed, std::index_sequence<I...>) {
    static const fa::options defaults{};
    const auto now = members_of(o), then = members_of(defaults);
    ((changed[I] = changed[I] || std::memcmp(static_cast<const void*>(&std::get<I>(now)), &std::get<I>(then),
                                             sizeof(std::get<I>(now))) != 0),
     ...);
}

// --- features; all values of each enumeration: a new one is a warning here, and so an error ---

const char* name_of(fa::budget_policy p) {
    switch (p) {
        case fa::budget_policy::warn: return "warn";
        case fa::budget_policy::fail: return "fail";
        case fa::budget_policy::allow: return "allow";
        case fa::budget_policy::promote: return "promote";
        case fa::budget_policy::custom: return "custom";
    }
    return nullptr;
}
const char* name_of(fa::guard_level g) {
    switch (g) {
        case fa::guard_level::automatic: return "automatic";
        case fa::guard_level::off: return "off";
        case fa::guard_level::fill: return "fill";
        case fa::guard_level::revoke: return "revoke";
    }
    return nullptr;
}
const char* name_of(fa::reporting r) {
    switch (r) {
        case fa::reporting::automatic: return "automatic";
        case fa::reporting::on: return "on";
        case fa::reporting::off: return "off";
    }
    return nullptr;
}
const char* name_of(fa::strictness s) {
    switch (s) {
        case fa::strictness::automatic: return "automatic";
        case fa::strictness::warn: return "warn";
        case fa::strictness::abort_on_error: return "abort_on_error";
        case fa::strictness::abort_on_warning: return "abort_on_warning";
    }
    return nullptr;
}
const char* name_of(fa::deferred_mode m) {
    switch (m) {
        case fa::deferred_mode::on_demand: return "on_demand";
        case fa::deferred_mode::at_frame_begin: return "at_frame_begin";
        case fa::deferred_mode::at_frame_end: return "at_frame_end";
        case fa::deferred_mode::incremental: return "incremental";
        case fa::deferred_mode::on_request: return "on_request";
        case fa::deferred_mode::immediate: return "immediate";
    }
    return nullptr;
}
template <class Enumeration, class F>
void for_each_value(F&& f) {
    for (unsigned i = 0; i < 16; ++i) {
        if (const char* name = name_of(static_cast<Enumeration>(i))) f(static_cast<Enumeration>(i), std::string(name));
    }
}

constexpr std::size_t few_classes[] = {32, 64, 256, 1024, 4096};

fa::options small(std::size_t capacity = 64_KiB) {
    fa::options o;
    o.frame_capacity = capacity;
    return o;
}

class feature_list {
public:
    // `set` changes a feature that has a small arena and nothing else.
    template <class F>
    void add(const std::string& name, F&& set) {
        feature f;
        f.name = name;
        set(f);
        all.push_back(std::move(f));
    }
    std::vector<feature> all{};
};

void add_guards(feature_list& l) {
    for_each_value<fa::guard_level>([&](fa::guard_level g, const std::string& name) {
        l.add("guard " + name, [&](feature& f) { f.options.guard = g; });
        l.add("guard " + name + ", sampled, in small chunks", [&](feature& f) {
            f.options = small(4_KiB);
            f.options.guard = g;
            f.options.guard_sample = 2;
            f.options.guard_seed = 11;
        });
        l.add("guard " + name + ", counted, watched, tagged, looked at", [&](feature& f) {
            f.options.guard = g;
            f.counts = f.watches = f.tags = f.looks = true;
        });
        l.add("guard " + name + ", held, in flight", [&](feature& f) {
            f.options.guard = g;
            f.options.frames_in_flight = 2;
            f.holds = true;
        });
        l.add("guard " + name + ", at a budget that refuses", [&](feature& f) {
            f.options.guard = g;
            f.frame_budget = 6'000;
            f.policy = fa::budget_policy::fail;
            f.may_refuse = true;
        });
    });
    for (const std::uint32_t n : {1U, 2U, 3U, 7U, 20U}) {
        l.add("guard_sample " + std::to_string(n), [&](feature& f) {
            f.options.guard = fa::guard_level::off;
            f.options.guard_sample = n;
            f.options.guard_seed = 11;
        });
    }
    l.add("guard_sample 1, held, tagged, watched", [](feature& f) {
        f.options.guard = fa::guard_level::off;
        f.options.guard_sample = 1;
        f.options.guard_seed = 11;
        f.holds = f.tags = f.watches = true;
    });
    l.add("guard_sample 2, at a limit", [](feature& f) {
        f.options.guard = fa::guard_level::off;
        f.options.guard_sample = 2;
        f.options.guard_seed = 11;
        f.options.frame_limit = 8'000;
        f.may_refuse = true;
    });
    for_each_value<fa::reporting>([&](fa::reporting r, const std::string& name) {
        l.add("reports " + name, [&](feature& f) { f.options.reports = r; });
    });
    for_each_value<fa::strictness>([&](fa::strictness s, const std::string& name) {
        l.add("strict " + name, [&](feature& f) { f.options.strict = s; });
    });
}

void add_limits(feature_list& l) {
    for_each_value<fa::budget_policy>([&](fa::budget_policy p, const std::string& name) {
        for (const handler h : {handler::none, handler::serves, handler::refuses_some, handler::allocates}) {
            const char* handlers[] = {"", ", a handler that serves", ", one that refuses", ", one that allocates"};
            l.add("budget " + name + handlers[static_cast<int>(h)], [&](feature& f) {
                f.frame_budget = 5'000;
                f.pool_budget = 4'000;
                f.policy = p;
                f.on_budget = h;
                f.may_refuse = p == fa::budget_policy::fail || p == fa::budget_policy::custom;
            });
        }
    });
    l.add("frame_limit", [](feature& f) {
        f.options.frame_limit = 10'000;
        f.may_refuse = true;
    });
    l.add("frame_limit, over small chunks, looked at", [](feature& f) {
        f.options = small(4_KiB);
        f.options.frame_limit = 20'000;
        f.may_refuse = f.looks = true;
    });
    l.add("frame_limit and a budget", [](feature& f) {
        f.options.frame_limit = 12'000;
        f.frame_budget = 6'000;
        f.policy = fa::budget_policy::promote;
        f.may_refuse = true;
    });
    l.add("global_limit", [](feature& f) { f.options.global_limit = 256_MiB; });
}

void add_watchers(feature_list& l) {
    l.add("counted", [](feature& f) { f.counts = true; });
    l.add("counted and watched", [](feature& f) { f.counts = f.watches = true; });
    l.add("counted and watched, sampled, with checkpoints", [](feature& f) {
        f.options.guard = fa::guard_level::off;
        f.options.guard_sample = 2;
        f.options.guard_seed = 11;
        f.counts = f.watches = f.marks = true;
    });
    l.add("watched", [](feature& f) { f.watches = true; });
    l.add("watched by a handler that allocates", [](feature& f) { f.watches = f.watcher_allocates = true; });
    l.add("counted, watched, budgeted now and then", [](feature& f) {
        f.toggles = true;
        f.frame_budget = 5'000;
        f.policy = fa::budget_policy::allow;
    });
    l.add("tags and phases", [](feature& f) { f.tags = true; });
    l.add("a context's scopes", [](feature& f) { f.tags = f.context = true; });
    l.add("statistics, check() and trim() in between", [](feature& f) { f.looks = true; });
}

void add_lifetimes(feature_list& l) {
    for (const std::uint32_t n : {1U, 2U, 3U}) {
        l.add("frames_in_flight " + std::to_string(n), [&](feature& f) { f.options.frames_in_flight = n; });
        l.add("frames_in_flight " + std::to_string(n) + ", held", [&](feature& f) {
            f.options.frames_in_flight = n;
            f.holds = true;
        });
    }
    l.add("held, busy: wait", [](feature& f) {
        f.options.on_frame_busy = fa::on_frame_busy::wait(1);
        f.holds = true;
    });
    l.add("held, busy: fault", [](feature& f) {
        f.options.on_frame_busy = fa::on_frame_busy::fault();
        f.holds = true;
    });
    l.add("checkpoints", [](feature& f) { f.marks = true; });
    l.add("checkpoints, held, tagged", [](feature& f) { f.marks = f.holds = f.tags = true; });
    l.add("parked and resumed", [](feature& f) { f.parks = true; });
    l.add("outside all frames", [](feature& f) { f.outside = true; });
    l.add("127 frames deep", [](feature& f) { f.depth = 127; });
    l.add("retain high_water", [](feature& f) { f.options.retain = fa::retain::high_water(2); });
    l.add("retain bytes", [](feature& f) { f.options.retain = fa::retain::bytes(0); });
    for_each_value<fa::deferred_mode>([&](fa::deferred_mode m, const std::string& name) {
        l.add("deferred " + name, [&](feature& f) { f.options.deferred.mode = m; });
    });
}

void add_sources(feature_list& l) {
    l.add("named", [](feature& f) { f.options.name = "matrix"; });
    l.add("small chunks", [](feature& f) { f.options = small(4_KiB); });
    l.add("small chunks, prefaulted", [](feature& f) {
        f.options = small(8_KiB);
        f.options.prefault = true;
    });
    l.add("huge pages", [](feature& f) {
        f.options = small(4_MiB);
        f.options.huge_pages = true;
    });
    l.add("at a base address", [](feature& f) { f.options.base_address = 0x200000000000; });
    l.add("fixed memory", [](feature& f) { f.options.fixed_memory = 24_MiB; });
    l.add("fixed memory of the caller's", [](feature& f) { f.fixed_buffer = true; });
    for (const std::size_t page : {4_KiB, 16_KiB, 64_KiB}) {
        l.add("a page source of " + std::to_string(page),
              [&](feature& f) { f.page = std::max(page, fa::os::system_pages{}.granularity()); });
    }
    l.add("a page source that refuses now and then", [](feature& f) {
        f.options = small(4_KiB);
        f.page = fa::os::system_pages{}.granularity();
        f.refuses_pages = f.may_refuse = true;
    });
    l.add("options::heap", [](feature& f) { f.system_heap = true; });
    l.add("few size classes, a small pool_max, a small slab", [](feature& f) {
        f.options.size_classes = few_classes;
        f.options.pool_max = 64;
        f.options.slab_page_size = 64_KiB;
    });
}

const std::vector<feature>& features() {
    static const std::vector<feature> all = [] {
        feature_list l;
        l.add("nothing", [](feature&) {});
        add_guards(l);
        add_limits(l);
        add_watchers(l);
        add_lifetimes(l);
        add_sources(l);
        return l.all;
    }();
    return all;
}

// --- operations ---

template <class P>
struct operation {
    const char* name;
    void (*run)(world<P>&);
};

template <class P, class T>
T& some_vec(world<P>& w, std::size_t frame) {
    return w.template some<T>(frame, w.source(frame));
}

template <class P, class T>
void push_to(world<P>& w) {
    some_vec<P, T>(w, w.some_frame()).push(1 + w.roll(40), w.must());
}

// All but a few bytes of the chunk are used; a block that then grows crosses its end.
template <class P>
void fill_chunk(world<P>& w) {
    const std::size_t room = w.room_in_chunk(), left = 8 * w.roll(40);
    if (room > left + 64 && room - left < largest) static_cast<void>(w.block(w.top(), room - left));
}

template <class P>
const std::vector<operation<P>>& operations() {
    using W = world<P>;
    using numbers = typename W::numbers;
    static const std::vector<operation<P>> all = {
        {"vec: push_back", push_to<P, numbers>},
        {"vec: push_back of over-aligned elements", push_to<P, typename W::wides>},
        {"vec: push_back of elements with destructors", push_to<P, typename W::trackeds>},
        {"vec: resize",
         [](W& w) {
             auto& v = some_vec<P, numbers>(w, w.some_frame());
             v.resize(w.roll(2) == 0 ? v.size() + 1 : w.roll(2 * v.size() + 20), w.must());
         }},
        {"vec: append", [](W& w) { some_vec<P, numbers>(w, w.some_frame()).append(w.some_size() / 4, w.must()); }},
        {"vec: insert and erase",
         [](W& w) {
             auto& v = some_vec<P, numbers>(w, w.some_frame());
             if (v.size() != 0 && w.roll(3) == 0) v.erase(w.roll(v.size()), 1);
             else v.insert(w.roll(v.size() + 1), 1 + w.roll(20), w.must());
         }},
        {"vec: reserve and shrink_to_fit",
         [](W& w) {
             auto& v = some_vec<P, numbers>(w, w.some_frame());
             switch (w.roll(4)) {
                 case 0: return v.fit();
                 case 1: return v.reserve(v.size() + w.some_size() / 4, w.must());
                 case 2: return v.empty_and_free();
                 default: return v.push(1 + w.roll(30), w.must());
             }
         }},
        {"vec: copy, move, clear, growth",
         [](W& w) {
             auto& v = some_vec<P, numbers>(w, w.some_frame());
             if (w.roll(8) == 0) v.clear();
             if (w.roll(2) == 0) v.push(1 + w.roll(30), w.must());
             else v.reseat(!w.may_refuse() && w.roll(2) == 0);
         }},
        {"string: append and push_back",
         [](W& w) {
             auto& s = w.template some<text<P>>(w.top(), w.source(w.top()));
             if (w.roll(2) == 0) s.append(w.some_size(), w.must());
             else s.push(1 + w.roll(30), w.must());
         }},
        {"string: insert, cut, append of itself",
         [](W& w) {
             const std::size_t frame = w.some_frame();
             auto& s = w.template some<text<P>>(frame, w.source(frame));
             switch (w.roll(4)) {
                 case 0: return s.cut(w.roll(s.size() + 1));
                 case 1: return s.append_itself(w.must());
                 case 2: return s.insert(w.roll(s.size() + 1), 1 + w.roll(50), w.must());
                 default: return s.append(1 + w.roll(50), w.must());
             }
         }},
        {"map: insert, erase, reserve",
         [](W& w) {
             const std::size_t frame = w.some_frame();
             auto& m = w.template some<table<P>>(frame, w.source(frame));
             switch (w.roll(6)) {
                 case 0: return m.erase(w.roll(30));
                 case 1: return m.reserve(w.roll(200), w.must());
                 case 2: return w.may_refuse() ? void() : m.reseat(w.roll(2) == 0);
                 default: return m.insert(1 + w.roll(40), w.must());
             }
         }},
        {"std::vector on frame_allocator",
         [](W& w) {
             const std::size_t frame = w.some_frame();
             auto& v = w.template some<typename W::standard_numbers>(
                 frame, fa::frame_allocator<std::uint32_t>(w.source(frame)));
             if (w.roll(4) == 0) v.fit();
             else if (v.size() != 0 && w.roll(4) == 0) v.pop(1 + w.roll(v.size()));
             else v.push(1 + w.roll(40));
         }},
        {"std::pmr::vector on a frame's resource, others between",
         [](W& w) {
             if (w.scope(w.top()) == nullptr || w.may_refuse()) return push_to<P, numbers>(w);
             auto* v = w.template newest<typename W::pmr_numbers>(w.top());
             if (v == nullptr)
                 v = &w.template add<typename W::pmr_numbers>(
                     w.top(), std::pmr::polymorphic_allocator<std::uint32_t>(w.scope(w.top())->resource()));
             v->push(1 + w.roll(20));
             some_vec<P, numbers>(w, w.top()).push(1 + w.roll(20), w.must());
         }},
        {"try_grow by hand",
         [](W& w) {
             const std::size_t frame = w.some_frame();
             raw* r = w.template newest<raw>(frame);
             if (r == nullptr || w.roll(4) == 0) r = w.block(frame, 8 + w.roll(100));
             if (r != nullptr) static_cast<void>(r->grow(1 + w.some_size()));
         }},
        {"shrink of the newest block, growth after it",
         [](W& w) {
             const std::size_t frame = w.some_frame();
             raw* r = w.template newest<raw>(frame);
             if (r == nullptr || w.roll(4) == 0) r = w.block(frame, 8 + w.roll(400));
             if (r == nullptr) return;
             r->shrink(1 + w.roll(r->size()));
             if (w.roll(2) == 0) static_cast<void>(r->grow(1 + w.roll(100)));
         }},
        {"free of the newest block",
         [](W& w) {
             const std::size_t frame = w.some_frame();
             raw* r = w.template newest<raw>(frame);
             if (r == nullptr || w.roll(3) == 0) r = w.block(frame, 8 + w.some_size());
             if (r == nullptr) return;
             r->give_back();
             w.remove(frame, *r);
         }},
        {"a block after growth",
         [](W& w) {
             push_to<P, numbers>(w);
             static_cast<void>(w.block(w.top(), w.some_size()));
         }},
        {"two containers in turns",
         [](W& w) {
             for (std::size_t n = 1 + w.roll(30); n != 0; --n) {
                 some_vec<P, numbers>(w, w.top()).push(1, w.must());
                 w.template some<text<P>>(w.top(), w.source(w.top())).push(1, w.must());
             }
         }},
        {"growth of an outer frame's container in an inner frame",
         [](W& w) {
             w.open();
             const std::size_t outer = w.lowest() + w.roll(w.top() + 1 - w.lowest());
             some_vec<P, numbers>(w, outer).push(1 + w.roll(60), w.must());
             some_vec<P, numbers>(w, w.top()).push(1 + w.roll(20), w.must());
         }},
        {"growth after an inner frame closed",
         [](W& w) {
             auto& v = some_vec<P, numbers>(w, w.top());
             v.push(1 + w.roll(10), w.must());
             const std::size_t frames = w.top();
             w.open();
             static_cast<void>(w.block(w.top(), w.some_size()));
             if (w.top() != frames) w.close();
             v.push(1 + w.roll(40), w.must());
         }},
        {"checkpoint, growth, rollback",
         [](W& w) {
             w.take_mark();
             some_vec<P, numbers>(w, w.top()).push(1 + w.roll(60), w.must());
             w.template some<text<P>>(w.top(), w.source(w.top())).append(w.some_size(), w.must());
             if (w.roll(2) == 0) w.roll_back();
             some_vec<P, numbers>(w, w.top()).push(1 + w.roll(60), w.must());
         }},
        {"growth over the end of a chunk",
         [](W& w) {
             auto& v = some_vec<P, numbers>(w, w.top());
             fill_chunk(w);
             v.push(1 + w.roll(60), w.must());
             fill_chunk(w);
             some_vec<P, typename W::wides>(w, w.top()).push(1 + w.roll(5), w.must());
         }},
        {"growth to what lies out of line, and back",
         [](W& w) {
             auto& v = some_vec<P, numbers>(w, w.top());
             v.resize(w.roll(2) == 0 ? w.roll(100) : 4'000 + w.roll(12'000), w.must());
             if (w.roll(3) == 0) v.fit();
             v.push(w.roll(10), w.must());
         }},
        {"growth up to the last byte that may be had",
         [](W& w) {
             const std::size_t left = w.alloc().frame_remaining();
             if (left < largest && left > 64) static_cast<void>(w.block(w.top(), left - 8 * w.roll(8)));
             some_vec<P, numbers>(w, w.top()).push(1 + w.roll(30), w.must());
         }},
        {"growth after the newest container went",
         [](W& w) {
             auto& v = some_vec<P, numbers>(w, w.top());
             v.push(1 + w.roll(10), w.must());
             auto& gone = w.template add<text<P>>(w.top(), w.source(w.top()));
             gone.append(w.some_size(), w.must());
             w.remove(w.top(), gone);
             v.push(1 + w.roll(60), w.must());
         }},
        {"boxes between growth",
         [](W& w) {
             some_vec<P, numbers>(w, w.top()).push(1 + w.roll(10), w.must());
             if (w.scope(w.top()) == nullptr) return;
             auto box = w.scope(w.top())->template try_box<typename boxed<P>::value>();
             if (box) w.template add<boxed<P>>(w.top(), std::move(box));
         }},
        {"growth of pool and heap containers",
         [](W& w) {
             auto& p = w.template some<typename W::pool_numbers>(w.top(), fa::pool_source(w.alloc().owner()));
             p.reserve(p.size() + w.roll(12), w.must());
             p.push(1 + w.roll(8), w.must());
             auto& h = w.template some<typename W::heap_numbers>(w.top(), fa::heap_source(w.alloc().owner()));
             h.reserve(h.size() + w.roll(12), w.must());
             h.push(1 + w.roll(8), w.must());
             if (w.roll(4) == 0) p.fit();
             some_vec<P, numbers>(w, w.top()).push(1 + w.roll(10), w.must());
         }},
    };
    return all;
}

// --- the matrix ---

std::size_t steps_per_policy() {
    const char* text = std::getenv("FRAMEALLOC_MODEL_OPS");
    return text == nullptr ? 60'000 : static_cast<std::size_t>(std::strtoull(text, nullptr, 10));
}
std::uint64_t seed() {
    const char* text = std::getenv("FRAMEALLOC_MODEL_SEED");
    return text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
}

// A crashing cell prints its name first. Afterwards the library's own handlers, and doctest's, are restored.
class crash_names {
public:
    crash_names() {
        if (fa::guard::under_tool) return;  // a sanitizer says more
        static_cast<void>(fa::basic_smart_alloc<fa::policy::debug>{});  // sets its handler once, and not in between
        struct sigaction mine{};
        mine.sa_handler = tell;
        for (std::size_t i = 0; i < std::size(signals); ++i) sigaction(signals[i], &mine, &before_[i]);
    }
    crash_names(const crash_names&) = delete;
    crash_names& operator=(const crash_names&) = delete;
    ~crash_names() {
        for (std::size_t i = 0; i < std::size(signals) && !fa::guard::under_tool; ++i)
            sigaction(signals[i], &before_[i], nullptr);
    }
    void set(const std::string& cell) {
        std::snprintf(current, sizeof current, "  adjacency: crashed: %s\n", cell.c_str());
    }

private:
    static constexpr int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE};
    static inline char current[256] = "";
    static void tell(int signal) {
        static_cast<void>(!write(STDERR_FILENO, current, std::strlen(current)));
        std::signal(signal, SIG_DFL);
        std::raise(signal);
    }
    struct sigaction before_[std::size(signals)] = {};
};

// Returns what was wrong, or an empty text.
template <class P>
std::string run_cell(const feature& f, const operation<P>& op, std::uint64_t from, std::size_t steps, totals& t,
                     option_set& set) {
    try {
        world<P> w(f, from, t);
        note_changes(w.used(), set, std::make_index_sequence<option_count>{});
        for (std::size_t i = 0; i < steps; ++i) w.step(op.run);
        w.finish();
    } catch (const failed& e) { return e.what; }
    return {};
}

}  // namespace

FOR_EACH_POLICY("whatever diverts an allocation, what grows at the top stays apart from all others") {
    const char* only = std::getenv("FRAMEALLOC_MODEL_CELL");
    crash_names crashes;
    totals t;
    option_set set{};
    std::size_t wrong = 0;
    const std::size_t steps = 1 + steps_per_policy() / (features().size() * operations<P>().size());
    for (const feature& f : features()) {
        for (const auto& op : operations<P>()) {
            const std::string cell = f.name + ", " + op.name;
            if (only != nullptr && cell.find(only) == std::string::npos) continue;
            CAPTURE(cell);
            crashes.set(cell);
            ++t.cells;
            const std::string problem = run_cell<P>(f, op, seed() + std::hash<std::string>{}(cell), steps, t, set);
            wrong += problem.empty() ? 0U : 1U;
            if (wrong <= 20) CHECK(problem == "");
        }
    }
    CHECK(wrong == 0);
    for (std::size_t i = 0; i < option_count && only == nullptr; ++i) {
        CAPTURE(option_names[i]);
        CHECK(set[i]);  // or no feature has this option
    }
    std::printf(
        "  adjacency: %zu features x %zu operations, %zu cells, %zu steps, %zu bytes compared, %zu differences\n",
        features().size(), operations<P>().size(), t.cells, t.steps, t.bytes, wrong);
}
