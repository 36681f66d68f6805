// What another thread may be writing, as it is about now. For reports alone: nothing follows a pointer it returns, or
// relies on a number, without looking whether that can be.
#pragma once

#include <framealloc/detail/base/compiler.hpp>

namespace framealloc::inline v1::sync {

template <class T>
FRAMEALLOC_RACING T glimpse(const T& at) noexcept {
    return *static_cast<const volatile T*>(&at);
}

}  // namespace framealloc::inline v1::sync
