// Which size class serves which: all of them, or those of options::size_classes.
#pragma once

#include <framealloc/detail/memory/size_class.hpp>

namespace framealloc::inline v1::memory {

class class_map {
public:
    // Every class is served by the smallest of these that holds it and is aligned as it is, otherwise by itself.
    void open(const std::size_t* sizes, std::size_t count) noexcept;
    unsigned serving(unsigned size_class) const noexcept { return serving_[size_class]; }
    // The classes that it serves, a bit each.
    std::uint64_t served_by(unsigned size_class) const noexcept { return served_[size_class]; }

    // Whether a heap block is in a page if its size says so. Not where the heap is a resource; and where blocks are
    // guarded, a free may give a wrong size.
    bool sizes_tell() const noexcept { return sizes_tell_; }
    void trust_sizes(bool to) noexcept { sizes_tell_ = to; }

private:
    bool sizes_tell_ = false;
    unsigned char serving_[class_count] = {};
    std::uint64_t served_[class_count] = {};
};

}  // namespace framealloc::inline v1::memory
