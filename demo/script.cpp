// Chart.js as Debian ships it (MIT), carried in the program so that the report needs nothing from elsewhere.
#include "report.hpp"

__asm__(
    ".section .rodata\n"
    ".global framealloc_demo_chart\n"
    "framealloc_demo_chart:\n"
    ".incbin \"" CHART_SCRIPT "\"\n"
    ".global framealloc_demo_chart_end\n"
    "framealloc_demo_chart_end:\n"
    ".byte 0\n"
    ".previous\n");

extern "C" const char framealloc_demo_chart[];
extern "C" const char framealloc_demo_chart_end[];

namespace demo {

std::string_view chart_script() { return {framealloc_demo_chart, static_cast<std::size_t>(framealloc_demo_chart_end - framealloc_demo_chart)}; }

}  // namespace demo
