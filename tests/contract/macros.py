#!/usr/bin/env python3
"""Every interface header compiles after the macros that well-known platforms and libraries define under plain words.

usage: macros.py COMPILER INCLUDE_DIRECTORY

A word's replacement is no C++, so any use of it as a name is an error that quotes the word. A name that the interface keeps is declared
in parentheses, (check)(), where a macro of that name takes arguments. The standard headers that the library includes come first, since
they may use any word that the standard reserves.
"""
import pathlib
import re
import subprocess
import sys

# Words that are replaced wherever they stand.
OBJECTS = {
    "Qt": "slots signals emit forever Q_EMIT",
    "windows.h": "near far small hyper interface pascal cdecl uuid property IN OUT OPTIONAL CONST VOID BOOL TRUE FALSE ERROR DELETE STRICT THIS "
                 "CALLBACK ABSOLUTE RELATIVE OPAQUE TRANSPARENT DIFFERENCE NO_ERROR GetObject GetMessage SendMessage CreateWindow LoadImage "
                 "DrawText ReportEvent PURE FAR NEAR TEXT",
    "X11": "None Status Bool Success Always Never True False Above Below Complex Convex Nonconvex Unsorted Expose FocusIn FocusOut KeyPress "
           "KeyRelease Button1 CursorShape GrayScale DestroyAll Bottom Visual",
    "macOS": "nil Nil YES NO DEBUG Boolean",
    "complex.h, tgmath.h, math.h": "I complex imaginary DOMAIN OVERFLOW UNDERFLOW SING PLOSS TLOSS M_PI PI HUGE",
    "the compiler in its GNU mode, stdio.h, stdlib.h": "linux unix i386 stdin stdout stderr PAGE_SIZE PATH_MAX BUFSIZ",
    "attributes as words": "noinline always_inline cold hot pure packed aligned flatten no_sanitize visibility forceinline",
    "projects' own shorthands": "global local internal persist elif unless until repeat loop U8 U16 U32 U64 u8 u16 u32 u64 i8 i16 i32 i64 f32 f64",
}
# Words that are replaced where a parenthesis follows.
FUNCTIONS = {
    "windows.h": "min max Yield GetCurrentTime",
    "Qt": "foreach SIGNAL SLOT",
    "macOS and Unreal": "check verify require ensure check_error checkf",
    "sys/param.h, sys/sysmacros.h": "MIN MAX major minor makedev isset setbit clrbit isclr roundup howmany powerof2",
    "stdio.h, math.h, string.h": "assert getc putc putchar abs signbit isnan isinf fpclassify "
                                           "strdup index rindex bcopy bzero alloca",
    "MSVC's crtdbg.h, leak checkers and tracing allocators": "malloc calloc realloc recalloc reallocf free cfree expand msize strdup strndup "
                                                             "wcsdup memalign aligned_alloc posix_memalign aligned_free valloc",
    "Linux and its drivers": "likely unlikely barrier container_of ARRAY_SIZE BIT",
    "Arduino": "round bit lowByte highByte bitRead sq constrain F",
    "logging and tests": "LOG CHECK INFO FAIL TEST ASSERT EXPECT REQUIRE SECTION trace debug warn info error log fatal",
}
GOOD = "int main() {}\n"


def source(headers, standard, words):
    lines = [f"#include <{name}>" for name in standard]
    lines += [f"#undef {word}\n#define {word} @{word}@" for group in words[0].values() for word in group.split()]
    lines += [f"#undef {word}\n#define {word}(...) @{word}@" for group in words[1].values() for word in group.split()]
    return "\n".join(lines + [f"#include <framealloc/{name}>" for name in headers]) + "\n" + GOOD


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: macros.py COMPILER INCLUDE_DIRECTORY")
    compiler, include = sys.argv[1], pathlib.Path(sys.argv[2])
    files = [path for path in sorted((include / "framealloc").rglob("*.h*"))]
    public = [path.relative_to(include / "framealloc").as_posix() for path in files if "detail" not in path.parts]
    standard = sorted({name for path in files for name in re.findall(r"^\s*#\s*include <([a-z_]+)>", path.read_text(), re.M)})
    bad = 0

    def compile_text(text, *flags):
        return subprocess.run([compiler, *flags, "-fsyntax-only", "-I", include, "-"], input=text, capture_output=True, text=True)

    for what, headers, first, flags in (
            ("C++", [name for name in public if name.endswith(".hpp")], standard, ("-std=gnu++20", "-x", "c++")),
            ("C++, checked", ["framealloc.hpp"], standard, ("-std=gnu++20", "-DFRAMEALLOC_MODE=debug", "-x", "c++")),
            ("C++ with frames as capabilities", ["framealloc.hpp"], standard, ("-std=gnu++20", "-DFRAMEALLOC_FRAME_CAPABILITY=1", "-x", "c++")),
            ("C", [name for name in public if name.endswith(".h")], ["stddef.h", "stdint.h", "stdbool.h"], ("-x", "c"))):
        done = compile_text(source(headers, first, (OBJECTS, FUNCTIONS)), *flags)
        if done.returncode != 0 or not headers:
            print(f"{what}: a word is a macro elsewhere:\n{done.stderr[:4000]}")
            bad += 1
    # A header that uses such a word is refused.
    for word in ("slots", "max"):
        text = source(["version.hpp"], standard, (OBJECTS, FUNCTIONS)) + f"int {word}(int);\n"
        if compile_text(text, "-std=gnu++20", "-x", "c++").returncode == 0:
            print(f"a declaration of {word} compiled")
            bad += 1
    words = sum(len(group.split()) for table in (OBJECTS, FUNCTIONS) for group in table.values())
    print(f"macros: {len(public)} headers after {words} words, {bad} wrong")
    return 1 if bad or not public else 0


if __name__ == "__main__":
    sys.exit(main())
