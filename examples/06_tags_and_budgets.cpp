// Who uses how much: five systems under tags, and a thread that may not exceed its budget.
#include <framealloc/framealloc.hpp>

#include <cstdio>
#include <thread>
#include <vector>

namespace fa = framealloc;
using namespace fa::literals;

struct system_load {
    const char* name;
    std::size_t frame_bytes;  // per frame
    std::size_t heap_bytes;   // held to the end
};
constexpr system_load systems[] = {{"physics", 1_MiB, 64_KiB},
                                   {"rendering", 2_MiB, 512_KiB},
                                   {"audio", 128_KiB, 256_KiB},
                                   {"ai", 512_KiB, 32_KiB},
                                   {"network", 64_KiB, 16_KiB}};

int main() {
    fa::smart_alloc alloc;
    {
        std::vector<fa::heap_vec<char>> assets;
        for (const system_load& s : systems) {
            alloc.with_tag(s.name,
                           [&](auto& a) { assets.push_back(a.template heap_vec<char>(fa::count(s.heap_bytes))); });
        }
        for (int n = 0; n < 5; ++n) {
            fa::frame_scope frame = alloc.frame_scope();
            for (const system_load& s : systems) {
                fa::tag_scope tag{alloc, s.name};
                fa::phase_scope phase{alloc, "update"};
                static_cast<void>(frame.batch<char>(s.frame_bytes));
            }
        }
        for (const system_load& s : systems) {
            const fa::tag_stats t = alloc.tag_stats(s.name);
            std::printf("%-10s %8zu bytes in the last frame, %7zu on the heap\n", s.name, t.last_frame_bytes,
                        t.heap_bytes);
        }
    }

    // A loading thread with 512 KiB of frame memory: it asks how much is left, and is stopped when it does not ask.
    std::thread([&] {
        alloc.set_thread_frame_budget(512_KiB);
        auto report = [](const fa::budget_event& e) {
            std::printf("%s: %zu of %zu bytes used\n", e.exceeded ? "refused" : "warning", e.used, e.limit);
            return false;
        };
        alloc.on_budget_exceeded(fa::budget_policy::custom, report, 80);
        fa::frame_scope frame = alloc.frame_scope();
        int files = 0;
        while (alloc.frame_remaining() >= 100_KiB) {
            static_cast<void>(frame.batch<char>(100_KiB));
            ++files;
        }
        std::printf("%d files of 100 KiB, %zu bytes left\n", files, alloc.frame_remaining());
        std::printf("one more: %s\n", frame.try_batch<char>(100_KiB).empty() ? "no" : "yes");
    }).join();
}
