#!/usr/bin/env python3
"""Compiles overruns/mistakes.cpp with g++ at -O0 and -O2. Each function that says so gets a warning of an access past the end of a
block whose size was told to the allocator; no other function gets one.

usage: overruns.py INCLUDE_DIRECTORY
"""
import pathlib
import re
import shutil
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parent / "overruns/mistakes.cpp"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip().splitlines()[-1])
    if shutil.which("g++") is None:
        sys.exit("g++ is not installed")
    lines = SOURCE.read_text().splitlines()
    wrong = total = 0
    for mode in ("standard", "debug"):
        for level in ("O0", "O2"):
            wanted = {i for i, line in enumerate(lines, 1) if re.search(rf"// overrun at .*\b{level}\b", line)}
            done = subprocess.run(["g++", "-std=c++20", f"-{level}", f"-DFRAMEALLOC_MODE={mode}", "-Wall", "-Wextra", "-Werror=unused-result", "-I", sys.argv[1],
                                   "-c", "-o", "/dev/null", SOURCE], capture_output=True, text=True)
            got = {int(m[1]) for m in re.finditer(r"mistakes\.cpp:(\d+):\d+: warning: .*\[-W(?:array-bounds|stringop-overflow)=?\]", done.stderr)}
            total += len(wanted)
            if got != wanted or done.returncode != 0 or done.stderr.count(" warning: ") != len(wanted):
                wrong += 1
                print(f"{mode} -{level}: missing {sorted(wanted - got)}, not expected {sorted(got - wanted)}\n{done.stderr[-1500:]}")
    print(f"overruns: {total} warnings expected, {wrong} runs wrong")
    return 1 if wrong or not total else 0


if __name__ == "__main__":
    sys.exit(main())
