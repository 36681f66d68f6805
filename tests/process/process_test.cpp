// Tests that need their own process: thread churn, resident memory, fork, use before and after main.
//
//   process_test churn THREADS | pipe OBJECTS | exchange OPERATIONS | fork FORKS | exits THREADS |
//                signals MILLISECONDS | interrupts MILLISECONDS | limit MEGABYTES | forked_lives MILLISECONDS | keys |
//                edges
//
// Exits with 0 if the promise holds, otherwise with 1 and a line.
#include <framealloc/detail/guard/annotate.hpp>
#include <framealloc/framealloc.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <latch>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fa = framealloc;
using namespace fa::literals;

namespace {

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "process_test: %s\n", what);
    std::_Exit(1);
}
void require(bool good, const char* what) {
    if (!good) fail(what);
}

std::size_t resident_bytes() {
    std::FILE* f = std::fopen("/proc/self/statm", "r");
    unsigned long pages = 0, resident = 0;
    if (f == nullptr || std::fscanf(f, "%lu %lu", &pages, &resident) != 2) fail("no /proc/self/statm");
    std::fclose(f);
    return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

void some_operations(const fa::smart_alloc& alloc) {
    std::vector<void*> kept;
    for (int i = 0; i < 250; ++i) {
        auto frame = alloc.frame_scope();
        fa::tag_scope tag(alloc, i % 2 == 0 ? "even" : "odd");
        std::memset(frame.alloc_bytes(1000), 1, 1000);
        kept.push_back(alloc.pool_alloc_bytes(64));
        alloc.heap_free_bytes(alloc.heap_alloc_bytes(20'000), 20'000);
        if (i % 50 == 0) require(alloc.stats().total_allocated != 0, "statistics after fork");
    }
    for (void* p : kept) alloc.pool_free_bytes(p, 64);
}

#if defined(__linux__)
pthread_key_t first_key;
int own_value = 42;
std::atomic<int> own_seen{0}, foreign_seen{0};

// Every thread key of the process is taken before the first use of the library: no other value is overwritten, and a
// thread's context still goes to the next thread when it ends.
void keys() {
    require(pthread_key_create(&first_key, [](void* p) { ++(p == &own_value ? own_seen : foreign_seen); }) == 0,
            "no key at all");
    pthread_key_t other{};
    int taken = 1;
    while (pthread_key_create(&other, nullptr) == 0) ++taken;
    fa::smart_alloc alloc;
    std::size_t reserved = 0;
    constexpr int threads = 20;
    for (int t = 0; t < threads; ++t) {
        std::thread([&] {
            pthread_setspecific(first_key, &own_value);
            auto f = alloc.frame_scope();
            static_cast<void>(f.alloc_bytes(10));
            alloc.pool_free_bytes(alloc.pool_alloc_bytes(64), 64);
            require(pthread_getspecific(first_key) == &own_value, "the value of another's key was overwritten");
        }).join();
        if (t <= 1) reserved = alloc.stats().reserved;  // the query creates tables for this thread
    }
    std::printf("%d keys taken, first %u: its destructor saw its own value %d times, another's %d times\n", taken,
                static_cast<unsigned>(first_key), own_seen.load(), foreign_seen.load());
    require(own_seen == threads && foreign_seen == 0, "a destructor got somebody else's value");
    require(alloc.stats().reserved == reserved, "what ended threads had is not used again");
}

// The process forks again and again while other threads make and destroy allocators of every kind; every child makes
// its own.
void forked_lives(std::size_t milliseconds) {
    std::atomic<bool> stop{false};
    std::atomic<std::size_t> lives{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
        threads.emplace_back([&, t] {
            while (!stop) {
                fa::options o{.frame_capacity = 64_KiB};
                if (t == 1) o.fixed_memory = 4_MiB;
                if (t == 2) o.guard_sample = 100;
                const fa::smart_alloc mine{o};
                auto frame = mine.frame_scope();
                static_cast<void>(frame.alloc_bytes(100));
                mine.pool_free_bytes(mine.pool_alloc_bytes(64), 64);
                ++lives;
            }
        });
    }
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
    int n = 0;
    for (; std::chrono::steady_clock::now() < end; ++n) {
        const pid_t child = fork();
        require(child >= 0, "fork failed");
        if (child == 0) {
            alarm(20);  // a lock that is never released ends the child
            const fa::smart_alloc mine;
            some_operations(mine);
            std::_Exit(0);
        }
        int status = 0;
        require(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0,
                "a child did not end well");
    }
    stop = true;
    for (auto& t : threads) t.join();
    std::printf("%d forks while %zu allocators lived and died\n", n, lives.load());
    require(lives > 10 && n > 10, "hardly anything happened");
}
#endif

// Threads in waves of 8, each leaving 16 live blocks that the next wave frees.
void churn(std::size_t threads) {
    fa::smart_alloc alloc;
    std::vector<std::array<void*, 16>> left(8), next(8);
    for (auto& a : left) a.fill(nullptr);
    std::size_t after_100 = 0;
    for (std::size_t started = 0; started < threads; started += 8) {
        std::vector<std::thread> wave;
        std::latch together{8};
        const bool warming_up = after_100 == 0;  // what eight threads at a time need is there before it is measured
        for (std::size_t w = 0; w < 8; ++w) {
            wave.emplace_back([&, w] {
                for (void* p : left[(w + 3) % 8]) {
                    if (p != nullptr) alloc.pool_free_bytes(p, 200);
                }
                auto frame = alloc.frame_scope();
                static_cast<void>(frame.alloc_bytes(10'000));
                for (void*& p : next[w]) {
                    p = alloc.pool_alloc_bytes(200);
                    std::memset(p, 1, 200);
                }
                if (warming_up) together.arrive_and_wait();
            });
        }
        for (auto& t : wave) t.join();
        left.swap(next);
        if (after_100 == 0 && started >= 100) after_100 = resident_bytes();
    }
    const std::size_t now = resident_bytes();
    std::printf("%zu threads: resident %zu KiB after 100, %zu KiB at the end, ratio %.3f\n", threads, after_100 / 1024,
                now / 1024, static_cast<double>(now) / static_cast<double>(after_100));
    for (auto& a : left) {
        for (void* p : a) alloc.pool_free_bytes(p, 200);
    }
    require(alloc.stats().pool_allocated == 0, "blocks of ended threads are lost");
    // While blocks are guarded, the records of ended frames and freed blocks grow to their limits.
    const std::size_t remembered = fa::active_policy::checks || fa::guard::under_tool ? std::size_t{8} << 20 : 0;
    require(now <= after_100 + after_100 / 10 + remembered, "resident memory grew by more than a tenth");
}

// A producer and a consumer with at most 64 objects in flight.
void pipe_flat(std::size_t objects) {
    fa::smart_alloc alloc;
    std::array<std::atomic<std::uint64_t*>, 64> ring{};
    std::size_t early = 0;
    std::thread consumer([&] {
        for (std::size_t i = 0; i < objects; ++i) {
            std::uint64_t* p = nullptr;
            while ((p = ring[i % 64].exchange(nullptr, std::memory_order_acquire)) == nullptr)
                std::this_thread::yield();
            require(*p == i, "an object does not hold what was written to it");
            alloc.pool_free_bytes(p, 64);
        }
    });
    for (std::size_t i = 0; i < objects; ++i) {
        auto* p = static_cast<std::uint64_t*>(alloc.pool_alloc_bytes(64));
        *p = i;
        while (ring[i % 64].load(std::memory_order_relaxed) != nullptr) std::this_thread::yield();
        ring[i % 64].store(p, std::memory_order_release);
        if (i == objects / 100) early = resident_bytes();
    }
    consumer.join();
    const std::size_t now = resident_bytes();
    std::printf("%zu objects: resident memory grew by %zu KiB\n", objects, now > early ? (now - early) / 1024 : 0);
    require(now <= early + 2_MiB, "resident memory grew by more than 2 MiB");
}

// The process forks while four threads allocate; every child works at once.
void forks(int n) {
    fa::smart_alloc alloc;
    fa::smart_alloc fixed{fa::options{.frame_capacity = 64_KiB, .fixed_memory = 16_MiB}};
    std::atomic<bool> stop{false};
    std::atomic<void*> shared{nullptr};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            while (!stop) {
                some_operations(t % 2 == 0 ? alloc : fixed);
                void* p = alloc.pool_alloc_bytes(64);
                std::memset(p, 0x5a, 64);
                if (void* old = shared.exchange(p)) alloc.pool_free_bytes(old, 64);
            }
        });
    }
    double slowest = 0;
    for (int i = 0; i < n; ++i) {
        void* seen = shared.exchange(nullptr);
        const auto start = std::chrono::steady_clock::now();
        const pid_t child = fork();
        require(child >= 0, "fork failed");
        if (child == 0) {
            alarm(10);
            some_operations(alloc);
            some_operations(fixed);
            if (seen != nullptr) {  // a block of a thread that does not exist here: readable, and may be freed
                require(static_cast<unsigned char*>(seen)[63] == 0x5a, "a block of a vanished thread");
                alloc.pool_free_bytes(seen, 64);
            }
            std::thread([&] { some_operations(alloc); }).join();
            _exit(0);
        }
        int status = 0;
        require(waitpid(child, &status, 0) == child, "waitpid failed");
        require(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a child did not exit with 0");
        slowest = std::max(slowest, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
        if (seen != nullptr) alloc.pool_free_bytes(seen, 64);
    }
    stop = true;
    for (auto& t : threads) t.join();
    if (void* p = shared) alloc.pool_free_bytes(p, 64);
    require(alloc.stats().pool_allocated == 0, "the parent lost a block");
    std::printf("%d forks, the slowest child took %.3f s\n", n, slowest);
    require(slowest < 2, "a child took longer than 2 s");
}

// Threads that end with live objects: all stay valid, and others free them; exactly the planted leaks are reported.
void exits(std::size_t threads) {
    static std::uint64_t reported = 0;
    static int reports = 0;
    fa::options o;
    o.on_fault = [](const fa::fault& f) {
        if (f.what != fa::code::FA424) fail(f.text);
        unsigned long long blocks = 0;
        if (std::sscanf(f.detail, "%llu blocks", &blocks) != 1) fail("FA424 without a number");
        reported = blocks;
        ++reports;
    };
    std::vector<void*> planted;
    {
        fa::smart_alloc alloc{o};
        for (std::size_t i = 0; i < threads; ++i) {
            std::array<unsigned char*, 20> blocks{};
            std::thread([&] {
                for (auto& p : blocks) {
                    p = static_cast<unsigned char*>(alloc.pool_alloc_bytes(100));
                    std::memset(p, static_cast<int>(i % 251), 100);
                }
            }).join();
            for (std::size_t k = 0; k < blocks.size(); ++k) {
                require(blocks[k][99] == i % 251, "a block of an ended thread lost its content");
                if (k == 0 && i % 10 == 0) planted.push_back(blocks[k]);
                else alloc.pool_free_bytes(blocks[k], 100);
            }
        }
        for (void* p : planted) require(fa::memory::page_of(p) != nullptr, "planted");
    }
    std::printf("%zu thread exits, %zu blocks planted, %llu reported\n", threads, planted.size(),
                static_cast<unsigned long long>(reported));
    require(reports == 1 && reported == planted.size(), "leaks are not reported exactly");
}

// --- use before and after main, and in destructors of thread-locals ---
fa::smart_alloc& early() {
    static fa::smart_alloc a;
    return a;
}
void* before_main = early().pool_alloc_bytes(64);
struct after_main {
    ~after_main() {
        early().pool_free_bytes(before_main, 64);
        auto frame = early().frame_scope();
        std::memset(frame.alloc_bytes(1000), 1, 1000);
    }
} const last;

struct thread_local_user {
    void* block = nullptr;
    ~thread_local_user() {
        if (block == nullptr) return;
        early().pool_free_bytes(block, 64);
        auto frame = early().frame_scope();
        std::memset(frame.alloc_bytes(1000), 1, 1000);
        early().heap_free_bytes(early().heap_alloc_bytes(50'000), 50'000);
    }
};
thread_local thread_local_user first_made;

// A fault outside the library's memory goes to the handler installed before, or else ends the program as usual.
void others_faults() {
    struct sigaction plain{}, three{}, none{};
    plain.sa_handler = [](int) { _exit(41); };
    three.sa_sigaction = [](int, siginfo_t* info, void*) {
        _exit(info != nullptr && info->si_addr != nullptr ? 42 : 43);
    };
    three.sa_flags = SA_SIGINFO;
    none.sa_handler = SIG_DFL;
    const auto end_with = [](const struct sigaction& before) {
        const pid_t child = fork();
        if (child == 0) {
            sigaction(SIGSEGV, &before, nullptr);
            const fa::basic_smart_alloc<fa::policy::debug> alloc(fa::options{.guard = fa::guard_level::revoke});
            for (int i = 0; i < 2; ++i) {
                const auto frame = alloc.frame_scope();
                static_cast<void>(frame.alloc_bytes(100));
            }
            static unsigned char* volatile nowhere = nullptr;
            nowhere[4000] = 1;
            _exit(44);
        }
        int status = 0;
        waitpid(child, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    };
    require(end_with(plain) == 41, "a plain handler of before was not called");
    require(end_with(three) == 42, "a handler of before was not told the address");
    require(end_with(none) == -SIGSEGV, "a fault did not end the program");
}

void edges() {
    if (!fa::guard::under_tool) others_faults();
    using first_use = void (*)(const fa::smart_alloc&);
    const first_use entries[] = {
        [](const fa::smart_alloc& a) { a.begin_frame(), a.end_frame(); },
        [](const fa::smart_alloc& a) { a.pool_free(a.pool_alloc<int>()); },
        [](const fa::smart_alloc& a) { a.heap_free_bytes(a.heap_alloc_bytes(9000), 9000); },
        [](const fa::smart_alloc& a) { static_cast<void>(a.frame_scope()); },
        [](const fa::smart_alloc& a) { static_cast<void>(a.stats()); },
        [](const fa::smart_alloc& a) { static_cast<void>(a.frame_stats()); },
        [](const fa::smart_alloc& a) { static_cast<void>(a.tag_stats("none")); },
        [](const fa::smart_alloc& a) { static_cast<void>(a.phase_stats()); },
        [](const fa::smart_alloc& a) { const fa::tag_scope t(a, "first"); },
        [](const fa::smart_alloc& a) { const fa::phase_scope p(a, "first"); },
        [](const fa::smart_alloc& a) { a.set_thread_frame_budget(1_MiB); },
        [](const fa::smart_alloc& a) { static_cast<void>(a.frame_remaining()); },
        [](const fa::smart_alloc& a) { a.process_deferred_frees(); },
        [](const fa::smart_alloc& a) { a.set_deferred({}); },
        [](const fa::smart_alloc& a) { static_cast<void>(a.context()); },
        [](const fa::smart_alloc& a) { static_cast<void>(a.frame_box_for_transfer(1)); },
        [](const fa::smart_alloc& a) { static_cast<void>(a.in_frame()); },
        [](const fa::smart_alloc& a) { static_cast<void>(a.frame_number()); },
        [](const fa::smart_alloc& a) { static_cast<void>(a.pool_box<int>(1)); },
        [](const fa::smart_alloc& a) { static_cast<void>(a.pool_shared<int>(1)); },
        [](const fa::smart_alloc& a) { a.trim(); },
    };
    for (first_use f : entries) {
        std::thread([f] { f(early()); }).join();
        fa::smart_alloc fresh;
        std::thread([&] { f(fresh); }).join();
    }
    for (int i = 0; i < 100; ++i) {
        std::thread([] {
            static_cast<void>(&first_made);
            first_made.block = early().pool_alloc_bytes(64);  // its destructor is older than the allocator's exit hook
        }).join();
    }
    // The allocator dies before its thread.
    std::thread([] {
        void* p = nullptr;
        {
            fa::options o;
            o.on_fault = [](const fa::fault&) {};
            fa::smart_alloc a{o};
            p = a.pool_alloc_bytes(64);
        }
        static_cast<void>(p);
    }).join();
    require(early().stats().pool_allocated == 64, "only the block from before main is out");
    std::printf("%zu first uses, 100 thread-local destructors\n", std::size(entries));
}

// Every byte encodes its owner and size.
struct stamped {
    std::uint32_t bytes;
    std::uint32_t stamp;

    unsigned char* body() noexcept { return reinterpret_cast<unsigned char*>(this + 1); }
    void write(std::uint32_t n, std::uint32_t s) noexcept {
        bytes = n;
        stamp = s;
        std::memset(body(), static_cast<int>(s % 251), n - sizeof(stamped));
    }
    bool whole() noexcept {
        const auto expected = static_cast<unsigned char>(stamp % 251);
        const std::size_t n = bytes - sizeof(stamped);
        return n == 0 || (body()[0] == expected && std::memcmp(body(), body() + 1, n - 1) == 0);
    }
};
struct payload {
    std::uint32_t values[16];
    explicit payload(std::uint32_t s) noexcept {
        for (std::uint32_t& v : values) v = s++;
    }
    bool whole() const noexcept {
        for (std::uint32_t i = 1; i < 16; ++i) {
            if (values[i] != values[0] + i) return false;
        }
        return true;
    }
};

// 4 threads put blocks and transfers into slots and free the ones they find there; all contents are verified.
void exchange(std::size_t operations) {
    fa::smart_alloc alloc;
    constexpr std::size_t slots = 1024, mailboxes = 64;
    std::vector<std::atomic<stamped*>> table(slots);
    struct mailbox {
        std::atomic<bool> taken{false};
        fa::transfer_handle<payload> content;
    };
    std::vector<mailbox> mail(mailboxes);
    std::atomic<std::size_t> broken{0}, freed{0};
    const auto release = [&](stamped* s) {
        if (!s->whole()) ++broken;
        if (s->bytes % 8 == 0) alloc.pool_free_bytes(s, s->bytes);
        else alloc.heap_free_bytes(s, s->bytes);
    };
    std::vector<std::thread> threads;
    for (std::uint32_t t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            std::uint32_t random = t + 1;
            const auto next = [&] { return (random = random * 1664525U + 1013904223U) >> 8U; };
            std::size_t mine = 0;
            for (std::size_t i = 0; i < operations; ++i) {
                if (i % 16 == 0) {
                    mailbox& box = mail[next() % mailboxes];
                    if (box.taken.exchange(true, std::memory_order_acquire)) continue;
                    if (box.content && !std::move(box.content).receive()->whole()) ++broken;
                    box.content = alloc.frame_box_for_transfer<payload>(next());
                    box.taken.store(false, std::memory_order_release);
                    continue;
                }
                const std::uint32_t bytes = static_cast<std::uint32_t>(sizeof(stamped)) +
                                            next() % (next() % 64 == 0 ? 20'000 : 200);
                auto* s = static_cast<stamped*>(bytes % 8 == 0 ? alloc.pool_alloc_bytes(bytes)
                                                               : alloc.heap_alloc_bytes(bytes));
                s->write(bytes, next());
                if (stamped* old = table[next() % slots].exchange(s, std::memory_order_acq_rel)) {
                    release(old);
                    ++mine;
                }
                if (i % 64 == 1) {
                    auto frame = alloc.frame_scope();
                    auto numbers = frame.batch<std::uint32_t>(256);
                    for (std::uint32_t& v : numbers) v = random;
                    for (std::uint32_t v : numbers) broken += v != random ? 1U : 0U;
                }
            }
            freed += mine;
        });
    }
    for (auto& t : threads) t.join();
    for (auto& s : table) {
        if (stamped* left = s.exchange(nullptr)) release(left);
    }
    for (mailbox& m : mail) m.content = {};
    std::printf(
        "exchange: 4 x %zu operations, %zu blocks freed by whoever found them, %llu on other threads, %zu broken\n",
        operations, freed.load(), static_cast<unsigned long long>(alloc.stats().deferred_free_count), broken.load());
    require(broken == 0, "contents were changed");
    require(alloc.stats().total_allocated == 0, "blocks were lost");
    const fa::transfer_stats t = alloc.transfers();
    require(t.in_flight() == 0 && t.completed != 0 && t.dropped != 0, "transfers were lost");
}

// --- functions that a signal handler may call ---

struct asked {
    const fa::smart_alloc* first;
    const fa::smart_alloc* second;
    std::atomic<std::uint64_t> calls{0}, wrong{0};
} ask;

void on_profile(int) {
    for (const fa::smart_alloc* a : {ask.first, ask.second}) {
        const std::size_t depth = a->frame_depth();
        bool good = a->in_frame() == (depth != 0) && depth <= 3 && a->tag_path().size() <= 15 &&
                    a->current_tag().size() <= 7;
        good = good && a->current_phase().size() <= 8 && (depth == 0 || a->frame_number() != 0);
        good = good && a->transfers().dropped == 0 && !a->lifecycle().is_enabled();
        ask.wrong += good ? 0U : 1U;
    }
    ++ask.calls;
}

// The system refuses, as a page source would: a failure value, and everything works again once there is memory.
void limit(std::size_t megabytes) {
    rlimit old{}, little{};
    getrlimit(RLIMIT_AS, &old);
    std::size_t pages = 0;
    std::FILE* f = std::fopen("/proc/self/statm", "r");
    require(f != nullptr && std::fscanf(f, "%zu", &pages) == 1, "no /proc/self/statm");
    std::fclose(f);
    std::size_t got[3] = {};
    for (int scenario = 0; scenario < 3; ++scenario) {
        fa::smart_alloc alloc{fa::options{.frame_capacity = 256_KiB}};
        alloc.begin_frame();
        std::vector<void*> blocks;
        blocks.reserve(4'000'000 / 16);
        little = {pages * 4096 + megabytes * 1_MiB, old.rlim_max};
        setrlimit(RLIMIT_AS, &little);
        const std::size_t size = scenario == 0 ? 8000 : scenario == 1 ? 1000 : 200'000;
        const auto take = [&]() -> void* {
            if (scenario == 0) return alloc.try_frame_alloc_bytes(size);
            return scenario == 1 ? alloc.try_pool_alloc_bytes(size) : alloc.try_heap_alloc_bytes(size);
        };
        while (void* p = take()) {
            std::memset(p, scenario, 16);
            if (scenario != 0) blocks.push_back(p);
            got[scenario] += size;
        }
        const auto give = [&](void* p) {
            if (scenario == 1) alloc.pool_free_bytes(p, size);
            if (scenario == 2) alloc.heap_free_bytes(p, size);
        };
        for (void* p : blocks) give(p);
        alloc.end_frame();
        require(alloc.stats().total_allocated == 0, "something is charged after all was given back");
        alloc.begin_frame();
        void* again = take();
        require(again != nullptr, "the next operation fails although memory is back");
        give(again);
        alloc.end_frame();
        setrlimit(RLIMIT_AS, &old);
    }
    std::printf("limit: %zu MiB of address space gave %zu MiB of frames, %zu MiB of pool, %zu MiB of heap\n", megabytes,
                got[0] >> 20, got[1] >> 20, got[2] >> 20);
    for (std::size_t n : got) require(n >= megabytes * 1_MiB / 2, "less than half of the memory was had");
}

void profile(void (*handler)(int), suseconds_t microseconds) {
    struct sigaction action{};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigaction(SIGPROF, &action, nullptr);
    const itimerval every{{0, microseconds}, {0, microseconds}};
    setitimer(ITIMER_PROF, &every, nullptr);
}

// Functions that it may not call: in debug mode every allocation that interrupts another one is refused with FA436, and
// nothing breaks.
using debug_alloc = fa::basic_smart_alloc<fa::policy::debug>;
struct {
    const debug_alloc* alloc;
    volatile std::uint64_t calls, served, refused, other_faults;
} intruder;

void on_profile_allocate(int) {
    const debug_alloc& a = *intruder.alloc;
    intruder.calls = intruder.calls + 1;
    void* p = intruder.calls % 2 == 0 ? a.try_pool_alloc_bytes(40) : a.try_heap_alloc_bytes(9000);
    if (p == nullptr) return;
    intruder.served = intruder.served + 1;
    if (intruder.calls % 2 == 0) a.pool_free_bytes(p, 40);
    else a.heap_free_bytes(p, 9000);
}

void interrupts(std::size_t milliseconds) {
    fa::options o{.name = "interrupted"};
    o.on_fault = [](const fa::fault& f) {
        if (f.what == fa::code::FA436) intruder.refused = intruder.refused + 1;
        else intruder.other_faults = intruder.other_faults + 1;
    };
    const debug_alloc alloc{o};
    intruder.alloc = &alloc;
    profile(on_profile_allocate, 1000);
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
    while (std::chrono::steady_clock::now() < end) {
        for (int i = 0; i < 20; ++i) {
            auto frame = alloc.frame_scope();
            std::memset(frame.alloc_bytes(1000), i, 1000);
            auto box = alloc.pool_box(i);
            void* p = alloc.pool_alloc_bytes(60);
            void* q = alloc.heap_alloc_bytes(20'000);
            alloc.pool_free_bytes(p, 60);
            alloc.heap_free_bytes(q, 20'000);
        }
    }
    profile(SIG_IGN, 0);
    std::printf("interrupts: %llu calls, %llu served, %llu refused, %llu other faults\n",
                static_cast<unsigned long long>(intruder.calls), static_cast<unsigned long long>(intruder.served),
                static_cast<unsigned long long>(intruder.refused),
                static_cast<unsigned long long>(intruder.other_faults));
    require(intruder.calls >= milliseconds / 50, "the handler was hardly called");
    require(intruder.refused != 0 && intruder.refused >= intruder.calls - intruder.served,
            "no call was refused, or one without FA436");
    require(intruder.other_faults == 0 && alloc.check() == 0 && alloc.stats().total_allocated == 0,
            "something is damaged, or still out");
}

// Two allocators in turn on each of four threads, so that the thread's slot changes hands all the time, and SIGPROF at
// 1 kHz.
void signals(std::size_t milliseconds) {
    fa::smart_alloc first, second;
    ask.first = &first;
    ask.second = &second;
    profile(on_profile, 1000);
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            while (std::chrono::steady_clock::now() < end) {
                std::thread([&] {  // threads that begin and end
                    for (int i = 0; i < 200; ++i) {
                        auto a = first.frame_scope();
                        fa::tag_scope tag{first, "physics"}, solver{first, "solver"};
                        auto b = second.frame_scope();
                        auto inner = first.frame_scope();
                        static_cast<void>(inner.alloc_bytes(100 + static_cast<std::size_t>(i) * 1000));
                        auto box = first.pool_box(i);
                        auto other = second.pool_box(i);
                        static_cast<void>(b.alloc_bytes(10));
                    }
                })
                    .join();
            }
        });
    }
    for (auto& t : threads) t.join();
    profile(SIG_IGN, 0);
    std::printf("signals: %llu calls, %llu wrong answers\n", static_cast<unsigned long long>(ask.calls.load()),
                static_cast<unsigned long long>(ask.wrong.load()));
    require(ask.calls >= milliseconds / 50, "the handler was hardly called");
    require(ask.wrong == 0, "a handler saw what cannot be");
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view what = argc > 1 ? argv[1] : "";
    const std::size_t n = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 0;
    if (what == "churn" && n != 0) churn(n);
    else if (what == "pipe" && n != 0) pipe_flat(n);
    else if (what == "exchange" && n != 0) exchange(n);
    else if (what == "fork" && n != 0) forks(static_cast<int>(n));
    else if (what == "exits" && n != 0) exits(n);
    else if (what == "limit" && n != 0) limit(n);
    else if (what == "signals" && n != 0) signals(n);
    else if (what == "interrupts" && n != 0) interrupts(n);
#if defined(__linux__)
    else if (what == "keys") keys();
    else if (what == "forked_lives" && n != 0) forked_lives(n);
#endif
    else if (what == "edges") edges();
    else {
        std::fprintf(stderr,
                     "usage: process_test churn THREADS | pipe OBJECTS | exchange OPERATIONS | fork FORKS | exits "
                     "THREADS | signals MILLISECONDS | interrupts MILLISECONDS | limit MEGABYTES | forked_lives "
                     "MILLISECONDS | keys | edges\n");
        return 2;
    }
}
