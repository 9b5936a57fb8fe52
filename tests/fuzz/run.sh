#!/usr/bin/env bash
# run.sh SECONDS [TARGET...]: searches with libFuzzer for inputs that break a promise, SECONDS for each target, and prints a
# table. Called by ./dev fuzz, which has built them. What a search has learned stays in build/fuzz/corpus and is the beginning
# of the next one; an input that breaks something is put into build/fuzz/findings, and stays broken until it is mended: the exit
# code is 1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
jobs=${JOBS:-$(nproc)}
seconds=$1
shift
programs=build/fuzz/bin

# Of the wall clock, on a machine that may be busy: an input of a few kilobytes takes milliseconds, one of a megabyte less than
# a second.
limits=(-rss_limit_mb=2048 -malloc_limit_mb=1024)
seconds_known=20
seconds_found=5

# One target, in a process of its own.    Prints: its line of the table.
search() {  # TARGET
  local target=$1 program=$programs/fuzz_$1 corpus=build/fuzz/corpus/$1 findings=build/fuzz/findings/$1 log=build/log/fuzz_$1.log
  local folders=("$corpus") flags=("${limits[@]}" "-artifact_prefix=$findings/") status=0 executions=0 rate=0 features=0 verdict=ok
  rm -rf build/fuzz/seeds/"$target"
  mkdir -p "$corpus" "$findings" build/log
  "$program" seeds build/fuzz/seeds/"$target"
  for folder in tests/fuzz/corpus/"$target" build/fuzz/seeds/"$target"; do
    if [[ -d $folder ]]; then folders+=("$folder"); fi
  done
  case $target in
    scenarios) folders+=(tests/scenario/examples) ;;
    histories) folders+=(tests/histories) ;;
  esac
  if [[ -f tests/fuzz/dictionaries/$target.dict ]]; then flags+=("-dict=tests/fuzz/dictionaries/$target.dict"); fi
  # First all that is known, at its full length; large inputs show what grows too fast. Then the search, which is faster
  # with short ones.
  local known=()
  mapfile -t known < <(find "$findings" "${folders[@]}" -type f)
  "$program" "${flags[@]}" "-timeout=$seconds_known" "${known[@]}" >"$log" 2>&1 || status=$?
  if ((status == 0)); then
    find "$findings" -type f -exec mv -t "$corpus" {} +  # mended
    "$program" "${flags[@]}" "-timeout=$seconds_found" -max_len=8192 -max_total_time="$seconds" -print_final_stats=1 "${folders[@]}" >>"$log" 2>&1 || status=$?
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
    rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log" | tail -n 1)
    features=$(sed -nE 's/.* ft: ([0-9]+) .*/\1/p' "$log" | tail -n 1)
  fi
  ((status == 0)) || verdict="BROKEN: $(sed -nE 's/^([a-z_]+: broken promise: .*|SUMMARY: .*)$/\1/p' "$log" | head -n 1 | cut -c1-100), see $log and $findings"
  printf '%-15s %12s %8s %9s %8s  %s\n' "$target" "${executions:-0}" "${rate:-0}" "${features:-0}" \
    "$(find "$corpus" -type f | wc -l)" "$verdict"
  ((status == 0))
}

if [[ ${1:-} == --one ]]; then
  search "$2"
  exit
fi
targets=("$@")
if ((${#targets[@]} == 0)); then
  for program in "$programs"/fuzz_*; do targets+=("${program##*/fuzz_}"); done
fi
printf '%-15s %12s %8s %9s %8s  %s\n' target inputs per-s features corpus "(${seconds} s each)"
status=0
printf '%s\n' "${targets[@]}" | xargs -P "$jobs" -I{} tests/fuzz/run.sh "$seconds" --one {} || status=1
exit "$status"
