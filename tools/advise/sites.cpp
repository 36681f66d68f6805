#include "sites.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>

namespace advise {
namespace {

constexpr std::uint64_t pool_most = 4096;  // options::pool_max
constexpr std::uint64_t frame_step = 16;   // how a frame's cursor moves
constexpr std::uint64_t outlier = 4;       // times p99: a frame that loads something, and no measure for the others

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
            ++a_.timeline.back().blocks;
            a_.timeline.back().bytes += b.size;
            s.burst = std::max(s.burst, ++s.this_frame);
            if (s.this_frame == 1) touched_.push_back(&s);
        }
        s.largest = std::max(s.largest, b.size);
        s.peak_bytes = std::max(s.peak_bytes, s.live_bytes += b.size);
        s.peak_blocks = std::max(s.peak_blocks, ++s.live_blocks);
    }
    void died(const trace::block& b, const trace::ending& e) override {
        site& s = a_.sites[p_.of(b.stack)];
        s.live_bytes -= b.size;
        --s.live_blocks;
        if (b.frame == 0) return;
        count(s, b);
        const std::uint32_t life = e.frame - b.frame;
        for (std::uint32_t k = life; k <= most_kept; ++k) ++s.within[k];
        ++s.lives[life_bin(life)];
        if (e.thread != b.thread) ++s.crossed;
        if (e.by_growth) ++s.grown;
        ++a_.blocks;
        if (life == 0) ++a_.died_in_frame;
    }
    void left(const trace::block& b) override {
        // Born in the last frames, it may yet have been freed in time.
        if (b.frame == 0 || b.frame + most_kept >= last_frame_) return;
        site& s = a_.sites[p_.of(b.stack)];
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
    advice& a_;
    const places& p_;
    std::uint64_t last_frame_;
    std::vector<site*> touched_;
};

// Second: how much frame memory each frame would take, thread by thread.
class measuring final : public trace::lives {
public:
    measuring(advice& a, const places& p) : a_(a), p_(p) {}

    void born(trace::block& b) override {
        if (b.frame == 0 || !in_frames(b)) return;
        use& u = of(b);
        u.frames[b.frame] += taken(b);
        ++a_.timeline[b.frame - 1].frame_blocks;
    }
    void died(const trace::block& b, const trace::ending& e) override {
        // Growth at the end of a frame's memory is in place: only the last size counts.
        if (b.frame != 0 && e.by_growth && e.frame == b.frame && in_frames(b)) of(b).frames[b.frame] -= taken(b);
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
    };
    bool in_frames(const trace::block& b) const {
        const site& s = a_.sites[p_.of(b.stack)];
        return s.verdict == shape::frame || (s.verdict == shape::grow && s.kept == 0 && s.within[0] * 10 >= s.blocks * 9);
    }
    static std::uint64_t taken(const trace::block& b) { return rounded(b.size, std::max(frame_step, std::uint64_t{1} << b.alignment_log2)); }
    use& of(const trace::block& b) { return uses_[b.thread]; }

    advice& a_;
    const places& p_;
    std::map<std::uint32_t, use> uses_;
};

void judge(site& s, bool enough_frames) {
    const auto fits = [&](std::uint64_t n) {
        s.share = s.blocks == 0 ? 0 : static_cast<double>(n) / static_cast<double>(s.blocks);
        s.confidence = wilson_lower(n, s.blocks);
        return s.confidence >= needed_confidence;
    };
    const std::uint64_t all = s.blocks + s.startup;
    if (s.startup != 0 && wilson_lower(s.startup, all) >= needed_confidence) {
        s.verdict = shape::startup;
        s.share = static_cast<double>(s.startup) / static_cast<double>(all);
        s.confidence = wilson_lower(s.startup, all);
        return;
    }
    if (!enough_frames) return;
    const auto decide = [&](shape v) { s.verdict = v; };
    // What moves on is grown; the last block of each chain is not, so half of all is most of them.
    if (s.grown * 2 >= s.blocks && s.grown != 0) {
        s.share = static_cast<double>(s.grown) / static_cast<double>(s.blocks);
        s.confidence = wilson_lower(s.grown, s.blocks);
        if (wilson_lower(s.blocks, s.blocks) >= needed_confidence) decide(shape::grow);
        return;
    }
    if (fits(s.crossed)) return decide(shape::transfer);
    for (std::uint32_t k = 0; k <= most_kept; ++k) {
        if (!fits(s.within[k])) continue;
        s.kept = k;
        return decide(shape::frame);
    }
    if (wilson_lower(s.blocks, s.blocks) < needed_confidence) return;  // too few, whatever they were
    const auto common = std::max_element(s.sizes.begin(), s.sizes.end(), [](const auto& x, const auto& y) { return x.second < y.second; });
    if (common != s.sizes.end() && common->first <= pool_most && fits(common->second)) {
        s.pool_class = rounded(common->first, frame_step);
        return decide(shape::pool);
    }
    s.share = 1;
    s.confidence = wilson_lower(s.blocks, s.blocks);
    decide(shape::heap);
}

}  // namespace

const char* name_of(shape s) {
    switch (s) {
        case shape::unknown: return "unknown";
        case shape::startup: return "start-up";
        case shape::frame: return "frame";
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

advice study(const trace::recording& r, std::size_t depth) {
    advice a;
    a.program = r.header().program;
    a.frame_name = r.header().frame_name;
    a.frames = r.marks();
    a.events = r.events();
    a.sampled = r.header().sample;
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
    for (site& s : a.sites) judge(s, a.enough_frames);
    measuring second(a, p);
    second.follow(r, site_of);
    second.finish();

    const double frames = a.frames == 0 ? 1 : static_cast<double>(a.frames);
    std::map<std::uint64_t, std::uint64_t> classes;
    for (const site& s : a.sites) {
        const double rate = static_cast<double>(s.blocks) * static_cast<double>(a.sampled) / frames;
        a.mallocs_per_frame += rate;
        if (s.verdict == shape::frame) a.frames_in_flight = std::max(a.frames_in_flight, s.kept + 1);
        if (s.verdict == shape::pool) classes[s.pool_class] += s.peak_blocks * a.sampled;
        if (s.verdict == shape::grow) a.removed[s.verdict] += static_cast<double>(s.grown) * static_cast<double>(a.sampled) / frames;
        else if (s.verdict == shape::frame || s.verdict == shape::transfer || s.verdict == shape::pool) a.removed[s.verdict] += rate;
    }
    a.classes.assign(classes.begin(), classes.end());
    for (const thread_use& t : a.threads) {
        const percentiles& use = t.frame_bytes;
        const bool loads = use.max > outlier * use.p99;
        a.load_frames = a.load_frames || loads;
        a.frame_capacity = std::max(a.frame_capacity, rounded((loads ? use.p99 : use.max) * a.sampled, 4096));
    }
    std::erase_if(a.sites, [](const site& s) { return s.blocks + s.startup == 0; });
    std::sort(a.sites.begin(), a.sites.end(), [](const site& x, const site& y) { return x.blocks != y.blocks ? x.blocks > y.blocks : x.startup > y.startup; });
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

void sum_tags(advice& a) {
    std::map<std::string, tag_use> tags;
    const double frames = a.frames == 0 ? 1 : static_cast<double>(a.frames);
    for (const site& s : a.sites) {
        tag_use& t = tags[s.tag];
        t.tag = s.tag;
        ++t.places;
        t.peak_bytes += s.peak_bytes * a.sampled;
        t.mallocs_per_frame += static_cast<double>(s.blocks) * static_cast<double>(a.sampled) / frames;
    }
    for (auto& [name, t] : tags) a.tags.push_back(t);
    std::sort(a.tags.begin(), a.tags.end(), [](const tag_use& x, const tag_use& y) { return x.peak_bytes > y.peak_bytes; });
}

}  // namespace advise
