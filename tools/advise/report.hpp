// Writes the advice in each of its forms.
#pragma once

#include "sites.hpp"

#include <iosfwd>

namespace advise {

void print_report(std::ostream& out, const advice& a, std::size_t places);
void write_options(std::ostream& out, const advice& a);  // C++ that compiles
void write_json(std::ostream& out, const advice& a, std::size_t places);
void write_page(std::ostream& out, const advice& a, std::size_t places);

}  // namespace advise
