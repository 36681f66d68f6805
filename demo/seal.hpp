// Proof that a loop takes no memory from the system: the kernel ends the process that asks for some.
#pragma once

namespace demo {

// From here on mmap, munmap, mremap, mprotect, brk and madvise end the process. Returns false when the kernel refuses.
bool forbid_memory_calls();
// Gives malloc room in advance, for Box2D, whose allocations are not part of the demonstration.
void give_malloc_room();

}  // namespace demo
