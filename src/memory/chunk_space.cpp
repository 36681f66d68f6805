// Chunks of address space: reserved whole, made accessible step by step.
#include <framealloc/detail/memory/chunk_space.hpp>

#include <new>

#include <framealloc/detail/base/align.hpp>
#include <framealloc/detail/memory/page.hpp>

namespace framealloc::inline v1::memory {

namespace {

constexpr std::size_t smallest_commit = 65536;
constexpr std::size_t huge_page = std::size_t{2} << 20;  // of x86-64, and of 64-bit Arm with pages of 4 KiB

}  // namespace

arena_chunk* chunk_space::make(thread_context* owner, std::size_t bytes, memory_kind kind,
                               exhaustion_reason& why) noexcept {
    const std::size_t size = align_up(bytes, granularity() > page_bytes ? granularity() : page_bytes);
    void* memory = meta_.allocate(sizeof(arena_chunk), why);
    if (memory == nullptr) return nullptr;
    void* p = pages_.reserve(size, page_bytes, why);
    if (p == nullptr) {
        meta_.deallocate(memory, sizeof(arena_chunk));
        return nullptr;
    }
    auto* k = ::new (memory) arena_chunk{};
    k->owner = owner;
    k->kind = kind;
    k->begin = k->committed = address_of(p);
    k->end = k->begin + size;
    const sync::lock_guard guard(lock_);
    k->next_all = first_;
    k->link_all = &first_;
    if (first_ != nullptr) first_->link_all = &k->next_all;
    first_ = k;
    return k;
}

void chunk_space::destroy(arena_chunk* k) noexcept {
    {
        const sync::lock_guard guard(lock_);
        *k->link_all = k->next_all;
        if (k->next_all != nullptr) k->next_all->link_all = k->link_all;
    }
    pages_.release(pointer_at(k->begin), k->size(), k->accessible());
    meta_.deallocate(k, sizeof(arena_chunk));
}

bool chunk_space::commit_to(arena_chunk& k, std::uintptr_t end, exhaustion_reason& why) noexcept {
    if (end <= k.committed) return true;
    // Ahead by a sixteenth: few requests, and no more than that is committed in vain.
    const std::size_t ahead = k.accessible() / 16;
    std::size_t step = end - k.committed;
    if (step < ahead) step = ahead;
    if (step < smallest_commit) step = smallest_commit;
    std::uintptr_t wanted = align_up(k.committed + step, huge_pages_ ? huge_page : granularity());
    if (wanted > k.end) wanted = k.end;
    const bool again = end <= k.begin + k.revoked;
    if (again) wanted = k.begin + k.revoked;
    exhaustion_reason first{};
    if (!pages_.commit(pointer_at(k.committed), wanted - k.committed, first, again)) {
        wanted = align_up(end, granularity());
        if (!pages_.commit(pointer_at(k.committed), wanted - k.committed, why)) return false;
    }
    k.committed = wanted;
    return true;
}

void chunk_space::decommit_from(arena_chunk& k, std::uintptr_t end) noexcept {
    if (end >= k.committed) return;
    pages_.decommit(pointer_at(end), k.committed - end);
    k.committed = end;
    if (k.touched > end) k.touched = end;
}

}  // namespace framealloc::inline v1::memory
