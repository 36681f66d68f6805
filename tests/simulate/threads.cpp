// Several threads, one after the other: memory that crosses between them, memory that they leave, and the reports.
#include "diary.hpp"

#include <cstdio>
#include <thread>
#include <utility>

namespace diary {
namespace {

template <class F>
void elsewhere(F&& f) {
    std::thread(static_cast<F&&>(f)).join();
}

template <class P>
void coming_home(std::string& book, const fa::deferred_config& d, const char* title) {
    chapter<P> c(book, title, {.slab_page_size = 64_KiB, .deferred = d});
    const auto free_elsewhere = [&](std::vector<void*>& blocks, std::size_t n, std::size_t bytes) {
        elsewhere([&] {
            for (std::size_t i = 0; i < n; ++i) {
                c->pool_free_bytes(blocks.back(), bytes);
                blocks.pop_back();
            }
        });
    };
    std::vector<void*> small, wide;
    for (int round = 0; round < 3; ++round) {
        c->begin_frame();
        for (int i = 0; i < 1500; ++i) small.push_back(c.at(c->pool_alloc_bytes(48)));
        for (int i = 0; i < 300; ++i) wide.push_back(c.at(c->pool_alloc_bytes(1000)));
        free_elsewhere(small, 1100, 48);
        free_elsewhere(wide, 130, 1000);
        c.see("freed elsewhere");
        c->end_frame();
        c.see("frame ended");
        for (int i = 0; i < 200; ++i) small.push_back(c.at(c->pool_alloc_bytes(48)));
        c.see("more");
        c.say("processed", c->process_deferred_frees(100));
        c.say("processed", c->process_deferred_frees());
        c.see("processed");
    }
    for (void* p : small) c->pool_free_bytes(p, 48);
    for (void* p : wide) c->pool_free_bytes(p, 1000);
    c.see("all freed");
    c->trim();
    c.see("trimmed");
}

template <class P>
void leaving(std::string& book) {
    chapter<P> c(book, "threads leave blocks, frames and memory behind",
                 {.frame_capacity = 64_KiB, .slab_page_size = 64_KiB});
    std::vector<void*> left;
    for (int i = 0; i < 4; ++i) {
        elsewhere([&] {
            const fa::tag_scope tag{c.alloc(), "physics"};
            const auto frame = c->frame_scope();
            c.at(frame.alloc_bytes(40'000));
            for (int k = 0; k < 200; ++k) left.push_back(c.at(c->pool_alloc_bytes(500)));
            for (int k = 0; k < 100; ++k) {
                c->pool_free_bytes(left.back(), 500);
                left.pop_back();
            }
            c->heap_free_bytes(c.at(c->heap_alloc_bytes(100'000)), 100'000);
            if (i == 2) c->begin_frame();
        });
        c.see("a thread ended");
    }
    for (void* p : left) c->pool_free_bytes(p, 500);
    c.see("its blocks were freed");
    for (void*& p : left) p = c.at(c->pool_alloc_bytes(500));
    c.see("used again");
    for (void* p : left) c->pool_free_bytes(p, 500);
    c->trim();
    c.see("trimmed");
}

template <class P>
void full_queue(std::string& book, fa::queue_full_policy policy, const char* title) {
    fa::deferred_config d = fa::deferred_config::bounded(100);
    d.full_policy = policy;
    d.block_microseconds = 0;
    chapter<P> c(book, title, {.deferred = d});
    std::vector<void*> blocks;
    for (int i = 0; i < 500; ++i) blocks.push_back(c.at(c->pool_alloc_bytes(64)));
    elsewhere([&] {
        for (void* p : blocks) c->pool_free_bytes(p, 64);
    });
    c.see("queued");
    for (int i = 0; i < 600; ++i) blocks.push_back(c.at(c->pool_alloc_bytes(64)));
    c.see("a page ran out");
    c->begin_frame();
    c->end_frame();
    c.see("a frame");
    for (std::size_t i = 500; i < blocks.size(); ++i) c->pool_free_bytes(blocks[i], 64);
}

template <class P>
void carried(std::string& book) {
    chapter<P> c(book, "contexts, transfers and parked frames", {.frame_capacity = 64_KiB});
    {
        const fa::tag_scope tag{c.alloc(), "physics"};
        c->set_thread_frame_budget(100'000);
        const fa::alloc_context context = c->context();
        elsewhere([&] {
            const fa::context_scope scope{c.alloc(), context};
            const auto frame = c->frame_scope();
            c.at(frame.alloc_bytes(20'000));
            c.say("remaining", c->frame_remaining());
            c->pool_free_bytes(c.at(c->pool_alloc_bytes(100)), 100);
            c.see("in a job");
        });
        c->set_thread_frame_budget(0);
    }
    c.see("the job is done");
    auto number = c->template frame_box_for_transfer<int>(7);
    auto span = c->template frame_span_for_transfer<int>(1000);
    { const auto dropped = c->template frame_box_for_transfer<long>(8); }
    c.see("sent");
    elsewhere([&] {
        auto received = std::move(number).receive();
        c.say("received", static_cast<std::uint64_t>(*received));
        const auto all = std::move(span).receive();
        c.say("received", all.size());
    });
    c.see("received");
    c->begin_frame();
    c.at(c->frame_alloc_bytes(500));
    c->begin_frame();
    auto parked = c->park();
    c.see("parked");
    c->pool_free_bytes(c.at(c->pool_alloc_bytes(64)), 64);
    elsewhere([&] {
        c.say("resumed", c->resume(std::move(parked)) ? 1 : 0);
        c.at(c->frame_alloc_bytes(500));
        c.see("resumed");
        c->end_frame();
        c->end_frame();
    });
    c->begin_frame();
    auto again = c->park();
    c->begin_frame();
    c.say("resumed in a frame", c->resume(std::move(again)) ? 1 : 0);
    c->end_frame();
    again = {};
    c.see("dropped");
}

template <class P>
void workers(std::string& book) {
    chapter<P> c(book, "worker frames, and a barrier", {.frame_capacity = 64_KiB});
    {
        fa::worker_frames frames{c.alloc()};
        for (int n = 0; n < 3; ++n) {
            frames.on_frame_begin();
            elsewhere([&] {
                frames.on_worker_enter();
                fa::job_scope job{frames, frames.context()};
                c.at(c->frame_alloc_bytes(3000));
                c.at(job.template result_batch<int>(1000).data());
                {
                    fa::job_scope nested{frames, frames.context(), fa::job_memory::keep};
                    c.at(c->frame_alloc_bytes(100));
                }
                c.see("a job");
            });
            frames.on_frame_end();
            c.see("frame ended");
        }
        frames.on_frame_end();
    }
    fa::frame_barrier barrier{fa::barrier_mode::coordinated};
    {
        auto a = barrier.join(c.alloc(), "a"), b = barrier.join("b");
        c.at(c->frame_alloc_bytes(1000));
        a.signal_frame_complete();
        a.signal_frame_complete();
        c.say("complete", barrier.wait_all(0) ? 1 : 0);
        b.signal_frame_complete();
        c.say("complete", barrier.wait_all(0) ? 1 : 0);
        c.say("arrived", barrier.arrived());
        auto late = barrier.join("late");
        c.say("complete", barrier.wait_all(0) ? 1 : 0);
        late.leave();
        c.say("generation", barrier.generation());
        barrier.end_frame();
        c.say("to end", barrier.frames_to_end());
        c.say("waited", a.wait_all(0) ? 1 : 0);
        c.say("to end", barrier.frames_to_end());
        c.say("arrived", barrier.arrived());
        c.see("a frame of the barrier");
    }
    const fa::barrier_stats s = barrier.stats();
    c.say("generations", s.generations);
    c.say("waits", s.waits);
    c.say("timeouts", s.timeouts);
    c.say("double signals", s.double_signals);
    c.say("members", barrier.members());
    c.see("left");
}

template <class P>
void told(std::string& book) {
    chapter<P> c(book, "events");
    struct listener {
        std::string* book;
        void operator()(const fa::frame_event& e) const {
            char line[160];
            std::snprintf(
                line, sizeof line,
                "  event %u of %u: depth %u frame %llu bytes %zu count %llu peak %zu in use %zu limit %zu [%.*s]\n",
                static_cast<unsigned>(e.kind), static_cast<unsigned>(e.memory), e.depth,
                static_cast<unsigned long long>(e.frame), e.bytes, static_cast<unsigned long long>(e.count), e.peak,
                e.in_use, e.limit, static_cast<int>(e.tag.size()), e.tag.data());
            *book += line;
        }
    } hears{&book};
    c->begin_frame();
    c->lifecycle().enable(hears);
    c.at(c->frame_alloc_bytes(10));
    c->begin_frame();
    c.at(c->frame_alloc_bytes(1000));
    c->set_thread_frame_budget(5000);
    c.at(c->frame_alloc_bytes(3500));
    c.at(c->frame_alloc_bytes(3500));
    c.at(c->frame_alloc_bytes(3'000'000));
    c->end_frame();
    void* p = c.at(c->pool_alloc_bytes(100));
    void* q = c.at(c->pool_alloc_bytes(100));
    c->pool_free_bytes(p, 100);
    elsewhere([&] { c->pool_free_bytes(q, 100); });
    c->heap_free_bytes(c.at(c->heap_alloc_bytes(100'000)), 100'000);
    c->heap_free_bytes(c.at(c->heap_alloc_bytes(500)), 500);
    { const auto sent = c->template frame_box_for_transfer<int>(1); }
    c->end_frame();
    c->begin_frame();
    c->end_frame();
    c.see("watched");
    char text[1024];
    book += std::string(c->lifecycle().summary().text(text));
    c->lifecycle().disable();
    c->begin_frame();
    c.at(c->frame_alloc_bytes(10));
    c->end_frame();
    const auto mine = c->lifecycle().thread_stats();
    c.say("started", mine.frames_started);
    c.say("completed", mine.frames_completed);
    c.say("allocated", mine.total_allocated);
    c.say("peak", mine.peak_memory);
    c->lifecycle().reset_stats();
    c.say("completed", c->lifecycle().thread_stats().frames_completed);
    c.see("not watched");
}

}  // namespace

template <class P>
void tell_threads(std::string& book) {
    coming_home<P>(book, {}, "blocks come home on demand");
    coming_home<P>(book, {.mode = fa::deferred_mode::at_frame_begin}, "blocks come home when a frame begins");
    coming_home<P>(book, {.mode = fa::deferred_mode::at_frame_end}, "blocks come home when a frame ends");
    coming_home<P>(book, fa::deferred_config::incremental(10), "blocks come home ten at a time");
    coming_home<P>(book, fa::deferred_config::on_request(), "blocks come home on request");
    coming_home<P>(book, {.mode = fa::deferred_mode::immediate}, "blocks are sent home at once");
    leaving<P>(book);
    full_queue<P>(book, fa::queue_full_policy::grow, "a full queue grows");
    full_queue<P>(book, fa::queue_full_policy::process_now, "a full queue is urgent");
    full_queue<P>(book, fa::queue_full_policy::fail, "a full queue is a fault");
    full_queue<P>(book, fa::queue_full_policy::block, "a full queue is waited for");
    carried<P>(book);
    workers<P>(book);
    told<P>(book);
}

}  // namespace diary

DIARY_CHAPTERS(tell_threads);
