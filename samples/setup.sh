#!/usr/bin/env bash
# Installs what building Tessera needs on Debian 12, if it is missing. Quick when nothing is.
#   samples/setup.sh          for building and running
#   samples/setup.sh tests    for the tests as well
#   samples/setup.sh bench    for tests/bench: micro-benchmarks, and the programs that Tessera is compared with
set -euo pipefail

packages=(
  g++ cmake ninja-build pkg-config ccache
  libopencv-core-dev libopencv-imgproc-dev libtbb-dev libcli11-dev
  libjpeg62-turbo-dev libpng-dev libtiff-dev libdeflate-dev libhwy-dev libtomlplusplus-dev nlohmann-json3-dev
  libsqlite3-dev libfmt-dev libseccomp-dev libxxhash-dev
)
# clang for the fuzzers. Debian 12's default, 14, cannot compile the views of GCC 12's library; libFuzzer is in
# libclang-rt. chromium, a font and a validator for looking at reports.
[ "${1:-}" = tests ] && packages+=(catch2 clang-16 libclang-rt-16-dev chromium fonts-dejavu-core python3-jsonschema time)
[ "${1:-}" = bench ] && packages+=(
  libbenchmark-dev libvips-tools libvips-dev graphicsmagick imagemagick python3-opencv python3-pil python3-numpy nodejs npm)

missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "setup: these packages are missing and you are neither root nor have sudo: ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
if ! command -v apt-get >/dev/null; then
  echo "setup: this is not Debian; install the equivalents of: ${missing[*]}" >&2
  exit 1
fi
echo "setup: installing ${missing[*]}"
log=$(mktemp)
if ! { "${as_root[@]}" apt-get update -qq &&
       "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -5 "$log" >&2
  echo "setup: apt-get could not install ${missing[*]} (its last lines are above)" >&2
  exit 1
fi
rm -f "$log"
