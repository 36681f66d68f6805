// Checked or not: the one difference between modes that inline code sees, as types. Unchecked code has every hot path;
// checked code sends each allocation down the slow path, where it is looked at, counted and filled. All else is an
// option of the allocator.
#pragma once

#include <framealloc/base/site.hpp>
#include <framealloc/config.hpp>

namespace framealloc::inline v1 {

namespace policy {

struct unchecked {
    static constexpr bool checks = false;  // containers and scopes verify frame and thread on each access
    using site_type = no_site;
};

struct checked {
    static constexpr bool checks = true;
    using site_type = site;
};

// What FRAMEALLOC_MODE may be. minimal is standard where options::reports is off unless it says otherwise.
using minimal = unchecked;
using standard = unchecked;
using debug = checked;

}  // namespace policy

using active_policy = policy::FRAMEALLOC_MODE;

// Defined by a library that was built in the mode of this code.
extern const char FRAMEALLOC_BUILT;

namespace {
// Makes a checked program and an unchecked library, or the reverse, fail to link.
[[gnu::used]] const char* const built_in_the_same_mode = &FRAMEALLOC_BUILT;
}  // namespace

}  // namespace framealloc::inline v1
