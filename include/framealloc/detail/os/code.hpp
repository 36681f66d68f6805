// Finds the program's call behind an address: places in code, for reports.
#pragma once

#include <cstddef>

#include <framealloc/base/site.hpp>
#include <framealloc/detail/sync/lock.hpp>

namespace framealloc::inline v1::os {

// "program+0x1234" for an address in code, as `addr2line -i -e program 0x1234` wants it; empty where it is unknown.
void name_code(const void* instruction, char* buffer, std::size_t size) noexcept;

// The program's own call that led here. A place with a line is returned as it is, and so is an instruction in the
// program's own code; otherwise the newest instruction on this thread's stack (from s.caller on, when it is there) that
// is neither in this library's functions nor in those of the standard library or the system. They are known by the
// names in the program's symbol table: without one, an instruction is returned as it is, and nothing where there is
// none, or the stack cannot be walked.
// Threads: any; may be called in a handler of SIGSEGV. Allocates no memory but pages of its own, once for each module.
// Cost: a search among the module's functions; a walk is about a microsecond.
site own_call(const site& s = {}) noexcept;
sync::lock& code_lock() noexcept;  // for fork alone

}  // namespace framealloc::inline v1::os
