// Numbers for allocators and contexts.
#include <framealloc/detail/core/identity.hpp>

#include <cstdlib>

#include <framealloc/detail/core/report.hpp>

namespace framealloc::inline v1::memory {

namespace {

constinit sync::atomic<std::uint64_t> next_number{no_context_key + 1};

// A program and its plugins may each contain this library. Each copy numbers from a place of its own, that of its
// memory: no two meet, as a copy fills dozens of pages and a page is worth 2^28 numbers.
std::uint64_t first_id() noexcept { return address_of(&next_number) >> 12 << 28; }

}  // namespace

std::uint64_t fresh_id() noexcept {
    return first_id() + next_number.add_relaxed(1);
}  // relaxed: only the number matters
std::uint64_t number_of(std::uint64_t id) noexcept { return id - first_id(); }

void require_own(std::uint64_t id) noexcept {
    if (number_of(id) < next_number.load_relaxed()) [[likely]]
        return;  // relaxed: a thread that has an id got it after it was drawn
    report_for_process({.what = code::FA103,
                        .detail = "it was made by one copy and used in another; link the library once, as a shared "
                                  "library (-DBUILD_SHARED_LIBS=ON), or let the program export it to its plugins"});
    std::abort();
}

}  // namespace framealloc::inline v1::memory
