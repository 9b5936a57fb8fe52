#!/usr/bin/env bash
# testkit_cli.sh NAIVE_BANK_TEST BANK_TEST CHANGED_BANK_TEST WORK: command line, environment, streams and exit codes of test
# programs. Everything that is wrong with a setting is one line on stderr and exit code 2, before any test runs.
set -uo pipefail
naive=$1 right=$2 changed=$3 work=$4
rm -rf "$work"
mkdir -p "$work"
unset ORRERY_SEED ORRERY_RUNS ORRERY_REPLAY ORRERY_MODE ORRERY_FAULTS ORRERY_MAX_STEPS
export ORRERY_OUT=$work/out
failures=0

fail() {
  echo "FAILED: $*"
  sed 's/^/  stdout: /' "$work/stdout" | head -30
  sed 's/^/  stderr: /' "$work/stderr" | head -10
  failures=$((failures + 1))
}
# Runs "[NAME=VALUE...] PROGRAM [FLAG...]" and keeps its streams and its exit code.
run() { env "$@" >"$work/stdout" 2>"$work/stderr"; code=$?; }

# usage_error PATTERN COMMAND...: one line on stderr that matches, exit code 2, no word of a test.
usage_error() {
  local pattern=$1
  shift
  run "$@"
  ((code == 2)) || fail "exit code $code instead of 2: $*"
  [[ $(wc -l <"$work/stderr") == 1 ]] || fail "not one line on stderr: $*"
  grep -qE "^orrery: .*$pattern" "$work/stderr" || fail "stderr does not say '$pattern': $*"
  grep -qE 'RUN|SIM|\[=====|test' "$work/stdout" && fail "tests had begun: $*"
  true
}
# ends CODE PATTERN COMMAND...: exit code and a line of stdout.
ends() {
  local expected=$1 pattern=$2
  shift 2
  run "$@"
  ((code == expected)) || fail "exit code $code instead of $expected: $*"
  grep -qE -- "$pattern" "$work/stdout" || fail "stdout does not say '$pattern': $*"
}

# --- a failing run, to have a token and a record ---------------------------------------------------------------------
ends 1 '^\[   SIM    \] run [0-9]+ failed; shrunk in ' "$naive"
cp "$work/stdout" "$work/first"
[[ -s $work/stderr ]] && fail "a failing property writes to stderr"
token=$(grep -oE 'ORRERY_REPLAY=[^ ]+' "$work/first" | cut -d= -f2)
record=$(grep -oE '^RECORD +.*' "$work/first" | awk '{print $2}')
command=$(grep -oE '^REPRODUCE  .*' "$work/first" | cut -c12-)
[[ -n $token && -f $record && -n $command ]] || fail "no token, record or command"
story() { sed -n '/^INVARIANT VIOLATED/,/^RECORD/p' "$1"; }

# --- what is wrong is said before any test runs ----------------------------------------------------------------------
usage_error 'ORRERY_SEED="x" is not a whole number' ORRERY_SEED=x "$naive"
usage_error 'ORRERY_SEED="" is not a whole number' ORRERY_SEED= "$naive"
usage_error 'ORRERY_RUNS="0" is not a whole number of at least 1' ORRERY_RUNS=0 "$naive"
usage_error 'ORRERY_RUNS="-5"' ORRERY_RUNS=-5 "$right"
usage_error 'ORRERY_FAULTS="heavier" is not a fault profile' ORRERY_FAULTS=heavier "$right"
usage_error 'unknown variable ORRERY_RUN; is ORRERY_RUNS meant' ORRERY_RUN=5 "$right"
usage_error 'unknown flag --orrery_x' "$naive" --orrery_x=1
usage_error 'orrery_seed needs a value' "$naive" --orrery_seed
usage_error 'orrery_runs="many" is not a whole number' ORRERY_RUNS=5 "$naive" --orrery_runs=many
usage_error 'unknown argument --other' "$naive" --other
usage_error '"abcd" is no token: its checksum' ORRERY_REPLAY=abcd "$naive"
usage_error 'is no token: it holds a character' ORRERY_REPLAY='b7k2 9f3c' "$naive"
usage_error "\"${token%?}\" is no token" ORRERY_REPLAY="${token%?}" "$naive"
usage_error "the token $token belongs to no test that runs here" ORRERY_REPLAY="$token" "$right"
usage_error "the token $token belongs to no test that runs here" ORRERY_REPLAY="$token" "$changed" --gtest_filter='Other.*'
usage_error 'cannot read nowhere/failure.orrery' ORRERY_REPLAY=nowhere/failure.orrery "$naive"
usage_error 'cannot read nowhere.orrery' "$naive" --orrery_replay=nowhere.orrery
usage_error 'belongs to NaiveBank.MoneyIsConserved, which does not run here' ORRERY_REPLAY="$record" "$right"
for bytes in 0 1 20 100 $(($(wc -c <"$record") - 1)); do
  head -c "$bytes" "$record" >"$work/cut.orrery"
  usage_error 'cut.orrery: (the record is truncated|line 1: )' ORRERY_REPLAY="$work/cut.orrery" "$naive"
done
sed 's/^steps .*/steps 1/' "$record" >"$work/edited.orrery"
usage_error 'edited.orrery: the record was changed' ORRERY_REPLAY="$work/edited.orrery" "$naive"

# --- flags and variables that are right ------------------------------------------------------------------------------
ends 0 'seed 0x10, 5 runs, strategy portfolio, faults none' ORRERY_SEED=7 ORRERY_RUNS=5 "$right" --orrery_seed=0x10 --orrery_faults=none
ends 0 '^  --orrery_seed=N ' "$right" --help
ends 0 'Bank' "$right" --gtest_list_tests

# --- replays ---------------------------------------------------------------------------------------------------------
ends 1 "replay $token: reproduced \(run [0-9]+, [0-9]+ steps after shrinking" ORRERY_REPLAY="$token" "$naive"
diff <(story "$work/first") <(story "$work/stdout") || fail "the token's story differs"
bash -c "$command" >"$work/stdout" 2>"$work/stderr"
diff <(story "$work/first") <(story "$work/stdout") || fail "the pasted command's story differs"
cp "$record" "$work/kept.orrery"
steps=$(awk '$1 == "steps" {print $2}' "$record")
ends 1 "reproduced \($steps/$steps steps identical, trace $(awk '$1 == "trace" {print $2}' "$record")\)" \
  ORRERY_REPLAY="$work/kept.orrery" "$naive"
diff <(story "$work/first" | grep -v '  was  ' | sed 's/choices [0-9]* ->/choices/') \
  <(story "$work/stdout" | sed 's/choices [0-9]* ->/choices/') || fail "the record's story differs"
for _ in $(seq 20); do
  ends 1 'steps identical' ORRERY_REPLAY="$work/kept.orrery" "$naive"
done
page=$(dirname "$record")/report.html
grep -q '"stages":\[' "$page" || fail "the page of a shrunk failure has no stages to slide through"
rm "$page"
ends 1 'steps identical' ORRERY_REPLAY="$record" "$naive"
[[ -s $page ]] || fail "a replay does not make the page that is missing"

# --- a program that has changed --------------------------------------------------------------------------------------
run ORRERY_REPLAY="$work/kept.orrery" "$changed"
((code == 5)) || fail "exit code $code instead of 5 for a changed program"
grep -qE '^REPLAY DIVERGED  .*kept.orrery: ' "$work/stderr" || fail "no REPLAY DIVERGED"
grep -qE '^REPLAY DIVERGED  .*: step [0-9]+: recorded [A-Z][A-Za-z]+\{.* from .* to .*; program now' "$work/stderr" ||
  fail "the step that differs is not told"
grep -qE 'recorded by build [0-9a-fx]+, this is [0-9a-fx]+' "$work/stderr" || fail "the other build is not named"
ends 1 'kept.orrery: by name, ([0-9]+) of \1 deviations? followed; the same finding' ORRERY_MODE=loose \
  ORRERY_REPLAY="$work/kept.orrery" "$changed"
ends 1 'steps identical' ORRERY_MODE=loose ORRERY_REPLAY="$work/kept.orrery" "$naive"
run ORRERY_REPLAY="$token" "$changed"
grep -qE '^\[  SKIPPED \] Other.IsLeftOutOfAReplay' "$work/stdout" || fail "the other test ran beside the replay"

((failures == 0)) && echo "testkit_cli: all held"
exit $((failures != 0))
