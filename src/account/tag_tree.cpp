// The tree of tags: found by parent and name, made once, never removed.
#include <framealloc/detail/account/tag_tree.hpp>

#include <cstring>
#include <new>

#include <framealloc/account/tag.hpp>

namespace framealloc::inline v1 {

std::uint32_t tag::ensure_id() const noexcept {
    static constinit sync::atomic<std::uint32_t> next{0};
    std::uint32_t seen = id_.load_relaxed();  // relaxed: the exchange below decides
    if (seen != unregistered) return seen;
    if (next.load_relaxed() >= most_ids) return unregistered;  // relaxed: numbers only grow
    const std::uint32_t mine = next.add_relaxed(1);            // relaxed: only the number matters
    if (mine >= most_ids) return unregistered;
    // Two threads may both come here: the first wins, the other number stays unused.
    while (seen == unregistered) {
        if (id_.compare_exchange_release(seen, mine)) return mine;  // pairs: none, a number carries nothing with it
    }
    return seen;
}

}  // namespace framealloc::inline v1

namespace framealloc::inline v1::account {

tag_node* tag_tree::lookup(tag_node* parent, name_view name, std::uint64_t hash) noexcept {
    if (capacity_ == 0) return nullptr;
    for (std::uint64_t i = hash;; ++i) {
        tag_node* n = buckets_[i & (capacity_ - 1)];
        if (n == nullptr || same_name(*n, parent, name)) return n;
    }
}

bool tag_tree::grow(exhaustion_reason& why) noexcept {
    const std::uint32_t wanted = capacity_ == 0 ? 64 : capacity_ * 2;
    auto** wider = memory_.allocate_array<tag_node*>(std::size_t{wanted} + wanted / 2, why);
    if (wider == nullptr) return false;
    for (std::uint32_t i = 0; i < capacity_; ++i) {
        if (buckets_[i] == nullptr) continue;
        std::uint64_t at = hash_of(*buckets_[i]);
        while (wider[at & (wanted - 1)] != nullptr) ++at;
        wider[at & (wanted - 1)] = buckets_[i];
    }
    if (capacity_ != 0) std::memcpy(wider + wanted, buckets_ + capacity_, capacity_ / 2 * sizeof(tag_node*));
    memory_.deallocate(buckets_, (std::size_t{capacity_} + capacity_ / 2) * sizeof(tag_node*));
    buckets_ = wider;
    capacity_ = wanted;
    return true;
}

tag_node* tag_tree::add(tag_node* parent, name_view name, std::uint64_t hash, exhaustion_reason& why) noexcept {
    const std::uint32_t count = size_.load_relaxed();  // relaxed: written under the lock that is held
    if (count * 2 >= capacity_ && !grow(why)) return nullptr;
    const std::size_t prefix = parent->path_length == 0 ? 0 : parent->path_length + std::size_t{2};
    void* memory = memory_.allocate(sizeof(tag_node) + prefix + name.size + 1, why);
    if (memory == nullptr) return nullptr;
    auto* node = ::new (memory) tag_node{};
    char* text = reinterpret_cast<char*>(node + 1);
    if (prefix != 0) {
        std::memcpy(text, parent->path, parent->path_length);
        std::memcpy(text + parent->path_length, "::", 2);
    }
    std::memcpy(text + prefix, name.data, name.size);
    node->parent = parent;
    node->path = text;
    node->path_length = static_cast<std::uint32_t>(prefix + name.size);
    node->length = static_cast<std::uint32_t>(name.size);
    node->index = count;
    std::uint64_t at = hash;
    while (buckets_[at & (capacity_ - 1)] != nullptr) ++at;
    buckets_[at & (capacity_ - 1)] = node;
    buckets_[capacity_ + count] = node;
    node->sibling = parent->first_child;
    parent->first_child = count;
    size_.store_release(count + 1);  // pairs: size()
    return node;
}

tag_node* tag_tree::at(std::uint32_t index) noexcept {
    const sync::lock_guard guard(lock_);  // relaxed: the size is written under it
    return index == 0 || index >= size_.load_relaxed() ? &root_ : buckets_[capacity_ + index];
}

tag_node* tag_tree::find_or_add(tag_node* parent, name_view name, exhaustion_reason& why) noexcept {
    const std::uint64_t hash = hash_name(parent, name);
    const sync::lock_guard guard(lock_);
    tag_node* known = lookup(parent, name, hash);
    return known != nullptr ? known : add(parent, name, hash, why);
}

tag_node* tag_tree::find(tag_node* parent, name_view name) noexcept {
    const sync::lock_guard guard(lock_);
    return lookup(parent, name, hash_name(parent, name));
}

}  // namespace framealloc::inline v1::account
