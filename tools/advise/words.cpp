// Numbers as readers see them, and the reason given for each piece of advice.
#include "words.hpp"

#include "symbols.hpp"

#include <cmath>

namespace advise {

std::string grouped(std::uint64_t n) {
    std::string s = std::to_string(n);
    for (auto i = static_cast<std::ptrdiff_t>(s.size()) - 3; i > 0; i -= 3)
        s.insert(static_cast<std::size_t>(i), 1, ',');
    return s;
}

std::string bytes(std::uint64_t n) {
    if (n < 10'000) return grouped(n) + " B";
    if (n >= std::uint64_t{1} << 20 && n % (std::uint64_t{1} << 20) == 0) return grouped(n >> 20) + " MiB";
    if (n < 10'000'000) return text("%.1f KiB", static_cast<double>(n) / 1024);
    return text("%.1f MiB", static_cast<double>(n) / 1024 / 1024);
}

std::string sizes(const site& s) {
    if (s.smallest >= s.largest) return grouped(s.largest) + " B";
    return grouped(s.smallest) + " to " + grouped(s.largest) + " B";
}

std::string floored(double share, std::uint64_t tenths) {
    const auto n = static_cast<std::uint64_t>(std::floor(share * 100 * static_cast<double>(tenths) + 1e-9));
    return tenths == 1 ? std::to_string(n) : text("%.1f", static_cast<double>(n) / static_cast<double>(tenths));
}

std::vector<std::string> adding_up(const std::vector<double>& parts, double total) {
    std::vector<std::uint64_t> tenths;
    std::vector<std::pair<double, std::size_t>> left;
    auto missing = std::llround(total * 10);
    for (const double p : parts) {
        const double whole = std::floor(p * 10);
        tenths.push_back(static_cast<std::uint64_t>(std::max(whole, 0.0)));
        left.emplace_back(whole - p * 10, left.size());
        missing -= static_cast<long long>(tenths.back());
    }
    std::sort(left.begin(), left.end());
    for (std::size_t i = 0; i < left.size() && missing > 0; ++i, --missing) ++tenths[left[i].second];
    std::vector<std::string> printed;
    for (const std::uint64_t n : tenths) printed.push_back(text("%.1f", static_cast<double>(n) / 10));
    return printed;
}

std::string unit_of(const advice& a) { return a.slice_us != 0 ? "slice" : "frame"; }

namespace {

// "1 in 16", "3 of 40".
std::string few(std::uint64_t n, std::uint64_t of) {
    if (n != 0 && of / n >= 5) return "1 in " + grouped((of + n / 2) / n);
    return grouped(n) + " of " + grouped(of);
}

std::string in_any_frame(const advice& a, std::uint32_t kept) {
    const std::string unit = unit_of(a);
    return kept == 0 ? "in its " + unit : "within " + std::to_string(kept) + " " + unit + (kept == 1 ? "" : "s");
}

// What most of the blocks do, why that is not enough for a frame, and what to do.
std::string of_survivors(const advice& a, const site& s) {
    std::string line = "mostly dies " + in_any_frame(a, s.kept);
    if (const std::uint64_t n = outliving(s, s.kept); n != 0) {
        line += ", " + few(n, s.blocks + s.undecided[s.kept]) + " lives on";
        if (s.last_outlived[s.kept] * 4 <= a.frames)
            line += " (none made after " + unit_of(a) + " " + grouped(s.last_outlived[s.kept]) + ")";
    }
    if (s.startup_outlived != 0)
        line += ", " + grouped(s.startup_outlived) + " made before the first " + unit_of(a) +
                (s.startup_outlived == 1 ? " lives on" : " live on");
    if (outliving(s, s.kept) == 0 && s.startup_outlived == 0)
        return line + ", but too few blocks outlive their frame to rely on that: not a frame";
    return line + ": not a frame; split the call sites, or copy out the survivors";
}

// Blocks freed on another thread, growing or of different sizes belong in a heap; the line says what prevents a better
// kind.
std::string of_heap(const advice& a, const site& s) {
    std::string line = s.verdict == shape::pool ? "pool_alloc, class " + grouped(s.pool_class) : "heap_alloc";
    const bool dies = outliving(s, 0) == 0;
    if (dies && s.oversize * 2 > s.born)
        line += "; dies " + in_any_frame(a, 0) + ", but would be out of line there: larger than " +
                bytes(largest_in_frames);
    else if (const std::uint64_t crossed = s.crossed + s.startup_crossed; dies && crossed != 0)
        line += "; dies " + in_any_frame(a, 0) + ", but " + few(crossed, s.blocks + s.startup) +
                " is freed by another thread: not a frame";
    if (s.verdict == shape::pool) return line;
    if (const std::uint64_t growing = moving(s); growing != 0)
        return line + "; heap_vec where it grows: " + few(growing, s.blocks);
    if (s.sizes.size() < 2) return line;
    const auto common = std::max_element(s.sizes.begin(), s.sizes.end(),
                                         [](const auto& x, const auto& y) { return x.second < y.second; });
    const std::uint64_t others = s.blocks - common->second;
    if (others * 5 <= s.blocks)
        line += "; all but " + few(others, s.blocks) + " are of " + grouped(common->first) +
                " B: split the call sites, and use a pool for these";
    return line;
}

std::string of_frame(const advice& a, const site& s) {
    std::string line = "frame_alloc";
    if (a.slice_us != 0)
        line = "dies " + in_any_frame(a, s.kept) + ": frame_alloc, if the program's frames are no shorter";
    else if (s.kept != 0) line += ", " + std::to_string(s.kept + 1) + " frames in flight";
    if (const std::uint64_t growing = moving(s); growing != 0)
        line += "; frame_vec where it grows: " + few(growing, s.blocks);
    if (s.oversize != 0)
        line += "; " + few(s.oversize, s.born) + (s.oversize == 1 ? " is" : " are") + " larger than " +
                bytes(largest_in_frames) + ", out of line and not in frame_capacity";
    return line;
}

std::string of_grow(const advice& a, const site& s) {
    if (!s.in_frames) return "heap_vec: grows, and does not always die " + in_any_frame(a, 0);
    if (s.moved == 0) return "frame_vec: grows in place";
    return "frame_vec: its growth alternates with other frame memory, so " + few(s.moved, moving(s)) +
           " blocks move; reserve first";
}

std::string of_unknown(const advice& a, const site& s) {
    if (s.startup > s.born)
        return "unknown: " + grouped(s.startup) + " before the first " + unit_of(a) + ", too few after it";
    return s.share > 0 ? "unknown: too few, or of no clear shape" : "unknown: too few";
}

// "inside libsqlite3.so.0, behind its allocator hook my_malloc".
std::string whereabouts(const site& s) {
    std::string line = "inside " + s.lies_in;
    if (s.lies != ground::hook) return line;
    line += ", behind its allocator hook";
    if (s.lies_at != 0 && s.lies_at <= s.names.size()) line += " " + plain_name(inlined(s.names[s.lies_at - 1]).back());
    return line;
}

std::string of_library(const site& s) {
    if (s.lies == ground::system)
        return whereabouts(s) + ", which allocates only through malloc: leave it, or call something else";
    std::string line = whereabouts(s) + ": no frame can be advised there; use a pool or heap by tag";
    return s.lies == ground::hook ? line : line + ", if it lets its allocator be set";
}

std::string of_shape(const advice& a, const site& s) {
    switch (s.verdict) {
        case shape::unknown: return of_unknown(a, s);
        case shape::startup: return "start-up: before the first " + unit_of(a) + "; leave it";
        case shape::frame: return of_frame(a, s);
        case shape::survivors: return of_survivors(a, s);
        case shape::grow: return of_grow(a, s);
        case shape::transfer:
            return "transfer: another thread frees it" +
                   (s.crossed == s.blocks ? ""
                                          : ", but for " + few(s.blocks - std::min(s.crossed, s.blocks), s.blocks));
        case shape::pool:
        case shape::heap: return of_heap(a, s);
        case shape::library: return of_library(s);
    }
    return "";
}

// How the advice for one place differs between the warm-up and the rest of the program.
std::string of_phases(const advice& a, const site& s) {
    if (s.verdict == shape::unknown || s.verdict == shape::startup) return "";
    const std::string after = "; none after " + unit_of(a) + " " + grouped(s.last_born);
    if (is_warm_up_only(s)) return after + ": warm-up, leave it";
    const bool frame_once_warm = a.warm_up != 0 && !s.in_frames && s.steady_verdict == shape::frame &&
                                 s.verdict != shape::library;
    if (frame_once_warm)
        return "; after the warm-up all of it dies " + in_any_frame(a, s.steady_kept) +
               ": frame_alloc from there on, if the call site can tell";
    return s.last_born * 2 <= a.frames ? after : "";
}

}  // namespace

std::string advised(const advice& a, const site& s) {
    std::string line = of_shape(a, s) + of_phases(a, s);
    const bool is_said = s.verdict == shape::unknown || s.verdict == shape::startup || s.verdict == shape::library;
    if (is_in_library(s) && s.verdict != shape::library) line += "; " + whereabouts(s);
    if (s.lies == ground::perhaps_hook && !is_said)
        line += "; called by " + s.lies_in +
                ": if this is its allocator hook, no frame can be advised here; use a pool or heap by tag";
    return line;
}

}  // namespace advise
