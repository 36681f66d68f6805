// Versions of the rivals that are headers, as they tell them; "not here" where they are not.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace bench {

std::vector<std::pair<std::string, std::string>> header_versions();

}  // namespace bench
