#!/usr/bin/env bash
# From a clean clone on Debian 12: installs what is missing, builds and runs every test: under the address and
# undefined-behaviour sanitizers, the fuzzers for ten seconds each, under the thread sanitizer (what runs threads),
# reports in a browser, and plainly, last.
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

# build PRESET [TARGET...]: silent unless it fails.
build() {
  local preset=$1
  shift
  echo "tests: building $preset"
  cmake --preset "$preset" -DTESSERA_BENCH=OFF >/dev/null
  if ! cmake --build --preset "$preset" ${*:+--target "$@"} >"build/$preset/build.log" 2>&1; then
    grep -E 'error|FAILED' "build/$preset/build.log" | head -50
    echo "tests: building $preset failed; build/$preset/build.log holds all of it" >&2
    exit 1
  fi
}

# check PRESET [ctest options]: the summary, and all of what failed.
check() {
  local preset=$1
  shift
  if ! ctest --preset "$preset" -j "$(nproc)" "$@" >"build/$preset/ctest.log" 2>&1; then
    grep -vE '(Start +[0-9]+:|Passed +[0-9.]+ sec)' "build/$preset/ctest.log" | tail -300
    exit 1
  fi
  grep -E 'tests passed|Total Test time' "build/$preset/ctest.log"
}

if [ "${1:-}" != --quick ]; then
  build asan
  echo "tests: under the address and undefined-behaviour sanitizers"
  export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
  # Of the fault catalogue those rows that are about decoding: the others try processes and clocks, and run below.
  check asan -E '^tessera_faults_tests'
  check asan -R '^tessera_faults_tests:row 1[89]'
  echo "tests: fuzzing"
  JOBS=$(nproc) tests/fuzz/run.sh 10
  build tsan tessera tessera_workers_tests tessera_pipeline_tests
  echo "tests: what runs threads, under the thread sanitizer"
  TSAN_OPTIONS=halt_on_error=1 check tsan -R '^tessera_workers_tests|thread'
fi
build dev
echo "tests: reports in a browser"
tests/browser/run.sh --made-by build/dev/tests/browser/tessera_make_report
ctest --preset dev -j "$(nproc)"
