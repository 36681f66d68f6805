// How a map is walked: over the slots that are full.
#pragma once

#include <span>  // forward_iterator_tag; <iterator> itself brings <string> and all streams

#include <framealloc/detail/object/map_table.hpp>

namespace framealloc::inline v1::object {

// Steps over the marks and the entries of `Map` together.
template <class Value, class Map>
class map_iterator {
public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = std::remove_const_t<Value>;
    using difference_type = std::ptrdiff_t;
    using reference = Value&;
    using pointer = Value*;
    // As std's forward iterators; a const one is made of the other. Cost: O(1); ++ steps over slots that are not full.
    map_iterator() noexcept = default;
    map_iterator(const unsigned char* used, const unsigned char* last, Value* at) noexcept
        : used_(used), last_(last), at_(at) {}
    template <class Other>
        requires(std::is_const_v<Value> && std::is_same_v<const Other, Value>)
    map_iterator(const map_iterator<Other, Map>& o) noexcept : used_(o.used_), last_(o.last_), at_(o.at_) {}
    Value& operator*() const noexcept { return *at_; }
    Value* operator->() const noexcept { return at_; }
    map_iterator& operator++() noexcept {
        ++used_;
        ++at_;
        settle();
        return *this;
    }
    map_iterator operator++(int) noexcept {
        map_iterator before = *this;
        ++*this;
        return before;
    }
    friend bool operator==(const map_iterator& a, const map_iterator& b) noexcept { return a.at_ == b.at_; }

private:
    template <class, class>
    friend class map_iterator;
    friend Map;
    void settle() noexcept {
        while (used_ != last_ && *used_ < full_slot) {
            ++used_;
            ++at_;
        }
    }
    const unsigned char* used_ = nullptr;
    const unsigned char* last_ = nullptr;
    Value* at_ = nullptr;
};

}  // namespace framealloc::inline v1::object
