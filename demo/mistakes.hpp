// The mistakes that the demonstration commits on request.
#pragma once

#include <string>
#include <vector>

namespace demo {

std::vector<std::string> mistakes();
// Makes one of the mistakes in debug mode and shows the report.
void commit_mistake(const std::string& name);

}  // namespace demo
