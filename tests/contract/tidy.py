#!/usr/bin/env python3
"""Runs clang-tidy with share/framealloc.clang-tidy over tidy/mistakes.cpp: each marked line must be reported, and nothing else.

usage: tidy.py CLANG_TIDY ROOT
"""
import pathlib
import re
import subprocess
import sys


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: tidy.py CLANG_TIDY ROOT")
    root = pathlib.Path(sys.argv[2])
    source = root / "tests/contract/tidy/mistakes.cpp"
    wanted = {(n, m[1]) for n, line in enumerate(source.read_text().splitlines(), 1) if (m := re.search(r"// tidy: (\S+)", line))}
    done = subprocess.run([sys.argv[1], f"--config-file={root}/share/framealloc.clang-tidy", source, "--", "-std=c++20", f"-I{root}/include"],
                          capture_output=True, text=True)
    said = {(int(m[1]), m[2]) for m in re.finditer(r":(\d+):\d+: warning: .*\[([\w.,-]+)\]", done.stdout)}
    for line, check in sorted(wanted - said):
        print(f"line {line}: {check} was not reported")
    for line, check in sorted(said - wanted):
        print(f"line {line}: {check} was reported and is not marked")
    print(f"tidy: {len(wanted & said)} of {len(wanted)} mistakes reported, {len(said - wanted)} false reports")
    if not said:
        print(done.stderr[-2000:])
    return 0 if wanted and wanted == said else 1


if __name__ == "__main__":
    sys.exit(main())
