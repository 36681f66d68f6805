// The advice as text, as C++ options, as JSON and as a page.
#include "report.hpp"

#include "words.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <numeric>
#include <ostream>
#include <string_view>

std::string_view advise_page();
std::string_view d3_script();

namespace advise {
namespace {

constexpr std::size_t most_tags = 10, most_threads = 4;

std::string first_name(const site& s) { return s.names.empty() ? "(no call stack)" : s.names[s.named]; }

double share(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

// What one row of a table has in each phase, mallocs a frame.
struct rates {
    double warm = 0, steady = 0;
};

double rate_in(const advice& a, const phase& p, std::uint64_t born) {
    return p.frames == 0 ? 0 : static_cast<double>(born * a.sampled) / static_cast<double>(p.frames);
}
rates of_site(const advice& a, const site& s) {
    return {rate_in(a, a.warm, s.born - s.steady_born), rate_in(a, a.steady, s.steady_born)};
}

// One phase of all rows. Requires: they are all of its mallocs.
std::vector<std::string> column(const std::vector<rates>& rows, double rates::* part, const phase& p) {
    std::vector<double> values;
    for (const rates& r : rows) values.push_back(r.*part);
    return adding_up(values, p.mallocs_per_frame);
}

// The rows as they are printed, with the warm-up's column where there was one.
std::vector<std::string> columns(const advice& a, const std::vector<rates>& rows) {
    std::vector<std::string> printed;
    const auto warm = column(rows, &rates::warm, a.warm), steady = column(rows, &rates::steady, a.steady);
    for (std::size_t i = 0; i < rows.size(); ++i)
        printed.push_back((a.warm_up == 0 ? "" : text("%12s", warm[i].c_str())) + text("%14s", steady[i].c_str()));
    return printed;
}

std::string heads(const advice& a) {
    return (a.warm_up == 0 ? "" : text("%12s", "warm-up")) + text("%14s", "steady state");
}
std::string totals(const advice& a) { return columns(a, {{a.warm.mallocs_per_frame, a.steady.mallocs_per_frame}})[0]; }

// The places that are shown, and last what all others have together.
std::vector<rates> of_places(const advice& a, std::size_t places) {
    std::vector<rates> rows;
    rates others;
    for (std::size_t i = 0; i < a.sites.size(); ++i) {
        const rates r = of_site(a, a.sites[i]);
        if (i < places) rows.push_back(r);
        else others.warm += r.warm, others.steady += r.steady;
    }
    rows.push_back(others);
    return rows;
}

std::vector<std::pair<std::string, rates>> replaced(const advice& a) {
    std::vector<std::pair<std::string, rates>> rows;
    const auto part = [](const phase& p, shape s) {
        const auto i = p.removed.find(s);
        return i == p.removed.end() ? 0 : i->second;
    };
    for (const shape s : {shape::frame, shape::grow, shape::transfer, shape::pool}) {
        const rates r{part(a.warm, s), part(a.steady, s)};
        if (r.warm + r.steady != 0) rows.emplace_back(name_of(s), r);
    }
    if (a.warm.in_libraries + a.steady.in_libraries != 0)
        rows.emplace_back("libraries", rates{a.warm.in_libraries, a.steady.in_libraries});
    rows.emplace_back("stay mallocs", rates{a.warm.staying, a.steady.staying});
    return rows;
}

// One sentence for each phase; empty where there is nothing to add to the figures.
std::string judged(const advice& a) {
    std::string lines;
    const std::string unit = unit_of(a);
    if (a.steady.born == 0)
        lines = "Leave it: " +
                (a.last_busy == 0 ? "nothing is allocated in any " + unit
                                  : "after " + unit + " " + grouped(a.last_busy) + " nothing is allocated") +
                "\n";
    else if (a.steady.mallocs_per_frame < 1)
        lines = "Leave it: the steady state makes less than one malloc a " + unit + "\n";
    if (a.warm.born != 0)
        lines += "The warm-up's " + grouped(a.warm.born * a.sampled) +
                 " mallocs are paid once: leave them, unless those " + unit + "s take too long\n";
    if (a.still_changing) {
        lines +=
            "The program was still changing: places that make a quarter of the second half's blocks or more began in "
            "that half; record for longer, or set with --warm-up "
            "where its steady state begins\n";
    }
    return lines;
}

// "<" alone could end the script that carries the data.
std::string escaped(const std::string& json) {
    std::string s;
    for (const char c : json) {
        if (c == '<') s += "\\u003c";
        else s += c;
    }
    return s;
}

// Bytes of frame memory that the warm-up's largest frame would take.
std::uint64_t warm_up_bytes(const advice& a) {
    std::uint64_t most = 0;
    for (const thread_use& t : a.threads) most = std::max(most, t.warm_up_max);
    return most;
}

bool tells_frames(const advice& a) { return a.slice_us == 0 && !a.threads.empty(); }

std::vector<std::pair<std::string, std::string>> numbers(const advice& a) {
    const std::string unit = unit_of(a);
    std::vector<std::pair<std::string, std::string>> n = {{unit + "s", grouped(a.frames)}};
    const auto add = [&](const phase& p, const std::string& which) {
        double removed = 0;
        for (const auto& [shape, part] : p.removed) removed += part;
        n.emplace_back("mallocs a " + unit + which, text("%.0f", p.mallocs_per_frame));
        n.emplace_back("die within their " + unit + which, floored(share(p.died_in_frame, p.blocks), 10) + " %");
        n.emplace_back("mallocs a " + unit + " fewer" + which, text("%.0f", removed));
    };
    if (a.warm_up != 0) {
        n.emplace_back(unit + "s of warm-up", grouped(a.warm_up));
        add(a.warm, ", warm-up");
    }
    add(a.steady, a.warm_up != 0 ? ", steady state" : "");
    n.emplace_back("frame_capacity", a.frame_capacity == 0 ? std::string("-") : bytes(a.frame_capacity));
    n.emplace_back("frames in flight", tells_frames(a) ? std::to_string(a.frames_in_flight) : std::string("-"));
    return n;
}

nlohmann::json as_json(const phase& p) {
    nlohmann::json data = {{"frames", p.frames},
                           {"mallocs", p.born},
                           {"mallocs_per_frame", p.mallocs_per_frame},
                           {"died_in_frame", share(p.died_in_frame, p.blocks)},
                           {"in_libraries", p.in_libraries},
                           {"staying", p.staying},
                           {"removed", nlohmann::json::object()}};
    for (const auto& [shape, n] : p.removed) data["removed"][name_of(shape)] = n;
    return data;
}

nlohmann::json as_json(const advice& a, const site& s) {
    const rates r = of_site(a, s);
    nlohmann::json place = {{"name", first_name(s)},
                            {"stack", s.names},
                            {"tag", s.tag},
                            {"shape", name_of(s.verdict)},
                            {"advice", advised(a, s)},
                            {"confidence", s.confidence},
                            {"kept", s.kept},
                            {"blocks", s.blocks},
                            {"born", s.born},
                            {"sizes", sizes(s)},
                            {"in_frames", s.in_frames},
                            {"outliving", outliving(s, s.kept)},
                            {"crossed", s.crossed},
                            {"grown", s.grown},
                            {"moved", s.moved},
                            {"resized", s.resized},
                            {"startup", s.startup},
                            {"last_born", s.last_born},
                            {"startup_outlived", s.startup_outlived},
                            {"oversize", s.oversize},
                            {"peak", s.peak_bytes * a.sampled},
                            {"lives", s.lives}};
    place["rate"] = a.frames == 0 ? 0 : static_cast<double>(s.born * a.sampled) / static_cast<double>(a.frames);
    place["warm_up_rate"] = r.warm;
    place["steady_rate"] = r.steady;
    place["steady_shape"] = name_of(s.steady_verdict);
    place["library"] = s.lies_in;
    place["behind_hook"] = s.lies == ground::hook;
    return place;
}

void add_places(nlohmann::json& data, const advice& a, std::size_t places) {
    data["places"] = nlohmann::json::array();
    std::uint64_t count = 0, born = 0, steady_born = 0;
    for (std::size_t i = 0; i < a.sites.size(); ++i) {
        const site& s = a.sites[i];
        if (i < places) {
            data["places"].push_back(as_json(a, s));
            continue;
        }
        ++count;
        born += s.born;
        steady_born += s.steady_born;
    }
    data["further_places"] = {
        {"count", count},
        {"rate", a.frames == 0 ? 0 : static_cast<double>(born * a.sampled) / static_cast<double>(a.frames)},
        {"warm_up_rate", rate_in(a, a.warm, born - steady_born)},
        {"steady_rate", rate_in(a, a.steady, steady_born)}};
}

nlohmann::json as_json(const advice& a, std::size_t places) {
    nlohmann::json data;
    data["program"] = std::filesystem::path(a.program).filename().string();
    data["frames"] = a.frames;
    data["mallocs_per_frame"] = a.mallocs_per_frame;
    data["died_in_frame"] = share(a.died_in_frame, a.blocks);
    data["frame_capacity"] = a.frame_capacity;
    data["frames_in_flight"] = a.slice_us != 0 ? nlohmann::json() : nlohmann::json(a.frames_in_flight);
    data["oversize"] = a.oversize;
    data["in_frames"] = a.in_frames;
    data["dangling"] = a.dangling;
    data["last_busy"] = a.last_busy;
    data["slice_us"] = a.slice_us;
    data["stopped"] = a.stopped;
    data["judged"] = judged(a);
    data["own_libraries"] = a.own_libraries;
    data["warm_up"] = as_json(a.warm);
    data["warm_up"]["given"] = a.warm_up_given;
    data["steady"] = as_json(a.steady);
    data["steady"]["still_changing"] = a.still_changing;
    data["threads"] = nlohmann::json::array();
    for (const thread_use& t : a.threads) {
        if (tells_frames(a))
            data["threads"].push_back({{"thread", t.thread},
                                       {"p50", t.frame_bytes.p50},
                                       {"p99", t.frame_bytes.p99},
                                       {"max", t.frame_bytes.max},
                                       {"frames", t.frames},
                                       {"warm_up_max", t.warm_up_max}});
    }
    data["tags"] = nlohmann::json::array();
    for (const tag_use& t : a.tags)
        data["tags"].push_back({{"tag", t.tag},
                                {"places", t.places},
                                {"peak", t.peak_bytes},
                                {"warm_up_rate", t.warm},
                                {"steady_rate", t.steady}});
    data["classes"] = nlohmann::json::array();
    for (const auto& [size, blocks] : a.classes) data["classes"].push_back({{"bytes", size}, {"blocks", blocks}});
    add_places(data, a, places);
    return data;
}

void print_phases(std::ostream& out, const advice& a) {
    const std::string unit = unit_of(a),
                      after = grouped(a.steady.frames) + (a.steady.frames == 1 ? " " + unit : " " + unit + "s");
    if (a.warm_up != 0)
        out << "The warm-up is the first " << grouped(a.warm_up) << " " << unit << "s, the steady state the " << after
            << " after them" << (a.warm_up_given ? "" : "; --warm-up overrides this") << '\n';
    else
        out << "No warm-up: all " << unit << "s are the steady state"
            << (a.warm_up_given ? "" : "; --warm-up overrides this") << '\n';
    out << judged(a) << '\n';
    out << text("%-26s", "") << heads(a) << '\n';
    out << text("%-26s", ("mallocs a " + unit).c_str()) << totals(a) << '\n';
    const auto died = [](const phase& p) {
        return p.blocks == 0 ? std::string("-") : floored(share(p.died_in_frame, p.blocks), 10) + " %";
    };
    out << text("%-26s", ("blocks die in their " + unit).c_str())
        << (a.warm_up == 0 ? "" : text("%12s", died(a.warm).c_str())) << text("%14s", died(a.steady).c_str()) << "\n\n";

    out << text("%-26s", ("What replaces mallocs a " + unit).c_str()) << heads(a) << '\n';
    const auto rows = replaced(a);
    std::vector<rates> values;
    for (const auto& row : rows) values.push_back(row.second);
    const auto printed = columns(a, values);
    for (std::size_t i = 0; i < rows.size(); ++i)
        out << text("  %-24s", rows[i].first.c_str()) << printed[i]
            << (rows[i].first == "libraries" ? "   a pool or heap by tag, where they let their allocator be set" : "")
            << '\n';
    out << text("  %-24s", "together") << totals(a) << '\n';
}

void print_threads(std::ostream& out, const advice& a) {
    for (std::size_t i = 0; i < std::min(a.threads.size(), most_threads); ++i) {
        const thread_use& t = a.threads[i];
        out << text("  thread %-4u      p50 %s, p99 %s, max %s of frame memory, over %s %s", t.thread,
                    bytes(t.frame_bytes.p50).c_str(), bytes(t.frame_bytes.p99).c_str(),
                    bytes(t.frame_bytes.max).c_str(), grouped(t.frames).c_str(),
                    t.frames == 1 ? "frame that has some" : "frames that have some");
        if (t.warm_up_max != 0) out << "; in the warm-up max " << bytes(t.warm_up_max);
        out << '\n';
    }
    if (a.threads.size() <= most_threads) return;
    const thread_use& next = a.threads[most_threads];
    const std::size_t others = a.threads.size() - most_threads;
    out << "  " << grouped(others) << (others == 1 ? " further thread" : " further threads") << ", of max "
        << bytes(next.frame_bytes.max) << (others == 1 ? "" : " or less each") << '\n';
}

void print_capacity(std::ostream& out, const advice& a) {
    if (a.slice_us != 0) {
        out << "  slices of time give no frame_capacity, and no frames_in_flight: mark the program's "
               "frames\n";
        return;
    }
    out << "  frame_capacity   " << bytes(a.frame_capacity)
        << (a.capped
                ? ", less than the largest frame would take, which would chain further chunks: many of its blocks are "
                  "freed long before the frame ends"
            : a.load_frames
                ? ", p99; single frames, which load something, are far beyond it and would chain further chunks"
                : std::string(", the most that a thread's frame would take") +
                      (a.warm_up == 0 ? "" : " in the steady state"))
        << "; frames_in_flight " << a.frames_in_flight << '\n';
    if (const std::uint64_t most = warm_up_bytes(a); most > a.frame_capacity)
        out << "  the warm-up's frames would take up to " << bytes(most) << ", and chain further chunks\n";
    print_threads(out, a);
    if (a.oversize != 0)
        out << "  " << grouped(a.oversize) << (a.oversize == 1 ? " block" : " blocks") << " larger than "
            << bytes(largest_in_frames) << " would be out of line and are not counted\n";
    out << "  checked against the trace: " << grouped(a.in_frames) << " blocks in frames, " << grouped(a.dangling)
        << " used beyond them\n";
}

void print_options(std::ostream& out, const advice& a) {
    out << "\nOptions:\n";
    if (a.steady.born == 0) out << "  none: the steady state allocates nothing\n";
    else if (a.threads.empty()) out << "  no frame-shaped places\n";
    else print_capacity(out, a);
    for (const auto& [size, blocks] : a.classes)
        out << "  pool class " << grouped(size) << " bytes, " << grouped(blocks) << (blocks == 1 ? " block" : " blocks")
            << " at most\n";
}

void print_tags(std::ostream& out, const advice& a) {
    out << "\n"
        << text("%-40s %12s", "Tags, by peak", "peak + 1/4") << heads(a) << "   (mallocs a " << unit_of(a)
        << "; the peaks are at different times)\n";
    const auto shown = a.tags.begin() + static_cast<std::ptrdiff_t>(std::min(a.tags.size(), most_tags));
    std::vector<rates> rows;
    for (auto t = a.tags.begin(); t != shown; ++t) rows.push_back({t->warm, t->steady});
    rates others;
    for (auto t = shown; t != a.tags.end(); ++t) others.warm += t->warm, others.steady += t->steady;
    rows.push_back(others);
    const auto printed = columns(a, rows);
    for (auto t = a.tags.begin(); t != shown; ++t)
        out << text("  %-38s %12s", t->tag.c_str(), bytes(t->peak_bytes + t->peak_bytes / 4).c_str())
            << printed[static_cast<std::size_t>(t - a.tags.begin())] << '\n';
    if (shown != a.tags.end())
        out << text("  %-51s", text("%s further, each of %s or less",
                                    grouped(static_cast<std::uint64_t>(a.tags.end() - shown)).c_str(),
                                    bytes(shown->peak_bytes + shown->peak_bytes / 4).c_str())
                                   .c_str())
            << printed.back() << '\n';
    out << text("  %-51s", "together") << totals(a) << '\n';
}

void print_places(std::ostream& out, const advice& a, std::size_t places) {
    const std::string unit = unit_of(a);
    out << "\nPlaces, the most mallocs " << (a.warm_up == 0 ? "" : "of the steady state ")
        << "first (confidence: with 95 % probability, at least this share of their blocks fits; for a place that "
           "grows, has moved to a larger block):\n"
        << heads(a) << '\n';
    const auto printed = columns(a, of_places(a, places));
    for (std::size_t i = 0; i < std::min(places, a.sites.size()); ++i) {
        const site& s = a.sites[i];
        out << printed[i] << " a " << unit << ", at most " << grouped(s.burst * a.sampled) << ", of " << sizes(s)
            << ": " << advised(a, s);
        if (s.verdict != shape::unknown && s.verdict != shape::library)
            out << " (confidence " << floored(s.confidence) << " %)";
        out << '\n';
        for (const std::string& name : s.names) out << "             " << name << '\n';
    }
    if (a.sites.size() > places)
        out << printed.back() << " a " << unit << ": " << grouped(a.sites.size() - places)
            << (a.sites.size() - places == 1 ? " further place\n" : " further places\n");
    out << totals(a) << " a " << unit << " together\n";
}

}  // namespace

void write_json(std::ostream& out, const advice& a, std::size_t places) {
    out << as_json(a, places).dump(1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

void print_report(std::ostream& out, const advice& a, std::size_t places) {
    out << a.program << ": " << grouped(a.events) << " events, " << grouped(a.frames);
    if (a.slice_us != 0) out << text(" slices of %g ms", static_cast<double>(a.slice_us) / 1000);
    else out << (a.frames == 1 ? " frame" : " frames");
    if (!a.frame_name.empty()) out << " of " << a.frame_name;
    if (a.sampled != 1) out << ", one address in " << a.sampled << " recorded: mallocs and bytes are scaled up";
    out << '\n';
    if (!a.stopped.empty()) out << "Recording ended before the program did: " << a.stopped << '\n';
    if (a.unknown_ends != 0)
        out << grouped(a.unknown_ends) << (a.unknown_ends == 1 ? " block was" : " blocks were")
            << " freed without a recorded allocation, or the reverse\n";
    if (!a.enough_frames) {
        out << "Nothing is recommended: " << a.frames << (a.frames == 1 ? " frame was" : " frames were") << " marked, "
            << needed_frames << " are needed (framealloc-record --frame, --frame-every)\n";
        return;
    }
    if (a.slice_us != 0)
        out << text(
            "A frame is a slice of %g ms here: blocks that die in it need not die in a frame of the program; mark the "
            "program's frames to find out\n",
            static_cast<double>(a.slice_us) / 1000);
    if (!a.own_libraries.empty()) {
        out << "Treated as the program's own (--library NAME if one is not):";
        for (const std::string& l : a.own_libraries) out << ' ' << l;
        out << '\n';
    }
    print_phases(out, a);
    print_options(out, a);
    print_tags(out, a);
    print_places(out, a, places);
}

void write_options(std::ostream& out, const advice& a) {
    out << "// Advised by framealloc-advise for " << std::filesystem::path(a.program).filename().string() << ", from "
        << grouped(a.frames) << " " << unit_of(a) << "s.\n"
        << "#pragma once\n\n#include <framealloc/framealloc.hpp>\n\ninline framealloc::options advised_options() {\n   "
           " framealloc::options o;\n";
    if (a.enough_frames && a.steady.born == 0) {
        out << "    // Nothing is recommended: the steady state allocates nothing.\n";
    } else if (a.threads.empty() || !a.enough_frames) {
        out << "    // Nothing is recommended: no place with enough blocks is frame-shaped.\n";
    } else if (a.slice_us != 0) {
        out << "    // No frame_capacity: frames were slices of time.\n";
    } else {
        const percentiles& p = a.threads.front().frame_bytes;
        out << "    o.frame_capacity = " << a.frame_capacity << ";  // bytes; p50 " << p.p50 << ", p99 " << p.p99
            << ", max " << p.max << '\n'
            << "    o.frames_in_flight = " << a.frames_in_flight << ";\n";
    }
    for (const auto& [size, blocks] : a.classes)
        out << "    // pool class of " << size << " bytes: " << blocks << " blocks at most\n";
    for (std::size_t i = 0; i < std::min(a.tags.size(), most_tags); ++i)
        out << "    // tag \"" << a.tags[i].tag << "\": peak " << a.tags[i].peak_bytes << " bytes\n";
    out << "    return o;\n}\n";
}

// The same figures as in the report, which add up as they are printed.
static void add_texts(nlohmann::json& data, const advice& a, std::size_t places) {
    const std::vector<rates> rows = of_places(a, places),
                             all = {{a.warm.mallocs_per_frame, a.steady.mallocs_per_frame}};
    const auto warm = column(rows, &rates::warm, a.warm), steady = column(rows, &rates::steady, a.steady);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        nlohmann::json& place = i + 1 < rows.size() ? data["places"][i] : data["further_places"];
        place["warm_up_text"] = warm[i];
        place["steady_text"] = steady[i];
    }
    data["together"] = {{"warm_up_text", column(all, &rates::warm, a.warm)[0]},
                        {"steady_text", column(all, &rates::steady, a.steady)[0]}};
}

void write_page(std::ostream& out, const advice& a, std::size_t places) {
    nlohmann::json data = as_json(a, places);
    add_texts(data, a, places);
    data["numbers"] = numbers(a);
    data["unit"] = unit_of(a);
    data["timeline"] = nlohmann::json::array();
    const std::size_t each = a.timeline.size() / 2000 + 1;  // frames to a bar: the highest of them
    for (std::size_t i = 0; i < a.timeline.size(); i += each) {
        std::uint64_t all = 0, of_frames = 0;
        for (std::size_t k = i; k < std::min(i + each, a.timeline.size()); ++k) {
            if (a.timeline[k].blocks < all) continue;
            all = a.timeline[k].blocks;
            of_frames = a.timeline[k].frame_blocks;
        }
        data["timeline"].push_back({all * a.sampled, of_frames * a.sampled});
    }
    data["each"] = each;
    for (std::size_t i = 0; i < life_bins; ++i) data["bins"].push_back(life_bin_name(i));
    std::string page(advise_page());
    const auto fill = [&](std::string_view mark, std::string_view with) {
        page.replace(page.find(mark), mark.size(), with);
    };
    fill("/*DATA*/", escaped(data.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
    fill("/*D3*/", d3_script());
    out << page;
}

}  // namespace advise
