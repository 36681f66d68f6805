// How threads meet: atomics, the slow-path lock, the list of blocks returning.
#pragma once

#include <framealloc/detail/sync/arrivals.hpp>
#include <framealloc/detail/sync/atomic.hpp>
#include <framealloc/detail/sync/lock.hpp>
#include <framealloc/detail/sync/remote_list.hpp>
#include <framealloc/detail/sync/word.hpp>
