#!/usr/bin/env python3
"""heaptrack counts every block of a guarded allocator: it runs heaptrack_test, which allocates known numbers of blocks, and must
have counted them.

usage: heaptrack.py PROGRAM
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip().splitlines()[-1])
    if shutil.which("heaptrack") is None:
        sys.exit("heaptrack is not installed")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["heaptrack", "-o", f"{folder}/record", sys.argv[1]], capture_output=True, text=True, timeout=120)
        records = list(pathlib.Path(folder).glob("record*"))
        if not records:
            sys.exit("heaptrack recorded nothing")
        said = subprocess.run(["heaptrack_print", "-a", "1", "-l", "1", "-f", str(records[0])], capture_output=True, text=True, timeout=120).stdout
    wrong = []
    for function, calls, leaked in (("take_frames", 1000, 0), ("take_pool", 2000, 0), ("take_heap", 30, 0), ("leak", 7, 7 * 1234)):
        # Each call site ends with the chain of callers; the function is the nearest one of the test program. Of clang's programs it is
        # named with its namespace and parameters.
        named = re.compile(rf"^    (?:\(anonymous namespace\)::)?{function}(?:\(.*)?$", re.M)
        counted = [int(m[1]) for m in re.finditer(r"(\d+) calls with .*? from:\n((?:    .*\n)+)", said) if named.search(m[2])]
        if calls not in counted:
            wrong.append(f"{function}: {calls} calls expected, heaptrack counted {counted}")
        if leaked and not re.search(rf"{leaked / 1000:.2f}K? ?(?:B|KB|K)? leaked over {calls} calls", said):
            wrong.append(f"{function}: {leaked} bytes leaked over {calls} calls expected")
    print("\n".join(wrong) if wrong else "heaptrack: every block is counted at its place")
    if wrong:
        print(said[-6000:])
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
