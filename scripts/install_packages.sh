#!/usr/bin/env bash
# Installs those of the given Debian packages that are missing, as root or with sudo. usage: install_packages.sh [--optional] PACKAGE…
# With --optional it continues without packages that it cannot get, or that would replace another package.
set -euo pipefail

optional=0
keep=()
if [ "${1:-}" = --optional ]; then
    optional=1
    keep=(--no-remove)
    shift
fi
missing=()
for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q 'install ok installed' || missing+=("$package")
done
[ ${#missing[@]} != 0 ] || exit 0
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)
echo "installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
{ "${as_root[@]}" apt-get update -qq && "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${keep[@]}" "${missing[@]}"; } > "$log" 2>&1 ||
    { [ "$optional" = 0 ] || { echo "not to be had here: ${missing[*]}; what needs it is not checked"; exit 0; }
      tail -n 20 "$log" >&2; echo "install_packages: apt-get failed" >&2; exit 1; }
rm -f "$log"
