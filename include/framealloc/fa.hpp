// The short name, for those who want it: namespace fa.
#pragma once

#include <framealloc/framealloc.hpp>

namespace fa = framealloc;
