// Reads a trace. Whatever the file holds, reading ends, and memory use does not depend on sizes that the file claims.
#pragma once

#include "format.hpp"

#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace trace {

// What is wrong with the file, in one line.
struct error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct module {
    std::uint64_t begin, end, bias;
    std::string path;
};

struct step {
    op what;
    std::uint8_t alignment_log2;
    std::uint32_t thread;
    std::uint32_t stack;
    std::uint64_t address;
    std::uint64_t size;     // bytes
    std::uint64_t time_ns;  // of a mark, since the start
};

class recording {
public:
    explicit recording(const std::string& path);  // throws error
    ~recording();
    recording(const recording&) = delete;
    recording& operator=(const recording&) = delete;

    const file_header& header() const { return *header_; }
    bool ended() const { return header_->ended_ns != 0; }
    const char* why_stopped() const;  // why recording stopped before the program ended; empty: it did not
    std::uint64_t bytes() const { return bytes_; }
    const std::vector<module>& modules() const { return modules_; }
    std::size_t stack_count() const { return stacks_.size(); }
    // Innermost first; empty for an unknown stack.
    std::span<const std::uint64_t> stack(std::uint32_t number) const {
        return number < stacks_.size() ? stacks_[number] : std::span<const std::uint64_t>{};
    }

    // Calls the handler for every event of all threads, in order of time. Throws error for an impossible event.
    void for_each(const std::function<void(const step&)>& f) const;

    // The thread whose marks count: the main one if it marks, else the one with the most; 0: nobody marks.
    std::uint32_t marking_thread() const { return marking_; }
    std::uint64_t marks() const { return marks_; }    // of that thread
    std::uint64_t events() const { return events_; }  // without marks and the recorder's own events
    std::uint32_t threads() const { return threads_; }

private:
    struct source;
    void read_stacks(const chunk_header& h, std::size_t chunk);
    void read_modules(const chunk_header& h, std::size_t chunk);
    void survey();

    const char* data_ = nullptr;
    std::uint64_t bytes_ = 0;
    const file_header* header_ = nullptr;
    std::vector<const chunk_header*> event_chunks_;
    std::vector<std::span<const std::uint64_t>> stacks_;
    std::vector<module> modules_;
    std::uint32_t marking_ = 0, threads_ = 0;
    std::uint64_t marks_ = 0, events_ = 0;
};

}  // namespace trace
