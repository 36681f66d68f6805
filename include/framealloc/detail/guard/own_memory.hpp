// Memory for what the guard knows. It comes from the operating system, past the allocator's page source, ledger and
// limits, so that guarding does not change what a program may allocate.
#pragma once

#include <cstddef>
#include <cstring>
#include <type_traits>

#include <framealloc/detail/base/align.hpp>
#include <framealloc/os/pages.hpp>

namespace framealloc::inline v1::guard {

// A growing array of plain values. Cost: amortised constant; growing asks the system for pages.
template <class T>
class own_array {
    static_assert(std::is_trivially_copyable_v<T>);

public:
    bool reserve(std::size_t n) noexcept {
        if (n <= capacity_) return true;
        os::system_pages system;
        std::size_t wanted = capacity_ == 0 ? n : capacity_ * 2;
        if (wanted < n) wanted = n;
        const std::size_t bytes = align_up(wanted * sizeof(T), system.granularity());
        void* p = system.reserve(bytes, system.granularity());
        if (p == nullptr) return false;
        if (!system.commit(p, bytes)) {
            system.release(p, bytes);
            return false;
        }
        if (size_ != 0) std::memcpy(p, data_, size_ * sizeof(T));
        const std::size_t used = size_;
        release();
        data_ = static_cast<T*>(p);
        size_ = used;
        capacity_ = bytes / sizeof(T);
        bytes_ = bytes;
        return true;
    }
    bool push(const T& v) noexcept {
        if (!reserve(size_ + 1)) return false;
        data_[size_++] = v;
        return true;
    }
    // Zeroed, as the system gives it.
    bool make_zeroed(std::size_t n) noexcept {
        if (!reserve(n)) return false;
        size_ = n;
        return true;
    }
    void release() noexcept {
        if (data_ != nullptr) os::system_pages{}.release(data_, bytes_);
        data_ = nullptr;
        size_ = capacity_ = bytes_ = 0;
    }
    void resize_down(std::size_t n) noexcept { size_ = n; }
    std::size_t size() const noexcept { return size_; }
    T& operator[](std::size_t i) noexcept { return data_[i]; }
    const T& operator[](std::size_t i) const noexcept { return data_[i]; }
    T& back() noexcept { return data_[size_ - 1]; }
    const T& back() const noexcept { return data_[size_ - 1]; }
    T* begin() noexcept { return data_; }
    T* end() noexcept { return data_ + size_; }

private:
    T* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace framealloc::inline v1::guard
