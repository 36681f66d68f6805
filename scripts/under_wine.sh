#!/usr/bin/env bash
# Runs a program of Windows under Wine, with the same exit code. usage: under_wine.sh PROGRAM [ARGUMENT…]
#
# Wine's files lie in a directory of their own (UNDER_WINE_HOME; by default build/wine beside this script), which is made
# anew in some 8 s when it is not there. Nothing of Wine's is said, no window is opened, and after ten minutes it ends.
set -euo pipefail

wine=$(command -v wine64 || command -v wine) || { echo "under_wine: wine is not there; install: wine wine64" >&2; exit 127; }
export WINEPREFIX=${UNDER_WINE_HOME:-$(cd "$(dirname "$0")/.." && pwd)/build/wine}
export WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml,winemenubuilder.exe=' DISPLAY= WAYLAND_DISPLAY=
mkdir -p "$WINEPREFIX"
(
    flock 9  # one makes it, the others wait
    [ -e "$WINEPREFIX/made" ] || { timeout 120 "$wine" wineboot --init < /dev/null > "$WINEPREFIX/wineboot.log" 2>&1 9>&- && touch "$WINEPREFIX/made"; }
) 9> "$WINEPREFIX/lock" || { tail -n 20 "$WINEPREFIX/wineboot.log" >&2; echo "under_wine: wineboot failed" >&2; exit 126; }
exec timeout --kill-after=10 600 "$wine" "$@"
