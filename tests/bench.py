#!/usr/bin/env python3
"""Runs framealloc-bench with rounds that are too short to mean anything: does all of it work, and does it refuse what is wrong?

usage: bench.py FRAMEALLOC_BENCH
"""
import json
import pathlib
import subprocess
import sys
import tempfile

PROGRAM = sys.argv[1]


# The rows of the table of whole operations against rivals.
PROMISED = {"inner frame + 1 alloc", "outermost frame with 10 allocs", "outermost frame with 100 allocs", "frame resource, both virtual",
            "pool mix of 16 to 1,024 bytes, 4,000 live", "first fill of 1,000,000 times 64 bytes", "first fill, with huge pages", "heap pair, 64 KiB",
            "heap small, 16 to 1,024 bytes", "heap, 256 KiB to 4 MiB", "pool mix on 2 threads at once", "heap small on 2 threads at once",
            "frame_vec, push of 1,000", "vec assign(range) of trivial types", "string resize to 64 K", "frame_map, find among 100,000",
            "frame_map, miss among 100,000", "frame_map, iterate", "frame_map, find with pointer keys", "frame_map, insert of 2,000 hostile keys",
            "frame_map, find of 2,000 hostile keys"}


def run(*arguments, status=0):
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=500)
    if done.returncode != status:
        sys.exit(f"bench.py: {arguments} ended with {done.returncode}, not {status}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done


def check(condition, what):
    if not condition:
        sys.exit(f"bench.py: failed: {what}")


def everything_runs(folder):
    lines = run("--list").stdout.splitlines()
    names = [line for line in lines if not line.startswith(" ")]
    check(len(names) > 60 and len(lines) == 2 * len(names), "a sentence for each workload")
    check(len(set(names)) == len(names), "no two workloads of one name")
    run("--quick", "--json", folder / "all.json", "--html", folder / "all.html")
    data = json.loads((folder / "all.json").read_text())
    check(len(data["workloads"]) == len(names), "all workloads in the file")
    absent, rows = 0, set()
    for w in data["workloads"]:
        here = [r for r in w["results"] if "figure" in r]
        check(all(r["missing"] for r in w["results"] if "figure" not in r), f"{w['name']}: a reason for what is missing")
        check(here or all("yet" in r["missing"] for r in w["results"]), f"{w['name']}: nobody took part")
        for r in here:
            f = r["figure"]
            check(0 <= f["min"] <= f["q1"] <= f["median"] <= f["q3"] <= f["max"], f"{w['name']}: {r['name']}: an order of figures")
        known = {r["name"] for r in w["results"]}
        for g in w["gates"]:
            check(g["ours"] in known and (g["rival"] in known or g["rival"].startswith("best malloc")), f"{w['name']}: a gate without its rival: {g['rival']}")
            check((g["state"] == "not here") == (g["ratio"] is None), f"{w['name']}: a rival that is not here must not pass")
            check(g["ratio"] is None or (g["state"] == "met") == (g["ratio"]["median"] <= g["limit"]), f"{w['name']}: a wrong verdict")
            absent += g["ratio"] is None
            rows.update([g["row"]] if g["row"] else [])
    check(absent > 0 or "snmalloc" in data["surroundings"]["rivals"], "gates against rivals that are not packaged")
    check(rows == PROMISED, f"the table of whole operations: {rows ^ PROMISED}")
    page = (folder / "all.html").read_text()
    check("new Chart" in page and "pool mix" in page and "http" not in page.split("const data=")[1], "a page that needs nothing else")


def rivals_are_taken(folder):
    done = run("--quick", "--filter", "pool pair", "--check", status=1)
    check("gate: framealloc / snmalloc <= 0.65: not here" in done.stdout, "what is missing does not pass")
    rivals = json.loads((folder / "all.json").read_text())["surroundings"]["rivals"]
    if rivals["mimalloc"] != "not here":
        done = run("--quick", "--filter", "pool pair", "--rival", "snmalloc=libmimalloc.so.2")
        check("gate: framealloc / snmalloc <= 0.65: not here" not in done.stdout, "a library of the user's")
        done = run("--quick", "--rival", "framealloc=libmimalloc.so.2", status=2)
        check("another contestant" in done.stderr, f"a rival of a name that is taken: {done.stderr}")


def what_is_wrong_is_refused():
    short = ("--quick", "--filter", "tag scope, 1 block")
    for arguments, expected in ((("--filter", "nonsense"), "'nonsense'"), (("--filter", "pool", "--filter", "nonsense"), "'nonsense'"),
                                (("--filter",), "--filter"), (("--rival", "x"), "NAME=library.so"), (("--rounds", "many"), "--rounds"),
                                (("--rival", "x=/nowhere/x.so"), "/nowhere/x.so"), (("--rival", "glibc=libm.so.6"), "already"),
                                (("--rival", "x=libm.so.6"), "no function that allocates"), (("--no-such",), "--no-such"),
                                (("--trace", "x"), "--trace"), (("--trace", "x=/nowhere"), "--trace"),
                                (("--json", "x", "--html", "x"), "one file"),
                                (("--json", "/nowhere/x"), "/nowhere/x"), (("--html", "/"), "cannot write /"), (("--html",), "--html"),
                                ((*short, "--json", "/dev/full"), "/dev/full"), ((*short, "--html", "/dev/full"), "/dev/full")):
        done = run(*arguments, status=2)
        check(expected in done.stderr and done.stderr.count("\n") == 1 and (arguments[:3] == short or not done.stdout), f"one clear line for {arguments}: {done.stderr}")


with tempfile.TemporaryDirectory() as name:
    everything_runs(pathlib.Path(name))
    rivals_are_taken(pathlib.Path(name))
    what_is_wrong_is_refused()
print("bench: right")
