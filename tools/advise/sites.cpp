#include "sites.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>
#include <utility>

namespace advise {
namespace {

constexpr std::uint64_t pool_most = 4096;  // options::pool_max
constexpr std::uint64_t frame_step = 16;   // how a frame's cursor moves
constexpr std::uint64_t outlier = 4;       // times p99: a frame that loads something, and no measure for the others

double per_frame(const advice& a, std::uint64_t blocks) { return static_cast<double>(blocks * a.sampled) / static_cast<double>(std::max<std::uint64_t>(a.frames, 1)); }

std::uint64_t rounded(std::uint64_t bytes, std::uint64_t to) { return (bytes + to - 1) / to * to; }

class places {
public:
    places(const trace::recording& r, std::size_t depth) : of_stack_(r.stack_count() + 1, 0) {
        std::map<std::vector<std::uint64_t>, std::uint32_t> known;
        known[{}] = 0;
        for (std::uint32_t s = 0; s < r.stack_count(); ++s) {
            const auto whole = r.stack(s);
            std::vector<std::uint64_t> key(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(std::min(depth, whole.size())));
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

// First: counts.
class counting final : public trace::lives {
public:
    counting(advice& a, const places& p, std::uint64_t last_frame) : a_(a), p_(p), last_frame_(last_frame) {}

    void born(trace::block& b) override {
        site& s = a_.sites[p_.of(b.stack)];
        if (b.frame == 0) {
            ++s.startup;
        } else {
            ++s.born;
            s.last_born = a_.last_busy = b.frame;
            ++a_.timeline.back().blocks;
            a_.timeline.back().bytes += b.size;
            s.burst = std::max(s.burst, ++s.this_frame);
            if (s.this_frame == 1) touched_.push_back(&s);
        }
        s.smallest = std::min(s.smallest, b.size);
        s.largest = std::max(s.largest, b.size);
        if (b.size > largest_in_frames) ++s.oversize;
        s.peak_bytes = std::max(s.peak_bytes, s.live_bytes += b.size);
        s.peak_blocks = std::max(s.peak_blocks, ++s.live_blocks);
    }
    void died(const trace::block& b, const trace::ending& e) override {
        site& s = a_.sites[p_.of(b.stack)];
        s.live_bytes -= b.size;
        --s.live_blocks;
        if (e.thread != b.thread) ++s.crossed;
        if (b.frame == 0) {
            if (e.frame != 0) ++s.startup_outlived;
            return;
        }
        count(s, b);
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
        if (b.frame == 0) {
            if (last_frame_ != 0) ++s.startup_outlived;
            return;
        }
        const std::uint64_t life = last_frame_ - b.frame;  // at least
        note_outlived(s, b, life);
        if (life <= most_kept) {  // it may yet have been freed in time, but not in less than that
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
        for (std::uint64_t k = 0; k < std::min<std::uint64_t>(life, most_kept + 1); ++k) s.last_outlived[k] = std::max<std::uint64_t>(s.last_outlived[k], b.frame);
    }

    advice& a_;
    const places& p_;
    std::uint64_t last_frame_;
    std::vector<site*> touched_;
};

// Second: how much frame memory each frame would take, thread by thread, and whether a block of it is used beyond its frame.
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
        // Growth at the end of a frame's memory is in place: only the last size counts. What has something on top of it moves.
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
            for (const auto& [frame, n] : u.frames) bytes.push_back(n);
            std::sort(bytes.begin(), bytes.end());
            const auto at = [&](double share) { return bytes[static_cast<std::size_t>(std::ceil(share * static_cast<double>(bytes.size()))) - 1]; };
            a_.threads.push_back({.thread = thread, .frame_bytes = {at(0.5), at(0.99), bytes.back()}, .frames = bytes.size()});
        }
        std::sort(a_.threads.begin(), a_.threads.end(), [](const thread_use& x, const thread_use& y) { return x.frame_bytes.max > y.frame_bytes.max; });
    }

private:
    struct use {
        std::map<std::uint32_t, std::uint64_t> frames;
        std::uint64_t top = ~std::uint64_t{0}, below_top = ~std::uint64_t{0};  // the latest two blocks in frames, by serial

        // A vector makes the larger block before it frees the one that this grew from.
        void add(const trace::block& b) {
            frames[b.frame] += taken(b);
            below_top = std::exchange(top, b.serial);
        }
    };
    const site& place(const trace::block& b) const { return a_.sites[p_.of(b.stack)]; }
    static std::uint64_t taken(const trace::block& b) { return rounded(b.size, std::max(frame_step, std::uint64_t{1} << b.alignment_log2)); }

    advice& a_;
    const places& p_;
    std::map<std::uint32_t, use> uses_;
};

bool are_enough(std::uint64_t blocks) { return wilson_lower(blocks, blocks) >= needed_confidence; }

// A share of the blocks fits a shape, or none is meant. What does not fit must be right with the advice all the same.
bool fits(site& s, std::uint64_t n) {
    s.share = s.blocks == 0 ? 0 : static_cast<double>(n) / static_cast<double>(s.blocks);
    s.confidence = wilson_lower(n, s.blocks);
    return s.confidence >= needed_confidence;
}

// Frame memory is no more when its frame ends: one block that is used later, made outside every frame or freed by another thread would be one
// too many. Blocks that need frames in flight are believed to need no more when there are enough of them.
bool dies_in_frames(const site& s, std::uint32_t kept) {
    if (outliving(s, kept) != 0 || s.startup_outlived != 0 || s.crossed != 0) return false;
    return kept == 0 || are_enough(s.blocks - s.within[kept - 1]);
}

void judge_life(site& s) {
    for (std::uint32_t k = 0; k <= most_kept; ++k) {
        if (!fits(s, s.within[k])) continue;
        if (s.oversize * 2 > s.born || s.crossed != 0) break;  // of any life, then
        if (s.verdict == shape::unknown) {                     // the first that most of them fit
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
    // What moves on is grown; the last block of each chain is not, so half of all is most of them.
    const std::uint64_t growing = std::max(s.grown, s.resized);
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

}  // namespace

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
    }
    return "";
}

std::size_t life_bin(std::uint32_t frames) {
    if (frames <= 2) return frames;
    return std::min<std::size_t>(static_cast<std::size_t>(std::bit_width(frames - 1)) + 1, life_bins - 2);
}

const char* life_bin_name(std::size_t bin) {
    static constexpr const char* names[life_bins] = {"0", "1", "2", "3-4", "5-8", "9-16", "17-32", "33-64", "65-128", "129+", "alive"};
    return names[bin];
}

double wilson_lower(std::uint64_t fitting, std::uint64_t n) {
    if (n == 0) return 0;
    constexpr double z = 1.959964;  // of the normal distribution, two-sided 95 %
    const double count = static_cast<double>(n), p = static_cast<double>(fitting) / count;
    return (p + z * z / (2 * count) - z * std::sqrt(p * (1 - p) / count + z * z / (4 * count * count))) / (1 + z * z / count);
}

// After the places were judged and measured.
static void sum_up(advice& a) {
    std::map<std::uint64_t, std::uint64_t> classes;
    for (const site& s : a.sites) {
        const double rate = per_frame(a, s.born);
        a.mallocs_per_frame += rate;
        if (s.verdict == shape::frame) a.frames_in_flight = std::max(a.frames_in_flight, s.kept + 1);
        if (s.verdict == shape::pool) classes[s.pool_class] += s.peak_blocks * a.sampled;
        double removed = 0;
        if (s.verdict == shape::grow) removed = per_frame(a, std::max(s.grown, s.resized));
        else if (s.verdict == shape::frame || s.verdict == shape::transfer || s.verdict == shape::pool) removed = rate;
        if (removed != 0) a.removed[s.verdict] += removed;
        a.staying += rate - removed;
    }
    a.classes.assign(classes.begin(), classes.end());
    for (const thread_use& t : a.threads) {
        const percentiles& use = t.frame_bytes;
        const bool loads = use.max > outlier * use.p99;
        a.load_frames = a.load_frames || loads;
        a.frame_capacity = std::max(a.frame_capacity, rounded((loads ? use.p99 : use.max) * a.sampled, 4096));
    }
    if (a.slice_us != 0) a.frame_capacity = 0;
    std::uint64_t late = 0;
    for (std::size_t i = a.timeline.size() / 2; i < a.timeline.size(); ++i) late += a.timeline[i].blocks;
    a.late_mallocs = static_cast<double>(late * a.sampled) / static_cast<double>(std::max<std::size_t>(a.timeline.size() - a.timeline.size() / 2, 1));
    a.capped = a.frame_capacity > most_capacity;
    if (a.capped) a.frame_capacity = most_capacity;
}

advice study(const trace::recording& r, std::size_t depth) {
    advice a;
    a.program = r.header().program;
    a.frame_name = r.header().frame_name;
    a.frames = r.marks();
    a.events = r.events();
    a.sampled = r.header().sample;
    if (r.header().frames == trace::frame_source::time) a.slice_us = std::max(r.header().every_us, 1U);
    a.enough_frames = a.frames >= needed_frames;
    const places p(r, depth);
    for (const auto& addresses : p.addresses()) {
        a.sites.emplace_back();
        a.sites.back().addresses = addresses;
    }
    const auto site_of = [&](std::uint32_t stack) { return p.of(stack); };
    counting first(a, p, r.marks());
    first.follow(r, site_of);
    a.unknown_ends = first.unknown_ends();
    for (site& s : a.sites) {
        if (!is_startup(s) && a.enough_frames) judge(s);
    }
    if (a.enough_frames) {
        measuring second(a, p);
        second.follow(r, site_of);
        second.finish();
    }
    sum_up(a);
    std::erase_if(a.sites, [](const site& s) { return s.born + s.startup == 0; });
    std::sort(a.sites.begin(), a.sites.end(), [](const site& x, const site& y) { return x.born != y.born ? x.born > y.born : x.startup > y.startup; });
    return a;
}

void skip_wrappers(advice& a) {
    constexpr std::size_t everywhere = 16;  // callers
    std::map<std::uint64_t, std::set<std::uint64_t>> callers;
    for (const site& s : a.sites) {
        for (std::size_t i = 0; i + 1 < s.addresses.size(); ++i) callers[s.addresses[i]].insert(s.addresses[i + 1]);
    }
    for (site& s : a.sites) {
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
    std::partial_sort(all.begin(), most, all.end(), [](const site* x, const site* y) { return x->peak_bytes > y->peak_bytes; });
    named.insert(named.end(), all.begin(), most);
    std::sort(named.begin(), named.end());
    named.erase(std::unique(named.begin(), named.end()), named.end());
    return named;
}

namespace {

// Places have their peaks at different times: the peak of them together is less than the sum.
class peaks_of_tags final : public trace::lives {
public:
    peaks_of_tags(std::vector<tag_use>& tags, const std::vector<std::size_t>& tag_of_place, const places& p) : tags_(tags), of_(tag_of_place), p_(p), live_(tags.size()) {}
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
        t.mallocs_per_frame += per_frame(a, s.born);
        tag_of_place[numbers.at(s.addresses)] = i->second;
    }
    if (a.tags.empty()) return;
    peaks_of_tags(a.tags, tag_of_place, p).follow(r, [&](std::uint32_t stack) { return p.of(stack); });
    for (tag_use& t : a.tags) t.peak_bytes *= a.sampled;
    std::sort(a.tags.begin(), a.tags.end(), [](const tag_use& x, const tag_use& y) { return x.peak_bytes > y.peak_bytes; });
}

}  // namespace advise
