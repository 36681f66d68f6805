// A growable hash map in frame memory: open addressing with linear probing, at most three quarters full, no tombstones.
//
//   fa::frame_map<id, hit> nearest = frame.map<id, hit>();
//   nearest.insert({key, h});
//   if (auto it = nearest.find(key); it != nearest.end()) use(it->second);
//
// Members as in std::unordered_map. Iterators, pointers and references are invalidated by growth and by erase.
// Cost: find and insert take constant time on average.
#pragma once

#include <string_view>
#include <utility>

#include <framealloc/object/vec.hpp>

namespace framealloc::inline FRAMEALLOC_ABI {

namespace object {

struct equal_to {
    template <class A, class B>
    bool operator()(const A& a, const B& b) const { return a == b; }
};

}  // namespace object

template <class K, class V, class Hash = std::hash<K>, class Equal = object::equal_to, class Policy = active_policy>
class basic_frame_map
    : object::frame_hook<basic_frame_map<K, V, Hash, Equal, Policy>, !std::is_trivially_destructible_v<std::pair<const K, V>>> {
    using hook = object::frame_hook<basic_frame_map, !std::is_trivially_destructible_v<std::pair<const K, V>>>;
    friend hook;

public:
    using key_type = K;
    using mapped_type = V;
    using value_type = std::pair<const K, V>;
    using size_type = std::size_t;

    template <class Value>
    class basic_iterator {
    public:
        using value_type = std::remove_const_t<Value>;
        using difference_type = std::ptrdiff_t;
        using reference = Value&;
        using pointer = Value*;
        basic_iterator() noexcept = default;
        basic_iterator(const unsigned char* used, const unsigned char* last, Value* at) noexcept : used_(used), last_(last), at_(at) { settle(); }
        template <class Other>
            requires(std::is_const_v<Value> && std::is_same_v<const Other, Value>)
        basic_iterator(const basic_iterator<Other>& o) noexcept : used_(o.used_), last_(o.last_), at_(o.at_) {}
        Value& operator*() const noexcept { return *at_; }
        Value* operator->() const noexcept { return at_; }
        basic_iterator& operator++() noexcept {
            ++used_;
            ++at_;
            settle();
            return *this;
        }
        basic_iterator operator++(int) noexcept {
            basic_iterator before = *this;
            ++*this;
            return before;
        }
        friend bool operator==(const basic_iterator& a, const basic_iterator& b) noexcept { return a.at_ == b.at_; }

    private:
        template <class>
        friend class basic_iterator;
        friend class basic_frame_map;
        void settle() noexcept {
            while (used_ != last_ && *used_ == 0) {
                ++used_;
                ++at_;
            }
        }
        const unsigned char* used_ = nullptr;
        const unsigned char* last_ = nullptr;
        Value* at_ = nullptr;
    };
    using iterator = basic_iterator<value_type>;
    using const_iterator = basic_iterator<const value_type>;

    explicit basic_frame_map(frame_source s) noexcept : source_(s) {}
    basic_frame_map(basic_frame_map&& other) noexcept : source_(other.source_) { steal(other); }
    basic_frame_map& operator=(basic_frame_map&& other) noexcept {
        if (this == &other) return *this;
        drop();
        source_ = other.source_;
        steal(other);
        return *this;
    }
    ~basic_frame_map() { drop(); }

    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    std::size_t capacity() const noexcept { return slots_ / 4 * 3; }
    iterator begin() noexcept { check(); return {used_, used_ + slots_, entries_}; }
    iterator end() noexcept { return {used_ + slots_, used_ + slots_, entries_ + slots_}; }
    const_iterator begin() const noexcept { check(); return {used_, used_ + slots_, entries_}; }
    const_iterator end() const noexcept { return {used_ + slots_, used_ + slots_, entries_ + slots_}; }

    iterator find(const K& key) noexcept {
        const std::size_t i = locate(key);
        return i == slots_ ? end() : at_slot(i);
    }
    const_iterator find(const K& key) const noexcept { return const_cast<basic_frame_map*>(this)->find(key); }
    bool contains(const K& key) const noexcept { return locate(key) != slots_; }
    std::size_t count(const K& key) const noexcept { return contains(key) ? 1 : 0; }
    V& at(const K& key) noexcept FRAMEALLOC_LIFETIMEBOUND {
        const std::size_t i = locate(key);
        if (i == slots_) broken_invariant("at() with a key that is not in the map");
        return entries_[i].second;
    }
    const V& at(const K& key) const noexcept FRAMEALLOC_LIFETIMEBOUND { return const_cast<basic_frame_map*>(this)->at(key); }
    V& operator[](const K& key) { return try_emplace(key).first->second; }

    template <class... Args>
    std::pair<iterator, bool> try_emplace(const K& key, Args&&... args) {
        if (const std::size_t i = locate(key); i != slots_) return {at_slot(i), false};
        if (size_ >= capacity()) grow<true>(slots_ == 0 ? 8 : slots_ * 2);
        return {at_slot(place(key, std::forward<Args>(args)...)), true};
    }
    template <class... Args>
    std::pair<iterator, bool> emplace(const K& key, Args&&... args) { return try_emplace(key, std::forward<Args>(args)...); }
    std::pair<iterator, bool> insert(const value_type& v) { return try_emplace(v.first, v.second); }
    std::pair<iterator, bool> insert(value_type&& v) { return try_emplace(v.first, std::move(v.second)); }
    template <class M>
    std::pair<iterator, bool> insert_or_assign(const K& key, M&& value) {
        auto result = try_emplace(key, std::forward<M>(value));
        if (!result.second) result.first->second = std::forward<M>(value);
        return result;
    }
    // Returns whether the key is in the map afterwards; false only when memory is exhausted.
    [[nodiscard]] bool try_insert(const K& key, V value) {
        if (locate(key) != slots_) return true;
        if (size_ >= capacity() && !grow<false>(slots_ == 0 ? 8 : slots_ * 2)) return false;
        place(key, std::move(value));
        return true;
    }
    std::size_t erase(const K& key) noexcept {
        const std::size_t i = locate(key);
        if (i == slots_) return 0;
        remove(i);
        return 1;
    }
    void clear() noexcept {
        check();
        for (std::size_t i = 0; i < slots_; ++i) {
            if (used_[i] != 0) entries_[i].~value_type();
            used_[i] = 0;
        }
        size_ = 0;
    }
    void reserve(std::size_t n) {
        std::size_t slots = slots_ == 0 ? 8 : slots_;
        while (slots / 4 * 3 < n) slots *= 2;
        if (slots > slots_) grow<true>(slots);
    }
    const frame_source& source() const noexcept { return source_; }

private:
    void check() const noexcept { object::check_open<Policy>(source_); }
    iterator at_slot(std::size_t i) noexcept { return {used_ + i, used_ + slots_, entries_ + i}; }

    // std::hash of integers is the identity: the multiplication spreads it (Fibonacci hashing, Knuth 6.4).
    std::size_t home(const K& key) const noexcept { return (Hash{}(key) * 0x9e3779b97f4a7c15ULL) >> shift_; }

    std::size_t locate(const K& key) const noexcept {
        check();
        if (slots_ == 0) return slots_;
        for (std::size_t i = home(key);; i = (i + 1) & (slots_ - 1)) {
            if (used_[i] == 0) return slots_;
            if (Equal{}(entries_[i].first, key)) return i;
        }
    }
    template <class... Args>
    std::size_t place(const K& key, Args&&... args) {
        std::size_t i = home(key);
        while (used_[i] != 0) i = (i + 1) & (slots_ - 1);
        ::new (static_cast<void*>(entries_ + i))
            value_type(key, make(std::forward<Args>(args)...));
        used_[i] = 1;
        ++size_;
        return i;
    }
    template <class... Args>
    static V make(Args&&... args) {
        if constexpr (std::is_constructible_v<V, Args...>) return V(std::forward<Args>(args)...);
        else return V{std::forward<Args>(args)...};
    }
    // Closes the gap by moving back what a probe would no longer reach.
    void remove(std::size_t i) noexcept {
        entries_[i].~value_type();
        used_[i] = 0;
        --size_;
        for (std::size_t j = (i + 1) & (slots_ - 1); used_[j] != 0; j = (j + 1) & (slots_ - 1)) {
            const std::size_t h = home(entries_[j].first);
            if (((j - h) & (slots_ - 1)) < ((j - i) & (slots_ - 1))) continue;
            relocate(entries_ + j, entries_ + i);
            used_[i] = 1;
            used_[j] = 0;
            i = j;
        }
    }
    static void relocate(value_type* from, value_type* to) {
        ::new (static_cast<void*>(to)) value_type(std::move(const_cast<K&>(from->first)), std::move(from->second));
        from->~value_type();
    }

    static std::size_t bytes_for(std::size_t slots) noexcept {
        const std::size_t entries = checked_product(slots, sizeof(value_type));
        return entries == impossible_size ? entries : entries + slots;
    }
    template <bool Must>
    FRAMEALLOC_COLD bool grow(std::size_t slots) {
        if (source_.frame().record() != nullptr && !source_.frame().alive()) revive(__builtin_return_address(0));
        const object::growth_site<Policy> told(source_, __builtin_return_address(0));
        const std::size_t bytes = bytes_for(slots);
        void* p = Must ? source_.allocate(bytes, alignof(value_type)) : source_.try_allocate(bytes, alignof(value_type));
        if (p == nullptr) return false;
        auto* entries = static_cast<value_type*>(p);
        auto* used = reinterpret_cast<unsigned char*>(entries + slots);
        std::memset(used, 0, slots);
        value_type* old_entries = std::exchange(entries_, entries);
        unsigned char* old_used = std::exchange(used_, used);
        const std::size_t old_slots = std::exchange(slots_, slots);
        shift_ = 64;
        while ((std::size_t{1} << (64 - shift_)) < slots) --shift_;
        for (std::size_t i = 0; i < old_slots; ++i) {
            if (old_used[i] == 0) continue;
            std::size_t to = home(old_entries[i].first);
            while (used_[to] != 0) to = (to + 1) & (slots_ - 1);
            relocate(old_entries + i, entries_ + to);
            used_[to] = 1;
        }
        source_.frame().abandon(old_entries);
        this->enlist(source_);
        return true;
    }
    void revive(const void* caller) noexcept {
        source_.frame().raise_ended("a map grew", caller);
        forget();
        source_ = frame_source(source_.frame().record()->context->top);
    }

    void forget() noexcept {
        entries_ = nullptr;
        used_ = nullptr;
        slots_ = size_ = 0;
    }
    void steal(basic_frame_map& other) noexcept {
        entries_ = other.entries_;
        used_ = other.used_;
        slots_ = other.slots_;
        size_ = other.size_;
        shift_ = other.shift_;
        other.forget();
        this->take_over(other);
    }
    void destroy_all() noexcept {
        if constexpr (!std::is_trivially_destructible_v<value_type>) {
            for (std::size_t i = slots_; i != 0; --i) {
                if (used_[i - 1] != 0) entries_[i - 1].~value_type();
            }
        }
    }
    void drop() noexcept {
        this->delist();
        if (entries_ == nullptr) return;
        destroy_all();
        source_.frame().abandon(entries_);
        forget();
    }
    void end_of_frame() noexcept {
        destroy_all();
        forget();
    }

    value_type* entries_ = nullptr;
    unsigned char* used_ = nullptr;  // one byte a slot, behind the entries
    std::size_t slots_ = 0;          // a power of two, or zero
    std::size_t size_ = 0;
    unsigned shift_ = 64;
    frame_source source_;
};

template <class K, class V, class Hash = std::hash<K>, class Equal = object::equal_to>
using frame_map = basic_frame_map<K, V, Hash, Equal>;

}  // namespace framealloc::inline FRAMEALLOC_ABI
