#!/usr/bin/env python3
"""Changes one operator, condition, constant or statement of the library at a time, and expects a test to notice.

usage: mutate.py [--count N] [--seed S] [--only TEXT] [--list]

Mutants are drawn with the seed from src/sync, src/memory, src/guard and src/lifetime. Each is compiled, linked with the tests of the
preset `dev` (built first) and run through them until one fails, crashes or hangs. Calls that tell AddressSanitizer what may be
touched are judged by the tests of the preset `asan` instead; what Valgrind and heaptrack are told has its own tests and is left out.
A mutant that survives is printed; one in scripts/mutate_equivalent.txt, with its reason, cannot change what the library promises, and
is not counted. A line there that is no mutant any more ends the run, --list too. Exits with 1 when less than 90 % are killed. The lock-free types have a mutation test of their own: tests/interleave.
"""
import argparse
import concurrent.futures
import os
import pathlib
import queue
import random
import re
import resource
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROOMS = ("sync", "memory", "core", "probe", "guard", "lifetime")
NEEDED = 0.9  # of the mutants, killed
MEMORY = 8 << 30  # bytes of address space that a mutant may take
SWAPS = [(" < ", " <= "), (" <= ", " < "), (" > ", " >= "), (" >= ", " > "), (" == ", " != "), (" != ", " == "), (" && ", " || "), (" || ", " && "),
         (" + ", " - "), (" - ", " + "), (" += ", " -= "), (" -= ", " += "), ("++", "--"), ("return true;", "return false;"),
         ("return false;", "return true;"), (" = true;", " = false;"), (" = false;", " = true;")]
STATEMENT = re.compile(r"^\s+(?!return|delete|static_cast|break|continue|using|const |auto )[\w.\->:\[\]()*&]+(\(.*\)| [+\-|&]?= .*);$")
FOR_TOOLS = re.compile(r"^\s*(\} else |if \(.*\) )?guard::(allow|allow_unwritten|forbid)\(")
ELSEWHERE = re.compile(r"(?i:valgrind)|heaptrack_|guard::(block|block_ended|pool_block|pool_block_freed|open_pool|close_pool)\(|^\s*block(_ended)?\(begin")
SWEEPS = "*/exhaustion/*,*/model/*"


class Kit:
    """A build, how its library is compiled, and the tests that run against a mutant."""

    def __init__(self, name, command, tests):
        self.build, self.command, self.tests, self.patience = ROOT / "build" / name, command, tests, {}

    def prepare(self):
        return subprocess.run(["cmake", "--build", self.build, "--target", *{test[0] for test in self.tests}, *(["reload_plugin"] if self is DEV else [])], stdout=subprocess.DEVNULL).returncode == 0

    def objects_of(self, name):
        """The objects that the build links into a test; a folder may hold objects of deleted files."""
        said = subprocess.run(["ninja", "-C", self.build, "-t", "query", name], capture_output=True, text=True).stdout
        return [self.build / line.strip() for line in said.splitlines() if line.endswith(".o")]


DEV = Kit("dev", ["g++", "-fuse-ld=gold"], [
    ["diary", str(ROOT / "tests/simulate/expected")], ["unit_tests", "-aa=1", f"-sfe={SWEEPS}"], ["process_test", "exits", "200"],
    ["process_test", "exchange", "200000"], ["process_test", "edges"], ["process_test", "fork", "100"], ["process_test", "interrupts", "300"],
    ["report_test"], ["sampled_test"], ["standard_test"], ["reload_test", str(ROOT / "build/dev/tests/libreload_plugin.so")], ["faults_test"],
    ["unit_tests", "-aa=1", f"-sf={SWEEPS}", "-tce=*shrinks*"]])
ASAN = Kit("asan", ["clang++-19", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-sanitize=vptr"],
           [["tool_test", "--all"], ["unit_tests", "-aa=1", "-sf=*/unit/memory/*,*/unit/core/*,*/unit/probe/*,*/unit/runtime/*", "-tce=*4,104*"]])
PATIENCE = 4  # a test hangs if it takes this many times as long as on the unchanged tree


def code_of(line):
    """The line without its comment and the contents of its strings, of the same length."""
    line = re.sub(r'"(\\.|[^"\\])*"', lambda m: '"' + "_" * (len(m[0]) - 2) + '"', line)
    at = line.find("//")
    return line if at == -1 else line[:at] + " " * (len(line) - at)


def mutants():
    for room in ROOMS:
        for path in sorted((ROOT / "src" / room).glob("*.cpp")):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                code = code_of(line)
                if "#" in code or "template" in code or "static_assert" in code or "broken_invariant" in code or "operator" in code or ELSEWHERE.search(code):
                    continue
                for old, new in SWAPS:
                    for m in re.finditer(re.escape(old), code):
                        yield path, number, line, line[:m.start()] + new + line[m.end():]
                condition = re.match(r"^(\s*(?:\} else )?if )(\(.*\))( \{| [^()]*;.*| return .*)?$", code)
                if condition and balanced(condition[2]):
                    yield path, number, line, f"{condition[1]}(!{line[condition.start(2):condition.end(2)]}){line[condition.end(2):]}"
                if STATEMENT.match(code.rstrip()):
                    yield path, number, line, re.match(r"\s*", line)[0] + ";"


def key_of(mutant):
    path, _, line, changed = mutant
    return str(path.relative_to(ROOT)), line.strip(), changed.strip()


def equivalent_mutants(accepted):
    """The keys of the mutants in the file; ends the program when one of them is none."""
    keys = [tuple(p.strip() for p in line.split(" | ")[:3]) for line in accepted.read_text().splitlines() if line and not line.startswith("#")]
    stale = sorted(set(keys) - {key_of(m) for m in mutants()})
    if stale:
        sys.exit("\n".join([*(" | ".join(key) for key in stale), f"mutate: {len(stale)} lines of {accepted.name} are no mutants any more"]))
    return set(keys)


def balanced(text):
    depth = 0
    for i, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if depth == 0 and i != len(text) - 1:
            return False
    return depth == 0


def run(command, seconds=120, memory=MEMORY):
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    try:
        return subprocess.run([str(c) for c in command], capture_output=True, text=True, errors="replace", timeout=seconds, preexec_fn=limit).returncode
    except subprocess.TimeoutExpired:
        return -1


def kit_of(mutant):
    path, _, line, _ = mutant
    return ASAN if path.name == "annotate.cpp" or FOR_TOOLS.match(line) else DEV


class Worker:
    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()

    def killed_by(self, kit, path, number, changed):
        """The test that noticed, or None. The first run determines how long each test may take."""
        lines = path.read_text().splitlines()
        lines[number - 1] = changed
        source, unit = self.folder / path.name, self.folder / "mutant.o"
        source.write_text("\n".join(lines) + "\n")
        flags = [] if path.name == "backend.cpp" else ["-fno-exceptions"]
        untyped = [] if path.name in ("resources.cpp", "pages.cpp") else ["-fno-rtti"]
        if run([*kit.command, "-std=c++20", "-O1", "-w", *untyped, *flags, f"-I{ROOT / 'include'}", "-c", source, "-o", unit]) != 0:
            return "compiler"
        # Everything but the unit that the mutant replaces; a plugin finds the library in the program.
        library = [o for o in kit.objects_of("libframealloc.a") if not str(o).endswith(f"{path.parent.name}/{path.name}.o")]
        built = set()
        memory = MEMORY if kit is DEV else resource.RLIM_INFINITY  # shadow memory is larger
        for name, *arguments in kit.tests:
            if name not in built:
                if run([*kit.command, "-rdynamic", *kit.objects_of(f"tests/{name}"), unit, *library, "-pthread", "-ldl", "-o", self.folder / name]) != 0:
                    return "linker"
                built.add(name)
            test = " ".join([name, *arguments])
            started = time.monotonic()
            if run([self.folder / name, *arguments], kit.patience.get(test, 120), memory) != 0:
                return test
            kit.patience.setdefault(test, max(5, PATIENCE * (time.monotonic() - started)))
        return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="mutants of files and lines that contain this text")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    everything = [m for m in mutants() if options.only is None or options.only in f"{m[0].relative_to(ROOT)}:{m[1]}: {m[2]}"]
    equivalent = equivalent_mutants(ROOT / "scripts/mutate_equivalent.txt")
    todo = random.Random(options.seed).sample(everything, min(options.count, len(everything)))
    if options.list:
        for path, number, line, changed in todo:
            print(f"{path.relative_to(ROOT)}:{number}: {line.strip()} -> {changed.strip()}")
        print(f"mutate: {len(todo)} of {len(everything)} mutants")
        return 0
    for kit in {kit_of(m) for m in todo}:
        if not kit.prepare():
            sys.exit(f"mutate: the preset {kit.build.name} does not build; run cmake --preset {kit.build.name} first")
    counts = {"killed": 0, "survived": 0, "equivalent": 0, "compiler": 0}
    with tempfile.TemporaryDirectory() as directory:
        idle = queue.Queue()
        for i in range(os.cpu_count() or 1):
            idle.put(Worker(pathlib.Path(directory) / str(i)))

        first = idle.get()
        path, number, line, _ = everything[0]
        for kit in {kit_of(m) for m in todo}:
            if (why := first.killed_by(kit, path, number, line)) is not None:
                sys.exit(f"mutate: the unchanged tree is not green: {why}")
        idle.put(first)

        def judge(mutant):
            path, number, line, changed = mutant
            if key_of(mutant) in equivalent:
                return mutant, "equivalent"
            worker = idle.get()
            try:
                return mutant, worker.killed_by(kit_of(mutant), path, number, changed)
            finally:
                idle.put(worker)

        with concurrent.futures.ThreadPoolExecutor(idle.qsize()) as pool:
            for (path, number, line, changed), by in pool.map(judge, todo):
                kind = by if by in ("equivalent", "compiler") else "survived" if by is None else "killed"
                counts[kind] += 1
                verdict = "SURVIVES" if by is None else by
                print(f"[{sum(counts.values())}/{len(todo)}] {path.relative_to(ROOT)}:{number}: {line.strip()} -> {changed.strip()}: {verdict}", flush=True)
    judged = counts["killed"] + counts["survived"]
    rate = counts["killed"] / judged if judged else 0
    print(f"mutate: seed {options.seed}: {counts['killed']} of {judged} killed ({rate:.0%}); {counts['equivalent']} equivalent, {counts['compiler']} not compiled")
    return 0 if rate >= NEEDED else 1


if __name__ == "__main__":
    sys.exit(main())
