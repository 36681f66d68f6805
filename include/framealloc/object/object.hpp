// Boxes, growable containers, and allocators for standard and other containers.
#pragma once

#include <framealloc/object/allocators.hpp>
#include <framealloc/object/box.hpp>
#include <framealloc/object/lives_in_frame.hpp>
#include <framealloc/object/map.hpp>
#include <framealloc/object/shared.hpp>
#include <framealloc/object/sources.hpp>
#include <framealloc/object/string.hpp>
#include <framealloc/object/transfer.hpp>
#include <framealloc/object/vec.hpp>
