// The front door: options, frame_scope, tag and phase scopes, smart_alloc.
#pragma once

#include <framealloc/runtime/frame_scope.hpp>
#include <framealloc/runtime/hook.hpp>
#include <framealloc/runtime/options.hpp>
#include <framealloc/runtime/smart_alloc.hpp>
#include <framealloc/runtime/tag_scope.hpp>
#include <framealloc/runtime/worker_frames.hpp>
