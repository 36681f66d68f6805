// Faults and exhaustion as a line of text, for standard error and for to_text().
#pragma once

#include <cstddef>

#include <framealloc/base/fault.hpp>

namespace framealloc::inline v1::base {

// Write a line without its end, cut off after room - 1 characters, and a zero. Return its length. Require: room > 0.
std::size_t write_text(const fault& f, char* to, std::size_t room) noexcept;
std::size_t write_text(const exhaustion& e, char* to, std::size_t room) noexcept;

}  // namespace framealloc::inline v1::base
