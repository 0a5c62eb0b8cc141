#!/bin/sh
# A peer for `tessera compare`: one short-lived process a picture, as many at a time as there are usable CPUs.
#
#   tessera compare PHOTOS --peer 'vips=samples/peers/vips_xargs.sh {in} {out}'
#
# vips_xargs.sh IN OUT [PROCESSES]: every JPEG and PNG of the folder IN, at most 1600 pixels wide and high, into OUT as
# JPEG of quality 82. Exit code 1 if a picture failed.
set -eu

if [ $# -lt 2 ] || [ $# -gt 3 ]; then
  echo "usage: vips_xargs.sh IN OUT [PROCESSES]" >&2
  exit 2
fi
if ! command -v vipsthumbnail >/dev/null; then
  echo "vips_xargs.sh: there is no vipsthumbnail here; install it: apt install libvips-tools" >&2
  exit 1
fi
output=$(cd "$2" && pwd)
VIPS_CONCURRENCY=1 # the processes are the parallelism
export VIPS_CONCURRENCY
cd "$1"
# The whole name stays: a.jpg and a.png are two pictures. -L: the folder may hold links.
find -L . -maxdepth 1 -type f \( -iname '*.jpg' -o -iname '*.jpeg' -o -iname '*.png' \) -print0 |
  xargs -0 -r -n 1 -P "${3:-$(nproc)}" sh -c '
    vipsthumbnail "$2" --size "1600x1600>" -o "$1/${2##*/}.jpg[Q=82]"' sh "$output" || exit 1
