// Checks the trace's header, tables and chunks, and hands out their events in order.
#include "reader.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <queue>

namespace trace {
namespace {

std::string in_chunk(std::size_t chunk, const char* what) { return "chunk " + std::to_string(chunk) + " " + what; }

const char* const reasons[] = {
    "",
    "the limit was reached",
    "the disk is full",
    "the program's limit of file sizes was reached (RLIMIT_FSIZE)",
    "the program closed the file of the trace, or replaced it",
    "no memory could be mapped for the trace",
    "the program went into a sandbox (seccomp), which may forbid the recorder's system calls",
};

bool is_known(op what) { return what >= op::allocate && what <= op::thread; }

}  // namespace

recording::recording(const std::string& path) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a fifo without a writer would block
    if (fd < 0) throw error(path + ": " + std::strerror(errno));
    struct stat s{};
    void* p = MAP_FAILED;
    if (fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && s.st_size >= static_cast<off_t>(header_bytes)) {
        bytes_ = static_cast<std::uint64_t>(s.st_size);
        p = mmap(nullptr, bytes_, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    close(fd);
    if (p == MAP_FAILED) throw error(path + ": not a trace, or truncated");
    data_ = static_cast<const char*>(p);
    try {
        header_ = reinterpret_cast<const file_header*>(data_);
        if (header_->magic != file_magic) throw error("not a trace");
        if (header_->sample == 0 || header_->stack_depth > deepest_stack || header_->frames > frame_source::time ||
            header_->stopped > stop::sandbox || header_->frame_name[sizeof header_->frame_name - 1] != 0 ||
            header_->program[sizeof header_->program - 1] != 0)
            throw error("the header is damaged");
        const std::uint64_t there = (bytes_ - header_bytes) / chunk_bytes;
        if (header_->chunks > there)
            throw error("truncated: " + std::to_string(header_->chunks) + " chunks were written, " +
                        std::to_string(there) + " remain");
        // A recorder that lost the file could not cut it to its final length.
        if (ended() && header_->stopped == stop::none && bytes_ != header_bytes + header_->chunks * chunk_bytes)
            throw error("the header does not match the length of the file");
        for (std::size_t i = 0; i < header_->chunks; ++i) {
            const auto* h = reinterpret_cast<const chunk_header*>(data_ + header_bytes + i * chunk_bytes);
            if (h->magic == 0 && !ended()) continue;  // assigned to a thread, and then the program was killed
            if (h->magic != chunk_magic || (h->checksum != 0 && h->checksum != checksum_of(*h)))
                throw error(in_chunk(i, "is damaged"));
            if (h->kind == chunk_kind::events) event_chunks_.push_back(h);
            else if (h->kind == chunk_kind::stacks) read_stacks(*h, i);
            else if (h->kind == chunk_kind::modules) read_modules(*h, i);
            else throw error(in_chunk(i, "is of an unknown kind"));
        }
        survey();
    } catch (const error& e) {
        munmap(const_cast<char*>(data_), bytes_);
        throw error(path + ": " + e.what());
    } catch (...) {
        munmap(const_cast<char*>(data_), bytes_);
        throw;
    }
}

const char* recording::why_stopped() const { return reasons[static_cast<std::uint32_t>(header_->stopped)]; }

recording::~recording() { munmap(const_cast<char*>(data_), bytes_); }

void recording::read_stacks(const chunk_header& h, std::size_t chunk) {
    const auto* w = reinterpret_cast<const std::uint64_t*>(&h + 1);
    const auto* end = reinterpret_cast<const std::uint64_t*>(&h) + chunk_bytes / 8;
    while (w != end && *w != 0) {
        const std::uint64_t number = *w & 0xFFFFFFFF, depth = *w >> 32;
        // Numbers are assigned in order and each is written once, so a number far ahead is invalid.
        if (depth == 0 || depth > deepest_stack || depth >= static_cast<std::uint64_t>(end - w) || number == 0 ||
            number >= most_stacks || number > stacks_.size() + chunk_bytes)
            throw error(in_chunk(chunk, "holds an impossible stack"));
        if (number >= stacks_.size()) stacks_.resize(number + 1);
        stacks_[number] = {w + 1, depth};
        w += depth + 1;
    }
}

void recording::read_modules(const chunk_header& h, std::size_t chunk) {
    const auto* w = reinterpret_cast<const std::uint64_t*>(&h + 1);
    const auto* end = reinterpret_cast<const std::uint64_t*>(&h) + chunk_bytes / 8;
    while (end - w > 4 && *w != 0) {
        const std::uint64_t length = w[3];
        const std::uint64_t words = 4 + (length + 7) / 8;
        if (length > 4096 || words > static_cast<std::uint64_t>(end - w) || w[1] <= w[0])
            throw error(in_chunk(chunk, "holds an impossible module"));
        modules_.push_back({w[0], w[1], w[2], std::string(reinterpret_cast<const char*>(w + 4), length)});
        w += words;
    }
}

// The events of one chunk, in order.
struct recording::source {
    const event* at;
    const event* end;
    std::uint32_t thread;
    std::size_t chunk;
    std::uint64_t order() const { return at->sequence(); }
    bool done() const { return at == end || at->what() == op::none; }
};

void recording::for_each(const std::function<void(const step&)>& f) const {
    std::vector<source> waiting;
    for (const chunk_header* h : event_chunks_) {
        const auto* first = reinterpret_cast<const event*>(h + 1);
        const auto* end = reinterpret_cast<const event*>(reinterpret_cast<const char*>(h) + chunk_bytes);
        const auto number = static_cast<std::size_t>(reinterpret_cast<const char*>(h) - data_ -
                                                     static_cast<std::ptrdiff_t>(header_bytes)) /
                            chunk_bytes;
        source s{first, end, h->thread, number};
        if (!s.done()) waiting.push_back(s);
    }
    const auto later = [](const source& a, const source& b) { return a.order() > b.order(); };
    std::sort(waiting.begin(), waiting.end(), later);
    std::priority_queue<source, std::vector<source>, decltype(later)> active(later);
    while (!waiting.empty() || !active.empty()) {
        if (active.empty() || (!waiting.empty() && later(active.top(), waiting.back()))) {
            active.push(waiting.back());
            waiting.pop_back();
        }
        source s = active.top();
        active.pop();
        std::uint64_t until = ~std::uint64_t{0};
        if (!active.empty()) until = active.top().order();
        if (!waiting.empty()) until = std::min(until, waiting.back().order());
        do {  // at least one event, so that the loop ends whatever the numbers are
            const event e = *s.at++;
            step x{e.what(), 4, s.thread, e.stack(), e.address(), e.size(), 0};
            if (!is_known(x.what)) throw error(in_chunk(s.chunk, "holds an unknown event"));
            if (x.what == op::thread) {
                s.thread = static_cast<std::uint32_t>(e.second);
                continue;
            }
            if (x.what == op::mark) {
                x.time_ns = e.second;
                if (header_->frames == frame_source::time)
                    x.thread = header_->main_thread;  // any thread may have noticed the end of the slice
            }
            if (x.what == op::wide) {
                if (s.done()) continue;  // truncated between the two
                const event main = *s.at++;
                x = {main.what(),
                     static_cast<std::uint8_t>(e.stack() & 0xFF),
                     s.thread,
                     main.stack(),
                     main.address(),
                     e.second,
                     0};
                const bool sized = x.what <= op::allocate_new || x.what == op::resize_to;
                if (!sized || x.what == op::none || x.alignment_log2 > 47 || x.size >= std::uint64_t{1} << 47)
                    throw error(in_chunk(s.chunk, "holds an impossible size"));
            }
            f(x);
        } while (!s.done() && s.order() <= until);
        if (!s.done()) active.push(s);
    }
}

void recording::survey() {
    std::map<std::uint32_t, std::uint64_t> marks;
    for_each([&](const step& s) {
        if (s.thread > threads_ && s.thread <= event_chunks_.size() + (std::uint32_t{1} << 20)) threads_ = s.thread;
        if (s.what == op::mark) ++marks[s.thread];
        else ++events_;
    });
    for (const auto& [thread, n] : marks) {
        if (thread == header_->main_thread || (marking_ != header_->main_thread && n > marks_)) {
            marking_ = thread;
            marks_ = n;
            if (thread == header_->main_thread) break;
        }
    }
}

}  // namespace trace
