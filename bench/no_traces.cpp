// Where the tools that read traces are not built.
#include "traces.hpp"

namespace bench {

std::string take_trace(const std::string&) { return "--trace: built without the tools that read traces"; }
void add_traces(workloads&) {}

}  // namespace bench
