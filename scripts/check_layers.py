#!/usr/bin/env python3
"""Checks that every include points down: a room may include its own headers and those of the floors below.

usage: check_layers.py [ROOT]

Also: detail/ headers only from their own room, compiler conditionals only in base/compiler.hpp, and the build options only
in config.hpp. Prints one line a violation; exits with 1 when there is one.
"""
import pathlib
import re
import sys

FLOOR = {"base": 0, "sync": 1, "os": 2, "account": 3, "guard": 3, "memory": 4, "core": 4, "probe": 4, "lifetime": 5, "object": 6, "insight": 7,
         "runtime": 8, "device": 9}
FLOOR_4 = {"memory", "core", "probe"}  # they still include one another
FREE = {"config.hpp", "version.hpp", "fwd.hpp", "framealloc.h", "mark_frame.h"}   # below every floor; the C headers include no other header of the library
TOP = {"framealloc.hpp", "fa.hpp"}                # above every floor
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]framealloc/([^>"]+)[>"]')
CONDITIONAL = re.compile(r"^\s*#\s*(?:el)?if.*(__GNUC__|__clang__|__has_feature|__SANITIZE|__x86_64__|__linux__|_MSC_VER)")


def room_of(path):
    head = path.split("/")[0]
    return head if head in FLOOR else None


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
            elif FLOOR[other] > FLOOR[room] or (FLOOR[other] == FLOOR[room] and other != room and not {room, other} <= FLOOR_4):
                yield f"{where}: room {room} (floor {FLOOR[room]}) includes {target} (floor {FLOOR[other]})"
            elif "/detail/" in target and other != room:
                yield f"{where}: {target} belongs to room {other} alone"
        if CONDITIONAL.match(line) and not str(path).endswith("base/compiler.hpp"):
            yield f"{where}: compiler conditionals belong to base/compiler.hpp"
        if "FRAMEALLOC_MODE" in line and not line.lstrip().startswith("//"):
            yield f"{where}: FRAMEALLOC_MODE is read in config.hpp alone (use active_policy)"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent)
    found, files = [], 0
    for base in (root / "include" / "framealloc", root / "src"):
        for path in sorted(base.rglob("*.[hc]pp")):
            room = room_of(str(path.relative_to(base)))
            if room is None:
                continue
            files += 1
            text = path.read_text().replace("policy::FRAMEALLOC_MODE", "")
            found += check(path.relative_to(root), room, text)
    for line in found:
        print(line)
    print(f"check_layers: {files} files, {len(found)} violations")
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main())
