// The contexts that the calling thread has, found by the id of their allocator.
#include <framealloc/detail/core/known.hpp>

#include <bit>
#include <new>

#include <framealloc/detail/core/registry.hpp>
#include <framealloc/os/pages.hpp>

namespace framealloc::inline v1::memory {

namespace {

using entry = known_contexts::entry;

constexpr std::uint64_t forgotten = ~std::uint64_t{0};  // id of an entry whose allocator was forgotten

bool is_few(const known_contexts& table) noexcept { return &table == &t_slot.few; }

// The few may be nearly all in use, as a search among them is short; of a table at most half.
bool has_room(const known_contexts& table) noexcept {
    return table.used + 1 < (is_few(table) ? table.size() : table.size() / 2 + 1);
}

std::size_t bytes_of(std::uint64_t entries) noexcept {
    return align_up(sizeof(known_contexts) + entries * sizeof(entry), os::system_pages{}.granularity());
}

known_contexts* make_table(std::uint64_t entries) noexcept {
    os::system_pages system;
    const std::size_t bytes = bytes_of(entries);
    void* p = system.reserve(bytes, system.granularity());
    if (p == nullptr) return nullptr;
    if (system.commit(p, bytes))
        return ::new (p) known_contexts{static_cast<std::uint32_t>(64 - std::countr_zero(entries)), 0};
    system.release(p, bytes);
    return nullptr;
}

void release_table(known_contexts* table) noexcept {
    if (table != nullptr && !is_few(*table)) os::system_pages{}.release(table, bytes_of(table->size()));
}

entry* known_entry(std::uint64_t id) noexcept {
    known_contexts* table = t_slot.known;
    if (table == nullptr) return nullptr;
    for (std::uint64_t i = table->home_of(id);; i = table->after(i)) {
        entry& e = table->at(i);
        if (e.id == id) return &e;
        if (e.id == 0) return nullptr;
    }
}

// A handler that interrupts this finds the one or the other.
void use_table(known_contexts* table) noexcept {
    sync::order_for_signals();
    t_slot.known = table;
    sync::order_for_signals();
}

// Into the first entry on its way that is not in use. Requires: there is room, and none with this id.
void put(known_contexts& table, std::uint64_t id, thread_context* c) noexcept {
    std::uint64_t i = table.home_of(id);
    while (table.at(i).id != 0 && table.at(i).id != forgotten) i = table.after(i);
    entry& e = table.at(i);
    table.used += e.id == 0 ? 1 : 0;
    e.context = c;
    sync::order_for_signals();  // a handler that finds the id finds its context
    e.id = id;
}

// Entries of dead allocators are recognised by their id; their contexts are never looked at. Requires: within
// live_cores_lock.
template <class F>
void for_each_living(F&& f) noexcept {
    known_contexts* table = t_slot.known;
    for (std::uint64_t i = 0; table != nullptr && i < table->size(); ++i) {
        const entry& e = table->at(i);
        core* const a = e.context == nullptr ? nullptr : live_core(e.id);
        if (a != nullptr) f(*a, e);
    }
}

void copy_living(known_contexts& to) noexcept {
    for_each_living([&](core&, const entry& e) { put(to, e.id, e.context); });
}

// The few without the dead ones: built anew, while a handler looks at what they were.
void clear_few() noexcept {
    few_known_contexts before = t_slot.few;
    known_contexts* const was = t_slot.known;
    if (is_few(*was)) use_table(&before);
    t_slot.few = thread_slot{}.few;
    copy_living(t_slot.few);
    use_table(&t_slot.few);
    release_table(was);
}

// Looking for dead ones whenever their number might have doubled costs each newcomer little.
void make_room_for_known() noexcept {
    const live_cores_lock guard;
    std::uint64_t living = 0;
    for_each_living([&](core&, const entry&) { ++living; });
    const bool few = living * 2 <= t_slot.few.size();
    known_contexts* wider = few ? nullptr : make_table(std::bit_ceil((living + 16) * 4));
    if (wider == nullptr) {
        if (living + 1 < t_slot.few.size()) clear_few();
        return;
    }
    copy_living(*wider);
    known_contexts* const was = t_slot.known;
    use_table(wider);
    release_table(was);
}

}  // namespace

thread_context* known_context_of(std::uint64_t id) noexcept {
    const entry* e = known_entry(id);
    return e == nullptr ? nullptr : e->context;
}

const thread_context* known_to_caller(std::uint64_t id) noexcept { return known_context_of(id); }

bool remember_context(std::uint64_t id, thread_context* c) noexcept {
    if (t_slot.known == nullptr) use_table(&t_slot.few);
    if (!has_room(*t_slot.known)) make_room_for_known();
    known_contexts& table = *t_slot.known;
    if (table.used + 1 == table.size()) return false;  // without memory for more, as many as there are entries
    put(table, id, c);
    return true;
}

// Entries that no search has to pass any more are as new ones: allocators that come and go leave nothing.
void forget_context(std::uint64_t id) noexcept {
    if (entry* e = known_entry(id)) {
        known_contexts& table = *t_slot.known;
        *e = {forgotten, nullptr};
        std::uint64_t i = static_cast<std::uint64_t>(e - &table.at(0));
        if (table.at(table.after(i)).id == 0) {
            for (; table.at(i).id == forgotten; i = (i - 1) & (table.size() - 1)) {
                table.at(i).id = 0;
                --table.used;
            }
        }
    }
    if (t_slot.id != id) return;
    t_slot.id = thread_slot::no_allocator;
    t_slot.record = nullptr;
    t_slot.context = nullptr;
    t_slot.key = no_context_key;
}

void visit_known(void (*f)(core&, thread_context&, void*), void* state) noexcept {
    for_each_living([&](core& a, const entry& e) { f(a, *e.context, state); });
}

void forget_all_contexts() noexcept {
    release_table(t_slot.known);
    t_slot = thread_slot{};
}

}  // namespace framealloc::inline v1::memory
