// How mistakes are caught.
#pragma once

#include <framealloc/detail/guard/annotate.hpp>
#include <framealloc/detail/guard/block_table.hpp>
#include <framealloc/detail/guard/frame_log.hpp>
#include <framealloc/detail/guard/own_memory.hpp>
#include <framealloc/detail/guard/pattern.hpp>
#include <framealloc/detail/guard/quarantine.hpp>
