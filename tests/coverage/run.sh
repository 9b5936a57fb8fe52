#!/usr/bin/env bash
# run.sh [SUITE...]: which lines and branches of the layers the suites reach, in a build of preset coverage; a table, and pages
# in build/coverage/html. Called by ./dev coverage, which has built them.
# Not seen: what a process did that ended with _Exit or a signal, as workers of campaigns and death tests do; and templates in
#           headers count as reached when any of their instances is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
jobs=${JOBS:-$(nproc)}
build=build/coverage
rm -rf "$build/profiles" "$build/html"
mkdir -p "$build/profiles"

# Checks of the build itself run compilers, not us.
without='^(instructions.*|bench_short_.*|install.*|compile_fail.*|docs_pages.*|planted_check|layers.*|zoo_.*)$'
only=()
if (($#)); then only=(--tests-regex "^($(IFS='|' && echo "$*"))\$"); fi
status=0
LLVM_PROFILE_FILE="$PWD/$build/profiles/%4m.profraw" ORRERY_TEST_SCALE=short \
  ctest --preset coverage --parallel "$jobs" --exclude-regex "$without" "${only[@]}" >"$build/ctest.log" 2>&1 || status=$?
tail -n 3 "$build/ctest.log"
llvm-profdata-19 merge -sparse -o "$build/all.profdata" "$build"/profiles/*.profraw

# The programs that have run; the first is no different from the others, but llvm-cov wants it so.
programs=()
for program in "$build"/bin/*; do
  if [[ -x $program && -f $program ]]; then programs+=(-object "$program"); fi
done
ours=(runtime/orrery sim/orrery testkit/orrery props/orrery)
llvm-cov-19 export -summary-only -instr-profile="$build/all.profdata" "${programs[@]:1}" "${ours[@]}" >"$build/summary.json" 2>"$build/llvm-cov.log"
perl tests/coverage/table.pl "$build/summary.json"
llvm-cov-19 show -format=html -show-branches=count -output-dir="$build/html" -instr-profile="$build/all.profdata" \
  "${programs[@]:1}" "${ours[@]}" 2>>"$build/llvm-cov.log"
echo "pages: $build/html/index.html"
exit "$status"
