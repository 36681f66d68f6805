// Two passes over a trace: which blocks may be in frames, then the operations.
#include "program.hpp"

#include <map>

namespace replay {
namespace {

constexpr std::uint64_t most_bytes = (std::uint64_t{1} << 40) - 1;
constexpr std::uint32_t most_threads = (1U << 13) - 1;

// By stack: the number of frames that a block of its place may outlive, or none if the place is not for frames.
constexpr std::uint8_t not_in_frames = 255;
std::vector<std::uint8_t> frame_stacks(const trace::recording& r, const advise::advice& a, std::size_t depth) {
    std::map<std::vector<std::uint64_t>, std::uint8_t> kept;
    for (const advise::site& s : a.sites)
        kept[s.addresses] = s.in_frames ? static_cast<std::uint8_t>(s.kept) : not_in_frames;
    std::vector<std::uint8_t> by_stack(r.stack_count() + 1, not_in_frames);
    for (std::uint32_t n = 0; n < r.stack_count(); ++n) {
        const auto whole = r.stack(n);
        const auto i = kept.find(
            {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(std::min(depth, whole.size()))});
        if (i != kept.end()) by_stack[n] = i->second;
    }
    return by_stack;
}

// First pass: which blocks would end with their frame, on their thread. All blocks of places advised for frames should.
class looking final : public trace::lives {
public:
    looking(std::vector<std::uint8_t>& kept, std::uint64_t marks) : kept_(kept), marks_(marks) {}
    std::vector<bool> fits;
    std::uint64_t beyond = 0;

    void born(trace::block& b) override {
        if (fits.size() <= b.serial) fits.resize(b.serial + 1);
    }
    void died(const trace::block& b, const trace::ending& e) override {
        const std::uint8_t kept = of(b);
        if (kept == not_in_frames) return;
        const bool ends = e.frame - b.frame <= kept && e.thread == b.thread;
        fits[b.serial] = ends && b.frame != 0;
        if (!ends) ++beyond;
    }
    void left(const trace::block& b) override {
        const std::uint8_t kept = of(b);
        if (kept != not_in_frames && marks_ - b.frame > kept) ++beyond;
    }

private:
    std::uint8_t of(const trace::block& b) const { return b.stack < kept_.size() ? kept_[b.stack] : not_in_frames; }

    std::vector<std::uint8_t>& kept_;
    std::uint64_t marks_;
};

class writing {
public:
    writing(program& p, const std::vector<bool>& fits, part which) : p_(p), fits_(fits), which_(which) {}

    void step(const trace::step& s, bool marks) {
        using trace::op;
        switch (s.what) {
            case op::allocate:
            case op::allocate_aligned:
            case op::allocate_new: add(s, act::allocate); break;
            case op::allocate_zero: add(s, act::allocate_zero); break;
            case op::release:
            case op::release_delete: end(s); break;
            case op::resize_from: {
                const auto i = live_.find(s.address);
                if (i == live_.end()) break;
                resized_[s.thread] = i->second;
                live_.erase(i);
                break;
            }
            case op::resize_to: {
                const auto i = resized_.find(s.thread);
                if (i == resized_.end()) return add(s, act::allocate);
                const held h = i->second;
                resized_.erase(i);
                grow(s, h);
                break;
            }
            case op::resize_failed: {
                const auto i = resized_.find(s.thread);
                if (i == resized_.end()) break;
                live_.insert_or_assign(s.address, i->second);
                resized_.erase(i);
                break;
            }
            case op::mark:
                if (!marks) break;
                ++p_.frames;
                follow_frame(s.thread);
                break;
            default: break;
        }
    }
    // Blocks alive at the end of the trace are freed too, so that every stamp is checked.
    void finish() {
        for (const auto& [address, h] : live_) release(h, h.thread);
        for (const auto& [thread, h] : resized_) release(h, h.thread);
        p_.slots = uses_.size();
    }

private:
    struct held {
        std::uint32_t slot, use, thread;
        std::uint64_t bytes;
        std::uint8_t alignment_log2;
        bool in_frame, played;
    };
    // A thread's frame begins with its first operation after the mark, which may come from another thread.
    void follow_frame(std::uint32_t thread) {
        std::uint64_t& at = frame_of_[thread];
        if (at == p_.frames) return;
        at = p_.frames;
        push(act::frame, 0, false, thread, 0, at, 0);
    }
    void put(act what, std::uint8_t alignment_log2, bool in_frame, std::uint32_t thread, std::uint64_t slot,
             std::uint64_t bytes, std::uint64_t use) {
        follow_frame(thread);
        push(what, alignment_log2, in_frame, thread, slot, bytes, use);
        ++p_.calls;
    }
    void push(act what, std::uint8_t alignment_log2, bool in_frame, std::uint32_t thread, std::uint64_t slot,
              std::uint64_t bytes, std::uint64_t use) {
        if (bytes > most_bytes || thread > most_threads || slot > 0xFFFFFFFF)
            throw trace::error("beyond what can be replayed: 2^40 bytes, 8,191 threads");
        p_.operations.push_back({static_cast<std::uint64_t>(what) | std::uint64_t{alignment_log2} << 4 |
                                     std::uint64_t{in_frame} << 10 | std::uint64_t{thread} << 11 | slot << 32,
                                 bytes | use << 40});
        p_.threads = std::max(p_.threads, thread + 1);
    }
    void add(const trace::step& s, act what) {
        if (const auto old = live_.find(s.address); old != live_.end()) {  // its free was not recorded
            release(old->second, s.thread);
            live_.erase(old);
        }
        const bool in_frame = serial_ < fits_.size() && fits_[serial_];
        ++serial_;
        held h{.slot = 0,
               .use = 0,
               .thread = s.thread,
               .bytes = s.size,
               .alignment_log2 = s.alignment_log2,
               .in_frame = in_frame,
               .played = which_ == part::all || in_frame};
        if (h.played) {
            ++p_.blocks;
            if (in_frame) ++p_.frame_blocks;
            take_slot(h);
            put(what, h.alignment_log2, h.in_frame, s.thread, h.slot, h.bytes, h.use);
            charge(h.bytes);
        }
        live_.emplace(s.address, h);
    }
    void grow(const trace::step& s, const held& from) {
        const bool in_frame = serial_ < fits_.size() && fits_[serial_];
        ++serial_;
        held to{.slot = 0,
                .use = 0,
                .thread = s.thread,
                .bytes = s.size,
                .alignment_log2 = from.alignment_log2,
                .in_frame = in_frame,
                .played = which_ == part::all || in_frame};
        // Growth is replayed as one call if the memory stays of one kind.
        if (from.played && to.played && from.in_frame == to.in_frame && from.thread == to.thread) {
            to.slot = from.slot;
            to.use = from.use;
            put(act::grow, to.alignment_log2, in_frame, s.thread, to.slot, to.bytes, to.use);
            discharge(from.bytes);
            charge(to.bytes);
        } else {
            if (to.played) {
                take_slot(to);
                put(act::allocate, to.alignment_log2, in_frame, s.thread, to.slot, to.bytes, to.use);
                charge(to.bytes);
            }
            release(from, s.thread);
        }
        if (const auto old = live_.find(s.address); old != live_.end()) {
            release(old->second, s.thread);
            live_.erase(old);
        }
        live_.emplace(s.address, to);
    }
    void end(const trace::step& s) {
        const auto i = live_.find(s.address);
        if (i == live_.end()) return;
        release(i->second, s.thread);
        live_.erase(i);
    }
    void release(const held& h, std::uint32_t thread) {
        if (!h.played) return;
        put(act::release, h.alignment_log2, h.in_frame, thread, h.slot, 0, h.use);
        discharge(h.bytes);
        free_slots_.push_back(h.slot);
    }
    void take_slot(held& h) {
        if (free_slots_.empty()) {
            h.slot = static_cast<std::uint32_t>(uses_.size());
            uses_.push_back(0);
        } else {
            h.slot = free_slots_.back();
            free_slots_.pop_back();
        }
        h.use = uses_[h.slot];
        uses_[h.slot] = (uses_[h.slot] + 1) & 0xFFFFFF;
    }
    // Bytes that are stamped: all, or an OS page at each end.
    static std::uint64_t touched(std::uint64_t bytes) { return bytes <= stamped_whole ? bytes : 2 * 4096; }
    void charge(std::uint64_t bytes) {
        live_bytes_ += bytes;
        touched_ += touched(bytes);
        p_.peak_bytes = std::max(p_.peak_bytes, live_bytes_);
        p_.touched = std::max(p_.touched, touched_);
    }
    void discharge(std::uint64_t bytes) {
        live_bytes_ -= bytes;
        touched_ -= touched(bytes);
    }

    program& p_;
    const std::vector<bool>& fits_;
    part which_;
    std::unordered_map<std::uint64_t, held> live_;
    std::unordered_map<std::uint32_t, held> resized_;
    std::unordered_map<std::uint32_t, std::uint64_t> frame_of_;
    std::vector<std::uint32_t> uses_, free_slots_;
    std::uint64_t serial_ = 0, live_bytes_ = 0, touched_ = 0;
};

}  // namespace

program build(const trace::recording& r, const advise::advice& a, std::size_t site_depth, part which) {
    std::vector<std::uint8_t> kept = frame_stacks(r, a, site_depth);
    looking l(kept, r.marks());
    l.follow(r, [](std::uint32_t stack) { return stack; });
    program p;
    writing w(p, l.fits, which);
    r.for_each([&](const trace::step& s) { w.step(s, s.thread == r.marking_thread()); });
    w.finish();
    p.beyond = l.beyond;
    return p;
}

}  // namespace replay
