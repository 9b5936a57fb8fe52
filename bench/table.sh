#!/usr/bin/env bash
# table.sh [--quick] [--rows REGEX] [--json FILE] [--plot FILE] [--keep FILE]: our benchmarks, the machine's limits and the
# peers in one table of ratios.
#   --rows REGEX     only rows whose ids match, as in '^F1'; peers run only if one of these has any
#   --json, --plot   the same for programs, and as an SVG picture
#   --keep FILE      keeps what was measured; `table.sh --from FILE [--json FILE] [--plot FILE]` makes the rest from it
# Why:  a machine drifts by more than what is to be seen. So everything runs in turns, process by process, in one run, and
#       what counts are ratios of medians.
# How:  seven repetitions (one with --quick); in each, every row of rows.txt, the limits, and every peer run once in a
#       process of their own. bench_report, from report/, makes medians and verdicts of it (report/figures.hpp says by
#       which rule). Called by ./dev bench --peers, which builds what is run here.
# Always true:  (T1) a run that ends with 0 has measured every row and computed the expected checksum in each, ours and each
#                    peer's; a target that is missed is a line that says NO, and no error
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=build/release/bin

repetitions=7 min_time=0.2 keep='' from='' only=.
report=()
while (($#)); do
  case $1 in
    --quick) repetitions=1 min_time=0.05; shift; continue ;;
    --json | --plot | --keep | --from | --rows) ;;
    *) sed -n '2,3s/^# //p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
  esac
  value=${2:?$1 needs a value}
  case $1 in
    --keep) keep=$value ;;
    --from) from=$value ;;
    --rows) only=$value ;;
    *) report+=("$1" "$value") ;;
  esac
  shift 2
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
awk -v only="$only" '!/^#/ && NF && $1 ~ only' bench/rows.txt > "$work/rows"
rows=$work/rows
[[ -s $rows ]] || { echo "table.sh: no row matches $only" >&2; exit 2; }
if [[ -n $from ]]; then
  "$bin/bench_report" "$rows" "$from" "${report[@]}"
  exit
fi
# What was measured: one line "WHO ROW FIGURE CHECKSUM" each, where WHO is ours, limit, or a peer.
measured=$work/measured

# Runs benchmarks and prints "NAME FIGURE CHECKSUM" for each. The columns of the CSV differ between executables.
benchmarks() {  # EXECUTABLE FILTER FIGURE
  "$bin/$1_bench" --benchmark_filter="$2" --benchmark_min_time=$min_time --benchmark_format=csv 2> "$work/stderr" |
    awk -F, -v figure="$3" '
      { gsub(/"/, "") }
      /^name,/ { for (i = 1; i <= NF; ++i) column[$i] = i; next }
      !column["name"] { next }
      $column["error_occurred"] == "true" { exit 1 }
      {
        counter = figure; sub(/^1\//, "", counter)
        if (!column[counter]) exit 1
        value = $column[counter]
        if (figure == "per_item") value *= 1e9
        if (figure == "real_time") value *= $column["time_unit"] == "us" ? 1e3 : $column["time_unit"] == "ms" ? 1e6 : 1
        if (figure ~ /^1\//) value = 1e9 / value
        print $column["name"], value, column["checksum"] ? $column["checksum"] : "-"
      }' || { cat "$work/stderr" >&2; return 1; }
}

# A row that cannot be measured is left out here and complained about by bench_report.
measure_ours() {  # ID EXECUTABLE BENCHMARK FIGURE
  local line
  line=$(benchmarks "$2" "^$3\$" "$4") || line=
  [[ -n $line ]] || { echo "table.sh: $2_bench does not measure $3" >&2; return 0; }
  echo "ours $1 ${line#* }" >> "$measured"
}

peers=
if awk '$7 != "-" { found = 1 } END { exit !found }' "$rows"; then peers=$(bench/peers/run.sh build); fi
for ((repetition = 1; repetition <= repetitions; ++repetition)); do
  echo "repetition $repetition of $repetitions" >&2
  while read -r id executable benchmark figure _; do
    [[ $executable == - ]] || measure_ours "$id" "$executable" "$benchmark" "$figure"
  done < "$rows"
  benchmarks limits . real_time | sed 's/^limit_/limit /' >> "$measured"
  for peer in $peers; do bench/peers/run.sh run "$peer" | sed "s/^/$peer /" >> "$measured"; done
done
[[ -z $keep ]] || cp "$measured" "$keep"

build=$("$bin/limits_bench" --benchmark_filter=indirect_call 2>&1 | grep -E '^(commit|compiler|build):' | tr '\n' ' ')
cat <<TEXT

$(grep -m 1 '^model name' /proc/cpuinfo | sed 's/.*: //'), $(nproc) cores, load $(cut -d' ' -f1-3 /proc/loadavg)
$build
medians of $repetitions; spread is (largest - smallest) / median; ns per message, ask, hop, actor, timer or run unless a unit is shown

TEXT
"$bin/bench_report" "$rows" "$measured" "${report[@]}"
