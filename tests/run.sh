#!/usr/bin/env bash
# From a clean clone on Debian 12: installs what is missing, builds and runs every test: under the address and
# undefined-behaviour sanitizers, under the thread sanitizer (what runs threads), and plainly, last.
#   tests/run.sh            everything
#   tests/run.sh --quick    the plain build only
# TESSERA_TEST_SEED=N repeats the random tests of an earlier run; every run prints its seed.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
samples/setup.sh tests

data="$root/../shared/data"
[ -d "$data" ] || echo "tests: no shared pictures at ../shared/data: the tests that use them pass without looking"
export TESSERA_TEST_SEED=${TESSERA_TEST_SEED:-$((RANDOM * 32768 + RANDOM))}
echo "tests: TESSERA_TEST_SEED=$TESSERA_TEST_SEED"
jobs=$(nproc)

build() {
  cmake --preset "$1" -DTESSERA_BENCH=OFF >/dev/null
  cmake --build --preset "$1" | { grep -vE '^\[[0-9]+/[0-9]+\]|^ninja: no work' || true; }
}

if [ "${1:-}" != --quick ]; then
  build asan
  echo "tests: address and undefined-behaviour sanitizers"
  ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
    ctest --preset asan -j "$jobs" --progress >build/asan/ctest.log 2>&1 || { grep -vE '^ *[0-9]+/[0-9]+ Test .*Passed' build/asan/ctest.log | tail -200; exit 1; }
  tail -3 build/asan/ctest.log
  build tsan
  echo "tests: thread sanitizer"
  TSAN_OPTIONS="halt_on_error=1:suppressions=$root/tests/tsan.supp" \
    ctest --preset tsan -j "$jobs" --progress -R 'thread' >build/tsan/ctest.log 2>&1 || { tail -200 build/tsan/ctest.log; exit 1; }
  tail -3 build/tsan/ctest.log
fi
build dev
ctest --preset dev -j "$jobs"
