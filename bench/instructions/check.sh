#!/usr/bin/env bash
# check.sh [--update] [--baseline FILE] [--measured FILE] BINARY: the instructions of each operation against those stored.
# Why:  no timing on a shared machine tells a slowdown of 2 % from its noise; a count of instructions does.
# How:  measure.sh counts; a row that is more than 1 % off in either direction fails, as does one that only one side has.
#       A gain fails too: it is kept by storing it, so that it cannot be lost again unseen.
#       The baseline has lines "COMPILER<TAB>OPERATION<TAB>INSTRUCTIONS", sorted. For another compiler there is nothing to
#       compare with: its figures are printed, and that is all.
#       --measured takes figures from a file instead of measuring: for the test of this script.
# Always true:  (G1) nothing but --update writes the baseline, and then only this compiler's lines
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
baseline=$here/../instructions.baseline measured= update=false
while (($# > 1)); do
  case $1 in
    --update) update=true ;;
    --baseline) baseline=$2; shift ;;
    --measured) measured=$2; shift ;;
    *) break ;;
  esac
  shift
done
(($# == 1)) || { sed -n '2s/^# //p' "${BASH_SOURCE[0]}" >&2; exit 2; }
binary=$1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
compiler=$("$binary" --compiler)
if [[ -z $measured ]]; then
  measured=$work/measured
  "$here/measure.sh" "$binary" > "$measured"
fi
[[ -s $measured ]] || { echo "check.sh: nothing was measured" >&2; exit 1; }
touch "$work/none"
[[ -f $baseline ]] || baseline_read=$work/none

awk -F'\t' -v compiler="$compiler" '
  function row(operation, was, now, change, words) {
    printf "%-20s %12s %12s %9s  %s\n", operation, was, now, change, words
  }
  FILENAME == ARGV[1] { if ($1 == compiler) { stored[$2] = $3; rows++ } next }
  !head++ {
    print "instructions per operation, " compiler
    row("operation", "baseline", "now", "change", "")
  }
  {
    seen[$1]
    if (!rows) { row($1, "-", $2, "-", ""); next }
    if (!($1 in stored)) { row($1, "-", $2, "-", "is not in the baseline"); wrong++; next }
    # In tenths of instructions and whole numbers, so that the edge is where it says.
    was = int(stored[$1] * 10 + 0.5); now = int($2 * 10 + 0.5)
    words = ""
    if (now * 100 > was * 101) { words = "MORE"; wrong++ }
    if (now * 100 < was * 99) { words = "FEWER"; gains++ }
    row($1, stored[$1], $2, was ? sprintf("%+.2f %%", (now - was) * 100 / was) : "-", words)
  }
  END {
    for (operation in stored) if (!(operation in seen)) { row(operation, stored[operation], "-", "-", "is not measured any more"); wrong++ }
    if (!rows) print "there is no baseline for " compiler ": nothing was compared"
    else if (!wrong && !gains) print "all within 1 %"
    if (wrong) print wrong " out of bounds. If that is meant: ./dev instructions --update, and say why in the commit"
    if (gains) print gains " cheaper than the baseline. Keep the gain: ./dev instructions --update"
    exit wrong + gains > 0
  }' "${baseline_read:-$baseline}" "$measured" && status=0 || status=$?

$update || exit "$status"
{
  awk -F'\t' -v compiler="$compiler" '$1 != compiler' "${baseline_read:-$baseline}"
  sed "s/^/$compiler\t/" "$measured"
} | LC_ALL=C sort > "$work/new"
cp "$work/new" "$baseline"
echo "written: $(realpath --relative-to=. "$baseline")"
