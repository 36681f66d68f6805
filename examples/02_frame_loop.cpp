// A game loop: input, update, render, with a helper that opens its own frame. Tags say which system used how much.
#include <framealloc/framealloc.hpp>

#include <cstdio>

namespace fa = framealloc;

inline constexpr fa::tag update{"update"}, render{"render"};

struct enemy {
    float x, speed;
};
struct draw_call {
    int sprite;
    float x;
};

// Helpers may open frames: memory of the caller's frame stays in the caller's frame.
float average(const fa::smart_alloc& alloc, std::span<const enemy> enemies) {
    fa::frame_scope frame = alloc.frame_scope();
    std::span<float> xs = frame.batch<float>(enemies.size());
    float sum = 0;
    for (std::size_t i = 0; i < xs.size(); ++i) sum += xs[i] = enemies[i].x;
    return sum / static_cast<float>(xs.size());
}

int main() {
    fa::smart_alloc alloc{fa::options{.name = "game"}};
    auto enemies = alloc.heap_vec<enemy>();
    for (int i = 0; i < 100; ++i) enemies.push_back({static_cast<float>(i), 0.5F});
    for (int n = 0; n < 60; ++n) {
        fa::frame_scope frame = alloc.frame_scope();
        fa::frame_vec<draw_call> calls = frame.vec<draw_call>();
        {
            fa::tag_scope tag{alloc, update};
            for (enemy& e : enemies) e.x += e.speed;
        }
        {
            fa::tag_scope tag{alloc, render};
            for (const enemy& e : enemies) {
                if (e.x > 50.0F) calls.push_back({1, e.x});
            }
        }
        if (n % 20 == 19)
            std::printf("frame %d: %zu draw calls, enemies at %.1f on average\n", n + 1, calls.size(),
                        static_cast<double>(average(alloc, enemies)));
    }
    const fa::tag_stats t = alloc.tag_stats(render);
    std::printf("render used %zu bytes of the last frame and holds %zu now\n", t.last_frame_bytes, t.total_bytes);
    std::printf("%llu frames were begun\n", static_cast<unsigned long long>(alloc.frame_number()));
}
