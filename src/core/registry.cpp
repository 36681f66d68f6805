// The allocators of this process, and what a fork does to them.
#include <framealloc/detail/core/registry.hpp>

#include <cstdio>
#include <iterator>
#include <utility>

#include <framealloc/detail/os/code.hpp>
#include <framealloc/detail/os/range_index.hpp>
#include <framealloc/detail/os/thread.hpp>
#include <framealloc/os/pages.hpp>

namespace framealloc::inline v1::memory {

namespace {

constinit sync::lock live_lock;
constinit core* live_cores = nullptr;

// The same by id, two to a place in the mean; without memory for more places, more. The first ones are the library's
// own.
constinit core* own_places[64] = {};
constinit core** places = own_places;
constinit std::size_t place_count = std::size(own_places);
constinit std::size_t live_count = 0;

core*& place_of(std::uint64_t id) noexcept { return places[(id * 0x9e3779b97f4a7c15U >> 32) & (place_count - 1)]; }

void put(core& c) noexcept {
    core*& place = place_of(c.id);
    c.life.beside() = place;
    place = &c;
}

void widen_places() noexcept {
    os::system_pages system;
    const auto bytes_for = [&](std::size_t n) { return align_up(n * sizeof(core*), system.granularity()); };
    void* p = system.reserve(bytes_for(2 * place_count), system.granularity());
    if (p == nullptr) return;
    if (!system.commit(p, bytes_for(2 * place_count))) return system.release(p, bytes_for(2 * place_count));
    core** const was = std::exchange(places, static_cast<core**>(p));
    place_count *= 2;
    for (core* c = live_cores; c != nullptr; c = c->life.next()) put(*c);
    if (was != own_places) system.release(was, bytes_for(place_count / 2));
}

void add_place(core& c) noexcept {
    put(c);
    if (++live_count > 2 * place_count) widen_places();
}

void remove_place(core& c) noexcept {
    core** link = &place_of(c.id);
    while (*link != &c) link = &(*link)->life.beside();
    *link = c.life.beside();
    --live_count;
}

}  // namespace

core* live_core(std::uint64_t id) noexcept {
    core* c = place_of(id);
    while (c != nullptr && c->id != id) c = c->life.beside();
    return c;
}

core* pin_core(std::uint64_t id) noexcept {
    const sync::lock_guard guard(live_lock);
    core* const c = live_core(id);
    if (c != nullptr) c->life.handles.add();
    return c;
}

namespace {

// Every lock of every allocator, in the order in which they nest; `f` acquires or releases. Requires: live_lock is
// held, which keeps the list as it is.
template <class F>
void for_each_lock(F&& f) noexcept {
    for (core* c = live_cores; c != nullptr; c = c->life.next()) {
        f(c->lock);
        f(c->tags.lock());
        f(c->large.lock());
        f(c->meta.lock());
        f(c->probes.blocks_lock());
        if (c->probes.samples()) f(c->probes.hooks->lock_of_samples(*c));
        if (os::fixed_pages* fixed = c->home.fixed()) f(fixed->lock());
    }
    f(os::range_index::lock());
    f(os::code_lock());
}

void before_fork() noexcept {
    live_lock.acquire();
    for_each_lock([](sync::lock& l) { l.acquire(); });
}
// The list's lock goes last: another thread that gets it may destroy an allocator.
void after_fork_in_parent() noexcept {
    for_each_lock([](sync::lock& l) { l.release(); });
    live_lock.release();
}
// Only the forking thread lives on. The contexts of the others were stopped anywhere: they are never used again, nor
// are the blocks that come back to them; blocks may be read and freed.
void after_fork_in_child() noexcept {
    for (core* a = live_cores; a != nullptr; a = a->life.next()) {
        for (thread_context* c = a->threads.first(); c != nullptr; c = context_list::after(*c)) {
            if (!belongs_to_caller(*c)) c->probes.hooks->thread_vanished(*c);
            if (!c->life.attached() || belongs_to_caller(*c)) continue;
            c->life.detach();
            a->life.note_fork();
        }
    }
    after_fork_in_parent();
}

// At first use, or when the library is loaded if that is earlier: then no other thread forks meanwhile. Without memory
// for it a fork finds the locks as they are.
bool prepare_fork() noexcept {
    static const bool prepared = os::call_at_fork(before_fork, after_fork_in_parent, after_fork_in_child);
    return prepared;
}

[[maybe_unused]] const bool prepared_at_load = prepare_fork();

}  // namespace

void core_life::link(core& self, core*& first) noexcept {
    is_listed_ = true;
    next_ = first;
    if (first != nullptr) first->life.previous_ = &self;
    first = &self;
}

void core_life::unlink(core*& first) noexcept {
    is_listed_ = false;
    (previous_ != nullptr ? previous_->life.next_ : first) = next_;
    if (next_ != nullptr) next_->life.previous_ = previous_;
}

void register_core(core* c) noexcept {
    static_cast<void>(prepare_fork());
    const sync::lock_guard guard(live_lock);
    c->life.link(*c, live_cores);
    add_place(*c);
}

core* first_live_core() noexcept { return live_cores; }

live_cores_lock::live_cores_lock() noexcept { live_lock.acquire(); }
live_cores_lock::~live_cores_lock() { live_lock.release(); }

void visit_cores(void (*f)(core&, void*), void* state) noexcept {
    const sync::lock_guard guard(live_lock);
    for (core* c = live_cores; c != nullptr; c = c->life.next()) {
        const sync::lock_guard inner(c->lock);
        f(*c, state);
    }
}

void visit_owners(const void* p, void (*f)(core&, bool owns, void*), void* state) noexcept {
    const sync::lock_guard guard(live_lock);
    core* owner = nullptr;  // one that is about to go has left the list, and still has pages
    const bool known = os::range_index::find(p, [&](void* holder) {
        core* c = static_cast<core*>(holder);
        if (c->life.is_listed()) owner = c;
    });
    for (core* c = known ? owner : live_cores; c != nullptr; c = known ? nullptr : c->life.next()) {
        const sync::lock_guard inner(c->lock);
        f(*c, known, state);
    }
}

bool unregister_core(core* c, std::uint64_t seen) noexcept {
    const sync::lock_guard guard(live_lock);
    if (!c->life.handles.is_as(seen)) return false;
    c->life.unlink(live_cores);
    remove_place(*c);
    return true;
}

}  // namespace framealloc::inline v1::memory
