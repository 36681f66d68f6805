#include "lives.hpp"

namespace trace {
namespace {

// A vector that is full makes a larger block, moves its elements and frees the old one, with nothing of its thread in between.
bool looks_like_growth(const block& from, const block& to) { return to.size * 4 >= from.size * 5 && to.size <= from.size * 4 + 64; }

}  // namespace

void lives::follow(const recording& r, const std::function<std::uint32_t(std::uint32_t)>& site_of) {
    std::unordered_map<std::uint64_t, block> live;
    std::unordered_map<std::uint32_t, std::uint64_t> newest;     // by thread: the address of its last event, if that was a birth
    std::unordered_map<std::uint32_t, block> resized;            // by thread: what realloc was given
    std::uint64_t serial = 0;
    std::uint32_t frame_number = 0;
    const auto add = [&](const step& s, std::uint32_t grown, std::uint64_t at_serial) {
        block b{.size = s.size, .serial = at_serial, .stack = s.stack, .thread = s.thread, .frame = frame_number, .grown = grown, .alignment_log2 = s.alignment_log2};
        if (const auto old = live.find(s.address); old != live.end()) {  // its end was not recorded
            ++unknown_;
            left(old->second);
            live.erase(old);
        }
        born(b);
        live.emplace(s.address, b);
        newest[s.thread] = s.address;
    };
    r.for_each([&](const step& s) {
        switch (s.what) {
            case op::allocate:
            case op::allocate_zero:
            case op::allocate_aligned:
            case op::allocate_new: add(s, 0, serial++); break;
            case op::release:
            case op::release_delete: {
                const auto i = live.find(s.address);
                if (i == live.end()) {
                    ++unknown_;
                    break;
                }
                const block b = i->second;
                ending e{.frame = frame_number, .thread = s.thread, .by_growth = false, .successor = 0};
                if (const auto n = newest.find(s.thread); n != newest.end() && n->second != s.address && b.thread == s.thread) {
                    const auto next = live.find(n->second);
                    if (next != live.end() && site_of(next->second.stack) == site_of(b.stack) && looks_like_growth(b, next->second)) {
                        next->second.grown = b.grown + 1;
                        e.by_growth = true;
                        e.successor = next->second.serial;
                    }
                }
                newest.erase(s.thread);
                live.erase(i);
                died(b, e);
                break;
            }
            case op::resize_from: {
                newest.erase(s.thread);
                const auto i = live.find(s.address);
                if (i == live.end()) {
                    ++unknown_;
                    break;
                }
                resized[s.thread] = i->second;
                live.erase(i);
                break;
            }
            case op::resize_to: {
                const auto from = resized.find(s.thread);
                if (from == resized.end()) {
                    add(s, 0, serial++);
                    break;
                }
                const block old = from->second;
                resized.erase(from);
                const std::uint64_t next = serial++;
                died(old, {.frame = frame_number, .thread = s.thread, .by_growth = true, .successor = next});
                add(s, old.grown + 1, next);
                break;
            }
            case op::resize_failed: {
                const auto from = resized.find(s.thread);
                if (from == resized.end()) break;
                live.insert_or_assign(s.address, from->second);
                resized.erase(from);
                break;
            }
            case op::mark:
                if (s.thread == r.marking_thread()) frame(++frame_number, s.time_ns, s.thread);
                break;
            default: break;
        }
    });
    for (const auto& [address, b] : live) left(b);
    for (const auto& [thread, b] : resized) left(b);
}

}  // namespace trace
