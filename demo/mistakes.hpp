#pragma once

#include <string>
#include <vector>

namespace demo {

std::vector<std::string> mistakes();
// Commits one of them in debug mode and shows what is reported.
void commit_mistake(const std::string& name);

}  // namespace demo
