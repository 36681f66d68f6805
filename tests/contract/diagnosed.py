#!/usr/bin/env python3
"""Compiles each file of diagnosed/ with the compilers and flags it names. Every line marked as a mistake must be diagnosed, and
nothing else may be (clang's -verify): expected-warning by all of them, from19-warning by clang 19 and later, clang19-warning by
clang 19 alone. A file whose compiler is not installed is skipped, and said to be.

And every public member of the headers that returns what its object owns says so (FRAMEALLOC_LIFETIMEBOUND), and every one whose
result must not be dropped does (nodiscard).

usage: diagnosed.py INCLUDE_DIRECTORY
"""
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
VERSIONS = (14, 19, 22)

MEMBER = re.compile(r"^    (?:\[\[nodiscard[^\]]*\]\] |FRAMEALLOC_INLINE |static |constexpr )*"
                    r"(?:(?P<type>(?:const )?[\w:]+(?:<[^()]*>)?[*&]*) (?P<name>operator[^\w\s(]+|\w+)|(?P<conversion>operator std::\w+(?:<\w+>)?))(?=\()")
REFERS = re.compile(r"[*&]$|^(const_)?iterator$|reverse_iterator$|^std::(span|string_view)|^std::pair<(const_)?iterator")
# Classes whose members refer to things that their object does not own: views, iterators, block sources; and internal parts.
NOT_OWNERS = {"map_iterator", "fixed_span", "map_table", "run", "shared_block", "standard_allocator", "bound_allocator", "frame_source", "pool_source", "heap_source", "allocator_ref"}
NOT_OWNED = {"release", "shared_identity", "operator=", "operator++"}
OWNERS = ("object", "runtime/frame_scope.hpp", "runtime/arena_front.hpp", "lifetime/checkpoint.hpp")
KEPT = re.compile(r"try_(?!emplace$)\w+|(frame|pool|heap)_alloc\w*|alloc(_bytes|_n)?|batch|allocate|result_batch|frame_checkpoint|hold|park|frame_scope|checkpoint_guard|receive|release")
KEPT_IN = ("object", "runtime")


def members(header):
    """Class, kind of result, name, line and declaration of the public member functions."""
    public, name = False, ""
    lines = header.read_text().splitlines()
    for number, line in enumerate(lines, 1):
        if m := re.match(r"(class|struct)\b(?:.*?[ \)\]])?(\w+)(<.*>)?(?: final)?( :.*)?\s*(\{|$)", line):
            public, name = m[1] == "struct", m[2]
        public = public and not line.startswith(("private:", "protected:")) or line.startswith("public:")
        if public and (m := MEMBER.match(line)) and m["type"] not in ("return", "friend", "else"):
            last = next(i for i in range(number - 1, len(lines)) if re.search(r"[{;]", lines[i]))
            first = number - 2 if lines[number - 2].lstrip().startswith("requires") else number - 1
            yield name, m["type"], m["name"] or m["conversion"], number, " ".join(lines[first:last + 1])


def unmarked(include):
    wrong, seen = [], 0
    for header in sorted(include.rglob("*.hpp")):
        path = header.relative_to(include / "framealloc").as_posix().removeprefix("detail/")
        for owner, kind, name, number, said in members(header):
            refers = path.startswith(OWNERS) and owner not in NOT_OWNERS and name not in NOT_OWNED and (kind is None or REFERS.search(kind))
            kept = path.startswith(KEPT_IN) and KEPT.fullmatch(name) and kind not in ("void", None) and "operator=" not in name
            seen += bool(refers) + bool(kept)
            refers = refers and not re.search(r"(?<!!)object::view<", said)  # its twin is marked
            if refers and "FRAMEALLOC_LIFETIMEBOUND" not in said:
                wrong.append(f"{path}:{number}: {owner}::{name} returns what its object owns: FRAMEALLOC_LIFETIMEBOUND is missing")
            if kept and "[[nodiscard" not in said:
                wrong.append(f"{path}:{number}: the result of {owner}::{name} must not be dropped: [[nodiscard]] is missing")
    return wrong, seen


def applies(mark, version):
    word, number = re.fullmatch(r"(expected|from|clang)(\d*)", mark).groups()
    return word == "expected" or (int(number) <= version if word == "from" else int(number) == version)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: diagnosed.py INCLUDE_DIRECTORY")
    mistakes = wrong = runs = 0
    for path in sorted((HERE / "diagnosed").glob("*.cpp")):
        text = path.read_text()
        flags = re.search(r"^// flags: (.*)$", text, re.M)[1].split()
        marks = re.findall(r"\b(expected|from\d+|clang\d+)-warning", text)
        for compiler in re.search(r"^// compilers: (.*)$", text, re.M)[1].split():
            if shutil.which(compiler) is None:
                print(f"{path.name}: {compiler} is not installed: not checked")
                continue
            runs += 1
            version = int(compiler.rsplit("-", 1)[1])
            mistakes += sum(applies(m, version) for m in marks)
            prefixes = ",".join(["expected", f"clang{version}"] + [f"from{v}" for v in VERSIONS if v <= version])
            done = subprocess.run([compiler, "-std=c++20", "-fsyntax-only", "-I", sys.argv[1], *flags, "-Xclang", f"-verify={prefixes}",
                                   "-Xclang", "-verify-ignore-unexpected=note", path], capture_output=True, text=True)
            if done.returncode != 0:
                wrong += 1
                print(f"{path.name} with {compiler}:\n{done.stderr[:3000]}")
    lacking, seen = unmarked(pathlib.Path(sys.argv[1]))
    print("".join(f"{w}\n" for w in lacking), end="")
    print(f"diagnosed: {runs} runs, {mistakes} mistakes expected, {wrong} runs wrong; {seen} members, {len(lacking)} not marked")
    return 1 if wrong or not runs or lacking or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
