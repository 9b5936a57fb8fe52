#!/usr/bin/env bash
# file_length.sh ROOT: names layer files past 600 lines and fails past 900: a file holds one idea, and a long one hides
# a second.
set -euo pipefail
cd "$1"
layers=()
for layer in runtime sim testkit props; do
  if [[ -d $layer ]]; then layers+=("$layer"); fi
done
((${#layers[@]})) || { echo "there is no layer under $1"; exit 1; }
find "${layers[@]}" -type f \( -name '*.hpp' -o -name '*.cpp' \) | LC_ALL=C sort | awk '
{
  lines = 0
  while ((getline text < $0) > 0) lines++
  close($0)
  if (lines > 900) { print $0 ": " lines " lines, 900 is the limit"; wrong++ }
  else if (lines > 600) print $0 ": " lines " lines, look for a second idea"
}
END { printf "%d files, %d too long\n", NR, wrong; exit wrong > 0 }'
