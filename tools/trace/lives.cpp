// Follows each block from its allocation to its free.
#include "lives.hpp"

namespace trace {
namespace {

// A full vector allocates a larger block, moves its elements and frees the old block, with no other event of its
// thread in between.
bool looks_like_growth(const block& from, const block& to) {
    return to.size * 4 >= from.size * 5 && to.size <= from.size * 4 + 64;
}

}  // namespace

class lives::follower {
public:
    follower(lives& to, const recording& r, const std::function<std::uint32_t(std::uint32_t)>& site_of)
        : to_(to), r_(r), site_of_(site_of) {}

    void step(const trace::step& s) {
        switch (s.what) {
            case op::allocate:
            case op::allocate_zero:
            case op::allocate_aligned:
            case op::allocate_new: add(s); break;
            case op::release:
            case op::release_delete: release(s); break;
            case op::resize_from:
                newest_.erase(s.thread);
                if (const auto i = find(s); i != live_.end()) {
                    resized_[s.thread] = i->second;
                    live_.erase(i);
                }
                break;
            case op::resize_to: resize(s); break;
            case op::resize_failed:
                if (const auto from = resized_.find(s.thread); from != resized_.end()) {
                    live_.insert_or_assign(s.address, from->second);
                    resized_.erase(from);
                }
                break;
            case op::mark:
                if (s.thread == r_.marking_thread()) to_.frame(++frame_, s.time_ns, s.thread);
                break;
            default: break;
        }
    }
    void finish() {
        for (const auto& [address, b] : live_) to_.left(b);
        for (const auto& [thread, b] : resized_) to_.left(b);
    }

private:
    using blocks = std::unordered_map<std::uint64_t, block>;

    blocks::iterator find(const trace::step& s) {
        const auto i = live_.find(s.address);
        if (i == live_.end()) ++to_.unknown_;
        return i;
    }
    void add(const trace::step& s, bool resized = false) {
        block b{.size = s.size,
                .serial = serial_++,
                .stack = s.stack,
                .thread = s.thread,
                .frame = frame_,
                .alignment_log2 = s.alignment_log2,
                .resized = resized};
        if (const auto old = live_.find(s.address); old != live_.end()) {  // its free was not recorded
            ++to_.unknown_;
            to_.left(old->second);
            live_.erase(old);
        }
        to_.born(b);
        live_.emplace(s.address, b);
        newest_[s.thread] = s.address;
    }
    void release(const trace::step& s) {
        const auto i = find(s);
        if (i == live_.end()) return;
        const block b = i->second;
        ending e{.frame = frame_, .thread = s.thread, .by_growth = false};
        if (const auto n = newest_.find(s.thread);
            n != newest_.end() && n->second != s.address && b.thread == s.thread) {
            const auto next = live_.find(n->second);
            e.by_growth = next != live_.end() && site_of_(next->second.stack) == site_of_(b.stack) &&
                          looks_like_growth(b, next->second);
        }
        newest_.erase(s.thread);
        live_.erase(i);
        to_.died(b, e);
    }
    void resize(const trace::step& s) {
        const auto from = resized_.find(s.thread);
        if (from == resized_.end()) return add(s);
        const block old = from->second;
        resized_.erase(from);
        to_.died(old, {.frame = frame_, .thread = s.thread, .by_growth = true, .by_resize = true});
        add(s, true);
    }

    lives& to_;
    const recording& r_;
    const std::function<std::uint32_t(std::uint32_t)>& site_of_;
    blocks live_;
    std::unordered_map<std::uint32_t, std::uint64_t>
        newest_;  // by thread: the address of its last event, if that was an allocation
    std::unordered_map<std::uint32_t, block> resized_;  // by thread: the block given to realloc
    std::uint64_t serial_ = 0;
    std::uint32_t frame_ = 0;
};

void lives::follow(const recording& r, const std::function<std::uint32_t(std::uint32_t)>& site_of) {
    follower f(*this, r, site_of);
    r.for_each([&](const step& s) { f.step(s); });
    f.finish();
}

}  // namespace trace
