#!/usr/bin/env python3
"""Builds the API reference and checks that it is complete: a page for every class of the interface, and on the page of
`options` every field with a sentence.

usage: reference.py ROOT OUT

Exits with 1 for each thing that is missing, and when Doxygen warned.
"""
import html
import pathlib
import re
import subprocess
import sys

CLASS = re.compile(r"^(?:class|struct)\s+(?:\[\[\w+\]\]\s+)?(?:FRAMEALLOC_\w+(?:\([^{;]*?\))?\s+)*(\w+)[^;<]*\{", re.M)


WORDS = {"basic_smart_alloc": "begin_frame frame_alloc pool_free heap_box stats", "basic_frame_scope": "alloc make vec hold",
         "basic_pool_view": "alloc make free map", "basic_vec": "push_back at data reserve", "basic_map": "find at contains reserve",
         "basic_string": "c_str find substr append", "transfer_handle": "receive state", "basic_frame_box": "get release"}


def classes(root):
    """Names of the classes that the interface headers define in namespace framealloc itself."""
    for path in sorted((root / "include/framealloc").rglob("*.hpp")):
        if "/detail/" in str(path):
            continue
        text = path.read_text()
        for part in re.findall(r"^namespace framealloc::inline v1 \{$(.*?)^\}  // namespace framealloc::inline v1$", text, re.M | re.S):
            part = re.sub(r"^namespace (\w+) \{$.*?^\}  // namespace \1$", "", part, flags=re.M | re.S)
            yield from CLASS.findall(part)


def page_of(out, name):
    escaped = name.replace("_", "__")
    return next((p for p in (out / f"{kind}framealloc_1_1{escaped}.html" for kind in ("class", "struct")) if p.exists()), None)


def missing(root, out):
    names = sorted(set(classes(root)))
    if len(names) < 40:
        yield f"only {len(names)} classes found in the headers: the search for them is broken"
    for name in names:
        if page_of(out, name) is None:
            yield f"{name}: no page"
    for name, words in WORDS.items():  # what they inherit is on their page as well
        page = html.unescape(re.sub(r"<[^>]*>", "", page_of(out, name).read_text()))
        yield from (f"{name}: {word}() is not on its page" for word in words.split() if not re.search(rf"\b{word}\b\s*\(", page))
    options = (root / "include/framealloc/runtime/options.hpp").read_text()
    body = re.search(r"^struct options \{$(.*?)^\s+static options", options, re.M | re.S)[1]
    fields = re.findall(r"(\w+)(?: = [^;]*|\{\});", re.sub(r"//.*", "", body))
    if len(fields) < 15:
        yield f"only {len(fields)} fields of options found: the search for them is broken"
    page = html.unescape(re.sub(r"<[^>]*>", " ", page_of(out, "options").read_text()))
    for field in fields:
        described = re.search(rf"◆\s*{field}\s.*?{field}\s*(?:=[^\n]*|\{{\}})?\s*(.*?)(?:◆|$)", page, re.S)
        if described is None or len(described[1].split()) < 3:
            yield f"options::{field}: no sentence on its page"


def repeated(out):
    """Members whose comment stands on their page more than once."""
    for page in sorted(out.glob("*.html")):
        for member in page.read_text().split('class="memitem"')[1:]:
            if member.count("<dt>Cost</dt>") > 1:
                name = re.search(r'memname">(.*?)</td>', member, re.S)
                yield f"{page.name}: {re.sub('<[^>]+>', '', name[1]).strip() if name else '?'} costs twice"


def main():
    root, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    subprocess.run([root / "scripts/build_reference.sh", out], check=True)
    found = [*missing(root, out), *repeated(out)]
    print("\n".join(found))
    print(f"reference: {len(set(classes(root)))} classes, {len(found)} wrong")
    return 1 if found or page_of(out, "no_such_class") else 0


if __name__ == "__main__":
    sys.exit(main())
