// Where bytes come from: the parts that know a page source and an account, and nothing of threads, frames or tags.
#pragma once

#include <framealloc/detail/memory/arena.hpp>
#include <framealloc/detail/memory/heap_cache.hpp>
#include <framealloc/detail/memory/large_heap.hpp>
#include <framealloc/detail/memory/page.hpp>
#include <framealloc/detail/memory/page_set.hpp>
#include <framealloc/detail/memory/remote_blocks.hpp>
#include <framealloc/detail/memory/size_class.hpp>
#include <framealloc/memory/deferred.hpp>
