#!/usr/bin/env python3
"""Counts instructions per operation under callgrind, in a program that uses the installed package.

usage: count_instructions.py [--check] [--compiler CXX] [--lto] [--json FILE]

Installs the library into a temporary directory and builds two programs against it with find_package: bench/instructions.cpp,
the hot paths, counted with 10 and with 10,000 tags, and bench/operations.cpp, whole operations. Prints instructions per
operation, net of the loop, with a limit and a gate. The limit is what must not be exceeded: --check exits with 1 when a figure
is above it. The gate is what is promised; a figure above it is printed as missed, and --check lets it pass.
"""
import argparse
import json
import pathlib
import re
import sys
import tempfile

import callgrind
from callgrind import run

ROOT = pathlib.Path(__file__).resolve().parent.parent
TURNS = 100_000
# The hot paths, and their limits with g++ 12, which are their gates as well.
HOT_PATHS = {
    "scope_alloc": ("frame_scope::alloc<64-byte T>", 6),
    "frame_alloc": ("smart_alloc::frame_alloc<T>", 10),
    "begin_end": ("empty begin_frame + end_frame", 34),
    "frame_scope": ("empty frame_scope", 34),
    "pool_pair": ("pool_alloc + pool_free", 26),
    "push_back": ("frame_vec<long>::push_back", 8),
    "tag_scope": ("tag_scope, constexpr tag", 40),
    "phase_scope": ("phase_scope, constexpr tag", 40),
    "hook_open": ("hook, 64 bytes, and back", 90),
    "hook_other": ("the same, another tag open", 111),
}
# Whole operations: the limit is the last figure that was measured with g++ 12, to be lowered with each that falls; then the gate.
OPERATIONS = {
    "inner_alloc": ("inner frame + 1 alloc", 46, 50),
    "inner_after_parent": ("parent's alloc + empty inner frame", 39, 45),
    "outermost_empty": ("outermost frame, empty", 38, 50),
    "outermost_alloc": ("outermost frame + 1 alloc", 120, 130),
    "outermost_alloc_pool": ("outermost frame + alloc + pool pair", 283, 300),
    "outermost_map": ("outermost frame + a map of one vec", 742, None),
    "tag_alloc": ("tag scope + frame alloc", 117, 150),
    "tag_pool": ("tag scope + pool pair", 151, 200),
    "tags_in_turns": ("two tags in turns, a pool pair in each", 296, 300),
    "tag_string_10": ("tag scope by string, 10 tags", 113, 120),
    "tag_string_10000": ("tag scope by string, 10,000 tags", 112, 120),
    "checkpoint_empty": ("checkpoint + rollback, empty", 82, 100),
    "checkpoint_alloc": ("checkpoint + rollback, 1 alloc", 100, 120),
    "guard_empty": ("checkpoint_guard, empty", 182, None),
    "guard_alloc": ("checkpoint_guard, 1 alloc", 197, None),
    "context_scope": ("context_scope", 107, 120),
    "turns_2": ("two allocators in turns, 2 on the thread", 43, 45),
    "turns_8": ("two allocators in turns, 8 on the thread", 43, 45),
    "turns_100": ("two allocators in turns, 100", 43, 45),
    "turns_515": ("two allocators in turns, 515", 43, 45),
    "heap_64": ("heap pair, 64 B", 31, 45),
    "heap_64k": ("heap pair, 64 KiB", 90, 90),
    "pmr_frame": ("frame resource, allocate", 45, 45),
    "pmr_pool": ("pool resource, pair", 59, 60),
    "list": ("std::list on frame_allocator, an element", 65, 70),
    "string_5": ("frame_string of 5 characters", 27, 30),
    "append_5": ("frame_string, append of 5", 25, 25),
    "vec_apart": ("frame_vec, growth beside others, and its end", 312, None),
    "describe": ("describe, 515 allocators", 1573, 2000),
}
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(consumer CXX)
find_package(framealloc 1 REQUIRED)
foreach(program instructions operations)
  add_executable(${{program}} {bench}/${{program}}.cpp)
  target_compile_options(${{program}} PRIVATE -O2 -g)
  target_link_libraries(${{program}} PRIVATE framealloc::framealloc)
endforeach()
"""


def build(work, compiler, lto):
    optimised = ["-DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON"] if lto else []
    run("cmake", "-S", ROOT, "-B", work / "library", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_CXX_COMPILER={compiler}",
        f"-DCMAKE_INSTALL_PREFIX={work / 'installed'}", *optimised)
    run("cmake", "--build", work / "library", "--target", "install")
    consumer = work / "consumer"
    consumer.mkdir()
    (consumer / "CMakeLists.txt").write_text(PROJECT.format(bench=ROOT / "bench"))
    run("cmake", "-S", consumer, "-B", consumer / "build", "-G", "Ninja", f"-DCMAKE_CXX_COMPILER={compiler}",
        f"-DCMAKE_PREFIX_PATH={work / 'installed'}", *optimised)
    run("cmake", "--build", consumer / "build")
    return consumer / "build"


def count_hot_paths(program, work, tags):
    out = work / f"callgrind.{tags}"
    printed = run("valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", program, tags)
    per_function = {}
    for line in run("callgrind_annotate", "--threshold=100", "--inclusive=yes", out).splitlines():
        match = re.match(r"\s*([\d,]+)\s.*:count_(\w+)", line)
        if match:
            per_function.setdefault(match[2], int(match[1].replace(",", "")) / TURNS)
    return printed, per_function


def measure(compiler, lto):
    """What the first program prints, and a row for each operation: title, figures, limit, gate."""
    with tempfile.TemporaryDirectory() as directory:
        work = pathlib.Path(directory)
        programs = build(work, compiler, lto)
        printed, few = count_hot_paths(programs / "instructions", work, 10)
        _, many = count_hot_paths(programs / "instructions", work, 10_000)
        whole = callgrind.counts(programs / "operations", work)
    rows = [(title, [round(counts[key] - counts["baseline"]) for counts in (few, many)], limit, limit)
            for key, (title, limit) in HOT_PATHS.items()]
    rows += [(title, [round(whole[key])], limit, gate) for key, (title, limit, gate) in OPERATIONS.items()]
    return printed, rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--lto", action="store_true", help="the library and the program are optimised as one")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    printed, rows = measure(options.compiler, options.lto)
    print(printed.strip())
    print(f"{'operation':42} {'10 tags':>8} {'10,000':>8} {'limit':>6} {'gate':>6}   ({options.compiler})")
    bad = []
    for title, figures, limit, gate in rows:
        missed = f"   missed by {max(figures) - gate}" if gate is not None and max(figures) > gate else ""
        print(f"{title:42} {figures[0]:8} {figures[-1] if len(figures) > 1 else '':>8} {limit or '':>6} {gate or '':>6}{missed}")
        if limit is not None and max(figures) > limit:
            bad.append(f"{title}: {max(figures)}, {limit} is the limit")
    if options.json:
        names = ("operation", "instructions", "limit", "gate")
        table = {"compiler": options.compiler, "rows": [dict(zip(names, row)) for row in rows]}
        pathlib.Path(options.json).write_text(json.dumps(table, indent=1) + "\n")
    if options.check and bad:
        sys.exit("count_instructions: above the limit:\n" + "\n".join(bad))


if __name__ == "__main__":
    main()
