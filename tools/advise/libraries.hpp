// Finds the places in libraries that are not the program's own, where frames cannot be known.
#pragma once

#include "sites.hpp"

namespace advise {

// Sets site::lies, lies_in and lies_at, and advice::own_libraries. A library is the program's own unless it is in one
// of the system's library folders; `o` overrides this. Standard C++ libraries are looked through, since their callers
// can give them an allocator. A function of the program is a library's allocator hook if the library calls it from many
// places to allocate. Throws trace::error if a library in `o` is not in the trace.
void find_libraries(advice& a, const trace::recording& r, const study_options& o);

}  // namespace advise
