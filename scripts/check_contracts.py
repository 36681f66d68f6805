#!/usr/bin/env python3
"""Checks that every public function of the interface says its contract in the words of the house: Requires, Effects, Returns,
On exhaustion, Threads, Cost, those that apply, in this order.

usage: check_contracts.py [--only ROOM]… [ROOT]

Public are the functions of namespace framealloc, the public members of its classes, and those of the classes that these derive
from. A comment above several declarations without a blank line between them counts for each. What is done as a namesake in
std does it may say so instead: "As std::vector's". Defaulted and deleted members, destructors and comparisons say nothing.
Functions of inner namespaces are the house's own: they need no words.

Prints one line a violation; exits with 1 when there is one, or nothing was found to check.
"""
import argparse
import pathlib
import re
import sys

from reference_filter import ATTRIBUTE, Reader

ROOMS = ("base", "sync", "os", "account", "guard", "memory", "core", "probe", "lifetime", "object", "insight", "runtime", "device")
WORDS = ("Requires", "Effects", "Returns", "On exhaustion", "Threads", "Cost")
WORD = re.compile(rf"(?:^|(?<=[.;:)] ))({'|'.join(WORDS)}): ")
NAMESAKE = re.compile(r"\bAs (?:those of )?std::\w+(?:'s)?")
NOT_NAMES = {"requires", "noexcept", "decltype", "explicit", "sizeof", "alignof", "static_assert", "defined", "alignas"}
SILENT = re.compile(r"^(?:~\w+|operator==|operator<=>|operator!=)$")


def name_of(code):
    """The name of the function that `code` declares; None when it declares something else."""
    code = ATTRIBUTE.sub("", code).strip()
    if re.match(r"(using|typedef|static_assert|friend (class|struct)|(?:class|struct|enum|union|concept|namespace)\b)", code):
        return None
    depth = angle = at = 0
    while at < len(code):
        c = code[at]
        if depth == 0 and angle == 0 and (m := re.match(r"operator\s*(\(\)|\[\]|[^\s\w(]+|[\w:]+(?:<\w*>)?[&*]*)\s*\(", code[at:])) and not re.search(r"\w$", code[:at]):
            return "operator" + m[1]
        if c in "([{":
            if c == "(" and depth == 0 and angle == 0 and code[at + 1] != "*" and (m := re.search(r"(~?\w+)\s*$", code[:at])) and m[1] not in NOT_NAMES:
                return m[1]
            depth += 1
        elif c in ")]}":
            depth -= 1
        elif depth == 0 and c == "<" and code[at + 1] not in "<=":
            angle += 1
        elif depth == 0 and c == ">" and code[at - 1] != "-" and angle > 0:
            angle -= 1
        elif depth == 0 and angle == 0 and c == "=":
            return None
        elif depth == 0 and angle == 0 and code[at:].startswith("concept "):
            return None
        at += 1
    return None


class Contracts(Reader):
    """Every function that a header declares: class, its bases, name, line, declaration and comment."""

    def __init__(self, text):
        super().__init__(text)
        self.names = []      # of the open scopes
        self.found, self.bases = [], {}

    def run(self):
        super().run()
        return self

    def declare(self, document, indent, inherited):
        first = self.at + 1
        taken, scope = self.declaration()
        code = " ".join(re.sub(r"\s*//.*", "", line).strip() for line in taken)
        notes = [line.split("//", 1)[1].strip() for line in taken if "//" in line]
        hidden = any(self.hidden) or (not self.scopes and scope != "namespace")
        del self.names[len(self.scopes):]
        if scope is not None:
            head = ATTRIBUTE.sub("", code).split("{")[0]
            m = re.search(r"(?:class|struct|union|enum(?: class)?) (\w+)|namespace (.*)", re.sub(r"^template\s*<.*?>\s*(?=class|struct|requires)", "", head))
            name = (m[1] or m[2].strip()) if m else ""
            if scope in ("class", "struct"):
                self.bases.setdefault(name, set()).update(re.findall(r"(?:public|struct \w+[^:]* :) (?:[\w]+::)*(\w+)", head))
                if scope == "struct":
                    self.bases[name].update(re.findall(r"(?<!:):(?!:) (?:public )?(?:\w+::)*(\w+)", head))
            self.names.append(name)
            self.scopes.append("enum" if scope.startswith("enum") else "namespace" if scope in ("namespace", 'extern "C"') else scope)
            self.hidden.append(scope == "class" or hidden)
            self.opened.append(True)
            return
        name = None if hidden else name_of(code)
        if name is None or SILENT.match(name) or re.search(r"= (default|delete);$", code) or (code.startswith("friend") and "{" not in code):
            return
        spaces = [n for n, kind in zip(self.names, self.scopes) if kind == "namespace"]
        classes = [n for n, kind in zip(self.names, self.scopes) if kind in ("class", "struct")]
        self.found.append((spaces, classes, name, first, " ".join([*document, *notes])))


def gather(root):
    """The functions of every header, and the names of the public classes and of those that they derive from."""
    functions, bases, public = [], {}, set()
    for path in sorted((root / "include/framealloc").rglob("*.hpp")):
        room = path.relative_to(root / "include/framealloc").as_posix().removeprefix("detail/").split("/")[0]
        reader = Contracts(path.read_text()).run()
        for name, from_ in reader.bases.items():
            bases.setdefault(name, set()).update(from_)
        for spaces, classes, name, line, said in reader.found:
            inner = [s for s in re.split(r"\W+", "::".join(spaces)) if s not in ("", "framealloc", "inline", "v1")]
            if not inner and classes:
                public.add(classes[0])
            functions.append((room, path.relative_to(root), inner, classes, name, line, said))
    grown = True
    while grown:  # what a public class derives from has members that a program can name
        more = set().union(*(bases.get(c, set()) for c in public), public)
        grown, public = more != public, more
    return functions, public


def read(root, rooms):
    """The public functions of the rooms."""
    functions, public = gather(root)
    return [f for f in functions if f[0] in rooms and ((not f[2]) or (f[3] and f[3][0] in public))]


def wrong(said):
    """What is wrong with the words of a comment; None when nothing is."""
    words = WORD.findall(said)
    if not words and not NAMESAKE.search(said):
        return "no contract words"
    places = [WORDS.index(w) for w in words]
    if places != sorted(set(places)):
        return f"contract words not in their order, or twice: {', '.join(words)}"
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", action="append", choices=ROOMS)
    parser.add_argument("--classes", action="store_true", help="print the names of the public classes and their bases")
    parser.add_argument("root", nargs="?", default=pathlib.Path(__file__).resolve().parent.parent, type=pathlib.Path)
    options = parser.parse_args()
    if options.classes:
        print("\n".join(sorted(gather(options.root)[1])))
        return 0
    functions = read(options.root, options.only or ROOMS)
    without = 0
    for _, path, _, classes, name, line, said in functions:
        if (what := wrong(said)) is not None:
            print(f"{path}:{line}: {'::'.join([*classes, name])}: {what}")
            without += 1
    print(f"check_contracts: {len(functions)} public functions, {without} without contract words")
    return 1 if without or not functions else 0


if __name__ == "__main__":
    sys.exit(main())
