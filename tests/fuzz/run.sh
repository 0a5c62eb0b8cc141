#!/usr/bin/env bash
# Builds the fuzzers (preset fuzz) and runs each corpus for a fixed time. Needs clang; samples/setup.sh tests installs it.
#   tests/fuzz/run.sh [SECONDS] [CORPUS...]    10 seconds each; all of them
# What was learnt stays in build/fuzz/corpus and is where the next run starts; an input that breaks something is kept in
# build/fuzz/findings, and the exit code is 1. To look at one again: build/fuzz/tests/fuzz/fuzz_TARGET FILE
# SEEDS=FOLDER adds that folder's files as seeds, SEED=N repeats a run, JOBS=N runs so many corpora at a time.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-10}
shift || true
here=tests/fuzz build=build/fuzz

# corpus:target:dictionary:longest input
all=(
  jpeg:decode:jpeg:16384 png:decode:png:16384 tiff:decode::16384 pnm:decode::4096 encode:encode::2048 metadata:metadata::4096
  recipe:recipe:recipe:4096 stages:stages:stages:512 geometry:geometry::64 size_text:size_text::64
  name_template:name_template::1024 glob:glob::256 path_list:path_list::4096
  wire:wire::4096 plan:plan::128 channel:channel::8192
)

mkdir -p "$build"
if ! { cmake --preset fuzz && cmake --build --preset fuzz --target fuzzers; } >"$build/build.log" 2>&1; then
  grep -E 'error|FAILED' "$build/build.log" | head -20
  echo "fuzz: building failed; $build/build.log holds all of it" >&2
  exit 1
fi
rm -rf "$build/seeds"
"$build/tests/fuzz/fuzz_seeds" "$build/seeds"
cp samples/recipes/*.toml "$build/seeds/recipe/"
cp "$here"/dictionaries/*.dict "$build/seeds/"
cat "$build/seeds/stages.dict" >>"$build/seeds/recipe.dict"

export ASAN_OPTIONS=allocator_may_return_null=0:detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
for symbolizer in llvm-symbolizer-16 llvm-symbolizer; do
  [ -n "${ASAN_SYMBOLIZER_PATH:-}" ] || ! command -v "$symbolizer" >/dev/null ||
    export ASAN_SYMBOLIZER_PATH=$(command -v "$symbolizer")
done

# fuzz CORPUS TARGET DICTIONARY LONGEST: one line with what was done.
fuzz() {
  local corpus=$1 target=$2 dictionary=$3 longest=$4
  local learnt=$build/corpus/$corpus findings=$build/findings/$corpus log=$build/$corpus.log
  mkdir -p "$learnt" "$findings"
  local folders=("$learnt")
  for seeds in "$build/seeds/$corpus" "$here/seeds/$corpus" ${SEEDS:+"$SEEDS"}; do
    [ -d "$seeds" ] && folders+=("$seeds")
  done
  # A single input takes milliseconds; a machine under load takes its time. malloc_limit: a request that absurd is a bug.
  if "$build/tests/fuzz/fuzz_$target" -max_total_time="$seconds" -max_len="$longest" -timeout=30 -rss_limit_mb=2048 \
    -malloc_limit_mb=512 -print_final_stats=1 -artifact_prefix="$findings/" ${SEED:+-seed="$SEED"} \
    ${dictionary:+-dict="$build/seeds/$dictionary.dict"} "${folders[@]}" >"$log" 2>&1; then
    awk -v corpus="$corpus" '
      /cov: / { for (i = 1; i < NF; ++i) if ($i == "cov:") coverage = $(i + 1); else if ($i == "ft:") features = $(i + 1) }
      /number_of_executed_units/ { units = $2 }
      /peak_rss_mb/ { rss = $2 }
      END { printf "fuzz: %-14s %9d executions, coverage %5d, features %6d, peak %4d MB\n", corpus, units, coverage, features, rss }
    ' "$log"
  else
    echo "fuzz: $corpus: FINDING; $log has the trace, $findings the input:"
    grep -E 'property|Assertion|ERROR: |runtime error|SUMMARY|Test unit written|what\(\)' "$log" | head -8
    return 1
  fi
}

failed=0
for entry in "${all[@]}"; do
  IFS=: read -r corpus target dictionary longest <<<"$entry"
  [ $# -eq 0 ] || [[ " $* " == *" $corpus "* ]] || continue
  fuzz "$corpus" "$target" "$dictionary" "$longest" &
  while [ "$(jobs -rp | wc -l)" -ge "${JOBS:-1}" ]; do wait -n || failed=1; done
done
while [ "$(jobs -rp | wc -l)" -gt 0 ]; do wait -n || failed=1; done
exit "$failed"
