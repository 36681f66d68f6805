#!/usr/bin/env python3
"""Every type and member that the natvis file names is in the headers, and every kind's box is in the file. Its display itself needs Visual Studio and is not tested.

usage: natvis.py FILE INCLUDE_DIRECTORY
"""
import pathlib
import re
import sys
import xml.etree.ElementTree

SPACE = "{http://schemas.microsoft.com/vstudio/debugger/natvis/2010}"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip().splitlines()[-1])
    headers = {p: p.read_text() for p in pathlib.Path(sys.argv[2]).rglob("*.hpp")}
    wrong, types, shown = [], 0, set()
    for t in xml.etree.ElementTree.parse(sys.argv[1]).getroot().iter(SPACE + "Type"):
        names = {re.sub(r"<.*", "", n.rsplit("::", 1)[1]) for n in [t.get("Name")] + [a.get("Name") for a in t.iter(SPACE + "AlternativeType")]}
        expressions = " ".join([e.text or "" for e in t.iter()] + [v for e in t.iter() for k, v in e.attrib.items() if k == "Condition"])
        shown |= names
        for name in names:
            types += 1
            home = next((p for p, h in headers.items() if re.search(rf"^class (FRAMEALLOC_\w+(\([^\n]*\))? )?{name}\b[^;]*$", h, re.M)), None)
            if home is None:
                wrong.append(f"{name} is in no header")
                continue
            body = "".join(h for p, h in headers.items() if p == home or p.stem == "atomic" or p.stem.startswith(home.stem + "_"))
            wrong += [f"{name}: no member {m}" for m in sorted(set(re.findall(r"\b[a-z]+_\b", expressions))) if not re.search(rf"[\s\*&]{m}( =|;|\{{)", body)]
    kinds = re.search(r"enum class memory_kind [^{]*\{([^}]*)\}", "".join(headers.values()))[1].replace(",", " ").split()
    boxes = {f"basic_{kind}_box" for kind in kinds if re.search(rf"^class .*\bbasic_{kind}_box\b", "".join(headers.values()), re.M)}
    wrong += [f"{box} is not shown" for box in sorted(boxes - shown)]
    print("\n".join(wrong) if wrong else f"natvis: {types} types, every member is there")
    return 1 if wrong or types == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
