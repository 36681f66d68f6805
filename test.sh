#!/usr/bin/env bash
# Installs what the tests need, builds and runs everything, and ends with ctest's summary.
#
# usage: ./test.sh [--full] [--no-install]
#   --full        also clang 14, debug and minimal in their whole length, portable pages of 16 and 4 KiB, a longer model, longer fuzzing, stub_check, clang-tidy, mutants, coverage
#   --no-install  the packages are there
set -euo pipefail
cd "$(dirname "$0")"

full=0
install=1
for argument in "$@"; do
    case "$argument" in
        --full) full=1 ;;
        --no-install) install=0 ;;
        *) echo "test.sh: unknown option $argument (usage: ./test.sh [--full] [--no-install])" >&2; exit 2 ;;
    esac
done

packages=(cmake ninja-build g++ clang-14 clang-19 clang-format-19 clang-tidy-19 libclang-rt-14-dev libclang-rt-19-dev python3 pkg-config valgrind heaptrack gdb ccache
          doctest-dev relacy-dev libseccomp-dev libbox2d-dev libtbb-dev libcli11-dev nlohmann-json3-dev libjs-chart.js libmimalloc2.0
          libjs-d3 elfutils libjemalloc2 libtcmalloc-minimal4 libtbbmalloc2 godot3-server
          xvfb mesa-utils perl sqlite3 git nodejs
          liblua5.4-dev libsqlite3-dev libimgui-dev libabsl-dev libfoonathan-memory-dev doxygen
          g++-mingw-w64-x86-64-posix wine wine64 g++-aarch64-linux-gnu qemu-user libc++-19-dev libc++abi-19-dev)
if [ "$install" = 1 ]; then
    [ "$full" = 0 ] || packages+=(gcovr)
    scripts/install_packages.sh "${packages[@]}"
    scripts/install_packages.sh --optional clang-22  # from Debian's security archive: its lifetime analysis
    scripts/install_packages.sh --optional libboost1.81-dev      # rivals of framealloc-bench; would replace the headers of 1.74
    scripts/install_packages.sh --optional librust-bumpalo-dev   # built where rustc is
fi

if command -v ccache > /dev/null; then
    export CMAKE_CXX_COMPILER_LAUNCHER=ccache
fi
started=$SECONDS
step() { printf '\n=== %s (%d s) ===\n' "$1" $((SECONDS - started)); }

# Configures and builds a preset ("name -Doption=value"); further arguments are targets.
build() {
    local preset options
    read -r preset options <<< "$1"
    shift
    step "build $preset"
    cmake --preset "$preset" ${options:+"$options"} > "/tmp/framealloc-$preset.log" || { tail -n 30 "/tmp/framealloc-$preset.log"; exit 1; }
    grep -E ' is off' "/tmp/framealloc-$preset.log" && { echo "test.sh: an optional part is off"; exit 1; }
    if ! cmake --build --preset "$preset" ${1:+--target "$@"} > "/tmp/framealloc-$preset.log" 2>&1; then
        grep -E -A 5 'error|FAILED|undefined' "/tmp/framealloc-$preset.log" | head -n 60
        echo "test.sh: the build of $preset failed" >&2
        exit 1
    fi
}

fuzz_seconds=$([ "$full" = 1 ] && echo 60 || echo 10)
build "asan -DFRAMEALLOC_FUZZ_SECONDS=$fuzz_seconds" unit_tests debug_mode_containers long_run static_contract process_test tbb_test tool_test fuzz_operations fuzz_mistakes fuzz_tags fuzz_c_interface fuzz_trace
step "address and undefined behaviour sanitizers"
ctest --preset asan -j "$(nproc)" -R '^(unit\.|model|exhaustion|long_run|contract.static|process|integration.tbb$|faults.asan|fuzz)' --output-on-failure

build tsan unit_tests process_test
step "thread sanitizer"
ctest --preset tsan -j "$(nproc)" -R '^(unit\.(memory|core|probe|runtime|lifetime|object$|sync|insight)|process)' --output-on-failure

build clang14 framealloc static_contract diary
step "the same words with another compiler"
ctest --preset clang14 -R simulate --output-on-failure
pages=(65536)
[ "$full" = 0 ] || pages+=(16384 4096)
for page in "${pages[@]}"; do
    build "portable -DFRAMEALLOC_PORTABLE_PAGE=$page" unit_tests debug_mode_containers
    step "portable, pages of $page bytes"
    ctest --preset portable -j "$(nproc)" -R '^(unit\.|model)' --output-on-failure
done

step "libc++ and C++23"
scripts/other_languages.sh
build arm64
step "64-bit Arm, under QEMU"
ctest --preset arm64 -j "$(nproc)" --output-on-failure
build windows
step "Windows, under Wine"
ctest --preset windows -j "$(nproc)" --output-on-failure
if [ "$full" = 1 ]; then
    for preset in minimal debug clang14; do
        build "$preset"
        step "$preset"
        FRAMEALLOC_MODEL_OPS=4000000 ctest --preset "$preset" --output-on-failure
    done
    step "places in reports, every compiler"
    python3 tests/faults/places.py .
    step "stub_check"
    scripts/stub_check.py
    step "clang-tidy"
    scripts/tidy.sh
    step "mutants"
    cmake --preset dev > /dev/null
    scripts/mutate.py --count 60 --seed "$(date +%j)"
    step "coverage"
    scripts/coverage.sh
fi

build release
build release all_verify_interface_header_sets
step "compile time"
scripts/compile_time.py
step "everything, g++ release"
if [ "$full" = 1 ]; then export FRAMEALLOC_MODEL_OPS=4000000; fi
ctest --preset release -j "$(nproc)" --output-on-failure
