// The table and the page of a run.
#include "report.hpp"

#include "interpose.hpp"

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

namespace demo {

namespace {

struct figures {
    double p50 = 0, p99 = 0, max = 0, box2d = 0, mallocs = 0;
};

double percentile(std::vector<double> v, double p) {
    if (v.empty()) return 0;
    std::sort(v.begin(), v.end());
    return v[std::min(v.size() - 1, static_cast<std::size_t>(p * static_cast<double>(v.size())))];
}

// After the warm-up.
figures summarise(const variant_result& v, std::uint32_t warm_up) {
    std::vector<double> own, box2d;
    double mallocs = 0;
    for (std::size_t i = std::min<std::size_t>(warm_up, v.frames.size() / 2); i < v.frames.size(); ++i) {
        own.push_back(v.frames[i].own_us);
        box2d.push_back(v.frames[i].box2d_us);
        mallocs += static_cast<double>(v.frames[i].mallocs);
    }
    return {percentile(own, 0.5), percentile(own, 0.99), percentile(own, 1.0), percentile(box2d, 0.5),
            mallocs / static_cast<double>(own.size())};
}

std::string escape(std::string text) {
    // "</script>" inside a JSON string would end the script element.
    for (std::size_t at = 0; (at = text.find("</", at)) != std::string::npos; at += 3) text.replace(at, 2, "<\\/");
    return text;
}

constexpr const char* page_head = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>framealloc demo</title>
<meta http-equiv="Content-Security-Policy"
content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:">
<style>
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:64rem;padding:0 1rem;color:#1b1f24;background:#fff}
table{border-collapse:collapse;width:100%}th,td{padding:.35rem .6rem;text-align:right;border-bottom:1px solid #d8dee4}
th:first-child,td:first-child{text-align:left}.grid{display:grid;grid-template-columns:1fr 1fr;gap:1.5rem}
.wide{grid-column:1/3}h2{margin-top:2rem}canvas{max-height:320px}
</style></head><body>
<h1>The same game loop, three times</h1>
<p id="setup"></p>
<table id="table"></table>
<div class="grid"><div class="wide"><h2>The loop's own time a frame</h2><canvas id="time"></canvas></div>
<div class="wide"><h2>malloc calls a frame</h2><canvas id="mallocs"></canvas></div>
<div><h2>Bytes by tag</h2><canvas id="tags"></canvas></div>
<div><h2>Bytes by phase, last frame</h2><canvas id="phases"></canvas></div></div>
)";

constexpr const char* page_script = R"(
const colors=['#c0392b','#d68910','#1f618d'];
document.getElementById('setup').textContent=data.frames+' frames, '+data.bodies+' bodies, seed '+
data.seed+', '+data.threads+
' thread(s). Figures leave the first '+data.warm_up+' frames out. Checksums are equal: '+data.equal+'.';
const rows=[['variant','own time p50 µs','p99 µs','max µs','Box2D p50 µs',
'mallocs a frame','peak KiB','committed KiB','checksum'],...data.table];
const table=document.getElementById('table');
rows.forEach((r,i)=>{const tr=table.insertRow();
r.forEach(c=>{const cell=document.createElement(i?'td':'th');cell.textContent=c;tr.appendChild(cell)})});
const line=(id,key,type)=>new Chart(document.getElementById(id),{type:'line',
data:{labels:data.series[0][key].map((_,i)=>i),
datasets:data.series.map((s,i)=>({label:s.title,data:s[key],borderColor:colors[i],borderWidth:1,pointRadius:0}))},
options:{animation:false,scales:{y:{type:type,title:{display:true,text:key}},x:{title:{display:true,text:'frame'}}}}});
line('time','µs','linear');line('mallocs','calls','linear');
const bars=(id,list)=>new Chart(document.getElementById(id),{type:'bar',data:{labels:list.map(e=>e.name),
datasets:[{label:'bytes',data:list.map(e=>e.bytes),backgroundColor:colors[2]}]},
options:{animation:false,indexAxis:'y',plugins:{legend:{display:false}}}});
bars('tags',data.tags);bars('phases',data.phases);
)";

nlohmann::json as_json(const results& r) {
    nlohmann::json data;
    data["frames"] = r.setup.frames;
    data["bodies"] = r.setup.bodies;
    data["seed"] = r.setup.seed;
    data["threads"] = r.setup.threads;
    data["warm_up"] = r.setup.warm_up;
    bool equal = true;
    for (const variant_result& v : r.variants) {
        const figures f = summarise(v, r.setup.warm_up);
        auto number = [](double d) {
            char text[32];
            std::snprintf(text, sizeof text, "%.1f", d);
            return std::string(text);
        };
        char sum[20];
        std::snprintf(sum, sizeof sum, "%016llx", static_cast<unsigned long long>(v.checksum));
        data["table"].push_back({v.title, number(f.p50), number(f.p99), number(f.max), number(f.box2d),
                                 number(f.mallocs), number(static_cast<double>(v.peak_bytes) / 1024),
                                 number(static_cast<double>(v.committed_bytes) / 1024), sum});
        nlohmann::json series{{"title", v.title}};
        for (const frame_sample& s : v.frames) {
            series["µs"].push_back(static_cast<int>(s.own_us * 10) / 10.0);
            series["calls"].push_back(s.mallocs);
        }
        data["series"].push_back(series);
        equal = equal && v.checksum == r.variants[0].checksum;
    }
    data["equal"] = equal ? "yes" : "NO";
    for (const auto* list : {&r.tags, &r.phases}) {
        nlohmann::json& out = data[list == &r.tags ? "tags" : "phases"] = nlohmann::json::array();
        for (const named_bytes& b : *list) out.push_back({{"name", b.name}, {"bytes", b.bytes}});
    }
    return data;
}

}  // namespace

void print_table(const results& r) {
    std::printf("\n%-11s %10s %10s %10s %10s %10s %10s %12s  %s\n", "variant", "own p50", "own p99", "own max",
                "Box2D p50", "mallocs", "peak", "committed", "checksum");
    std::printf("%-11s %10s %10s %10s %10s %10s %10s %12s\n", "", "us", "us", "us", "us", "per frame", "KiB", "KiB");
    for (const variant_result& v : r.variants) {
        const figures f = summarise(v, r.setup.warm_up);
        std::printf("%-11s %10.1f %10.1f %10.1f %10.1f %10.1f %10zu %12zu  %016llx\n", v.title.c_str(), f.p50, f.p99,
                    f.max, f.box2d, f.mallocs, v.peak_bytes / 1024, v.committed_bytes / 1024,
                    static_cast<unsigned long long>(v.checksum));
    }
    if (!mallocs_are_counted())
        std::printf("(under a sanitizer malloc calls and the peaks of standard containers are not counted)\n");
    std::printf("\nbytes by tag:  ");
    for (const named_bytes& b : r.tags) std::printf(" %s %zu", b.name.c_str(), b.bytes);
    std::printf("\nbytes by phase:");
    for (const named_bytes& b : r.phases) std::printf(" %s %zu", b.name.c_str(), b.bytes);
    std::printf("\n");
}

bool write_report(const results& r, const std::string& file) {
    std::ofstream out(file, std::ios::binary);
    out << page_head << "<script>" << chart_script() << "</script>\n<script>const data=" << escape(as_json(r).dump())
        << ";\n"
        << page_script << "</script></body></html>\n";
    return static_cast<bool>(out.flush());
}

}  // namespace demo
