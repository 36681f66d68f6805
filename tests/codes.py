#!/usr/bin/env python3
"""Checks that every code of codes.def is unique, has a page with its text as the title and a line as it is printed, and is expected by a
test: named in its code, not in a comment alone.

usage: codes.py ROOT
"""
import collections
import pathlib
import re
import sys


COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
WITHOUT_PLACE = {"FA991"}


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: codes.py ROOT")
    root = pathlib.Path(sys.argv[1])
    table = (root / "include/framealloc/base/codes.def").read_text()
    codes = re.findall(r'^FRAMEALLOC_CODE\((FA\d+), (\d+), "([^"]*)"\)', table, re.M)
    tests = "".join(COMMENT.sub("", p.read_text()) for p in (*(root / "tests").rglob("*_test.cpp"), *(root / "tests/faults").rglob("*.cpp")))
    wrong = [f"{name} is there {n} times" for name, n in collections.Counter(c[0] for c in codes).items() if n > 1]
    for name, number, text in codes:
        page = root / "docs/codes" / f"{name}.md"
        if int(name[2:]) != int(number):
            wrong.append(f"{name} has the number {number}")
        if not page.exists() or not page.read_text().startswith(f"# {name}: {text}\n"):
            wrong.append(f"{page} is missing or has another title than the code's text")
        elif not re.search(rf"^    (?:\S+: )?framealloc: {name} {re.escape(text)}" if name in WITHOUT_PLACE else rf"^    \S+: framealloc: {name} {re.escape(text)}",
                           page.read_text(), re.M):
            wrong.append(f"{page} has no line as it is printed, with its place")
        if not re.search(rf"\b{name}\b", tests):
            wrong.append(f"{name} is expected by no test")
    known = {c[0] for c in codes}
    wrong += [f"{p} is of no code" for p in (root / "docs/codes").glob("*.md") if p.stem not in known]
    print("\n".join(wrong) if wrong else f"codes: {len(codes)} codes with a page and a test each")
    return 1 if wrong or not codes else 0


if __name__ == "__main__":
    sys.exit(main())
