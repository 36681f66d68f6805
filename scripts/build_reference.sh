#!/usr/bin/env bash
# Builds the API reference from the comments of the interface headers. Fails on any Doxygen warning.
#
# usage: scripts/build_reference.sh [DIRECTORY]   (default: build/reference; open index.html there)
set -euo pipefail
cd "$(dirname "$0")/.."
command -v doxygen > /dev/null || { echo "build_reference.sh: doxygen is not installed (apt-get install doxygen)" >&2; exit 1; }
out=${1:-build/reference}
mkdir -p "$out"
REFERENCE_CLASSES=$(scripts/check_contracts.py --classes) REFERENCE_OUT=$out doxygen docs/reference/Doxyfile 2> "$out/warnings.txt" || { cat "$out/warnings.txt" >&2; exit 1; }
if [ -s "$out/warnings.txt" ]; then
    cat "$out/warnings.txt" >&2
    echo "build_reference.sh: Doxygen warned" >&2
    exit 1
fi
echo "build_reference: $(find "$out" -name '*.html' | wc -l) pages in $out"
