#!/usr/bin/env python3
"""Compares what an operation costs beside few others and beside many: allocators, tags, frames, blocks, elements.

usage: count_growth.py PROGRAM [--check] [--long] [SCENARIO]

PROGRAM is bench_growth. It runs under callgrind, so what is compared are instructions, not times. Growth is the cost at the
largest number over the least cost at any. --check exits with 1 when it is above what is allowed, unless it is on the list of
known cliffs; and when a cliff of that list is gone, or is no longer as high as the list says, so that the list stays true.
"""
import argparse
import collections
import pathlib
import sys
import tempfile

import callgrind

ALLOWED = 1.5
# Known cliffs: growth as last measured with g++ 12, and its cause. Remove a line when its cliff is gone.
KNOWN = {
    "describe_large": (2.0, "looks at the blocks of a region one after the other"),
    "phase_stats": (549, "looks at all tags of the thread, each of which may be a phase"),
    "tag_pool_in_turns": (1.62, "beyond 256 tags with pages on a thread, others use their parent's, which are charged at once"),
    "tags_nested": (3.15, "what a tag is charged is looked at on each of its levels: 12 instructions each"),
}
TOLERANCE = 1.3  # of a known cliff's growth, both ways


def measure(program, arguments):
    """{scenario: {number: instructions an operation}}"""
    table = collections.defaultdict(dict)
    with tempfile.TemporaryDirectory() as directory:
        for label, figure in callgrind.counts(program, pathlib.Path(directory), *arguments).items():
            scenario, number = label.split("@")
            table[scenario][int(number)] = figure
    return table


def judge(scenario, growth, is_complete):
    """What is wrong, or nothing."""
    known = KNOWN.get(scenario, (None,))[0]
    if known is None:
        return f"grows {growth:.2f} times, {ALLOWED} are allowed" if growth > ALLOWED else ""
    if not is_complete:
        return ""
    if growth <= ALLOWED:
        return f"the known cliff of {known} is gone: take it off the list"
    if not known / TOLERANCE <= growth <= known * TOLERANCE:
        return f"grows {growth:.2f} times, the list says {known}"
    return ""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("scenario", nargs="?")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--long", action="store_true")
    options = parser.parse_args()
    arguments = (["--long"] if options.long else []) + ([options.scenario] if options.scenario else [])
    table = measure(options.program, arguments)
    wrong = []
    for scenario, costs in sorted(table.items()):
        largest = max(costs)
        growth = costs[largest] / max(min(costs.values()), 1)
        problem = judge(scenario, growth, not options.long)
        note = problem or (f"known: {KNOWN[scenario][1]}" if scenario in KNOWN else "")
        print(f"{scenario:26} {growth:8.2f}   " + "  ".join(f"{n}: {costs[n]:.0f}" for n in sorted(costs)) + (f"   {note}" if note else ""))
        if problem:
            wrong.append(f"{scenario}: {problem}")
    if not options.scenario:
        wrong += [f"{scenario}: on the list, but not measured" for scenario in KNOWN if scenario not in table]
    if options.check and wrong:
        sys.exit("count_growth: " + "\ncount_growth: ".join(wrong))


if __name__ == "__main__":
    main()
