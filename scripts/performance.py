#!/usr/bin/env python3
"""Measures everything and writes docs/performance.md, and a page with charts beside the build.

usage: performance.py [--build DIR] [--include DIR] [--rival NAME=FILE[@VERSION]]... [--output FILE] [--although-busy] [--quick]

DIR of --build is a release build (build/release), which is configured where it is not; what is needed is built in it. --include names the
folder of ankerl's headers. Instructions are counted with g++, with clang++-19, and with g++ and link-time optimisation. Takes
ten to fifteen minutes on two processors that do nothing else; begins on no others. Ends with 1 where a gate is missed that
scripts/not_won.py has no reason for: the page then says so too.
"""
import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import count_growth
from not_won import REASONS

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGETS = ("framealloc-bench", "bench_growth", "framealloc-record", "framealloc_recorder", "framealloc-demo")
COMPILERS = (("g++", ["--compiler", "g++"]), ("clang++-19", ["--compiler", "clang++-19"]), ("g++, LTO", ["--compiler", "g++", "--lto"]))
DEMO_GATE = 0.95


def run(*command, **kwargs):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **kwargs)
    if done.returncode != 0:
        sys.exit(f"performance: {command[0]} ended with {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


@contextlib.contextmanager
def step(name):
    print(f"performance: {name} …", end=" ", flush=True)
    start = time.monotonic()
    yield
    print(f"{time.monotonic() - start:.0f} s", flush=True)


def version(command):
    return run(command, "--version").splitlines()[0]


def built(options):
    build = options.build
    if not (build / "CMakeCache.txt").exists() or options.include:
        include = [f"-DFRAMEALLOC_BENCH_INCLUDE={options.include.resolve()}"] if options.include else []
        run("cmake", "-S", ROOT, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DFRAMEALLOC_DEVELOP=ON", *include)
    run("cmake", "--build", build, "--target", *TARGETS)
    return build


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
    return "–" if x is None else f"{x:,}" if isinstance(x, int) else f"{x:,.2f}" if x < 10 else f"{x:,.1f}" if x < 1000 else f"{x:,.0f}"


def spread(s, lower="q1", upper="q3"):
    return f"{number(s[lower])} – {number(s[upper])}"


def table(heads, rows):
    """Lines of a table; heads that end in ':' stand over figures."""
    return ["| " + " | ".join(h.rstrip(":") for h in heads) + " |", "|" + "".join("---:|" if h.endswith(":") else "---|" for h in heads),
            *("| " + " | ".join(row) + " |" for row in rows)]


class gate:
    """A row of one of the two tables of what is promised, or a further gate: what it is called, what was measured, what it should be."""

    def __init__(self, name, measured, limit, detail=""):
        self.name, self.measured, self.limit, self.detail = name, measured, limit, detail
        self.missed = measured is not None and limit is not None and measured > limit
        self.state = "not here" if measured is None else "" if limit is None else "**missed**" if self.missed else "met"


def instruction_gates(counted):
    """Of each operation the figure of the compiler that needs most."""
    gates = []
    for rows in zip(*counted.values()):
        figures = {name: max(row["instructions"]) for name, row in zip(counted, rows)}
        worst = max(figures, key=figures.get)
        gates.append(gate(rows[0]["operation"], figures[worst], rows[0]["gate"], f"with {worst}"))
    return gates


def ratio_gates(data, demo):
    """(those of the table of whole operations, the others)"""
    promised, further = [], []
    for w in data["workloads"]:
        for g in w["gates"]:
            ratio = g["ratio"]
            made = gate(f"{g['row'] or w['name']}: {g['ours']} / {g['rival']}", ratio and ratio["median"], g["limit"], ratio and spread(ratio) or "")
            (promised if g["row"] else further).append(made)
    if demo:
        promised.append(gate(f"the demo's own time, {len(demo)} runs: framealloc / tuned", statistics.median(demo), DEMO_GATE, f"{demo[0]:.2f} – {demo[-1]:.2f}"))
    return promised, further


def key_of(name):
    """The key of a gate's reason: the whole row, or what stands before the rivals, for all of them."""
    return next((key for key in (name, name.split(": ")[0]) if key in REASONS), None)


def reason(g):
    return REASONS.get(key_of(g.name))


def head(data, versions, options, minutes):
    s = data["surroundings"]
    rivals = "; ".join(f"{name} {v}" for name, v in s["rivals"].items())
    command = "scripts/performance.py" + (" --include …" if options.include else "") + "".join(f" --rival '{r.split('=')[0]}=…'" for r in options.rival)
    return f"""# Performance

Written by `{command}` on {s['date']}, in {minutes:.0f} minutes; do not edit. The same figures with charts are in the build folder, `performance.html`.

| | |
|---|---|
| processor | {s['processor']}, {s['processors']} processors, virtual or not; load at the beginning {s['load'].split()[0]} |
| system | {s['system']}, {s['kernel']}, transparent huge pages: {s['huge_pages']} |
| compilers | {'; '.join(dict.fromkeys(versions.values()))}; times with {s['compiler']} |
| framealloc | {s['framealloc']} |
| rivals | {rivals} |

Instructions: callgrind, in a program that links the installed library; one operation, without the loop. Times: all contestants of a workload run in one process,
in turns of {s['slice_us']:.0f} µs whose order rotates from round to round, {s['rounds']} rounds or, where they are long, fewer; a turn begins with a pass that is not timed, since the others have emptied the caches; processor time of the thread, on the wall where there are several threads.
A figure is the median of the rounds, a ratio the median of the rounds' ratios, framealloc / rival, so that below 1 framealloc is faster; behind it stand the quartiles. Contestants do the same
work, whose sum is compared. A rival that is not here passes no gate. "By hand" is no rival but the limit: a cursor, or a list in one array.
"""


def instruction_table(counted):
    rows = [[r[0]["operation"], *(f"{max(x['instructions']):,}" for x in r), f"{r[0]['gate'] or '–'}", g.state]
            for r, g in zip(zip(*counted.values()), instruction_gates(counted))]
    return ["## Instructions", "", "10 tags exist, or as many as the row says. The first rows are atoms: empty frames and scopes, one call. The others are whole operations, as programs have them.",
            "", *table(["operation", *(f"{c}:" for c in counted), "gate:", ""], rows)]


def growth_table(found):
    rows = []
    for scenario, costs in sorted(found.items()):
        known = count_growth.KNOWN.get(scenario, (0, ""))[1]
        rows.append([scenario.replace("_", " "), ", ".join(f"{n:,}: {costs[n]:,.0f}" for n in sorted(costs)), f"{costs[max(costs)] / max(min(costs.values()), 1):.2f}", known])
    return ["## Growth", "", f"Instructions of one operation beside few others and beside many; more than {count_growth.ALLOWED} times is a cliff.", "",
            *table(["operation", "instructions at n", "growth:", ""], rows)]


def ratio_tables(promised, further):
    heads = ["workload: ours / rival", "measured:", "quartiles", "gate:", ""]
    rows = lambda gates: [[g.name, number(g.measured), g.detail, number(g.limit), g.state] for g in gates]
    return ["## Whole operations against rivals", "", *table(heads, rows(promised)), "", "## Further gates", "", *table(heads, rows(further))]


def not_won(data, gates):
    """Every gate that is missed, with its reason; then every figure in which somebody else is better, whether a gate asks for it or not."""
    lines = ["## What is not won", "", "Gates that are missed:", ""]
    missed = [[g.name, f"{number(g.measured)} {g.detail}" if isinstance(g.measured, int) else f"{number(g.measured)} ({g.detail})", number(g.limit),
               reason(g) or "**no reason is given**"] for g in gates if g.missed]
    lines += table(["row", "measured:", "gate:", "why"], missed) if missed else ["none."]
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
        lines.append("| quartiles | " + " | ".join(spread(r["figure"]) for r in here) + " |")
        lines.append("| range | " + " | ".join(spread(r["figure"], "min", "max") for r in here) + " |")
        ratio = lambda r: "–" if "ratio" not in r else number(r["ratio"]["median"]) + ("" if r["of"] == "framealloc" else f" (of {r['of']})")
        lines.append("| framealloc / it | " + " | ".join(ratio(r) for r in here) + " |")
    return lines


def read_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--include", type=pathlib.Path, help="folder of ankerl's headers")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "docs/performance.md")
    parser.add_argument("--rival", action="append", default=[])
    parser.add_argument("--although-busy", action="store_true", help="the figures will mean little")
    parser.add_argument("--quick", action="store_true", help="rounds that are too short: does the script work?")
    options = parser.parse_args()
    busy = os.getloadavg()[0]
    if busy > 0.5 and not options.although_busy:
        sys.exit(f"performance: {busy:.1f} programs are running on average: times would mean nothing (--although-busy)")
    return options


def write(options, data, demo, counted, versions, growth, minutes):
    """Returns the gates that are missed without a reason."""
    promised, further = ratio_gates(data, demo)
    gates = instruction_gates(counted) + promised + further
    parts = [head(data, versions, options, minutes).splitlines(), not_won(data, gates), instruction_table(counted), ratio_tables(promised, further),
             growth_table(growth), workload_tables(data)]
    options.output.write_text("\n\n".join("\n".join(part).rstrip() for part in parts) + "\n")
    print(f"performance: wrote {options.output} and {options.build / 'performance.html'}")
    for name in REASONS.keys() - {key_of(g.name) for g in gates}:
        print(f"performance: not_won.py has a reason for what is no gate: {name}", file=sys.stderr)
    return [g.name for g in gates if g.missed and reason(g) is None]


def main():
    options = read_options()
    start = time.monotonic()
    with step("building"):
        build = built(options)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        with step("counting instructions"):
            counted, versions = counts(folder)
        with step("counting growth"):
            growth = count_growth.measure(build / "bench/bench_growth", [] if options.quick else ["--long"])
        with step("recording traces"):
            recorded = traces(build, folder)
        with step("timing workloads"):
            rivals = [word for r in options.rival for word in ("--rival", r)]
            quick = ["--quick"] if options.quick else []
            run(build / "bench/framealloc-bench", *rivals, *recorded, *quick, "--json", folder / "bench.json", "--html", build / "performance.html")
            data = json.loads((folder / "bench.json").read_text())
        with step("timing the demo"):
            demo = demo_ratios(build, 1 if options.quick else 7)
    if unexplained := write(options, data, demo, counted, versions, growth, (time.monotonic() - start) / 60):
        sys.exit("performance: missed, and scripts/not_won.py has no reason:\n  " + "\n  ".join(unexplained))


if __name__ == "__main__":
    main()
