// The names of one allocator's tags and phases, copied, each with a dense index. Nodes are never removed.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/detail/account/name_text.hpp>
#include <framealloc/detail/os/metadata.hpp>
#include <framealloc/detail/sync/lock.hpp>
#include <framealloc/detail/sync/word.hpp>

namespace framealloc::inline v1::account {

struct charge_entry;

struct tag_node {
    tag_node* parent = nullptr;  // null for the root, whose path is empty: the untagged rest
    const char* path = "";       // "physics::solver"; the name is its end
    std::uint32_t path_length = 0;
    std::uint32_t length = 0;    // of the name
    std::uint32_t index = 0;
    std::uint32_t first_child = 0;  // index of the newest, zero where there is none
    std::uint32_t sibling = 0;  // the same of the child of the parent that was made before
    sync::atomic<charge_entry*> charged{nullptr};  // what threads have of it, the newest first

    const char* name() const noexcept { return path + (path_length - length); }
};
static_assert(sizeof(tag_node) == 48, "with a short path, a node is one of the smallest records of os::metadata");

FRAMEALLOC_INLINE std::uint64_t hash_name(const tag_node* parent, name_view name) noexcept {
    return hash_text(parent->index, name);
}
// Requires: it is not the root.
inline std::uint64_t hash_of(const tag_node& n) noexcept { return hash_name(n.parent, {n.name(), n.length}); }
FRAMEALLOC_INLINE bool same_name(const tag_node& node, const tag_node* parent, name_view name) noexcept {
    return node.parent == parent && node.length == name.size && same_text(node.name(), name.data, name.size);
}

class tag_tree {
public:
    explicit tag_tree(os::metadata& memory) noexcept : memory_(memory) {}

    tag_node* root() noexcept { return &root_; }
    // Returns null when metadata is exhausted. Threads: any.
    tag_node* find_or_add(tag_node* parent, name_view name, exhaustion_reason& why) noexcept;
    tag_node* find(tag_node* parent, name_view name) noexcept;
    // The root where no node has this index. Threads: any.
    tag_node* at(std::uint32_t index) noexcept;
    std::uint32_t size() const noexcept { return size_.load_acquire(); }  // pairs: add()
    // Walks a node and those below it, each before its children. Requires: `f` adds no node. Threads: any.
    template <class F>
    void for_each_from(const tag_node& top, F&& f) {
        lock_.acquire_uncounted();  // of a report
        for (const tag_node* n = &top; n != nullptr;) {
            f(*n);
            std::uint32_t next = n->first_child;
            for (; next == 0 && n != &top; n = n->parent) next = n->sibling;
            n = next == 0 ? nullptr : buckets_[capacity_ + next];
        }
        lock_.release();
    }

    sync::lock& lock() noexcept { return lock_; }  // for fork alone

private:
    tag_node* lookup(tag_node* parent, name_view name, std::uint64_t hash) noexcept;
    tag_node* add(tag_node* parent, name_view name, std::uint64_t hash, exhaustion_reason& why) noexcept;
    bool grow(exhaustion_reason& why) noexcept;

    os::metadata& memory_;
    sync::lock lock_;
    tag_node root_;
    sync::atomic<std::uint32_t> size_{1};
    tag_node** buckets_ = nullptr;  // open addressing, at most half full; after them the nodes by index
    std::uint32_t capacity_ = 0;
};

}  // namespace framealloc::inline v1::account
