#!/usr/bin/env bash
# clang-tidy over the library, with the checks of .clang-tidy. Minutes. usage: scripts/tidy.sh [FILE…]
set -euo pipefail
cd "$(dirname "$0")/.."

command -v clang-tidy-19 > /dev/null || { echo "tidy.sh: clang-tidy-19 is not installed (apt-get install clang-tidy-19)" >&2; exit 1; }
[ $# != 0 ] || set -- src/*/*.cpp src/os/linux/*.cpp
log=$(mktemp)
printf '%s\n' "$@" | xargs -P "$(nproc)" -I {} sh -c 'clang-tidy-19 --quiet "$1" -- -std=c++20 -Iinclude -DFRAMEALLOC_MODE=standard -fno-rtti 2> /dev/null || echo "$1: not clean"' _ {} > "$log"
grep -E 'error:|not clean' "$log" | sort -u || true
findings=$(grep -c 'not clean' "$log" || true)
rm -f "$log"
echo "tidy: $# files, $findings with findings"
[ "$findings" = 0 ]
