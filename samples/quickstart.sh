#!/usr/bin/env bash
# From a clean clone on Debian 12: installs what is missing, builds, makes web copies of the sample photos, and leaves a
# contact sheet of inputs and outputs to look at.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")

"$here/build.sh" tessera tessera_contact_sheet
cd "$root"
tessera="$root/build/release/tessera"

out="$root/out/quickstart"
mkdir -p "$out"
echo
echo "tessera run samples/recipes/web.toml samples/photos -o out/quickstart"
"$tessera" run "$here/recipes/web.toml" "$here/photos" -o "$out"

echo
printf '%-26s %-26s %-26s\n' picture input output
for input in "$here"/photos/*.jpg "$here"/photos/*.png; do
  name=$(basename "${input%.*}")
  output="$out/$name.jpg"
  [ -e "$output" ] || continue
  describe() { "$tessera" info "$1" | sed -E 's/^.*: ([a-z]+ [0-9]+x[0-9]+).*, /\1, /'; }
  printf '%-26s %-26s %-26s\n' "$name" "$(describe "$input")" "$(describe "$output")"
done

"$root/build/release/samples/tessera_contact_sheet" "$out/contact-sheet.png" "$here/photos" "$out"
echo
echo "contact sheet of inputs and outputs: out/quickstart/contact-sheet.png"
