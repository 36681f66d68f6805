#!/usr/bin/env python3
"""Measures everything and writes docs/performance.md, and a page with charts beside the build.

usage: performance.py [--build DIR] [--output FILE] [--rival NAME=FILE[@VERSION]]... [--although-busy] [--quick]

DIR is a configured release build (build/release): what is needed is built in it. Takes some ten minutes on a machine that does
nothing else; it refuses to begin on one that is busy. Instructions are counted with g++, g++ with link-time optimisation and
clang++-14, where they are.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

import count_growth

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGETS = ("framealloc-bench", "bench_growth", "framealloc-record", "framealloc_recorder", "framealloc-demo")
COMPILERS = (("g++", ["--compiler", "g++"]), ("g++, LTO", ["--compiler", "g++", "--lto"]), ("clang++-14", ["--compiler", "clang++-14"]))


def run(*command, **kwargs):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **kwargs)
    if done.returncode != 0:
        sys.exit(f"performance: {command[0]} ended with {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def version(command):
    return run(command, "--version").splitlines()[0]


def traces(build, folder):
    """The recordings of a game engine's server and of the demo, as arguments of framealloc-bench."""
    record, environment = build / "tools/framealloc-record", {**os.environ, "HOME": str(folder), "LC_ALL": "C"}
    arguments = []
    if shutil.which("godot3-server"):
        run(record, "--frame", "getenv", "-o", folder / "godot", "--", "godot3-server", "--path", ROOT / "tests/tools/godot", "--frames=600",
            env=environment)
        arguments += ["--trace", f"Godot 3, a 2D scene={folder / 'godot'}"]
    run(record, "--frame", "b2World::Step", "-o", folder / "demo", "--", build / "demo/framealloc-demo", "--frames", "300", env=environment)
    return arguments + ["--trace", f"the demo={folder / 'demo'}"]


def demo_ratios(build, runs):
    """The demo's own time, framealloc to tuned, in each run."""
    ratios = []
    for _ in range(runs):
        text = run(build / "demo/framealloc-demo", "--frames", "600")
        median = {row[0]: float(row[1]) for row in re.findall(r"^(tuned|framealloc)\s+([\d.]+)", text, re.M)}
        ratios.append(median["framealloc"] / median["tuned"])
    return sorted(ratios)


def counts(folder):
    """{compiler: rows}, and each compiler's version."""
    found, versions = {}, {}
    for name, arguments in COMPILERS:
        if shutil.which(arguments[1]):
            run(sys.executable, ROOT / "scripts/count_instructions.py", *arguments, "--json", folder / "counts.json")
            found[name] = json.loads((folder / "counts.json").read_text())["rows"]
            versions[name] = version(arguments[1])
    return found, versions


def number(x):
    return "–" if x is None else f"{x:,.2f}" if x < 10 else f"{x:,.1f}" if x < 1000 else f"{x:,.0f}"


def head(data, versions, options):
    s = data["surroundings"]
    rivals = "; ".join(f"{name} {v}" for name, v in s["rivals"].items())
    command = "scripts/performance.py" + "".join(f" --rival '{r.split('=')[0]}=…'" for r in options.rival)
    return f"""# Performance

Written by `{command}` on {s['date']}; do not edit. The same figures with charts are in the build folder, `performance.html`.

| | |
|---|---|
| processor | {s['processor']}, {s['processors']} processors |
| system | {s['system']}, {s['kernel']}, transparent huge pages: {s['huge_pages']} |
| compilers | {'; '.join(dict.fromkeys(versions.values()))}; times with {s['compiler']} |
| framealloc | {s['framealloc']} |
| rivals | {rivals} |

Times: all contestants of a workload run in one process, in turns of {s['slice_us']:.0f} µs whose order rotates from round to round, {s['rounds']} rounds;
processor time of the thread, except where there are several. Figures are medians, ratios are medians of the rounds' ratios, framealloc / rival: below 1 framealloc is faster. A row's sum over its work is the same for
all, and that is checked. A rival that is not here passes no gate. "By hand" is no rival but the limit: a cursor, or a list in one array. Instructions: callgrind.
"""


def instruction_table(table):
    compilers = list(table)
    lines = ["## Instructions", "", "One operation, without the loop; 10 tags exist, or as many as the row says.", "",
             "| operation | " + " | ".join(compilers) + " | gate | missed by |", "|---|" + "---:|" * (len(compilers) + 2)]
    for rows in zip(*table.values()):
        figures = [max(r["instructions"]) for r in rows]
        gate = rows[0]["gate"]
        missed = max(0, figures[0] - gate) if gate is not None else 0
        lines.append(f"| {rows[0]['operation']} | " + " | ".join(f"{f:,}" for f in figures) + f" | {gate or '–'} | {missed or '–'} |")
    return lines


def growth_table(table):
    lines = ["## Growth", "", f"Instructions of one operation beside few others and beside many; more than {count_growth.ALLOWED} times is a cliff.", "",
             "| operation | instructions at n | growth | |", "|---|---|---:|---|"]
    for scenario, costs in sorted(table.items()):
        growth = costs[max(costs)] / max(min(costs.values()), 1)
        known = count_growth.KNOWN.get(scenario, (0, ""))[1]
        lines.append(f"| {scenario.replace('_', ' ')} | " + ", ".join(f"{n:,}: {costs[n]:,.0f}" for n in sorted(costs)) + f" | {growth:.2f} | {known} |")
    return lines


def gate_table(data, demo):
    lines = ["## Ratios and gates", "", "| workload | ours / rival | measured | gate | |", "|---|---|---:|---:|---|"]
    for w in data["workloads"]:
        for g in w["gates"]:
            state = "not here" if g["ratio"] is None else "met" if g["met"] else "**missed**"
            lines.append(f"| {w['name']} | {g['ours']} / {g['rival']} | {number(g['ratio'])} | {number(g['limit'])} | {state} |")
    if demo:
        median = statistics.median(demo)
        state = "met" if median <= 0.95 else "**missed**"
        lines.append(f"| the demo's own time, {len(demo)} runs, {demo[0]:.2f} – {demo[-1]:.2f} | framealloc / tuned | {median:.2f} | 0.95 | {state} |")
    return lines


def not_won(data, table):
    """Every figure in which somebody else is better, whether a gate asks for it or not."""
    lines = ["## What is not won", "", "Operations that take more instructions than their gate allows:", ""]
    rows = table[next(iter(table))]
    over = [r for r in rows if r["gate"] is not None and max(r["instructions"]) > r["gate"]]
    lines += [f"- {r['operation']}: {max(r['instructions']):,}, {r['gate']:,} is the gate" for r in over] or ["- none"]
    lines += ["", "Workloads in which a rival is faster or needs less, by more than 5 %; times framealloc / rival:", ""]
    for w in data["workloads"]:
        ahead = [f"{r['name']} {number(r['ratio']['median'])}" for r in w["results"]
                 if "ratio" in r and r["ratio"]["median"] > 1.05 and not r["name"].startswith(("framealloc", "by hand"))]
        if ahead:
            lines.append(f"- {w['name']}: " + ", ".join(ahead))
    lines += ["", "Not compared, since the rival or the feature is not here:", ""]
    absent = {}
    for w in data["workloads"]:
        for r in w["results"]:
            if "missing" in r:
                absent.setdefault(f"{r['name']} ({r['missing']})", []).append(w["name"])
    lines += [f"- {name}: {', '.join(names) if len(names) < 5 else f'{len(names)} workloads'}" for name, names in absent.items()] or ["- nothing"]
    return lines


def workload_tables(data):
    lines = ["## Every workload"]
    for w in data["workloads"]:
        here = [r for r in w["results"] if "figure" in r]
        if not here:
            continue
        lines += ["", f"### {w['name']}", "", w["sentence"], "", "| | " + " | ".join(r["name"] for r in here) + " |", "|---|" + "---:|" * len(here)]
        lines.append(f"| {w['unit']} | " + " | ".join(number(r["figure"]["median"]) for r in here) + " |")
        lines.append("| quartiles | " + " | ".join(f"{number(r['figure']['q1'])} – {number(r['figure']['q3'])}" for r in here) + " |")
        ratio = lambda r: "–" if "ratio" not in r else number(r["ratio"]["median"]) + ("" if r["of"] == "framealloc" else f" (of {r['of']})")
        lines.append("| framealloc / it | " + " | ".join(ratio(r) for r in here) + " |")
    return lines


def read_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "docs/performance.md")
    parser.add_argument("--rival", action="append", default=[])
    parser.add_argument("--although-busy", action="store_true", help="the figures will mean little")
    parser.add_argument("--quick", action="store_true", help="rounds that are too short: does the script work?")
    options = parser.parse_args()
    busy = os.getloadavg()[0]
    if busy > 0.5 and not options.although_busy:
        sys.exit(f"performance: {busy:.1f} programs are running on average: times would mean nothing (--although-busy)")
    return options


def main():
    options = read_options()
    build = options.build
    run("cmake", "--build", build, "--target", *TARGETS)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        rivals = [word for r in options.rival for word in ("--rival", r)]
        quick = ["--quick"] if options.quick else []
        run(build / "bench/framealloc-bench", *rivals, *traces(build, folder), *quick, "--json", folder / "bench.json", "--html", build / "performance.html")
        data = json.loads((folder / "bench.json").read_text())
        demo = demo_ratios(build, 1 if options.quick else 7)
        table, versions = counts(folder)
        growth = count_growth.measure(build / "bench/bench_growth", [] if options.quick else ["--long"])
    parts = [head(data, versions, options).splitlines(), not_won(data, table), gate_table(data, demo), instruction_table(table), growth_table(growth),
             workload_tables(data)]
    options.output.write_text("\n\n".join("\n".join(part) for part in parts) + "\n")
    print(f"performance: wrote {options.output} and {build / 'performance.html'}")


if __name__ == "__main__":
    main()
