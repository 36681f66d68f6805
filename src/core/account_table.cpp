// Accounts are made when a thread first charges their tag, and stay.
#include <framealloc/detail/core/account_table.hpp>

#include <cstring>
#include <new>

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

}  // namespace

// One bucket a name or more. Without memory for it they share buckets.
void account_table::widen_names(os::metadata& meta, exhaustion_reason& why) noexcept {
    const std::uint32_t wanted = name_slots_ == 0 ? first_name_slots : name_slots_ * 2;
    auto** wider = meta.allocate_array<tag_account*>(wanted, why);
    if (wider == nullptr) return;
    for (std::uint32_t i = 0; i < name_slots_; ++i) {
        while (tag_account* a = names_[i]) {
            names_[i] = a->by_hash_next;
            tag_account*& bucket = wider[account::hash_of(*a->node) & (wanted - 1)];
            a->by_hash_next = bucket;
            bucket = a;
        }
    }
    meta.deallocate(names_, name_slots_ * sizeof(tag_account*));
    names_ = wider;
    name_slots_ = wanted;
}

tag_account* account_table::add_child(os::metadata& meta, account::tag_tree& tags, tag_account* parent,
                                      account::name_view name, exhaustion_reason& why) noexcept {
    if (name_count_ >= name_slots_) widen_names(meta, why);
    if (names_ == nullptr) return nullptr;
    account::tag_node* node = tags.find_or_add(parent->node, name, why);
    tag_account* a = node == nullptr ? nullptr : find_or_add(meta, node, why);
    if (a == nullptr) return nullptr;
    tag_account*& bucket = names_[account::hash_of(*node) & (name_slots_ - 1)];
    a->by_hash_next = bucket;
    bucket = a;
    ++name_count_;
    return a;
}

tag_account* account_table::open(os::metadata& meta, account::tag_node* root, exhaustion_reason& why) noexcept {
    end_ = &first_;
    return root_ = find_or_add(meta, root, why);
}

tag_account* account_table::add(os::metadata& meta, account::tag_node* node, exhaustion_reason& why) noexcept {
    if (!widen(meta, by_index_, indices_, node->index, why)) return nullptr;
    tag_account* parent = node->parent == nullptr ? nullptr : find_or_add(meta, node->parent, why);
    if (node->parent != nullptr && parent == nullptr) return nullptr;
    void* memory = meta.allocate(sizeof(tag_account), why);
    if (memory == nullptr) return nullptr;
    auto* a = ::new (memory) tag_account{};
    a->node = node;
    a->parent = parent;
    a->late = &late;
    a->owner = late.of;
    by_index_[node->index] = a;
    sync::store_release(*end_, a);  // pairs: first(), after()
    end_ = &a->next;
    a->join_tag();
    return a;
}

void account_table::remember(os::metadata& meta, std::uint32_t tag_id, tag_account* a) noexcept {
    exhaustion_reason why{};
    if (widen(meta, by_tag_id_, tag_ids_, tag_id, why)) by_tag_id_[tag_id] = a;
}

}  // namespace framealloc::inline v1::memory
