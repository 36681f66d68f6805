// A look at every allocator's table of blocks.
#include <framealloc/detail/core/known_block.hpp>

#include <framealloc/detail/core/life.hpp>
#include <framealloc/detail/core/registry.hpp>

namespace framealloc::inline v1::memory {

constinit sync::atomic<bool> any_guarded{false};
constinit sync::atomic<bool> any_resource{false};

bool takes_from_resource(const core* a) noexcept {
    const live_cores_lock guard;
    const core* c = first_live_core();
    while (c != nullptr && c != a) c = c->life.next();
    return c != nullptr && c->config.heap != nullptr;
}

known_block look_for(std::uintptr_t p, bool around, guard::block_state state) noexcept {
    known_block found;
    for_each_core([&](core& o) {
        guard::block_record r;
        const allocator_probes& known = o.probes;
        found.all_guarded = found.all_guarded && known.guarded();
        if (found.owner != nullptr || !known.guarded()) return;
        if (!(around ? known.blocks.containing(p, r) : known.blocks.find(p, r)) || r.state != state) return;
        o.life.handles.add();
        found.owner = &o;
        found.record = r;
    });
    return found;
}

bool find_size(const void* p, std::size_t& bytes) noexcept {
    const known_block b = look_for(address_of(p), false, guard::block_state::live);
    bytes = b.owner == nullptr ? 0 : b.record.bytes;
    if (b.owner != nullptr) release_core({b.owner, b.owner->id});
    return b.owner != nullptr || b.all_guarded;
}

}  // namespace framealloc::inline v1::memory
