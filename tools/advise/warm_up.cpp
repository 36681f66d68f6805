// Compares the first half of a run with the second, place by place.
#include "warm_up.hpp"

#include <utility>

namespace advise {
namespace {

constexpr double most_of_it = 0.75; // of the second half's blocks

bool is_early(std::uint64_t frame, std::uint64_t half) { return frame != 0 && frame <= half; }
bool makes_early_only(const site& s, std::uint64_t half) { return is_early(s.last_born, half) && are_enough(s.born); }

// If a place makes more blocks than this in one frame, that is far beyond the second half: twice the second half's
// most, and a few more if that is few.
std::uint64_t usual(const site& s) { return 2 * s.late_burst + 8; }
bool keeps_early_only(const site& s, std::uint64_t half) {
    return is_early(s.last_outlived[most_kept], half) && are_enough(outliving(s, most_kept));
}

// Frames before the last one in which the set of places that matter to the second half still grew.
std::uint64_t before_all_began(const advice& a) {
    std::map<std::uint64_t, std::uint64_t> late_by_first;
    std::uint64_t late = 0;
    for (const site& s : a.sites) {
        if (s.late_born == 0) continue;
        late_by_first[s.startup != 0 ? 0 : s.first_born] += s.late_born;
        late += s.late_born;
    }
    std::uint64_t known = 0;
    for (const auto& [first, n] : late_by_first) {
        known += n;
        if (static_cast<double>(known) >= most_of_it * static_cast<double>(late)) return first == 0 ? 0 : first - 1;
    }
    return 0;
}

// Finds the frames in which places of the first half are active.
class early_frames final : public trace::lives {
public:
    early_frames(const advice& a, const std::function<std::uint32_t(std::uint32_t)>& site_of, std::uint64_t half)
        : a_(a), site_of_(site_of), half_(half), early_(half + 1), in_frame_(a.sites.size()) {}

    void born(trace::block& b) override {
        if (!is_early(b.frame, half_)) return;
        const std::uint32_t place = site_of_(b.stack);
        auto& [frame, n] = in_frame_[place];
        if (std::exchange(frame, b.frame) != b.frame) n = 0;
        const site& s = a_.sites[place];
        const bool far_more = ++n > usual(s) && s.late_burst != 0;
        if (far_more || makes_early_only(s, half_)) early_[b.frame] = true;
    }
    void died(const trace::block& b, const trace::ending& e) override { note(b, e.frame); }
    void left(const trace::block& b) override { note(b, a_.frames); }

    std::uint64_t last() const {
        std::uint64_t end = 0, n = 0;
        for (std::uint64_t f = 1; f <= half_; ++f) {
            if (!early_[f]) continue;
            if (++n * 2 >= f) end = f;
        }
        return end;
    }

private:
    const site& of(const trace::block& b) const { return a_.sites[site_of_(b.stack)]; }
    void note(const trace::block& b, std::uint64_t end) {
        if (is_early(b.frame, half_) && end - b.frame > most_kept && keeps_early_only(of(b), half_))
            early_[b.frame] = true;
    }

    const advice& a_;
    const std::function<std::uint32_t(std::uint32_t)>& site_of_;
    std::uint64_t half_;
    std::vector<bool> early_;
    std::vector<std::pair<std::uint32_t, std::uint64_t>>
        in_frame_;  // by place: the frame that made its latest block, and how many it has made
};

}  // namespace

void find_warm_up(advice& a, const trace::recording& r, const std::function<std::uint32_t(std::uint32_t)>& site_of) {
    const std::uint64_t half = a.frames / 2, most = std::min(half, a.frames - needed_frames);
    const auto early = [&](const site& s) {
        return makes_early_only(s, half) || keeps_early_only(s, half) || (s.late_burst != 0 && s.burst > usual(s));
    };
    if (std::any_of(a.sites.begin(), a.sites.end(), early)) {
        early_frames f(a, site_of, half);
        f.follow(r, site_of);
        a.warm_up = f.last();
    }
    const std::uint64_t all_began = before_all_began(a);
    a.still_changing = all_began > half;
    if (!a.still_changing) a.warm_up = std::max(a.warm_up, all_began);
    if (a.last_busy <= half) a.warm_up = std::max(a.warm_up, a.last_busy);
    a.warm_up = std::min(a.warm_up, most);
}

}  // namespace advise
