#!/usr/bin/env python3
"""Builds and runs the consumers of the library, each as a user would: find_package, add_subdirectory, pkg-config, a shared
library loaded with dlopen, without exceptions and RTTI; and one that must not link, because two modes are mixed.

usage: consumers.py COMPILER
"""
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LEAN = ["-DFRAMEALLOC_BUILD_TESTS=OFF", "-DFRAMEALLOC_BUILD_EXAMPLES=OFF", "-DFRAMEALLOC_BUILD_BENCH=OFF", "-DFRAMEALLOC_BUILD_DEMO=OFF"]


def run(*command, check=True, env=None):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, env=env)
    if check and done.returncode != 0:
        sys.exit(f"consumers: {' '.join(str(c) for c in command)}\n{done.stdout}{done.stderr}")
    return done


def install(work, compiler, name, *options):
    prefix = work / name
    run("cmake", "-S", ROOT, "-B", work / f"build-{name}", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_CXX_COMPILER={compiler}",
        f"-DCMAKE_INSTALL_PREFIX={prefix}", "-DCMAKE_INSTALL_LIBDIR=lib", *LEAN, *options)
    run("cmake", "--build", work / f"build-{name}", "--target", "install")
    return prefix


def cmake_consumer(work, compiler, name, lines, *options):
    source = work / name
    source.mkdir()
    (source / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.25)\nproject(consumer CXX)\n" + lines)
    run("cmake", "-S", source, "-B", source / "build", "-G", "Ninja", f"-DCMAKE_CXX_COMPILER={compiler}", *options)
    run("cmake", "--build", source / "build")
    return source / "build"


def step(title, output):
    print(f"  {title}: {output.strip()}")


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
        flags = run("pkg-config", "--cflags", "--libs", "framealloc", env={**os.environ, "PKG_CONFIG_PATH": str(static / "lib" / "pkgconfig")}).stdout.split()
        run(compiler, "-std=c++20", "-O2", program, "-o", work / "by-pkg-config", *flags)
        step("pkg-config", run(work / "by-pkg-config").stdout)
        lean = install(work, compiler, "lean", "-DFRAMEALLOC_EXCEPTIONS=OFF")
        run(compiler, "-std=c++20", "-O2", "-fno-exceptions", "-fno-rtti", "-DFRAMEALLOC_MODE=standard", f"-I{lean}/include", program, "-o", work / "lean-program",
            f"-L{lean}/lib", "-lframealloc", "-pthread")
        step("without exceptions and RTTI", run(work / "lean-program").stdout)
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
        if mixed.returncode == 0 or "v1_debug" not in mixed.stderr:
            sys.exit("consumers: two modes in one program linked")
        step("two modes in one program", "do not link, as they must not")


if __name__ == "__main__":
    main()
