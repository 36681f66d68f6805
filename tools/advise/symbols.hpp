// Names of return addresses, with inlined functions and lines where debug information exists: eu-addr2line, once for
// every module.
#pragma once

#include "trace/reader.hpp"

#include <map>

namespace advise {

// By return address: "function (file:line)", followed by inlined callers after " < "; "module+0x1234" for an address
// without information.
std::map<std::uint64_t, std::string> names_of(const trace::recording& r, const std::vector<std::uint64_t>& addresses);

// The file of the object that contains an address, without its path; empty if unknown.
std::string module_of(const trace::recording& r, std::uint64_t address);

// The functions of an address, innermost first: each but the last is inlined into the next.
std::vector<std::string> inlined(const std::string& name);

// A function's name without its line, parameters and template arguments: "Game::update".
std::string plain_name(const std::string& name);

}  // namespace advise
