#!/usr/bin/env python3
"""The advice of framealloc-advise and -replay is right for every recorded block, and computing it costs no more than it must.

usage: advice.py BUILD SOURCE CHECK      CHECK: shapes, giant, names or wrong_use; see tools.py for BUILD and SOURCE
"""
import os
import pathlib
import re
import stat
import subprocess
import sys
import tempfile
import time

from tools import ADVISE, PLANTED, RECORD, REPLAY, advise, build, check, run
from traces import ALLOCATE, RELEASE, frames_of, trace_of

SHAPES, GIANT = build / "tests/shapes", build / "tests/untouched_giant"

# By function: the shape, whether it is for frames, frames that its blocks outlive, and words of the advice.
RIGHT = {
    "clean": ("frame", True, 0, "frame_alloc"),
    "one_in_16": ("survivors", False, 0, "1 in 16 lives on: not a frame"),
    "one_in_1000": ("survivors", False, 0, "lives on: not a frame"),
    "one_at_the_end": ("survivors", False, 0, "1 in 10,000 lives on: not a frame"),
    "warm_up": ("survivors", False, 0, "none made after frame 4"),
    "made_before": ("survivors", False, 0, "5 made before the first frame live on"),
    "freed_in_the_next": ("frame", True, 1, "2 frames in flight"),
    "seldom_in_the_next": ("frame", True, 1, "2 frames in flight"),
    "hardly_in_the_next": ("survivors", False, 0, "not a frame"),
    "freed_elsewhere": ("pool", False, 0, "1 in 25 is freed by another thread: not a frame"),
    "of_two_sizes": ("heap", False, 0, "1 in 20 are of 48 B"),
    "some_are_resized": ("heap", False, 0, "heap_vec where it grows: 1 in 10"),
    "grows_and_stays": ("grow", False, 0, "heap_vec"),
    "grows_and_dies": ("grow", True, 0, "frame_vec: grows in place"),
    "grows_in_turns": ("grow", True, 0, "its growth alternates with other frame memory, so 3,200 of 3,200 blocks move; reserve first"),
    "before_and_after": ("pool", False, 0, "pool_alloc, class 208"),
}


def stamps_are_right(table):
    """Wrong stamps, and blocks of advised places that are used beyond their frame: none."""
    rows = re.findall(r"^  (\w+) +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+ +(\d+)$", table, re.M)
    check(rows and all(wrong == "0" for _, wrong in rows), f"every stamp right: {table}")
    check("used beyond" not in table, f"frames hold what was advised: {table}")


def shapes(folder):
    run(RECORD, "-o", folder / "s", "--", SHAPES)
    a = advise(folder, "s", "--places", "1000")
    for function, (shape, in_frames, kept, words) in RIGHT.items():
        places = [p for p in a["places"] if p["stack"] and p["stack"][0].startswith(function + "(") and p["blocks"] >= 35]
        check(places, f"{function} is a place")
        p = places[0]
        check((p["shape"], p["in_frames"], p["kept"]) == (shape, in_frames, kept) and words in p["advice"], f"{function} is {shape}, {words!r}: {p}")
    for p in a["places"]:
        most = p["shape"] == "grow" and 2 * max(p["grown"], p["resized"]) >= p["blocks"] >= 35  # the last block of a chain has not moved on
        check(p["shape"] in ("unknown", "start-up") or p["confidence"] >= 0.9 or most, f"no advice without confidence: {p}")
    resized = [p for p in a["places"] if p["stack"] and p["stack"][0].startswith("some_are_resized")]
    check(sorted(p["shape"] for p in resized if p["blocks"] >= 35) == ["grow", "heap"], f"what realloc made is no pool's: {resized}")
    check(a["frames_in_flight"] == 2 and a["in_frames"] > 10_000 and a["dangling"] == 0, f"{a['dangling']} of {a['in_frames']} dangle")
    check(abs(sum(p["rate"] for p in a["places"]) - a["mallocs_per_frame"]) < 1e-6, "the places make all mallocs")
    for words in ([], ["--threads"], ["--threads", "--exact"]):
        stamps_are_right(run(REPLAY, "--intent", "--with", "glibc", "--rounds", "1", *words, folder / "s").stdout)
    steady(folder)
    print(f"{len(RIGHT)} places with a minority of another kind; {a['in_frames']} blocks in frames, {a['dangling']} used beyond them, replayed in three orders")


def steady(folder):
    """Warm-up and time slices are labelled as such."""
    busy = [(ALLOCATE, 64, 100), (RELEASE, 64, 0)]
    trace_of(folder / "quiet", frames_of(busy * 100, 100) + frames_of([], 300))
    a = advise(folder, "quiet")
    check(a["last_busy"] == 100 and a["steady"]["mallocs"] == 0 and "none after frame 100: warm-up, leave it" in a["places"][0]["advice"], f"quiet after frame 100: {a}")
    check("Leave it: after frame 100 nothing is allocated" in run(ADVISE, folder / "quiet").stdout, "and told to leave it")
    trace_of(folder / "calmer", frames_of(busy * 100, 100) + frames_of(busy, 300))
    a = advise(folder, "calmer")
    check(a["warm_up"]["mallocs_per_frame"] == 100 and a["steady"]["mallocs_per_frame"] == 1 and "leave it" not in a["places"][0]["advice"], f"calmer after frame 100: {a}")
    run(RECORD, "-o", folder / "sliced", "--frame-every", "0.5", "--", SHAPES)
    a = advise(folder, "sliced", "--options", folder / "sliced.hpp")
    check(a["slice_us"] == 500 and a["frame_capacity"] == 0 and "frame_capacity =" not in (folder / "sliced.hpp").read_text(), f"slices of time have no capacity: {a['frame_capacity']}")
    report = run(ADVISE, folder / "sliced").stdout
    check("slice of 0.5 ms" in report, "and are called slices")
    check("  slices of time give no frame_capacity" in report and "of frame memory" not in report and a["threads"] == [] and a["frames_in_flight"] is None,
          f"in a line of their own, and no bytes beside it: {report}")
    in_turns(folder)


def in_turns(folder):
    """Growth is counted once where it is in place, and with every size where something else grows meanwhile."""
    def grown(count):
        made = {n: 4096 * (n + 1) for n in range(count)}
        events = [(ALLOCATE, at, 1000) for at in made.values()]
        for size in (2000, 4000):
            for n, at in made.items():
                made[n] = at + 2**20
                events += [(ALLOCATE, made[n], size), (RELEASE, at, 0)]
        return frames_of(events + [(RELEASE, at, 0) for at in made.values()])
    for count, taken, words in ((1, 4000, "grows in place"), (2, 2 * (1008 + 2000 + 4000), "growth alternates")):
        trace_of(folder / "turns", grown(count))
        a = advise(folder, "turns", "--options", folder / "turns.hpp")
        check(words in a["places"][0]["advice"] and a["places"][0]["moved"] == (0 if count == 1 else 160), f"{words}: {a['places']}")
        check(a["threads"][0]["max"] == taken and taken <= a["frame_capacity"] < taken + 4096, f"{taken} bytes: {a['threads']}, {a['frame_capacity']}")


def memory_of(*command):
    """The peak MiB of a program and its children, and its output."""
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen([str(c) for c in command], stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read()
    check(process.returncode == 0, f"{command}: {text}")
    return usage.ru_maxrss / 1024, text


def giant(folder):
    for how in ("malloc", "calloc", "realloc"):
        needed = []
        for size in ("2", "2000"):
            run(RECORD, "--frame", "getenv", "-o", folder / size, "--", GIANT, size, how)
            a = advise(folder, size)
            check(a["frame_capacity"] <= 1 << 20 and a["dangling"] == 0, f"{how}: a frame of {a['frame_capacity']} bytes")
            check(any("larger than 1 MiB" in p["advice"] or p["shape"] == "grow" for p in a["places"]), f"{how}: said of the giant: {a['places'][:3]}")
            everything = [] if how == "malloc" else ["--with", "glibc,framealloc"]  # some allocators clear or copy untouched memory
            for words in ([], ["--threads"]):
                peak, table = memory_of(REPLAY, "--intent", "--rounds", "1", *everything, *words, folder / size)
                stamps_are_right(table)
                needed.append(peak)
        check(max(needed) < min(needed) + 8, f"{how}: replay held {needed} MiB")
        print(f"{how}: replay of 2 MiB and of 2,000 MiB, one page touched, held {min(needed):.1f} to {max(needed):.1f} MiB")


def names(folder):
    """A stand-in for eu-addr2line logs its queries."""
    log, tool = folder / "asked", folder / "bin" / "eu-addr2line"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\necho "module $7" >> {log}\ntee -a {log} | PATH="{os.environ["PATH"]}" exec eu-addr2line "$@"\n')
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    environment = {**os.environ, "PATH": f"{tool.parent}:{os.environ['PATH']}"}

    def asked(*words):
        log.write_text("")
        done = run(ADVISE, *words, env=environment)
        lines = log.read_text().splitlines()
        modules = [line for line in lines if line.startswith("module")]
        check(len(modules) == len(set(modules)), f"a module is asked once: {modules}")
        return len(lines) - len(modules), done.stdout

    run(RECORD, "-o", folder / "n", "--", "sh", "-c", f"exec {REPLAY} --help")
    count, text = asked(folder / "n")
    check(count == 0 and "Nothing is recommended" in text, f"{count} look-ups to say that nothing is recommended: {text}")
    count, _ = asked(folder / "n", "--options", folder / "o.hpp")
    check(count == 0, f"{count} look-ups for options that are none")
    run(RECORD, "-o", folder / "p", "--frame-every", "1", "--", "python3", "-c", "import json, decimal, unittest.mock, time\nfor n in range(30): time.sleep(.001); json.dumps(list(range(n)))")
    few, _ = asked(folder / "p", "--places", "1")
    all_places = advise(folder, "p", "--places", "10000")["places"]
    everything = len({name for p in all_places for name in p["stack"]})
    check(0 < few <= 41 * 5 < everything, f"{few} look-ups for a place and its tags, {everything} names in all")
    print(f"0 look-ups to recommend nothing, {few} of more than {everything} to name one place and ten tags, each module asked once")


def wrong_use(folder):
    (folder / "empty").write_bytes(b"")
    os.mkfifo(folder / "fifo")
    good = trace_of(folder / "good", frames_of([(ALLOCATE, 64, 100), (RELEASE, 64, 0)]))
    check(advise(folder, "good")["in_frames"] == 40, "a trace that was made is read")
    stamps_are_right(run(REPLAY, "--intent", "--rounds", "1", "--with", "glibc", good).stdout)
    sizes = {name: trace_of(folder / name, events) for name, events in {
        "beyond": frames_of([(ALLOCATE, 64, 2**46), (RELEASE, 64, 0)]),
        "many": [(ALLOCATE, 4096 + n * 2**20, 2**20) for n in range(200_000)]}.items()}
    wrong = 0
    for words, line in (([folder / "none"], "No such file"), ([folder], "not a trace"), ([folder / "empty"], "not a trace"), ([folder / "fifo"], "not a trace"),
                        ([GIANT], "not a trace"), ([], "trace"), ([good, good], "not expected"), ([good, "--no-such-flag"], "no-such-flag"), ([good, "--site-depth", "0"], "site-depth"),
                        ([good, "--site-depth", "33"], "site-depth"), ([good, "--site-depth", "x"], "site-depth"), ([good, "--site-depth", "99999999999999999999"], "site-depth")):
        for tool in (ADVISE, REPLAY):
            done = run(tool, *words, status=2)
            check(line in done.stderr and done.stderr.count("\n") == 1 and not done.stdout, f"one line: {done.stderr!r}{done.stdout!r}")
            wrong += 1
    for tool, words, line in ((ADVISE, ["--places", "0"], "places"), (ADVISE, ["--places", "-1"], "places"), (ADVISE, ["--json"], "json"), (ADVISE, ["--json", folder / "no/a"], "cannot be written"),
                              (ADVISE, ["--html", folder], "cannot be written"), (ADVISE, ["--options", "/dev/full"], "cannot be written"), (REPLAY, ["--rounds", "1001"], "rounds"),
                              (REPLAY, ["--with", ","], "is not one of"), (REPLAY, ["--with", "glibc,,tbb"], "is not one of"), (REPLAY, ["--exact"], "--threads")):
        done = run(tool, *words, good, status=2) if "--json" != words[-1] else run(tool, good, *words, status=2)
        check(line in done.stderr and done.stderr.count("\n") == 1, f"one line: {done.stderr!r}")
        wrong += 1
    for name, line in (("beyond", "2^40 bytes"), ("many", "more than half")):
        done = run(REPLAY, "--with", "glibc", "--rounds", "1", sizes[name], status=2)
        check(line in done.stderr and done.stderr.count("\n") == 1, f"one line: {done.stderr!r}")
        check(advise(folder, name)["frame_capacity"] <= 64 << 20, "no frame of gigabytes")
        wrong += 1
    print(f"{wrong} wrong uses refused in one line each")


if __name__ == "__main__":
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        {"shapes": shapes, "giant": giant, "names": names, "wrong_use": wrong_use}[sys.argv[3]](pathlib.Path(name))
    print(f"{sys.argv[3]}: right, {time.monotonic() - started:.1f} s")
