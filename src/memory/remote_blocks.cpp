// Blocks on their way to their owner.
#include <framealloc/detail/memory/remote_blocks.hpp>

#include <cstring>
#include <new>

namespace framealloc::inline v1::memory {

returned_chain remote_blocks::chain_batch(std::size_t link_bytes) const noexcept {
    const std::uint32_t room = returned_blocks::room(link_bytes);
    returned_chain chain{nullptr, nullptr, batch_count_};
    std::uint32_t i = 0;
    do {
        const std::uint16_t* place = batch_places_ + i;
        const std::uint32_t left = batch_count_ - i - 1, named = left < room ? left : room;
        auto* b = ::new (returned_blocks::block_at(batch_page_, *place)) returned_blocks{
            .next = chain.head, .after = 0, .count = static_cast<std::uint16_t>(named), .first_places = {}};
        std::memcpy(b->places(), place + 1, named * sizeof *place);
        i += 1 + named;
        if (chain.tail == nullptr) chain.tail = b;
        chain.head = b;
    } while (i != batch_count_);
    return chain;
}

std::uint32_t collect(pool_page& p) noexcept {
    const sync::remote_batch batch = p.remote.take(address_of(&p));
    auto* first = static_cast<returned_blocks*>(batch.head);  // of the thread that announced the page
    first->after = p.came_home == nullptr
                       ? std::uint16_t{0}
                       : returned_blocks::place_of(p.came_home);  // NOLINT(clang-analyzer-core.NullDereference)
    p.came_home = first;
    sync::store_relaxed(p.frees, p.frees + batch.count);  // relaxed: a statistic for readers
    return batch.count;
}

bool take_returned(pool_page& p) noexcept {
    returned_blocks* from = p.came_home;
    if (from == nullptr) return false;
    returned_blocks* rest = from->next;
    if (rest != nullptr) rest->after = from->after;
    else if (from->after != 0) rest = static_cast<returned_blocks*>(returned_blocks::block_at(&p, from->after));
    p.came_home = rest;
    void* list = nullptr;
    for (std::uint32_t i = from->count; i != 0; --i) {
        void* block = returned_blocks::block_at(&p, from->places()[i - 1]);
        *static_cast<void**>(block) = list;
        list = block;
    }
    *reinterpret_cast<void**>(from) = list;
    p.free = from;
    return true;
}

}  // namespace framealloc::inline v1::memory
