#include <framealloc/object/transfer.hpp>

namespace framealloc::inline FRAMEALLOC_ABI::object {

void raise_received_twice(memory::core_ref a) noexcept {
    constexpr const char* detail = "receive() on a handle that holds nothing";
    memory::core* owner = a.owner == nullptr ? nullptr : memory::pin_core(a.id);
    if (owner == nullptr) return print_fault({.what = code::FA434, .text = code_text(code::FA434), .detail = detail});
    owner->raise(code::FA434, detail);
    memory::release_core(a);
}

transfer_stats transfer_stats_of(const memory::core& c) noexcept {
    return {.initiated = c.transfers.initiated.load_relaxed(),   // relaxed: a statistic
            .completed = c.transfers.completed.load_relaxed(),   // relaxed: a statistic
            .dropped = c.transfers.dropped.load_relaxed(),       // relaxed: a statistic
            .bytes = c.transfers.bytes.load_relaxed()};          // relaxed: a statistic
}

}  // namespace framealloc::inline FRAMEALLOC_ABI::object
