// Growth with the number of allocators, tags, frames, threads and blocks that live.
#include "growth.hpp"

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>

namespace growth {

void allocators(bool) {
    std::vector<std::unique_ptr<fa::smart_alloc>> all;
    const auto grown_to = [&](std::size_t n) {
        while (all.size() < n) {
            all.push_back(std::make_unique<fa::smart_alloc>(fa::options::small_footprint()));
            all.back()->begin_frame();
        }
    };
    for (const long n : {2, 10, 100, 1000}) {
        grown_to(static_cast<std::size_t>(n));
        const auto use = [&](long i) { keep(all[static_cast<std::size_t>(i % n)]->frame_alloc<object>()); };
        for (long i = 0; i < n; ++i) use(i);
        at("allocators_in_turns", n, 2000, use);
        // One that is made, used and ended.
        at("allocator_made", n, 10, [](long) {
            const fa::smart_alloc one(fa::options::small_footprint());
            const auto frame = one.frame_scope();
            keep(frame.alloc<object>());
        });
        object* p = all[0]->pool_alloc<object>();
        at("describe", n, 10, [&](long) { keep(const_cast<char*>(fa::describe(p).allocator)); });
        all[0]->pool_free(p);
        // A thread that uses one of them.
        const auto visit = [&](long i) {
            std::thread([&] { keep(all[static_cast<std::size_t>(i % n)]->pool_alloc<object>()); }).join();
        };
        for (long i = 0; i < n; ++i) visit(i);
        at("thread_beside_allocators", n, 5, visit);
        const auto transfer = [&](long i) {
            auto moved = all[static_cast<std::size_t>(i % n)]->frame_box_for_transfer<object>();
            keep(std::move(moved).receive().get());
        };
        for (long i = 0; i < 10; ++i) transfer(i);
        at("transfer_beside_allocators", n, 10, transfer);
    }
    for (const auto& a : all) a->end_frame();
    all.clear();
    // The oldest of n is replaced, and used.
    for (const long n : {2, 10, 100, 1000}) {
        grown_to(static_cast<std::size_t>(n));
        const auto replace = [&](long i) {
            auto& a = all[static_cast<std::size_t>(i % n)];
            a->end_frame();
            a = std::make_unique<fa::smart_alloc>(fa::options::small_footprint());
            a->begin_frame();
            keep(a->frame_alloc<object>());
        };
        replace(0);
        at("allocator_replaced", n, 100, replace);
    }
    for (const auto& a : all) a->end_frame();
}

namespace {

std::string tag_name(long i) { return "tag " + std::to_string(i); }

// Tags that were made, found by name, and used for memory.
void tags_by_name() {
    const fa::smart_alloc alloc;
    const auto frame = alloc.frame_scope();
    long made = 0;
    for (const long n : {100, 1'000, 10'000, 100'000}) {
        std::vector<std::string> names;
        for (long i = made; i < n; ++i) names.push_back(tag_name(i));
        const long first = made;
        at("tag_made", n, n - first,
           [&](long i) { const fa::tag_scope scope(alloc, std::string_view(names[static_cast<std::size_t>(i)])); });
        made = n;
        names.clear();
        for (long i = 0; i < 1000; ++i) names.push_back(tag_name(i * (n / 100) % n));
        at("tag_found", n, 1000, [&](long i) {
            const fa::tag_scope scope(alloc, std::string_view(names[static_cast<std::size_t>(i)]));
            keep(frame.alloc<object>());
        });
        at("tag_stats", n, 100, [&](long i) {
            keep(hide(reinterpret_cast<void*>(alloc.tag_stats(names[static_cast<std::size_t>(i)]).frame_bytes + 1)));
        });
    }
}

// A frame in which each of n tags has a block; and one with a single block beside them.
void tags_in_a_frame() {
    const fa::smart_alloc alloc;
    std::vector<std::string> names;
    for (const long n : {10, 100, 1'000, 10'000}) {
        while (static_cast<long>(names.size()) < n) names.push_back(tag_name(static_cast<long>(names.size())));
        const auto whole = [&](long) {
            const auto frame = alloc.frame_scope();
            for (const std::string& name : names) {
                const fa::tag_scope scope(alloc, std::string_view(name));
                keep(frame.alloc<object>());
            }
        };
        whole(0);
        at("frame_of_tags", n, 1, whole, n);
        {
            const fa::phase_scope phase(alloc, "phase");
            const auto frame = alloc.frame_scope();
            keep(frame.alloc<object>());
        }
        at("phase_stats", n, 10, [&](long) { keep(const_cast<fa::phase_stats*>(alloc.phase_stats().data())); });
        at("frame_beside_tags", n, 100, [&](long) {
            const auto frame = alloc.frame_scope();
            keep(frame.alloc<object>());
        });
    }
}

// Pool pairs under one of n tags, each of which has a page of its own.
void tags_with_pool_memory() {
    const fa::smart_alloc alloc;
    std::vector<std::string> names;
    for (const long n : {10, 100, 1'000}) {
        while (static_cast<long>(names.size()) < n) names.push_back(tag_name(static_cast<long>(names.size())));
        const auto use = [&](long i) {
            const fa::tag_scope scope(alloc, std::string_view(names[static_cast<std::size_t>(i % n)]));
            alloc.pool_free(static_cast<object*>(hide(alloc.pool_alloc<object>())));
        };
        for (long i = 0; i < n; ++i) use(i);
        at("tag_pool_in_turns", n, 1000, use);
    }
}

void tag_depth(const fa::smart_alloc& alloc, const fa::frame_scope& frame, long depth, long most) {
    if (depth == 1 || depth == 16 || depth == most) {
        const auto use = [&](long) {
            const fa::tag_scope scope(alloc, std::string_view("leaf"));
            keep(frame.alloc<object>());
        };
        for (long i = 0; i < 10; ++i) use(i);
        at("tags_nested", depth, 500, use);
    }
    if (depth == most) return;
    const fa::tag_scope scope(alloc, std::string_view("inner"));
    tag_depth(alloc, frame, depth + 1, most);
}

}  // namespace

void tags(bool) {
    tags_by_name();
    tags_in_a_frame();
    tags_with_pool_memory();
    const fa::smart_alloc alloc;
    const auto frame = alloc.frame_scope();
    tag_depth(alloc, frame, 1, 64);
}

namespace {

void frame_depth(const fa::smart_alloc& alloc, long depth, long most) {
    const auto frame = alloc.frame_scope();
    keep(frame.alloc<object>());
    if (depth == 1 || depth == 16 || depth == most) {
        const auto use = [&](long) {
            const auto inner = alloc.frame_scope();
            keep(inner.alloc<object>());
        };
        use(0);
        at("frames_nested", depth, 500, use);
    }
    if (depth < most) frame_depth(alloc, depth + 1, most);
}

// A frame of n blocks, each followed by an inner frame with one: the first such frame, then an equal one.
void frames_in_a_row(long n) {
    const fa::smart_alloc alloc;
    for (const char* scenario : {"inner_frames_first", "inner_frames_again"}) {
        const auto whole = [&](long) {
            const auto frame = alloc.frame_scope();
            for (long i = 0; i < n; ++i) {
                keep(frame.alloc<object>());
                const auto inner = alloc.frame_scope();
                keep(inner.alloc<object>());
            }
        };
        at(scenario, n, 1, whole, n);
    }
}

// A frame that needs n chunks, the first time: 64 KiB each at least.
void chunks(long n) {
    const fa::smart_alloc alloc(fa::options::small_footprint());
    const auto whole = [&](long) {
        const auto frame = alloc.frame_scope();
        for (long i = 0; i < n; ++i) keep(frame.alloc_bytes(60'000));
    };
    at("chunks", n, 1, whole, n);
}

}  // namespace

void frames(bool further) {
    const fa::smart_alloc alloc;
    frame_depth(alloc, 1, 120);
    for (const long n : {100, 1'000, 10'000}) frames_in_a_row(n);
    if (further) frames_in_a_row(1'000'000);
    for (const long n : {10, 100, 1'000}) chunks(n);
}

void blocks(bool further) {
    const fa::smart_alloc alloc;
    std::vector<object*> live;
    std::vector<long> sizes{1'000, 10'000, 100'000, 1'000'000};
    if (further) sizes.push_back(10'000'000);
    for (const long n : sizes) {
        const auto more = n - static_cast<long>(live.size());
        live.reserve(static_cast<std::size_t>(n));
        at("pool_fill", n, more, [&](long) { live.push_back(alloc.pool_alloc<object>()); });
        at("pool_pair", n, 1000,
           [&](long) { alloc.pool_free(static_cast<object*>(hide(alloc.pool_alloc<object>()))); });
        at("stats", n, 10, [&](long) { keep(hide(reinterpret_cast<void*>(alloc.stats().pool_allocated + 1))); });
        at("describe_block", n, 10, [&](long) { keep(const_cast<char*>(fa::describe(live[0]).allocator)); });
        if (n < 100'000) continue;
        // Blocks all over the pages are freed and taken again.
        at("pool_scattered", n, 100, [&](long i) {
            auto& p = live[static_cast<std::size_t>(i * 7919 % n)];
            alloc.pool_free(p);
            p = alloc.pool_alloc<object>();
        });
    }
    const auto free_all = [&](const char* name) {
        for (long left = static_cast<long>(live.size()); left != 0; left = left > 1000 ? left / 10 : 0) {
            const long gone = left > 1000 ? left - left / 10 : left;
            at(name, left, gone, [&](long) {
                alloc.pool_free(live.back());
                live.pop_back();
            });
        }
    };
    free_all("pool_freed");
    // In no order, so that most pages have some free blocks before any is empty; few to a page.
    std::vector<void*> wide;
    for (const long n : {1'000, 10'000, 100'000}) {
        for (long i = 0; i < n; ++i) wide.push_back(alloc.pool_alloc_bytes(1024));
        std::shuffle(wide.begin(), wide.end(), std::minstd_rand(1));
        at("pool_freed_anyhow", n, n, [&](long) {
            alloc.pool_free_bytes(wide.back(), 1024);
            wide.pop_back();
        });
    }
    std::vector<void*> large;
    for (const long n : {10, 100, 1'000}) {
        while (static_cast<long>(large.size()) < n) large.push_back(alloc.heap_alloc_bytes(65536));
        at("describe_large", n, 10, [&](long i) {
            keep(const_cast<char*>(fa::describe(large[static_cast<std::size_t>(i * 7919 % n)]).allocator));
        });
        at("heap_pair_large", n, 100, [&](long) { alloc.heap_free_bytes(hide(alloc.heap_alloc_bytes(65536)), 65536); });
        at("heap_pair_small", n, 100, [&](long) { alloc.heap_free_bytes(hide(alloc.heap_alloc_bytes(64)), 64); });
    }
    for (void* p : large) alloc.heap_free_bytes(p, 65536);
}

// A thread that comes, uses the allocator and goes, while n others have used it and stay.
void threads(bool) {
    const fa::smart_alloc alloc;
    std::vector<std::thread> staying;
    std::atomic<long> ready{0};
    std::atomic<bool> over{false};
    for (const long n : {1, 8, 64}) {
        while (static_cast<long>(staying.size()) < n) {
            staying.emplace_back([&] {
                object* p = alloc.pool_alloc<object>();
                ready.fetch_add(1);
                ready.notify_all();
                over.wait(false);
                alloc.pool_free(p);
            });
        }
        for (long seen = ready.load(); seen < n; seen = ready.load()) ready.wait(seen);
        const auto visit = [&](long) {
            std::thread([&] { alloc.pool_free(static_cast<object*>(hide(alloc.pool_alloc<object>()))); }).join();
        };
        visit(0);
        at("thread_comes_and_goes", n, 5, visit);
    }
    over.store(true);
    over.notify_all();
    for (std::thread& t : staying) t.join();
}

}  // namespace growth
