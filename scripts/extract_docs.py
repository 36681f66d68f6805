#!/usr/bin/env python3
"""Turns the C++ blocks of README.md and docs/*.md into programs, for the tests.

usage: extract_docs.py OUTPUT_DIRECTORY

A block that contains main() is a program as it is; every other block becomes the body of a function, after the first block of
docs/start.md, which declares what the others assume, and after its own functions, types, templates and the lines that
start with #include, inline constexpr or namespace fa. A block preceded by the line "<!-- not compiled: why -->"
is skipped, and the reason is printed; one preceded by "<!-- needs: lua -->" is built if tests/clients has that library. Writes one file per
block and the list blocks.cmake.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PRELUDE = re.search(r"```cpp\n(.*?)```", (ROOT / "docs" / "start.md").read_text(), re.S)[1]


def program(block):
    if re.search(r"\bint main\(", block):
        return block
    lines, hoisted, body, depth = block.splitlines(), [], [], 0
    for line in lines:
        if depth == 0 and re.match(r"(#include|inline constexpr|namespace fa|using namespace)", line):
            if not line.startswith(("namespace fa", "using namespace")):
                hoisted.append(line)
        elif depth or re.match(r"(struct|class|template)\b.*\{|template\b.*;$|(const )?\w[\w:<>]*[&*]? \w+\([^\[]*\) \{", line):
            depth += line.count("{") - line.count("}")
            hoisted.append(line)
        else:
            body.append(line)
    return "\n".join(h for h in hoisted if h.startswith("#")) + "\n" + PRELUDE + "\n".join(
        h for h in hoisted if not h.startswith("#")) + "\n\nint main() {\n    " + "\n    ".join(body) + "\n}\n"


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: extract_docs.py OUTPUT_DIRECTORY")
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    names, needs = [], []
    for document in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = document.read_text()
        for number, match in enumerate(re.finditer(r"(?:<!-- (?:not compiled: (.*?)|needs: (\w+)) -->\n)?```cpp\n(.*?)```", text, re.S), 1):
            if match[1]:
                print(f"{document.name} block {number}: not compiled: {match[1]}")
                continue
            name = f"{document.stem.lower()}_{number}"
            path = out / f"{name}.cpp"
            code = program(match[3])
            if not path.exists() or path.read_text() != code:
                path.write_text(code)
            names.append(name)
            needs += [f"set({name}_needs {match[2]})\n"] if match[2] else []
    (out / "blocks.cmake").write_text(f"set(doc_blocks {' '.join(names)})\n" + "".join(needs))
    print(f"extract_docs: {len(names)} blocks")


if __name__ == "__main__":
    main()
