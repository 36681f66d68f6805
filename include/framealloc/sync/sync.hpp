// How threads meet: atomics, the slow-path lock, the list of blocks coming home.
#pragma once

#include <framealloc/sync/arrivals.hpp>
#include <framealloc/sync/atomic.hpp>
#include <framealloc/sync/lock.hpp>
#include <framealloc/sync/remote_list.hpp>
#include <framealloc/sync/word.hpp>
