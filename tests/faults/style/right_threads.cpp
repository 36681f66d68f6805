// Threads, jobs, barriers, holds and transfers, used as in docs/threads.md.
#include "game.hpp"
#include "worker.hpp"

#include <array>
#include <atomic>
#include <memory_resource>
#include <mutex>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace style {
namespace {

void on_threads(int n, const std::function<void(int)>& work) {
    std::vector<std::thread> all;
    for (int i = 0; i < n; ++i) all.emplace_back(work, i);
    for (std::thread& t : all) t.join();
}

RIGHT(fork_join_over_a_slice) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    const std::span<float> heights = frame.slice<float>(1000);
    on_threads(4, [&](int w) {
        for (float& h : heights.subspan(static_cast<std::size_t>(w) * 250, 250)) h = static_cast<float>(w);
    });
    show(heights[999]);
}

RIGHT(jobs_are_waited_for_before_the_frame_ends) {
    const fa::smart_alloc alloc;
    worker w;
    for (int n = 0; n < 20; ++n) {
        auto frame = alloc.frame_scope();
        const std::span<int> data = frame.slice<int>(100);
        for (std::size_t i = 0; i < 4; ++i) w.push([part = data.subspan(i * 25, 25)] { part[24] = 1; });
        w.finish();
        show(data[99]);
    }
}

RIGHT(each_thread_its_own_frames) {
    const fa::smart_alloc alloc;
    on_threads(4, [alloc](int w) {
        for (int n = 0; n < 50; ++n) {
            auto frame = alloc.frame_scope();
            auto v = frame.vec<int>();
            for (int i = 0; i < n; ++i) v.push_back(w);
        }
    });
}

RIGHT(worker_reads_a_vec_of_the_main_thread) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto hits = frame.vec<int>({1, 2, 3});
    on_threads(2, [&](int) { show(hits[1] + static_cast<int>(hits.size())); });
    hits.push_back(4);
}

RIGHT(worker_writes_elements_of_a_vec) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto sums = frame.vec<int>(4);
    on_threads(4, [&](int w) { sums[static_cast<std::size_t>(w)] = w; });
    show(std::accumulate(sums.begin(), sums.end(), 0));
}

RIGHT(blocks_freed_by_another_thread) {
    const fa::smart_alloc alloc;
    std::vector<int*> made;
    for (int n = 0; n < 1000; ++n) made.push_back(alloc.pool_alloc<int>());
    std::thread([&] {
        for (int* p : made) alloc.pool_free(p);
    }).join();
    for (int n = 0; n < 1000; ++n) alloc.pool_free(alloc.pool_alloc<int>());
}

RIGHT(blocks_made_by_a_thread_that_ends) {
    const fa::smart_alloc alloc;
    std::vector<void*> made(200);
    on_threads(2, [&](int w) {
        for (std::size_t i = 0; i < 100; ++i) made[static_cast<std::size_t>(w) * 100 + i] = alloc.pool_alloc_bytes(50);
    });
    for (void* p : made) alloc.pool_free_bytes(p, 50);
}

RIGHT(boxes_cross_threads) {
    const fa::smart_alloc alloc;
    std::mutex mutex;
    std::vector<fa::pool_box<npc>> queue;
    std::thread producer([&] {
        for (int n = 0; n < 200; ++n) {
            auto made = alloc.pool_box<npc>();
            const std::lock_guard lock(mutex);
            queue.push_back(std::move(made));
        }
    });
    producer.join();
    std::thread([&] { queue.clear(); }).join();
}

RIGHT(shared_objects_cross_threads) {
    const fa::smart_alloc alloc;
    const auto mesh = alloc.pool_shared<std::string>("a mesh that everybody draws, with a long name");
    on_threads(4, [mesh](int) {
        for (int n = 0; n < 100; ++n) {
            const auto copy = mesh;
            show(copy->size());
        }
    });
}

RIGHT(deferred_frees_are_processed) {
    const fa::smart_alloc alloc;
    alloc.set_deferred({.mode = fa::deferred_mode::on_request});
    std::vector<int*> made;
    for (int n = 0; n < 300; ++n) made.push_back(alloc.pool_alloc<int>());
    std::thread([&] {
        for (int* p : made) alloc.pool_free(p);
    }).join();
    show(alloc.process_deferred_frees());
}

RIGHT(queue_of_foreign_frees_that_grows) {
    const fa::smart_alloc alloc;
    alloc.set_deferred(fa::deferred_config::bounded(64));
    std::vector<int*> made;
    for (int n = 0; n < 1000; ++n) made.push_back(alloc.pool_alloc<int>());
    std::thread([&] {
        for (int* p : made) alloc.pool_free(p);
    }).join();
    alloc.begin_frame();
    alloc.end_frame();
}

RIGHT(transfer_through_a_queue) {
    const fa::smart_alloc alloc;
    std::vector<fa::transfer_handle<std::string>> queue;
    for (int n = 0; n < 10; ++n) {
        auto frame = alloc.frame_scope();
        queue.push_back(alloc.frame_box_for_transfer<std::string>("made in a frame, and long enough for an allocation"));
    }
    std::thread([&] {
        for (auto& h : queue) show(std::move(h).receive()->size());
    }).join();
}

RIGHT(transfer_that_nobody_receives) {
    const fa::smart_alloc alloc;
    {
        std::vector<fa::transfer_handle<std::string>> queue;
        queue.push_back(alloc.frame_box_for_transfer<std::string>("dropped when the queue closes, with its content"));
    }
    show(alloc.transfers().dropped);
}

RIGHT(transfer_of_elements) {
    const fa::smart_alloc alloc;
    auto path = alloc.frame_span_for_transfer<vec3>(30);
    path.span()[29] = {1, 2, 3};
    std::thread([p = std::move(path)]() mutable {
        const auto received = std::move(p).receive();
        show(received[29].x);
    }).join();
}

RIGHT(received_value_is_kept_as_a_pool_box) {
    const fa::smart_alloc alloc;
    auto handle = alloc.frame_box_for_transfer<int>(7);
    auto received = std::move(handle).receive();
    const fa::pool_box<int> kept(received.release());
    show(*kept);
}

RIGHT(state_of_a_handle_is_asked) {
    const fa::smart_alloc alloc;
    auto handle = alloc.frame_box_for_transfer<int>(7);
    auto moved = std::move(handle);
    if (moved.state() == fa::transfer_state::pending) show(*std::move(moved).receive());
}

RIGHT(context_goes_with_the_job) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    const fa::tag_scope tag{alloc, "physics"};
    const fa::alloc_context ctx = alloc.context();
    std::thread([&] {
        const fa::context_scope scope{alloc, ctx};
        auto mine = alloc.frame_scope();
        mine.slice<int>(10)[0] = 1;
        show(alloc.tag_path().size());
    }).join();
}

RIGHT(render_thread_releases_its_hold_after_the_read) {
    const fa::smart_alloc alloc{{.frames_in_flight = 2}};
    for (int n = 0; n < 5; ++n) {
        fa::frame_hold hold;
        const int* positions = nullptr;
        {
            auto frame = alloc.frame_scope();
            positions = frame.slice<int>(100).data();
            hold = frame.hold("render");
        }
        std::thread render([h = std::move(hold), positions]() mutable {
            show(positions[99]);
            h.release();
        });
        { auto next = alloc.frame_scope(); }
        render.join();
    }
}

RIGHT(hold_of_an_inner_frame) {
    const fa::smart_alloc alloc;
    auto outer = alloc.frame_scope();
    fa::frame_hold hold;
    int* p = nullptr;
    {
        auto inner = alloc.frame_scope();
        p = inner.alloc<int>();
        hold = inner.hold("async");
    }
    *p = 5;
    show(*p);
    hold.release();
}

RIGHT(empty_hold_is_released) {
    fa::frame_hold hold;
    hold.release();
    fa::frame_hold other = std::move(hold);
    show(static_cast<bool>(other));
}

RIGHT(worker_frames_of_the_chapter) {
    const fa::smart_alloc alloc;
    fa::worker_frames frames{alloc};
    for (int n = 0; n < 3; ++n) {
        std::span<int> result;
        frames.on_frame_begin();
        const fa::alloc_context ctx = frames.context();
        std::thread([&] {
            frames.on_worker_enter();
            {
                fa::job_scope job{frames, ctx};
                auto temporary = alloc.frame_vec<int>();
                for (int i = 0; i < 100; ++i) temporary.push_back(i);
                result = job.result_batch<int>(1);
                result[0] = temporary[99];
            }
            frames.on_worker_exit();
        }).join();
        show(result[0]);
        frames.on_frame_end();
    }
}

RIGHT(jobs_on_the_driving_thread) {
    const fa::smart_alloc alloc;
    fa::worker_frames frames{alloc};
    for (int n = 0; n < 5; ++n) {
        frames.on_frame_begin();
        {
            fa::job_scope outer{frames, frames.context()};
            auto v = alloc.frame_vec<int>({1, 2});
            {
                fa::job_scope stolen{frames, frames.context()};
                alloc.frame_slice<int>(50)[49] = 1;
            }
            v.push_back(3);
        }
        {
            auto frame = alloc.frame_scope();
            frame.slice<int>(3)[0] = 1;
        }
        frames.on_frame_end();
    }
}

RIGHT(job_that_keeps_its_memory) {
    const fa::smart_alloc alloc;
    fa::worker_frames frames{alloc};
    frames.on_frame_begin();
    int* kept = nullptr;
    {
        fa::job_scope job{frames, frames.context(), fa::job_memory::keep};
        kept = alloc.frame_alloc<int>();
        *kept = 1;
    }
    show(*kept);
    frames.on_frame_end();
}

RIGHT(job_whose_result_is_a_vec) {
    const fa::smart_alloc alloc;
    fa::worker_frames frames{alloc};
    frames.on_frame_begin();
    std::optional<fa::frame_vec<int>> hits;
    {
        fa::job_scope job{frames, frames.context()};
        hits.emplace(job.results());
        for (int n = 0; n < 50; ++n) hits->push_back(n);
    }
    show((*hits)[49]);
    hits.reset();
    frames.on_frame_end();
}

RIGHT(coordinated_barrier_of_the_chapter) {
    const fa::smart_alloc alloc;
    fa::frame_barrier barrier{fa::barrier_mode::coordinated};
    std::array<std::span<int>, 2> results;
    std::vector<std::thread> workers;
    for (std::size_t w = 0; w < 2; ++w) {
        workers.emplace_back([&, w] {
            auto me = barrier.join(alloc, "worker");
            for (int n = 0; n < 5; ++n) {
                results[w] = alloc.frame_alloc_batch<int>(100);
                results[w][99] = n;
                me.arrive_and_wait();
            }
            me.leave();
        });
    }
    while (barrier.members() != 2) std::this_thread::yield();
    for (int n = 0; n < 5; ++n) {
        barrier.wait_all();
        show(results[0][99] + results[1][99]);
        barrier.end_frame();
    }
    for (std::thread& t : workers) t.join();
}

RIGHT(counted_barrier) {
    fa::frame_barrier barrier{3};
    std::atomic<int> done{0};
    on_threads(3, [&](int) {
        for (int n = 0; n < 20; ++n) {
            ++done;
            barrier.arrive_and_wait();
        }
    });
    show(done.load());
}

RIGHT(parked_and_resumed_elsewhere) {
    const fa::smart_alloc alloc;
    alloc.begin_frame();
    auto text = alloc.frame_string("begun here");
    auto parked = alloc.park();
    alloc.begin_frame();
    alloc.end_frame();
    std::thread([&] {
        alloc.resume(std::move(parked));
        text += ", and ended in another thread with more text";
        alloc.end_frame();
    }).join();
}

RIGHT(fiber_leaves_nothing_open) {
    const fa::smart_alloc alloc;
    auto state = alloc.pool_box<std::string>("the state of a fiber, kept in pool memory");
    for (int n = 0; n < 3; ++n) {
        std::thread([&] {
            auto frame = alloc.frame_scope();
            auto copy = frame.string(*state);
            *state += "!";
            show(copy.size());
        }).join();
    }
}

RIGHT(loader_thread_fills_a_heap_block) {
    const fa::smart_alloc alloc;
    std::atomic<vec3*> mesh{nullptr};
    std::thread loader([&] {
        auto* p = static_cast<vec3*>(alloc.heap_alloc_bytes(1000 * sizeof(vec3)));
        for (int n = 0; n < 1000; ++n) p[n] = {0, 0, static_cast<float>(n)};
        mesh = p;
    });
    while (mesh == nullptr) std::this_thread::yield();
    show(mesh.load()[999].z);
    loader.join();
    alloc.heap_free_bytes(mesh, 1000 * sizeof(vec3));
}

RIGHT(threads_end_before_their_allocator) {
    for (int n = 0; n < 5; ++n) {
        const fa::smart_alloc level;
        on_threads(3, [&](int w) {
            auto frame = level.frame_scope();
            frame.slice<int>(10)[0] = w;
            level.pool_free(level.pool_alloc<int>());
        });
    }
}

RIGHT(lifecycle_is_watched) {
    static std::atomic<int> frames{0};
    const auto count = [](const auto&) { ++frames; };
    const fa::smart_alloc alloc;
    alloc.lifecycle().enable(count);
    on_threads(2, [&](int) {
        auto frame = alloc.frame_scope();
        frame.slice<int>(3)[0] = 1;
    });
    alloc.lifecycle().disable();
    show(frames.load());
}

RIGHT(thread_budgets_are_kept) {
    const fa::smart_alloc alloc;
    on_threads(2, [&](int) {
        alloc.set_thread_frame_budget(64_KiB);
        alloc.on_budget_exceeded(fa::budget_policy::fail);
        auto frame = alloc.frame_scope();
        while (alloc.frame_remaining() >= 10'000) frame.batch<char>(10'000)[0] = 'x';
        show(frame.try_batch<char>(20'000).empty());
    });
}

RIGHT(audio_callback_with_an_allocator_of_its_own) {
    const fa::smart_alloc audio{{.name = "audio", .frame_capacity = 64_KiB}};
    std::atomic<bool> playing{true};
    std::thread callback([&] {
        float phase = 0;
        for (int block = 0; block < 50; ++block) {
            auto frame = audio.frame_scope();
            const auto mix = frame.batch<float>(256);
            for (float& s : mix) s = phase += 0.01F;
            show(mix[255]);
        }
        playing = false;
    });
    while (playing) std::this_thread::yield();
    callback.join();
}

RIGHT(requests_of_a_server) {
    const fa::smart_alloc alloc{{.name = "server"}};
    std::mutex mutex;
    std::vector<std::string> answers;
    on_threads(3, [&](int connection) {
        for (int n = 0; n < 20; ++n) {
            auto request = alloc.frame_scope();
            auto headers = request.map<int, fa::frame_string>();
            headers[n] = request.string("content-type: application/json");
            std::pmr::string body(request.resource());
            body.append(100, static_cast<char>('a' + connection));
            const std::lock_guard lock(mutex);
            answers.emplace_back(body);
        }
    });
    show(answers.size());
}

}  // namespace
}  // namespace style
