"""Compares the places in reports with the lines where it happened.

Builds places.cpp with every compiler at hand, without optimisation and with it, runs it, and asks addr2line what its places
are. The first line outside headers must be the program's own line of the offence, the birth or the death. Stripped, a program
may say less, but nothing else.

usage: places.py PROJECT [COMPILER…]
"""
import collections
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

KINDS = ("offence", "birth", "death")
LEVELS = ("-O0", "-O2")
# The flag of the CMake target in debug mode: a call at the end of a function stays a call instead of a jump without a trace.
FLAGS = os.environ.get("PLACES_FLAGS", "-fno-optimize-sibling-calls").split()
STRIPPED = "deaths"  # of the groups

Place = collections.namedtuple("Place", "group case kind line or_line said")


def compile_command(compiler):
    # binutils 2.40 does not follow inlined calls in clang's DWARF 5
    debug = "-gdwarf-4" if "clang" in compiler else "-g"
    launcher = [shutil.which("ccache")] if shutil.which("ccache") else []
    return launcher + [compiler, "-std=c++20", debug, "-DFRAMEALLOC_MODE=debug", "-Iinclude", "-w", "-c"]


def build(project, folder, compilers, pool):
    def run(command):
        subprocess.run(command, cwd=project, check=True)

    library = sorted(project.glob("src/*/*.cpp")) + sorted(project.glob("src/os/linux/*.cpp"))
    jobs, links = [], []
    for compiler in compilers:
        objects = []
        command = compile_command(compiler)
        programs = [folder / f"{compiler}{level}.o" for level in LEVELS]
        for level, program in zip(LEVELS, programs):
            jobs.append(command + [level, *FLAGS, "tests/faults/places.cpp", "-o", str(program)])
        for i, source in enumerate(library):
            objects.append(str(folder / f"{compiler}{i}.o"))
            jobs.append(command + ["-O1", str(source.relative_to(project)), "-o", objects[-1]])
        links += [[compiler, str(o), *objects, "-pthread", "-ldl", "-o", str(o.with_suffix(""))] for o in programs]
    list(pool.map(run, jobs))
    list(pool.map(run, links))


def places_of(program, group=""):
    done = subprocess.run([str(program), group], capture_output=True, text=True, timeout=300, check=True)
    rows = (row.split("|", 5) for row in done.stdout.splitlines())
    return [Place(group, case, kind, int(line), int(or_line), said) for group, case, kind, line, or_line, said in rows]


def in_headers(line):
    return line.startswith("??") or "/include/" in line or line.startswith("include/") or line.startswith("/usr/")


def lines_of(program, places):
    """Each place in the program as addr2line resolves it: the first line outside headers."""
    name = program.name
    wanted = sorted({p.said.rpartition("+")[2] for p in places if p.said.startswith(name + "+")})
    command = ["addr2line", "-a", "-i", "-e", str(program), *wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found, at = {}, None
    for line in done.stdout.splitlines():
        if re.fullmatch(r"0x[0-9a-f]+", line):
            at = int(line, 16)
            found[at] = "no line of the program"
        elif found[at].startswith("no ") and not in_headers(line):
            found[at] = pathlib.PurePath(line.split(" (")[0]).name
    return {f"{name}+{a}": found[int(a, 16)] for a in wanted}


def judge(program, places, stripped):
    """The number of correct places and the total, by group and kind; and the wrong ones."""
    lines = lines_of(program, places)
    count = collections.defaultdict(lambda: [0, 0])
    wrong = []
    for p in places:
        said = lines.get(p.said, p.said)
        expected = f"places.cpp:{p.line}" if p.line else "-"
        if p.line == 0 and said == "-" and p.kind != "offence":
            continue
        right = said in (expected, f"places.cpp:{p.or_line}") or (stripped and not said.startswith("places.cpp:"))
        count[p.group, p.kind][0] += right
        count[p.group, p.kind][1] += 1
        if not right:
            wrong.append(f"{p.group}: {p.case}: {p.kind}: expected {expected}, said {said} ({p.said})")
    return count, wrong


def table(counts):
    names = list(counts)
    groups = list(dict.fromkeys(group for count in counts.values() for group, _ in count))
    print(" " * 26 + "".join(f"{name:>30}" for name in names))
    print(" " * 26 + "".join("".join(f"{kind:>10}" for kind in KINDS) for _ in names))
    for group in groups + ["all"]:
        cells = ""
        for count in counts.values():
            for kind in KINDS:
                some = [n for (g, k), n in count.items() if k == kind and group in (g, "all")]
                right, total = (sum(n) for n in zip(*some)) if some else (0, 0)
                cells += f"{f'{right}/{total}' if total else '':>10}"
        print(f"{group:26}{cells}")


# Public members, by how the objects are called in places.cpp.
COVERED = {
    "runtime/smart_alloc.hpp": r"\b(?:a|other|asked|now)(?:\.|->)",
    "runtime/frame_names.hpp": r"\b(?:a|other|asked|now)(?:\.|->)",
    "runtime/pool_names.hpp": r"\b(?:a|other|asked|now)(?:\.|->)",
    "runtime/heap_names.hpp": r"\b(?:a|other|asked|now)(?:\.|->)",
    "runtime/frame_scope.hpp": r"\b(?:f|frame|inner)\.",
    "runtime/arena_front.hpp": r"\b(?:f|frame|inner)\.",
    "runtime/front.hpp": r"\b(?:pool|heap)\(\)\.",
    "runtime/block_view.hpp": r"\b(?:pool|heap)\(\)\.",
    "runtime/pool_words.hpp": r"\bpool\(\)\.",
    "object/vec.hpp": r"\b(?:v|boxes)\.",
    "object/map.hpp": r"\bm\.",
    "object/string.hpp": r"\bs\.|\b(?=erase_if\(s,)",
    "runtime/hook.hpp": r"\bh\.",
    "framealloc.h": "",
}
# They allocate and free nothing, and read no frame memory.
SILENT = set("""here owner pool_kind in_frame frame_depth frame_number transfers deferred frame_remaining thread_budget current_tag tag_path tag_stats
    current_phase phase_stats stats reset_stats frame_stats count_allocations lifecycle release_module source decltype located noted_call
    cend size length capacity empty max_size swap bucket_count load_factor max_load_factor adopt peek width getline hash_function key_eq try_make string_view
    rbegin crbegin crend fa_get_stats fa_get_tag_stats fa_describe
    alloc_size try_grow good_size hook fa_hook_create fa_usable_size fa_good_size""".split())


def members(header):
    public, names = True, []
    header = re.sub(r"(?<=\w)\((\w+)\)\(", r" \1(", header)  # a name in parentheses, where a platform has a macro of it
    for line in re.sub(r"//.*|(ANALYSED|noexcept)\(.*?\)", "", header).splitlines():
        if line.startswith("class "):
            public = False
        elif line.strip() in ("public:", "private:", "protected:"):
            public = line.strip() == "public:"
        found = re.match(r" {4}(?! )[^=(]*?\b(?!FRAMEALLOC|requires)([a-z_]\w*)\(|.*?\b(fa_\w+)\(", line)
        if public and found and not (found[1] or "").startswith("basic_"):
            names.append(found[1] or found[2])
    return [name for name in dict.fromkeys(names) if name not in SILENT]


def parts_of(project, header):
    """A container and what it is put together from: vec.hpp, vec_access.hpp and vec_store.hpp."""
    stem = header.removesuffix(".hpp")
    names = [header, f"{stem}_access.hpp", f"{stem}_store.hpp"]
    found = [p for name in names for folder in ("", "detail") if (p := project / "include/framealloc" / folder / name).exists()]
    assert found, header
    return "\n".join(p.read_text() for p in found)


def uncovered(project):
    cases = (project / "tests/faults/places.cpp").read_text()
    for header, called in COVERED.items():
        for name in members(parts_of(project, header)):
            if not re.search(f"(?:{called}){name}\\b", cases):
                yield f"{header}: {name}"


def main():
    project = pathlib.Path(sys.argv[1]).resolve()
    wanted = sys.argv[2:] or ["g++", "clang++-14"]
    compilers = [c for c in wanted if shutil.which(c)]
    print("".join(f"{c} is not here\n" for c in wanted if c not in compilers), end="")
    wrong, counts = 0, {}
    with tempfile.TemporaryDirectory() as name, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        folder = pathlib.Path(name)
        build(project, folder, compilers, pool)
        programs = [folder / f"{c}{level}" for c in compilers for level in LEVELS]
        failures = {}
        for program, (count, faults) in zip(programs, pool.map(lambda p: judge(p, places_of(p), False), programs)):
            counts[program.name], failures[program.name] = count, faults
        for c in compilers:
            program = folder / f"{c}-O2"
            bare = folder / "bare" / program.name
            bare.parent.mkdir(exist_ok=True)
            subprocess.run(["strip", "-o", str(bare), str(program)], check=True)
            counts[f"{c}-O2 stripped"], failures[f"{c}-O2 stripped"] = judge(program, places_of(bare, STRIPPED), True)
    table(counts)
    for program, faults in failures.items():
        for fault in faults:
            print(f"WRONG {program}: {fault}")
        wrong += len(faults)
    for name in uncovered(project):
        print(f"NO CASE of {name}")
        wrong += 1
    total = sum(n for count in counts.values() for _, n in count.values())
    print(f"{total - wrong} of {total} places are right")
    return 1 if wrong or not total else 0


sys.exit(main())
