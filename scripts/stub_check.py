#!/usr/bin/env python3
"""Replaces the body of each public function of the front door by one that returns a default, one at a time, on a copy of the
tree, and expects the tests to go red. A survivor is a function that no test needs.

usage: stub_check.py [--only NAME] [--list]

Covers every public member function of smart_alloc, frame_scope, the boxes, vectors, maps, strings, scopes, guards and holds.
Exits with 1 when a stub survives.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADERS = ["runtime/smart_alloc.hpp", "runtime/frame_scope.hpp", "object/box.hpp", "object/shared.hpp", "object/vec.hpp", "object/map.hpp",
           "object/string.hpp", "lifetime/checkpoint.hpp"]
# What a stub cannot be: constructors and destructors (the objects would not exist), and what the language needs to compile.
SIGNATURE = re.compile(
    r"^    (?P<head>(?:\[\[nodiscard\]\] |FRAMEALLOC_INLINE |static |constexpr |friend |explicit )*"
    r"(?P<type>[\w:<>,&\*\s]+?)\s+(?P<ref>[&\*]*)(?P<name>operator[^\s(]+|\w+)\((?P<arguments>[^{}]*)\)(?P<tail>[^{};]*))\{")
SKIP = {"construct_at", "if", "for", "while", "switch", "return"}


def body_end(text, open_brace):
    depth = 0
    for i in range(open_brace, len(text)):
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        if depth == 0:
            return i
    raise ValueError("unbalanced braces")


def default_for(kind, ref):
    kind = kind.strip()
    if kind == "void":
        return "{}"
    if "&" in ref or kind.endswith("&") or "*" in ref and kind.startswith("auto"):
        return None
    if kind.endswith("decltype(auto)") or kind == "auto" or "decltype" in kind:
        return None
    if "frame_scope" in kind or "checkpoint_guard" in kind or "std::span<T, N>" in kind:
        return None
    return "{ return {}; }"


def functions():
    for header in HEADERS:
        path = pathlib.Path("include/framealloc") / header
        text = (ROOT / path).read_text()
        offset, public = 0, False
        for line in text.splitlines(keepends=True):
            if re.match(r"(class|struct|template)", line):
                public = line.startswith("struct") or public and line.startswith("template")
            if line.startswith("public:"):
                public = True
            if line.startswith(("private:", "protected:")):
                public = False
            match = SIGNATURE.match(line)
            constructor = match and (" : " in match["tail"] or match["type"].strip() in ("explicit", "constexpr explicit"))
            if match and public and not constructor and match["name"] not in SKIP:
                brace = offset + line.index("{", match.end() - 1)
                stub = default_for(match["type"], match["ref"])
                if stub is not None:
                    line_number = text.count("\n", 0, brace) + 1
                    yield {"path": path, "name": match["name"], "line": line_number, "from": brace, "to": body_end(text, brace) + 1, "stub": stub}
            offset += len(line)


def run(*command, cwd):
    return subprocess.run([str(c) for c in command], cwd=cwd, capture_output=True, text=True)


def killed(copy, build, f):
    path = copy / f["path"]
    original = path.read_text()
    path.write_text(original[:f["from"]] + f["stub"] + original[f["to"]:])
    try:
        if run("cmake", "--build", build, "--target", "unit_tests", cwd=copy).returncode != 0:
            return "does not compile"  # a test uses the result in a way that a stub cannot serve
        try:
            done = subprocess.run([build / "tests" / "unit_tests", "-tce=*random operations*"], cwd=copy, capture_output=True, timeout=60)
        except subprocess.TimeoutExpired:
            return "hangs"
        return "tests fail" if done.returncode != 0 else None
    finally:
        path.write_text(original)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    todo = [f for f in functions() if options.only in (None, f["name"])]
    if options.list:
        for f in todo:
            print(f"{f['path']}:{f['line']} {f['name']}")
        print(f"stub_check: {len(todo)} functions")
        return 0
    survivors = []
    with tempfile.TemporaryDirectory() as directory:
        copy = pathlib.Path(directory) / "tree"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("build", "build-*", ".git"))
        # One policy is enough to need a function, and a third of the build.
        recorder = copy / "tests/support/recorder.hpp"
        recorder.write_text(recorder.read_text().replace("framealloc::policy::minimal, framealloc::policy::standard, ", ""))
        build = copy / "build"
        configured = run("cmake", "-S", copy, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug", "-DFRAMEALLOC_WERROR=OFF", "-DCMAKE_CXX_FLAGS=-O0 -w", "-DFRAMEALLOC_BUILD_DEMO=OFF",
                         "-DFRAMEALLOC_BUILD_BENCH=OFF", "-DFRAMEALLOC_BUILD_EXAMPLES=OFF", cwd=copy)
        first = run("cmake", "--build", build, "--target", "unit_tests", cwd=copy)
        whole = run(build / "tests" / "unit_tests", "-tce=*random operations*", cwd=copy)
        if configured.returncode or first.returncode or whole.returncode:
            sys.exit("stub_check: the unchanged tree is not green\n" + configured.stderr + first.stdout[-3000:] + whole.stdout[-3000:])
        for number, f in enumerate(todo, 1):
            how = killed(copy, build, f)
            print(f"[{number}/{len(todo)}] {f['path'].name}:{f['line']} {f['name']}: {how or 'SURVIVES'}", flush=True)
            if how is None:
                survivors.append(f)
    for f in survivors:
        print(f"survivor: {f['path']}:{f['line']} {f['name']}")
    print(f"stub_check: {len(todo)} stubs, {len(survivors)} survivors")
    return 1 if survivors or not todo else 0


if __name__ == "__main__":
    sys.exit(main())
