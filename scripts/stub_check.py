#!/usr/bin/env python3
"""Replaces the body of each public function of the front door by one that returns a default, one at a time, on a copy of the
tree, and expects the tests to go red. A survivor is a function that no test needs.

usage: stub_check.py [--only NAME] [--list]

Covers every public member function of smart_alloc, frame_scope, the boxes, vectors, maps, strings, scopes, guards and holds.
Exits with 1 when a stub survives.
"""
import argparse
import concurrent.futures
import os
import pathlib
import queue
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADERS = ["runtime/smart_alloc.hpp", "runtime/frame_names.hpp", "runtime/pool_names.hpp", "runtime/heap_names.hpp",
           "runtime/frame_scope.hpp", "runtime/arena_front.hpp", "runtime/front.hpp", "runtime/block_view.hpp", "object/box.hpp", "object/shared.hpp", "object/vec.hpp",
           "object/vec_access.hpp", "object/vec_store.hpp", "object/map.hpp", "object/map_access.hpp", "object/map_store.hpp",
           "object/string.hpp", "object/string_access.hpp", "object/string_store.hpp", "object/transfer.hpp", "lifetime/checkpoint.hpp", "lifetime/barrier.hpp", "runtime/context_scope.hpp",
           "insight/lifecycle.hpp", "runtime/worker_frames.hpp", "runtime/parked_context.hpp"]
# Functions that cannot be stubs: constructors and destructors (the objects would not exist), and those the language needs to compile.
SIGNATURE = re.compile(
    r"^    (?P<head>(?:\[\[nodiscard\]\] |FRAMEALLOC_INLINE |static |constexpr |friend |explicit )*"
    r"(?P<type>[\w:<>,&\*\s]+?)\s+(?P<ref>[&\*]*)(?P<name>operator[^\s(]+|\w+) ?\((?P<arguments>[^{}]*)\)(?P<tail>[^{};]*))\{")
SKIP = {"construct_at", "constexpr", "if", "for", "while", "switch", "return"}


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
        path = next(p for p in (pathlib.Path("include/framealloc", folder, header) for folder in ("", "detail")) if (ROOT / p).exists())
        text = (ROOT / path).read_text()
        offset, public = 0, False
        for line in text.splitlines(keepends=True):
            if re.match(r"(class|struct|template)", line):
                public = line.startswith("struct") or public and line.startswith("template")
            if line.startswith("public:"):
                public = True
            if line.startswith(("private:", "protected:")):
                public = False
            match = SIGNATURE.match(re.sub(r"\((\w+)\)(?=\()", r" \1 ", line))  # (check)() is a check() that no macro changes
            constructor = match and (" : " in match["tail"] or match["type"].strip() in ("explicit", "constexpr explicit"))
            if match and public and not constructor and match["name"] not in SKIP:
                brace = offset + line.index("{", match.end() - 1)
                stub = default_for(match["type"], match["ref"])
                if stub is not None:
                    line_number = text.count("\n", 0, brace) + 1
                    yield {"path": path, "name": match["name"], "line": line_number, "from": brace, "to": body_end(text, brace) + 1, "stub": stub}
            offset += len(line)


def run(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True)


class Worker:
    """A copy of the headers, and the tests compiled against it one file at a time: the file that kills is tried first."""

    def __init__(self, work, number, objects):
        self.include = work / f"include-{number}"
        shutil.copytree(ROOT / "include", self.include)
        self.program = work / f"program-{number}"
        self.work, self.objects = work, objects
        self.files = sorted((work / "tests" / "unit").rglob("*_test.cpp"))

    def verdict(self, source):
        """Why the tests of one file are red, or None when they are green."""
        done = run("g++", "-std=c++20", "-O0", "-w", f"-I{self.include}", f"-I{self.work / 'tests'}", '-DFRAMEALLOC_TEST_OS="linux"', source,
                   *self.objects, "-o", self.program, "-pthread")
        if done.returncode != 0:
            return "does not compile"  # a test uses the result in a way that a stub cannot serve
        try:
            return "tests fail" if subprocess.run([self.program], capture_output=True, timeout=60).returncode != 0 else None
        except subprocess.TimeoutExpired:
            return "hangs"

    def killed(self, f):
        path = self.include / f["path"].relative_to("include")
        original = path.read_text()
        path.write_text(original[:f["from"]] + f["stub"] + original[f["to"]:])
        try:
            for source in list(self.files):
                why = self.verdict(source)
                if why is not None:
                    self.files.remove(source)
                    self.files.insert(0, source)
                    return f"{why} in {source.name}"
            return None
        finally:
            path.write_text(original)


def prepare(work):
    """The library and doctest's main, compiled once; the tests, for one policy, which is enough to use every function."""
    shutil.copytree(ROOT / "tests", work / "tests")
    recorder = work / "tests/support/recorder.hpp"
    recorder.write_text(recorder.read_text().replace("policy::minimal, framealloc::policy::standard, framealloc::policy::debug", "policy::standard"))
    sources = [*sorted((ROOT / "src").glob("*/*.cpp")), *sorted((ROOT / "src/os/linux").glob("*.cpp")), ROOT / "tests/support/main.cpp"]
    objects = []
    for source in sources:
        objects.append(work / (source.parent.name + "_" + source.stem + ".o"))
        done = run("g++", "-std=c++20", "-O1", "-w", f"-I{ROOT / 'include'}", "-c", source, "-o", objects[-1])
        if done.returncode != 0:
            sys.exit(f"stub_check: {source} does not compile\n{done.stderr}")
    return objects


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
    survivors, done = [], 0
    with tempfile.TemporaryDirectory() as directory:
        work = pathlib.Path(directory)
        objects = prepare(work)
        idle = queue.Queue()
        for number in range(os.cpu_count() or 1):
            idle.put(Worker(work, number, objects))
        first = idle.get()
        for source in first.files:
            if first.verdict(source) is not None:
                sys.exit(f"stub_check: the unchanged tree is not green: {source.name}")
        idle.put(first)

        def judge(f):
            worker = idle.get()
            try:
                return f, worker.killed(f)
            finally:
                idle.put(worker)

        with concurrent.futures.ThreadPoolExecutor(idle.qsize()) as pool:
            for f, how in pool.map(judge, todo):
                done += 1
                print(f"[{done}/{len(todo)}] {f['path'].name}:{f['line']} {f['name']}: {how or 'SURVIVES'}", flush=True)
                if how is None:
                    survivors.append(f)
    for f in survivors:
        print(f"survivor: {f['path']}:{f['line']} {f['name']}")
    print(f"stub_check: {len(todo)} stubs, {len(survivors)} survivors")
    return 1 if survivors or not todo else 0


if __name__ == "__main__":
    sys.exit(main())
