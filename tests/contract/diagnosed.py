#!/usr/bin/env python3
"""Compiles each file of diagnosed/ with the compilers and flags it names. Every line marked as a mistake must be diagnosed, and
nothing else may be (clang's -verify). A file whose compiler is not installed is skipped, and said to be.

usage: diagnosed.py INCLUDE_DIRECTORY
"""
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: diagnosed.py INCLUDE_DIRECTORY")
    mistakes = wrong = runs = 0
    for path in sorted((HERE / "diagnosed").glob("*.cpp")):
        text = path.read_text()
        flags = re.search(r"^// flags: (.*)$", text, re.M)[1].split()
        expected = text.count("expected-warning")
        for compiler in re.search(r"^// compilers: (.*)$", text, re.M)[1].split():
            if shutil.which(compiler) is None:
                print(f"{path.name}: {compiler} is not installed: not checked")
                continue
            runs += 1
            mistakes += expected
            done = subprocess.run([compiler, "-std=c++20", "-fsyntax-only", "-I", sys.argv[1], *flags, "-Xclang", "-verify",
                                   "-Xclang", "-verify-ignore-unexpected=note", path], capture_output=True, text=True)
            if done.returncode != 0:
                wrong += 1
                print(f"{path.name} with {compiler}:\n{done.stderr[:3000]}")
    print(f"diagnosed: {runs} runs, {mistakes} mistakes expected, {wrong} runs wrong")
    return 1 if wrong or not runs else 0


if __name__ == "__main__":
    sys.exit(main())
