#!/usr/bin/env python3
"""Measures the CPU seconds of g++ -fsyntax-only for the headers with a promised cost: the best of several runs.

usage: compile_time.py [--check]

Prints measured and promised seconds; with --check exits with 1 when a promise is broken. The tests only print: a loaded
machine is not a broken promise.
"""
import pathlib
import resource
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROMISED = {"framealloc/detail/lifetime/frame.hpp": 0.10, "framealloc/framealloc.hpp": 0.35}


def cpu_seconds(header):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["g++", "-std=c++20", "-fsyntax-only", "-I", ROOT / "include", "-x", "c++", "-"], input=f"#include <{header}>\n", text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    broken = 0
    for header, promised in PROMISED.items():
        best = min(cpu_seconds(header) for _ in range(7))
        print(f"{header:34} {best:.3f} s, promised {promised:.2f} s")
        broken += best > promised
    return 1 if broken and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
