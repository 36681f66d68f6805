// Whole operations, as programs meet them: a frame with its allocations, a scope with its work. Run by
// scripts/count_instructions.py, which has their limits and gates.
//
// Tags are three deep, a phase is open and a second allocator lives with a frame, as in a real program.
#include <framealloc/framealloc.hpp>

#include <list>
#include <memory>
#include <memory_resource>
#include <string>
#include <vector>

#include "counted.hpp"

namespace fa = framealloc;
using namespace fa::literals;
using bench::counted;
using bench::hide;
using bench::keep;

namespace {

inline constexpr fa::tag game{"game"}, physics{game, "physics"}, solver{physics, "solver"}, step{"step"};
inline constexpr fa::tag broad{solver, "broad"}, narrow{solver, "narrow"};
constexpr long many = 10'000, few = 1'000;

struct object {
    long words[8];
};
static_assert(sizeof(object) == 64);

// Counted when everything that grows has grown.
template <class F>
void steady(const char* label, long turns, F f) {
    for (long i = 0; i < 100; ++i) f(i);
    counted(label, turns, f);
}
// The same for what a frame keeps of its past: counted in the second of two equal outermost frames. What takes few
// instructions is to be inlined in both, as a call would be a good part of them.
template <class F>
void in_frame(const fa::smart_alloc& alloc, const char* label, long turns, F f, long operations_a_turn = 1) {
    {
        const auto frame = alloc.frame_scope();
        for (long i = 0; i < turns; ++i) f(frame);
    }
    const auto frame = alloc.frame_scope();
    counted(label, turns, [&](long) { f(frame); }, operations_a_turn);
}

[[gnu::always_inline]] inline void pool_pair(const fa::smart_alloc& alloc) {
    alloc.pool_free(static_cast<object*>(hide(alloc.pool_alloc<object>())));
}

void count_frames(const fa::smart_alloc& alloc) {
    in_frame(alloc, "inner_alloc", many, [&](const fa::frame_scope&) __attribute__((always_inline)) {
        const auto frame = alloc.frame_scope();
        keep(frame.alloc<object>());
    });
    in_frame(alloc, "inner_after_parent", many, [&](const fa::frame_scope& outer) __attribute__((always_inline)) {
        keep(outer.alloc<object>());
        const auto frame = alloc.frame_scope();
        bench::fence();
    });
    steady("outermost_empty", many, [&](long) {
        const auto frame = alloc.frame_scope();
        bench::fence();
    });
    steady("outermost_alloc", many, [&](long) {
        const auto frame = alloc.frame_scope();
        keep(frame.alloc<object>());
    });
    steady("outermost_alloc_pool", many, [&](long) {
        const auto frame = alloc.frame_scope();
        keep(frame.alloc<object>());
        pool_pair(alloc);
    });
    steady("outermost_map", few, [&](long i) {
        const auto frame = alloc.frame_scope();
        auto m = frame.map<long, fa::frame_vec<long>>();
        m[i].push_back(i);
        keep(&m);
    });
}

void count_tag_scopes(const fa::smart_alloc& alloc) {
    in_frame(alloc, "tag_alloc", many, [&](const fa::frame_scope& outer) __attribute__((always_inline)) {
        const fa::tag_scope scope(alloc, broad);
        keep(outer.alloc<object>());
    });
    in_frame(alloc, "tag_pool", many, [&](const fa::frame_scope&) __attribute__((always_inline)) {
        const fa::tag_scope scope(alloc, broad);
        pool_pair(alloc);
    });
    in_frame(alloc, "tags_in_turns", many, [&](const fa::frame_scope&) __attribute__((always_inline)) {
        {
            const fa::tag_scope scope(alloc, broad);
            pool_pair(alloc);
        }
        const fa::tag_scope scope(alloc, narrow);
        pool_pair(alloc);
    });
    in_frame(alloc, "context_scope", many, [&, context = alloc.context()](const fa::frame_scope&) {
        const fa::context_scope scope(alloc, context);
        bench::fence();
    });
}

void count_tags_by_string(const fa::smart_alloc& alloc) {
    long made = 0;
    for (const auto& [tags, label] : {std::pair{10L, "tag_string_10"}, {10'000L, "tag_string_10000"}}) {
        for (; made < tags; ++made) { const fa::tag_scope scope(alloc, "tag " + std::to_string(made)); }
        std::vector<std::string> names;
        for (long i = 0; i < 10; ++i) names.push_back("tag " + std::to_string(i * tags / 10));
        steady(label, few, [&](long i) {
            const fa::tag_scope scope(alloc, std::string_view(names[static_cast<std::size_t>(i) % 10]));
            bench::fence();
        });
    }
}

void count_checkpoints(const fa::smart_alloc& alloc) {
    in_frame(alloc, "checkpoint_empty", many, [&](const fa::frame_scope&) {
        const fa::frame_checkpoint mark = alloc.frame_checkpoint();
        alloc.rollback_to(mark);
    });
    in_frame(alloc, "checkpoint_alloc", many, [&](const fa::frame_scope& frame) {
        const fa::frame_checkpoint mark = alloc.frame_checkpoint();
        keep(frame.alloc<object>());
        alloc.rollback_to(mark);
    });
    in_frame(alloc, "guard_empty", many, [&](const fa::frame_scope&) {
        const fa::checkpoint_guard guard = alloc.checkpoint_guard();
        bench::fence();
    });
    in_frame(alloc, "guard_alloc", many, [&](const fa::frame_scope& frame) {
        const fa::checkpoint_guard guard = alloc.checkpoint_guard();
        keep(frame.alloc<object>());
    });
}

void count_blocks(const fa::smart_alloc& alloc) {
    object* resident = alloc.heap_alloc<object>();
    steady("heap_64", many, [&](long) { alloc.heap_free_bytes(hide(alloc.heap_alloc_bytes(64)), 64); });
    steady("heap_64k", many, [&](long) { alloc.heap_free_bytes(hide(alloc.heap_alloc_bytes(65536)), 65536); });
    alloc.heap_free(resident);
    const auto frame = alloc.frame_scope();
    auto* in_frame_memory = static_cast<std::pmr::memory_resource*>(hide(frame.resource()));
    steady("pmr_frame", many, [&](long) { keep(in_frame_memory->allocate(64, 8)); });
    auto* in_pool = static_cast<std::pmr::memory_resource*>(hide(alloc.pool_resource()));
    steady("pmr_pool", many, [&](long) { in_pool->deallocate(hide(in_pool->allocate(64, 8)), 64, 8); });
}

void count_containers(const fa::smart_alloc& alloc) {
    const std::string_view hello(static_cast<const char*>(hide(const_cast<char*>("hello"))), 5);
    const auto in_list = [](const fa::frame_scope& frame) {
        std::list<long, fa::frame_allocator<long>> list{fa::frame_allocator<long>(frame)};
        for (long i = 0; i < few; ++i) list.push_back(i);
    };
    in_frame(alloc, "list", 10, in_list, few);
    in_frame(alloc, "string_5", few, [&](const fa::frame_scope& frame) {
        const auto s = frame.string(hello);
        keep(const_cast<char*>(s.data()));
    });
    const auto appended = [&](const fa::frame_scope& frame) {
        auto s = frame.string();
        for (long i = 0; i < few; ++i) s.append(hello);
    };
    in_frame(alloc, "append_5", 10, appended, few);
    in_frame(alloc, "vec_apart", few, [](const fa::frame_scope& frame) {
        auto v = frame.vec<int>(fa::capacity(4));
        keep(frame.alloc<object>());
        v.reserve(8);
        keep(v.data());
    });
}

void count_describe(const fa::smart_alloc& alloc) {
    object* p = alloc.pool_alloc<object>();
    steady("describe", 10, [&](long) { keep(const_cast<char*>(fa::describe(p).allocator)); });
    alloc.pool_free(p);
}

// Two allocators in turns, while more and more live on the thread; the figure is of one use.
void count_allocators(const fa::smart_alloc& first, const fa::smart_alloc& second) {
    std::vector<std::unique_ptr<fa::smart_alloc>> further;
    const auto frame = first.frame_scope();
    for (const auto& [number, label] :
         {std::pair{2UL, "turns_2"}, {8UL, "turns_8"}, {100UL, "turns_100"}, {515UL, "turns_515"}}) {
        while (further.size() + 2 < number) {
            further.push_back(std::make_unique<fa::smart_alloc>(fa::options::small_footprint()));
            further.back()->begin_frame();
        }
        const auto use = [&](long i) { keep((i % 2 == 0 ? first : second).frame_alloc<object>()); };
        steady(label, few, use);
    }
    count_describe(first);
    for (auto& a : further) a->end_frame();
}

}  // namespace

int main() {
    const fa::smart_alloc alloc{fa::options{.frame_capacity = 32_MiB, .prefault = true}};
    const fa::smart_alloc second;
    second.begin_frame();
    counted("baseline", many, [](long) { bench::fence(); });
    {
        const fa::tag_scope a(alloc, game);
        const fa::tag_scope b(alloc, physics);
        const fa::tag_scope c(alloc, solver);
        const fa::phase_scope p(alloc, step);
        object* resident = alloc.pool_alloc<object>();
        count_frames(alloc);
        count_tag_scopes(alloc);
        count_checkpoints(alloc);
        count_blocks(alloc);
        count_containers(alloc);
        alloc.pool_free(resident);
    }
    count_tags_by_string(alloc);
    count_allocators(alloc, second);
    second.end_frame();
    return 0;
}
