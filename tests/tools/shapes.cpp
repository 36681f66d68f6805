// Places of nearly one shape, made for framealloc-advise: each has a minority for which the advice must also be right.
// They are distinguished by function names; advice.py has the right answers.
#include <framealloc/mark_frame.h>

#include <atomic>
#include <cstdlib>
#include <deque>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr unsigned frames = 400;
void* volatile seen;  // otherwise the compiler removes malloc and free
void use(void* p) {
    seen = p;
    *static_cast<char*>(p) = 1;
}
std::vector<void*> kept;  // for the whole run

}  // namespace

#define PLACE __attribute__((noinline)) void

PLACE clean(unsigned) {
    for (int i = 0; i < 50; ++i) {
        void* p = std::malloc(64);
        use(p);
        std::free(p);
    }
}

template <unsigned N>
void one_lives_on(void* p, unsigned& count) {
    use(p);
    if (++count % N == 0) kept.push_back(p);
    else std::free(p);
}
PLACE one_in_16(unsigned) {
    static unsigned count;
    for (int i = 0; i < 16; ++i) one_lives_on<16>(std::malloc(64), count);
}
PLACE one_in_1000(unsigned) {
    static unsigned count;
    for (int i = 0; i < 25; ++i) one_lives_on<1000>(std::malloc(64), count);
}

// Made two frames before the last and alive at the end: its lifetime is unknown.
PLACE one_at_the_end(unsigned frame) {
    for (int i = 0; i < 25; ++i) {
        void* p = std::malloc(64);
        use(p);
        if (frame == frames - 3 && i == 7) kept.push_back(p);
        else std::free(p);
    }
}

// A cache that is filled in the first frames.
PLACE warm_up(unsigned frame) {
    for (int i = 0; i < 25; ++i) {
        void* p = std::malloc(64);
        use(p);
        if (frame < 4) kept.push_back(p);
        else std::free(p);
    }
}

// Five are made before the first frame and outlive it, the others die at once.
PLACE made_before(unsigned) {
    static unsigned early;
    void* p = std::malloc(64);
    use(p);
    if (early < 5) ++early, kept.push_back(p);
    else std::free(p);
}

PLACE freed_in_the_next(unsigned) {
    static void* last[25];
    for (void*& p : last) {
        std::free(p);
        use(p = std::malloc(64));
    }
}

// Mostly freed at once, 40 of 10,000 in the next frame: enough to rely on it.
PLACE seldom_in_the_next(unsigned frame) {
    static void* last;
    std::free(std::exchange(last, nullptr));
    for (int i = 0; i < 25; ++i) {
        void* p = std::malloc(64);
        use(p);
        if (frame % 10 == 0 && i == 7 && frame + 3 < frames) last = p;
        else std::free(p);
    }
}
// With only 4 of 10,000, nothing is known about a fifth.
PLACE hardly_in_the_next(unsigned frame) {
    static void* last;
    std::free(std::exchange(last, nullptr));
    for (int i = 0; i < 25; ++i) {
        void* p = std::malloc(64);
        use(p);
        if (frame % 100 == 0 && i == 7) last = p;
        else std::free(p);
    }
}

std::atomic<void*> handed{nullptr};
std::atomic<bool> stop{false};
void take() {
    while (!stop) {
        std::free(handed.exchange(nullptr));
        std::this_thread::yield();
    }
}
// 1 in 25 is freed by another thread, in the same frame.
PLACE freed_elsewhere(unsigned) {
    for (int i = 0; i < 25; ++i) {
        void* p = std::malloc(64);
        use(p);
        if (i != 7) {
            std::free(p);
            continue;
        }
        handed = p;
        while (handed.load() != nullptr) std::this_thread::yield();
    }
}

// Long-lived, all but 1 in 20 of one size.
PLACE of_two_sizes(unsigned) {
    static std::deque<void*> blocks;
    static unsigned count;
    for (int i = 0; i < 10; ++i) use(blocks.emplace_back(std::malloc(++count % 20 == 0 ? 900 : 48)));
    for (; blocks.size() > 200; blocks.pop_front()) std::free(blocks.front());
}

// Long-lived, of one size, but 1 in 10 is enlarged.
PLACE some_are_resized(unsigned) {
    static std::deque<void*> blocks;
    static unsigned count;
    for (int i = 0; i < 10; ++i) {
        void* p = std::malloc(96);
        use(p);
        if (++count % 10 == 0) use(p = std::realloc(p, 400));
        blocks.push_back(p);
    }
    for (; blocks.size() > 200; blocks.pop_front()) std::free(blocks.front());
}

// Grows in each frame, and is freed in it except every tenth time.
PLACE grows_and_stays(unsigned frame) {
    void* p = nullptr;
    for (std::size_t n = 100; n < 1000; n += 100) use(p = std::realloc(p, n));
    if (frame % 10 == 0) kept.push_back(p);
    else std::free(p);
}
PLACE grows_and_dies(unsigned) {
    void* p = nullptr;
    for (std::size_t n = 100; n < 1000; n += 100) use(p = std::realloc(p, n));
    std::free(p);
}

// Two that grow alternately and are freed in their frame: neither can stay in place.
PLACE grows_in_turns(unsigned) {
    void *p = nullptr, *q = nullptr;
    for (std::size_t n = 100; n < 1000; n += 100) {
        use(p = std::realloc(p, n));
        use(q = std::realloc(q, n));
    }
    std::free(p);
    std::free(q);
}

// 300 made before the first frame and 50 in frames: all are long-lived.
PLACE before_and_after(unsigned) {
    static unsigned count;
    for (const unsigned most = count == 0 ? 300 : count < 350 ? count + 1 : count; count < most; ++count)
        use(kept.emplace_back(std::malloc(200)));
}

int main() {
    std::thread taker(take);
    for (unsigned n = 0; n <= frames + 4; ++n) {
        made_before(n);
        before_and_after(n);
        if (n < 5) continue;  // start-up
        FRAMEALLOC_MARK_FRAME();
        const unsigned frame = n - 5;
        clean(frame);
        one_in_16(frame);
        one_in_1000(frame);
        one_at_the_end(frame);
        warm_up(frame);
        freed_in_the_next(frame);
        seldom_in_the_next(frame);
        hardly_in_the_next(frame);
        freed_elsewhere(frame);
        of_two_sizes(frame);
        some_are_resized(frame);
        grows_and_stays(frame);
        grows_and_dies(frame);
        grows_in_turns(frame);
    }
    stop = true;
    taker.join();
}
