// Call stacks and the modules that contain their addresses, each written to the trace once.
#pragma once

#include <cstddef>
#include <cstdint>

namespace recorder {

// Called before the first stack, also in a child, whose trace begins without stacks. Returns false if there is no
// memory for the table.
bool begin_places() noexcept;
void finish_places() noexcept;

// The number of a stack, which is written to the trace when it is new; 0 if there are too many.
std::uint32_t stack_number(const std::uintptr_t* addresses, std::size_t n) noexcept;

// Called after modules may have been unloaded: a module loaded later at their addresses has other places.
void look_for_unloaded() noexcept;

// The ends of the chunks that are being written to.
void places_chunks(void* (&ends)[2]) noexcept;

}  // namespace recorder
