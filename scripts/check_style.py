#!/usr/bin/env python3
"""Checks what a compiler does not: file and function sizes, line lengths, comments on memory orders, names of files.

usage: check_style.py [ROOT]

A file over 600 lines is an error; a function body over 60 lines is an error; so is a line over 120 columns, in tests,
examples and benches too (.clang-format-ignore names the specimens whose lines stay as they are). Every relaxed, acquire or release operation
outside sync/ carries a comment that says why ("relaxed: …") or what it pairs with ("pairs: …"), and none is a builtin of the compiler.
Every file opens with a sentence that says what is in it. A path named in a comment or on a page exists: from the root, from its own
folder, or as headers are included. The changelog is read as far as its first version. A callback, known by its type, and a finaliser
are called under a `user_code`, and only the common functions for faults of a process print one.
"""
import pathlib
import re
import sys

ORDER = re.compile(r"(load|store|add|exchange|subtract|compare_exchange)_(relaxed|acquire|release|acq_rel)\(|__ATOMIC_(RELAXED|ACQUIRE|RELEASE|ACQ_REL)")


def functions(lines):
    """Yields (first line, length) of bodies opened by a line at the margin that ends with '{'."""
    start = None
    for number, line in enumerate(lines, 1):
        if re.match(r"^[A-Za-z\[].*\)[^;]*\{$", line) and not line.startswith(("namespace", "struct", "class", "enum")):
            start = number
        elif line == "}" and start is not None:
            yield start, number - start
            start = None


def check(path, lines):
    if len(lines) > 600:
        yield f"{path}: {len(lines)} lines, 600 are the limit"
    for start, length in functions(lines):
        if length > 60:
            yield f"{path}:{start}: function of {length} lines, 60 are the limit"
    if "/sync/" in str(path):
        return
    for number, line in enumerate(lines, 1):
        if "__atomic_" in line and re.search(r"(^|/)(include|src)/", str(path)):
            yield f"{path}:{number}: an atomic is spelled sync::atomic, sync::owner_counter, sync::load_relaxed(word) or sync::glimpse(word)"
        if ORDER.search(line) and not re.search(r"//.*(relaxed:|pairs:)", line + (lines[number] if number < len(lines) else "")):
            if not any(re.search(r"//.*(relaxed:|pairs:)", above) for above in lines[max(number - 4, 0):number - 1]):
                yield f"{path}:{number}: a memory order without 'relaxed: why' or 'pairs: with what'"


# Where a fault is printed; and where a callback is called before an allocator exists, or out of one.
PRINTS = {"src/base/fault.cpp", "src/core/report.cpp"}
CALLED_OUTSIDE = {"src/runtime/options.cpp", "src/runtime/c_interface.cpp"}


def unguarded_calls(root):
    """Callbacks that are called without a user_code before, and faults that are printed elsewhere."""
    sources = {p: p.read_text() for base in ("include", "src") for p in sorted((root / base).rglob("*.[hc]pp"))}
    field = re.compile(r"^ +(?:\w+_handler|callback<[^;]*>) (\w+)(?:;| =|\{)", re.M)
    names = {name for text in sources.values() for name in field.findall(text)}
    call = re.compile(rf"[.>](?:{'|'.join(sorted(names | {'run'}))})\((?!\))")
    for path, text in sources.items():
        name, lines = str(path.relative_to(root)), text.splitlines()
        for number, line in enumerate(lines, 1):
            code = line.split("//")[0]
            if name.startswith("src/") and name not in CALLED_OUTSIDE and call.search(code):
                if not any("const user_code " in above for above in lines[max(number - 12, 0):number]):
                    yield f"{name}:{number}: a callback of the program's is called without a user_code"
            if name.startswith("src/") and name not in PRINTS and re.search(r"\bprint_fault\(", code):
                yield f"{name}:{number}: a fault of the process is raised by raise_for_process() or report_for_process()"


def too_long(root):
    """Lines over 120 columns of every C and C++ source that is formatted."""
    ignored = [line for line in (root / ".clang-format-ignore").read_text().split("\n") if line and line[0] != "#"]
    for base in ("include", "src", "tools", "tests", "bench", "examples", "demo", "integrations"):
        for path in sorted((root / base).rglob("*")):
            name = path.relative_to(root)
            if path.suffix not in (".c", ".h", ".cpp", ".hpp") or any(name.match(pattern) for pattern in ignored):
                continue
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if len(line) > 120:
                    yield f"{name}:{number}: {len(line)} columns, 120 are the limit"


def silent(root):
    """Files that do not open with a comment."""
    for base in ("include", "src", "tools", "tests", "bench", "examples", "demo", "integrations", "cmake", "scripts", "CMakeLists.txt"):
        for path in sorted([root / base] if (root / base).is_file() else (root / base).rglob("*")):
            if path.suffix not in (".c", ".h", ".cpp", ".hpp", ".def", ".py", ".sh", ".cmake") and path.name != "CMakeLists.txt":
                continue
            lines = path.read_text().split("\n")
            if not re.match(r'(//|/\*|#|""") ?\w', lines[1 if lines[0].startswith("#!") else 0]) or re.match(r"#\s*(include|define|if|pragma)", lines[0]):
                yield f"{path.relative_to(root)}:1: a file opens with a sentence that says what is in it"


FILE = re.compile(r"(?<![\w/.<>$}~*-])((?:[\w.-]+/)+[\w-]+\.(?:hpp|cpp|h|c|py|sh|md|txt|cmake|def|json|natvis|css))\b(?![\w(/])")
FOLDER = re.compile(r"(?<![\w/.<>$}~*-])((?:src|docs|tests|include|scripts|bench|examples|integrations|tools|share|demo|cmake)"
                    r"(?:/[\w.-]*\w)+)/?(?![\w*<…{/.(-])")
WRITTEN_BY_SCRIPTS = {"docs/performance.md"}
OF_THE_PROGRAM = ("build/", "PREFIX/")


def prose(path, lines):
    """Yields (line, text) of what a file says to readers: its comments, or all of a page."""
    quoted = False
    for number, line in enumerate(lines, 1):
        if path.suffix == ".md":
            yield number, line
        elif path.suffix in (".hpp", ".cpp", ".h", ".c", ".def"):
            found = re.search(r"//.*|/\*.*|^ \*.*", line)
            yield number, found[0] if found else ""
        else:
            yield number, line if quoted or '"""' in line else line[line.index("#"):] if "#" in line else ""
            quoted ^= line.count('"""') % 2 == 1


def lost_paths(root):
    """Names of files and folders that are not there."""
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        if name.parts[0].startswith(("build", ".git")) or not path.is_file() or {"corpus", "expected", "stand_ins"} & set(name.parts):
            continue
        if path.suffix not in (".hpp", ".cpp", ".h", ".c", ".def", ".py", ".sh", ".cmake", ".md") and path.name != "CMakeLists.txt":
            continue
        text = path.read_text()
        if path.name == "CHANGELOG.md":
            text = "\n## ".join(text.split("\n## ")[:2])
        for number, line in prose(path, text.splitlines()):
            for named in [m[1] for pattern in (FILE, FOLDER) for m in pattern.finditer(line)]:
                places = (root, path.parent, root / "include", root / "include/framealloc")
                if not named.startswith(OF_THE_PROGRAM) and named not in WRITTEN_BY_SCRIPTS and not any((p / named).exists() for p in places):
                    yield f"{name}:{number}: {named} is not there"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent)
    found, files = [], 0
    for base in ("include", "src", "tools"):
        for path in sorted((root / base).rglob("*.[hc]pp")):
            files += 1
            found += check(path.relative_to(root), path.read_text().splitlines())
    found += unguarded_calls(root)
    found += too_long(root)
    found += silent(root)
    found += lost_paths(root)
    for line in found:
        print(line)
    print(f"check_style: {files} files, {len(found)} findings")
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main())
