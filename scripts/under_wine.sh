#!/usr/bin/env bash
# Runs a program of Windows under Wine, with the same exit code. usage: under_wine.sh PROGRAM [ARGUMENT…]
#
# Wine's files lie in a directory of their own (UNDER_WINE_HOME; by default build/wine beside this script), which is made
# anew in some 8 s when it is not there. Nothing of Wine's is said, no window is opened, and after five minutes it ends.
set -euo pipefail

wine=$(command -v wine64 || command -v wine) || { echo "under_wine: wine is not there; install: wine wine64" >&2; exit 127; }
export WINEPREFIX=${UNDER_WINE_HOME:-$(cd "$(dirname "$0")/.." && pwd)/build/wine}
export WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml,winemenubuilder.exe=' DISPLAY= WAYLAND_DISPLAY=
mkdir -p "$WINEPREFIX"

# Two programs that find no server of Wine's and start one at the same time may wait for each other for ever (Wine 8): a
# program that does nothing goes first, one at a time, and leaves a server behind that waits half a minute for the next.
start() {
    [ -e "$WINEPREFIX/made" ] || { timeout 120 "$wine" wineboot --init && touch "$WINEPREFIX/made"; } || return
    wineserver -p30 || true  # 2: there is one
    timeout 60 "$wine" cmd /c exit 0
}
(
    flock 9
    start < /dev/null > "$WINEPREFIX/start.log" 2>&1 9>&- || { tail -n 20 "$WINEPREFIX/start.log" >&2; echo "under_wine: wine does not start" >&2; exit 126; }
) 9> "$WINEPREFIX/lock"
exec timeout --kill-after=10 300 "$wine" "$@"
