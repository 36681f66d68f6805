// Handles the SIGBUS that the kernel raises, through no fault of the program, when the mapped trace was truncated.
#pragma once

namespace recorder {

void guard_mappings() noexcept;

}  // namespace recorder
