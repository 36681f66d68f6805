#!/usr/bin/env python3
"""Builds and runs the consumers of the library, each as a user would, on an installed tree that was moved: find_package and
pkg-config from C++ and C, add_subdirectory, FetchContent, a shared library loaded with dlopen, without exceptions and RTTI,
under the undefined behaviour sanitizers, with hints in its inline code (FRAMEALLOC_PREFETCH); and two that must not get through: two modes in one program, and a language before C++20, which is told in one sentence.

usage: consumers.py COMPILER
"""
import collections
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def run(*command, check=True, env=None):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, env=env)
    if check and done.returncode != 0:
        sys.exit(f"consumers: {' '.join(str(c) for c in command)}\n{done.stdout}{done.stderr}")
    return done


def install(work, compiler, name, *options):
    prefix = work / name
    run("cmake", "-S", ROOT, "-B", work / f"build-{name}", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_CXX_COMPILER={compiler}",
        "-DCMAKE_INSTALL_LIBDIR=lib", *options)
    run("cmake", "--build", work / f"build-{name}")
    run("cmake", "--install", work / f"build-{name}", "--prefix", work / "before" / name)
    (work / "before" / name).rename(prefix)
    return prefix


def cmake_consumer(work, compiler, name, lines, *options, language="CXX"):
    source = work / name
    source.mkdir()
    (source / "CMakeLists.txt").write_text(f"cmake_minimum_required(VERSION 3.25)\nproject(consumer {language})\n" + lines)
    run("cmake", "-S", source, "-B", source / "build", "-G", "Ninja", f"-DCMAKE_CXX_COMPILER={compiler}", *options)
    run("cmake", "--build", source / "build")
    return source / "build"


def pkg_config(prefix, *options):
    return run("pkg-config", "--cflags", "--libs", *options, "framealloc", env={**os.environ, "PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig")}).stdout.split()


def c_consumers(work, compiler, prefix):
    program = HERE / "program.c"
    run("cc", "-O2", program, "-o", work / "c-by-pkg-config", *pkg_config(prefix, "--static"))
    step("pkg-config from C", run(work / "c-by-pkg-config").stdout)
    lines = f"find_package(framealloc 1 REQUIRED)\nadd_executable(program {program})\ntarget_link_libraries(program PRIVATE framealloc::framealloc)\n"
    build = cmake_consumer(work, compiler, "found-c", lines, f"-DCMAKE_PREFIX_PATH={prefix}", language="C")
    step("find_package from C", run(build / "program").stdout)
    later = f"find_package(framealloc 1 REQUIRED)\nenable_language(CXX)\nfind_package(framealloc 1 REQUIRED)\nadd_executable(program {HERE / 'program.cpp'})\ntarget_link_libraries(program PRIVATE framealloc::framealloc)\n"
    build = cmake_consumer(work, compiler, "found-later", later, f"-DCMAKE_PREFIX_PATH={prefix}", language="C")
    step("find_package before and after enable_language(CXX)", run(build / "program").stdout)


def step(title, output):
    print(f"  {title}: {output.strip()}")


def sanitized(work, prefix, compiler):
    """A correct program causes no sanitizer report with any compiler at any level: g++ and clang check different things."""
    def judge(name, level):
        program = work / f"sanitized-{pathlib.Path(name).name}{level}"
        run(name, "-std=c++20", level, "-g0", "-fsanitize=undefined", "-fno-sanitize-recover=undefined", "-DFRAMEALLOC_MODE=standard", f"-I{prefix}/include",
            HERE / "sanitized.cpp", "-o", program, f"-L{prefix}/lib", "-lframealloc", "-pthread")
        return run(program).stdout
    compilers = [c for c in dict.fromkeys([compiler, "g++", "clang++-14", "clang++-19"]) if shutil.which(c)]
    compilers = list({pathlib.Path(shutil.which(c)).resolve(): c for c in compilers}.values())
    cases = [(c, level) for c in compilers for level in ("-O0", "-O1", "-O2")]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as several:
        said = list(several.map(lambda case: judge(*case), cases))
    return f"{len(cases)} builds by {len(compilers)} compilers, no report: {said[0]}"


def instructions(compiler, flags, work):
    """{function of prefetch.cpp: how often it has which instruction}, without those that only fill up."""
    run(compiler, "-std=c++20", "-O2", "-c", HERE / "prefetch.cpp", "-o", work / "prefetch.o", *(f for f in flags if f[:2] in ("-I", "-D")))
    found, name = collections.defaultdict(collections.Counter), ""
    for line in run("objdump", "-d", "--no-show-raw-insn", work / "prefetch.o").stdout.splitlines():
        if (begin := re.match(r"[0-9a-f]+ <(\w+)", line)) is not None:
            name = begin[1]
        elif (at := re.match(r" *[0-9a-f]+:\s+(\S+)", line)) is not None and not re.search(r"\bnop|xchg +%ax,%ax", line):
            found[name][at[1]] += 1
    return found


def hinted(work, compiler, plain):
    """FRAMEALLOC_PREFETCH reaches who uses the package, where it adds one instruction to each allocation, and nothing is there without."""
    prefix = install(work, compiler, "hinted", "-DFRAMEALLOC_PREFETCH=ON")
    lines = f"find_package(framealloc 1 REQUIRED)\nadd_executable(program {HERE / 'program.cpp'} {HERE / 'prefetch.cpp'})\ntarget_link_libraries(program PRIVATE framealloc::framealloc)\n"
    built = cmake_consumer(work, compiler, "found-hinted", lines, f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Release") / "program"
    if not re.search(r"prefetch[tw]|prfm", run("objdump", "-d", "--disassemble=hinted_pool_alloc", built).stdout):
        sys.exit("consumers: find_package does not hand on FRAMEALLOC_PREFETCH")
    flags = pkg_config(prefix)
    run(compiler, "-std=c++20", "-O2", HERE / "program.cpp", "-o", work / "hinted-by-pkg-config", *flags)
    run(work / "hinted-by-pkg-config")
    without, having = instructions(compiler, pkg_config(plain), work), instructions(compiler, flags, work)
    functions = [f for f in having if f.startswith("hinted_") and f in without]
    for f in functions:
        more = having[f] - without[f]
        if list(more.values()) != [1] or without[f] - having[f] or not re.match("prefetch|prfm", list(more)[0]):
            sys.exit(f"consumers: FRAMEALLOC_PREFETCH changes {f} by {dict(more)} and not by one hint")
    if len(functions) != 5:
        sys.exit(f"consumers: {functions} are not the functions of prefetch.cpp")
    return run(built).stdout


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: consumers.py COMPILER")
    compiler = sys.argv[1]
    program = HERE / "program.cpp"
    target = f"add_executable(program {program})\ntarget_link_libraries(program PRIVATE framealloc::framealloc)\n"
    with tempfile.TemporaryDirectory() as directory:
        work = pathlib.Path(directory)
        static = install(work, compiler, "static")
        build = cmake_consumer(work, compiler, "found", "find_package(framealloc 1 REQUIRED)\n" + target, f"-DCMAKE_PREFIX_PATH={static}")
        step("find_package", run(build / "program").stdout)
        build = cmake_consumer(work, compiler, "subdirectory", f"add_subdirectory({ROOT} framealloc)\n" + target)
        step("add_subdirectory", run(build / "program").stdout)
        fetch = f"include(FetchContent)\nFetchContent_Declare(framealloc SOURCE_DIR {ROOT})\nFetchContent_MakeAvailable(framealloc)\n"
        build = cmake_consumer(work, compiler, "fetched", fetch + target)
        step("FetchContent", run(build / "program").stdout)
        flags = pkg_config(static)
        run(compiler, "-std=c++20", "-O2", program, "-o", work / "by-pkg-config", *flags)
        step("pkg-config", run(work / "by-pkg-config").stdout)
        c_consumers(work, compiler, static)
        old = run(compiler, "-std=c++17", "-fsyntax-only", program, *flags, check=False).stderr
        if old.count("error:") != 2 or "framealloc needs C++20" not in old:
            sys.exit(f"consumers: C++17 is not refused in one sentence:\n{old}")
        step("C++17", "is refused in one sentence")
        step("-fsanitize=undefined", sanitized(work, static, compiler))
        lean = install(work, compiler, "lean", "-DFRAMEALLOC_EXCEPTIONS=OFF")
        run(compiler, "-std=c++20", "-O2", "-fno-exceptions", "-fno-rtti", "-DFRAMEALLOC_MODE=standard", f"-I{lean}/include", program, "-o", work / "lean-program",
            f"-L{lean}/lib", "-lframealloc", "-pthread")
        step("without exceptions and RTTI", run(work / "lean-program").stdout)
        step("hints", hinted(work, compiler, static))
        shared = install(work, compiler, "shared", "-DBUILD_SHARED_LIBS=ON")
        run(compiler, "-std=c++20", "-O2", "-fPIC", "-shared", "-DFRAMEALLOC_MODE=standard", f"-I{shared}/include", HERE / "plugin.cpp", "-o", work / "plugin.so",
            f"-L{shared}/lib", "-lframealloc", f"-Wl,-rpath,{shared}/lib", "-pthread")
        run(compiler, "-std=c++20", "-O2", HERE / "host.cpp", "-o", work / "host", "-ldl", "-pthread")
        step("dlopen", run(work / "host", work / "plugin.so").stdout)
        run(compiler, "-std=c++20", "-O2", "-DFRAMEALLOC_MODE=standard", f"-I{shared}/include", program, "-o", work / "on-shared", f"-L{shared}/lib",
            "-lframealloc", f"-Wl,-rpath,{shared}/lib", "-pthread")
        step("shared library", run(work / "on-shared").stdout)
        mixed = run(compiler, "-std=c++20", "-O2", "-DFRAMEALLOC_MODE=debug", f"-I{static}/include", program, "-o", work / "mixed", f"-L{static}/lib",
                    "-lframealloc", "-pthread", check=False)
        if mixed.returncode == 0 or "built_checked" not in mixed.stderr:
            sys.exit("consumers: two modes in one program linked")
        step("two modes in one program", "do not link, as they must not")


if __name__ == "__main__":
    main()
