// The text, the JSON and the page of what was measured.
#include "report.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <fstream>
#include <map>

#include "frame_sources.hpp"
#include "rivals.hpp"
#include "versions.hpp"

std::string_view chart_script();  // cmake/embed.cmake

namespace bench {

namespace {

using json = nlohmann::ordered_json;

std::string number(double d) {
    char text[32];
    std::snprintf(text, sizeof text, d < 10 ? "%.2f" : d < 1000 ? "%.1f" : "%.0f", d);
    return text;
}

std::string processor() {
    std::ifstream in("/proc/cpuinfo");
    std::map<std::string, std::string> fields;
    for (std::string line; std::getline(in, line) && !line.empty();) {
        const std::size_t colon = line.find(':');
        if (colon == std::string::npos || colon + 2 > line.size()) continue;
        fields[line.substr(0, line.find_last_not_of("\t ", colon - 1) + 1)] = line.substr(colon + 2);
    }
    return fields["model name"] + " (family " + fields["cpu family"] + ", model " + fields["model"] + ")";
}

std::string distribution() {
    std::ifstream in("/etc/os-release");
    for (std::string line; std::getline(in, line);) {
        if (line.rfind("PRETTY_NAME=", 0) == 0 && line.size() > 14) return line.substr(13, line.size() - 14);
    }
    return "unknown";
}

std::string first_line(const char* file) {
    std::ifstream in(file);
    std::string line;
    std::getline(in, line);
    return line;
}

json as_json(const spread& s) {
    return {{"min", s.least}, {"q1", s.lower}, {"median", s.median}, {"q3", s.upper}, {"max", s.most}};
}

std::string escape(std::string text) {
    // "</script>" inside a JSON string would end the script element.
    for (std::size_t at = 0; (at = text.find("</", at)) != std::string::npos; at += 3) text.replace(at, 2, "<\\/");
    return text;
}

constexpr const char* page_head = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>framealloc-bench</title>
<meta http-equiv="Content-Security-Policy"
content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:">
<style>
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:64rem;padding:0 1rem;color:#1b1f24;background:#fff}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #d8dee4}
th:first-child,td:first-child{text-align:left}.missed{color:#b3261e}.met{color:#1d6f42}h2{margin-top:2.5rem}
.chart{position:relative}
</style></head><body>
<h1>framealloc and its rivals</h1>
<p id="setup"></p>
<table id="verdicts"></table>
<div id="all"></div>
)";

constexpr const char* page_script = R"(
const make=(parent,tag,text,kind)=>{const e=document.createElement(tag);if(text!==undefined)e.textContent=text;
if(kind)e.className=kind;parent.appendChild(e);return e};
const row=(table,cells,tag,kinds)=>{const r=table.insertRow();
cells.forEach((c,i)=>make(r,tag||'td',c,kinds&&kinds[i]))};
const n=x=>x===null||x===undefined?'–':x<10?x.toFixed(2):x<1000?x.toFixed(1):x.toFixed(0);
const s=data.surroundings;
document.getElementById('setup').textContent=[s.processor,s.processors+' processors',s.system,s.kernel,s.compiler,
'framealloc '+s.framealloc,s.date,s.rounds+' rounds'].join(' · ');
const verdicts=document.getElementById('verdicts');
row(verdicts,['ours / rival, median of the ratios','measured','quartiles','gate',''],'th');
const all=document.getElementById('all');
data.workloads.forEach(w=>{
w.gates.forEach(g=>row(verdicts,[(g.row||w.name)+': '+g.ours+' / '+g.rival,g.ratio?n(g.ratio.median):'–',
g.ratio?n(g.ratio.q1)+' – '+n(g.ratio.q3):'',n(g.limit),g.state],'td',[,,,,g.state=='met'?'met':'missed']));
make(all,'h2',w.name);make(all,'p',w.sentence);
const here=w.results.filter(r=>!r.missing);
const box=make(all,'div',undefined,'chart');box.style.height=(60+26*here.length)+'px';
new Chart(make(box,'canvas'),{type:'bar',data:{labels:here.map(r=>r.name),datasets:[{data:here.map(r=>r.figure.median),
backgroundColor:here.map(r=>r.name.startsWith('framealloc')?'#1f618d':'#b7c3cf')}]},
options:{animation:false,indexAxis:'y',maintainAspectRatio:false,plugins:{legend:{display:false}},
scales:{x:{title:{display:true,text:w.unit+', median'}}}}});
const t=make(all,'table');row(t,['',w.unit+', median','min','quartiles','max','framealloc / it'],'th');
w.results.forEach(r=>r.missing?row(t,[r.name,'not here','','','',r.missing]):
row(t,[r.name,n(r.figure.median),n(r.figure.min),n(r.figure.q1)+' – '+n(r.figure.q3),n(r.figure.max),
r.ratio?n(r.ratio.median)+' ('+n(r.ratio.q1)+' – '+n(r.ratio.q3)+')':'']));
});
)";

}  // namespace

void print_text(const outcome& o) {
    const workload& w = *o.of;
    std::printf("\n%s\n  %s\n", w.name.c_str(), w.sentence.c_str());
    std::printf("  %-26s %10s %10s %21s %10s   %s\n", "", w.unit.c_str(), "min", "quartiles", "max", "framealloc / it");
    for (const result& r : o.results) {
        if (!r.missing.empty()) {
            std::printf("  %-26s %10s   %s\n", r.name.c_str(), "not here", r.missing.c_str());
            continue;
        }
        const spread& f = r.figure;
        std::printf("  %-26s %10s %10s %21s %10s", r.name.c_str(), number(f.median).c_str(), number(f.least).c_str(),
                    (number(f.lower) + " - " + number(f.upper)).c_str(), number(f.most).c_str());
        if (r.ratio)
            std::printf("   %s (%s - %s)%s%s", number(r.ratio->median).c_str(), number(r.ratio->lower).c_str(),
                        number(r.ratio->upper).c_str(), r.against == ours_name ? "" : ", of ",
                        r.against == ours_name ? "" : r.against.c_str());
        std::printf("\n");
    }
    for (const verdict& v : o.verdicts) {
        std::printf("  gate: %s / %s <= %s: ", v.ours.c_str(), v.rival.c_str(), number(v.limit).c_str());
        if (!v.ratio) std::printf("not here\n");
        else
            std::printf("%s (%s - %s), %s\n", number(v.ratio->median).c_str(), number(v.ratio->lower).c_str(),
                        number(v.ratio->upper).c_str(),
                        v.met() ? "met" : ("missed by " + number(v.ratio->median - v.limit)).c_str());
    }
    std::fflush(stdout);
}

json as_json(const outcome& o) {
    const workload& w = *o.of;
    json j{{"group", w.group}, {"name", w.name}, {"sentence", w.sentence}, {"unit", w.unit}};
    j["results"] = json::array();
    for (const result& r : o.results) {
        json x{{"name", r.name}};
        if (!r.missing.empty()) {
            x["missing"] = r.missing;
        } else {
            x["figure"] = as_json(r.figure);
            if (r.ratio) {
                x["ratio"] = as_json(*r.ratio);
                x["of"] = r.against;
            }
        }
        j["results"].push_back(std::move(x));
    }
    j["gates"] = json::array();
    for (const verdict& v : o.verdicts) {
        json x{{"row", v.row},     {"ours", v.ours},   {"rival", v.rival},
               {"limit", v.limit}, {"ratio", nullptr}, {"state", v.met() ? "met" : v.ratio ? "missed" : "not here"}};
        if (v.ratio) x["ratio"] = as_json(*v.ratio);
        j["gates"].push_back(std::move(x));
    }
    return j;
}

json surroundings(const settings& s) {
    utsname system{};
    uname(&system);
    char date[32] = "";
    const std::time_t now = std::time(nullptr);
    std::strftime(date, sizeof date, "%Y-%m-%d", std::gmtime(&now));
    json j{{"processor", processor()},
           {"processors", sysconf(_SC_NPROCESSORS_ONLN)},
           {"system", distribution()},
           {"kernel", std::string(system.sysname) + " " + system.release},
           {"huge_pages", first_line("/sys/kernel/mm/transparent_hugepage/enabled")},
           {"load", first_line("/proc/loadavg")},
           {"compiler", FRAMEALLOC_BENCH_COMPILER},
           {"framealloc", std::to_string(FRAMEALLOC_VERSION_MAJOR) + "." + std::to_string(FRAMEALLOC_VERSION_MINOR) +
                              "." + std::to_string(FRAMEALLOC_VERSION_PATCH)},
           {"date", date},
           {"rounds", s.rounds},
           {"slice_us", s.slice_us}};
    j["rivals"] = json::object();
    for (const malloc_rival& r : malloc_rivals()) j["rivals"][r.name] = r.missing.empty() ? r.version : "not here";
    j["rivals"]["bumpalo"] = the_bumpalo().missing.empty() ? FRAMEALLOC_BENCH_BUMPALO_VERSION : "not here";
    for (const auto& [name, version] : header_versions()) j["rivals"][name] = version;
    return j;
}

std::string as_text(const json& everything, int indent) {
    return everything.dump(indent, ' ', false, json::error_handler_t::replace);
}

void write_page(const json& everything, std::ostream& out) {
    out << page_head << "<script>" << chart_script()
        << "</script>\n<script>const data=" << escape(as_text(everything, -1)) << ";\n"
        << page_script << "</script></body></html>\n";
}

}  // namespace bench
