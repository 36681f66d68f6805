// Destructors run when their frame ends, unless their code was unloaded.
#include <framealloc/lifetime/modules.hpp>

#include <cstdio>
#include <new>

#include <framealloc/detail/core/registry.hpp>
#include <framealloc/detail/core/walk.hpp>
#include <framealloc/detail/lifetime/flights.hpp>

namespace framealloc::inline v1::lifetime {

using memory::core;
using memory::core_ref;
using memory::user_code;

namespace {

FRAMEALLOC_INLINE void run_one(thread_context& c, finaliser* f) noexcept {
    if (f->run == nullptr) [[unlikely]] {
        f->link = nullptr;
        return;
    }
    if (config_of(c).checks && !os::is_code(reinterpret_cast<std::uintptr_t>(f->run)))
        return owner_of(c).raise(
            {.what = code::FA214,
             .detail = "its code has been unloaded; was a module unloaded without release_module()?",
             .address = f});
    const frame_record*& ending = state_of(c).ending;
    const frame_record* const around = ending;
    const frame_record* const top = ending = top_of(c);
    {
        const user_code destroying(&c);
        f->run(f);
    }
    if (top_of(c) != top) [[unlikely]]
        close_left_open(c, top);
    ending = around;
}

}  // namespace

void run_finaliser(thread_context& c, finaliser* f) noexcept { run_one(c, f); }

void run_each(thread_context& c, finaliser*& list) noexcept {
    look_for_released(c);
    while (finaliser* f = list) {
        remove_finaliser(f);
        run_one(c, f);  // may allocate, and may add finalisers of its own
    }
}

void note_released(thread_context& c) noexcept {
    state_of(c).modules_seen.store_relaxed(
        state_of(owner_of(c)).modules_released.load_acquire());  // pairs: release_module(). relaxed: its own
}

namespace {

// The newest finaliser of the module, anywhere in `c`.
finaliser* find(thread_context& c, const os::module_range& m) noexcept {
    const auto search = [&](finaliser* f) -> finaliser* {
        while (f != nullptr && !m.contains(reinterpret_cast<std::uintptr_t>(f->run))) f = f->next;
        return f;
    };
    for (unsigned depth = top_of(c)->depth + 1; depth-- != 0;) {
        if (finaliser* f = search(record_at(c, depth).finalisers)) return f;
    }
    finaliser* found = nullptr;
    for_each_flight(c, [&](const flight& s) { found = found == nullptr ? search(s.finalisers) : found; });
    return found;
}

// Modules that every thread knows of are forgotten. Requires: core::lock is held.
void prune(core& a) noexcept {
    std::uint32_t known = state_of(a).modules_released.load_relaxed();  // relaxed: written under the lock
    for_each_context(a, [&](const thread_context& c) {
        const bool idle = !has_thread(c) && !is_parked(c);  // who attaches now begins with what is known now
        const std::uint32_t seen = state_of(c).modules_seen.load_relaxed();  // relaxed: a recent value
        if (!idle && seen < known) known = seen;
    });
    for (released_module** link = &state_of(a).modules; *link != nullptr;) {
        released_module* m = *link;
        if (m->number > known) {
            link = &m->next;
            continue;
        }
        *link = m->next;
        metadata_of(a).deallocate(m, sizeof(released_module));
    }
}

bool next_unseen(thread_context& c, os::module_range& out, std::uint32_t& number) noexcept {
    const sync::lock_guard guard(lock_of(owner_of(c)));
    const released_module* oldest = nullptr;
    for (const released_module* m = state_of(owner_of(c)).modules; m != nullptr; m = m->next) {
        if (m->number > number && (oldest == nullptr || m->number < oldest->number)) oldest = m;
    }
    if (oldest == nullptr) return false;
    out = oldest->range;
    number = oldest->number;
    return true;
}

}  // namespace

std::size_t release_module(core_ref a, void* handle) noexcept {
    thread_context* mine = context_met(a);
    os::module_range m;
    if (!os::find_module(handle, m)) {
        a.owner->raise({.what = code::FA214, .detail = "release_module() needs the handle of a loaded module"});
        return 0;
    }
    std::size_t ran = 0;
    for (finaliser* f = nullptr; mine != nullptr && (f = find(*mine, m)) != nullptr; ++ran) {
        const user_code destroying(mine);
        remove_finaliser(f);
        f->run(f);  // may register others of the module
    }
    exhaustion_reason why{};
    void* memory = nullptr;
    while ((memory = metadata_of(*a.owner).allocate(sizeof(released_module), why)) == nullptr)
        a.owner->exhausted_metadata(why, sizeof(released_module), 8);
    const sync::lock_guard guard(lock_of(*a.owner));
    allocator_state& known = state_of(*a.owner);
    const std::uint32_t number = known.modules_released.load_relaxed() + 1;  // relaxed: written under the lock
    known.modules = ::new (memory) released_module{m, number, known.modules};
    known.modules_released.store_release(number);  // pairs: look_for_released()
    if (mine != nullptr && state_of(*mine).modules_seen.load_relaxed() == number - 1)
        state_of(*mine).modules_seen.store_relaxed(number);  // relaxed: its own
    prune(*a.owner);
    return ran;
}

void refuse_released(thread_context& c) noexcept {
    std::uint32_t number = state_of(c).modules_seen.load_relaxed();  // relaxed: its own
    os::module_range m;
    while (next_unseen(c, m, number)) {
        std::size_t refused = 0;
        for (; finaliser* f = find(c, m); ++refused) remove_finaliser(f);
        state_of(c).modules_seen.store_relaxed(number);  // relaxed: its own
        if (refused == 0) continue;
        char detail[192];
        std::snprintf(detail, sizeof detail, "%zu of %s did not run: another thread released the module", refused,
                      m.name);
        owner_of(c).raise({.what = code::FA214, .detail = detail, .bytes = refused});
    }
}

}  // namespace framealloc::inline v1::lifetime
