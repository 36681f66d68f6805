// framealloc-bench: what a workload is.
//
// A workload is one sentence and a list of contestants that do the same work. Each contestant makes a runner; a pass of
// it does the workload's operations once and returns a sum over that work, which must be the same for all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace bench {

inline void keep(void* p) { __asm__ volatile("" : : "r"(p) : "memory"); }
inline void* hide(void* p) {
    __asm__ volatile("" : "+r"(p) : : "memory");
    return p;
}
inline void fence() { __asm__ volatile("" : : : "memory"); }

class runner {
public:
    virtual ~runner() = default;
    virtual void before() {}  // what is not measured, before each pass of a workload that is prepared
    virtual double pass() = 0;
};

template <class F>
class function_runner final : public runner {
public:
    explicit function_runner(F f) : f_(std::move(f)) {}
    double pass() override { return static_cast<double>(f_()); }

private:
    F f_;
};
template <class F>
std::unique_ptr<runner> run(F f) {
    return std::make_unique<function_runner<F>>(std::move(f));
}

inline constexpr const char* ours_name = "framealloc";

struct contestant {
    std::string name;
    std::function<std::unique_ptr<runner>()> make{};  // empty: not here
    std::string missing{};  // why it is not here
    std::string against = ours_name;  // the contestant whose figure is divided by this one's
};

// framealloc / rival must not exceed `limit`: the median of the rounds' ratios. The rival "best malloc" is the fastest
// of the general-purpose ones, of which six have to be here.
struct gate {
    std::string rival;
    double limit;
    std::string ours = ours_name;
    std::string row{};  // its name in the table of what is promised of whole operations; empty: it stands in another
};
inline constexpr const char* best_malloc = "best malloc";
inline constexpr std::size_t fewest_for_best = 6;

// The same gates under another name, or of another contestant.
inline std::vector<gate> row(const std::string& name, std::vector<gate> gates) {
    for (gate& g : gates) g.row = name;
    return gates;
}
inline std::vector<gate> of(const std::string& ours, std::vector<gate> gates) {
    for (gate& g : gates) g.ours = ours;
    return gates;
}

enum class measure {
    time,  // nanoseconds an operation, rotated with the others in this process
    fresh_time,  // nanoseconds an operation of one pass in a process of its own, whose memory is untouched
    figure,  // what the pass returns, in a process of its own
};

struct workload {
    std::string group{};
    std::string name{};
    std::string sentence{};
    double operations = 1;  // in a pass
    measure what = measure::time;
    std::string unit = "ns";
    bool prepared = false;
    bool has_threads = false;  // time is that of the clock on the wall; otherwise the processor's time of this thread
    unsigned most_rounds = 1000;
    std::vector<contestant> contestants{};
    std::vector<gate> gates{};

    void add(const std::vector<gate>& more) { gates.insert(gates.end(), more.begin(), more.end()); }
};

using workloads = std::vector<workload>;

void add_frames(workloads& all);
void add_virtual_frames(workloads& all);
void add_scopes(workloads& all);
void add_pools(workloads& all);
void add_heaps(workloads& all);
void add_fresh(workloads& all);
void add_threads(workloads& all);
void add_containers(workloads& all);
void add_maps(workloads& all);
void add_original_frames(workloads& all);
void add_original_blocks(workloads& all);

}  // namespace bench
