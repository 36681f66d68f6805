#include "report.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <ostream>
#include <string_view>

std::string_view advise_page();
std::string_view d3_script();

namespace advise {
namespace {

template <class... A>
std::string text(const char* format, A... arguments) {
    char buffer[512];
    std::snprintf(buffer, sizeof buffer, format, arguments...);
    return buffer;
}

std::string grouped(std::uint64_t n) {
    std::string s = std::to_string(n);
    for (auto i = static_cast<std::ptrdiff_t>(s.size()) - 3; i > 0; i -= 3) s.insert(static_cast<std::size_t>(i), 1, ',');
    return s;
}

std::string bytes(std::uint64_t n) {
    if (n < 10'000) return grouped(n) + " B";
    if (n >= std::uint64_t{1} << 20 && n % (std::uint64_t{1} << 20) == 0) return grouped(n >> 20) + " MiB";
    if (n < 10'000'000) return text("%.1f KiB", static_cast<double>(n) / 1024);
    return text("%.1f MiB", static_cast<double>(n) / 1024 / 1024);
}

double rate(const advice& a, const site& s) { return a.frames == 0 ? 0 : static_cast<double>(s.born * a.sampled) / static_cast<double>(a.frames); }

std::string sizes(const site& s) {
    if (s.smallest >= s.largest) return grouped(s.largest) + " B";
    return grouped(s.smallest) + " to " + grouped(s.largest) + " B";
}

// "1 in 16", "3 of 40".
std::string few(std::uint64_t n, std::uint64_t of) {
    if (n != 0 && of / n >= 5) return "1 in " + grouped((of + n / 2) / n);
    return grouped(n) + " of " + grouped(of);
}

std::string in_any_frame(std::uint32_t kept) { return kept == 0 ? "in its frame" : "within " + std::to_string(kept) + (kept == 1 ? " frame" : " frames"); }

// What most of it looks like, why that is not what it should be, and what to do.
std::string of_survivors(const advice& a, const site& s) {
    std::string line = "mostly dies " + in_any_frame(s.kept);
    if (const std::uint64_t n = outliving(s, s.kept); n != 0) {
        line += ", " + few(n, s.blocks + s.undecided[s.kept]) + " lives on";
        if (s.last_outlived[s.kept] * 4 <= a.frames) line += " (none made after frame " + grouped(s.last_outlived[s.kept]) + ")";
    }
    if (s.startup_outlived != 0) line += ", " + grouped(s.startup_outlived) + " made before the first frame live on";
    if (outliving(s, s.kept) == 0 && s.startup_outlived == 0) return line + ", too seldom after its frame to count on it: not a frame";
    return line + ": not a frame; split the call sites, or copy out what survives";
}

// What is freed elsewhere, grows or differs in size is right in a heap, but may be why it is not something better.
std::string of_heap(const advice&, const site& s) {
    std::string line = s.verdict == shape::pool ? "pool_alloc, class " + grouped(s.pool_class) : "heap_alloc";
    const bool dies = outliving(s, 0) == 0;
    if (dies && s.oversize * 2 > s.born) line += "; dies in its frame, but would lie out of line there: larger than " + bytes(largest_in_frames);
    else if (dies && s.crossed != 0) line += "; dies in its frame, but " + few(s.crossed, s.blocks) + " is freed by another thread: not a frame";
    if (s.verdict == shape::pool) return line;
    if (const std::uint64_t growing = std::max(s.grown, s.resized); growing != 0) return line + "; heap_vec where it grows: " + few(growing, s.blocks);
    if (s.sizes.size() < 2) return line;
    const auto common = std::max_element(s.sizes.begin(), s.sizes.end(), [](const auto& x, const auto& y) { return x.second < y.second; });
    const std::uint64_t others = s.blocks - common->second;
    if (others * 5 <= s.blocks) line += "; all but " + few(others, s.blocks) + " are of " + grouped(common->first) + " B: split them, and a pool is right";
    return line;
}

std::string of_frame(const site& s) {
    std::string line = "frame_alloc";
    if (s.kept != 0) line += ", " + std::to_string(s.kept + 1) + " frames in flight";
    if (const std::uint64_t growing = std::max(s.grown, s.resized); growing != 0) line += "; frame_vec where it grows: " + few(growing, s.blocks);
    if (s.oversize != 0) line += "; " + few(s.oversize, s.born) + " larger than " + bytes(largest_in_frames) + ", out of line and not in frame_capacity";
    return line;
}

std::string of_grow(const site& s) {
    if (!s.in_frames) return "heap_vec: grows, and does not always die in its frame";
    if (s.moved == 0) return "frame_vec: grows in place";
    return "frame_vec: grows in turns with other frame memory, so that " + few(s.moved, std::max(s.grown, s.resized)) + " move; reserve first";
}

std::string of_unknown(const site& s) {
    if (s.startup > s.born) return "unknown: " + grouped(s.startup) + " before the first frame, too few after it";
    return s.share > 0 ? "unknown: too few, or of no clear shape" : "unknown: too few";
}

std::string of_shape(const advice& a, const site& s) {
    switch (s.verdict) {
        case shape::unknown: return of_unknown(s);
        case shape::startup: return "start-up: before the first frame; leave it";
        case shape::frame: return of_frame(s);
        case shape::survivors: return of_survivors(a, s);
        case shape::grow: return of_grow(s);
        case shape::transfer: return "transfer: another thread frees it" + (s.crossed == s.blocks ? "" : ", but for " + few(s.blocks - std::min(s.crossed, s.blocks), s.blocks));
        case shape::pool:
        case shape::heap: return of_heap(a, s);
    }
    return "";
}

// Warm-up is no steady state: what is only made in the first half of the frames costs the others nothing.
std::string advised(const advice& a, const site& s) {
    const bool warm_up = s.verdict != shape::unknown && s.verdict != shape::startup && s.last_born * 2 <= a.frames;
    return of_shape(a, s) + (warm_up ? "; none after frame " + grouped(s.last_born) + ": warm-up, leave it" : "");
}

std::string first_name(const site& s) { return s.names.empty() ? "(no call stack)" : s.names[s.named]; }

double percent(std::uint64_t part, std::uint64_t whole) { return whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole); }

// "<" alone could end the script that carries the data.
std::string escaped(const std::string& json) {
    std::string s;
    for (const char c : json) {
        if (c == '<') s += "\\u003c";
        else s += c;
    }
    return s;
}

std::vector<std::pair<std::string, std::string>> numbers(const advice& a) {
    std::vector<std::pair<std::string, std::string>> n = {
        {"frames", grouped(a.frames)},
        {"allocations a frame", text("%.0f", a.mallocs_per_frame)},
        {"die within their frame", text("%.1f %%", percent(a.died_in_frame, a.blocks))},
        {"frame_capacity", a.frame_capacity == 0 ? std::string("-") : bytes(a.frame_capacity)},
        {"frames in flight", std::to_string(a.frames_in_flight)},
    };
    double removed = 0;
    for (const auto& [shape, part] : a.removed) removed += part;
    n.emplace_back("mallocs a frame fewer", text("%.0f", removed));
    return n;
}

nlohmann::json as_json(const advice& a, std::size_t places) {
    nlohmann::json data;
    data["program"] = std::filesystem::path(a.program).filename().string();
    data["frames"] = a.frames;
    data["mallocs_per_frame"] = a.mallocs_per_frame;
    data["died_in_frame"] = percent(a.died_in_frame, a.blocks) / 100;
    data["frame_capacity"] = a.frame_capacity;
    data["frames_in_flight"] = a.frames_in_flight;
    data["oversize"] = a.oversize;
    data["in_frames"] = a.in_frames;
    data["dangling"] = a.dangling;
    data["staying"] = a.staying;
    data["last_busy"] = a.last_busy;
    data["late_mallocs"] = a.late_mallocs;
    data["slice_us"] = a.slice_us;
    data["removed"] = nlohmann::json::object();
    for (const auto& [shape, n] : a.removed) data["removed"][name_of(shape)] = n;
    data["threads"] = nlohmann::json::array();
    for (const thread_use& t : a.threads)
        data["threads"].push_back({{"thread", t.thread}, {"p50", t.frame_bytes.p50}, {"p99", t.frame_bytes.p99}, {"max", t.frame_bytes.max}});
    data["classes"] = nlohmann::json::array();
    for (const auto& [size, blocks] : a.classes) data["classes"].push_back({{"bytes", size}, {"blocks", blocks}});
    data["places"] = nlohmann::json::array();
    for (std::size_t i = 0; i < std::min(places, a.sites.size()); ++i) {
        const site& s = a.sites[i];
        data["places"].push_back({{"name", first_name(s)}, {"stack", s.names}, {"tag", s.tag}, {"shape", name_of(s.verdict)}, {"advice", advised(a, s)},
                                  {"confidence", s.confidence}, {"kept", s.kept}, {"rate", rate(a, s)}, {"blocks", s.blocks}, {"sizes", sizes(s)},
                                  {"in_frames", s.in_frames}, {"outliving", outliving(s, s.kept)}, {"crossed", s.crossed}, {"grown", s.grown}, {"moved", s.moved}, {"resized", s.resized},
                                  {"startup", s.startup}, {"last_born", s.last_born}, {"startup_outlived", s.startup_outlived}, {"oversize", s.oversize},
                                  {"peak", s.peak_bytes * a.sampled}, {"lives", s.lives}});
    }
    return data;
}

}  // namespace

void write_json(std::ostream& out, const advice& a, std::size_t places) {
    out << as_json(a, places).dump(1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

void print_report(std::ostream& out, const advice& a, std::size_t places) {
    out << a.program << ": " << grouped(a.events) << " events, " << grouped(a.frames) << " frames";
    if (!a.frame_name.empty()) out << " of " << a.frame_name;
    if (a.sampled != 1) out << ", one address in " << a.sampled << " recorded";
    out << '\n';
    if (a.unknown_ends != 0) out << grouped(a.unknown_ends) << " blocks were freed whose birth was not recorded, or the reverse\n";
    if (!a.enough_frames) {
        out << "Nothing is recommended: " << a.frames << " frames were marked, " << needed_frames << " are needed (framealloc-record --frame, --frame-every)\n";
        return;
    }
    if (a.slice_us != 0) out << text("A frame is a slice of %g ms here: what dies in it need not die in a frame of the program; mark those to know\n", static_cast<double>(a.slice_us) / 1000);
    if (a.last_busy * 2 <= a.frames) out << "Leave it: after frame " << grouped(a.last_busy) << " nothing is allocated\n";
    else if (a.late_mallocs * 2 < a.mallocs_per_frame) out << text("The second half of the frames makes %.1f mallocs each: what follows is mostly warm-up\n", a.late_mallocs);
    out << text("%.1f mallocs a frame; %.1f %% of the blocks die within their frame\n\n", a.mallocs_per_frame, percent(a.died_in_frame, a.blocks));

    out << "What would replace mallocs, of each frame:\n";
    for (const auto& [shape, n] : a.removed) out << text("  %-10s %10.1f\n", name_of(shape), n);
    if (a.removed.empty()) out << "  nothing\n";
    out << text("  %-10s %10.1f\n", "the rest", a.staying);

    out << "\nOptions:\n";
    if (a.threads.empty()) {
        out << "  no frame-shaped places\n";
    } else {
        if (a.slice_us != 0) out << "  no frame_capacity can be told from slices of time\n";
        else out << "  frame_capacity   " << bytes(a.frame_capacity)
            << (a.capped ? ", not all that the largest frame would take, which would chain further chunks: much of this is freed long before its frame ends"
                : a.load_frames ? ", p99; single frames, which load something, are far beyond it and would chain further chunks" : ", the most that a thread's frame would take")
            << "; frames_in_flight " << a.frames_in_flight << '\n';
        for (std::size_t i = 0; i < std::min<std::size_t>(a.threads.size(), 4); ++i) {
            const thread_use& t = a.threads[i];
            out << text("  thread %-4u      p50 %s, p99 %s, max %s of frame memory, over %s frames\n", t.thread, bytes(t.frame_bytes.p50).c_str(),
                        bytes(t.frame_bytes.p99).c_str(), bytes(t.frame_bytes.max).c_str(), grouped(t.frames).c_str());
        }
        if (a.oversize != 0) out << "  " << grouped(a.oversize) << " blocks larger than " << bytes(largest_in_frames) << " would lie out of line, and are not counted\n";
        out << "  checked against the trace: " << grouped(a.in_frames) << " blocks in frames, " << grouped(a.dangling) << " used beyond them\n";
    }
    for (const auto& [size, blocks] : a.classes) out << "  pool class " << grouped(size) << " bytes, " << grouped(blocks) << " blocks at most\n";

    out << "\nTags, with a budget of their peak and a quarter:\n";
    for (std::size_t i = 0; i < std::min<std::size_t>(a.tags.size(), 10); ++i) {
        const tag_use& t = a.tags[i];
        out << text("  %-40s %12s   %10.1f mallocs a frame\n", t.tag.c_str(), bytes(t.peak_bytes + t.peak_bytes / 4).c_str(), t.mallocs_per_frame);
    }

    out << "\nPlaces, the most mallocs first (confidence: at least this share of their blocks fits, with 95 % probability; of what grows, has moved on):\n";
    for (std::size_t i = 0; i < std::min(places, a.sites.size()); ++i) {
        const site& s = a.sites[i];
        out << text("%10.1f a frame, at most %s, of ", rate(a, s), grouped(s.burst).c_str()) << sizes(s) << ": " << advised(a, s);
        if (s.verdict != shape::unknown) out << text(" (confidence %.0f %%)", 100 * s.confidence);
        out << '\n';
        for (const std::string& name : s.names) out << "             " << name << '\n';
    }
}

void write_options(std::ostream& out, const advice& a) {
    out << "// Advised by framealloc-advise for " << std::filesystem::path(a.program).filename().string() << ", from " << grouped(a.frames) << " frames.\n"
        << "#pragma once\n\n#include <framealloc/framealloc.hpp>\n\ninline framealloc::options advised_options() {\n    framealloc::options o;\n";
    if (a.threads.empty() || !a.enough_frames) {
        out << "    // Nothing is recommended: no place with enough blocks is frame-shaped.\n";
    } else if (a.slice_us != 0) {
        out << "    // No frame_capacity: frames were slices of time.\n";
    } else {
        const percentiles& p = a.threads.front().frame_bytes;
        out << "    o.frame_capacity = " << a.frame_capacity << ";  // bytes; p50 " << p.p50 << ", p99 " << p.p99 << ", max " << p.max << '\n'
            << "    o.frames_in_flight = " << a.frames_in_flight << ";\n";
    }
    for (const auto& [size, blocks] : a.classes) out << "    // pool class of " << size << " bytes: " << blocks << " blocks at most\n";
    for (std::size_t i = 0; i < std::min<std::size_t>(a.tags.size(), 10); ++i)
        out << "    // tag \"" << a.tags[i].tag << "\": peak " << a.tags[i].peak_bytes << " bytes\n";
    out << "    return o;\n}\n";
}

void write_page(std::ostream& out, const advice& a, std::size_t places) {
    nlohmann::json data = as_json(a, places);
    data["numbers"] = numbers(a);
    data["timeline"] = nlohmann::json::array();
    const std::size_t each = a.timeline.size() / 2000 + 1;  // frames to a bar: the highest of them
    for (std::size_t i = 0; i < a.timeline.size(); i += each) {
        std::uint64_t all = 0, of_frames = 0;
        for (std::size_t k = i; k < std::min(i + each, a.timeline.size()); ++k) {
            if (a.timeline[k].blocks < all) continue;
            all = a.timeline[k].blocks;
            of_frames = a.timeline[k].frame_blocks;
        }
        data["timeline"].push_back({all, of_frames});
    }
    for (std::size_t i = 0; i < life_bins; ++i) data["bins"].push_back(life_bin_name(i));
    std::string page(advise_page());
    const auto fill = [&](std::string_view mark, std::string_view with) { page.replace(page.find(mark), mark.size(), with); };
    fill("/*DATA*/", escaped(data.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
    fill("/*D3*/", d3_script());
    out << page;
}

}  // namespace advise
