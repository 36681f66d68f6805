// The loop of one thread, for malloc and for framealloc.
#include "player.hpp"

#include <framealloc/framealloc.hpp>

#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <thread>
#include <vector>

namespace fa = framealloc;

namespace replay {
namespace {

// The place of a block. `turn` is twice the number of the slot's uses so far, plus one while it holds a block.
struct slot {
    void* p;
    std::uint64_t bytes;
    std::atomic<std::uint32_t> turn;
};

std::uint64_t stamp_of(const operation& o) { return (std::uint64_t{o.slot()} << 24 | o.use()) * 0x9e3779b97f4a7c15U; }

// Stamps the first and the last bytes, and one word of every OS page unless the block is too large.
void stamp(void* p, std::uint64_t bytes, std::uint64_t value) {
    auto* b = static_cast<unsigned char*>(p);
    if (bytes < 16) return static_cast<void>(std::memcpy(b, &value, bytes < 8 ? bytes : 8));  // two would overlap
    if (bytes <= stamped_whole) {
        for (std::uint64_t at = 4096; at + 8 <= bytes; at += 4096) std::memcpy(b + at, &value, 8);
    }
    std::memcpy(b, &value, 8);
    std::memcpy(b + bytes - 8, &value, 8);
}
bool is_stamped(const void* p, std::uint64_t bytes, std::uint64_t value) {
    const auto* b = static_cast<const unsigned char*>(p);
    if (bytes < 16) return std::memcmp(b, &value, bytes < 8 ? bytes : 8) == 0;
    return std::memcmp(b, &value, 8) == 0 && std::memcmp(b + bytes - 8, &value, 8) == 0;
}

// Zeroes or copies only the stamped bytes. A calloc takes zero OS pages from the system without touching them, and a
// realloc moves OS pages: writing whole blocks here would touch memory that the program may never have touched.
template <class F>
void each_used_part(std::uint64_t bytes, F f) {
    if (bytes <= stamped_whole) return f(std::uint64_t{0}, bytes);
    f(std::uint64_t{0}, std::uint64_t{4096});
    f(bytes - 4096, std::uint64_t{4096});
}
void clear(void* p, std::uint64_t bytes) {
    each_used_part(bytes, [&](std::uint64_t at, std::uint64_t n) { std::memset(static_cast<char*>(p) + at, 0, n); });
}
void copy(void* to, const void* from, std::uint64_t bytes) {
    each_used_part(bytes, [&](std::uint64_t at, std::uint64_t n) {
        std::memcpy(static_cast<char*>(to) + at, static_cast<const char*>(from) + at, n);
    });
}

struct by_malloc {
    explicit by_malloc(const frame_options&) {}
    static void* allocate(const operation& o) {
        if (o.alignment() > 16) {
            void* p = nullptr;
            return posix_memalign(&p, o.alignment(), o.bytes()) == 0 ? p : nullptr;
        }
        return std::malloc(o.bytes());
    }
    static void* allocate_zero(const operation& o) { return std::calloc(1, o.bytes()); }
    static void release(const operation&, void* p, std::uint64_t) { std::free(p); }
    static void* grow(const operation& o, void* p, std::uint64_t) { return std::realloc(p, o.bytes()); }
    static void next_frame(std::uint64_t) {}
};

// Sized, as users call it: pools, which pass large requests to the heap. Unchecked even where the library was built in
// debug mode, to measure the code that ships.
class by_framealloc {
protected:
    using allocator = fa::basic_smart_alloc<fa::policy::unchecked>;

public:
    explicit by_framealloc(const frame_options& f)
        : alloc_({.name = "replay", .frame_capacity = f.capacity, .frames_in_flight = f.in_flight}) {}
    void* allocate(const operation& o) {
        return o.alignment() <= 16 ? alloc_.try_pool_alloc_bytes(o.bytes())
                                   : alloc_.try_pool_alloc_bytes(o.bytes(), o.alignment());
    }
    void* allocate_zero(const operation& o) {
        void* p = allocate(o);
        if (p != nullptr) clear(p, o.bytes());
        return p;
    }
    void release(const operation& o, void* p, std::uint64_t bytes) { alloc_.pool_free_bytes(p, bytes, o.alignment()); }
    void* grow(const operation& o, void* p, std::uint64_t bytes) {
        void* q = allocate(o);
        if (q == nullptr) return nullptr;
        copy(q, p, bytes < o.bytes() ? bytes : o.bytes());
        release(o, p, bytes);
        return q;
    }
    void next_frame(std::uint64_t) {}

protected:
    allocator alloc_;
};

class by_intent final : public by_framealloc {
public:
    using by_framealloc::by_framealloc;
    [[gnu::always_inline]] void* allocate(const operation& o) {
        if (!o.in_frame()) return by_framealloc::allocate(o);
        return o.alignment() <= 16 ? frame().try_alloc_bytes(o.bytes())
                                   : frame().try_alloc_bytes(o.bytes(), o.alignment());
    }
    void* allocate_zero(const operation& o) {
        void* p = allocate(o);
        if (p != nullptr) clear(p, o.bytes());
        return p;
    }
    void release(const operation& o, void* p, std::uint64_t bytes) {
        if (!o.in_frame()) by_framealloc::release(o, p, bytes);
    }
    void* grow(const operation& o, void* p, std::uint64_t bytes) {
        if (!o.in_frame()) return by_framealloc::grow(o, p, bytes);
        if (frame().ref().try_grow(p, bytes, o.bytes(), o.alignment())) return p;
        void* q = allocate(o);
        if (q != nullptr) copy(q, p, bytes < o.bytes() ? bytes : o.bytes());
        return q;
    }
    // If one thread replays for all, the frame is already open for the second of them.
    void next_frame(std::uint64_t number) {
        if (frame_ && number_ == number) return;
        number_ = number;
        frame_.reset();
        frame_.emplace(alloc_);
    }
    void end() { frame_.reset(); }

private:
    fa::basic_frame_scope<fa::policy::unchecked>& frame() {
        if (!frame_) next_frame(0);
        return frame_->scope;
    }
    struct open_frame {  // a scope stays where it is made
        explicit open_frame(const allocator& a) : scope(a.frame_scope()) {}
        fa::basic_frame_scope<fa::policy::unchecked> scope;
    };
    static thread_local std::optional<open_frame> frame_;
    static thread_local std::uint64_t number_;
};
thread_local std::optional<by_intent::open_frame> by_intent::frame_;
thread_local std::uint64_t by_intent::number_ = 0;

std::uint64_t now_ns() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(t.tv_nsec);
}

// Without verification only the first word of a block is written, the least its owner would do, so that the time is the
// allocator's.
template <bool Verify, class M>
[[gnu::always_inline]] inline void act_on(M& m, const operation& o, slot& s, outcome& result) {
    switch (o.what()) {
        case act::allocate:
        case act::allocate_zero: {
            // malloc(0) returns a unique block; framealloc returns none.
            void* p = o.what() == act::allocate ? m.allocate(o) : m.allocate_zero(o);
            s.p = p;
            s.bytes = o.bytes();
            if (p != nullptr) {
                if constexpr (Verify) stamp(p, o.bytes(), stamp_of(o));
                else if (o.bytes() >= 8) std::memcpy(p, &s.bytes, 8);
            } else if (o.bytes() != 0) {
                ++result.refused;
            }
            break;
        }
        case act::release:
            if (s.p == nullptr) break;
            if (Verify && !is_stamped(s.p, s.bytes, stamp_of(o))) ++result.wrong;
            m.release(o, s.p, s.bytes);
            s.p = nullptr;
            break;
        case act::grow: {
            if (s.p == nullptr) break;
            const std::uint64_t value = stamp_of(o);
            if (Verify && !is_stamped(s.p, s.bytes, value)) ++result.wrong;
            const std::uint64_t kept = s.bytes < o.bytes() ? s.bytes : o.bytes();
            void* p = m.grow(o, s.p, s.bytes);
            if (p == nullptr && o.bytes() != 0) {
                ++result.refused;
                break;
            }
            s.p = p;
            s.bytes = o.bytes();
            if (p == nullptr) break;
            if constexpr (Verify) {
                if (kept >= 8 && std::memcmp(p, &value, 8) != 0) ++result.wrong;
                stamp(p, o.bytes(), value);
            }
            break;
        }
        case act::frame: m.next_frame(o.bytes()); break;
    }
}

// The value of `turn` that the operation waits for, and the value that it leaves.
std::uint32_t turn_before(const operation& o) {
    return o.use() * 2 + (o.what() == act::release || o.what() == act::grow ? 1 : 0);
}
std::uint32_t turn_behind(const operation& o) {
    return o.what() == act::release ? (o.use() * 2 + 2) & 0x1FFFFFF : o.use() * 2 + 1;
}

template <class Ready>
void wait_until(Ready ready) {
    for (unsigned n = 0; !ready(); ++n) {
        if (n % 64 == 63) std::this_thread::yield();
    }
}

}  // namespace

struct player::state {
    std::span<const operation> operations;
    std::vector<operation> without_releases;  // by intent: blocks in a frame are not freed one by one
    std::vector<std::vector<std::uint32_t>> by_thread;
    slot* slots = nullptr;
    std::uint64_t slot_count = 0;
    with chosen{};
    order in{};
    std::optional<by_malloc> malloc;
    std::optional<by_framealloc> pools;
    std::optional<by_intent> intent;

    template <bool Verify, class M>
    outcome run(M& m) {
        if (in == order::one_thread) {
            outcome result;
            const std::span<const operation> list = Verify || without_releases.empty()
                                                        ? operations
                                                        : std::span<const operation>(without_releases);
            const std::uint64_t start = now_ns();
            for (const operation& o : list) act_on<Verify>(m, o, slots[o.slot()], result);
            result.ns = now_ns() - start;
            if constexpr (std::is_same_v<M, by_intent>) m.end();
            return result;
        }
        for (std::uint64_t i = 0; i < slot_count; ++i) slots[i].turn.store(0, std::memory_order_relaxed);
        std::vector<outcome> results(by_thread.size());
        std::vector<std::thread> threads;
        std::atomic<std::uint64_t> turn{0};
        std::atomic<bool> go{false};
        for (std::size_t t = 0; t < by_thread.size(); ++t) {
            if (by_thread[t].empty()) continue;
            threads.emplace_back([&, t] {
                wait_until([&] { return go.load(std::memory_order_acquire); });
                outcome mine;
                for (const std::uint32_t i : by_thread[t]) {
                    const operation& o = operations[i];
                    slot& s = slots[o.slot()];
                    if (in == order::exact) wait_until([&] { return turn.load(std::memory_order_acquire) == i; });
                    else if (o.what() != act::frame)
                        wait_until([&] { return s.turn.load(std::memory_order_acquire) == turn_before(o); });
                    act_on<Verify>(m, o, s, mine);
                    if (in == order::exact) turn.store(i + std::uint64_t{1}, std::memory_order_release);
                    else if (o.what() != act::frame) s.turn.store(turn_behind(o), std::memory_order_release);
                }
                if constexpr (std::is_same_v<M, by_intent>) m.end();
                results[t] = mine;
            });
        }
        outcome all;
        const std::uint64_t start = now_ns();
        go.store(true, std::memory_order_release);
        for (std::thread& t : threads) t.join();
        all.ns = now_ns() - start;
        for (const outcome& r : results) {
            all.wrong += r.wrong;
            all.refused += r.refused;
        }
        return all;
    }
};

// The player's own tables do not come from malloc, where they would mix with the measured blocks.
player::player(std::span<const operation> operations, std::uint64_t slots, std::uint32_t threads, with w, order o,
               const frame_options& frames)
    : state_(new state) {
    state_->operations = operations;
    state_->slot_count = slots;
    state_->chosen = w;
    state_->in = o;
    void* p = mmap(nullptr, (slots + 1) * sizeof(slot), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (p == MAP_FAILED) std::abort();
    state_->slots = static_cast<slot*>(p);
    if (o != order::one_thread) {
        std::vector<std::size_t> counts(threads);
        for (const operation& x : operations) ++counts[x.thread()];
        for (const std::size_t n : counts)
            state_->by_thread.emplace_back().reserve(n);  // at once: memory left by growth would hide the peak
        for (std::uint32_t i = 0; i < operations.size(); ++i) state_->by_thread[operations[i].thread()].push_back(i);
    }
    if (w == with::malloc) state_->malloc.emplace(frames);
    else if (w == with::framealloc) state_->pools.emplace(frames);
    else state_->intent.emplace(frames);
    if (w != with::intent || o != order::one_thread) return;
    state_->without_releases.reserve(operations.size());
    for (const operation& x : operations) {
        if (!x.in_frame() || x.what() != act::release) state_->without_releases.push_back(x);
    }
}

player::~player() {
    munmap(state_->slots, (state_->slot_count + 1) * sizeof(slot));
    delete state_;
}

outcome player::play(bool verify) {
    const auto run = [&](auto& m) { return verify ? state_->run<true>(m) : state_->run<false>(m); };
    if (state_->malloc) return run(*state_->malloc);
    if (state_->pools) return run(*state_->pools);
    return run(*state_->intent);
}

namespace {

// KiB, from /proc/self/status.
unsigned long memory_of(const char* field) {
    std::FILE* f = std::fopen("/proc/self/status", "r");
    if (f == nullptr) return 0;
    char line[256];
    unsigned long kib = 0;
    while (std::fgets(line, sizeof line, f) != nullptr) {
        if (std::strncmp(line, field, std::strlen(field)) == 0) std::sscanf(line + std::strlen(field), " %lu", &kib);
    }
    std::fclose(f);
    return kib;
}

void forget_peak() {
    if (std::FILE* f = std::fopen("/proc/self/clear_refs", "w"); f != nullptr) {
        std::fputs("5", f);
        std::fclose(f);
    }
}

}  // namespace

int serve(int program_fd, std::uint64_t operations, std::uint64_t slots, std::uint32_t threads, with w, order o,
          const frame_options& frames) {
    const std::size_t bytes = operations * sizeof(operation);
    void* p = mmap(nullptr, bytes == 0 ? 1 : bytes, PROT_READ, MAP_SHARED | MAP_POPULATE, program_fd, 0);
    if (p == MAP_FAILED) return 2;
    player plays({static_cast<const operation*>(p), operations}, slots, threads, w, o, frames);
    char line[16];
    bool first = true;
    while (std::fgets(line, sizeof line, stdin) != nullptr) {
        unsigned long before = 0;
        if (first) {
            forget_peak();
            before = memory_of("VmRSS:");
        }
        const outcome r = plays.play(line[0] == 'v');
        const unsigned long peak = first ? memory_of("VmHWM:") - before : 0;
        first = false;
        std::printf("%llu %llu %llu %lu\n", static_cast<unsigned long long>(r.ns),
                    static_cast<unsigned long long>(r.wrong), static_cast<unsigned long long>(r.refused), peak);
        std::fflush(stdout);
    }
    return 0;
}

}  // namespace replay
