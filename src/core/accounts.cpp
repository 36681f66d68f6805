// Accounts of tags and phases per thread, and the settling of what is not charged yet.
#include <framealloc/core/core.hpp>
#include <framealloc/core/zones.hpp>

#include <bit>
#include <cstring>
#include <new>
#include <utility>

namespace framealloc::inline v1::memory {

namespace {

constexpr std::uint32_t first_name_slots = 256;

template <class T>
bool widen(os::metadata& memory, T**& table, std::uint32_t& size, std::uint32_t index,
           exhaustion_reason& why) noexcept {
    if (index < size) return true;
    std::uint32_t wanted = size == 0 ? 16 : size;
    while (wanted <= index) wanted *= 2;
    auto** wider = memory.allocate_array<T*>(wanted, why);
    if (wider == nullptr) return false;
    if (size != 0) std::memcpy(wider, table, size * sizeof(T*));
    memory.deallocate(table, size * sizeof(T*));
    table = wider;
    size = wanted;
    return true;
}

// One bucket a name or more. Without memory for it they share buckets.
void widen_names(thread_context& c, exhaustion_reason& why) noexcept {
    const std::uint32_t wanted = c.name_slots == 0 ? first_name_slots : c.name_slots * 2;
    auto** wider = c.owner->meta.allocate_array<tag_account*>(wanted, why);
    if (wider == nullptr) return;
    for (std::uint32_t i = 0; i < c.name_slots; ++i) {
        while (tag_account* a = c.names[i]) {
            c.names[i] = a->by_hash_next;
            tag_account*& bucket = wider[a->node->hash & (wanted - 1)];
            a->by_hash_next = bucket;
            bucket = a;
        }
    }
    c.owner->meta.deallocate(c.names, c.name_slots * sizeof(tag_account*));
    c.names = wider;
    c.name_slots = wanted;
}

// A single name below `parent`, found without a lock when it was asked for before.
tag_account* child_account(thread_context& c, tag_account* parent, account::name_view name,
                           exhaustion_reason& why) noexcept {
    if (c.name_count >= c.name_slots) widen_names(c, why);
    if (c.names == nullptr) return nullptr;
    tag_account*& bucket = c.names[account::hash_name(parent->node, name) & (c.name_slots - 1)];
    for (tag_account* a = bucket; a != nullptr; a = a->by_hash_next) {
        if (account::same_name(*a->node, parent->node, name)) return a;
    }
    account::tag_node* node = c.owner->tags.find_or_add(parent->node, name, why);
    tag_account* a = node == nullptr ? nullptr : account_for(c, node, why);
    if (a == nullptr) return nullptr;
    a->by_hash_next = bucket;
    bucket = a;
    ++c.name_count;
    return a;
}

tag_account* child_account(thread_context& c, const tag& t, exhaustion_reason& why) noexcept {
    tag_account* parent = t.parent() == nullptr ? c.root_tag : child_account(c, *t.parent(), why);
    return parent == nullptr ? nullptr : child_account(c, parent, {t.name(), std::strlen(t.name())}, why);
}

}  // namespace

void observe_page(pool_page& page) noexcept {
    const std::uint32_t now = page.used();
    const auto change = static_cast<std::int32_t>(now - page.seen);
    page.seen = now;
    if (change != 0 && traits_of(page.kind).freed_singly) page.account->add_live(std::int64_t{change} * page.block);
}

void charge_page(thread_context& c, pool_page& page) noexcept {
    observe_page(page);
    const std::uint32_t handed = page.allocations - page.charged;
    if (handed == 0) return;
    sync::store_relaxed(page.charged, page.allocations);  // relaxed: a statistic for readers
    c.counters.add_taken(page.kind, handed);
    if (!traits_of(page.kind).freed_singly) return;
    const std::uint64_t bytes = std::uint64_t{handed} * page.block;
    c.phase()->phase_bytes.add(current_frame(c), bytes);
    c.phase()->phase_count.add(current_frame(c), handed);
}

tag_account* account_for(thread_context& c, account::tag_node* node, exhaustion_reason& why) noexcept {
    if (node->index < c.indices && c.by_index[node->index] != nullptr) return c.by_index[node->index];
    if (!widen(c.owner->meta, c.by_index, c.indices, node->index, why)) return nullptr;
    tag_account* parent = node->parent == nullptr ? nullptr : account_for(c, node->parent, why);
    if (node->parent != nullptr && parent == nullptr) return nullptr;
    void* memory = c.owner->meta.allocate(sizeof(tag_account), why);
    if (memory == nullptr) return nullptr;
    auto* a = ::new (memory) tag_account{};
    a->node = node;
    a->parent = parent;
    c.by_index[node->index] = a;
    sync::store_release(*c.accounts_end, a);  // pairs: stats readers
    c.accounts_end = &a->next;
    return a;
}

tag_account* account_for(thread_context& c, const tag& t, exhaustion_reason& why) noexcept {
    tag_account* a = child_account(c, t, why);
    if (a == nullptr) return nullptr;
    // Without an id, or a table for it, the name finds it next time.
    const std::uint32_t id = t.ensure_id();
    if (id != tag::unregistered && widen(c.owner->meta, c.by_tag_id, c.tag_ids, id, why)) c.by_tag_id[id] = a;
    return a;
}

tag_account* account_for(thread_context& c, tag_account* parent, account::name_view path,
                         exhaustion_reason& why) noexcept {
    tag_account* at = parent;
    while (at != nullptr && path.size != 0) {
        std::size_t length = 0;
        while (length < path.size &&
               !(path.data[length] == ':' && length + 1 < path.size && path.data[length + 1] == ':'))
            ++length;
        if (length != 0) at = child_account(c, at, {path.data, length}, why);
        const std::size_t step = length < path.size ? length + 2 : length;
        path = {path.data + step, path.size - step};
    }
    return at;
}

void charge_handed(thread_context& c, std::uint64_t bytes) noexcept {
    const std::uint64_t frame = current_frame(c);
    c.handed.add(frame, bytes);
    c.tag()->frame_bytes.add(frame, bytes);
    c.phase()->phase_bytes.add(frame, bytes);
}

void charge_pages(thread_context& c) noexcept {
    while (tag_account* a = c.aside) {
        c.aside = a->next_aside;
        for (unsigned kind = 0; kind < kind_count; ++kind) {
            for (std::uint64_t set = std::exchange(a->aside[kind], 0); set != 0; set &= set - 1) {
                if (pool_page* p = a->pages[kind]->current[std::countr_zero(set)]) charge_page(c, *p);
            }
        }
    }
    for (unsigned kind = 0; kind < kind_count; ++kind) {
        for (std::uint64_t set = c.installed[kind]; set != 0; set &= set - 1) {
            charge_page(c, *c.pages[kind][std::countr_zero(set)]);
        }
    }
}

void settle(thread_context& c) noexcept {
    charge_pages(c);
    frame_record* r = c.stack.top();
    const std::uint64_t bytes = open_bytes(c);
    begin_segment(c, r->cursor);
    if (bytes == 0) return;
    charge_handed(c, bytes);
    exhaustion_reason why{};
    if (!c.log.push(c.owner->meta, {c.tag(), bytes, r->depth}, why)) {
        c.tag()->touch_peak(bytes);  // no room to take it back later: it counts as handed out, not as held
        return;
    }
    c.tag()->frame_held.add(bytes);
    c.tag()->add_live(static_cast<std::int64_t>(bytes));
    add_pending(*r, pending_log);
}

void take_back_log(thread_context& c, std::uint32_t depth, std::uint32_t floor) noexcept {
    while (c.log.size() > floor && c.log.back().depth >= depth) {
        const account::charge_record& r = c.log.back();
        r.who->frame_held.subtract(r.bytes);
        r.who->add_live(-static_cast<std::int64_t>(r.bytes));
        c.log.pop();
    }
}

}  // namespace framealloc::inline v1::memory
