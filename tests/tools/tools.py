#!/usr/bin/env python3
"""framealloc-record, -advise and -replay on a program with planted places, on damaged traces, and on a real engine.

usage: tools.py BUILD SOURCE CHECK      CHECK: planted, ends, hostile, replay, godot or harmless

BUILD has the tools, the planted program and the library, SOURCE is the repository. Ends with 1 at the first check that fails.
"""
import json
import os
import pathlib
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time

build, source = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
RECORD, ADVISE, REPLAY = (build / "tools" / f"framealloc-{name}" for name in ("record", "advise", "replay"))
PLANTED = build / "tests/planted"
SHAPES = {"planted_frame": "frame", "planted_kept": "frame", "planted_pool": "pool", "planted_heap": "heap", "planted_resize": "grow",
          "planted_transfer": "transfer", "planted_startup": "start-up"}


def run(*command, status=0, **more):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=300, **more)
    if status is not None and done.returncode != status:
        sys.exit(f"tools.py: {' '.join(map(str, command))} ended with {done.returncode}, not {status}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done


def check(condition, what):
    if not condition:
        sys.exit(f"tools.py: failed: {what}")


def advise(folder, trace, *more):
    run(ADVISE, folder / trace, "--json", folder / "advice.json", *more)
    return json.loads((folder / "advice.json").read_text())


def summary(text):
    found = re.search(r"([\d,]+) events? of ([\d,]+) threads?, ([\d,]+) (?:frames?|slices? of [\d.]+ ms), ([\d,]+) call stacks?; [\d.]+ MB, ([\d.]+) bytes per event; the program (.*?) after ", text)
    check(found, f"a summary in {text!r}")
    return [int(found[i].replace(",", "")) for i in range(1, 5)] + [float(found[5]), found[6]]


def near(value, wanted):
    return abs(value - wanted) <= 0.1 * wanted


def planted(folder):
    events, threads, frames, _, each, end = summary(run(RECORD, "-o", folder / "p", "--", PLANTED).stderr)
    check(events > 190_000 and threads == 2 and frames == 400 and end == "exited with 0", "everything was recorded")
    check(each <= 24, f"{each} bytes per event")
    a = advise(folder, "p", "--options", folder / "advised.hpp", "--html", folder / "p.html", "--places", "1000")
    right = 0
    for function, shape in SHAPES.items():
        places = [p for p in a["places"] if p["stack"] and p["stack"][0].startswith(function)]
        check(places and places[0]["shape"] == shape and places[0]["confidence"] >= 0.9, f"{function} is {shape}: {places}")
        right += 1
    grow = [p for p in a["places"] if any("planted_grow" in name for name in p["stack"])]
    check([p["shape"] for p in grow] == ["grow"], f"planted_grow grows: {grow}")
    for p in a["places"]:
        check(p["blocks"] >= 30 or p["shape"] in ("unknown", "start-up"), f"nothing is said of {p['blocks']} blocks: {p}")
    kept = next(p for p in a["places"] if p["stack"] and p["stack"][0].startswith("planted_kept"))
    check(kept["kept"] == 1 and a["frames_in_flight"] == 2, "what outlives a frame by one needs two in flight")
    # 64 and 32 bytes per block, their lists of pointers, and the last size of what grew.
    common, most = 6400 + 800 + 1600 + 400 + 4096 + 2912, 12800 + 1600 + 1600 + 400 + 4096 + 2912
    main = a["threads"][0]
    check(near(main["p50"], common) and near(main["max"], most) and near(a["frame_capacity"], most), f"frame memory {main}, planted {common} and {most}")
    pool = next(c for c in a["classes"] if c["bytes"] == 48)
    check(near(pool["blocks"], 520), f"the pool's peak {pool}")
    page = (folder / "p.html").read_text()
    check("planted_frame" in page and "layout.treemap" in page and "http-equiv" not in page and "src=" not in page.split("<script>/*")[0][:2000], "a page that needs nothing")
    mode = re.search(r"FRAMEALLOC_MODE:STRING=(\w+)", (build / "CMakeCache.txt").read_text())[1]
    run(os.environ.get("CXX", "c++"), "-std=c++20", "-O2", f"-I{folder}", f"-I{source}/include", f"-DFRAMEALLOC_MODE={mode}", source / "tests/tools/advised.cpp",
        build / "libframealloc.a", "-pthread", "-o", folder / "advised")
    print(f"{right + 1} of {len(SHAPES) + 1} shapes; frame memory p50 {main['p50']} of {common}, max {main['max']} of {most};", run(folder / "advised").stdout.strip())


def ends(folder):
    killed = summary(run(RECORD, "-o", folder / "k", "--", PLANTED, "kill", status=128 + signal.SIGKILL).stderr)
    check(killed[2] == 201 and killed[5].startswith("was killed by Killed"), f"all is kept up to the kill: {killed}")
    whole = summary(run(RECORD, "-o", folder / "w", "--", PLANTED).stderr)
    check(0.45 < killed[0] / whole[0] < 0.55, "half of the events in half of the frames")
    interrupted = summary(run(RECORD, "-o", folder / "i", "--", PLANTED, "interrupt", status=128 + signal.SIGINT).stderr)
    check(interrupted[2] == 201, "and up to an interrupt")
    forked = summary(run(RECORD, "-o", folder / "f", "--", PLANTED, "fork").stderr)
    check(abs(forked[0] - whole[0]) < 300, "children leave no events in the trace of their parent")
    run(RECORD, "--children", "-o", folder / "c", "--", PLANTED, "fork")
    children = sorted(folder.glob("c.*"))
    check(len(children) == 5, f"a trace for each child: {children}")
    for c in children:
        run(ADVISE, c)
    by_name = summary(run(RECORD, "-o", folder / "n", "--frame", "planted_heap", "--", PLANTED).stderr)
    check(by_name[2] == 400, f"frames by a function's name: {by_name}")
    by_time = summary(run(RECORD, "-o", folder / "t", "--frame-every", "1", "--", PLANTED).stderr)
    check(by_time[2] >= 10, f"frames by time: {by_time}")
    by_environment = summary(run(RECORD, "-o", folder / "e", "--frame-env", "--", PLANTED, env={**os.environ, "FRAMEALLOC_FRAME": "planted_heap"}).stderr)
    check(by_environment[2] == 400, f"frames by the environment: {by_environment}")
    limited = run(RECORD, "-o", folder / "l", "--limit", "1MB", "--", PLANTED).stderr
    check((folder / "l").stat().st_size <= 1_000_000 and "ended before the program did" in limited, f"a limit: {limited}")
    sampled = summary(run(RECORD, "-o", folder / "s", "--sample", "10", "--", PLANTED).stderr)
    check(sampled[0] < whole[0] / 3, f"a sample: {sampled}")
    own = subprocess.run([RECORD, "-o", folder / "sh", "--", "sh", "-c", f"exec {PLANTED}"], capture_output=True, text=True, check=True)
    check(abs(summary(own.stderr)[0] - whole[0]) < 300, "a script that becomes the program")
    wrong_uses = ((["--frame", "no_such", "--", PLANTED], "no such function"), (["--", "/no/such/program"], "No such file"), (["--sample", "0", "--", PLANTED], "sample"),
                        (["--frame", "x", "--frame-every", "2", "--", PLANTED], "not by both"), (["--limit", "10", "--", PLANTED], "1MB"), ([], "program"),
                        (["--frame-every", "0.0001", "--", PLANTED], "0.1 to"), (["--frame-every", "0", "--", PLANTED], "0.1 to"), (["--frame-every", "1e12", "--", PLANTED], "0.1 to"),
                        (["/no/such/folder/t", "--", PLANTED], "No such file"))
    for words, line in wrong_uses:
        wrong = run(RECORD, "-o", *([] if words and words[0].startswith("/no/such/folder") else [folder / "x"]), *words, status=2)
        check(line in wrong.stderr and wrong.stderr.count("\n") == 1, f"one line: {wrong.stderr!r}")
    print(f"killed, interrupted, forked, limited, sampled; four ways to mark frames; {len(wrong_uses)} wrong uses refused in one line each")


VICTIMS, EDGES, CHILDREN = (build / f"tests/recorded_{name}" for name in ("victims", "malloc_edges", "children"))
PLAIN, FIRST, SECOND = (build / f"tests/librecorded_{name}.so" for name in ("plugin", "first", "second"))
ENDED = "recording ended before the program did: "
CLOSED, FILE_SIZE = ENDED + "the program closed the file", ENDED + "the program's limit of file sizes"
SANDBOX = ENDED + "the program went into a sandbox"


def same(folder, *command, options=(), says="", status=0, **more):
    """Runs a program plain and recorded; its output and exit must be the same. Returns the recorder's output."""
    plain = run(*command, status=status, **more)
    recorded = run(RECORD, *options, "-o", folder / "t", "--", *command, status=None, **more)
    what = " ".join([*options, *(str(c) for c in command)])[:200]
    status = plain.returncode if plain.returncode >= 0 else 128 - plain.returncode
    check(recorded.returncode == status, f"{what}: plain it ended with {status}, recorded with {recorded.returncode}: {recorded.stderr[-1000:]}")
    check(recorded.stdout == plain.stdout, f"{what}: plain it printed\n{plain.stdout[-1000:]}\nrecorded\n{recorded.stdout[-1000:]}")
    check(says in recorded.stderr, f"{what}: {says!r} is not said in {recorded.stderr!r}")
    if not says:
        check(re.search("events? of", recorded.stderr) and ENDED not in recorded.stderr, f"{what}: a whole trace: {recorded.stderr!r}")
        run(ADVISE, folder / "t")
    return recorded.stderr


def places_of(folder, trace):
    return [p["stack"][0].split()[0] for p in advise(folder, trace, "--places", "100")["places"] if p["stack"]]


def victims(folder):
    """Programs that take away what the recorder needs, each in another way."""
    own, trace, runs = folder / "own", folder / "t", 0
    limited = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))}
    for how, arguments, says, more in (
            ("close_each", [own], CLOSED, {}), ("close_each", [own], CLOSED, limited), ("close_all_at_once", [own], CLOSED, {}), ("close_listed", [own], CLOSED, {}),
            ("put_another", [own], CLOSED, {}), ("cut", [trace], "was truncated", {}), ("take_over", [trace], "not a trace", {}), ("removed", [trace], "was removed", {}),
            ("elsewhere", [], "", {}), ("limits", ["100000"], FILE_SIZE, {}), ("asks_for_sandboxes", [], "", {}), ("sandboxed", ["prctl"], SANDBOX, {"status": 7}), ("sandboxed", ["raw"], SANDBOX, {"status": 7}), ("own_lost_page", [own], "", {"status": 3}),
            ("own_lost_page", [f"{own}-"], "", {"status": -signal.SIGBUS}), ("forked", [], "", {}), ("demon", [], "", {}), ("cxx_plugin", [PLAIN], "", {})):
        same(folder, VICTIMS, how, *arguments, says=says, **more)
        runs += 1
    for how in ("blocked_in_handler", "blocked_raw", "ignored", "many_frames"):
        for function in ("begin_frame", "begin_frame_of"):
            told = same(folder, VICTIMS, how, options=("--frame", function))
            check(summary(told)[2] == 20, f"frames of {how}: {told}")
            runs += 1
    for function, frames in (("getenv", 50), ("sigaction", 50), ("mmap", 50), ("mprotect", 50), ("munmap", 50), ("fstat", 50), ("malloc", 200), ("free", 200)):
        told = same(folder, VICTIMS, "many_frames", options=("--frame", function))
        check(frames <= summary(told)[2] <= frames + 10, f"{frames} calls of {function}, which the recorder calls too: {told}")
        runs += 1
    refused = run(RECORD, "-o", trace, "--frame", "tight_loop", "--", VICTIMS, "many_frames", status=2)
    check("cannot be moved" in refused.stderr and not refused.stdout and not trace.exists(), f"refused before it starts: {refused}")
    same(folder, VICTIMS, "dying_threads", "2000")
    check(trace.stat().st_size < 12_000_000, f"births in destructors of dying threads take {trace.stat().st_size} bytes")
    same(folder, EDGES)
    same(folder, VICTIMS, "unloaded", f"{FIRST},{SECOND},{FIRST}", options=("--frame", "begin_frame"))
    named = places_of(folder, "t")
    check(named.count("place_first") == 1 and named.count("place_second") == 1, f"libraries at one address have places of their own: {named}")
    run(RECORD, "--children", "--frame", "begin_frame", "-o", folder / "children", "--", CHILDREN)
    both = sorted((set(places_of(folder, t.name)) for t in folder.glob("children.*")), key=sorted)
    check(both == [{"place_a", "place_b"}, {"place_a", "place_c"}], f"the places of a parent and its child: {both}")
    return runs + 5


def under_x(folder):
    """Two seconds of OpenGL on a virtual screen. Frame rates differ: only the driver's description of itself is compared."""
    read, write = os.pipe()
    server = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", "320x240x24", "-nolisten", "tcp"], pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        display = os.read(read, 16).decode().strip()
        check(display, "Xvfb starts")
        environment = {**os.environ, "DISPLAY": f":{display}", "LIBGL_ALWAYS_SOFTWARE": "1"}
        same(folder, "glxinfo", "-B", env=environment)
        told = run(RECORD, "-o", folder / "gears", "--", "glxgears", env=environment, status=None, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (2, 20))).stderr
        check("was killed by CPU time limit" in told and summary(told)[2] > 20, f"frames of an OpenGL program: {told}")
    finally:
        server.terminate()
        server.wait()
        os.close(read)


def harmless(folder):
    count = victims(folder)
    programs = {
        "python3": ("python3", "-c", "import ctypes, json, sqlite3, threading\nfor name in ('libstdc++.so.6', 'libbox2d.so.2'): ctypes.CDLL(name)\n"
                    "ts = [threading.Thread(target=lambda: [str(i) for i in range(10000)]) for _ in range(4)]\n[t.start() for t in ts]; [t.join() for t in ts]\n"
                    "print(len(json.dumps([{'a': i} for i in range(5000)])), sqlite3.connect(':memory:').execute('select 6*7').fetchone())"),
        "perl": ("perl", "-e", "my %h; $h{$_ % 1000} .= $_ for 1..50000; print length(join '', map { $h{$_} } sort keys %h), qx(echo child)"),
        "sqlite3": ("sqlite3", ":memory:", "create table t(a, b); with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000) insert into t select i, i * i from n; select sum(a), max(b) from t;"),
        "git": ("git", "-C", folder / "repository", "log", "--stat", "-p"),
        "node": ("node", "-e", "const a = []; for (let i = 0; i < 50000; ++i) a.push({i, s: 'x' + i}); console.log(JSON.stringify(a).length, require('zlib').gzipSync(Buffer.alloc(100000)).length)"),
    }
    run("git", "init", "-q", folder / "repository")
    for n in range(3):
        (folder / "repository/file").write_text("line\n" * (n + 1) * 100)
        run("git", "-C", folder / "repository", "add", "file")
        run("git", "-C", folder / "repository", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", f"number {n}")
    for command in programs.values():
        same(folder, *command)
    under_x(folder)
    print(f"{count} programs that harm their recorder print and end as without it, and so do {', '.join(programs)} and glxinfo; glxgears runs and marks its frames")


def hostile(folder):
    run(RECORD, "-o", folder / "p", "--", PLANTED)
    data = (folder / "p").read_bytes()
    random.seed(1)
    damaged = folder / "damaged"
    limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (256 << 20, 256 << 20))
    refused = 0
    for n in range(120):
        broken = bytearray(data)
        if n % 3 == 0:
            broken = broken[:random.randrange(len(broken))]
        else:
            for _ in range(1 + n % 5):
                # Half of them in the header and the chunk headers.
                at = random.randrange(4096 + 64) if n % 2 else 4096 + random.randrange(len(broken) // 65536) * 65536 + random.randrange(65536)
                broken[at] ^= 1 << random.randrange(8)
        damaged.write_bytes(broken)
        for tool in ([ADVISE, damaged], [REPLAY, "--with", "glibc", "--rounds", "1", damaged]):
            done = run(*tool, status=None, preexec_fn=limit if tool[0] == ADVISE else None)
            check(done.returncode in (0, 2), f"{tool[0].name} ended with {done.returncode} on damage {n}: {done.stderr[-500:]}")
            if done.returncode == 2:
                check(done.stderr.count("\n") == 1, f"one line: {done.stderr!r}")
                refused += 1
    print(f"{refused} of 240 runs on damaged traces refused with one line, the others harmless")


def replay(folder):
    run(RECORD, "-o", folder / "p", "--", PLANTED)
    for words in ([], ["--threads"], ["--threads", "--exact"]):
        done = run(REPLAY, "--intent", "--rounds", "2", *words, folder / "p").stdout
        rows = re.findall(r"^  (\w+) +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+ +(\d+)$", done, re.M)
        names = {name for name, _ in rows}
        check(names >= {"glibc", "mimalloc", "jemalloc", "tcmalloc", "tbb", "framealloc", "intent"}, f"every allocator: {done}")
        check(all(wrong == "0" for _, wrong in rows), f"every stamp right: {done}")
    for words, line in ((["--with", "nonsense"], "is not one of"), (["--exact"], "--threads"), (["--rounds", "0"], "rounds")):
        wrong = run(REPLAY, *words, folder / "p", status=2)
        check(line in wrong.stderr and wrong.stderr.count("\n") == 1, f"one line: {wrong.stderr!r}")
    print(done)


def godot(folder):
    project = source / "tests/tools/godot"
    environment = {**os.environ, "HOME": str(folder), "LC_ALL": "C"}
    command = ["godot3-server", "--path", str(project), "--frames=600"]
    plain, recorded = [], []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run(*command, env=environment)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        plain.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        done = run(RECORD, "--frame", "getenv", "-o", folder / "g", "--", *command, env=environment)
        recorded.append(float(re.search(r"after ([\d.]+) s of CPU time", done.stderr)[1]))
    events, threads, frames, stacks, each, end = summary(done.stderr)
    check(frames >= 600 and end == "exited with 0" and each <= 24, f"frames by name: {done.stderr}")
    a = advise(folder, "g")
    check(8_000 < a["mallocs_per_frame"] * frames / 600 < 12_000, f"mallocs a frame: {a['mallocs_per_frame']}")
    check(a["died_in_frame"] > 0.8, "most die within their frame")
    check(all(len(p["stack"]) >= 3 and "godot3-server+0x" in p["stack"][0] for p in a["places"][:5]), "call stacks of a program without symbols or frame pointers")
    table = run(REPLAY, "--intent", "--rounds", "2", folder / "g").stdout
    check(not re.search(r" [1-9]\d*$", "\n".join(line for line in table.splitlines() if line.startswith("  ") and "allocator" not in line), re.M), f"every stamp right: {table}")
    print(f"{events:,} events, {frames} frames, {stacks:,} call stacks, {each} bytes per event; {a['mallocs_per_frame']:.0f} mallocs a frame, {100 * a['died_in_frame']:.1f} % die in it;")
    print(f"CPU time recorded to plain: {min(recorded) / min(plain):.2f}\n{table}")


if __name__ == "__main__":
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        {"planted": planted, "ends": ends, "hostile": hostile, "replay": replay, "godot": godot, "harmless": harmless}[sys.argv[3]](pathlib.Path(name))
    print(f"{sys.argv[3]}: right, {time.monotonic() - started:.1f} s")
