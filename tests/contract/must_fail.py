#!/usr/bin/env python3
"""Compiles each case of must_fail/cases.txt and expects the compiler to refuse it with the given text; and one good case.

usage: must_fail.py COMPILER INCLUDE_DIRECTORY
"""
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = """#include <framealloc/framealloc.hpp>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>
namespace fa = framealloc;
void f() {{
    fa::smart_alloc a;
    {line}
}}
"""


def compile_line(compiler, include, line):
    return subprocess.run([compiler, "-std=c++20", "-fsyntax-only", "-Werror=unused-result", "-Werror=unused-value", "-I", include, "-x", "c++", "-"],
                          input=PROGRAM.format(line=line), capture_output=True, text=True)


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: must_fail.py COMPILER INCLUDE_DIRECTORY")
    compiler, include = sys.argv[1:]
    good = compile_line(compiler, include, "auto v = a.frame_vec<int>(); v.push_back(1);")
    if good.returncode != 0:
        sys.exit("the good case does not compile:\n" + good.stderr)
    cases = [line.split("|", 2) for line in (HERE / "must_fail" / "cases.txt").read_text().splitlines() if line and not line.startswith("#")]
    bad = 0
    for name, text, line in cases:
        done = compile_line(compiler, include, line)
        message = done.stderr
        # The two compilers word some refusals differently.
        accepted = {"nodiscard": ("nodiscard", "unused"), "no matching": ("no matching", "no match"), "deleted": ("deleted",)}.get(text, (text,))
        if done.returncode == 0 or not any(word in message for word in accepted):
            print(f"{name}: {'compiled' if done.returncode == 0 else 'refused without the text ' + repr(text)}\n{message[:400]}")
            bad += 1
    print(f"must_fail: {len(cases)} cases, {bad} wrong")
    return 1 if bad or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
