#!/usr/bin/env bash
# Builds and runs framealloc-demo on a fresh Debian 12. Arguments go to the program: ./demo.sh --help
set -euo pipefail
cd "$(dirname "$0")"

scripts/install_packages.sh cmake ninja-build g++ libseccomp-dev libbox2d-dev libcli11-dev nlohmann-json3-dev libjs-chart.js

echo "building …"
log=$(mktemp)
{ cmake --preset release -DFRAMEALLOC_BUILD_TESTS=OFF -B build/demo && cmake --build build/demo --target framealloc-demo; } > "$log" 2>&1 ||
    { tail -n 30 "$log" >&2; exit 1; }
rm -f "$log"

if [ $# = 0 ]; then
    set -- --report build/demo/report.html
fi
exec build/demo/demo/framealloc-demo "$@"
