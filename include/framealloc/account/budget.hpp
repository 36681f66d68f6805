// What a thread may use of frame and of pool memory, and what happens when it wants more.
//
//   alloc.set_thread_frame_budget(8_MiB);                        // of the calling thread
//   alloc.on_budget_exceeded(fa::budget_policy::fail);
//   if (alloc.frame_remaining() < 64_KiB) …
//
// A budget moves the limit that every allocation is compared with anyway: it costs nothing until the limit is reached.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/base/callback.hpp>
#include <framealloc/detail/base/kind_tables.hpp>

namespace framealloc::inline v1 {

// What happens to an allocation above the budget.
enum class budget_policy : std::uint8_t {
    warn,     // FA311 once a frame, and served
    fail,     // exhaustion
    allow,    // served and counted
    promote,  // frame: served out of line, and counted; pool: served as heap memory, and not counted
    custom,   // the handler decides
};

struct budget_event {
    memory_kind kind{};         // one that has a budget: frame or pool
    bool exceeded = false;      // false: the warning threshold was passed
    std::size_t requested = 0;  // bytes
    std::size_t used = 0;       // bytes, without the request
    std::size_t limit = 0;      // bytes
    const char* allocator = "";
};
// Of an exceeded budget under budget_policy::custom, true: serve it. Of every other event the result is ignored.
// At most one event of a kind in a frame, but every exceeding request under fail and custom; one event for a request,
// and one more each time that the exhaustion handler has it tried again.
using budget_handler = callback<bool(const budget_event&)>;

// Of one thread. Frame bytes are those of open frames, padding and out-of-line blocks included. Pool bytes are those of
// blocks that were carved for the thread, free ones included; a page without a block in use counts nothing: it gives
// up its blocks before the budget is asked, which happens once for a request. A free block that counts already is
// allocated without a question, also when more was allocated before the budget was set. Blocks in quarantine are in
// use.
struct budget_stats {
    std::size_t frame_used = 0, frame_budget = 0;  // budget 0: none
    std::size_t pool_used = 0, pool_budget = 0;
    std::uint64_t frame_exceeded = 0,
                  pool_exceeded = 0;  // requests above the budget, one a frame where they are served
    std::uint64_t warnings = 0;
};

struct budget_fields {
    std::size_t budget_stats::* used = nullptr;
    std::size_t budget_stats::* budget = nullptr;
    std::uint64_t budget_stats::* exceeded = nullptr;
};
// Returns: the fields that say of a kind's budget; null where the kind has none. Cost: none, where the kind is known.
constexpr budget_fields budget_fields_of(memory_kind k) noexcept {
    switch (k) {
        case memory_kind::frame:
            return {&budget_stats::frame_used, &budget_stats::frame_budget, &budget_stats::frame_exceeded};
        case memory_kind::pool:
            return {&budget_stats::pool_used, &budget_stats::pool_budget, &budget_stats::pool_exceeded};
        case memory_kind::heap: break;
    }
    return {};
}
static_assert(base::differs_by_kind([](memory_kind k) { return budget_fields_of(k).used; },
                                    [](memory_kind k) { return traits_of(k).budget != budget_base::none; }),
              "budget_fields_of() has no fields for a kind");

namespace account {

enum class budget_answer : std::uint8_t { within, warn, exceeded };

// One budget: the limit, the threshold before it, and in which frame each was passed.
struct budget_line {
    std::size_t limit = 0;  // bytes; 0: none
    std::size_t threshold = 0;  // bytes
    std::uint64_t warned_in = 0;
    std::uint64_t passed_in = 0;
    std::uint64_t exceeded = 0;
    std::uint64_t warnings = 0;

    void set(std::size_t bytes, unsigned warn_percent) noexcept {
        limit = bytes;
        threshold = bytes / 100 * warn_percent + bytes % 100 * warn_percent / 100;
        warned_in = passed_in = 0;
    }
    // How many bytes are free to use before ask() must be called. Frames count from 1.
    std::size_t quiet_until(std::uint64_t frame) const noexcept {
        if (limit == 0 || passed_in == frame) return ~std::size_t{0};
        return warned_in == frame || threshold >= limit ? limit : threshold;
    }
    budget_answer ask(std::size_t after, std::uint64_t frame) noexcept {
        if (limit == 0 || passed_in == frame || after <= quiet_until(frame)) return budget_answer::within;
        if (after > limit) {
            ++exceeded;
            return budget_answer::exceeded;
        }
        warned_in = frame;
        ++warnings;
        return budget_answer::warn;
    }
};

struct thread_budget {
    budget_line lines[kind_count];  // of kinds without a budget: never a limit
    budget_policy policy = budget_policy::warn;
    unsigned warn_percent = 80;
    budget_handler handler;
    std::uint64_t terms = 0;  // a number of the limits, the policy and the handler: the same one, the same terms

    budget_line& of(memory_kind k) noexcept { return lines[index_of(k)]; }
    const budget_line& of(memory_kind k) const noexcept { return lines[index_of(k)]; }
};

}  // namespace account
}  // namespace framealloc::inline v1
