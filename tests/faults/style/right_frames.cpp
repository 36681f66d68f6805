// Frame memory that is used only while its frame is open.
#include "game.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace style {
namespace {

RIGHT(first_loop) {
    const fa::smart_alloc alloc;
    for (int n = 0; n < 100; ++n) {
        alloc.begin_frame();
        int* score = alloc.frame_alloc<int>();
        *score = n;
        show(*score);
        alloc.end_frame();
    }
}

RIGHT(npc_drops_its_target_at_the_end) {
    const fa::smart_alloc alloc;
    npc guard;
    for (int n = 0; n < 3; ++n) {
        auto frame = alloc.frame_scope();
        guard.target = frame.make<npc>();
        guard.target->health -= 1;
        guard.target = nullptr;
    }
}

RIGHT(helper_writes_into_the_callers_frame) {
    const fa::smart_alloc alloc;
    const auto visible = [](const fa::frame_scope& frame, std::size_t n) {
        auto points = frame.slice<vec3>(n);
        points[0].x = 1;
        return points;
    };
    auto frame = alloc.frame_scope();
    show(visible(frame, 16)[0].x);
}

RIGHT(helper_with_a_frame_of_its_own_returns_a_value) {
    const fa::smart_alloc alloc;
    const auto median = [&](std::span<const float> values) {
        auto inner = alloc.frame_scope();
        auto sorted = inner.vec<float>(values);
        std::sort(sorted.begin(), sorted.end());
        return sorted[sorted.size() / 2];
    };
    auto frame = alloc.frame_scope();
    auto values = frame.slice<float>(9);
    std::iota(values.begin(), values.end(), 0.0F);
    show(median(values));
}

RIGHT(outer_container_grows_while_an_inner_frame_is_open) {
    const fa::smart_alloc alloc;
    auto outer = alloc.frame_scope();
    auto names = outer.vec<int>();
    for (int n = 0; n < 50; ++n) {
        auto inner = alloc.frame_scope();
        const auto scratch = inner.slice<int>(20);
        names.push_back(scratch[0] + n);
    }
    show(std::accumulate(names.begin(), names.end(), 0));
}

RIGHT(callbacks_of_a_frame_run_in_it) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    contact* c = frame.alloc<contact>();
    *c = {0.5F, 1, 2};
    const std::function<void()> on_hit = [c] { show(c->depth); };
    on_hit();
}

RIGHT(three_in_flight_and_three_read) {
    const fa::smart_alloc alloc{{.frames_in_flight = 3}};
    std::array<int*, 9> history{};
    for (std::size_t n = 0; n < 9; ++n) {
        auto frame = alloc.frame_scope();
        history[n] = frame.alloc<int>();
        *history[n] = static_cast<int>(n);
        if (n >= 2) show(*history[n - 2]);
    }
}

RIGHT(held_frame_is_read_by_the_next) {
    const fa::smart_alloc alloc{{.frames_in_flight = 2}};
    fa::frame_hold hold;
    const int* positions = nullptr;
    for (int n = 0; n < 4; ++n) {
        auto frame = alloc.frame_scope();
        if (positions != nullptr) show(positions[99]);
        positions = frame.slice<int>(100).data();
        hold = frame.hold("render");
    }
}

RIGHT(recursion_with_a_frame_a_level) {
    const fa::smart_alloc alloc;
    const std::function<int(int)> depth = [&](int n) -> int {
        auto frame = alloc.frame_scope();
        auto children = frame.vec<int>({n, n - 1});
        return n == 0 ? 0 : 1 + depth(children[1]);
    };
    show(depth(40));
}

RIGHT(zero_sized_requests) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    const auto none = frame.batch<int>(0);
    const auto empty = frame.slice<vec3>(0);
    show(none.size() + empty.size() + (frame.alloc_bytes(0) == nullptr ? 1 : 0));
}

RIGHT(last_element_of_every_kind_of_run) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    for (std::size_t n = 1; n < 200; n += 7) {
        frame.batch<char>(n).back() = 'x';
        frame.slice<double>(n).back() = 1;
        static_cast<char*>(frame.alloc_bytes(n, 1))[n - 1] = 'y';
    }
}

RIGHT(large_run_in_a_small_frame) {
    const fa::smart_alloc alloc{{.frame_capacity = 64_KiB}};
    for (int n = 0; n < 3; ++n) {
        auto frame = alloc.frame_scope();
        const auto image = frame.batch<unsigned char>(1'000'000);
        std::memset(image.data(), n, image.size());
        show(image.back());
    }
}

RIGHT(alignment_for_simd) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    struct alignas(64) line {
        float values[16];
    };
    line* l = frame.alloc<line>();
    l->values[15] = 1;
    void* p = frame.alloc_bytes(100, 256);
    std::memset(p, 0, 100);
}

RIGHT(rollback_of_a_failed_attempt) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto path = frame.vec<int>();
    for (int attempt = 0; attempt < 10; ++attempt) {
        const auto before = alloc.frame_checkpoint();
        path.push_back(attempt);
        frame.slice<int>(100)[99] = attempt;
        if (attempt % 2 == 0) alloc.rollback_to(before);
    }
    show(path.size());
}

RIGHT(speculation_keeps_what_succeeded) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    const std::optional<int*> found = alloc.speculative([&]() -> std::optional<int*> {
        int* best = frame.alloc<int>();
        *best = 5;
        return best;
    });
    show(**found);
}

RIGHT(guard_that_commits_and_guard_that_does_not) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    int* kept = nullptr;
    {
        auto guard = alloc.checkpoint_guard();
        kept = frame.alloc<int>();
        *kept = 1;
        guard.commit();
    }
    {
        auto guard = alloc.checkpoint_guard();
        frame.slice<int>(1000)[0] = 2;
    }
    show(*kept);
}

RIGHT(text_is_copied_out_of_the_frame) {
    const fa::smart_alloc alloc;
    std::string title;
    {
        auto frame = alloc.frame_scope();
        auto s = frame.string("score: ");
        s += "1000 points, a new record";
        title = std::string(s);
    }
    show(title.size());
}

RIGHT(particles_copied_from_frame_to_frame) {
    const fa::smart_alloc alloc;
    std::vector<particle> stored(100);
    for (int n = 0; n < 5; ++n) {
        auto frame = alloc.frame_scope();
        auto alive = frame.vec<particle>(fa::capacity(stored.size()));
        for (const particle& p : stored) alive.push_back({p.position, p.velocity, p.life + 1});
        stored.assign(alive.begin(), alive.end());
    }
    show(stored.back().life);
}

RIGHT(objects_destroyed_by_the_frame_see_each_other) {
    struct child {
        const int* parent;
        ~child() { show(*parent); }
    };
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    int* parent = frame.alloc<int>();
    *parent = 3;
    frame.make<child>(parent);
    frame.make<child>(parent);
}

RIGHT(linked_list_in_one_frame) {
    struct node {
        int value;
        node* next;
    };
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    node* head = nullptr;
    for (int n = 0; n < 30; ++n) head = frame.make<node>(n, head);
    for (const node* i = head; i != nullptr; i = i->next) show(i->value);
}

RIGHT(two_allocators_in_one_loop) {
    const fa::smart_alloc game{{.name = "game"}}, audio{{.name = "audio"}};
    for (int n = 0; n < 10; ++n) {
        auto frame = game.frame_scope();
        auto mix = audio.frame_scope();
        frame.slice<int>(10)[9] = n;
        mix.slice<float>(256)[255] = 0;
    }
}

RIGHT(begin_and_end_on_every_path) {
    const fa::smart_alloc alloc;
    const auto update = [&](bool paused) {
        alloc.begin_frame();
        if (paused) {
            alloc.end_frame();
            return;
        }
        *alloc.frame_alloc<int>() = 1;
        alloc.end_frame();
    };
    for (int n = 0; n < 10; ++n) update(n % 3 == 0);
}

RIGHT(frame_closed_by_an_exception) {
    const fa::smart_alloc alloc;
    for (int n = 0; n < 3; ++n) {
        try {
            auto frame = alloc.frame_scope();
            auto v = frame.vec<int>({1, 2, 3});
            if (n == 1) throw v.size();
        } catch (std::size_t size) {
            show(size);
        }
    }
}

RIGHT(handle_is_copied_into_systems) {
    struct physics {
        fa::smart_alloc alloc;
        void step() const {
            auto frame = alloc.frame_scope();
            frame.slice<contact>(8)[7].depth = 1;
        }
    };
    const fa::smart_alloc alloc;
    const std::array<physics, 3> systems{physics{alloc}, physics{alloc}, physics{alloc}};
    auto frame = alloc.frame_scope();
    for (const physics& p : systems) p.step();
}

RIGHT(frame_that_allocates_nothing) {
    const fa::smart_alloc alloc;
    for (int n = 0; n < 1000; ++n) {
        auto frame = alloc.frame_scope();
    }
    show(alloc.frame_number());
}

RIGHT(attempts_that_may_fail) {
    const fa::smart_alloc alloc{{.frame_capacity = 64_KiB, .frame_limit = 256_KiB}};
    auto frame = alloc.frame_scope();
    std::size_t served = 0;
    while (!frame.try_batch<char>(10'000).empty()) ++served;
    show(served);
}

RIGHT(question_what_a_pointer_is) {
    const fa::smart_alloc alloc{{.name = "game"}};
    char text[200];
    const int* old = nullptr;
    {
        auto frame = alloc.frame_scope();
        old = frame.alloc<int>();
        show(fa::describe(old).text(text).size());
    }
    show(fa::describe(old).text(text).size());
    show(fa::describe(&text).text(text).size());
}

RIGHT(mesh_built_from_batches) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto vertices = frame.batch<vec3>(36);
    auto indices = frame.batch<unsigned short>(36);
    for (std::size_t i = 0; i < 36; ++i) {
        vertices[i] = {static_cast<float>(i), 0, 0};
        indices[i] = static_cast<unsigned short>(35 - i);
    }
    show(vertices[indices.front()].x);
}

RIGHT(check_between_two_systems) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    frame.slice<int>(33)[32] = 1;
    void* p = alloc.pool_alloc_bytes(33);
    std::memset(p, 0, 33);
    show(alloc.check());
    alloc.pool_free_bytes(p, 33);
    show(alloc.check());
}

RIGHT(early_return_with_a_scope) {
    const fa::smart_alloc alloc;
    const auto find = [&](int wanted) {
        auto frame = alloc.frame_scope();
        for (const int& i : frame.vec<int>({4, 8, 15})) {
            if (i == wanted) return true;
        }
        return false;
    };
    show(find(8));
    show(find(9));
}

}  // namespace
}  // namespace style
