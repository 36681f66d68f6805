#!/usr/bin/env python3
"""Turns the plain comments of a header into those that Doxygen reads. Doxygen runs it on every header of the interface.

usage: reference_filter.py HEADER

The comment above a declaration, and what stands behind it on its line, document it; a comment above several declarations
without a blank line between them documents each. The class that the header is named
after has the header's comment, if it has none of its own. Contract
words (Requires, Effects, Returns, On exhaustion, Threads, Cost) become paragraphs of that name. Indented lines are code.
"""
import os
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORDS = r"Requires|Effects|Returns|On exhaustion|Threads|Cost|Debug|Checked"
SCOPE = re.compile(r"^(?:template\s*<.*>\s*)?(?:requires\b.*\s)?(class|struct|union|enum class|enum|namespace|extern \"C\")\b")
SITE = re.compile(r",?\s*(?:site_type|site|Site) \w+ = (?:site_type|site|Site)::here\(\)")

# What Doxygen does not read: a requires-expression in front of what it constrains, and static_assert.
UNREAD = re.compile(r"^( *)(?:requires requires\b[^\n]*(?:\}|\{\n(?:\1 +[^\n]*\n)*\1\})|static_assert\([^\n]*\);)\n", re.M)
# Destructors, and what is deleted or defaulted: the comment above an earlier declaration says nothing of them.
OWN_WORDS = re.compile(r"^\s*(?:FRAMEALLOC_INLINE )?~|= (?:delete|default);\s*(?://.*)?$")
ATTRIBUTE = re.compile(r"\[\[.*?\]\]\s*|FRAMEALLOC_\w+\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)\s*|FRAMEALLOC_\w+\b\s*(?!\()", re.S)


def escape(text):
    """Everything that Doxygen or its Markdown would take for its own, but for words in `backticks` and "quotes"."""
    parts = re.split(r"(`[^`]*`|\"[^\"]*\")", text)
    for at, part in enumerate(parts):
        if not part.startswith("`"):
            part = part.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        if at % 2 == 0:
            part = re.sub(r"([\\@#%*\[\]|~^])", r"\\\1", part).replace("::", "\\::")
            part = re.sub(r"\b_|_\b", r"\\_", part)
        parts[at] = part
    return "".join(parts)


def documentation(lines, indent):
    """Doxygen's form of a comment's text."""
    out, code, prose = [], [], []

    def end_prose():
        text = " ".join(prose).strip()
        prose.clear()
        if not text:
            return
        pieces = re.split(rf"(?:^|(?<=[.;:)]) )({WORDS}): ", text)
        if pieces[0].strip():
            out.append(escape(pieces[0].strip()))
        for word, what in zip(pieces[1::2], pieces[2::2]):
            out.extend(["", f"@par {word}", escape(what.strip()), ""])

    def end_code():
        while code and not code[-1].strip():
            code.pop()
        if code:
            shift = min(len(line) - len(line.lstrip()) for line in code if line.strip())
            out.extend(["", "@code{.cpp}", *(line[shift:] for line in code), "@endcode", ""])
        code.clear()

    for line in lines:
        if re.match(r"\s{2,}\S", line) or (code and not line.strip()):
            end_prose()
            code.append(line)
        elif not line.strip():
            end_prose()
            out.append("")
        else:
            end_code()
            prose.append(line.strip())
    end_prose()
    end_code()
    return [f"{indent}/// {line}".rstrip() for line in out]


def without_body(code):
    """A function's declaration without initialisers and body."""
    depth = 0
    for at, c in enumerate(code):
        if c in "([":
            depth += 1
        elif c in ")]":
            depth -= 1
        elif depth == 0 and "(" in code[:at] and "operator" != code[:at].split("(")[0].strip()[-8:]:
            if c == "{" or (c == ":" and code[at - 1] == " " and code[at + 1] == " "):
                code = code[:at].rstrip() + ";"
                break
    # A requires-clause behind the parameters, which Doxygen does not read.
    return re.sub(r"\n\s*requires\b(?:(?!\b(?!requires\b)(?:operator\W+|[\w~]+)\()[^;\n]|\n)*;$", ";", code)


def without_template(code):
    """`code` behind its template parameters."""
    code = code.strip()
    if not code.startswith("template"):
        return code
    depth = 0
    for at, c in enumerate(code):
        depth += (c == "<") - (c == ">" and code[at - 1] != "-")
        if c == ">" and depth == 0:
            return without_template(code[at + 1:])
    return code


class Reader:
    """`classes`: those that have a page, in whatever namespace; None: all. `internal`: a header of detail/, which only has
    what interface classes derive from. `stem`: the header's name, by which it finds the class that its first comment describes."""

    def __init__(self, text, stem="", classes=None, internal=False):
        self.classes, self.internal = classes, internal
        named = re.findall(r"^(?:class|struct) [^;{]*?(\w+)(?: final)?(?:\s*:[^;{]*)?\s*\{", text, re.M)
        self.titled = named if len(named) == 1 else [n for n in named if n in (stem, f"basic_{stem}") or n.endswith(f"_{stem}")][:1]
        self.lines = text.split("\n")
        self.at = 0
        self.out = []
        self.header = []
        self.scopes = []      # kind of each open one
        self.opened = []      # whether its first line was written
        self.hidden = []      # whether what follows in it is: private, or a specialisation of a template of std's

    def comment(self):
        """Text of the block of // lines that begins here."""
        text = []
        while self.at < len(self.lines) and self.lines[self.at].lstrip().startswith("//"):
            text.append(re.sub(r"^\s*//+ ?", "", self.lines[self.at]))
            self.at += 1
        return text

    def declaration(self):
        """The lines of the declaration that begins here, up to its end or to the brace that opens its scope; and that scope's kind."""
        taken, head, parens, braces = [], "", 0, 0
        while self.at < len(self.lines):
            line = self.lines[self.at]
            self.at += 1
            taken.append(line)
            code = re.sub(r'("(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)\')|//.*', lambda m: '""' if m[1] else "", line)
            for place, c in enumerate(code):
                if c in "([":
                    parens += 1
                elif c in ")]":
                    parens -= 1
                elif c == "{" and parens == 0:
                    opened = SCOPE.match((head + code[:place]).strip())
                    if braces == 0 and opened and not code[place + 1:].strip().endswith(("}", "};")):
                        return taken, opened[1]
                    braces += 1
                elif c == "}" and parens == 0:
                    braces -= 1
            head += code.strip() + " "
            ended = code.rstrip()
            if parens == 0 and braces == 0 and (ended.endswith((";", "}")) or (self.scopes[-1:] == ["enum"] and ended)):
                return taken, None
        return taken, None

    def run(self):
        document, repeated = [], False
        if self.lines and self.lines[0].startswith("//"):
            self.header = self.comment()
        while self.at < len(self.lines):
            line = self.lines[self.at]
            stripped = line.strip()
            indent = line[:len(line) - len(line.lstrip())]
            if not stripped:
                document, repeated = [], False
                self.out.append("")
                self.at += 1
            elif stripped.startswith("//"):
                document, repeated = self.comment(), False
                if re.match(r"^--- .* ---$", document[0].strip()):
                    document = document[1:]
            elif stripped.startswith("#"):
                while self.lines[self.at].rstrip().endswith("\\"):
                    self.at += 1
                if "codes.def>" in stripped and self.scopes[-1:] == ["enum"]:
                    rows = (ROOT / "include/framealloc/base/codes.def").read_text()
                    self.out += [f"/// {escape(row[3])}\n{row[1]} = {row[2]}," for row in re.finditer(r'^FRAMEALLOC_CODE\((\w+), (\d+), "(.*)"\)', rows, re.M)]
                elif stripped.startswith(("#if", "#el", "#end")) or (stripped.startswith("#define") and document):
                    if stripped.startswith("#define"):
                        self.out.extend(documentation(document, ""))
                    self.out.append(stripped.rstrip("\\"))
                self.at += 1
            elif re.fullmatch(r"FRAMEALLOC_\w+(\(.*\);?)?", stripped):
                self.at += 1
            elif re.match(r"^(public|private|protected):", stripped):
                document, repeated = [], False
                if not any(self.hidden[:-1]) and self.opened[-1]:
                    self.out.append(stripped)
                    self.hidden[-1] = not stripped.startswith("public")
                self.at += 1
            elif stripped.startswith("}"):
                self.scopes.pop()
                self.hidden.pop()
                if self.opened.pop():
                    self.out.append(stripped.split("//")[0])
                self.at += 1
                document, repeated = [], False
            else:
                self.declare(document, indent, repeated)
                repeated = True

    def without_page(self, scope, name):
        """Whether the declaration lies in an inner namespace or a header of detail/ and no interface class derives from it."""
        if self.classes is None or scope == "namespace" or set(self.scopes) - {"namespace"}:
            return False
        return (self.internal or len(self.scopes) > 1) and (name is None or name[1] not in self.classes)

    def declare(self, document, indent, inherited):
        """Writes one declaration. `inherited`: the comment stands above an earlier one; it counts for functions alone."""
        taken, scope = self.declaration()
        if inherited and ("(" not in "".join(taken) or OWN_WORDS.search(" ".join(taken))):
            document = []
        head = ATTRIBUTE.sub("", without_template(" ".join(taken)))
        name = re.match(r"(?:class|struct)\s+(\w+)", head.strip()) if scope in ("class", "struct") else None
        if name and not document and name[1] in self.titled and self.scopes[:1] == ["namespace"]:
            document = self.header
        behind = [re.split(r"\s+// ", line, maxsplit=1) for line in taken]
        notes = [part[1] for part in behind if len(part) == 2 and not part[1].startswith(("relaxed:", "pairs:"))]
        code = "\n".join(part[0] for part in behind)
        if "\nconcept " in code:  # Doxygen reads no requires-expression
            document = [*document, "", *("    " + line for line in code.split("\n"))]
            code = re.sub(r"=.*", "= true;", code, flags=re.S)
        if scope is None and "{" in code and "(" in code.split("{")[0]:
            notes = notes if len(taken) == 1 else []
        if (notes and inherited) or document[:1] == ["As declared. Cost: O(1)."]:
            document = []
        if any(self.hidden) or (not self.scopes and scope != "namespace") or self.without_page(scope, name):
            if scope is not None:
                self.scopes.append(scope)
                self.hidden.append(True)
                self.opened.append(False)
            return
        if document or notes:
            self.out.extend(documentation(document + ([""] if document and notes else []) + notes, indent))
        code = ATTRIBUTE.sub("", SITE.sub("", code)).replace("framealloc::inline v1", "framealloc")
        code = re.sub(r"(?<=\w)\((\w+)\)\(", r" \1(", code)  # (check)() is a check() that no macro changes
        if scope is None and "(" in code:
            code = re.sub(r"\boperator (?:\w+::)+(?=\w)", "operator ", without_body(code))  # Doxygen reads no qualified name there
        self.out.append(re.sub(r"\(\s*,\s*", "(", code))
        if scope is not None:
            self.scopes.append("enum" if scope.startswith("enum") else "namespace" if scope in ("namespace", 'extern "C"') else scope)
            self.hidden.append(scope == "class")
            self.opened.append(True)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: reference_filter.py HEADER")
    path = pathlib.Path(sys.argv[1])
    if path.suffix == ".h":  # C, whose comments stand above declarations as well
        print(path.read_text().replace("/*", "/**"))
        return
    classes = os.environ.get("REFERENCE_CLASSES")
    reader = Reader(UNREAD.sub("", path.read_text()), path.stem, classes and set(classes.split()), "detail" in path.parts)
    reader.run()
    print("\n".join(reader.out))


if __name__ == "__main__":
    main()
