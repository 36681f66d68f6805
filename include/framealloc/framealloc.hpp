// framealloc: intent-aware memory for frame loops. This header is everything; each room can be used by itself.
#pragma once

#include <framealloc/account/account.hpp>
#include <framealloc/base/base.hpp>
#include <framealloc/core/core.hpp>
#include <framealloc/insight/insight.hpp>
#include <framealloc/lifetime/lifetime.hpp>
#include <framealloc/memory/memory.hpp>
#include <framealloc/object/object.hpp>
#include <framealloc/os/os.hpp>
#include <framealloc/runtime/runtime.hpp>
#include <framealloc/sync/sync.hpp>
#include <framealloc/version.hpp>
