#!/usr/bin/env bash
# measure.sh BINARY [OPERATION...]: instructions per operation of instruction_counts, as callgrind counts them: lines
# "OPERATION<TAB>INSTRUCTIONS" with one decimal, in the order of instruction_counts --list.
set -euo pipefail
binary=$1
shift

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Prints what was counted in each series. A thread's counts are in a file of their own, numbered by series and thread;
# only the thread that passes the marks has any with a number of a series.
series() {  # OPERATION COUNT...
  rm -f "$work"/out*
  valgrind -q --tool=callgrind --callgrind-out-file="$work/out" --separate-threads=yes --cache-sim=no \
    --zero-before=orrery_counting_begins --dump-before=orrery_counting_ends "$binary" "$@" > "$work/log" 2>&1 ||
    { cat "$work/log" >&2; return 1; }
  local file
  for ((number = 1; number < $#; ++number)); do
    file=$(compgen -G "$work/out.$number-*") || { echo "measure.sh: $1: series $number left no counts" >&2; return 1; }
    sed -n 's/^summary: //p' "$file"
  done
}

while read -r operation small large; do
  [[ $# -eq 0 || " $* " == *" $operation "* ]] || continue
  mapfile -t counted < <(series "$operation" "$large" "$small" "$large")
  ((${#counted[@]} == 3)) || exit 1
  awk -v operation="$operation" -v difference=$((counted[2] - counted[1])) -v count=$((large - small)) \
    'BEGIN { printf "%s\t%.1f\n", operation, difference / count }'
done < <("$binary" --list)
