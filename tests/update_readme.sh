#!/usr/bin/env bash
# Writes the generated part of README.md anew from the program's own catalogue.
#   tests/update_readme.sh path/to/tessera
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
program=${1:-$root/build/dev/tessera}
python3 - "$root/README.md" "$program" <<'PY'
import re, subprocess, sys
path, program = sys.argv[1:]
text = open(path).read()
def generated(name, words):
    global text
    body = subprocess.run([program] + words, check=True, capture_output=True, text=True).stdout
    begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
    i, j = text.index(begin) + len(begin), text.index(end)
    text = text[:i] + body + text[j:]
generated("stages", ["stages", "--markdown"])
for command in ["run", "plan", "stages", "info", "verify", "doctor", "compare", "compare costs", "compare faults",
                "compare balance", "compare show"]:
    body = subprocess.run([program, *command.split(), "--help"], check=True, capture_output=True, text=True).stdout
    name = command.replace(" ", "-")
    begin, end = f"<!-- begin help-{name} -->\n", f"<!-- end help-{name} -->"
    i, j = text.index(begin) + len(begin), text.index(end)
    text = text[:i] + "```text\n" + body.strip("\n") + "\n```\n" + text[j:]
open(path, "w").write(text)
PY
