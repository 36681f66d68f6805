#!/usr/bin/env python3
"""Who adds a kind of memory and forgets a table is stopped by the compiler there: each table is compiled with a kind that it does
not know, with all warnings off, and its static_assert must fail.

usage: new_kind.py COMPILER ROOT
"""
import pathlib
import re
import subprocess
import sys
import tempfile

ROW = """        case memory_kind::novel:
            return {{.name = "novel", .freed_singly = {singly}, .of_frames = false, .budget = {budget}, .page_header = 0}};
"""
# The row of the new kind (none: forgotten), what is compiled, and what must be said of it.
NO_ROW, BULK, SINGLY = None, ROW.format(singly="false", budget="budget_base::arena"), ROW.format(singly="true", budget="budget_base::none")
FORGOTTEN = (
    (NO_ROW, "include/framealloc/detail/base/kind_tables.hpp", ["traits_of() has no row for a kind"]),
    (BULK, "include/framealloc/detail/base/kind_tables.hpp", []),
    (BULK, "include/framealloc/account/budget.hpp", ["budget_fields_of() has no fields for a kind"]),
    (BULK, "include/framealloc/detail/account/charge.hpp", ["held_of() has no counter for a kind"]),
    (BULK, "include/framealloc/insight/stats.hpp", ["allocated_of() has no field for a kind", "bytes_of() has no field for a kind"]),
    (BULK, "src/core/limits.cpp", ["used_of() does not know what is used of a kind's budget"]),
    (BULK, "src/runtime/c_interface.cpp", ["c_bytes_of() has no field for a kind"]),
    (SINGLY, "include/framealloc/detail/account/charge.hpp", []),
    (SINGLY, "src/runtime/c_interface.cpp", ["fa_kind does not have a kind whose blocks are freed singly"]),
    (SINGLY, "src/core/blocks.cpp", ["allocate_plain() and free_plain() have to know a kind whose blocks are freed singly"]),
)


def with_kind(header, row):
    """base/kind.hpp with one kind more."""
    header, kinds = re.subn(r"(enum class memory_kind [^}]*) \}", r"\1, novel }", header)
    header, counts = re.subn(r"kind_count = (\d+)", lambda m: f"kind_count = {int(m[1]) + 1}", header)
    rows = 1
    if row is not None:
        header, rows = re.subn(r"(constexpr kind_traits traits_of.*\n    switch \(k\) \{\n)", lambda m: m[1] + row, header)
    if (kinds, counts, rows) != (1, 1, 1):
        sys.exit("new_kind: base/kind.hpp does not look as expected")
    return header


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip().splitlines()[-1])
    compiler, root = sys.argv[1], pathlib.Path(sys.argv[2])
    kind = root / "include/framealloc/base/kind.hpp"
    clang = "clang" in subprocess.run([compiler, "--version"], capture_output=True, text=True).stdout
    no_source = "-fno-caret-diagnostics" if clang else "-fno-diagnostics-show-caret"  # the texts are in it
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        changed = pathlib.Path(folder) / "framealloc/base/kind.hpp"
        changed.parent.mkdir(parents=True)
        for row, source, said in FORGOTTEN:
            changed.write_text(with_kind(kind.read_text(), row))
            done = subprocess.run([compiler, "-std=c++20", "-w", no_source, "-fsyntax-only", "-x", "c++", f"-I{folder}", f"-I{root}/include", f"-I{root}/src",
                                   str(root / source)], capture_output=True, text=True)
            wrong += [f"{source}: compiles without: {text}\n{done.stderr}" for text in said if text not in done.stderr]
            if not said and "kind_tables.hpp" in source and done.returncode != 0:
                wrong.append(f"{source}: the row of the new kind is refused\n{done.stderr}")
            if not said and "held_of" in done.stderr:
                wrong.append(f"{source}: a counter is asked of a kind that pages count\n{done.stderr}")
    print("\n".join(wrong) if wrong else f"new kind: {sum(len(said) for _, _, said in FORGOTTEN)} tables notice a kind that they do not know")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
