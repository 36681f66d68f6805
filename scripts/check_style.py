#!/usr/bin/env python3
"""Checks what a compiler does not: file and function sizes, line lengths, comments on memory orders.

usage: check_style.py [ROOT]

A file over 600 lines is an error; a function body over 60 lines is an error; so is a line over 120 columns, in tests,
examples and benches too (.clang-format-ignore names the specimens whose lines stay as they are). Every relaxed, acquire or release operation
outside sync/ carries a comment that says why ("relaxed: …") or what it pairs with ("pairs: …"), and none is a builtin of the compiler.
"""
import pathlib
import re
import sys

ORDER = re.compile(r"(load|store|add|exchange|subtract|compare_exchange)_(relaxed|acquire|release|acq_rel)\(|__ATOMIC_(RELAXED|ACQUIRE|RELEASE|ACQ_REL)")


def functions(lines):
    """Yields (first line, length) of bodies opened by a line at the margin that ends with '{'."""
    start = None
    for number, line in enumerate(lines, 1):
        if re.match(r"^[A-Za-z\[].*\)[^;]*\{$", line) and not line.startswith(("namespace", "struct", "class", "enum")):
            start = number
        elif line == "}" and start is not None:
            yield start, number - start
            start = None


def check(path, lines):
    if len(lines) > 600:
        yield f"{path}: {len(lines)} lines, 600 are the limit"
    for start, length in functions(lines):
        if length > 60:
            yield f"{path}:{start}: function of {length} lines, 60 are the limit"
    if "/sync/" in str(path):
        return
    for number, line in enumerate(lines, 1):
        if "__atomic_" in line and re.search(r"(^|/)(include|src)/", str(path)):
            yield f"{path}:{number}: an atomic is spelled sync::atomic, sync::owner_counter, sync::load_relaxed(word) or sync::glimpse(word)"
        if ORDER.search(line) and not re.search(r"//.*(relaxed:|pairs:)", line + (lines[number] if number < len(lines) else "")):
            if not any(re.search(r"//.*(relaxed:|pairs:)", above) for above in lines[max(number - 4, 0):number - 1]):
                yield f"{path}:{number}: a memory order without 'relaxed: why' or 'pairs: with what'"


def too_long(root):
    """Lines over 120 columns of every C and C++ source that is formatted."""
    ignored = [line for line in (root / ".clang-format-ignore").read_text().split("\n") if line and line[0] != "#"]
    for base in ("include", "src", "tools", "tests", "bench", "examples", "demo", "integrations"):
        for path in sorted((root / base).rglob("*")):
            name = path.relative_to(root)
            if path.suffix not in (".c", ".h", ".cpp", ".hpp") or any(name.match(pattern) for pattern in ignored):
                continue
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if len(line) > 120:
                    yield f"{name}:{number}: {len(line)} columns, 120 are the limit"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent)
    found, files = [], 0
    for base in ("include", "src", "tools"):
        for path in sorted((root / base).rglob("*.[hc]pp")):
            files += 1
            found += check(path.relative_to(root), path.read_text().splitlines())
    found += too_long(root)
    for line in found:
        print(line)
    print(f"check_style: {files} files, {len(found)} findings")
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main())
