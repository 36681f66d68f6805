// The contexts that the calling thread has, found by the id of their allocator.
#include <framealloc/detail/core/known.hpp>

#include <bit>
#include <new>

#include <framealloc/detail/core/registry.hpp>
#include <framealloc/os/pages.hpp>

namespace framealloc::inline v1::memory {

// Open addressing, at most half of the entries in use. Its entries follow it.
struct thread_slot::known_table {
    std::size_t capacity;  // a power of two
    std::size_t used;      // entries with an id, forgotten ones too
    std::size_t bytes;

    known_context& at(std::uint64_t i) noexcept {
        return reinterpret_cast<known_context*>(this + 1)[i & (capacity - 1)];
    }
    known_context& place_of(std::uint64_t wanted) noexcept {  // its own, or the empty one that would be
        std::uint64_t i = wanted;  // ids are consecutive numbers
        while (at(i).id != wanted && at(i).id != 0) ++i;
        return at(i);
    }
    bool full() const noexcept { return (used + 1) * 2 > capacity; }
};

namespace {

using known_context = thread_slot::known_context;

constexpr std::uint64_t forgotten = ~std::uint64_t{0};  // id of an entry whose allocator was forgotten

using known_table = thread_slot::known_table;

// Null when there is none. Takes no lock: what a signal handler may ask.
known_context* known_entry(std::uint64_t id) noexcept {
    for (auto& k : t_slot.known) {
        if (k.id == id) return &k;
    }
    known_table* table = t_slot.more;
    if (table == nullptr) return nullptr;
    known_context& k = table->place_of(id);
    return k.id == id ? &k : nullptr;
}

bool is_inline(const known_context& k) noexcept {
    return &k >= t_slot.known && &k < t_slot.known + thread_slot::inline_known;
}

known_context* free_inline_entry() noexcept {
    for (auto& k : t_slot.known) {
        if (k.id == 0) return &k;
    }
    return nullptr;
}

// Entries of dead allocators are recognised by their id; their contexts are never looked at. Returns how many of the
// table live. Requires: within visit_live().
std::size_t forget_the_dead_inline() noexcept {
    std::uint32_t alive = 0;
    std::size_t in_table = 0;
    for (core* c = first_live_core(); c != nullptr; c = c->life.next()) {
        const known_context* k = known_entry(c->id);
        if (k == nullptr) continue;
        if (is_inline(*k)) alive |= 1U << (k - t_slot.known);
        else ++in_table;
    }
    for (unsigned i = 0; i < thread_slot::inline_known; ++i) {
        if ((alive >> i & 1U) == 0) t_slot.known[i] = {};
    }
    return in_table;
}

known_table* make_table(std::size_t capacity) noexcept {
    os::system_pages system;
    const std::size_t bytes = align_up(sizeof(known_table) + capacity * sizeof(known_context), system.granularity());
    void* p = system.reserve(bytes, system.granularity());
    if (p == nullptr) return nullptr;
    if (system.commit(p, bytes)) return ::new (p) known_table{capacity, 0, bytes};
    system.release(p, bytes);
    return nullptr;
}

void release_table(known_table* table) noexcept {
    if (table != nullptr) os::system_pages{}.release(table, table->bytes);
}

// Room for one more. Looking for dead ones whenever their number might have doubled costs each newcomer little.
bool make_room_for_known() noexcept {
    const live_cores_lock guard;
    const std::size_t living = forget_the_dead_inline();
    if (free_inline_entry() != nullptr) return true;
    known_table* old = t_slot.more;
    known_table* wider = make_table(std::bit_ceil((living + 16) * 4));
    if (wider == nullptr) return false;
    for (core* c = first_live_core(); c != nullptr && old != nullptr; c = c->life.next()) {
        const known_context& k = old->place_of(c->id);
        if (k.id != c->id) continue;
        wider->place_of(k.id) = k;
        ++wider->used;
    }
    sync::order_for_signals();
    t_slot.more = wider;
    sync::order_for_signals();  // a handler finds the one or the other
    release_table(old);
    return true;
}

}  // namespace

thread_context* known_context_of(std::uint64_t id) noexcept {
    const known_context* k = known_entry(id);
    return k == nullptr ? nullptr : k->context;
}

const thread_context* known_to_caller(std::uint64_t id) noexcept { return known_context_of(id); }

bool remember_context(std::uint64_t id, thread_context* c) noexcept {
    known_context* free = free_inline_entry();
    if (free == nullptr && (t_slot.more == nullptr || t_slot.more->full())) {
        if (!make_room_for_known()) return false;
        free = free_inline_entry();
    }
    if (free == nullptr) {
        free = &t_slot.more->place_of(id);
        ++t_slot.more->used;
    }
    free->id = 0;
    sync::order_for_signals();
    free->context = c;
    sync::order_for_signals();  // a handler that finds the id finds its context
    free->id = id;
    return true;
}

void forget_context(std::uint64_t id) noexcept {
    if (known_context* k = known_entry(id)) *k = {is_inline(*k) ? 0 : forgotten, nullptr};
    if (t_slot.id != id) return;
    t_slot.id = 0;
    t_slot.record = nullptr;
    t_slot.context = nullptr;
    t_slot.key = no_context_key;
}

void forget_all_contexts() noexcept {
    release_table(t_slot.more);
    t_slot = thread_slot{};
}

}  // namespace framealloc::inline v1::memory
