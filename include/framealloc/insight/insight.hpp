// What happened: statistics.
#pragma once

#include <framealloc/insight/stats.hpp>
