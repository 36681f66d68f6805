#include "writer.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <initializer_list>

namespace recorder {
namespace {

constexpr std::uint64_t growth = 4 << 20;  // the file's, in bytes

class spin_lock {
public:
    explicit spin_lock(std::atomic_flag& f) noexcept : flag_(f) {
        while (flag_.test_and_set(std::memory_order_acquire)) {
        }
    }
    ~spin_lock() { flag_.clear(std::memory_order_release); }
    spin_lock(const spin_lock&) = delete;
    spin_lock& operator=(const spin_lock&) = delete;

private:
    std::atomic_flag& flag_;
};

std::atomic<bool> on;
int file = -1;
trace::file_header* header;
std::uint64_t start_ns, limit_bytes;
std::atomic<std::uint64_t> sequence, unrecorded;
std::atomic<std::uint32_t> threads;
pthread_key_t at_thread_exit;

std::atomic_flag file_lock;
std::uint64_t file_end, file_reserved;  // under file_lock

// Chunks that ended threads left half empty.
struct remainder {
    trace::event* next;
    trace::event* end;
};
std::atomic_flag remainders_lock;
remainder remainders[64];
std::size_t remainder_count;

// Stacks and modules that were written already.
struct known_stack {
    std::atomic<std::uint64_t> hash;
    std::atomic<std::uint32_t> number;
};
// In front of the table, which is larger than caches are: 44 bits of the hash, and the number.
std::atomic<std::uint64_t> recent_stacks[1 << 14];
constexpr std::size_t stack_table_size = trace::most_stacks * 2;
known_stack* stack_table;
std::atomic_flag stacks_lock;
std::uint32_t stack_count;  // the following under stacks_lock
const void* modules_seen[512];
std::size_t module_count;
struct words {
    std::uint64_t* next = nullptr;
    std::uint64_t* end = nullptr;
};
words stack_words, module_words;

thread_local thread_state state __attribute__((tls_model("initial-exec")));

std::uint64_t now_ns(clockid_t clock) noexcept {
    timespec t{};
    clock_gettime(clock, &t);
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(t.tv_nsec);
}

// Asks for disk space beforehand: a store into a mapping beyond it would be SIGBUS, in the middle of the program.
bool reserve_file(std::uint64_t to) noexcept {
    if (to <= file_reserved) return true;
    std::uint64_t wanted = file_reserved + growth;
    if (limit_bytes != 0 && wanted > limit_bytes) wanted = limit_bytes;
    if (wanted < to) return false;
    if (posix_fallocate(file, static_cast<off_t>(file_reserved), static_cast<off_t>(wanted - file_reserved)) != 0) return false;
    file_reserved = wanted;
    return true;
}

trace::chunk_header* new_chunk(trace::chunk_kind kind, std::uint32_t thread) noexcept {
    std::uint64_t at = 0;
    {
        const spin_lock lock(file_lock);
        if (!reserve_file(file_end + trace::chunk_bytes)) {
            on.store(false, std::memory_order_relaxed);
            return nullptr;
        }
        at = file_end;
        file_end += trace::chunk_bytes;
        header->chunks += 1;
    }
    void* p = mmap(nullptr, trace::chunk_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, static_cast<off_t>(at));
    if (p == MAP_FAILED) {
        on.store(false, std::memory_order_relaxed);
        return nullptr;
    }
    madvise(p, trace::chunk_bytes, MADV_POPULATE_WRITE);  // MAP_POPULATE leaves shared pages to fault at the first store; before Linux 5.14 these do
    auto* h = static_cast<trace::chunk_header*>(p);
    *h = {.magic = trace::chunk_magic, .kind = kind, .thread = thread, .unused = 0, .begin_ns = since_start_ns(), .checksum = 0};
    return h;
}

// No more is written to the chunk that ends there.
void finish_chunk(void* end) noexcept {
    if (end == nullptr) return;
    auto* h = reinterpret_cast<trace::chunk_header*>(static_cast<char*>(end) - trace::chunk_bytes);
    h->checksum = trace::checksum_of(*h);
    munmap(h, trace::chunk_bytes);
}

// Room for `n` events of this thread.
bool make_room(thread_state& t, std::ptrdiff_t n) noexcept {
    if (t.end - t.next >= n) return true;
    if (t.next == nullptr) {
        const spin_lock lock(remainders_lock);
        if (remainder_count != 0) {
            const remainder r = remainders[--remainder_count];
            t.next = r.next;
            t.end = r.end;
            *t.next++ = {static_cast<std::uint64_t>(trace::op::thread) | sequence.fetch_add(1, std::memory_order_relaxed) << 24, t.number};
            if (t.end - t.next >= n) return true;
        }
    }
    finish_chunk(t.end);
    t.next = t.end = nullptr;
    trace::chunk_header* h = new_chunk(trace::chunk_kind::events, t.number);
    if (h == nullptr) return false;
    t.next = reinterpret_cast<trace::event*>(h + 1);
    t.end = reinterpret_cast<trace::event*>(reinterpret_cast<char*>(h) + trace::chunk_bytes);
    return true;
}

void leave(void*) noexcept {
    thread_state& t = state;
    if (t.next == nullptr) return;
    const spin_lock lock(remainders_lock);
    if (t.end - t.next >= 256 && remainder_count < 64) remainders[remainder_count++] = {t.next, t.end};
    else finish_chunk(t.end);
    t.next = t.end = nullptr;
}

std::uintptr_t end_of_stack() noexcept {
    pthread_attr_t a;
    void* low = nullptr;
    std::size_t bytes = 0;
    if (pthread_getattr_np(pthread_self(), &a) != 0) return 0;
    pthread_attr_getstack(&a, &low, &bytes);
    pthread_attr_destroy(&a);
    return reinterpret_cast<std::uintptr_t>(low) + bytes;
}

bool room_for_words(words& w, trace::chunk_kind kind, std::size_t n) noexcept {
    if (static_cast<std::size_t>(w.end - w.next) >= n) return true;
    finish_chunk(w.end);
    w = {};
    trace::chunk_header* h = new_chunk(kind, 0);
    if (h == nullptr) return false;
    w.next = reinterpret_cast<std::uint64_t*>(h + 1);
    w.end = w.next + (trace::chunk_bytes - sizeof *h) / sizeof *w.next;
    return true;
}

// Requires: stacks_lock.
void write_module_of(std::uintptr_t pc) noexcept {
    dl_find_object found{};
    if (_dl_find_object(reinterpret_cast<void*>(pc), &found) != 0) return;
    const auto* map = static_cast<const link_map*>(found.dlfo_link_map);
    for (std::size_t i = 0; i < module_count; ++i) {
        if (modules_seen[i] == found.dlfo_map_start) return;
    }
    if (module_count == std::size(modules_seen)) return;
    char own[1024] = {};
    const char* path = map->l_name;
    if (path == nullptr || *path == 0) {  // the program itself
        if (readlink("/proc/self/exe", own, sizeof own - 1) < 0) return;
        path = own;
    }
    std::uint64_t bytes = std::strlen(path);
    if (bytes > 4000) return;
    const std::size_t n = 4 + (bytes + 7) / 8;
    if (!room_for_words(module_words, trace::chunk_kind::modules, n + 1)) return;
    modules_seen[module_count++] = found.dlfo_map_start;
    std::uint64_t* w = module_words.next;
    w[1] = reinterpret_cast<std::uint64_t>(found.dlfo_map_end);
    w[2] = map->l_addr;
    w[3] = bytes;
    std::memcpy(w + 4, path, bytes);
    w[0] = reinterpret_cast<std::uint64_t>(found.dlfo_map_start);
    module_words.next += n;
}

void finish_file() noexcept {
    on.store(false, std::memory_order_relaxed);
    state.inside = true;
    finish_chunk(state.end);
    state.next = state.end = nullptr;
    {
        const spin_lock lock(stacks_lock);
        for (words* w : {&stack_words, &module_words}) {
            finish_chunk(w->end);
            *w = {};
        }
    }
    {
        const spin_lock lock(remainders_lock);
        while (remainder_count != 0) finish_chunk(remainders[--remainder_count].end);
    }
    header->unrecorded = unrecorded.load(std::memory_order_relaxed);
    header->ended_ns = since_start_ns();
    const spin_lock lock(file_lock);
    if (ftruncate(file, static_cast<off_t>(file_end)) == 0) file_reserved = file_end;
}

}  // namespace

thread_state& this_thread() noexcept { return state; }
bool recording() noexcept { return on.load(std::memory_order_relaxed); }
std::uint64_t since_start_ns() noexcept { return now_ns(CLOCK_MONOTONIC) - start_ns; }
void note_unrecorded() noexcept { unrecorded.fetch_add(1, std::memory_order_relaxed); }

void introduce(thread_state& t) noexcept {
    t.number = threads.fetch_add(1, std::memory_order_relaxed) + 1;
    t.stack_end = end_of_stack();
    pthread_setspecific(at_thread_exit, &t);
}

const char* open_trace(const settings& s) noexcept {
    file = open(s.path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0) return std::strerror(errno);
    limit_bytes = s.limit;
    file_reserved = 0;
    if (!reserve_file(trace::header_bytes)) return "there is no space for the trace";
    file_end = trace::header_bytes;
    void* p = mmap(nullptr, trace::header_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    void* table = mmap(nullptr, stack_table_size * sizeof(known_stack), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED || table == MAP_FAILED) return std::strerror(errno);
    stack_table = static_cast<known_stack*>(table);
    header = static_cast<trace::file_header*>(p);
    start_ns = now_ns(CLOCK_MONOTONIC);
    *header = {};
    header->pid = static_cast<std::uint32_t>(getpid());
    header->main_thread = 1;
    header->started_ns = now_ns(CLOCK_REALTIME);
    header->sample = s.sample;
    header->stack_depth = s.stack_depth;
    header->frames = s.frames;
    header->every_us = s.every_us;
    std::memcpy(header->frame_name, s.frame_name, sizeof header->frame_name);
    if (readlink("/proc/self/exe", header->program, sizeof header->program - 1) < 0) header->program[0] = 0;
    header->magic = trace::file_magic;
    pthread_key_create(&at_thread_exit, leave);
    introduce(state);
    on.store(true, std::memory_order_release);
    return nullptr;
}

void forget_trace() noexcept {
    on.store(false, std::memory_order_relaxed);
    state.next = state.end = nullptr;
    remainder_count = 0;
    stack_words = module_words = {};
    module_count = 0;
    stack_count = 0;
    file_lock.clear();
    remainders_lock.clear();
    stacks_lock.clear();
    threads.store(0);
    if (file >= 0) close(file);
    file = -1;
}

void close_trace() noexcept {
    if (file >= 0 && header->pid == static_cast<std::uint32_t>(getpid())) finish_file();  // not a child of vfork(), which shares all this
}

void put(thread_state& t, trace::op what, std::uint32_t stack, std::uint64_t address, std::uint64_t size, unsigned alignment_log2) noexcept {
    const bool wide = size >= trace::wide_size || alignment_log2 > 4;
    if (!make_room(t, wide ? 2 : 1)) return note_unrecorded();
    trace::event* e = t.next;
    const std::uint64_t first = sequence.fetch_add(wide ? 2 : 1, std::memory_order_relaxed);
    if (wide) *e++ = {static_cast<std::uint64_t>(trace::op::wide) | std::uint64_t{alignment_log2} << 4 | first << 24, size};
    *e = trace::event::make(what, first + (wide ? 1 : 0), stack, address, wide ? trace::wide_size : size);
    t.next = e + 1;
}

void put_mark(thread_state& t) noexcept {
    if (!make_room(t, 1)) return;
    *t.next++ = {static_cast<std::uint64_t>(trace::op::mark) | sequence.fetch_add(1, std::memory_order_relaxed) << 24, since_start_ns()};
}

namespace {

std::uint32_t find_stack(const std::uintptr_t* addresses, std::size_t n, std::uint64_t hash) noexcept {
    std::size_t i = static_cast<std::size_t>(hash >> 20) % stack_table_size;
    const auto find = [&]() -> known_stack& {
        for (;; i = (i + 1) % stack_table_size) {
            const std::uint64_t h = stack_table[i].hash.load(std::memory_order_acquire);
            if (h == hash || h == 0) return stack_table[i];
        }
    };
    if (known_stack& s = find(); s.hash.load(std::memory_order_acquire) == hash) return s.number.load(std::memory_order_relaxed);
    const spin_lock lock(stacks_lock);
    known_stack& s = find();
    if (s.hash.load(std::memory_order_relaxed) == hash) return s.number.load(std::memory_order_relaxed);
    if (stack_count + 1 >= trace::most_stacks || !room_for_words(stack_words, trace::chunk_kind::stacks, n + 2)) return 0;
    const std::uint32_t number = ++stack_count;
    std::uint64_t* w = stack_words.next;
    for (std::size_t k = 0; k < n; ++k) {
        write_module_of(addresses[k] - 1);
        w[1 + k] = addresses[k];
    }
    w[0] = number | std::uint64_t{n} << 32;
    stack_words.next += n + 1;
    s.number.store(number, std::memory_order_relaxed);
    s.hash.store(hash, std::memory_order_release);
    return number;
}

}  // namespace

std::uint32_t stack_number(const std::uintptr_t* addresses, std::size_t n) noexcept {
    std::uint64_t hash = n;
    constexpr std::uint64_t golden = 0x9e3779b97f4a7c15U;
    for (std::size_t i = 0; i < n; ++i) hash += addresses[i] * (golden * (2 * i + 1));  // products that do not wait for each other
    hash = (hash ^ hash >> 29) * golden;
    hash = (hash ^ hash >> 32) | 1;
    std::atomic<std::uint64_t>& recent = recent_stacks[hash >> 6 & (std::size(recent_stacks) - 1)];
    const std::uint64_t tag = hash >> trace::stack_bits << trace::stack_bits;
    if (const std::uint64_t seen = recent.load(std::memory_order_relaxed); (seen & ~(trace::most_stacks - 1)) == tag) return static_cast<std::uint32_t>(seen & (trace::most_stacks - 1));
    const std::uint32_t number = find_stack(addresses, n, hash);
    if (number != 0) recent.store(tag | number, std::memory_order_relaxed);
    return number;
}

}  // namespace recorder
