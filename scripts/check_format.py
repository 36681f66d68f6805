#!/usr/bin/env python3
"""Checks that every C and C++ source is as clang-format leaves it, but for those that .clang-format-ignore names.

usage: check_format.py CLANG_FORMAT [ROOT]
"""
import pathlib
import subprocess
import sys

SUFFIXES = (".c", ".h", ".cpp", ".hpp")
ROOMS = ("include", "src", "tools", "tests", "bench", "examples", "demo", "integrations")


def sources(root):
    """Tracked files; where there is no repository, those of the folders that hold sources."""
    done = subprocess.run(["git", "-C", root, "ls-files", "-z"], capture_output=True, text=True)
    names = done.stdout.split("\0") if done.returncode == 0 else [p.relative_to(root).as_posix() for room in ROOMS for p in (root / room).rglob("*")]
    return [n for n in sorted(names) if n.endswith(SUFFIXES) and (root / n).is_file()]


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__.strip().splitlines()[-1])
    root = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else pathlib.Path(__file__).resolve().parent.parent)
    ignored = [line for line in (root / ".clang-format-ignore").read_text().split("\n") if line and line[0] != "#"]
    names = [n for n in sources(root) if not any(pathlib.PurePath(n).match(pattern) for pattern in ignored)]
    wrong = 0
    for at in range(0, len(names), 50):
        done = subprocess.run([sys.argv[1], "--dry-run", "-Werror", *names[at:at + 50]], cwd=root, capture_output=True, text=True)
        print(done.stderr, end="")
        wrong += done.returncode != 0
    print(f"check_format: {len(names)} files, {'some are' if wrong else 'none is'} not as clang-format leaves them")
    return 1 if wrong or not names else 0


if __name__ == "__main__":
    sys.exit(main())
