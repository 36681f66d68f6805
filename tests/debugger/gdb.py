#!/usr/bin/env python3
"""gdb describes a stopped program, and its core file, as the program described itself.

usage: gdb.py GDB SCRIPT PROGRAM
"""
import pathlib
import re
import subprocess
import sys
import tempfile


def run(gdb, *arguments):
    return subprocess.run([gdb, "-q", "-batch", "-nx", "-iex", "set debuginfod enabled off", *arguments], capture_output=True, text=True, timeout=300)


def commands(addresses):
    words = ["framealloc tags", "framealloc frames", "up 1000"] + [f"framealloc whereis {a}" for a in addresses]
    return words, [f"print {v}" for v in SHOWN]


SHOWN = {
    "numbers": r"vec<int> of 4, capacity \d+ = \{1, 4, 9, 16\}",
    "name": r'"Ada"',
    "title": r'"Countess of Lovelace"',
    "ages": r"frame_map<int> of 1 = \{\[36\] = 1\.5\}",
    "boxed": r"frame_box<int> = \{value = 42\}",
    "pooled": r"pool_box<long> = \{value = 43\}",
    "heaped": r"heap_box<short> = \{value = 44\}",
    "shared": r"pool_shared<int>, 2 owners = \{value = 45\}",
    "empty": r"vec<int> of 0, capacity 0",
    "game": r'allocator "game"',
    "boxes": r"heap_box<int \[\]> of 2 = \{\[0\] = 0, \[1\] = 7\}",
    "kept": r"vec<int>, its frame has ended, its memory is reused since frame 2$",
    "kept_text": r"frame_string, its frame has ended, its memory is reused since frame 2$",
    "kept_map": r"frame_map<int>, its frame has ended, its memory is reused since frame 2$",
    "raw_vec": r"vec<int>, not readable at 0xab\w+: not initialised yet",
    "raw_text": r"frame_string, not initialised yet, or overwritten",
    "raw_map": r"frame_map<int>, not initialised yet, or overwritten",
    "raw_frame_box": r"frame_box<int>, not readable at 0xab",
    "raw_box": r"pool_box<int>, not readable at 0xab",
    "raw_shared": r"pool_shared<int>, not readable at 0xab",
    "raw_alloc": r"smart_alloc, not readable at 0xab",
}

# What remains of a value after optimisation, as gdb passes it to the printers.
LOST = """
class Lost:
    def __init__(self, like, said): self.type, self.said = like.type, said
    def __getitem__(self, member): raise gdb.error(self.said)
"""
LOST_SAID = {
    "value has been optimized out": "optimised out here; it can be seen where it is still used, or in a build with -Og or -O0",
    "value is not available": "not available: its memory was not recorded",
    "Cannot access memory at address 0x10": "not readable at 0x10: not initialised yet, or its memory is gone or not in this core file",
}
PRINTERS = {"numbers": "VecPrinter", "name": "StringPrinter", "ages": "MapPrinter", "boxed": "BoxPrinter", "shared": "SharedPrinter", "game": "AllocatorPrinter"}


def check(where, said, got, failures):
    """`said`: the program's own lines; `got`: gdb's."""
    for line in said["whereis"]:
        address, text = line.split(" ", 1)
        if f"<{address}>{text}" not in got:
            answer = next((g for g in got if g.startswith(f"<{address}>")), "nothing")
            failures.append(f"{where}: {address}: the program said: {text}\n    gdb: {answer}")
    table, name = set(), ""
    for g in got:
        if m := re.match(r'allocator "(\w+)"$', g):
            name = m[1]
        elif m := re.match(r"((?:\s+\d+)+)  (\S.*)$", g):
            table.add(" ".join([name, *m[1].split(), m[2]]))
    for line in said["tags"]:
        if line not in table and not re.match(r"\w+( 0)+ ", line):
            failures.append(f"{where}: tags: the program said: {line}\n    gdb: {sorted(table)}")
    if not any(re.match(r"  thread \d+: 2 open, frame 2, \d+ bytes in use", g) for g in got):
        failures.append(f"{where}: no thread with two open frames")
    if not any(re.search(r"opened at \S*debuggee.cpp:\d+", g) for g in got):
        failures.append(f"{where}: nobody says where a frame was opened")
    for variable, shape in SHOWN.items():
        shown = next((g for g in got if g.startswith(f"<{variable}>")), "")
        if not re.search(shape, shown):
            failures.append(f"{where}: {variable}: expected {shape}, gdb: {shown}")


def check_lost(run_with, failures):
    """Every printer gives one sentence, whatever is missing."""
    script = LOST + "".join(f"""
for said in {list(LOST_SAID)!r}:
    p = {printer}(Lost(gdb.parse_and_eval({name!r}), said))
    print('<{name}>' + said + '|' + p.to_string() + '|' + str(list(p.children())) + str(getattr(p, 'display_hint', lambda: None)()))
""" for name, printer in PRINTERS.items())
    with tempfile.NamedTemporaryFile("w", suffix=".py") as f:
        f.write(script)
        f.flush()
        answer = run_with("-ex", "up 1000", "-x", f.name)
    lines = answer.stdout.splitlines()
    for name in PRINTERS:
        for said, sentence in LOST_SAID.items():
            line = next((l for l in lines if l.startswith(f"<{name}>{said}|")), "")
            if not line.endswith(f", {sentence}|[]None"):
                failures.append(f"{name}: {said}: expected {sentence}\n    gdb: {line}{answer.stderr[-300:]}")


def tagged(words, prints):
    out = []
    for w in words:
        if " whereis " in w:
            out += ["-ex", f"echo <{w.split()[-1]}>", "-ex", w]
        else:
            out += ["-ex", w]
    for p in prints:
        out += ["-ex", f"echo <{p.split()[-1]}>", "-ex", p]
    return out


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__.strip().splitlines()[-1])
    gdb, script, program = sys.argv[1:]
    alone = subprocess.run([program], capture_output=True, text=True, timeout=60)
    count = sum(line.startswith("whereis") for line in alone.stdout.splitlines())
    with tempfile.TemporaryDirectory() as folder:
        core = pathlib.Path(folder) / "core"
        # The addresses are the same in every run: gdb switches their randomisation off.
        first = run(gdb, "-x", script, "-ex", "run", "-ex", f"generate-core-file {core}", program)
        said = {"whereis": [], "tags": []}
        for line in first.stdout.splitlines():
            word, _, rest = line.partition(" ")
            if word in said:
                said[word].append(rest)
        if not said["whereis"] or len(said["whereis"]) != count or not core.exists():
            sys.exit(f"gdb cannot run the program here:\n{first.stdout[-2000:]}{first.stderr[-2000:]}")
        words, prints = commands([line.split(" ", 1)[0] for line in said["whereis"]])
        failures = []
        live = run(gdb, "-x", script, "-ex", "run", *tagged(words, prints), program)
        # Thread numbers differ between runs.
        number = re.compile(r", thread \d+$")
        said["whereis"] = [number.sub("", line) for line in said["whereis"]]
        strip = lambda text: [number.sub("", line) for line in text.splitlines()]
        check("live", said, strip(live.stdout), failures)
        dead = run(gdb, "-x", script, *tagged(words, prints), program, str(core))
        check("core", said, strip(dead.stdout), failures)
        for where, out in (("live", live), ("core", dead)):
            if "Traceback" in out.stdout + out.stderr or "Python Exception" in out.stdout + out.stderr:
                failures.append(f"{where}: an error of Python: {out.stderr[-500:]}")
        held = ("numbers", "title", "ages", "boxed", "pooled", "heaped", "shared")
        asked = run(gdb, "-x", script, program, str(core), "-ex", "up 1000", *[x for name in held + ("name", "empty") for x in ("-ex", f"framealloc whereis {name}")])
        lines = [line for line in asked.stdout.splitlines() if line.startswith('allocator "game": ') and " memory, in use" in line]
        if len(lines) != len(held) or asked.stderr.count("it holds no memory") != 2:
            failures.append(f"whereis of containers and boxes:\n    gdb: {asked.stdout[-1500:]}{asked.stderr[-500:]}")
        check_lost(lambda *more: run(gdb, "-x", script, program, str(core), *more), failures)
        # A core file truncated by a full disk yields sentences and no Python error.
        half = pathlib.Path(folder) / "half"
        half.write_bytes(core.read_bytes()[:core.stat().st_size // 3])
        torn = run(gdb, "-x", script, *tagged(words[:20], prints), program, str(half))
        if "Traceback" in torn.stdout + torn.stderr or "Python Exception" in torn.stdout + torn.stderr:
            failures.append(f"torn core: an error of Python: {torn.stderr[-500:]}")
    for arguments, expected in (((program, "-ex", "framealloc where"), "usage: framealloc tags | frames | whereis ADDRESS"),
                                (("/bin/sh", "-ex", "framealloc tags"), "no debug information of the library in this program"),
                                ((program, "-ex", "framealloc whereis no_such_variable"), "framealloc: No symbol"),
                                ((program, "-ex", "framealloc whereis $nothing"), "framealloc: whereis takes an address, and $nothing is none"),
                                ((program, "-ex", "break main", "-ex", "run", "-ex", "framealloc whereis game"), "whereis takes an address, and game is none")):
        answer = run(gdb, "-x", script, *arguments[1:], arguments[0])
        if expected not in answer.stderr or "Traceback" in answer.stdout + answer.stderr:
            failures.append(f"{' '.join(arguments)}: expected: {expected}\n    gdb: {answer.stderr.strip()}")
    print("\n".join(failures[:40]))
    print(f"gdb: {count} pointers, {len(said['tags'])} tags, {len(SHOWN)} objects, live and in a core file: {len(failures)} differences")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
