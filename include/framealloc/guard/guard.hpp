// How mistakes are caught.
#pragma once

#include <framealloc/guard/annotate.hpp>
#include <framealloc/guard/block_table.hpp>
#include <framealloc/guard/frame_log.hpp>
#include <framealloc/guard/own_memory.hpp>
#include <framealloc/guard/pattern.hpp>
#include <framealloc/guard/quarantine.hpp>
