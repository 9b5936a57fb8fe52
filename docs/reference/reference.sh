#!/usr/bin/env bash
# reference.sh FOLDER: FOLDER/html, made from the headers. A warning of doxygen's is an error, and so is a line of snippets.txt
# that belongs to no docstring any more.
set -euo pipefail
mkdir -p "$1"
folder=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
rm -rf "$folder/html"
{ cat docs/reference/Doxyfile && echo "OUTPUT_DIRECTORY = $folder"; } | doxygen - 2>"$folder/warnings" || true
wrong=0
if [[ -s $folder/warnings ]]; then
  cat "$folder/warnings"
  wrong=1
fi
while IFS= read -r line; do
  header=${line%% | *} text=${line#* | } snippet=${line##* | }
  text=${text% | *}
  times=$(cat {runtime,sim,testkit,props}/"$header" 2>/dev/null | sed -E 's|^ *(/// )?||' | grep -cxF -- "$text") || true
  if [[ $times != 1 ]]; then
    echo "docs/reference/snippets.txt: \"$text\" stands $times times in $header, not once ($snippet)"
    wrong=1
  fi
done <docs/reference/snippets.txt
[[ -f $folder/html/index.html ]] || wrong=1
((wrong == 0)) && echo "the reference is in $folder/html/index.html"
