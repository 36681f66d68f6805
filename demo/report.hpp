// The results of a run, as a table on the terminal and as one HTML file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "game.hpp"

std::string_view chart_script();  // Chart.js

namespace demo {

struct named_bytes {
    std::string name;
    std::size_t bytes;
};

struct variant_result {
    std::string title;
    std::vector<frame_sample> frames;
    std::uint64_t checksum = 0;
    std::size_t peak_bytes = 0;       // most bytes in use by the loop's own code
    std::size_t committed_bytes = 0;  // bytes made accessible for it
};

struct results {
    settings setup;
    std::vector<variant_result> variants;
    std::vector<named_bytes> tags;    // of the framealloc run's last frame, pool and heap included
    std::vector<named_bytes> phases;  // allocated in its last frame
};

void print_table(const results& r);
// Returns false when the file could not be written.
bool write_report(const results& r, const std::string& file);

}  // namespace demo
