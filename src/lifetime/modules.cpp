#include <framealloc/lifetime/modules.hpp>

#include <cstdio>
#include <new>

#include <framealloc/core/registry.hpp>

namespace framealloc::inline v1::lifetime {

using namespace memory;

namespace {

// The newest finaliser of the module, anywhere in `c`.
finaliser* find(thread_context& c, const os::module_range& m) noexcept {
    const auto search = [&](finaliser* f) -> finaliser* {
        while (f != nullptr && !m.contains(reinterpret_cast<std::uintptr_t>(f->run))) f = f->next;
        return f;
    };
    for (unsigned depth = c.top->depth + 1; depth-- != 0;) {
        if (finaliser* f = search(record_at(c, depth).finalisers)) return f;
    }
    flight_slot* s = c.flight;
    for (std::uint32_t i = 0; i < c.flight_count; ++i, s = s->next) {
        if (finaliser* f = search(s->finalisers)) return f;
    }
    return nullptr;
}

// Modules that every thread knows of are forgotten. Requires: core::lock is held.
void prune(core& a) noexcept {
    std::uint32_t known = a.modules_released.load_relaxed();  // relaxed: written under the lock
    for (thread_context* c = a.contexts; c != nullptr; c = c->next) {
        const bool idle = __atomic_load_n(&c->slot, __ATOMIC_RELAXED) == nullptr &&
                          !c->parked;  // relaxed: who attaches now begins with what is known now
        const std::uint32_t seen = c->modules_seen.load_relaxed();  // relaxed: a recent value
        if (!idle && seen < known) known = seen;
    }
    for (released_module** link = &a.modules; *link != nullptr;) {
        released_module* m = *link;
        if (m->number > known) {
            link = &m->next;
            continue;
        }
        *link = m->next;
        a.meta.deallocate(m, sizeof(released_module));
    }
}

bool next_unseen(thread_context& c, os::module_range& out, std::uint32_t& number) noexcept {
    const sync::lock_guard guard(c.owner->lock);
    const released_module* oldest = nullptr;
    for (const released_module* m = c.owner->modules; m != nullptr; m = m->next) {
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
        a.owner->raise(code::FA214, "release_module() was not given the handle of a loaded module");
        return 0;
    }
    std::size_t ran = 0;
    for (finaliser* f = nullptr; mine != nullptr && (f = find(*mine, m)) != nullptr; ++ran) {
        remove_finaliser(f);
        f->run(f);  // may register others of the module
    }
    exhaustion_reason why{};
    void* memory = nullptr;
    while ((memory = a.owner->meta.allocate(sizeof(released_module), why)) == nullptr)
        a.owner->exhausted_metadata(why, sizeof(released_module), 8);
    const sync::lock_guard guard(a.owner->lock);
    const std::uint32_t number = a.owner->modules_released.load_relaxed() + 1;  // relaxed: written under the lock
    a.owner->modules = ::new (memory) released_module{m, number, a.owner->modules};
    a.owner->modules_released.store_release(number);  // pairs: look_for_released()
    if (mine != nullptr && mine->modules_seen.load_relaxed() == number - 1)
        mine->modules_seen.store_relaxed(number);  // relaxed: its own
    prune(*a.owner);
    return ran;
}

void refuse_released(thread_context& c) noexcept {
    std::uint32_t number = c.modules_seen.load_relaxed();  // relaxed: its own
    os::module_range m;
    while (next_unseen(c, m, number)) {
        std::size_t refused = 0;
        for (; finaliser* f = find(c, m); ++refused) remove_finaliser(f);
        c.modules_seen.store_relaxed(number);  // relaxed: its own
        if (refused == 0) continue;
        char detail[192];
        std::snprintf(detail, sizeof detail, "%zu of %s did not run: another thread had it unloaded", refused, m.name);
        c.owner->raise(code::FA214, detail, nullptr, refused);
    }
}

}  // namespace framealloc::inline v1::lifetime
