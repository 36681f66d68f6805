// What the kernel sends when the file behind a mapping was cut: SIGBUS, to a program that did nothing wrong.
#pragma once

namespace recorder {

void guard_mappings() noexcept;

}  // namespace recorder
