// Jolt's first header, for where Jolt is not installed; see Core/Memory.h.
#pragma once

#include <cstddef>

namespace JPH {
using std::size_t;
}
