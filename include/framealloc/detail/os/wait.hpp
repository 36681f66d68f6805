// Sleeping until a word changes.
#pragma once

#include <cstdint>

#include <framealloc/detail/sync/atomic.hpp>

namespace framealloc::inline v1::os {

inline constexpr std::uint64_t no_limit = ~std::uint64_t{0};

// Returns when the word is not `seen` any more, when it was woken, by chance, or after `microseconds`: ask again in a
// loop.
void wait_while(const sync::atomic<std::uint32_t>& word, std::uint32_t seen, std::uint64_t microseconds) noexcept;
// Wakes everybody who waits for a change of the word. Requires: it was changed before.
void wake_all(sync::atomic<std::uint32_t>& word) noexcept;

}  // namespace framealloc::inline v1::os
