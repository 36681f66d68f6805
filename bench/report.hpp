// What was measured, as text, as JSON and as a page.
#pragma once

#include <iosfwd>
#include <string>

#include <nlohmann/json.hpp>

#include "measure.hpp"

namespace bench {

void print_text(const outcome& o);
nlohmann::ordered_json as_json(const outcome& o);
// The machine, the compiler, the libraries and their versions.
nlohmann::ordered_json surroundings(const settings& s);
// A page with a chart for each workload, that needs nothing else.
void write_page(const nlohmann::ordered_json& everything, std::ostream& out);
// As text, even where a name of the user's is no UTF-8.
std::string as_text(const nlohmann::ordered_json& everything, int indent);

}  // namespace bench
