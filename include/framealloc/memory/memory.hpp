// Where bytes come from: the parts that know a page source and an account, and nothing of threads, frames or tags.
#pragma once

#include <framealloc/memory/arena.hpp>
#include <framealloc/memory/deferred.hpp>
#include <framealloc/memory/heap_cache.hpp>
#include <framealloc/memory/large_heap.hpp>
#include <framealloc/memory/page.hpp>
#include <framealloc/memory/page_set.hpp>
#include <framealloc/memory/remote_blocks.hpp>
#include <framealloc/memory/size_class.hpp>
