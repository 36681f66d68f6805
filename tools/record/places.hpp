// Call stacks and the modules that their addresses lie in, each written to the trace once.
#pragma once

#include <cstddef>
#include <cstdint>

namespace recorder {

// Before the first; also in a child, whose trace begins without any. Returns false when there is no memory for the
// table.
bool begin_places() noexcept;
void finish_places() noexcept;

// The number of a stack, written to the trace when it is new; 0 when there are too many.
std::uint32_t stack_number(const std::uintptr_t* addresses, std::size_t n) noexcept;

// After modules may have been unloaded: what is loaded at their addresses later is another module, with other places.
void look_for_unloaded() noexcept;

// Ends of the chunks that are being written to.
void places_chunks(void* (&ends)[2]) noexcept;

}  // namespace recorder
