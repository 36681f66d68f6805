#!/usr/bin/env python3
"""The advice of framealloc-advise about warm-up, steady state and libraries, and whether its figures add up.

usage: figures.py BUILD SOURCE CHECK      CHECK: phases, libraries or sums; see tools.py for BUILD and SOURCE
"""
import json
import pathlib
import random
import re
import sys
import tempfile
import time
from decimal import Decimal

from tools import ADVISE, RECORD, REPLAY, advise, build, check, run
from traces import ALLOCATE, MARK, RELEASE, RESIZE_FROM, RESIZE_TO, brief, frames_of, trace_of

RATE = r"(\d+\.\d)"


def rows_of(report, columns):
    """The tables whose rates have to add up, by the line that they begin with: rows, and what they are together."""
    numbers = rf"(?: +{RATE})" * columns
    for title in ("What replaces mallocs", "Tags, by peak"):
        table = report.split(f"\n{title}")[1].split("\n\n")[0].splitlines()[1:]
        rows = [re.search(rf"{numbers}(?:   a pool or heap.*)?$", line) for line in table]
        check(all(rows), f"a table of {columns} columns: {table}")
        yield title, table, [[Decimal(n) for n in r.groups()] for r in rows]
    table = [line for line in report.split("\nPlaces, ")[1].splitlines() if re.match(rf"{numbers} a (frame|slice)", line)]
    yield "Places", table, [[Decimal(n) for n in re.match(numbers, line).groups()] for line in table]


def report_adds_up(report):
    phases = re.search(rf"^mallocs a (?:frame|slice) +{RATE}(?: +{RATE})?$", report, re.M)
    check(phases, f"a line of all mallocs: {report}")
    whole = [Decimal(n) for n in phases.groups() if n is not None]
    for title, table, rows in rows_of(report, len(whole)):
        check("together" in table[-1] and rows[-1] == whole, f"{title} are {whole} together: {table}")
        check([sum(column) for column in zip(*rows[:-1])] == whole, f"and their rows are: {table}")
        check(all("together" not in line for line in table[:-1]), f"one total: {table}")


def json_adds_up(a):
    for phase, rate in (("warm_up", "warm_up_rate"), ("steady", "steady_rate")):
        p = a[phase]
        parts = sum(p["removed"].values()) + p["in_libraries"] + p["staying"]
        check(abs(parts - p["mallocs_per_frame"]) < 1e-6, f"{phase}: {parts} of {p}")
        for table in ("places", "tags"):
            rest = a["further_places"][rate] if table == "places" else 0
            check(abs(sum(x[rate] for x in a[table]) + rest - p["mallocs_per_frame"]) < 1e-6, f"{table} of {phase}: {p}")
    check(a["warm_up"]["frames"] + a["steady"]["frames"] == a["frames"], "two phases, and no third")
    both = sum(a[p]["frames"] * a[p]["mallocs_per_frame"] for p in ("warm_up", "steady"))
    check(abs(both - a["frames"] * a["mallocs_per_frame"]) < 1e-3, f"both phases make {both}")


def page_adds_up(page):
    a = json.loads(re.search(r"^const data = (.*);$", page, re.M)[1])
    for text in ("warm_up_text", "steady_text"):
        whole = sum(Decimal(p[text]) for p in a["places"] + [a["further_places"]])
        check(whole == Decimal(a["together"][text]), f"the page's places are {whole}: {a['together']}")
    return a


def judged(folder, trace, *words):
    """The JSON and the report, after all their sums were checked."""
    report = run(ADVISE, folder / trace, "--html", folder / "page.html", *words).stdout
    a = advise(folder, trace, *words)
    report_adds_up(report)
    json_adds_up(a)
    page_adds_up((folder / "page.html").read_text())
    return a, report


def kept_early(count):
    """One place, ten blocks a frame; in the first hundred frames one of them is kept."""
    events = []
    for n in range(count):
        events += [(MARK, 0, n)] + brief(10)
        if n < 100:
            events[-1] = (RELEASE, 1 << 30, 0)  # of another block, which lives no longer
            events[-2] = (ALLOCATE, 4096 + n * 64, 100)
    return [e for e in events if e[1] != 1 << 30]


def noise(seed):
    random.seed(seed)
    return [e for n in range(400) for e in [(MARK, 0, n)] + [x for s in range(1, 31) if random.random() < 1 / s for x in brief(random.randrange(1, 20), 100, s)]]


STACKS = [[0x400000 + 64 * n] for n in range(1, 31)]


def phases(folder):
    """The first frames, if they differ from the others, are analysed separately."""
    def first(name, events, wanted, *words, **more):
        trace_of(folder / name, events, **more)
        a, report = judged(folder, name, *words)
        check(a["warm_up"]["frames"] == wanted, f"{name}: {wanted} frames of warm-up, not {a['warm_up']['frames']}")
        return a, report

    both = {"stacks": STACKS}
    a, report = first("silent", frames_of(brief(20) + [(ALLOCATE, 1 << 20, 64), (RELEASE, 1 << 20, 0)], 100) + frames_of([], 900), 100)
    check("Leave it: after frame 100 nothing is allocated" in report and a["steady"]["mallocs"] == 0 and a["warm_up"]["mallocs_per_frame"] == 21, f"silent after 100: {report}")
    check(a["frame_capacity"] == 0 and not a["classes"] and not a["threads"] and "frame_capacity" not in report and "  none: " in report, f"and nothing is recommended: {report}")
    run(ADVISE, folder / "silent", "--options", folder / "silent.hpp")
    check("the steady state allocates nothing" in (folder / "silent.hpp").read_text() and "o." not in (folder / "silent.hpp").read_text().split("options o;")[1].split("return o;")[0], "in the options neither")

    a, report = first("kept_early", kept_early(1000), 100)
    p = a["places"][0]
    check((p["shape"], p["steady_shape"], p["in_frames"]) == ("survivors", "frame", False), f"frames would lose what the warm-up keeps: {p}")
    check("after the warm-up all of it dies in its frame: frame_alloc from there on" in p["advice"], f"and the steady state has advice of its own: {p}")
    check(a["warm_up"]["died_in_frame"] == 0.9 and a["steady"]["died_in_frame"] == 1, f"and figures: {a['warm_up']}, {a['steady']}")

    a, report = first("loads", frames_of(brief(500, 1000), 50) + frames_of(brief(10, 100), 350), 50)
    check(a["frame_capacity"] == 4096 and a["threads"][0]["max"] == 1120 and a["threads"][0]["warm_up_max"] == 504_000, f"a capacity of the steady state: {a['threads']}")
    check("the warm-up's frames would take up to 492.2 KiB" in report, f"and the warm-up's: {report}")
    for words, frames in ((["--warm-up", "0"], 0), (["--warm-up", "200"], 200), (["--warm-up", "390"], 390)):
        check(judged(folder, "loads", *words)[0]["warm_up"] == {**a["warm_up"], "given": True, "frames": frames} or
              judged(folder, "loads", *words)[0]["warm_up"]["frames"] == frames, f"--warm-up is what counts: {words}")
        run(REPLAY, "--intent", "--rounds", "1", "--with", "glibc", *words, folder / "loads")
    check("No warm-up: all frames are the steady state\n" in judged(folder, "loads", "--warm-up", "0")[1], "and is said")

    first("begins", frames_of(brief(1, stack=1), 200) + frames_of(brief(1, stack=1) + brief(20, stack=2), 800), 200, **both)
    a, report = first("changes", frames_of(brief(10, stack=1), 700) + frames_of(brief(10, stack=1) + brief(20, stack=2), 300), 0, **both)
    check("still changing" in report and a["steady"]["still_changing"], f"no steady state yet: {report}")
    first("event", frames_of(brief(10, stack=1), 400) + frames_of(brief(500, stack=2), 1) + frames_of(brief(10, stack=1), 599), 0, **both)
    first("same", frames_of(brief(10), 40), 0)
    for seed in range(8):
        trace_of(folder / "noise", noise(seed), stacks=STACKS)
        found = judged(folder, "noise")[0]["warm_up"]["frames"]
        check(found <= 12, f"noise has no warm-up: {found} frames of 400")
    a, report = first("seldom", [e for n in range(400) for e in frames_of(brief(1) if n % 5 == 0 else [], 1)], 0)
    check("Leave it: the steady state makes less than one malloc a frame" in report, f"hardly anything: {report}")

    wrong = 0
    for words, line in ((["--warm-up", "391"], "leaves less than 10"), (["--warm-up", "400"], "leaves less than 10"), (["--warm-up", "-1"], "warm-up"), (["--warm-up", "x"], "warm-up"),
                        (["--warm-up", "99999999999999999999"], "warm-up"), (["--warm-up"], "warm-up"), (["--own", "libnone.so"], "libnone.so"), (["--library", ""], "library")):
        done = run(ADVISE, folder / "loads", *words, status=2)
        check(line in done.stderr and done.stderr.count("\n") == 1 and not done.stdout, f"one line: {done.stderr!r}{done.stdout!r}")
        wrong += 1
    print(f"11 programs and 8 of noise: each warm-up ends where it does; {wrong} wrong uses refused in one line each")


GAME, SQL, LIBC, STANDARD, OWN = 0x400000, 0x800000, 0xC00000, 0x1000000, 0x1400000
MODULES = [(GAME, "/opt/game/play"), (SQL, "/usr/lib/libsql.so.0"), (LIBC, "/lib/libc.so.6"), (STANDARD, "/usr/lib/libstdc++.so.6"), (OWN, "/opt/game/lib/libgame.so")]
HOOKED = [[GAME + 0x100, SQL + 0x100 + 16 * n, SQL + 0x900, GAME + 0x900] for n in range(5)]
DEEPER = [[GAME + 0x140, GAME + 0x150, GAME + 0x160, SQL + 0x100 + 16 * n, GAME + 0x900] for n in range(4)]
CALLED = [[GAME + 0x170, GAME + 0x180 + 16 * n, SQL + 0x700, GAME + 0x900] for n in range(4)]  # by one place of the library: four callbacks that use one function
PLACES = {  # a stack, and words of the advice of its place
    "hooked": (HOOKED[0], "inside libsql.so.0, behind its allocator hook play+0x"),
    "inside": ([SQL + 0x200, SQL + 0x900, GAME + 0x900], "inside libsql.so.0: no frame can be advised there; use a pool or heap by tag, if it lets its allocator be set"),
    "callback": ([GAME + 0x300, SQL + 0x300, GAME + 0x900], "frame_alloc; called by libsql.so.0: if this is its allocator hook, no frame can be advised here"),
    "copied": ([LIBC + 0x100, GAME + 0x400], "inside libc.so.6, which allocates only through malloc"),
    "string": ([STANDARD + 0x100, GAME + 0x500], "frame_alloc"),
    "rare": ([SQL + 0x500, GAME + 0x900], "unknown: too few, or of no clear shape; inside libsql.so.0"),
    "own": ([OWN + 0x100, GAME + 0x600], "frame_alloc"),
    "sorted": ([GAME + 0x700, LIBC + 0x200, GAME + 0x800], "frame_alloc"),
}


def libraries(folder):
    """Where a library allocates, no frame is advised."""
    stacks = [s for s, _ in PLACES.values()] + HOOKED[1:] + DEEPER + CALLED
    often = [n for n in range(1, len(stacks) + 1) if stacks[n - 1] != PLACES["rare"][0]]
    rare = stacks.index(PLACES["rare"][0]) + 1
    events = frames_of([e for n in often for e in brief(n, 100 * n, n, 4096 * n)], 59)
    events += frames_of([e for n in often + [rare] for e in brief(n, 100 * n, n, 4096 * n)], 1)
    trace_of(folder / "l", events, stacks, MODULES, "/opt/game/play")
    a, report = judged(folder, "l")

    def place(of, stack):
        offsets = [f"+0x{x - base:x}" for x in stack for base, name in MODULES if base < x <= base + 2**20]
        found = [p for p in of["places"] if [re.search(r"\+0x[0-9a-f]+$", name)[0] for name in p["stack"]] == offsets]
        check(len(found) == 1, f"one place of {offsets}: {[p['stack'] for p in of['places']]}")
        return found[0]

    for name, (stack, words) in PLACES.items():
        p = place(a, stack)
        check(p["advice"].startswith(words), f"{name}: {words!r} is not in {p}")
        check(p["in_frames"] == p["advice"].startswith("frame_alloc"), f"{name}: frames are for those whose frame is known: {p}")
    check(all(place(a, s)["behind_hook"] and place(a, s)["tag"] == "libsql.so.0" for s in HOOKED + DEEPER), "a hook is one for all that go through it")
    check(all("if this is its allocator hook" in place(a, s)["advice"] for s in CALLED), "four callbacks are no hook")
    check(place(a, HOOKED[0])["advice"].endswith(": no frame can be advised there; use a pool or heap by tag"), "and a pool is what helps")
    check(a["steady"]["in_libraries"] == 1 + 2 + 4 + sum(range(9, 17)) + rare / 60, f"they are counted apart: {a['steady']}")
    check("Treated as the program's own (--library NAME if one is not): libgame.so\n" in report, f"what was taken for the program's own is said: {report}")
    own, _ = judged(folder, "l", "--own", "libsql")
    check(place(own, HOOKED[0])["advice"] == "frame_alloc" and own["steady"]["in_libraries"] == 4, "--own: its frames are known")
    foreign, _ = judged(folder, "l", "--library", "libgame.so")
    check(place(foreign, PLACES["own"][0])["advice"].startswith("inside libgame.so: no frame can be advised there"), "--library: they are not")
    run(REPLAY, "--intent", "--rounds", "1", "--with", "glibc", "--own", "libsql", folder / "l")
    run(REPLAY, "--intent", "--rounds", "1", "--with", "glibc", folder / "l")

    client = build / "tests/recorded_client"
    run(RECORD, "-o", folder / "c", "--", client)
    a, report = judged(folder, "c", "--library", "librecorded_hooked.so")
    hooked = [p for p in a["places"] if p["behind_hook"]]
    check(len(hooked) == 6 and all("inside librecorded_hooked.so, behind its allocator hook client_allocate" in p["advice"] for p in hooked), f"a real hook: {a['places']}")
    check(all(not p["in_frames"] for p in hooked) and a["steady"]["in_libraries"] == 6, f"its blocks are in no frame: {a['steady']}")
    a, _ = judged(folder, "c")
    check(sum("called by librecorded_hooked.so: if this is its allocator hook" in p["advice"] for p in a["places"]) == 6, f"in a folder of the program's own it may be one: {a['places']}")
    print(f"{len(PLACES)} ways in and out of libraries, and a real one: places behind hooks are in no frame")


def sums(folder):
    """Awkward numbers of places and tags, samples, slices, and realloc from place to place."""
    for seed, sample, slice_us in ((1, 1, 0), (2, 7, 0), (3, 1, 500), (4, 1, 0)):
        random.seed(seed)
        stacks = [[0x400000 * (n % 17 + 1) + 64 * n + 1, 0x400000] for n in range(1, 60)]
        modules = [(0x400000 * n, f"/opt/game/lib{n}.so") for n in range(1, 18)]
        events = []
        for n in range(random.randrange(60, 80)):
            events += [(MARK, 0, n)]
            for s in range(1, len(stacks) + 1):
                events += brief(random.randrange(3) * (n % s == 0) + 2 * (n < 20), 100, s, 4096 * s)
        trace_of(folder / "s", events, stacks, modules, "/opt/game/lib1.so", slice_us, sample)
        for words in ([], ["--places", "1"], ["--places", "3"], ["--warm-up", "33"], ["--warm-up", "0"]):
            a, report = judged(folder, "s", *words)
            check("further" in report.split("Tags")[1].split("\n\n")[0] and len(a["tags"]) == 17, f"tags beyond ten have a line: {report}")
            check(slice_us == 0 or not re.search(r"frame_capacity +\d|of frame memory", report), f"slices have no capacity: {report}")
    page = page_adds_up((folder / "page.html").read_text())
    check(dict(map(tuple, page["numbers"]))["frame_capacity"] != "-", "frames have one")

    trace_of(folder / "sampled", frames_of(brief(6, 100)), sample=10)
    a, report = judged(folder, "sampled")
    check(a["mallocs_per_frame"] == 60 and "60.0 a frame, at most 60," in report, f"what is scaled is scaled everywhere: {report}")
    check(a["threads"][0]["max"] == 6720 and a["frame_capacity"] == 8192, f"bytes too: {a['threads']}, {a['frame_capacity']}")

    live, events = 1 << 20, []
    for n in range(60):  # each grows once, into a place whose blocks stay for ten frames
        events += [(MARK, 0, n), (ALLOCATE, 4096, 32, 1), (RESIZE_FROM, 4096, 0), (RESIZE_TO, live + 64 * n, 64, 2)]
        if n >= 10:
            events += [(RELEASE, live + 64 * (n - 10), 0)]
    trace_of(folder / "chain", events, [[0x400100], [0x400200]])
    a, report = judged(folder, "chain")
    check(not any(p["in_frames"] for p in a["places"]) and "no frame-shaped places" in report, f"what goes on beyond its frame was never in it: {report}")

    long = frames_of(brief(3), 5000)
    trace_of(folder / "long", long)
    judged(folder, "long")
    data = page_adds_up((folder / "page.html").read_text())
    check(data["each"] * len(data["timeline"]) >= 5000 > data["each"] * (len(data["timeline"]) - 1), "the page's axis counts frames, not bars")
    print("every column adds up to its total, of reports, JSON and pages")


if __name__ == "__main__":
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        {"phases": phases, "libraries": libraries, "sums": sums}[sys.argv[3]](pathlib.Path(name))
    print(f"{sys.argv[3]}: right, {time.monotonic() - started:.1f} s")
