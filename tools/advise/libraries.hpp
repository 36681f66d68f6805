// Which places lie in libraries that are not the program's, where nobody can know a frame.
#pragma once

#include "sites.hpp"

namespace advise {

// Sets site::lies, lies_in and lies_at, and advice::own_libraries. A library is the program's own unless it lies in a
// system's folder for libraries; `o` says otherwise. Standard C++ libraries are looked through: who calls them can give
// them an allocator. A function of the program is a library's allocator hook when the library calls it from many places
// to allocate. Throws trace::error for a library that is not there.
void find_libraries(advice& a, const trace::recording& r, const study_options& o);

}  // namespace advise
