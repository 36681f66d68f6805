// Rounds, medians and spreads; a measurement in a process of its own.
#include "measure.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <stdexcept>

#include "rivals.hpp"

namespace bench {

namespace {

// Nanoseconds of the thread, which other programs do not lengthen much; or on the wall.
double now(bool on_the_wall) {
    timespec t{};
    clock_gettime(on_the_wall ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

spread spread_of(std::vector<double> v) {
    std::sort(v.begin(), v.end());
    const auto at = [&](double part) { return v[static_cast<std::size_t>(part * static_cast<double>(v.size() - 1))]; };
    return {v.front(), at(0.25), at(0.5), at(0.75), v.back()};
}

struct running {
    std::unique_ptr<runner> run;
    std::size_t passes = 1;
    result* out = nullptr;
};

void check_same_work(const workload& w, const std::string& first, double a, const std::string& other, double b) {
    if (a == b) return;
    char text[96];
    std::snprintf(text, sizeof text, "%.17g and %.17g", a, b);
    throw std::runtime_error(w.name + ": " + first + " and " + other + " did not do the same work: " + text);
}

double timed(const workload& w, runner& r, std::size_t passes) {
    if (!w.prepared) {
        const double start = now(w.has_threads);
        for (std::size_t i = 0; i < passes; ++i) r.pass();
        return now(w.has_threads) - start;
    }
    double sum = 0;
    for (std::size_t i = 0; i < passes; ++i) {
        r.before();
        const double start = now(w.has_threads);
        r.pass();
        sum += now(w.has_threads) - start;
    }
    return sum;
}

// As many passes as take about the slice.
std::size_t passes_for(const workload& w, runner& r, double slice_us) {
    std::size_t passes = 1;
    for (;;) {
        const double took = timed(w, r, passes);
        if (took >= slice_us * 500 || passes > (std::size_t{1} << 24)) {
            const double exact = static_cast<double>(passes) * slice_us * 1000 / std::max(took, 1.0);
            return std::max<std::size_t>(1, static_cast<std::size_t>(std::lround(exact)));
        }
        passes *= 2;
    }
}

void measure_in_turns(const workload& w, const settings& s, std::vector<result>& results) {
    std::vector<running> all;
    double expected = 0;
    for (std::size_t i = 0; i < w.contestants.size(); ++i) {
        if (!w.contestants[i].make) continue;
        running r{.run = w.contestants[i].make(), .out = &results[i]};
        timed(w, *r.run, 1);
        if (w.prepared) r.run->before();
        const double work = r.run->pass();
        if (all.empty()) expected = work;
        check_same_work(w, all.empty() ? "" : all[0].out->name, expected, results[i].name, work);
        all.push_back(std::move(r));
    }
    for (running& r : all) r.passes = passes_for(w, *r.run, s.slice_us);
    for (unsigned round = 0; round < std::min(s.rounds, w.most_rounds); ++round) {
        for (std::size_t i = 0; i < all.size(); ++i) {
            running& r = all[(i + round) % all.size()];
            if (!w.prepared) r.run->pass();  // the others' turns have emptied the caches
            const double took = timed(w, *r.run, r.passes);
            r.out->rounds.push_back(took / static_cast<double>(r.passes) / w.operations);
        }
    }
}

// In a process of its own, which this program is started for. Not a number when it did not get through.
double in_new_process(const workload& w, std::size_t contestant, const settings& s) {
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("no pipe to a process of its own");
    std::vector<std::string> words = s.arguments;
    words.insert(words.end(), {"--alone", w.name, "--alone-contestant", std::to_string(contestant)});
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child < 0) throw std::runtime_error("no process of its own for " + w.name);
    if (child == 0) {
        dup2(ends[1], 1);
        execv("/proc/self/exe", pointers.data());
        _exit(1);
    }
    close(ends[1]);
    double figure = std::nan("");
    if (read(ends[0], &figure, sizeof figure) != sizeof figure) figure = std::nan("");
    close(ends[0]);
    waitpid(child, nullptr, 0);
    return figure;
}

void measure_in_processes(const workload& w, const settings& s, std::vector<result>& results) {
    const unsigned rounds = std::max(3U, s.rounds / 6);
    for (unsigned round = 0; round < rounds; ++round) {
        for (std::size_t i = 0; i < w.contestants.size(); ++i) {
            const std::size_t at = (i + round) % w.contestants.size();
            if (!w.contestants[at].make || !results[at].missing.empty()) continue;
            const double figure = in_new_process(w, at, s);
            if (std::isnan(figure)) results[at].missing = "its process did not get through";
            else results[at].rounds.push_back(figure);
        }
    }
}

const result* find(const std::vector<result>& results, const std::string& name) {
    const auto i = std::find_if(results.begin(), results.end(), [&](const result& r) { return r.name == name; });
    return i == results.end() || !i->missing.empty() ? nullptr : &*i;
}

// Round by round: what disturbs one round disturbs both.
spread ratio_of(const result& ours, const result& rival) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < std::min(ours.rounds.size(), rival.rounds.size()); ++i)
        ratios.push_back(ours.rounds[i] / rival.rounds[i]);
    return spread_of(std::move(ratios));
}

void add_ratios(std::vector<result>& results) {
    for (result& r : results) {
        const result* ours = find(results, r.against);
        if (r.missing.empty() && ours != nullptr && ours != &r) r.ratio = ratio_of(*ours, r);
    }
}

const result* fastest_malloc(const std::vector<result>& results) {
    const result* best = nullptr;
    std::size_t here = 0;
    for (const malloc_rival& m : malloc_rivals()) {
        const result* r = find(results, m.name);
        if (r == nullptr) continue;
        ++here;
        if (best == nullptr || r->figure.median < best->figure.median) best = r;
    }
    return here < fewest_for_best ? nullptr : best;
}

verdict judge(const gate& g, const std::vector<result>& results) {
    verdict v{.rival = g.rival, .ours = g.ours, .row = g.row, .limit = g.limit};
    const result* rival = g.rival == best_malloc ? fastest_malloc(results) : find(results, g.rival);
    const result* ours = find(results, g.ours);
    if (rival == nullptr || ours == nullptr) return v;
    if (g.rival == best_malloc) v.rival += ", " + rival->name;
    v.ratio = ratio_of(*ours, *rival);
    return v;
}

}  // namespace

double measure_alone(const workload& w, std::size_t contestant) {
    if (contestant >= w.contestants.size() || !w.contestants[contestant].make) return std::nan("");
    runner* r = w.contestants[contestant].make().release();  // its blocks live until the process ends
    const double start = now(w.has_threads);
    const double returned = r->pass();
    return w.what == measure::figure ? returned : (now(w.has_threads) - start) / w.operations;
}

outcome measure_one(const workload& w, const settings& s) {
    outcome o{.of = &w};
    for (const contestant& c : w.contestants)
        o.results.push_back({.name = c.name, .missing = c.make ? "" : c.missing, .against = c.against});
    if (w.what == measure::time) measure_in_turns(w, s, o.results);
    else measure_in_processes(w, s, o.results);
    for (result& r : o.results) {
        if (r.missing.empty()) r.figure = spread_of(r.rounds);
    }
    add_ratios(o.results);
    for (const gate& g : w.gates) o.verdicts.push_back(judge(g, o.results));
    return o;
}

}  // namespace bench
