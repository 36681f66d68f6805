#!/usr/bin/env python3
"""Counts the instructions of the hot paths under callgrind, in a program that uses the installed package.

usage: count_instructions.py [--check] [--compiler CXX]

Installs the library into a temporary directory, builds bench/instructions.cpp against it with find_package, runs it under
valgrind --tool=callgrind with 10 and with 10,000 tags, and prints instructions per operation, net of the loop. --check exits
with 1 when a figure exceeds its limit.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
TURNS = 100_000
# The operations that are counted, and their limits with g++ 12.
LIMITS = {
    "scope_alloc": ("frame_scope::alloc<64-byte T>", 6),
    "frame_alloc": ("smart_alloc::frame_alloc<T>", 10),
    "begin_end": ("empty begin_frame + end_frame", 36),
    "frame_scope": ("empty frame_scope", None),
    "pool_pair": ("pool_alloc + pool_free", 26),
    "push_back": ("frame_vec<long>::push_back", 8),
    "tag_scope": ("tag_scope, constexpr tag", 40),
    "phase_scope": ("phase_scope, constexpr tag", 40),
    "hook_open": ("hook, 64 bytes, and back", None),
    "hook_other": ("the same, another tag open", None),
}
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(consumer CXX)
find_package(framealloc 1 REQUIRED)
add_executable(instructions {source})
target_compile_options(instructions PRIVATE -O2 -g)
target_link_libraries(instructions PRIVATE framealloc::framealloc)
"""


def run(*command, **kwargs):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **kwargs)
    if done.returncode != 0:
        sys.exit(f"count_instructions: {command[0]} failed\n{done.stdout}{done.stderr}")
    return done.stdout


def build(work, compiler):
    run("cmake", "-S", ROOT, "-B", work / "library", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_CXX_COMPILER={compiler}",
        f"-DCMAKE_INSTALL_PREFIX={work / 'installed'}")
    run("cmake", "--build", work / "library", "--target", "install")
    consumer = work / "consumer"
    consumer.mkdir()
    (consumer / "CMakeLists.txt").write_text(PROJECT.format(source=ROOT / "bench" / "instructions.cpp"))
    run("cmake", "-S", consumer, "-B", consumer / "build", "-G", "Ninja", f"-DCMAKE_CXX_COMPILER={compiler}",
        f"-DCMAKE_PREFIX_PATH={work / 'installed'}")
    run("cmake", "--build", consumer / "build")
    return consumer / "build" / "instructions"


def count(program, work, tags):
    out = work / f"callgrind.{tags}"
    printed = run("valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", program, tags)
    per_function = {}
    for line in run("callgrind_annotate", "--threshold=100", "--inclusive=yes", out).splitlines():
        match = re.match(r"\s*([\d,]+)\s.*:count_(\w+)", line)
        if match:
            per_function.setdefault(match[2], int(match[1].replace(",", "")) / TURNS)
    return printed, per_function


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--compiler", default="g++")
    options = parser.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory() as directory:
        work = pathlib.Path(directory)
        program = build(work, options.compiler)
        printed, few = count(program, work, 10)
        _, many = count(program, work, 10_000)
    print(printed.strip())
    print(f"{'operation':34} {'10 tags':>8} {'10,000':>8} {'limit':>6}   ({options.compiler})")
    for key, (title, limit) in LIMITS.items():
        net = [round(counts[key] - counts["baseline"]) for counts in (few, many)]
        print(f"{title:34} {net[0]:8} {net[1]:8} {limit if limit else '':>6}")
        bad += limit is not None and max(net) > limit
    if options.check and bad:
        sys.exit(f"count_instructions: {bad} figures exceed their limit")


if __name__ == "__main__":
    main()
