// What was measured, as text, as JSON and as a page.
#pragma once

#include <iosfwd>

#include <nlohmann/json.hpp>

#include "measure.hpp"

namespace bench {

void print_text(const outcome& o);
nlohmann::ordered_json as_json(const outcome& o);
// The machine, the compiler, the libraries and their versions.
nlohmann::ordered_json surroundings(const settings& s);
// A page with a chart for each workload, that needs nothing else. False when the file cannot be written.
bool write_page(const nlohmann::ordered_json& everything, const std::string& file);

}  // namespace bench
