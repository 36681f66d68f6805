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
    absent = 0
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
            check(g["ratio"] is not None or not g["met"], f"{w['name']}: a rival that is not here must not pass")
            absent += g["ratio"] is None
    check(absent > 0 or "snmalloc" in data["surroundings"]["rivals"], "gates against rivals that are not packaged")
    page = (folder / "all.html").read_text()
    check("new Chart" in page and "pool mix" in page and "http" not in page.split("const data=")[1], "a page that needs nothing else")


def rivals_are_taken(folder):
    done = run("--quick", "--filter", "pool pair", "--check", status=1)
    check("gate: framealloc / snmalloc <= 0.65: not here" in done.stdout, "what is missing does not pass")
    rivals = json.loads((folder / "all.json").read_text())["surroundings"]["rivals"]
    if rivals["mimalloc"] != "not here":
        done = run("--quick", "--filter", "pool pair", "--rival", "snmalloc=libmimalloc.so.2")
        check("gate: framealloc / snmalloc <= 0.65: not here" not in done.stdout, "a library of the user's")


def what_is_wrong_is_refused():
    for arguments, expected in ((("--filter", "nonsense"), "no workload"), (("--rival", "x"), "NAME=library.so"), (("--rounds", "many"), "--rounds"),
                                (("--rival", "x=/nowhere/x.so"), "/nowhere/x.so"), (("--rival", "glibc=libm.so.6"), "already"),
                                (("--rival", "x=libm.so.6"), "no function that allocates"), (("--no-such",), "--no-such"),
                                (("--trace", "x"), "--trace"), (("--trace", "x=/nowhere"), "--trace"),
                                (("--quick", "--filter", "tag scope, 1 block", "--json", "/nowhere/x"), "/nowhere/x")):
        done = run(*arguments, status=2)
        check(expected in done.stderr and done.stderr.count("\n") == 1, f"one clear line for {arguments}: {done.stderr}")


with tempfile.TemporaryDirectory() as name:
    everything_runs(pathlib.Path(name))
    rivals_are_taken(pathlib.Path(name))
    what_is_wrong_is_refused()
print("bench: right")
