#pragma once

namespace demo {

// From here on mmap, munmap, mremap, mprotect, brk and madvise end the process. Returns false when the kernel refuses.
bool forbid_memory_calls();
// Gives malloc room beforehand, for Box2D, whose allocations are not what is shown.
void give_malloc_room();

}  // namespace demo
