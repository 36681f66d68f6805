// The modes as types. `minimal` and `standard` share every hot path; `debug` sends each allocation down the slow path,
// where it is checked, counted and filled.
#pragma once

#include <framealloc/base/site.hpp>
#include <framealloc/config.hpp>

namespace framealloc::inline FRAMEALLOC_ABI {

namespace policy {

struct minimal {
    static constexpr bool checks = false;   // containers and scopes verify frame and thread on each access
    static constexpr bool reports = false;  // cheap misuse found on slow paths is reported
    using site_type = no_site;
};

struct standard {
    static constexpr bool checks = false;
    static constexpr bool reports = true;
    using site_type = no_site;
};

struct debug {
    static constexpr bool checks = true;
    static constexpr bool reports = true;
    using site_type = site;
};

}  // namespace policy

using active_policy = policy::FRAMEALLOC_MODE;

}  // namespace framealloc::inline FRAMEALLOC_ABI
