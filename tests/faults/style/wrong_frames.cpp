// Frame memory that is used after its frame ended.
#include "game.hpp"

#include <array>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string_view>
#include <vector>

namespace style {
namespace {

WRONG(npc_keeps_its_target_in_a_member) {
    const fa::smart_alloc alloc;
    npc guard;
    for (int n = 0; n < 2; ++n) {
        alloc.begin_frame();
        if (guard.target != nullptr) guard.target->health -= 1;  // FA002
        npc* intruder = alloc.frame_make<npc>();
        intruder->health = 50;
        guard.target = intruder;
        alloc.end_frame();
    }
}

struct renderer {
    std::span<const float> weights;
    void submit(std::span<const float> w) { weights = w; }
    void draw() const {
        float sum = 0;
        for (const float w : weights) sum += w;  // FA002
        show(sum);
    }
};

WRONG(renderer_draws_after_the_frame) {
    const fa::smart_alloc alloc;
    renderer r;
    {
        auto frame = alloc.frame_scope();
        r.submit(frame.slice<float>(64));
    }
    r.draw();
}

static std::span<vec3> visible_points(const fa::smart_alloc& alloc) {
    auto frame = alloc.frame_scope();
    std::span<vec3> points = frame.slice<vec3>(16);
    points[3].x = 1;
    return std::span<vec3>(points.data(), 4);
}

WRONG(helper_returns_a_span_of_its_frame) {
    const fa::smart_alloc alloc;
    auto outer = alloc.frame_scope();
    const std::span<vec3> points = visible_points(alloc);
    show(points[3].x);  // FA002
}

WRONG(callback_captures_a_frame_pointer) {
    const fa::smart_alloc alloc;
    std::function<void()> on_hit;
    {
        auto frame = alloc.frame_scope();
        contact* c = frame.alloc<contact>();
        *c = {0.5F, 1, 2};
        on_hit = [c] { show(c->depth); };  // FA002
    }
    on_hit();
}

WRONG(callback_captures_a_vec_by_reference) {
    const fa::smart_alloc alloc;
    std::function<std::size_t()> count;
    static fa::frame_vec<int>* listeners = nullptr;
    alloc.begin_frame();
    static fa::frame_vec<int> ids = alloc.frame_vec<int>();
    listeners = &ids;
    ids.push_back(7);
    count = [] { return static_cast<std::size_t>((*listeners)[0]); };  // FA002
    alloc.end_frame();
    show(count());
}

WRONG(deferred_commands_run_in_the_next_frame) {
    const fa::smart_alloc alloc;
    std::vector<std::function<void()>> commands;
    for (int n = 0; n < 2; ++n) {
        auto frame = alloc.frame_scope();
        for (auto& run : commands) run();
        particle* p = frame.alloc<particle>();
        p->life = 1;
        commands.emplace_back([p] { p->life -= 0.1F; });  // FA002
    }
}

WRONG(global_points_to_the_camera_of_the_level) {
    static vec3* camera = nullptr;
    const fa::smart_alloc alloc;
    {
        auto level = alloc.frame_scope();
        camera = level.alloc<vec3>();
        *camera = {0, 0, -5};
    }
    camera->z += 1;  // FA002
}

WRONG(text_of_a_frame_string_shown_later) {
    const fa::smart_alloc alloc;
    const char* title = nullptr;
    {
        auto frame = alloc.frame_scope();
        fa::frame_string s = frame.string("a title that is too long to be kept inside of the object");
        title = s.c_str();
    }
    show(title[0]);  // FA002
}

WRONG(view_of_a_short_frame_string_shown_later) {
    const fa::smart_alloc alloc;
    std::string_view name;
    {
        auto frame = alloc.frame_scope();
        char* copy = static_cast<char*>(frame.alloc_bytes(8));
        std::memcpy(copy, "bob", 4);
        name = copy;
    }
    show(name.front());  // FA002
}

WRONG(puts_of_last_frames_text) {
    const fa::smart_alloc alloc;
    const char* message = nullptr;
    alloc.begin_frame();
    {
        auto text = alloc.frame_string("wave 3 begins in 10 seconds, be prepared");
        message = text.data();
    }
    alloc.end_frame();
    std::puts(message);  // FA002
}

WRONG(memcpy_from_last_frames_vertices) {
    const fa::smart_alloc alloc;
    std::span<vec3> vertices;
    std::array<vec3, 32> upload{};
    {
        auto frame = alloc.frame_scope();
        vertices = frame.batch<vec3>(32);
        for (vec3& v : vertices) v = {1, 2, 3};
    }
    std::memcpy(upload.data(), vertices.data(), vertices.size_bytes());  // FA002
    show(upload[31].x);
}

WRONG(memset_of_last_frames_depth_buffer) {
    const fa::smart_alloc alloc;
    alloc.begin_frame();
    const std::span<float> depth = alloc.frame_alloc_batch<float>(640);
    alloc.end_frame();
    alloc.begin_frame();
    std::memset(depth.data(), 0, depth.size_bytes());  // FA002
    alloc.end_frame();
}

WRONG(early_end_in_a_loop) {
    const fa::smart_alloc alloc;
    for (int n = 0; n < 3; ++n) {
        alloc.begin_frame();
        int* visits = alloc.frame_alloc<int>();
        *visits = n;
        alloc.end_frame();
        show(*visits);  // FA002
    }
}

WRONG(linked_list_spans_two_frames) {
    struct node {
        int value;
        node* next;
    };
    const fa::smart_alloc alloc;
    node* head = nullptr;
    for (int n = 0; n < 3; ++n) {
        auto frame = alloc.frame_scope();
        head = frame.make<node>(n, head);
        for (const node* i = head; i != nullptr; i = i->next) show(i->value);  // FA002
    }
}

WRONG(best_path_taken_from_an_inner_frame) {
    const fa::smart_alloc alloc;
    auto outer = alloc.frame_scope();
    std::span<int> best;
    for (int attempt = 0; attempt < 3; ++attempt) {
        auto inner = alloc.frame_scope();
        const std::span<int> path = inner.slice<int>(10);
        path[0] = attempt;
        if (attempt == 1) best = path;
    }
    show(best[0]);  // FA002
}

WRONG(lazy_cache_filled_in_an_inner_frame) {
    const fa::smart_alloc alloc;
    struct terrain {
        const fa::smart_alloc& alloc;
        float* heights = nullptr;
        float at(std::size_t i) {
            if (heights == nullptr) heights = alloc.frame_slice<float>(128).data();
            return heights[i];  // FA002
        }
    } t{alloc};
    alloc.begin_frame();
    alloc.begin_frame();
    show(t.at(5));
    alloc.end_frame();
    show(t.at(6));  // FA002, where it is inlined
    alloc.end_frame();
}

WRONG(out_parameter_of_a_parser) {
    struct token {
        const char* text;
        std::size_t length;
    };
    const fa::smart_alloc alloc;
    const auto parse = [&](std::string_view source, token& out) {
        auto frame = alloc.frame_scope();
        auto copy = frame.string(source);
        copy += ";                                    ";
        out = {copy.data(), source.size()};
    };
    token t{};
    parse("let x = 1", t);
    show(t.text[4]);  // FA002
}

WRONG(particles_updated_in_place_across_frames) {
    const fa::smart_alloc alloc;
    std::span<particle> particles;
    for (int n = 0; n < 2; ++n) {
        auto frame = alloc.frame_scope();
        if (n == 0) particles = frame.slice<particle>(200);
        for (particle& p : particles) p.life -= 0.016F;  // FA002
    }
}

WRONG(swap_of_two_frame_buffers) {
    const fa::smart_alloc alloc;
    float* front = nullptr;
    float* back = nullptr;
    for (int n = 0; n < 3; ++n) {
        alloc.begin_frame();
        front = back;
        back = alloc.frame_alloc_batch<float>(100).data();
        back[0] = 1;
        if (front != nullptr) back[1] = front[0];  // FA002
        alloc.end_frame();
    }
}

WRONG(frame_made_object_kept_by_a_system) {
    struct sound {
        explicit sound(int i) : id(i) {}
        ~sound() { id = -1; }
        int id;
    };
    const fa::smart_alloc alloc;
    std::vector<sound*> playing;
    {
        auto frame = alloc.frame_scope();
        playing.push_back(frame.make<sound>(3));
    }
    for (const sound* s : playing) show(s->id);  // FA002
}

WRONG(box_get_kept_as_a_raw_pointer) {
    const fa::smart_alloc alloc;
    npc* leader = nullptr;
    {
        auto frame = alloc.frame_scope();
        auto box = frame.box<npc>();
        leader = box.get();
    }
    leader->health = 0;  // FA002
}

WRONG(box_member_outlives_its_frame) {
    struct ui {
        fa::frame_box<npc> selected;
    };
    const fa::smart_alloc alloc;
    ui screen;
    {
        auto frame = alloc.frame_scope();
        screen.selected = frame.box<npc>();
    }
    show(screen.selected->health);  // FA002
}

WRONG(begin_frame_misplaced_behind_the_allocation) {
    const fa::smart_alloc alloc;
    alloc.begin_frame();
    int* score = alloc.frame_alloc<int>();
    *score = 10;
    alloc.end_frame();
    alloc.begin_frame();
    *score += 5;  // FA002
    alloc.end_frame();
}

WRONG(two_in_flight_but_three_are_read) {
    const fa::smart_alloc alloc{{.frames_in_flight = 2}};
    std::array<int*, 3> history{};
    for (std::size_t n = 0; n < 3; ++n) {
        auto frame = alloc.frame_scope();
        history[n] = frame.alloc<int>();
        *history[n] = static_cast<int>(n);
        if (n == 2) show(*history[0]);  // FA002
    }
}

WRONG(pointer_from_before_the_rollback) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    const auto before = alloc.frame_checkpoint();
    int* guess = frame.alloc<int>();
    *guess = 3;
    alloc.rollback_to(before);
    show(*guess);  // FA002
}

WRONG(result_of_a_failed_speculation) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    int* steps = nullptr;
    const bool found = alloc.speculative([&] {
        steps = frame.batch<int>(50).data();
        steps[0] = 1;
        return false;
    });
    if (!found) show(steps[0]);  // FA002
}

WRONG(structured_binding_returned_by_reference) {
    const fa::smart_alloc alloc;
    int* low = nullptr;
    {
        auto frame = alloc.frame_scope();
        auto [a, b] = frame.alloc_n<int, 2>();
        a = b = 1;
        low = &a;
    }
    show(*low);  // FA002
}

WRONG(sorted_index_of_a_frame_kept_by_the_broadphase) {
    struct broadphase {
        const int* order = nullptr;
        int first() const { return order[0]; }  // FA002
    };
    const fa::smart_alloc alloc;
    broadphase b;
    alloc.begin_frame();
    auto order = alloc.frame_vec<int>({2, 0, 1});
    b.order = order.data();
    alloc.end_frame();
    show(b.first());  // FA002, where it is inlined
}

WRONG(static_scratch_initialised_once) {
    const fa::smart_alloc alloc;
    const auto scratch = [&]() -> std::span<int> {
        static const std::span<int> kept = alloc.frame_alloc_batch<int>(32);
        return kept;
    };
    for (int n = 0; n < 2; ++n) {
        auto frame = alloc.frame_scope();
        scratch()[0] = n;  // FA002
    }
}

WRONG(event_queue_holds_pointers_to_payloads) {
    struct event {
        int kind;
        const vec3* where;
    };
    const fa::smart_alloc alloc;
    std::vector<event> queue;
    {
        auto frame = alloc.frame_scope();
        vec3* where = frame.alloc<vec3>();
        *where = {1, 2, 3};
        queue.push_back({1, where});
    }
    {
        auto frame = alloc.frame_scope();
        for (const event& e : queue) show(e.where->y);  // FA002
    }
}

WRONG(image_too_large_for_the_arena_is_written_later) {
    const fa::smart_alloc alloc{{.frame_capacity = 64_KiB}};
    unsigned char* image = nullptr;
    {
        auto frame = alloc.frame_scope();
        image = frame.batch<unsigned char>(300'000).data();  // born
    }  // FA419
    image[5] = 1;
    alloc.check();  // FA419
}

WRONG(outer_memory_taken_in_an_inner_frame_is_written_later) {
    const fa::smart_alloc alloc;
    int* found = nullptr;
    {
        auto outer = alloc.frame_scope();
        auto inner = alloc.frame_scope();
        found = outer.alloc<int>();  // born
    }  // FA419
    *found = 1;
}  // FA419

DOCUMENTED(image_too_large_for_the_arena_is_read_later) {
    const fa::smart_alloc alloc{{.frame_capacity = 64_KiB}};
    const unsigned char* image = nullptr;
    {
        auto frame = alloc.frame_scope();
        image = frame.slice<unsigned char>(300'000).data();
    }
    show(image[5]);
}

WRONG(allocation_without_a_frame) {
    const fa::smart_alloc alloc;
    int* counter = alloc.frame_alloc<int>();  // FA001
    *counter = 1;
}

WRONG(level_loader_forgets_its_frame) {
    const fa::smart_alloc alloc;
    const auto load = [&](const char* name) {
        auto path = alloc.frame_string("assets/levels/castle/interior/");  // FA001
        path += name;
        return path.size();
    };
    show(load("hall.lvl"));
}

WRONG(vec_made_between_two_frames) {
    const fa::smart_alloc alloc;
    alloc.begin_frame();
    alloc.end_frame();
    auto hits = alloc.frame_vec<contact>();
    hits.push_back({1, 2, 3});  // FA001
    alloc.begin_frame();
    alloc.end_frame();
}

}  // namespace
}  // namespace style
