#include <framealloc/runtime/tag_scope.hpp>

#include <cstring>

#include <framealloc/runtime/smart_alloc.hpp>

namespace framealloc::inline FRAMEALLOC_ABI::runtime {

namespace {

template <class F>
tag_account* insist(thread_context& c, F&& find) noexcept {
    for (;;) {
        exhaustion_reason why = exhaustion_reason::system_refused;
        if (tag_account* a = find(why)) return a;
        c.owner->exhausted(why, "metadata", sizeof(tag_account), alignof(tag_account));
    }
}

}  // namespace

tag_account* find_account(thread_context& c, const tag& t) noexcept {
    return insist(c, [&](exhaustion_reason& why) { return memory::account_for(c, t, why); });
}

tag_account* find_account(thread_context& c, tag_account* parent, std::string_view path) noexcept {
    return insist(c, [&](exhaustion_reason& why) { return memory::account_for(c, parent, {path.data(), path.size()}, why); });
}

void settle_for_tag(thread_context& c) noexcept {
    memory::settle(c);
    memory::uninstall_pages(c);
}

void close_scope_elsewhere(thread_context& c, memory::frame_record* opened_in) noexcept {
    const bool another_thread = !memory::belongs_to_caller(c);
    c.owner->raise(code::FA429, another_thread ? "a tag or phase scope closes on another thread" : "a tag or phase scope closes in another frame than it was opened in");
    if (opened_in->depth < c.top->depth && opened_in->pending_bits >= memory::pending_scope) memory::leave_scope(*opened_in);
}

namespace {

void make_room_for_phase(thread_context& c) noexcept {
    while (c.phase_count == c.phase_capacity) {
        const std::uint32_t wanted = c.phase_capacity == 0 ? memory::first_open_phases : c.phase_capacity * 2;
        exhaustion_reason why{};
        auto* wider = c.owner->meta.allocate_array<memory::open_phase>(wanted, why);
        if (wider == nullptr) {
            c.owner->exhausted(why, "metadata", wanted * sizeof(memory::open_phase), alignof(memory::open_phase));
            continue;  // its handler may have made room
        }
        if (c.phase_count != 0) std::memcpy(wider, c.phases, c.phase_count * sizeof(memory::open_phase));
        c.owner->meta.deallocate(c.phases, c.phase_capacity * sizeof(memory::open_phase));
        c.phases = wider;
        c.phase_capacity = wanted;
    }
}

}  // namespace

void begin_phase(thread_context& c, tag_account* phase) noexcept {
    if (memory::unsettled(c)) settle_for_tag(c);
    if (c.phase_count == memory::most_open_phases) {
        c.owner->raise(code::FA429, "65,536 phases are open; is an end_phase missing?", nullptr, c.phase_count, c.last_site);
        return;
    }
    make_room_for_phase(c);
    if (c.phase_count >= memory::first_open_phases) memory::add_pending(*c.top, memory::pending_always);  // the count of scopes may wrap
    c.phases[c.phase_count++] = {c.phase, c.top};
    c.phase = phase;
    memory::enter_scope(*c.top);
}

void end_phase(thread_context& c) noexcept {
    if (c.phase_count == 0) {
        c.owner->raise(code::FA429, "end_phase without begin_phase", nullptr, 0, c.last_site);
        return;
    }
    if (memory::unsettled(c)) settle_for_tag(c);
    const memory::open_phase& p = c.phases[--c.phase_count];
    if (p.record != c.top) close_scope_elsewhere(c, p.record);
    else memory::leave_scope(*p.record);
    c.phase = p.previous;
}

}  // namespace framealloc::inline FRAMEALLOC_ABI::runtime
