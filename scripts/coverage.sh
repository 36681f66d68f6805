#!/usr/bin/env bash
# Line and branch coverage of the library by its tests, in build/coverage/{coverage,branches}.txt. Needs gcovr. usage: scripts/coverage.sh
set -euo pipefail
cd "$(dirname "$0")/.."

command -v gcovr > /dev/null || { echo "coverage.sh: gcovr is not installed (apt-get install gcovr)" >&2; exit 1; }
build=build/coverage
mkdir -p $build
gcc -c scripts/coverage_exit.c -o $build/coverage_exit.o
cmake -S . -B $build -G Ninja -DCMAKE_BUILD_TYPE=Debug -DFRAMEALLOC_DEVELOP=ON -DCMAKE_CXX_FLAGS="--coverage -fprofile-update=atomic" \
    -DCMAKE_EXE_LINKER_FLAGS="-Wl,--wrap=_exit,--wrap=abort $PWD/$build/coverage_exit.o -lgcov" -DFRAMEALLOC_BUILD_DEMO=OFF -DFRAMEALLOC_BUILD_BENCH=OFF -DFRAMEALLOC_BUILD_TOOLS=OFF > /dev/null
cmake --build $build --target unit_tests faults_test report_test sampled_test process_test debug_mode_containers long_run tbb_test c_interface reload_test reload_plugin standard_test > /dev/null
find $build -name '*.gcda' -delete
ctest --test-dir $build -R '^(unit|model|exhaustion|faults.report|faults.sampled|faults.standard|process\.(churn|exits|edges|fork|signals|limit|exchange|interrupts|reload)|integration.tbb$|long_run|contract.c_interface)' | tail -n 4
$build/tests/faults_test > $build/faults.txt 2>&1 || true  # counters prevent inlining, so some places become lines of the headers
tail -n 1 $build/faults.txt
# Lines that only broken invariants reach, and branches made by exceptions or the compiler, are not counted. Branches are
# counted only in src/, since in headers each instantiation has its own.
count() {
    gcovr -r . --object-directory $build --exclude-throw-branches --exclude-unreachable-branches --gcov-ignore-parse-errors \
        --exclude-lines-by-pattern '.*broken_invariant.*' --sort-uncovered "$@"
}
count --filter '(src|include)/' | tee $build/coverage.txt | tail -n 3
count --filter 'src/' --branches | tee $build/branches.txt | tail -n 3
