#!/usr/bin/env python3
"""Runs framealloc-demo as its users do, and as they should not.

usage: demo.py PROGRAM
"""
import pathlib
import re
import subprocess
import sys
import tempfile

failures = []


def run(*arguments):
    return subprocess.run([sys.argv[1], *arguments], capture_output=True, text=True, timeout=300)


def expect(condition, what):
    if not condition:
        failures.append(what)


def checksums(output):
    return re.findall(r"^(plain|tuned|framealloc) .* ([0-9a-f]{16})$", output, re.M)


def main():
    with tempfile.TemporaryDirectory() as directory:
        report = pathlib.Path(directory) / "report.html"
        done = run("--frames", "200", "--bodies", "1000", "--report", str(report))
        sums = checksums(done.stdout)
        expect(done.returncode == 0 and len(sums) == 3 and len({s for _, s in sums}) == 1, f"three equal checksums: {sums} {done.stderr}")
        rows = {line.split()[0]: line.split() for line in done.stdout.splitlines() if re.match(r"(plain|tuned|framealloc) ", line)}
        expect(float(rows["framealloc"][5]) == 0.0, f"0 malloc calls a frame: {rows['framealloc']}")
        expect(float(rows["plain"][5]) > 100.0, f"plain containers call malloc: {rows['plain']}")
        page = report.read_text()
        expect("<canvas" in page and not re.search(r"""(src|href)=["']?https?:""", page), "a report that needs nothing from elsewhere")
        expect(run("--frames", "20", "--report", directory + "/no/such/place.html").returncode == 1, "an unwritable report is exit 1")
    other = checksums(run("--frames", "60", "--seed", "2").stdout)
    same = checksums(run("--frames", "60", "--seed", "2", "--threads", "2").stdout)
    expect(other and other == same, "threads do not change the results")
    expect(other == checksums(run("--frames", "60", "--seed", "2", "--small-pages").stdout), "nor do small pages")
    # Changing one byte of each kind of data changes the checksum.
    spoiled = [run("--frames", "120", "--spoil", str(k)).stdout for k in (1, 2, 3, 4, 5, 6)]
    expect(len(set(spoiled)) == 6, f"a flipped byte of events, hits, commands, particles or entities changes the checksum: {spoiled}")
    sealed = run("--seal", "--frames", "400")
    expect(sealed.returncode == 0 and "forbidden" in sealed.stdout, f"the sealed run finishes: {sealed.stdout}{sealed.stderr}")
    mistakes = {
        "dangle": "FA002", "grow-inner": "1000 of 1000", "overflow": "would have sufficed", "use-after-frame": "FA002", "overrun": "FA412",
        "underrun": "FA413", "overrun-in-frame": "FA412", "double-free": "FA411", "foreign-free": "FA414", "interior-free": "FA415",
        "wrong-allocator": "FA417", "wrong-size": "FA418", "write-after-free": "FA419", "leak": "FA424", "outside": "FA001",
        "end-without-begin": "FA428", "begin-without-end": "FA428", "stale-checkpoint": "FA427", "phase-mismatch": "FA429",
        "wrong-thread": "FA430", "odd-alignment": "FA431", "received-twice": "FA434", "over-budget": "FA311",
        "wrong-thread-free": "FA211", "corrupt-free-list": "FA433", "signal-handler": "FA436",
        "last-handle": "FA432", "busy-frame": "FA438", "parked-frame": "FA212", "full-queue": "FA213"}
    listed = run("--break", "nothing").stderr
    expect(all(name in listed for name in mistakes), f"an unknown mistake lists those there are: {listed}")
    for mistake, shows in mistakes.items():
        done = run("--break", mistake)
        ended = -11 if mistake == "use-after-frame" else 0
        expect(done.returncode == ended and shows in done.stdout + done.stderr, f"--break {mistake} shows {shows}")
    for bad in (["--frames", "x"], ["--frames", "-1"], ["--bodies", "0"], ["--threads", "1000"], ["--break", "nothing"], ["--unknown"], ["--seed", ""]):
        done = run(*bad)
        expect(done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1, f"{bad}: exit 2 and one line, not {done.returncode} {done.stderr!r}")
    expect(run("--help").returncode == 0, "--help")
    for failure in failures:
        print("failed:", failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
