// Two passes over a trace: counts for each place, then what frames of each size would hold.
#include "sites.hpp"

#include "libraries.hpp"
#include "warm_up.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>
#include <utility>

namespace advise {
namespace {

constexpr std::uint64_t pool_most = 4096;  // options::pool_max
constexpr std::uint64_t frame_step = 16;   // how a frame's cursor moves
constexpr std::uint64_t outlier = 4;  // times p99: such a frame loads something and does not represent the others

double per_frame(const advice& a, std::uint64_t blocks, std::uint64_t frames) {
    return frames == 0 ? 0 : static_cast<double>(blocks * a.sampled) / static_cast<double>(frames);
}

std::uint64_t rounded(std::uint64_t bytes, std::uint64_t to) { return (bytes + to - 1) / to * to; }

class places {
public:
    places(const trace::recording& r, std::size_t depth) : of_stack_(r.stack_count() + 1, 0) {
        std::map<std::vector<std::uint64_t>, std::uint32_t> known;
        known[{}] = 0;
        for (std::uint32_t s = 0; s < r.stack_count(); ++s) {
            const auto whole = r.stack(s);
            std::vector<std::uint64_t> key(whole.begin(),
                                           whole.begin() + static_cast<std::ptrdiff_t>(std::min(depth, whole.size())));
            of_stack_[s] = known.emplace(std::move(key), static_cast<std::uint32_t>(known.size())).first->second;
        }
        addresses_.resize(known.size());
        for (auto& [key, number] : known) addresses_[number] = key;
    }
    std::uint32_t of(std::uint32_t stack) const { return stack < of_stack_.size() ? of_stack_[stack] : 0; }
    const std::vector<std::vector<std::uint64_t>>& addresses() const { return addresses_; }

private:
    std::vector<std::uint32_t> of_stack_;
    std::vector<std::vector<std::uint64_t>> addresses_;
};

// Pairs of places: realloc moved a block of the first into a block of the second.
using successors = std::set<std::pair<std::uint32_t, std::uint32_t>>;

// First pass: counts. Frames up to `before` are start-up.
class counting final : public trace::lives {
public:
    counting(advice& a, const places& p, std::uint64_t last_frame, std::uint64_t before = 0)
        : a_(a), p_(p), last_frame_(last_frame), before_(before) {}
    successors grown_into;

    void born(trace::block& b) override {
        const std::uint32_t place = p_.of(b.stack);
        site& s = a_.sites[place];
        if (b.resized && resized_ != nobody && resized_ != place) grown_into.insert({resized_, place});
        resized_ = nobody;
        if (b.frame <= before_) {
            ++s.startup;
        } else {
            if (++s.born == 1) s.first_born = b.frame;
            s.last_born = a_.last_busy = b.frame;
            if (b.size > largest_in_frames) ++s.oversize;
            ++a_.timeline.back().blocks;
            a_.timeline.back().bytes += b.size;
            s.burst = std::max(s.burst, ++s.this_frame);
            if (b.frame > last_frame_ / 2) ++s.late_born, s.late_burst = std::max(s.late_burst, s.this_frame);
            if (s.this_frame == 1) touched_.push_back(&s);
        }
        s.smallest = std::min(s.smallest, b.size);
        s.largest = std::max(s.largest, b.size);
        s.peak_bytes = std::max(s.peak_bytes, s.live_bytes += b.size);
        s.peak_blocks = std::max(s.peak_blocks, ++s.live_blocks);
    }
    void died(const trace::block& b, const trace::ending& e) override {
        site& s = a_.sites[p_.of(b.stack)];
        s.live_bytes -= b.size;
        --s.live_blocks;
        if (e.by_resize) resized_ = p_.of(b.stack);
        if (b.frame <= before_) {
            if (e.frame > before_) ++s.startup_outlived;
            if (e.thread != b.thread) ++s.startup_crossed;
            return;
        }
        count(s, b);
        if (e.thread != b.thread) ++s.crossed;
        const std::uint32_t life = e.frame - b.frame;
        for (std::uint32_t k = life; k <= most_kept; ++k) ++s.within[k];
        note_outlived(s, b, life);
        ++s.lives[life_bin(life)];
        if (e.by_growth) ++s.grown;
        if (b.resized) ++s.resized;
        ++a_.blocks;
        if (life == 0) ++a_.died_in_frame;
    }
    void left(const trace::block& b) override {
        site& s = a_.sites[p_.of(b.stack)];
        s.live_bytes -= b.size;
        --s.live_blocks;
        if (b.frame <= before_) {
            if (last_frame_ > before_) ++s.startup_outlived;
            return;
        }
        const std::uint64_t life = last_frame_ - b.frame;  // at least
        note_outlived(s, b, life);
        if (life <= most_kept) {  // it may still be freed in time, but no earlier than that
            for (std::uint64_t k = 0; k < life; ++k) ++s.undecided[k];
            return;
        }
        if (b.resized) ++s.resized;
        count(s, b);
        ++s.lives[life_bins - 1];
        ++a_.blocks;
    }
    void frame(std::uint32_t, std::uint64_t, std::uint32_t) override {
        a_.timeline.emplace_back();
        for (site* s : touched_) s->this_frame = 0;
        touched_.clear();
    }

private:
    void count(site& s, const trace::block& b) {
        ++s.blocks;
        s.bytes += b.size;
        if (s.sizes.size() < 256 || s.sizes.contains(b.size)) ++s.sizes[b.size];
        else ++s.other_sizes;
    }
    static void note_outlived(site& s, const trace::block& b, std::uint64_t life) {
        for (std::uint64_t k = 0; k < std::min<std::uint64_t>(life, most_kept + 1); ++k)
            s.last_outlived[k] = std::max<std::uint64_t>(s.last_outlived[k], b.frame);
    }

    advice& a_;
    const places& p_;
    std::uint64_t last_frame_, before_;
    static constexpr std::uint32_t nobody = ~std::uint32_t{0};
    std::uint32_t resized_ = nobody;  // the place whose block realloc took last
    std::vector<site*> touched_;
};

// Second pass: how much frame memory each frame would take on each thread, and whether one of its blocks is used beyond
// the frame.
class measuring final : public trace::lives {
public:
    measuring(advice& a, const places& p) : a_(a), p_(p) {}

    void born(trace::block& b) override {
        if (!place(b).in_frames) return;
        ++a_.in_frames;
        if (b.frame == 0) return;
        ++a_.timeline[b.frame - 1].frame_blocks;
        if (b.size > largest_in_frames) ++a_.oversize;
        else uses_[b.thread].add(b);
    }
    void died(const trace::block& b, const trace::ending& e) override {
        const site& s = place(b);
        if (!s.in_frames) return;
        if (e.frame - b.frame > s.kept || e.thread != b.thread) ++a_.dangling;
        if (b.frame == 0 || !e.by_growth || e.frame != b.frame || b.size > largest_in_frames) return;
        // Growth at the end of a frame's memory is in place: only the last size counts. A block below another one
        // moves.
        use& u = uses_[b.thread];
        if ((e.by_resize ? u.top : u.below_top) == b.serial) u.frames[b.frame] -= taken(b);
        else ++a_.sites[p_.of(b.stack)].moved;
    }
    void left(const trace::block& b) override {
        const site& s = place(b);
        if (s.in_frames && a_.frames - b.frame > s.kept) ++a_.dangling;
    }
    void finish() {
        for (auto& [thread, u] : uses_) {
            std::vector<std::uint64_t> bytes;
            thread_use t{.thread = thread};
            for (const auto& [frame, n] : u.frames) {
                if (frame > a_.warm_up) bytes.push_back(n * a_.sampled);
                else t.warm_up_max = std::max(t.warm_up_max, n * a_.sampled);
            }
            std::sort(bytes.begin(), bytes.end());
            const auto at = [&](double share) {
                return bytes[static_cast<std::size_t>(std::ceil(share * static_cast<double>(bytes.size()))) - 1];
            };
            if (!bytes.empty()) t.frame_bytes = {at(0.5), at(0.99), bytes.back()};
            t.frames = bytes.size();
            a_.threads.push_back(t);
        }
        std::sort(a_.threads.begin(), a_.threads.end(),
                  [](const thread_use& x, const thread_use& y) { return x.frame_bytes.max > y.frame_bytes.max; });
    }

private:
    struct use {
        std::map<std::uint32_t, std::uint64_t> frames;
        std::uint64_t top = ~std::uint64_t{0},
                      below_top = ~std::uint64_t{0};  // the latest two blocks in frames, by serial

        // A vector allocates the larger block before it frees the old one.
        void add(const trace::block& b) {
            frames[b.frame] += taken(b);
            below_top = std::exchange(top, b.serial);
        }
    };
    const site& place(const trace::block& b) const { return a_.sites[p_.of(b.stack)]; }
    static std::uint64_t taken(const trace::block& b) {
        return rounded(b.size, std::max(frame_step, std::uint64_t{1} << b.alignment_log2));
    }

    advice& a_;
    const places& p_;
    std::map<std::uint32_t, use> uses_;
};

// The share of the blocks that fits a shape. Blocks that do not fit must still be correct under the advice.
bool fits(site& s, std::uint64_t n) {
    s.share = s.blocks == 0 ? 0 : static_cast<double>(n) / static_cast<double>(s.blocks);
    s.confidence = wilson_lower(n, s.blocks);
    return s.confidence >= needed_confidence;
}

// Frame memory is gone when its frame ends: a single block that is used later, allocated outside every frame or freed
// by another thread rules a frame out. Blocks that need frames in flight are assumed to need no more of them once there
// are enough such blocks.
bool dies_in_frames(const site& s, std::uint32_t kept) {
    if (outliving(s, kept) != 0 || s.startup_outlived != 0 || s.crossed != 0 || s.startup_crossed != 0) return false;
    return kept == 0 || are_enough(s.blocks - s.within[kept - 1]);
}

void judge_life(site& s) {
    for (std::uint32_t k = 0; k <= most_kept; ++k) {
        if (!fits(s, s.within[k])) continue;
        if (s.oversize * 2 > s.born || s.crossed + s.startup_crossed != 0) break;  // then of any lifetime
        if (s.verdict == shape::unknown) {  // the first that most of them fit
            s.verdict = shape::survivors;
            s.kept = k;
        }
        if (!dies_in_frames(s, k)) continue;
        s.verdict = shape::frame;
        s.kept = k;
        s.in_frames = true;
        return;
    }
    if (s.verdict == shape::survivors) fits(s, s.within[s.kept]);
}

void judge(site& s) {
    // Blocks that move on have grown; the last block of each chain has not, so half of all blocks is enough.
    const std::uint64_t growing = moving(s);
    if (growing * 2 >= s.blocks && growing != 0) {
        fits(s, growing);
        if (!are_enough(s.blocks)) return;
        s.verdict = shape::grow;
        s.in_frames = dies_in_frames(s, 0);
        return;
    }
    if (fits(s, s.crossed)) return static_cast<void>(s.verdict = shape::transfer);
    judge_life(s);
    if (s.verdict != shape::unknown || !are_enough(s.blocks)) return;  // too few, whatever they were
    fits(s, s.blocks);
    const std::uint64_t bytes = rounded(s.largest, frame_step);
    const bool alike = bytes == rounded(s.smallest, frame_step) && bytes != 0 && bytes <= pool_most && growing == 0;
    s.verdict = alike ? shape::pool : shape::heap;
    if (alike) s.pool_class = bytes;
}

// Before the first frame, and never again.
bool is_startup(site& s) {
    if (s.born != 0 || !are_enough(s.startup)) return false;
    s.verdict = shape::startup;
    s.share = 1;
    s.confidence = wilson_lower(s.startup, s.startup);
    return true;
}

// Blocks left from the warm-up do not count against the steady state, where the call site can tell the two apart.
void judge_steady(site& s, site& steady) {
    steady.startup_outlived = steady.startup_crossed = 0;
    judge(steady);
    s.steady_born = steady.born;
    s.steady_moving = s.grown >= s.resized ? steady.grown : steady.resized;
    s.steady_verdict = steady.verdict;
    s.steady_kept = steady.kept;
}

// The content of a block that realloc enlarges moves to another place: it is in frames only if it stays in frames
// there.
void follow_growth(advice& a, const successors& grown_into) {
    for (bool again = true; std::exchange(again, false);) {
        for (const auto& [from, to] : grown_into) {
            site& s = a.sites[from];
            if (!s.in_frames || a.sites[to].in_frames) continue;
            s.in_frames = false;
            if (s.verdict == shape::frame) s.verdict = shape::heap;
            again = true;
        }
    }
}

// Places that only a library can change, or that need no change, are in no frame.
void take_out_of_frames(advice& a) {
    for (site& s : a.sites) {
        if (is_in_library(s) && s.verdict != shape::unknown && s.verdict != shape::startup) s.verdict = shape::library;
        if (is_in_library(s) || is_warm_up_only(s)) s.in_frames = false;
    }
}

}  // namespace

bool are_enough(std::uint64_t n) { return wilson_lower(n, n) >= needed_confidence; }

const char* name_of(shape s) {
    switch (s) {
        case shape::unknown: return "unknown";
        case shape::startup: return "start-up";
        case shape::frame: return "frame";
        case shape::survivors: return "survivors";
        case shape::grow: return "grow";
        case shape::transfer: return "transfer";
        case shape::pool: return "pool";
        case shape::heap: return "heap";
        case shape::library: return "library";
    }
    return "";
}

std::size_t life_bin(std::uint32_t frames) {
    if (frames <= 2) return frames;
    return std::min<std::size_t>(static_cast<std::size_t>(std::bit_width(frames - 1)) + 1, life_bins - 2);
}

const char* life_bin_name(std::size_t bin) {
    static constexpr const char* names[life_bins] = {"0",     "1",     "2",      "3-4",  "5-8",  "9-16",
                                                     "17-32", "33-64", "65-128", "129+", "alive"};
    return names[bin];
}

double wilson_lower(std::uint64_t fitting, std::uint64_t n) {
    if (n == 0) return 0;
    constexpr double z = 1.959964;  // of the normal distribution, two-sided 95 %
    const double count = static_cast<double>(n), p = static_cast<double>(fitting) / count;
    return (p + z * z / (2 * count) - z * std::sqrt(p * (1 - p) / count + z * z / (4 * count * count))) /
           (1 + z * z / count);
}

namespace {

void add_to(phase& p, const advice& a, const site& s, std::uint64_t born, std::uint64_t moved_on) {
    const double rate = per_frame(a, born, p.frames);
    double removed = 0;
    p.born += born;
    if (is_in_library(s)) p.in_libraries += removed = rate;
    else if (is_warm_up_only(s)) removed = 0;
    else if (s.verdict == shape::grow && !s.in_frames)
        removed = per_frame(a, moved_on, p.frames);  // the last block of each chain remains
    else if (s.in_frames || s.verdict == shape::transfer || s.verdict == shape::pool) removed = rate;
    if (removed != 0 && !is_in_library(s)) p.removed[s.verdict] += removed;
    p.staying += rate - removed;
}

void sum_phases(advice& a, const advice& steady) {
    a.steady = {.frames = a.frames - a.warm_up, .blocks = steady.blocks, .died_in_frame = steady.died_in_frame};
    a.warm = {.frames = a.warm_up,
              .blocks = a.blocks - steady.blocks,
              .died_in_frame = a.died_in_frame - steady.died_in_frame};
    std::uint64_t born = 0;
    for (const site& s : a.sites) {
        add_to(a.steady, a, s, s.steady_born, s.steady_moving);
        add_to(a.warm, a, s, s.born - s.steady_born, moving(s) - s.steady_moving);
        born += s.born;
    }
    for (phase* p : {&a.warm, &a.steady}) p->mallocs_per_frame = per_frame(a, p->born, p->frames);
    a.mallocs_per_frame = per_frame(a, born, a.frames);
}

// Slices of time give no capacity: a frame of the program may be longer than a slice.
void choose_capacity(advice& a) {
    if (a.slice_us != 0) return;
    for (const thread_use& t : a.threads) {
        const percentiles& use = t.frame_bytes;
        const bool loads = use.max > outlier * use.p99;
        a.load_frames = a.load_frames || loads;
        a.frame_capacity = std::max(a.frame_capacity, rounded(loads ? use.p99 : use.max, 4096));
    }
    a.capped = a.frame_capacity > most_capacity;
    if (a.capped) a.frame_capacity = most_capacity;
}

// Called after the places were judged and measured.
void sum_up(advice& a, const advice& steady) {
    std::map<std::uint64_t, std::uint64_t> classes;
    for (const site& s : a.sites) {
        if (s.in_frames) a.frames_in_flight = std::max(a.frames_in_flight, s.kept + 1);
        if (s.verdict == shape::pool && !is_warm_up_only(s)) classes[s.pool_class] += s.peak_blocks * a.sampled;
    }
    a.classes.assign(classes.begin(), classes.end());
    sum_phases(a, steady);
    choose_capacity(a);
}

advice judge_nothing(advice& a) {
    for (site& s : a.sites) {
        is_startup(s);
        s.steady_born = s.born;
        s.steady_moving = moving(s);
    }
    return a;
}

// Judges all places, over all frames and over those after the warm-up; returns the counts of the latter.
advice judge_all(advice& a, const trace::recording& r, const places& p, const study_options& o,
                 const successors& grown_into) {
    const auto site_of = [&](std::uint32_t stack) { return p.of(stack); };
    if (o.warm_up) a.warm_up = *o.warm_up;
    else find_warm_up(a, r, site_of);
    a.warm_up_given = o.warm_up.has_value();
    if (a.warm_up > a.frames - needed_frames)
        throw trace::error("a warm-up of " + std::to_string(a.warm_up) + " of " + std::to_string(a.frames) +
                           " frames leaves less than " + std::to_string(needed_frames) + " to judge");
    advice steady;
    if (a.warm_up == 0) {
        steady = a;
    } else {
        steady.sites.resize(a.sites.size());
        counting(steady, p, r.marks(), a.warm_up).follow(r, site_of);
    }
    for (std::size_t i = 0; i < a.sites.size(); ++i) {
        if (!is_startup(a.sites[i])) judge(a.sites[i]);
        judge_steady(a.sites[i], steady.sites[i]);
    }
    find_libraries(a, r, o);
    take_out_of_frames(a);
    follow_growth(a, grown_into);
    measuring second(a, p);
    second.follow(r, site_of);
    second.finish();
    return steady;
}

}  // namespace

advice study(const trace::recording& r, const study_options& o) {
    advice a;
    a.program = r.header().program;
    a.frame_name = r.header().frame_name;
    a.stopped = r.header().unrecorded != 0 ? r.why_stopped() : "";
    a.frames = r.marks();
    a.events = r.events();
    a.sampled = r.header().sample;
    if (r.header().frames == trace::frame_source::time) a.slice_us = std::max(r.header().every_us, 1U);
    a.enough_frames = a.frames >= needed_frames;
    const places p(r, o.depth);
    for (const auto& addresses : p.addresses()) {
        a.sites.emplace_back();
        a.sites.back().addresses = addresses;
    }
    counting first(a, p, r.marks());
    first.follow(r, [&](std::uint32_t stack) { return p.of(stack); });
    a.unknown_ends = first.unknown_ends();
    sum_up(a, a.enough_frames ? judge_all(a, r, p, o, first.grown_into) : judge_nothing(a));
    std::erase_if(a.sites, [](const site& s) { return s.born + s.startup == 0; });
    std::sort(a.sites.begin(), a.sites.end(), [](const site& x, const site& y) {
        if (x.steady_born != y.steady_born) return x.steady_born > y.steady_born;
        return x.born != y.born ? x.born > y.born : x.startup > y.startup;
    });
    return a;
}

void skip_wrappers(advice& a) {
    constexpr std::size_t everywhere = 16;  // callers
    std::map<std::uint64_t, std::set<std::uint64_t>> callers;
    for (const site& s : a.sites) {
        for (std::size_t i = 0; i + 1 < s.addresses.size(); ++i) callers[s.addresses[i]].insert(s.addresses[i + 1]);
    }
    for (site& s : a.sites) {
        if (is_in_library(s)) s.named = s.lies_at;
        while (s.named + 1 < s.addresses.size() && callers[s.addresses[s.named]].size() >= everywhere) ++s.named;
    }
}

std::vector<site*> to_be_named(advice& a, std::size_t places) {
    constexpr std::size_t peaks = 40;
    std::vector<site*> all, named;
    for (site& s : a.sites) all.push_back(&s);
    named.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(places, all.size())));
    if (!a.enough_frames) return named;
    const auto most = all.begin() + static_cast<std::ptrdiff_t>(std::min(peaks, all.size()));
    std::partial_sort(all.begin(), most, all.end(),
                      [](const site* x, const site* y) { return x->peak_bytes > y->peak_bytes; });
    named.insert(named.end(), all.begin(), most);
    std::sort(named.begin(), named.end());
    named.erase(std::unique(named.begin(), named.end()), named.end());
    return named;
}

namespace {

// Places peak at different times: their common peak is less than the sum.
class peaks_of_tags final : public trace::lives {
public:
    peaks_of_tags(std::vector<tag_use>& tags, const std::vector<std::size_t>& tag_of_place, const places& p)
        : tags_(tags), of_(tag_of_place), p_(p), live_(tags.size()) {}
    void born(trace::block& b) override {
        const std::size_t t = of_[p_.of(b.stack)];
        tags_[t].peak_bytes = std::max(tags_[t].peak_bytes, live_[t] += b.size);
    }
    void died(const trace::block& b, const trace::ending&) override { live_[of_[p_.of(b.stack)]] -= b.size; }
    void left(const trace::block& b) override { live_[of_[p_.of(b.stack)]] -= b.size; }

private:
    std::vector<tag_use>& tags_;
    const std::vector<std::size_t>& of_;
    const places& p_;
    std::vector<std::uint64_t> live_;
};

}  // namespace

void sum_tags(advice& a, const trace::recording& r, std::size_t depth) {
    const places p(r, depth);
    std::map<std::vector<std::uint64_t>, std::size_t> numbers;
    for (std::size_t i = 0; i < p.addresses().size(); ++i) numbers[p.addresses()[i]] = i;
    std::map<std::string, std::size_t> known;
    std::vector<std::size_t> tag_of_place(p.addresses().size());
    for (const site& s : a.sites) {
        const auto [i, fresh] = known.emplace(s.tag, a.tags.size());
        if (fresh) a.tags.push_back({.tag = s.tag});
        tag_use& t = a.tags[i->second];
        ++t.places;
        t.warm += per_frame(a, s.born - s.steady_born, a.warm.frames);
        t.steady += per_frame(a, s.steady_born, a.steady.frames);
        tag_of_place[numbers.at(s.addresses)] = i->second;
    }
    if (a.tags.empty()) return;
    peaks_of_tags(a.tags, tag_of_place, p).follow(r, [&](std::uint32_t stack) { return p.of(stack); });
    for (tag_use& t : a.tags) t.peak_bytes *= a.sampled;
    std::sort(a.tags.begin(), a.tags.end(),
              [](const tag_use& x, const tag_use& y) { return x.peak_bytes > y.peak_bytes; });
}

}  // namespace advise
