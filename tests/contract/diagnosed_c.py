#!/usr/bin/env python3
"""Compiles diagnosed_c/mistakes.c with gcc, with gcc's analyzer and with clang's. Each line names the warnings that it must get; no
other line may get one. What is not installed is skipped, and said to be.

usage: diagnosed_c.py INCLUDE_DIRECTORY
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parent / "diagnosed_c/mistakes.c"
GCC = ["gcc", "-std=c11", "-O2", "-Wall", "-Wextra", "-c", "-o", "/dev/null"]
CLANG = ["--analyze", "-std=c11", "-Wno-unused-command-line-argument", "-Xclang", "-analyzer-output=text",
         "-Xclang", "-analyzer-config", "-Xclang", "unix.DynamicMemoryModeling:Optimistic=true"]
RUNS = [("gcc", GCC), ("analyzer", [*GCC, "-fanalyzer"]), ("clang", ["clang-14", *CLANG]), ("clang", ["clang-19", *CLANG])]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip().splitlines()[-1])
    include = pathlib.Path(sys.argv[1]).resolve()
    lines = SOURCE.read_text().splitlines()
    wrong = total = 0
    for word, command in RUNS:
        if shutil.which(command[0]) is None:
            print(f"{command[0]} is not installed: not checked")
            continue
        words = ("gcc", "analyzer") if word == "analyzer" else (word,)
        wanted = {(i, w) for i, line in enumerate(lines, 1) for kind in words for w in re.findall(rf"/\* {kind}: (\S+) \*/", line)}
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([*command, "-I", include, SOURCE], capture_output=True, text=True, cwd=folder)
        got = {(int(m[1]), m[2]) for m in re.finditer(r"mistakes\.c:(\d+):\d+: warning: .*\[([\w.-]+)\]$", done.stderr, re.M)}
        if word == "analyzer":  # which of them also sees a plain warning first differs between versions
            got = {g for g in got if g in wanted or g[1].startswith("-Wanalyzer")}
        total += len(wanted)
        if got != wanted or done.returncode != 0:
            wrong += 1
            print(f"{' '.join(command[:3])}: missing {sorted(wanted - got)}, not expected {sorted(got - wanted)}\n{done.stderr[-1500:]}")
    print(f"diagnosed_c: {total} warnings expected, {wrong} runs wrong")
    return 1 if wrong or not total else 0


if __name__ == "__main__":
    sys.exit(main())
