"""Runs every case of tool_test under Valgrind, which must report each; and a program without a mistake, which it must not.

usage: valgrind.py VALGRIND PROGRAM
"""
import concurrent.futures
import subprocess
import sys

REPORTED = 9


def run(valgrind, program, case, size):
    command = [valgrind, "-q", f"--error-exitcode={REPORTED}", "--exit-on-first-error=yes", program, case, str(size)]
    if case == "--list":
        command.pop()
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return done.returncode, "Invalid " in done.stderr


def main():
    valgrind, program = sys.argv[1:]
    cases = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout.split()
    wanted = [(case, size) for case in cases + ["correct"] for size in (13, 4096)]
    wrong = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = pool.map(lambda w: run(valgrind, program, *w), wanted)
        for (case, size), (code, invalid) in zip(wanted, results):
            right = code == 0 if case == "correct" else code == REPORTED and invalid
            if not right:
                wrong += 1
                print(f"FAILED {case}, {size} bytes: exit {code}")
    print(f"{len(wanted) - wrong} of {len(wanted)} programs told right from wrong under Valgrind")
    return 1 if wrong else 0


sys.exit(main())
