// Where an allocator's pages come from: the system, a source of the program's, or one piece of memory.
#pragma once

#include <new>

#include <framealloc/detail/os/fixed_pages.hpp>
#include <framealloc/os/pages.hpp>

namespace framealloc::inline v1::memory {

class page_home {
public:
    page_source& source() const noexcept { return *source_; }
    os::system_pages& system() noexcept { return system_; }
    bool is_system() const noexcept { return source_ == &system_; }
    // Of fixed memory; otherwise null.
    os::fixed_pages* fixed() noexcept { return fixed_; }
    void* own_memory() const noexcept { return own_; }

    // Pages of the system, as `system` takes them, or of the program's source unless that is null.
    void use(const os::system_pages& system, page_source* source) noexcept {
        system_ = system;
        source_ = source != nullptr ? source : &system_;
    }
    // One piece of memory; `own`: where it was taken for this, or null.
    void use_fixed(void* begin, std::size_t bytes, void* own) noexcept {
        fixed_ = ::new (static_cast<void*>(storage_)) os::fixed_pages(begin, bytes);
        source_ = fixed_;
        own_ = own;
    }

private:
    os::system_pages system_{};
    page_source* source_ = nullptr;
    os::fixed_pages* fixed_ = nullptr;
    void* own_ = nullptr;
    alignas(os::fixed_pages) unsigned char storage_[sizeof(os::fixed_pages)] = {};
};

}  // namespace framealloc::inline v1::memory
