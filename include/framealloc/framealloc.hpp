// framealloc: intent-aware memory for frame loops. This header is everything; each room can be used by itself.
#pragma once

#include <framealloc/account/account.hpp>
#include <framealloc/base/base.hpp>
#include <framealloc/insight/insight.hpp>
#include <framealloc/lifetime/lifetime.hpp>
#include <framealloc/memory/deferred.hpp>
#include <framealloc/object/object.hpp>
#include <framealloc/os/os.hpp>
#include <framealloc/runtime/runtime.hpp>
#include <framealloc/version.hpp>
