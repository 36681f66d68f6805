"""Instructions per operation of a program that counts with bench/counted.hpp, for the scripts beside this one."""
import os
import pathlib
import re
import subprocess
import sys

# Valgrind counts each byte of `rep movsb` and `rep stosb`, which glibc takes for large copies, as an instruction.
PLAIN_COPIES = {"GLIBC_TUNABLES": "glibc.cpu.x86_rep_movsb_threshold=1000000000:glibc.cpu.x86_rep_stosb_threshold=1000000000"}


def run(*command, **kwargs):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **kwargs)
    if done.returncode != 0:
        sys.exit(f"{pathlib.Path(sys.argv[0]).stem}: {command[0]} failed\n{done.stdout}{done.stderr}")
    return done.stdout


def counts(program, work, *arguments):
    """{label: instructions an operation}, net of the loop where the program counts a `baseline`."""
    for old in work.glob("counted.*"):
        old.unlink()
    run("valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={work / 'counted'}", program, *arguments,
        env=os.environ | PLAIN_COPIES)
    found = {}
    for dump in work.glob("counted.*"):
        text = dump.read_text()
        if (label := re.search(r"Client Request: (\S+)\|(\d+)", text)) is not None:
            found[label[1]] = int(re.search(r"^totals: (\d+)", text, re.M)[1]) / int(label[2])
    loop = found.pop("baseline", 0)
    return {label: figure - loop for label, figure in found.items()}
