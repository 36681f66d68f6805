// What the language lacks: alignment, sizes, sites, policies, callbacks and the letter-box for mistakes.
#pragma once

#include <framealloc/base/callback.hpp>
#include <framealloc/base/capability.hpp>
#include <framealloc/base/fault.hpp>
#include <framealloc/base/kind.hpp>
#include <framealloc/base/observer.hpp>
#include <framealloc/base/policy.hpp>
#include <framealloc/base/site.hpp>
#include <framealloc/base/size.hpp>
