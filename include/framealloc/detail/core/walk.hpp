// The walks over an allocator's structures: contexts of threads, their accounts, their pages, their chunks. Statistics,
// describe(), leaks and the observer all go this way.
//
//   const sync::lock_guard guard(lock_of(a));
//   for_each_context(a, [&](thread_context& c) {
//       for_each_account(c, [&](tag_account& e) { … });
//       for_each_block_page(c, [&](pool_page& p, const page_view& v) { … });
//   });
//
// Other threads continue meanwhile: a number read is a recent one. The handler of access faults goes without the lock:
// what it meets is in metadata, which lives as long as the allocator.
#pragma once

#include <framealloc/detail/core/allocator.hpp>

namespace framealloc::inline v1::memory {

// Requires: the lock is held.
template <class F>
void for_each_context(const core& a, F&& f) {
    for (thread_context* c = a.threads.first(); c != nullptr; c = context_list::after(*c)) f(*c);
}
// The newest that is as wanted, or null.
template <class F>
thread_context* find_context(const core& a, F&& wanted) {
    thread_context* c = a.threads.first();
    while (c != nullptr && !wanted(*c)) c = context_list::after(*c);
    return c;
}
// The same without the lock, from what was the newest one: they are never taken off the list.
inline thread_context* newest_context(const core& a) noexcept { return a.threads.first(); }
template <class F>
void for_each_context_from(thread_context* newest, F&& f) {
    for (thread_context* c = newest; c != nullptr; c = context_list::after(*c)) f(*c);
}
// Contexts that threads left. Requires: the lock is held.
template <class F>
void for_each_idle_context(const core& a, F&& f) {
    for (thread_context* c = a.threads.first_idle(); c != nullptr; c = context_list::idle_after(*c)) f(*c);
}

// Of tags and phases.
template <class F>
void for_each_account(const thread_context& c, F&& f) {
    const account_table& accounts = c.charges.accounts();
    for (auto* e = accounts.first(); e != nullptr; e = account_table::after(*e)) f(static_cast<tag_account&>(*e));
}

// Requires: the lock is held.
template <class F>
void for_each_page(const thread_context& c, F&& f) {
    for (pool_page* p = c.pages.first(); p != nullptr; p = p->next_all) f(*p);
}
// Those whose blocks are freed singly, not those of frames' blocks out of line.
template <class F>
void for_each_block_page(const thread_context& c, F&& f) {
    for_each_page(c, [&](pool_page& p) {
        const page_view v = p.view();
        if (traits_of(v.kind).freed_singly && v.block != 0) f(p, v);
    });
}

// What is out of an account's pages of a kind, where blocks that other threads returned are not any more. Cost: linear
// in the pages that are not closed; in all of the context's where its thread moves pages at the moment. Requires: the
// lock is held.
inline page_use use_of(const thread_context& c, const tag_account& e, memory_kind k) noexcept {
    page_use sum;
    const page_lists* lists = sync::load_acquire(e.pages[index_of(k)]);  // pairs: lists_of()
    if (lists == nullptr || lists->add_to(sum, c.owner->probes.layout())) return sum;
    for_each_page(c, [&](const pool_page& p) {
        const page_view v = p.view();
        if (v.account != &e || v.kind != k) return;
        const std::uint32_t out = p.blocks_out();
        sum.blocks += out;
        sum.bytes += std::uint64_t{out} * v.block;
        sum.uncharged += p.uncharged();
    });
    return sum;
}

// The piece of an arena where the address is. Requires: the lock is held.
inline const arena_chunk* find_chunk(const core& a, std::uintptr_t p) noexcept { return a.chunks.find(p); }
inline thread_context& owner_of(const arena_chunk& k) noexcept { return *k.owner; }
// Nobody has it: nothing of it changes. Requires: the lock is held.
inline bool is_idle(const thread_context& c) noexcept { return c.life.idle(); }

}  // namespace framealloc::inline v1::memory
