#!/usr/bin/env bash
# Measures on this machine what threads and processes cost and are worth, and writes the story of it:
#   samples/threads-and-processes.sh [PHOTOS]     a folder of pictures; default: samples/photos
# The page goes to samples/threads-and-processes.md, the report with its charts to out/threads-and-processes.html.
# It takes some minutes; a machine that does nothing else gives figures that mean something.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
photos=samples/photos  # from the project's folder: the page names no place of one machine
[ $# -eq 0 ] || photos=$(realpath "$1")
"$here/build.sh" tessera
cd "$root"
mkdir -p out
build/release/tessera compare "$photos" --resize '1600x1600>' -s 'sharpen amount=0.5' -f jpeg -Q 82 \
  -j 1,2,4 --with costs,faults,balance \
  --report out/threads-and-processes.html --export-json out/threads-and-processes.json \
  --export-markdown samples/threads-and-processes.md
echo
echo "the story: samples/threads-and-processes.md; with charts: out/threads-and-processes.html"
