// Threads, jobs, barriers, holds and transfers.
#include "game.hpp"
#include "worker.hpp"

#include <array>
#include <atomic>
#include <functional>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace style {
namespace {

WRONG(job_reads_its_input_after_the_frame_of_the_main_thread) {
    const fa::smart_alloc alloc;
    std::atomic<bool> frame_over{false};
    worker w;
    {
        auto frame = alloc.frame_scope();
        const std::span<const float> heights = frame.slice<float>(100);
        w.push([heights, &frame_over] {
            while (!frame_over) std::this_thread::yield();
            show(heights[50]);  // FA002
        });
    }
    frame_over = true;
}

WRONG(job_writes_its_result_after_the_frame_of_the_main_thread) {
    const fa::smart_alloc alloc;
    std::atomic<bool> frame_over{false};
    worker w;
    {
        auto frame = alloc.frame_scope();
        int* visible = frame.alloc<int>();
        w.push([visible, &frame_over] {
            while (!frame_over) std::this_thread::yield();
            *visible = 7;  // FA002
        });
    }
    frame_over = true;
}

WRONG(worker_allocates_in_the_frame_of_the_main_thread) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    std::thread([&] {
        float* sums = frame.batch<float>(16).data();  // FA430
        sums[0] = 1;
    }).join();
}

WRONG(workers_push_into_a_vec_of_the_main_thread) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto hits = frame.vec<contact>();
    std::mutex mutex;
    std::thread([&] {
        const std::lock_guard lock(mutex);
        hits.push_back({1, 2, 3});  // FA430
    }).join();
}

WRONG(worker_adds_to_a_map_of_the_main_thread) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto costs = frame.map<int, int>();
    std::thread([&] { costs[3] = 4; }).join();  // FA430
}

WRONG(worker_appends_to_a_string_of_the_main_thread) {
    const fa::smart_alloc alloc;
    alloc.begin_frame();
    auto log = alloc.frame_string("main: ");
    std::thread([&] {
        log += "and the worker has to say a thing that needs room, too";  // FA430
    }).join();
    alloc.end_frame();
}

WRONG(worker_forgets_to_open_a_frame) {
    const fa::smart_alloc alloc;
    alloc.begin_frame();
    std::thread([alloc] {
        int* scratch = alloc.frame_alloc<int>();  // FA001
        *scratch = 1;
    }).join();
    alloc.end_frame();
}

WRONG(worker_ends_the_frame_that_main_began) {
    const fa::smart_alloc alloc;
    alloc.begin_frame();
    std::thread([alloc] {
        alloc.end_frame();  // FA428
    }).join();
    alloc.end_frame();
}

WRONG(worker_ends_its_thread_with_a_frame_open) {
    const fa::smart_alloc alloc;
    std::thread([alloc] {
        alloc.begin_frame();  // FA428
        *alloc.frame_alloc<int>() = 1;
    }).join();
}

WRONG(scope_is_moved_to_the_worker_in_a_pointer) {
    const fa::smart_alloc alloc;
    auto frame = std::optional<fa::frame_scope>();
    frame.emplace(alloc.owner());
    std::thread([&] { frame.reset(); }).join();  // FA430
}

WRONG(vec_is_moved_into_the_thread) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto work = frame.vec<int>({1, 2, 3});
    std::thread([mine = std::move(work)] { show(mine[0]); }).join();  // FA211
}

WRONG(box_is_handed_to_the_worker) {
    struct order {
        explicit order(int i) : id(i) {}
        ~order() { id = 0; }
        int id;
    };
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto box = frame.box<order>(4);
    std::thread([&] {
        box.reset();  // FA211
    }).join();
}

WRONG(result_of_a_job_read_after_the_frame) {
    const fa::smart_alloc alloc;
    fa::worker_frames frames{alloc};
    int* result = nullptr;
    frames.on_frame_begin();
    {
        fa::job_scope job{frames, frames.context()};
        result = alloc.frame_alloc<int>();
        *result = 3;
    }
    show(*result);  // FA002
    frames.on_frame_end();
}

WRONG(temporary_of_a_job_taken_for_a_result) {
    const fa::smart_alloc alloc;
    fa::worker_frames frames{alloc};
    std::span<int> islands;
    frames.on_frame_begin();
    const fa::alloc_context ctx = frames.context();
    std::thread([&] {
        frames.on_worker_enter();
        {
            fa::job_scope job{frames, ctx};
            islands = alloc.frame_slice<int>(20);
        }
        frames.on_worker_exit();
    }).join();
    show(islands[0]);  // FA002
    frames.on_frame_end();
}

WRONG(results_of_workers_written_after_the_frame) {
    const fa::smart_alloc alloc;
    {
        fa::worker_frames frames{alloc};
        std::span<int> result;
        frames.on_frame_begin();
        {
            fa::job_scope job{frames, frames.context()};
            result = job.result_batch<int>(8);  // FA419
        }
        frames.on_frame_end();  // FA419
        result[0] = 1;  // FA002
    }
    alloc.check();  // FA419
}

WRONG(result_kept_from_the_frame_before) {
    const fa::smart_alloc alloc;
    fa::worker_frames frames{alloc};
    const int* last = nullptr;
    for (int n = 0; n < 2; ++n) {
        frames.on_frame_begin();
        if (last != nullptr) show(*last);  // FA002
        {
            fa::job_scope job{frames, frames.context(), fa::job_memory::keep};
            int* sum = alloc.frame_alloc<int>();
            *sum = n;
            last = sum;
        }
        frames.on_frame_end();
    }
}

WRONG(driver_begins_two_frames) {
    const fa::smart_alloc alloc;
    fa::worker_frames frames{alloc};
    frames.on_frame_begin();
    frames.on_frame_begin();  // FA428
}

WRONG(driver_ends_a_frame_it_never_began) {
    const fa::smart_alloc alloc;
    fa::worker_frames frames{alloc};
    frames.on_frame_end();  // FA428
}

WRONG(context_of_another_allocator) {
    const fa::smart_alloc game, audio;
    const fa::alloc_context ctx = game.context();
    fa::context_scope scope{audio, ctx};  // FA429
}

WRONG(transfer_received_twice) {
    const fa::smart_alloc alloc;
    auto handle = alloc.frame_box_for_transfer<int>(7);
    const auto first = std::move(handle).receive();
    const auto second = std::move(handle).receive();  // FA434
    show(*first);
}

WRONG(transfer_received_from_the_queue_that_was_emptied) {
    const fa::smart_alloc alloc;
    std::vector<fa::transfer_handle<int>> queue;
    queue.push_back(alloc.frame_box_for_transfer<int>(1));
    auto taken = std::move(queue[0]);
    show(*std::move(taken).receive());
    std::thread([&] {
        const auto again = std::move(queue[0]).receive();  // FA434
    }).join();
}

WRONG(received_box_is_empty_and_used) {
    const fa::smart_alloc alloc;
    auto handle = alloc.frame_box_for_transfer<int>(7);
    auto received = std::move(handle).receive();
    fa::pool_box<int> kept(received.release());
    show(*received);  // FA444
}

WRONG(transferred_struct_points_into_the_frame) {
    struct report {
        int hits;
        const float* weights;
    };
    const fa::smart_alloc alloc;
    std::optional<fa::transfer_handle<report>> sent;
    {
        auto frame = alloc.frame_scope();
        sent = alloc.frame_box_for_transfer<report>(report{1, frame.slice<float>(4).data()});
    }
    std::thread([h = std::move(*sent)]() mutable {
        const auto r = std::move(h).receive();
        show(r->weights[0]);  // FA002
    }).join();
}

WRONG(hold_is_released_before_the_read) {
    const fa::smart_alloc alloc{{.frames_in_flight = 2}};
    const int* positions = nullptr;
    fa::frame_hold hold;
    {
        auto frame = alloc.frame_scope();
        positions = frame.slice<int>(100).data();
        hold = frame.hold("render");
    }
    hold.release();
    for (int n = 0; n < 2; ++n) auto next = alloc.frame_scope();
    show(positions[0]);  // FA002
}

WRONG(render_thread_reads_behind_its_hold) {
    const fa::smart_alloc alloc;
    const int* positions = nullptr;
    fa::frame_hold hold;
    {
        auto frame = alloc.frame_scope();
        positions = frame.slice<int>(100).data();
        hold = frame.hold("render");
    }
    std::thread([h = std::move(hold), positions]() mutable {
        show(positions[99]);
        h.release();
        show(positions[0]);  // FA002
    }).join();
}

WRONG(recorder_reads_behind_the_last_of_its_holds) {
    const fa::smart_alloc alloc;
    std::array<fa::frame_hold, 2> holds;
    std::span<float> samples;
    {
        auto frame = alloc.frame_scope();
        samples = frame.slice<float>(3000);  // born
        for (auto& h : holds) h = frame.hold("recorder");
    }
    for (auto& h : holds) {
        show(samples[0]);
        h.release();
    }
    show(samples[2999]);  // FA002
}

WRONG(hold_is_overwritten_by_that_of_the_next_frame) {
    const fa::smart_alloc alloc;
    fa::frame_hold hold;
    std::array<const int*, 3> shown{};
    for (std::size_t n = 0; n < 3; ++n) {
        auto frame = alloc.frame_scope();
        shown[n] = frame.slice<int>(10).data();
        hold = frame.hold("ui");
    }
    show(*shown[2]);
    show(*shown[0]);  // FA002
}

WRONG(worker_takes_a_hold_of_the_main_threads_frame) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    std::thread([&] {
        const auto hold = frame.hold("worker");  // FA441
    }).join();
}

WRONG(hold_is_kept_for_ever) {
    const fa::smart_alloc alloc{{.frames_in_flight = 2, .on_frame_busy = fa::on_frame_busy::fault()}};
    std::vector<fa::frame_hold> history;
    for (int n = 0; n < 4; ++n) {
        auto frame = alloc.frame_scope();  // FA438
        *frame.alloc<int>() = n;
        history.push_back(frame.hold("replay"));
    }
}

WRONG(barrier_worker_keeps_last_frames_results) {
    const fa::smart_alloc alloc;
    fa::frame_barrier barrier{fa::barrier_mode::coordinated};
    std::thread([&] {
        auto me = barrier.join(alloc, "worker");
        int* mine = alloc.frame_alloc<int>();
        *mine = 1;
        me.signal_frame_complete();
        barrier.end_frame();
        me.safe_point();
        show(*mine);  // FA002
    }).join();
}

WRONG(coordinator_reads_after_it_ended_the_frame) {
    const fa::smart_alloc alloc;
    fa::frame_barrier barrier{fa::barrier_mode::coordinated};
    std::atomic<const int*> result{nullptr};
    std::atomic<bool> read{false};
    std::thread w([&] {
        auto me = barrier.join(alloc, "worker");
        int* mine = alloc.frame_alloc<int>();
        *mine = 1;
        result = mine;
        me.arrive_and_wait();
        while (!read) std::this_thread::yield();
    });
    while (barrier.members() != 1) std::this_thread::yield();
    barrier.wait_all();
    barrier.end_frame();
    while (barrier.frames_to_end() != 0) std::this_thread::yield();
    show(*result.load());  // FA002
    read = true;
    w.join();
}

WRONG(fiber_goes_on_elsewhere_with_its_frame) {
    const fa::smart_alloc alloc;
    alloc.begin_frame();
    auto text = alloc.frame_string("begun here");
    std::thread([&] {
        text += ", and goes on in another thread with more text";  // FA430
    }).join();
    alloc.end_frame();
}

WRONG(parked_context_is_used_before_it_is_resumed) {
    const fa::smart_alloc alloc;
    alloc.begin_frame();
    auto text = alloc.frame_string("begun here");
    auto parked = alloc.park();
    text += ", and used while it is parked, with a text that needs room";  // FA212
    alloc.resume(std::move(parked));
    alloc.end_frame();
}

WRONG(resumed_where_a_frame_is_open) {
    const fa::smart_alloc alloc;
    alloc.begin_frame();
    auto parked = alloc.park();
    alloc.begin_frame();
    alloc.resume(std::move(parked));  // FA212
    alloc.end_frame();
}

WRONG(threads_outlive_the_level_allocator) {
    std::atomic<int> step{0};
    std::optional<fa::smart_alloc> level(std::in_place);
    const fa::smart_alloc* seen = &*level;
    std::thread w([&] {
        seen->begin_frame();
        *seen->frame_alloc<int>() = 1;
        step = 1;
        while (step != 2) std::this_thread::yield();
    });
    while (step != 1) std::this_thread::yield();
    level.reset();  // FA432
    step = 2;
    w.join();
}

WRONG(pmr_list_of_a_frame_grows_on_a_worker) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    std::pmr::vector<int> found(frame.resource());
    std::thread([&] {
        found.push_back(1);  // FA430
    }).join();
}

WRONG(entity_freed_by_two_threads) {
    const fa::smart_alloc alloc;
    int* shared = alloc.pool_alloc<int>();
    std::thread([&] { alloc.pool_free(shared); }).join();
    alloc.pool_free(shared);  // FA411
}

WRONG(worker_writes_into_a_block_that_main_freed) {
    const fa::smart_alloc alloc;
    auto* buffer = static_cast<char*>(alloc.pool_alloc_bytes(200));
    alloc.pool_free_bytes(buffer, 200);  // FA419
    std::thread([&] { buffer[10] = 1; }).join();
}

WRONG(queue_of_foreign_frees_is_too_small) {
    const fa::smart_alloc alloc;
    alloc.set_deferred({.mode = fa::deferred_mode::on_request, .full_policy = fa::queue_full_policy::fail, .capacity = 64});
    std::vector<int*> made;
    for (int n = 0; n < 1000; ++n) made.push_back(alloc.pool_alloc<int>());
    std::thread([&] {
        for (int* p : made) alloc.pool_free(p);  // FA213
    }).join();
}

WRONG(frame_scope_crosses_the_frame_of_the_jobs) {
    const fa::smart_alloc alloc;
    fa::worker_frames frames{alloc};
    {
        auto frame = alloc.frame_scope();
        frames.on_frame_begin();
        *frame.alloc<int>() = 1;
        { fa::job_scope job{frames, frames.context()}; }
    }  // FA428
    frames.on_frame_end();
}

WRONG(job_ends_on_another_thread) {
    const fa::smart_alloc alloc;
    fa::worker_frames frames{alloc};
    frames.on_frame_begin();
    std::optional<fa::job_scope> job(std::in_place, frames, frames.context());
    std::thread([&] {
        job.reset();  // FA430 FA429
    }).join();
    frames.on_frame_end();
}

WRONG(parked_context_is_forgotten) {
    const fa::smart_alloc alloc;
    alloc.begin_frame();  // FA428
    *alloc.frame_alloc<int>() = 1;
    const auto parked = alloc.park();
    show(alloc.in_frame());
}  // FA212

WRONG(loader_thread_keeps_a_span_of_its_ended_frame) {
    const fa::smart_alloc alloc;
    std::span<const vec3> mesh;
    std::thread([&] {
        auto frame = alloc.frame_scope();
        mesh = frame.slice<vec3>(30);
    }).join();
    show(mesh[29].x);  // FA002
}

WRONG(two_workers_free_the_same_list) {
    const fa::smart_alloc alloc;
    std::vector<int*> bullets;
    for (int n = 0; n < 10; ++n) bullets.push_back(alloc.pool_alloc<int>());
    const auto clear = [&] {
        for (int* b : bullets) alloc.pool_free(b);  // FA411
    };
    std::thread(clear).join();
    std::thread(clear).join();
}

}  // namespace
}  // namespace style
