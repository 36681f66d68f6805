// Jolt's first header, for machines without Jolt; see Core/Memory.h.
#pragma once

#include <cstddef>

namespace JPH {
using std::size_t;
}
