#!/usr/bin/env bash
# file_length_catches.sh WORK: plants files at both edges of both limits under WORK.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$1

# said LINES: what the check prints for a tree with one file of that length, then its exit code.
said() {
  rm -rf "$work" && mkdir -p "$work/sim/orrery/sim"
  yes '// one line' | head -n "$1" >"$work/sim/orrery/sim/long.cpp"
  local status=0
  bash "$here/file_length.sh" "$work" || status=$?
  echo "exit $status"
}

expect() {  # LINES PATTERN
  local text
  text=$(said "$1" | tr '\n' ';')
  # shellcheck disable=SC2053  # the right side is a pattern
  [[ $text == $2 ]] || { printf '%s lines: expected %s, got %s\n' "$1" "$2" "$text"; exit 1; }
}

expect 600 '1 files, 0 too long;exit 0;'
expect 601 '*second idea;1 files, 0 too long;exit 0;'
expect 900 '*second idea;1 files, 0 too long;exit 0;'
expect 901 '*the limit;1 files, 1 too long;exit 1;'
rm -rf "$work"
echo "both limits hold at their edges"
