#!/usr/bin/env python3
"""Measures what FRAMEALLOC_PREFETCH is worth: bench/prefetch.cpp on a library without and with it, in turns in one process.

usage: measure_prefetch.py [--compiler CXX] [--rounds N] [--filter TEXT]

Installs the library both ways into a temporary directory, builds a shared object on each, and prints nanoseconds a block
without hints and the ratio with / without: median and quartiles of the rounds' ratios. About two minutes.
"""
import argparse
import ctypes
import pathlib
import statistics
import tempfile

from callgrind import run

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(hinted CXX)
find_package(framealloc 1 REQUIRED)
add_library(hinted MODULE {bench}/prefetch.cpp)
set_target_properties(hinted PROPERTIES CXX_VISIBILITY_PRESET hidden)
target_compile_options(hinted PRIVATE -O2)
target_link_libraries(hinted PRIVATE framealloc::framealloc -Wl,-Bsymbolic,--exclude-libs,ALL)
"""


def build(work, compiler, hints):
    """The workloads on a library with or without hints, loaded; each has a copy of the library to itself."""
    run("cmake", "-S", ROOT, "-B", work / "library", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_CXX_COMPILER={compiler}",
        f"-DFRAMEALLOC_PREFETCH={hints}", f"-DCMAKE_INSTALL_PREFIX={work / 'installed'}")
    run("cmake", "--build", work / "library", "--target", "install")
    (work / "CMakeLists.txt").write_text(PROJECT.format(bench=ROOT / "bench"))
    run("cmake", "-S", work, "-B", work / "build", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_CXX_COMPILER={compiler}",
        f"-DCMAKE_PREFIX_PATH={work / 'installed'}")
    run("cmake", "--build", work / "build")
    library = ctypes.CDLL(str(work / "build/libhinted.so"))
    library.workload_name.restype = ctypes.c_char_p
    library.workload_name.argtypes = library.workload_pass.argtypes = [ctypes.c_size_t]
    library.workload_pass.restype = ctypes.c_double
    return library


def measure(libraries, workload, rounds):
    """[nanoseconds of each round] of each library; the first of them changes from round to round."""
    for library in libraries:
        library.workload_pass(workload)
    times = [[] for _ in libraries]
    for turn in range(rounds):
        for i in range(len(libraries)):
            at = (i + turn) % len(libraries)
            times[at].append(libraries[at].workload_pass(workload))
    return times


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--filter", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        libraries = []
        for hints in ("OFF", "ON"):
            work = pathlib.Path(directory) / hints
            work.mkdir()
            libraries.append(build(work, options.compiler, hints))
    print(f"{'':50} {'ns':>8}   with / without")
    workload = 0
    while (name := libraries[0].workload_name(workload)) is not None:
        if options.filter in name.decode():
            off, on = measure(libraries, workload, options.rounds)
            lower, median, upper = statistics.quantiles([b / a for a, b in zip(off, on)], n=4)
            print(f"{name.decode():50} {statistics.median(off):8.2f}   {median:.2f} ({lower:.2f} - {upper:.2f})", flush=True)
        workload += 1


if __name__ == "__main__":
    main()
