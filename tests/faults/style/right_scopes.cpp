// Frames, tags, phases, checkpoints and budgets that match.
#include "game.hpp"

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace style {
namespace {

inline constexpr fa::tag physics{"physics"}, solver{physics, "solver"}, rendering{"rendering"};

RIGHT(tags_of_the_chapter) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    {
        const fa::tag_scope tag{alloc, solver};
        const fa::phase_scope phase{alloc, "simulate"};
        frame.batch<float>(1000)[0] = 1;
        const fa::tag_scope inner{alloc, "islands"};
        show(alloc.tag_path().size());
    }
    show(alloc.tag_stats("physics").with_children.total_bytes);
}

RIGHT(tag_member_is_reset_before_the_next) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto current = std::make_unique<fa::tag_scope>(alloc, physics);
    for (int n = 0; n < 3; ++n) {
        current.reset();
        current = std::make_unique<fa::tag_scope>(alloc, rendering);
        frame.slice<int>(10)[0] = n;
    }
}

RIGHT(tags_outside_of_frames) {
    const fa::smart_alloc alloc;
    const fa::tag_scope loading{alloc, "loading"};
    for (int n = 0; n < 3; ++n) {
        auto frame = alloc.frame_scope();
        const fa::tag_scope tag{alloc, "textures"};
        frame.slice<char>(1000)[999] = 'x';
    }
    void* p = alloc.pool_alloc_bytes(100);
    alloc.pool_free_bytes(p, 100);
}

RIGHT(block_is_freed_under_another_tag) {
    const fa::smart_alloc alloc;
    void* p = nullptr;
    {
        const fa::tag_scope tag{alloc, physics};
        p = alloc.pool_alloc_bytes(100);
    }
    const fa::tag_scope tag{alloc, rendering};
    alloc.pool_free_bytes(p, 100);
    show(alloc.tag_stats("physics").with_children.total_bytes);
}

RIGHT(tag_and_phase_cross) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    std::unique_ptr<fa::tag_scope> tag = std::make_unique<fa::tag_scope>(alloc, physics);
    std::unique_ptr<fa::phase_scope> phase = std::make_unique<fa::phase_scope>(alloc, "update");
    tag.reset();
    phase.reset();
}

RIGHT(with_tag_calls) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    const int made = alloc.with_tag(physics, [&] { return frame.slice<int>(5)[4] + 1; });
    alloc.with_tag("ai", [](const fa::smart_alloc& a) { a.frame_slice<int>(3)[0] = 1; });
    show(made);
}

RIGHT(many_tags) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    for (int n = 0; n < 500; ++n) {
        const fa::tag_scope tag{alloc, "asset " + std::to_string(n)};
        frame.slice<int>(3)[0] = n;
        alloc.pool_free(alloc.pool_alloc<int>());
    }
}

RIGHT(phases_one_after_another) {
    const fa::smart_alloc alloc;
    for (int n = 0; n < 3; ++n) {
        auto frame = alloc.frame_scope();
        for (const char* name : {"input", "simulate", "draw"}) {
            alloc.begin_phase(name);
            frame.slice<int>(10)[0] = n;
            alloc.end_phase();
        }
    }
    show(alloc.phase_stats().size());
}

RIGHT(nested_phases) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    const fa::phase_scope update{alloc, "update"};
    {
        const fa::phase_scope ai{alloc, "ai"};
        frame.slice<int>(10)[0] = 1;
    }
    frame.slice<int>(10)[0] = 2;
    show(alloc.current_phase().size());
}

RIGHT(scopes_closed_by_an_exception) {
    const fa::smart_alloc alloc;
    for (int n = 0; n < 3; ++n) {
        try {
            auto frame = alloc.frame_scope();
            const fa::tag_scope tag{alloc, physics};
            const fa::phase_scope phase{alloc, "update"};
            auto v = frame.vec<std::string>({"a text that needs an allocation of its own"});
            throw n;
        } catch (int i) {
            show(i + static_cast<int>(alloc.frame_depth()));
        }
    }
}

RIGHT(screens_are_popped_from_the_top) {
    struct screen {
        explicit screen(const fa::smart_alloc& a) : frame(a.owner()) {}
        fa::frame_scope frame;
    };
    const fa::smart_alloc alloc;
    std::vector<std::unique_ptr<screen>> screens;
    for (int n = 0; n < 3; ++n) {
        screens.push_back(std::make_unique<screen>(alloc));
        screens.back()->frame.slice<int>(10)[0] = n;
    }
    while (!screens.empty()) screens.pop_back();
}

RIGHT(begin_and_end_in_two_functions) {
    struct loop {
        fa::smart_alloc alloc;
        void begin() const { alloc.begin_frame(); }
        void end() const { alloc.end_frame(); }
    };
    const loop l{};
    for (int n = 0; n < 5; ++n) {
        l.begin();
        l.begin();
        l.alloc.frame_slice<int>(10)[0] = n;
        l.end();
        l.end();
    }
}

RIGHT(end_only_where_a_frame_is_open) {
    const fa::smart_alloc alloc;
    for (int n = 0; n < 4; ++n) {
        if (n % 2 == 0) alloc.begin_frame();
        if (alloc.in_frame()) alloc.end_frame();
    }
}

RIGHT(deep_recursion_of_frames) {
    const fa::smart_alloc alloc;
    const std::function<void(int)> descend = [&](int n) {
        auto frame = alloc.frame_scope();
        frame.slice<int>(4)[3] = n;
        if (n > 0) descend(n - 1);
    };
    descend(500);
}

RIGHT(checkpoints_in_a_stack) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    std::vector<fa::frame_checkpoint> undo;
    for (int n = 0; n < 5; ++n) {
        undo.push_back(alloc.frame_checkpoint());
        frame.slice<int>(100)[99] = n;
    }
    while (!undo.empty()) {
        alloc.rollback_to(undo.back());
        undo.pop_back();
    }
}

RIGHT(rollback_to_the_same_checkpoint_again) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    const auto before = alloc.frame_checkpoint();
    for (int n = 0; n < 5; ++n) {
        frame.slice<int>(100)[99] = n;
        frame.make<std::string>("a text that needs an allocation of its own");
        show(alloc.rollback_to(before));
    }
}

RIGHT(rollback_keeps_what_is_older_though_it_grew) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto path = frame.vec<int>();
    auto names = frame.map<int, int>();
    for (int attempt = 0; attempt < 20; ++attempt) {
        auto guard = alloc.checkpoint_guard();
        auto open = frame.vec<int>(fa::capacity(100));
        for (int n = 0; n < 30; ++n) {
            path.push_back(n);
            names[attempt * 100 + n] = n;
            open.push_back(n);
        }
        if (attempt % 3 == 0) guard.commit();
    }
    show(path.size() + names.size());
}

RIGHT(speculation_within_a_speculation) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    const bool found = alloc.speculative([&] {
        frame.slice<int>(10)[0] = 1;
        const bool deeper = alloc.speculative([&] {
            frame.slice<int>(10)[0] = 2;
            return false;
        });
        return !deeper;
    });
    show(found);
}

RIGHT(speculation_that_throws) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto kept = frame.vec<int>();
    try {
        alloc.speculative([&] {
            kept.push_back(1);
            frame.make<std::string>("a text that needs an allocation of its own");
            throw 1;
        });
    } catch (int) {
        kept.push_back(2);
    }
    show(kept[1]);
}

RIGHT(checkpoint_around_inner_frames) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    const auto before = alloc.frame_checkpoint();
    for (int n = 0; n < 3; ++n) {
        auto inner = alloc.frame_scope();
        inner.slice<int>(10)[0] = n;
        frame.slice<int>(10)[0] = n;
    }
    alloc.rollback_to(before);
    frame.slice<int>(10)[9] = 1;
}

RIGHT(budget_is_asked_before) {
    const fa::smart_alloc alloc{{.strict = fa::strictness::abort_on_warning}};
    alloc.set_thread_frame_budget(64_KiB);
    alloc.on_budget_exceeded(fa::budget_policy::fail, {}, 100);
    auto frame = alloc.frame_scope();
    while (alloc.frame_remaining() >= 1000) frame.batch<char>(1000)[0] = 'x';
}

RIGHT(budget_with_a_handler) {
    static int heard = 0;
    const fa::smart_alloc alloc;
    const auto serve = [](const fa::budget_event&) {
        ++heard;
        return true;
    };
    alloc.set_thread_frame_budget(10'000);
    alloc.on_budget_exceeded(fa::budget_policy::custom, serve);
    auto frame = alloc.frame_scope();
    for (int n = 0; n < 5; ++n) frame.batch<char>(5'000)[4'999] = 'x';
    show(heard);
}

RIGHT(budget_that_promotes) {
    const fa::smart_alloc alloc;
    alloc.set_thread_frame_budget(10'000);
    alloc.set_thread_pool_budget(64_KiB);
    alloc.on_budget_exceeded(fa::budget_policy::promote);
    for (int n = 0; n < 3; ++n) {
        auto frame = alloc.frame_scope();
        auto v = frame.vec<int>();
        for (int i = 0; i < 10'000; ++i) v.push_back(i);
        std::vector<void*> blocks;
        for (int i = 0; i < 200; ++i) blocks.push_back(alloc.pool_alloc_bytes(1000));
        for (void* p : blocks) alloc.pool_free_bytes(p, 1000);
    }
}

RIGHT(statistics_while_scopes_are_open) {
    const fa::smart_alloc alloc;
    char text[2000];
    alloc.count_allocations(true);
    auto frame = alloc.frame_scope();
    const fa::tag_scope tag{alloc, physics};
    frame.slice<int>(100)[0] = 1;
    show(fa::to_text(alloc.stats(), text).size());
    show(alloc.frame_stats().suggested_capacity);
    alloc.reset_stats();
}

RIGHT(sealed_after_the_warm_up) {
    const fa::smart_alloc alloc{{.frame_capacity = 256_KiB}};
    const auto frame = [&] {
        auto f = alloc.frame_scope();
        f.slice<int>(100)[0] = 1;
        alloc.pool_free(alloc.pool_alloc<int>());
    };
    for (int n = 0; n < 200; ++n) frame();
    alloc.seal();
    show(alloc.try_heap_alloc_bytes(100'000'000) == nullptr);
}

RIGHT(fault_handler_of_another_allocator) {
    static const fa::smart_alloc log{{.name = "log"}};
    const fa::smart_alloc alloc{{.on_fault = [](const fa::fault&) { log.pool_free_bytes(log.pool_alloc_bytes(16), 16); }}};
    alloc.begin_frame();
    alloc.end_frame();
}

RIGHT(options_of_every_kind) {
    const std::array<std::size_t, 3> sizes{64, 256, 1024};
    const fa::smart_alloc a{fa::options::small_footprint()};
    const fa::smart_alloc b{{.size_classes = sizes}};
    const fa::smart_alloc c{{.retain = fa::retain::high_water(10), .prefault = true}};
    for (const fa::smart_alloc& alloc : {a, b, c}) {
        for (int n = 0; n < 20; ++n) {
            auto frame = alloc.frame_scope();
            frame.slice<int>(static_cast<std::size_t>(n) * 1000 + 1)[0] = n;
            void* p = alloc.pool_alloc_bytes(200);
            alloc.pool_free_bytes(p, 200);
        }
    }
}

}  // namespace
}  // namespace style
