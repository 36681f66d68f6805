// Frames, tags, phases and checkpoints that do not match, budgets and limits, options.
#include "game.hpp"

#include <cstdint>
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

WRONG(end_without_a_begin) {
    const fa::smart_alloc alloc;
    alloc.end_frame();  // FA428
}

WRONG(end_on_both_paths) {
    const fa::smart_alloc alloc;
    const auto update = [&](bool paused) {
        alloc.begin_frame();
        if (paused) alloc.end_frame();
        *alloc.frame_alloc<int>() = 1;  // FA001
        alloc.end_frame();
    };
    update(false);
    update(true);
}

WRONG(early_return_without_an_end) {
    const fa::smart_alloc alloc;
    const auto update = [&](bool paused) {
        alloc.begin_frame();  // FA428
        if (paused) return;
        alloc.end_frame();
    };
    for (int n = 0; n < 3; ++n) update(n == 1);
}

WRONG(scope_and_end_frame_for_one_frame) {
    const fa::smart_alloc alloc;
    {
        auto frame = alloc.frame_scope();
        *frame.alloc<int>() = 1;
        alloc.end_frame();
    }  // FA428
}

WRONG(continue_jumps_over_the_end) {
    const fa::smart_alloc alloc;
    for (int n = 0; n < 4; ++n) {
        alloc.begin_frame();  // FA428
        if (n % 2 == 0) continue;
        alloc.end_frame();
    }
}

WRONG(outer_scope_is_closed_before_the_inner) {
    const fa::smart_alloc alloc;
    std::optional<fa::frame_scope> outer(std::in_place, alloc.owner());
    std::optional<fa::frame_scope> inner(std::in_place, alloc.owner());
    outer.reset();  // FA428
    inner.reset();
}

WRONG(scopes_in_a_stack_of_screens_close_in_the_wrong_order) {
    struct screen {  // FA428, whose destructor it is
        explicit screen(const fa::smart_alloc& a) : frame(a.owner()) {}
        fa::frame_scope frame;
    };
    const fa::smart_alloc alloc;
    std::vector<std::unique_ptr<screen>> screens;
    for (int n = 0; n < 3; ++n) screens.push_back(std::make_unique<screen>(alloc));
    screens.erase(screens.begin());  // FA428
    screens.clear();
}

WRONG(ended_scope_is_asked_for_memory) {
    const fa::smart_alloc alloc;
    auto outer = alloc.frame_scope();
    auto frame = alloc.frame_scope();
    alloc.end_frame();
    *frame.alloc<int>() = 1;  // FA002
}

WRONG(exception_passes_over_the_end) {
    const fa::smart_alloc alloc;
    const auto load = [&](bool broken) {
        alloc.begin_frame();  // FA428
        if (broken) throw std::string("broken level");
        alloc.end_frame();
    };
    try {
        load(true);
    } catch (const std::string&) {
    }
}

WRONG(recursion_without_a_bottom) {
    const fa::smart_alloc alloc;
    int depth = 0;
    const auto descend = [&](const auto& self) -> void {
        alloc.begin_frame();  // FA428
        if (++depth < 20'000) self(self);
        alloc.end_frame();
    };
    descend(descend);
}

WRONG(tag_scopes_in_members_close_out_of_order) {
    const fa::smart_alloc alloc;
    std::optional<fa::tag_scope> a, b;
    a.emplace(alloc, physics);
    b.emplace(alloc, solver);
    a.reset();  // FA429
    b.reset();
}

WRONG(tag_is_replaced_by_an_assignment_of_pointers) {
    const fa::smart_alloc alloc;
    auto current = std::make_unique<fa::tag_scope>(alloc, physics);
    current = std::make_unique<fa::tag_scope>(alloc, rendering);  // FA429
}

WRONG(tag_scope_is_closed_by_a_worker) {
    const fa::smart_alloc alloc;
    auto tag = std::make_unique<fa::tag_scope>(alloc, physics);
    std::thread([&] {
        tag.reset();  // FA429
    }).join();
}

WRONG(tag_scope_outlives_its_frame) {
    const fa::smart_alloc alloc;
    alloc.begin_frame();
    const fa::tag_scope tag{alloc, physics};
    alloc.end_frame();  // FA429
}

WRONG(tag_member_is_kept_over_frames) {
    struct system {
        std::unique_ptr<fa::tag_scope> tag;
    } s;
    const fa::smart_alloc alloc;
    for (int n = 0; n < 2; ++n) {
        alloc.begin_frame();
        if (n == 0) s.tag = std::make_unique<fa::tag_scope>(alloc, "ai");
        alloc.end_frame();  // FA429
    }
    s.tag.reset();
}

WRONG(phase_ends_twice) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    alloc.begin_phase("simulate");
    alloc.end_phase();
    alloc.end_phase();  // FA429
}

WRONG(phase_is_ended_by_its_caller_too) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    const auto simulate = [&] {
        alloc.begin_phase("simulate");
        frame.slice<int>(10)[0] = 1;
        alloc.end_phase();
    };
    simulate();
    alloc.end_phase();  // FA429
}

WRONG(phase_is_still_open_when_its_frame_ends) {
    const fa::smart_alloc alloc;
    for (int n = 0; n < 3; ++n) {
        alloc.begin_frame();
        alloc.begin_phase("simulate");
        alloc.frame_slice<int>(10)[0] = n;
        alloc.end_frame();  // FA429
    }
}

WRONG(phase_scopes_are_crossed) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    std::optional<fa::phase_scope> update(std::in_place, alloc, "update");
    std::optional<fa::phase_scope> draw(std::in_place, alloc, "draw");
    update.reset();  // FA429
    draw.reset();
}

WRONG(phase_scope_closed_on_another_thread) {
    const fa::smart_alloc alloc;
    std::optional<fa::phase_scope> loading(std::in_place, alloc, "loading");
    std::thread([&] {
        loading.reset();  // FA429
    }).join();
}

WRONG(phase_scope_and_end_phase) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    {
        const fa::phase_scope p{alloc, "draw"};
        alloc.end_phase();  // FA429
    }  // FA429
}

WRONG(context_scope_closed_out_of_order) {
    const fa::smart_alloc alloc;
    const fa::alloc_context ctx = alloc.context();
    std::optional<fa::context_scope> job(std::in_place, alloc, ctx);
    std::optional<fa::tag_scope> tag(std::in_place, alloc, physics);
    job.reset();  // FA429
    tag.reset();
}

WRONG(rollback_after_the_frame) {
    const fa::smart_alloc alloc;
    alloc.begin_frame();
    const auto before = alloc.frame_checkpoint();
    alloc.end_frame();
    alloc.begin_frame();
    alloc.rollback_to(before);  // FA427
    alloc.end_frame();
}

WRONG(rollback_twice_to_a_younger_checkpoint) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    const auto first = alloc.frame_checkpoint();
    frame.slice<int>(10)[0] = 1;
    const auto second = alloc.frame_checkpoint();
    alloc.rollback_to(first);
    alloc.rollback_to(second);  // FA427
}

WRONG(rollback_to_a_checkpoint_that_was_never_taken) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    fa::frame_checkpoint best;
    alloc.rollback_to(best);  // FA427
}

WRONG(rollback_of_the_outer_frame_while_an_inner_is_open) {
    const fa::smart_alloc alloc;
    auto outer = alloc.frame_scope();
    const auto before = alloc.frame_checkpoint();
    auto inner = alloc.frame_scope();
    alloc.rollback_to(before);  // FA427
}

WRONG(rollback_on_another_thread) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    const auto before = alloc.frame_checkpoint();
    std::thread([&] {
        alloc.rollback_to(before);  // FA427
    }).join();
}

WRONG(checkpoint_of_another_allocator) {
    const fa::smart_alloc game, ui;
    auto a = game.frame_scope();
    auto b = ui.frame_scope();
    const auto before = game.frame_checkpoint();
    ui.rollback_to(before);  // FA427
}

WRONG(element_of_the_undone_attempt_is_used) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    const int* found = nullptr;
    {
        auto guard = alloc.checkpoint_guard();
        auto open = frame.vec<int>({5, 6});
        found = &open[1];
    }
    show(*found);  // FA002
}

WRONG(frame_budget_is_passed) {
    const fa::smart_alloc alloc{{.strict = fa::strictness::abort_on_warning}};
    alloc.set_thread_frame_budget(64_KiB);
    alloc.on_budget_exceeded(fa::budget_policy::warn);
    auto frame = alloc.frame_scope();
    for (int n = 0; n < 10; ++n) frame.batch<char>(10'000)[0] = 'x';  // FA311
}

WRONG(pool_budget_is_passed) {
    const fa::smart_alloc alloc{{.strict = fa::strictness::abort_on_warning}};
    alloc.set_thread_pool_budget(64_KiB);
    alloc.on_budget_exceeded(fa::budget_policy::warn);
    auto all = alloc.pool_vec<void*>(fa::capacity(200));
    for (int n = 0; n < 200; ++n) all.push_back(alloc.pool_alloc_bytes(1000));  // FA311
}

WRONG(budget_that_fails_is_not_asked_for) {
    const fa::smart_alloc alloc;
    alloc.set_thread_frame_budget(10'000);
    alloc.on_budget_exceeded(fa::budget_policy::fail);
    auto frame = alloc.frame_scope();
    frame.slice<char>(20'000)[0] = 'x';  // FA003
}

WRONG(frame_limit_is_reached_by_a_growing_vec) {
    const fa::smart_alloc alloc{{.frame_capacity = 64_KiB, .frame_limit = 64_KiB}};
    auto frame = alloc.frame_scope();
    auto log = frame.vec<int>();
    for (int n = 0; n < 100'000; ++n) log.push_back(n);  // FA003
}

WRONG(allocation_after_seal) {
    const fa::smart_alloc alloc;
    alloc.seal();
    void* late = alloc.heap_alloc_bytes(10'000'000);  // FA003
    show(late != nullptr);
}

WRONG(fixed_memory_is_too_small_for_the_level) {
    const fa::smart_alloc alloc{{.frame_capacity = 64_KiB, .fixed_memory = 4_MiB}};
    std::vector<void*> chunks;
    for (int n = 0; n < 100; ++n) chunks.push_back(alloc.heap_alloc_bytes(100'000));  // FA003
}

WRONG(count_from_a_file_is_negative) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    const std::int32_t count = -1;
    frame.slice<vec3>(static_cast<std::size_t>(count))[0] = {};  // FA003
}

WRONG(fault_handler_logs_through_the_same_allocator) {
    static const fa::smart_alloc* game = nullptr;
    static int logged = 0;
    const auto log = [](const fa::fault& f) {
        if (logged++ != 0) fa::print_fault(f);
        else game->pool_free_bytes(game->pool_alloc_bytes(16), 16);  // FA436
    };
    const fa::smart_alloc alloc{{.strict = fa::strictness::warn, .on_fault = log}};
    game = &alloc;
    alloc.end_frame();
}

}  // namespace
}  // namespace style
