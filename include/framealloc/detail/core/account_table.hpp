// The accounts of tags and phases on one thread, found by constexpr tag, by the tag's number and by name.
#pragma once

#include <framealloc/base/kind.hpp>
#include <framealloc/detail/account/charge.hpp>
#include <framealloc/detail/base/compiler.hpp>
#include <framealloc/detail/memory/page_set.hpp>
#include <framealloc/detail/sync/word.hpp>

namespace framealloc::inline v1::memory {

// A tag on one thread: its account, its pages.
struct tag_account : account::charge_entry {
    thread_context* owner = nullptr;
    page_lists* pages[kind_count] = {};
    sync::atomic<bool> borrows{false};  // some of its blocks are in pages of a parent, and are charged there
    // Classes whose current page gave blocks to a hook and is not charged for them yet
    std::uint64_t aside[kind_count] = {};
    // Classes whose current page is not charged for what it gave, all of which came back
    std::uint64_t late_classes[kind_count] = {};
    // Bytes of frames that are not part of the windows yet, and of those that are held, not of `live`
    std::uint64_t late_allocated = 0, late_held = 0;
    tag_account* next_waiting = nullptr;
    bool waiting = false;  // on its thread's list of those that have any of these
    tag_account* by_hash_next = nullptr;

    tag_account* above() const noexcept { return static_cast<tag_account*>(parent); }
};

// Of the blocks that come back, what the accounts do not know yet; see accounts.hpp.
struct late_pages : account::late_returns {
    thread_context* of = nullptr;
};

class account_table {
public:
    late_pages late;

    // Of a constexpr tag; null unless remember() was told.
    FRAMEALLOC_INLINE tag_account* known(std::uint32_t tag_id) const noexcept {
        return tag_id < tag_ids_ ? by_tag_id_[tag_id] : nullptr;
    }
    // By tag_node::index; null when this thread has no account for it.
    tag_account* at(std::uint32_t index) const noexcept { return index < indices_ ? by_index_[index] : nullptr; }
    tag_account* root() const noexcept { return root_; }
    // All, tags and phases, in the order of their creation. From any thread.
    account::charge_entry* first() const noexcept { return sync::load_acquire(first_); }  // pairs: find_or_add()
    static account::charge_entry* after(const account::charge_entry& e) noexcept {
        return sync::load_acquire(e.next);  // pairs: find_or_add()
    }

    // Requires, of all that follow: the calling thread has the context. Null without memory, with `why` set.
    tag_account* open(os::metadata& meta, account::tag_node* root, exhaustion_reason& why) noexcept;
    tag_account* find_or_add(os::metadata& meta, account::tag_node* node, exhaustion_reason& why) noexcept {
        tag_account* known = at(node->index);
        return known != nullptr ? known : add(meta, node, why);
    }
    // A single name below `parent` that was asked for before, found without a lock. Otherwise null.
    FRAMEALLOC_INLINE tag_account* child_met(const tag_account& parent, account::name_view name) const noexcept {
        if (names_ == nullptr) return nullptr;
        tag_account* a = names_[account::hash_name(parent.node, name) & (name_slots_ - 1)];
        while (a != nullptr && !account::same_name(*a->node, parent.node, name)) a = a->by_hash_next;
        return a;
    }
    // The same, or made.
    tag_account* child(os::metadata& meta, account::tag_tree& tags, tag_account* parent, account::name_view name,
                       exhaustion_reason& why) noexcept {
        tag_account* met = child_met(*parent, name);
        return met != nullptr ? met : add_child(meta, tags, parent, name, why);
    }
    // Without memory for it the name finds it next time.
    void remember(os::metadata& meta, std::uint32_t tag_id, tag_account* a) noexcept;

private:
    FRAMEALLOC_COLD tag_account* add(os::metadata& meta, account::tag_node* node, exhaustion_reason& why) noexcept;
    void widen_names(os::metadata& meta, exhaustion_reason& why) noexcept;
    tag_account* add_child(os::metadata& meta, account::tag_tree& tags, tag_account* parent, account::name_view name,
                           exhaustion_reason& why) noexcept;

    tag_account** by_tag_id_;
    std::uint32_t tag_ids_;  // entries there
    std::uint32_t indices_;
    tag_account** by_index_;
    tag_account* root_;
    account::charge_entry* first_;
    account::charge_entry** end_;
    tag_account** names_;  // (parent, name) -> account
    std::uint32_t name_slots_;
    std::uint32_t name_count_;
};

}  // namespace framealloc::inline v1::memory
