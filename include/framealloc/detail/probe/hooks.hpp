// All probes in one table, for core_config::probes.
#pragma once

#include <framealloc/detail/core/probes.hpp>

namespace framealloc::inline v1::memory {

extern const probe_hooks all_probes;

}  // namespace framealloc::inline v1::memory
