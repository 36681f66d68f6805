#!/usr/bin/env python3
"""Checks that what a room includes, links and knows lies below it.

usage: check_layers.py [ROOT] [--objects DIR]

Includes: a room may include its own headers and those of the floors below.
Interface: docs/house.md names every header
outside detail/, and programs, annexes, examples and docs include no other. Link symbols, only with --objects (the folder of the
library's object files): none is defined above the room that uses it, and no cycle within a room has more than four sources. Fields: floors 5 to 8 access none of an allocator's or a context's, and either
has at most 16 direct members. Sizes: 90 % of the functions within 25 lines, none over 60; no line over 120 columns. Compiler
conditionals stand in detail/base/compiler.hpp alone, the build options in config.hpp alone.

Prints one line a violation, then every figure; exits with 1 when there is a violation.
"""
import argparse
import collections
import pathlib
import re
import subprocess
import sys

import check_contracts

# Rooms on one floor are ordered where there is a fraction; account and guard never meet.
FLOOR = {"base": 0, "sync": 1, "os": 2, "account": 3, "guard": 3, "memory": 4, "core": 4.1, "probe": 4.2, "lifetime": 5, "object": 6,
         "insight": 7, "runtime": 8, "device": 9}
FREE = {"config.hpp", "version.hpp", "fwd.hpp", "framealloc.h", "mark_frame.h"}   # below every floor; the C headers include no other header of the library
TOP = {"framealloc.hpp", "fa.hpp"}                # above every floor
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]framealloc/([^>"]+)[>"]')
CONDITIONAL = re.compile(r"^\s*#\s*(?:el)?if.*(__GNUC__|__clang__|__has_feature|__SANITIZE|__x86_64__|__linux__|_MSC_VER)")
MOST_IN_CYCLE, MOST_MEMBERS, MOST_COLUMNS, MOST_LINES, P90_LINES = 4, 16, 120, 60, 25
COMPOSED = {"thread_context": "detail/core/context.hpp", "core": "detail/core/allocator.hpp"}


def room_of(path):
    head = path.removeprefix("detail/").split("/")[0]
    return head if head in FLOOR else None


def above(other, room):
    """Whether `room` must not know of `other`."""
    return other != room and FLOOR[other] >= FLOOR[room]


def check(path, room, text):
    for number, line in enumerate(text.splitlines(), 1):
        where = f"{path}:{number}"
        match = INCLUDE.match(line)
        if match:
            target = match[1]
            other = room_of(target)
            if target in FREE:
                continue
            if target in TOP:
                yield f"{where}: room {room} includes {target}, which is above every floor"
            elif other is None:
                yield f"{where}: {target} is in no room"
            elif above(other, room):
                yield f"{where}: room {room} (floor {FLOOR[room]}) includes {target} (floor {FLOOR[other]})"
        if CONDITIONAL.match(line) and not str(path).endswith("base/compiler.hpp"):
            yield f"{where}: compiler conditionals belong to base/compiler.hpp"
        if "FRAMEALLOC_MODE" in line and not line.lstrip().startswith("//"):
            yield f"{where}: FRAMEALLOC_MODE is read in config.hpp alone (use active_policy)"
        if len(line) > MOST_COLUMNS:
            yield f"{where}: {len(line)} columns, {MOST_COLUMNS} are the limit"


# --- the interface ---

def check_interface(root):
    """docs/house.md names exactly the headers outside detail/, and nothing that a program might copy includes another."""
    page = (root / "docs/house.md").read_text()
    section = page[page.index("## The interface"):]
    named = set()
    for row in re.finditer(r"^\| *(\w*) *\| (.*`.*) \|$", section[:section.index("\n## ")], re.M):
        named |= {f"{row[1]}/{name}".lstrip("/") for name in re.findall(r"`([\w.]+\.(?:hp?p?|def))`", row[2])}
    headers = root / "include/framealloc"
    there = {p.relative_to(headers).as_posix() for pattern in ("*.h*", "*.def") for p in headers.rglob(pattern) if not p.is_relative_to(headers / "detail")}
    yield from (f"include/framealloc/{name}: not named in docs/house.md; what is not the interface lies in detail/" for name in sorted(there - named))
    yield from (f"docs/house.md: names {name}, which is not there" for name in sorted(named - there))
    for folder in ("README.md", "docs", "demo", "examples", "integrations", "tools", "tests/clients", "tests/package"):
        for path in sorted([root / folder] if (root / folder).is_file() else (root / folder).rglob("*.*")):
            if path.suffix in (".c", ".h", ".cpp", ".hpp", ".md") and "framealloc/detail/" in (text := path.read_text()) and path.name != "house.md":
                yield f"{path.relative_to(root)}:{text[:text.index('framealloc/detail/')].count(chr(10)) + 1}: includes a header of detail/, which is not for programs"


# --- members ---

def members_of(text, name):
    """The names of the direct data members of a struct."""
    body = text[re.search(rf"^struct {name} {{$", text, re.M).end():]
    body = body[:body.index("\n};")]
    names, depth = [], 0
    for line in body.splitlines():
        code = line.split("//")[0].rstrip()
        plain = re.sub(r"\{[^{}]*\}", "", code)
        if depth == 0 and plain.endswith(";") and not re.search(r"\b(using|friend|static|explicit)\b|\)( const)?( noexcept)?;", plain):
            declared = re.sub(r"\[[^\]]*\]| = [^,;]*", "", plain.strip(" ;"))
            first, *more = declared.split(",")
            names += [re.findall(r"\w+", part)[-1] for part in (first, *more)]
        depth += code.count("{") - code.count("}")
    return names


def accesses(path, text, names):
    """What reads or writes members of an allocator or a context, or members of their parts; a call of a part is none."""
    pattern = re.compile(rf"\b(\w*owner|\w*context_?|mine|thread_|[ac])(?:->|\.)({'|'.join(names)})\b(?!\s*\()((?:\.|->)\w+\s*[(<])?")
    for number, line in enumerate(text.splitlines(), 1):
        for m in pattern.finditer(line.split("//")[0]):
            handle = m[1] == "a" or (m[1].endswith("owner") and m[0].endswith((".owner", ".id")))  # the words of a core_ref
            if m[3] is None and not (handle and m[2] in ("owner", "id")):
                yield f"{path}:{number}: reads or writes {m[2]} of floor 4: {line.strip()[:80]}"


# --- functions ---

SIGNATURE = re.compile(r"^\s*(?!(?:if|for|while|switch|else|do|return|namespace|struct|class|enum|union|case|catch)\b)[\w~].*\)[\w\s&:]*(?:->.*)?\{$")


def lengths(text):
    """Lines between the braces of each function, those of one line included."""
    lines = [re.sub(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])\'', "", line.split("//")[0]).rstrip() for line in text.splitlines()]
    for i, code in enumerate(lines):
        if re.match(r"^\s*(?:[\w:<>,&*\[\]~]+ )+[\w:~]+\(.*\).*\{.*\}$", code):
            yield 1
        elif SIGNATURE.match(code) and "= {" not in code and "[" not in code.split("(")[0]:
            depth = 1
            for end in range(i + 1, len(lines)):
                depth += lines[end].count("{") - lines[end].count("}")
                if depth <= 0:
                    yield end - i - 1
                    break


# --- link symbols ---

def symbols(objects, sources):
    """(source, room) -> defined and undefined symbols; what several sources define is nobody's."""
    defined, used = {}, collections.defaultdict(set)
    for path in sorted(objects.rglob("*.o")) + sorted(objects.rglob("*.obj")):
        source = str(path.relative_to(objects)).rsplit(".", 1)[0]
        if room_of(source) is None or not (sources / source).exists():  # a folder may hold objects of files that are gone
            continue
        for line in subprocess.run(["nm", "-C", path], capture_output=True, text=True, check=True).stdout.splitlines():
            m = re.match(r"^[0-9a-f ]*\s([A-Za-z]) (.*)$", line)
            if m and m[1] in "TDBRGS":
                defined[m[2]] = source
            elif m and m[1] == "U":
                used[source].add(m[2])
    return defined, used


def cycles(edges):
    """The strongly connected components of more than one node (Tarjan, 1972)."""
    index, low, stack, found = {}, {}, [], []

    def visit(v):
        index[v] = low[v] = len(index)
        stack.append(v)
        for w in edges.get(v, ()):
            if w not in index:
                visit(w)
                low[v] = min(low[v], low[w])
            elif w in stack:
                low[v] = min(low[v], index[w])
        if low[v] == index[v]:
            component = stack[stack.index(v):]
            del stack[stack.index(v):]
            if len(component) > 1:
                found.append(sorted(component))

    for v in list(edges):
        if v not in index:
            visit(v)
    return found


def check_links(objects, sources):
    defined, used = symbols(objects, sources)
    edges = collections.defaultdict(set)
    upward = []
    for source, names in sorted(used.items()):
        for name in sorted(names & defined.keys()):
            target = defined[name]
            if target == source:
                continue
            edges[source].add(target)
            if above(room_of(target), room_of(source)):
                upward.append(f"{source}: links to {name}, which lies in {target}")
    found = cycles(edges)
    between = [c for c in found if len({room_of(s) for s in c}) > 1]
    large = [c for c in found if len(c) > MOST_IN_CYCLE]
    broken = upward + [f"link cycle between rooms: {', '.join(c)}" for c in between]
    broken += [f"link cycle of {len(c)} sources, {MOST_IN_CYCLE} are the limit: {', '.join(c)}" for c in large if c not in between]
    largest = max((len(c) for c in found), default=1)
    return broken, f"link symbols: {len(upward)} upward, {len(between)} cycles between rooms, largest cycle {largest} sources ({MOST_IN_CYCLE})"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root", nargs="?", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    parser.add_argument("--objects", type=pathlib.Path)
    options = parser.parse_args()
    root = options.root
    found, figures, files, sizes = list(check_interface(root)), [], 0, []
    headers = root / "include" / "framealloc"
    members = {}
    for name, path in COMPOSED.items():
        members[name] = members_of((headers / path).read_text(), name)
        figures.append(f"direct members of {name}: {len(members[name])} ({MOST_MEMBERS})")
        if len(members[name]) > MOST_MEMBERS:
            found.append(f"include/framealloc/{path}: {name} has {len(members[name])} direct members, {MOST_MEMBERS} are the limit")
    names = sorted({n for some in members.values() for n in some})
    reached = []
    for base in (headers, root / "src"):
        for path in sorted(base.rglob("*.[hc]pp")):
            room = room_of(str(path.relative_to(base)))
            if room is None:
                continue
            files += 1
            text = path.read_text().replace("policy::FRAMEALLOC_MODE", "")
            found += check(path.relative_to(root), room, text)
            sizes += lengths(text)
            if FLOOR[room] >= 5 and names:
                reached += accesses(path.relative_to(root), text, names)
    found += reached
    figures.append(f"accesses from floors 5 to 8 to fields of floor 4: {len(reached)} (0)")
    if sizes:
        sizes.sort()
        p90 = sizes[len(sizes) * 9 // 10]
        figures.append(f"functions: {len(sizes)}, median {sizes[len(sizes) // 2]} lines, p90 {p90} ({P90_LINES}), longest {sizes[-1]} ({MOST_LINES})")
        if p90 > P90_LINES or sizes[-1] > MOST_LINES:
            found.append(f"functions are too long: p90 {p90} lines, longest {sizes[-1]}")
    figures.append(f"lines over {MOST_COLUMNS} columns: {sum('columns' in f for f in found)} (0)")
    public = check_contracts.read(root, check_contracts.ROOMS)
    without = [f for f in public if check_contracts.wrong(f[-1]) is not None]
    found += [f"{path}:{line}: {name}: {check_contracts.wrong(said)}" for _, path, _, _, name, line, said in without]
    figures.append(f"public functions without contract words: {len(without)} of {len(public)} (0)")
    if options.objects is not None:
        broken, figure = check_links(options.objects, root / "src")
        found += broken
        figures.append(figure)
    for line in found + figures:
        print(line)
    print(f"check_layers: {files} files, {len(found)} violations")
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main())
