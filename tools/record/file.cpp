// Opens, grows and closes the trace's file, and notes in its header why recording ended.
#include "file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace recorder {
namespace {

constexpr std::uint64_t growth = 4 << 20;         // the file's, in bytes
// Above what programs close when they close "all"; higher makes the kernel's table large
constexpr rlim_t highest_descriptor = 16384;

// The kernel clears this OS page in a child of fork(), whichever call forked: nothing of the child gets into the
// parent's trace.
struct alignas(4096) wiped_page {
    std::atomic<bool> on;
    std::atomic<bool> owned;
};
wiped_page here;

int file = -1;
pid_t owner;
dev_t device;
ino_t inode;
trace::file_header* header;
std::uint64_t start_ns, limit_bytes;
std::atomic<std::uint64_t> unrecorded;
std::atomic_flag file_lock;
std::uint64_t file_end, file_reserved;  // under file_lock

std::uint64_t now_ns(clockid_t clock) noexcept {
    timespec t{};
    clock_gettime(clock, &t);
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(t.tv_nsec);
}

// The program may have closed the recorder's descriptor and opened a file of its own with the same number.
bool still_ours() noexcept {
    struct stat s{};
    if (file < 0 || fstat(file, &s) != 0 || s.st_dev != device || s.st_ino != inode) return false;
    if (static_cast<std::uint64_t>(s.st_size) >= file_reserved) return true;
    file = -1;  // truncated by another process, which may have written to it since: leave it alone from now on
    here.owned.store(false, std::memory_order_relaxed);
    here.on.store(false, std::memory_order_relaxed);
    return false;
}

// Moves a descriptor above the soft limit, where the program's own descriptors never are.
int moved_high(int low) noexcept {
    rlimit soft{};
    if (getrlimit(RLIMIT_NOFILE, &soft) != 0) return low;
    const rlim_t top = soft.rlim_max < highest_descriptor ? soft.rlim_max : highest_descriptor;
    rlimit raised = soft;
    if (raised.rlim_cur < top) raised.rlim_cur = top;
    setrlimit(RLIMIT_NOFILE, &raised);
    int high = -1;
    for (rlim_t room = 16; high < 0 && room < top; room *= 4)
        high = fcntl(low, F_DUPFD_CLOEXEC, static_cast<int>(top - room));
    setrlimit(RLIMIT_NOFILE, &soft);
    if (high < 0) return low;
    close(low);
    return high;
}

bool allocate(std::uint64_t from, std::uint64_t to) noexcept {
    int wrong = EINTR;
    for (int tries = 0; wrong == EINTR && tries < 100; ++tries)
        wrong = posix_fallocate(file, static_cast<off_t>(from), static_cast<off_t>(to - from));
    return wrong == 0;
}

// Reserves disk space in advance: a store into a mapping beyond it would raise SIGBUS in the middle of the program, and
// growth beyond the file size limit would raise SIGXFSZ.
trace::stop reserve_file(std::uint64_t to) noexcept {
    if (!still_ours()) return trace::stop::file_closed;
    if (to <= file_reserved) return trace::stop::none;
    std::uint64_t most = limit_bytes == 0 ? ~std::uint64_t{0} : limit_bytes;
    trace::stop why = trace::stop::limit;
    rlimit r{};
    if (getrlimit(RLIMIT_FSIZE, &r) == 0 && r.rlim_cur < most) {
        most = r.rlim_cur;
        why = trace::stop::file_size_limit;
    }
    if (to > most) return why;
    std::uint64_t wanted = file_reserved + growth < most ? file_reserved + growth : most;
    if (!allocate(file_reserved, wanted)) {
        wanted = to;
        if (!allocate(file_reserved, wanted)) return trace::stop::no_space;
    }
    file_reserved = wanted;
    return trace::stop::none;
}

std::atomic<bool> silent{false};  // the program has forbidden system calls, which applies to the recorder too

// Requires: file_lock, or that no other thread records.
void stop_because(trace::stop why) noexcept {
    here.on.store(false, std::memory_order_relaxed);
    if (!here.owned.load(std::memory_order_relaxed)) return;
    if (header->stopped == trace::stop::none) header->stopped = why;
    header->unrecorded = unrecorded.fetch_add(1, std::memory_order_relaxed) + 1;
}

void* map_file(std::uint64_t at, std::size_t bytes) noexcept {
    void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, static_cast<off_t>(at));
    return p == MAP_FAILED ? nullptr : p;
}

const char* map_header() noexcept {
    struct stat s{};
    if (fstat(file, &s) != 0) return std::strerror(errno);
    if (!S_ISREG(s.st_mode)) return "not a regular file";
    device = s.st_dev;
    inode = s.st_ino;
    file_end = file_reserved = 0;
    const trace::stop why = reserve_file(trace::header_bytes);
    if (why == trace::stop::file_size_limit) return "the file size limit (RLIMIT_FSIZE) leaves no room for a trace";
    if (why != trace::stop::none) return "there is no space for the trace";
    file_end = trace::header_bytes;
    header = static_cast<trace::file_header*>(map_file(0, trace::header_bytes));
    return header == nullptr ? std::strerror(errno) : nullptr;
}

}  // namespace

bool recording() noexcept { return here.on.load(std::memory_order_relaxed); }
bool owns_file() noexcept {
    if (silent.load(std::memory_order_relaxed) || !here.owned.load(std::memory_order_relaxed) || owner != getpid())
        return false;
    still_ours();
    return here.owned.load(std::memory_order_relaxed);
}
std::uint64_t since_start_ns() noexcept { return now_ns(CLOCK_MONOTONIC) - start_ns; }
void note_unrecorded() noexcept { unrecorded.fetch_add(1, std::memory_order_relaxed); }

const char* open_file(const settings& s) noexcept {
    const int low = open(s.path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (low < 0) return std::strerror(errno);
    file = moved_high(low);
    limit_bytes = s.limit;
    if (const char* wrong = map_header()) {
        close(file);
        file = -1;
        return wrong;
    }
    madvise(&here, sizeof here, MADV_WIPEONFORK);
    unrecorded.store(0);
    start_ns = now_ns(CLOCK_MONOTONIC);
    *header = {};
    owner = getpid();
    header->pid = static_cast<std::uint32_t>(owner);
    header->main_thread = 1;
    header->started_ns = now_ns(CLOCK_REALTIME);
    header->sample = s.sample;
    header->stack_depth = s.stack_depth;
    header->frames = s.frames;
    header->every_us = s.every_us;
    std::memcpy(header->frame_name, s.frame_name, sizeof header->frame_name);
    if (readlink("/proc/self/exe", header->program, sizeof header->program - 1) < 0) header->program[0] = 0;
    header->magic = trace::file_magic;
    here.owned.store(true, std::memory_order_relaxed);
    return nullptr;
}

void begin_recording() noexcept { here.on.store(true, std::memory_order_release); }

trace::chunk_header* new_chunk(trace::chunk_kind kind, std::uint32_t thread) noexcept {
    void* p = nullptr;
    {
        const spin_lock lock(file_lock);
        if (!recording()) return nullptr;
        const trace::stop why = reserve_file(file_end + trace::chunk_bytes);
        if (why == trace::stop::none) p = map_file(file_end, trace::chunk_bytes);
        if (p == nullptr) {
            stop_because(why == trace::stop::none ? trace::stop::no_mapping : why);
            return nullptr;
        }
        file_end += trace::chunk_bytes;
        header->chunks += 1;
    }
    madvise(p, trace::chunk_bytes,
            // MAP_POPULATE leaves shared pages to fault at the first store; before Linux 5.14 these do
            MADV_POPULATE_WRITE);
    auto* h = static_cast<trace::chunk_header*>(p);
    *h = {.magic = trace::chunk_magic,
          .kind = kind,
          .thread = thread,
          .unused = 0,
          .begin_ns = since_start_ns(),
          .checksum = 0};
    return h;
}

void finish_chunk(void* end) noexcept {
    if (end == nullptr || silent.load(std::memory_order_relaxed)) return;
    auto* h = reinterpret_cast<trace::chunk_header*>(static_cast<char*>(end) - trace::chunk_bytes);
    h->checksum = trace::checksum_of(*h);
    munmap(h, trace::chunk_bytes);
}

void close_file() noexcept {
    here.on.store(false, std::memory_order_relaxed);
    const spin_lock lock(file_lock);
    header->unrecorded = unrecorded.load(std::memory_order_relaxed);
    if (!still_ours())
        header->stopped = header->stopped == trace::stop::none ? trace::stop::file_closed
                                                               : header->stopped;  // and the file keeps its length
    else if (ftruncate(file, static_cast<off_t>(file_end)) == 0) file_reserved = file_end;
    header->ended_ns = since_start_ns();
}

void fall_silent() noexcept {
    {
        const spin_lock lock(file_lock);
        stop_because(trace::stop::sandbox);
    }
    close_file();
    silent.store(true, std::memory_order_relaxed);
}

void forget_file() noexcept {
    here.on.store(false, std::memory_order_relaxed);
    here.owned.store(false, std::memory_order_relaxed);
    file_lock.clear();
    if (still_ours()) close(file);
    file = -1;
    if (header != nullptr) munmap(header, trace::header_bytes);
    header = nullptr;
}

bool replace_lost_mapping(const void* address, void* const* ends, std::size_t count) noexcept {
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    const auto in = [&](void* begin, std::size_t bytes) {
        return at - reinterpret_cast<std::uintptr_t>(begin) < bytes;
    };
    const auto replace = [](void* p, std::size_t bytes) {
        return mmap(p, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
    };
    bool replaced = false;
    if (header != nullptr && in(header, trace::header_bytes)) { replaced = replace(header, trace::header_bytes); }
    for (std::size_t i = 0; i < count && !replaced; ++i) {
        void* begin = ends[i] == nullptr ? nullptr : static_cast<char*>(ends[i]) - trace::chunk_bytes;
        if (begin != nullptr && in(begin, trace::chunk_bytes)) replaced = replace(begin, trace::chunk_bytes);
    }
    if (!replaced) return false;
    file = -1;
    here.owned.store(false, std::memory_order_relaxed);
    here.on.store(false, std::memory_order_relaxed);
    return true;
}

}  // namespace recorder
