// What one operation costs beside few others and beside many: allocators, tags, frames, finalisers, blocks, elements.
// scripts/count_growth.py runs this under callgrind, compares, and knows which growth is expected.
//
//   bench_growth                 every scenario, at the sizes of the everyday test
//   bench_growth --long          further sizes, 10,000,000 blocks among them
//   bench_growth NAME            one scenario
#include "growth.hpp"

#include <cstring>
#include <string_view>

namespace growth {

std::string label(const char* scenario, long n) { return std::string(scenario) + "@" + std::to_string(n); }

}  // namespace growth

int main(int argc, char** argv) {
    struct scenario {
        std::string_view name;
        void (*run)(bool);
    };
    constexpr scenario all[] = {{"allocators", growth::allocators}, {"tags", growth::tags},
                                {"frames", growth::frames},         {"finalisers", growth::finalisers},
                                {"containers", growth::containers}, {"maps", growth::maps},
                                {"blocks", growth::blocks},         {"threads", growth::threads}};
    bool further = false;
    std::string_view only;
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--long") == 0) further = true;
        else only = argv[i];
    }
    bool found = false;
    for (const scenario& s : all) {
        if (!only.empty() && s.name != only) continue;
        s.run(further);
        found = true;
    }
    if (!found) std::fprintf(stderr, "bench_growth: there is no scenario of that name\n");
    return found ? 0 : 2;
}
