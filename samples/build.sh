#!/usr/bin/env bash
# Installs what is missing and builds the release: samples/build.sh TARGET... Silent about the compiler unless it fails.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
"$root/samples/setup.sh"
cd "$root"
echo "building (a few minutes the first time, seconds later)"
cmake --preset release -DTESSERA_TESTS=OFF >/dev/null
log=build/release/build.log
if ! cmake --build --preset release --target "$@" >"$log" 2>&1; then
  grep -E 'error|FAILED' "$log" >&2
  echo "the build failed; $root/$log holds all of it" >&2
  exit 1
fi
