// Statistics, events, and what a pointer points to.
#pragma once

#include <framealloc/insight/describe.hpp>
#include <framealloc/insight/lifecycle.hpp>
#include <framealloc/insight/print.hpp>
#include <framealloc/insight/stats.hpp>
