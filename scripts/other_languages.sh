#!/usr/bin/env bash
# Builds the library and the examples with clang's standard library and as C++23, warnings as errors, and runs the examples.
#
# usage: other_languages.sh
set -euo pipefail
cd "$(dirname "$0")/.."

clang=clang++-19
command -v $clang > /dev/null || { echo "other_languages: $clang is not there; install: clang-19" >&2; exit 1; }
echo '#include <version>' | $clang -stdlib=libc++ -x c++ -fsyntax-only - 2> /dev/null ||
    { echo "other_languages: no libc++; install: libc++-19-dev libc++abi-19-dev" >&2; exit 1; }
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

# check COMPILER FLAG…
check() {
    local compile=(${CMAKE_CXX_COMPILER_LAUNCHER:-} "$@" -O0 -Iinclude -pthread
                   -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wold-style-cast -Werror) objects=$directory/$RANDOM
    mkdir "$objects"
    printf '%s\n' src/*/*.cpp src/os/linux/*.cpp examples/*.cpp | xargs -P "$(nproc)" -I '{}' sh -c \
        'object=$1/$(echo "$2" | tr / _).o file=$2; shift 2; exec "$@" -c "$file" -o "$object"' sh "$objects" '{}' "${compile[@]}"
    for expected in examples/*.expected; do
        local name=${expected%.expected}
        [ -e "$name.cpp" ] || continue
        "$@" -pthread "$objects/${name/\//_}.cpp.o" "$objects"/src_*.o -o "$objects/program"
        "$objects/program" | diff - "$expected" || { echo "other_languages: $name.cpp, built with $*" >&2; exit 1; }
    done
    echo "other_languages: $*: the examples say what they should"
}

check $clang -stdlib=libc++ -std=c++20
check $clang -stdlib=libc++ -std=c++23
check g++ -std=c++23
