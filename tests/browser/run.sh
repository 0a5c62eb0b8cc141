#!/usr/bin/env bash
# Opens reports of `tessera compare --report` in headless Chromium and checks what a reader meets (see check_page.py).
#   tests/browser/run.sh REPORT.html...        these
#   tests/browser/run.sh --made-by PROGRAM     what PROGRAM makes of the sample document and of its edge cases
# Screenshots are written into TESSERA_SCREENSHOTS, else beside the reports, or beside PROGRAM.
# Exit 0: all is well; 1: something is wrong and has been said; 77: there is no Chromium.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

if ! command -v chromium >/dev/null; then
  echo "browser: no chromium here (samples/setup.sh tests installs it); reports were not looked at"
  exit 77
fi

if [ "${1:-}" = --made-by ]; then
  program=$2
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  export TESSERA_SCREENSHOTS=${TESSERA_SCREENSHOTS:-$(cd "$(dirname "$program")" && pwd)/screenshots}
  mkdir -p "$TESSERA_SCREENSHOTS"
  /usr/bin/python3 "$here/edge_documents.py" "$here/../pipeline/compare_sample.json" "$work"
  for document in "$work"/*.json; do
    "$program" "$document" >"${document%.json}.html"
  done
  set -- "$work"/*.html
fi
/usr/bin/python3 "$here/check_page.py" "$here/../../pipeline/compare/compare.schema.json" "$@"
