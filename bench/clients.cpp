// Real libraries on a hook against the same on malloc (tests/clients): each run in its own process, alternating;
// processor time and peak memory as medians of the rounds' ratios. "idle" is the cost of such a process that runs
// nothing.
//
//   bench_clients            all, seven rounds
//   bench_clients lua 21     one, 21 rounds
//   bench_clients --run lua hook | malloc    one run, for a profiler
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "clients/client.hpp"

namespace {

const clients::client* const all[] = {FRAMEALLOC_CLIENTS};

double processor_seconds() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

long peak_kib() {
    std::FILE* f = std::fopen("/proc/self/status", "r");
    long kib = 0;
    for (char line[256]; f != nullptr && std::fgets(line, sizeof line, f) != nullptr;) {
        if (std::strncmp(line, "VmHWM:", 6) == 0) kib = std::strtol(line + 6, nullptr, 10);
    }
    if (f != nullptr) std::fclose(f);
    return kib;
}

struct outcome {
    double seconds = 0;
    double kib = 0;
    unsigned long long digest = 0;
};

void run_here(const clients::client& c, std::string_view on) {
    const double start = processor_seconds();
    clients::digest d = 0;
    if (on == "malloc") d = c.on_malloc(10);
    if (on == "hook") {
        const clients::fa::smart_alloc alloc;
        d = c.on_hook(clients::fa::hook{alloc, clients::fa::memory_kind::heap, c.name}, 10, [](std::size_t) {});
    }
    std::printf("%f %ld %llu\n", processor_seconds() - start, peak_kib(), static_cast<unsigned long long>(d));
}

outcome run_in_child(const std::string& program, const char* name, const char* on) {
    outcome o;
    std::FILE* f = popen((program + " --run " + name + " " + on).c_str(), "r");
    if (f == nullptr || std::fscanf(f, "%lf %lf %llu", &o.seconds, &o.kib, &o.digest) != 3 || pclose(f) != 0) {
        std::fprintf(stderr, "bench_clients: %s on %s did not finish\n", name, on);
        std::exit(1);
    }
    return o;
}

double median(std::vector<double> v) {
    std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
    return v[v.size() / 2];
}

void compare(const std::string& program, const char* name, int rounds) {
    std::vector<double> time, peak, above_idle, seconds, kib;
    const double idle = run_in_child(program, name, "idle").kib;
    for (int i = 0; i < rounds; ++i) {
        const outcome m = run_in_child(program, name, "malloc"), h = run_in_child(program, name, "hook");
        if (m.digest != h.digest) std::printf("%s: another result\n", name);
        time.push_back(h.seconds / m.seconds);
        peak.push_back(h.kib / m.kib);
        above_idle.push_back((h.kib - idle) / (m.kib - idle));
        seconds.push_back(m.seconds);
        kib.push_back(m.kib);
    }
    std::printf("%-8s %12.2f %12.0f %8.2f %8.2f %12.2f\n", name, median(seconds), median(kib), median(time),
                median(peak), median(above_idle));
}

}  // namespace

int main(int count, char** arguments) {
    const std::string_view first = count > 1 ? arguments[1] : "";
    if (first != "--run")
        std::printf("%-8s %12s %12s %8s %8s %12s\n", "", "malloc s", "malloc KiB", "time", "peak", "above idle");
    for (const auto* c : all) {
        if (first == "--run" && count == 4 && c->name == std::string_view(arguments[2])) run_here(*c, arguments[3]);
        if (first == "--run" || (!first.empty() && first != c->name)) continue;
        compare(arguments[0], c->name, count > 2 ? std::atoi(arguments[2]) : 7);
        std::fflush(stdout);
    }
}
