// Owning pointers to one object or an array: frame_box, pool_box, heap_box. Move-only, and otherwise what
// std::unique_ptr is: they convert to boxes of a base, compare with each other and with nullptr, hash and swap. The
// destructor runs when the box is destroyed, for a frame_box also when its frame ends, whichever is first.
//
//   auto path = alloc.frame_box<route>(from, to);     // fa::frame_box<route>
//   auto npc  = alloc.pool_box<enemy>(position);      // fa::pool_box<enemy>, one pointer in size
//   auto list = alloc.heap_box<float[]>(n);           // fa::heap_box<float[]>, which knows its size()
//   path->length(); route& r = *path;
//
// A base needs a virtual destructor, unless the box is in a frame and the object has nothing to destroy. An empty box
// is null, and its release() is; `*` and `->` of one are FA444 in debug, into_inner() in every mode.
#pragma once

#include <framealloc/object/frame_box.hpp>
#include <framealloc/object/heap_box.hpp>
#include <framealloc/object/pool_box.hpp>
