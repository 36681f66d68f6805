#pragma once

#include <string>

namespace demo {

// Commits the mistake in debug mode and shows what is reported. Returns false for an unknown one.
bool commit_mistake(const std::string& name);

}  // namespace demo
