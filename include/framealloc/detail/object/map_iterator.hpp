// How a map is walked: over its entries in their order, past the holes.
#pragma once

#include <span>  // forward_iterator_tag; <iterator> itself brings <string> and all streams

#include <framealloc/detail/object/map_table.hpp>
#include <framealloc/detail/object/storage.hpp>

namespace framealloc::inline v1::object {

// Steps over the entries and the marks of `Map` together; the end has neither, wherever it is reached.
template <class Value, class Map>
class map_iterator {
    using cell = map_cell<std::remove_const_t<Value>>;

public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = std::remove_const_t<Value>;
    using difference_type = std::ptrdiff_t;
    using reference = Value&;
    using pointer = Value*;
    // As std's forward iterators; a const one is made of the other. Debug: what the end refers to, and what comes after
    // it, is FA439, and the program ends. Cost: O(1); ++ steps over what was erased.
    map_iterator() noexcept = default;
    map_iterator(cell* at, const occupancy* mark) noexcept : at_(at), mark_(mark) {}
    template <class Other>
        requires(std::is_const_v<Value> && std::is_same_v<const Other, Value>)
    map_iterator(const map_iterator<Other, Map>& o) noexcept : at_(o.at_), mark_(o.mark_) {}
    FRAMEALLOC_INLINE Value& operator*() const noexcept {
        check_entry();
        return at_->entry;
    }
    FRAMEALLOC_INLINE Value* operator->() const noexcept {
        check_entry();
        return __builtin_addressof(at_->entry);
    }
    FRAMEALLOC_INLINE map_iterator& operator++() noexcept {
        check_entry();
        ++at_;
        ++mark_;
        settle();
        return *this;
    }
    FRAMEALLOC_INLINE map_iterator operator++(int) noexcept {
        map_iterator before = *this;
        ++*this;
        return before;
    }
    friend bool operator==(const map_iterator& a, const map_iterator& b) noexcept { return a.at_ == b.at_; }

private:
    template <class, class>
    friend class map_iterator;
    friend Map;
    FRAMEALLOC_INLINE void check_entry() const noexcept {
        if constexpr (Map::looks_at_ends) {
            if (at_ == nullptr) [[unlikely]]
                object::refuse_end();
        }
    }
    void settle() noexcept {
        if (*mark_ != occupancy::full) [[unlikely]]
            pass_holes();
    }
    void pass_holes() noexcept {
        const occupancy* mark = mark_;
        static_assert(occupancy::hole == occupancy{});
        for (std::uint64_t several = 0;; mark += sizeof several) {
            std::memcpy(&several, mark, sizeof several);
            if (several != 0) break;
        }
        while (*mark == occupancy::hole) ++mark;
        at_ = *mark == occupancy::full ? at_ + (mark - mark_) : nullptr;
        mark_ = mark;
    }
    cell* at_ = nullptr;
    const occupancy* mark_ = nullptr;
};

}  // namespace framealloc::inline v1::object
