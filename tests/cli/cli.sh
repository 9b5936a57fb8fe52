#!/usr/bin/env bash
# cli.sh ORRERY NAIVE_BANK_TEST BANK_TEST CHANGED_BANK_TEST SUBJECT WORK: every command of the tool, its exit code and what it
# says on which stream.
set -uo pipefail
orrery=$1 naive=$2 right=$3 changed=$4 subject=$5 work=$6
rm -rf "$work"
mkdir -p "$work"
for name in $(env | grep -o '^ORRERY_[A-Z_]*'); do unset "$name"; done
unset GITHUB_ACTIONS
export ORRERY_OUT=$work/out ORRERY_REGRESSIONS=$work/kept ORRERY_RUNS=400
failures=0

fail() {
  echo "FAILED: $*"
  sed 's/^/  stdout: /' "$work/stdout" | head -40
  sed 's/^/  stderr: /' "$work/stderr" | head -10
  failures=$((failures + 1))
}
run() { env "$@" >"$work/stdout" 2>"$work/stderr" </dev/null; code=$?; }
# ends CODE PATTERN WORD...: `orrery WORD...` ends with that code, and stdout has that line.
ends() {
  local expected=$1 pattern=$2
  shift 2
  run "$orrery" "$@"
  ((code == expected)) || fail "exit code $code instead of $expected: $*"
  grep -qE -- "$pattern" "$work/stdout" || fail "stdout does not say '$pattern': $*"
}
# refuses PATTERN WORD...: one line on stderr, nothing on stdout, exit code 2.
refuses() {
  local pattern=$1
  shift
  run "$orrery" "$@"
  ((code == 2)) || fail "exit code $code instead of 2: $*"
  [[ $(wc -l <"$work/stderr") == 1 && ! -s $work/stdout ]] || fail "not one line on stderr alone: $*"
  grep -qE "^orrery: .*$pattern" "$work/stderr" || fail "stderr does not say '$pattern': $*"
}
# json PATTERN: the file of events has such a line.
json() { grep -qE "$1" "$work/events" || fail "no event like '$1'"; }

# --- histories of other systems --------------------------------------------------------------------------------------
histories=tests/histories
ends 0 'register_ok.edn: ok \(6 operations, 1 of unknown end, ' check-history $histories/register_ok.edn --model cas-register
ends 0 'files 2, ok 2, violated 0' check-history $histories/register_ok.edn $histories/register_ok.log --model register
ends 1 'first illegal operation: process 2: read\(\) = 1' check-history $histories/register_stale.edn --model register
ends 1 '      3  process 1: append\("x", "c"\)  => "abc"' check-history $histories/kv_lost_append.edn --model kv
ends 1 'read\(\) = \{1\}' check-history $histories/set_read_twice.edn --model set
ends 1 'process 1: acquire' check-history $histories/mutex_held_twice.edn --model mutex
ends 0 'queue_ok.edn: ok' check-history $histories/queue_ok.edn --model queue
ends 1 'files 2, ok 1, violated 1' check-history $histories/register_ok.edn $histories/register_stale.edn --model register
ends 4 'unknown .*out of steps' check-history $histories/register_ok.edn --model register --steps 0
ends 4 'unknown 1, unreadable 0, exit code 4' check-history $histories/register_ok.edn --model register --steps 0
ends 1 '"verdict":"violated".*"prefix":\[\{"operation":"process 0: write\(1\)","state":"1"\}' \
  check-history $histories/register_stale.edn --model register --json
ends 1 'violated' check-history $histories/register_stale.edn --model register --init 7
printf '{:process 0, :type :invoke, :f :read}\n{:process 0, :type :ok, :f :rea}\n' >"$work/bad.edn"
ends 2 'unreadable 1, exit code 2' check-history "$work/bad.edn" $histories/register_ok.edn --model register
grep -qE '/bad.edn:2: process 0 completes :rea, but invoked :read in line 1$' "$work/stderr" || fail "no line and reason"
ends 2 'unreadable 1' check-history "$work/nothing.edn" --model register
ends 2 'unreadable 1' check-history "$work" --model register
refuses 'check-history needs --model' check-history $histories/register_ok.edn
refuses 'unknown model registr; is register meant' check-history $histories/register_ok.edn --model registr
refuses 'check-history takes FILE' check-history --model register
refuses 'steps=many is not a whole number' check-history x.edn --model kv --steps many
refuses 'time=soon is not a time' check-history x.edn --model kv --time soon
refuses 'init is for register' check-history x.edn --model kv --init 3

# --- help, and what is wrong with a command line ---------------------------------------------------------------------
ends 0 '^orrery replay b7k2-9f3c ' --help
(($(wc -l <"$work/stdout") <= 40)) || fail "--help has more than 40 lines"
ends 0 '^  --twice ' help replay
ends 0 '^  --stop-after|orrery explore Bank' explore --help
refuses 'unknown command rpelay; is replay meant' rpelay
refuses 'unknown flag --rnus for run; is --runs meant' run --rnus 5
refuses '--runs needs a value' run --runs
refuses '--twice takes no value' replay x --twice=3
refuses 'no test matches "Bnak\.\*" in 1 program' run 'Bnak.*' --binary "$right"
refuses 'is Bank.MoneyIsConserved meant' run Bank.MoneyIsConservde --binary "$right"
refuses 'is not linked with orrery::gtest_main' run --binary "$orrery"
refuses 'there is no file nowhere' run --binary nowhere
refuses '"abcd" is no token' replay abcd --binary "$naive"
refuses 'cannot read nowhere.orrery' replay nowhere.orrery --binary "$naive"
refuses 'replay needs a token' replay
refuses 'has no test program of Orrery that is built|ctest knows no tests in ' run --build "$work"
run "$orrery" run Bank --binary "$right" --runs many
((code == 2)) || fail "exit code $code instead of 2 for --runs many"

# --- run: one exit code for each kind --------------------------------------------------------------------------------
ends 0 'Bank.MoneyIsConserved' run Bank --binary "$right" --json "$work/events" --junit "$work/junit.xml" -j2
json '^\{"schema":1,"event":"run_started","test":"Bank.MoneyIsConserved",.*"jobs":2'
json '"event":"property_done".*"ended":"all_made","runs":400,'
json '"event":"summary","tests":1,"passed":1,"failed":0'
grep -q '<testcase name="MoneyIsConserved"' "$work/junit.xml" || fail "no test case in JUnit"
[[ -s $work/stderr ]] && fail "a short run writes progress"
ends 1 '^REPRODUCE  ORRERY_REPLAY=' run Naive --binary "$naive" --binary "$right" --json "$work/events" -j 1
json '"event":"failure".*"kind":"invariant_violated","name":"balance never negative"'
json '"event":"shrunk".*"record":"'
cp "$work/stdout" "$work/by_one"
ends 1 '^REPRODUCE' run Naive --binary "$naive" -j 2
story() { sed -n '/^INVARIANT VIOLATED/,/^RECORD/p' "$1"; }
diff <(story "$work/by_one") <(story "$work/stdout") || fail "two workers tell another story than one"
ends 3 'NON-DETERMINISM' run Subject.Differs\* --binary "$subject"
token=$(grep -oE 'ORRERY_REPLAY=[^ ]+' "$work/stdout" | head -1 | cut -d= -f2)
grep -q "^NEXT       orrery replay $token --twice" "$work/stdout" || fail "no NEXT of a run that does not repeat itself"
ends 3 '^orrery: twice, in two processes: the same two executions differ in both' replay "$token" --twice --binary "$subject"
ends 4 'NO PROGRESS' run Subject.NeverEnds --binary "$subject"
ends 0 'NEVER HAPPENED   sometimes "pigs fly": 0 of 400 runs \(warning\)' run Subject.NeverComes\* --binary "$subject"
ends 4 'NEVER HAPPENED   sometimes "pigs fly": 0 of 400' run Subject.NeverComes\* --binary "$subject" --strict
ends 1 '^CRASH  "SIGSEGV in crasher, handling Add"' run Subject.Crashes --binary "$subject" -j 2 --json "$work/events"
json '"event":"failure".*"kind":"crash"'
ends 0 'Bank.MoneyIsConserved' run Bank --binary "$right" --time 200ms -j 2
grep -qE '^\[   SIM    \] seed 0x5eed2026, 400 runs, 200ms by' "$work/stdout" || fail "no limits told"
ORRERY_CI=github ends 1 '^::error file=examples/bank/bank_property.hpp,line=[0-9]+,title=NaiveBank.MoneyIsConserved::INVARIANT' \
  run Naive --binary "$naive"
ORRERY_CI=github GITHUB_STEP_SUMMARY=$work/summary.md ends 1 '^::error' run Naive --binary "$naive"
(($(grep -c '^sequenceDiagram$' "$work/summary.md") == 1)) || fail "not one sequence in the summary"

# --- a crash without workers: the token comes out of the signal handler -----------------------------------------------
run "$subject" --gtest_filter=Subject.Crashes
((code > 128)) || fail "exit code $code of a crash"
grep -qE '^CRASH  SIGSEGV in run [0-9]+ of Subject.Crashes' "$work/stderr" || fail "no CRASH"
command=$(sed -n 's/^REPRODUCE  //p' "$work/stderr")
bash -c "$command" >"$work/stdout" 2>"$work/stderr"
grep -qE '^CRASH  SIGSEGV in run' "$work/stderr" || fail "the pasted command does not crash: $command"

# --- one run ---------------------------------------------------------------------------------------------------------
run "$naive"
token=$(grep -oE 'ORRERY_REPLAY=[^ ]+' "$work/stdout" | cut -d= -f2)
record=$work/out/NaiveBank.MoneyIsConserved/$token/failure.orrery
[[ -f $record && -f ${record%/*}/trace.jsonl && -f ${record%/*}/perfetto.json && -f ${record%/*}/report.html && -f $work/out/latest/report.txt ]] || fail "files are missing"
ends 1 "replay $token: reproduced \(run " replay "$token" --binary "$naive"
ends 1 'reproduced \(([0-9]+)/\1 steps identical' replay "$record" --binary "$right" --binary "$naive"
ends 1 '^orrery: twice, in two processes: identical' replay "$record" --twice --binary "$naive"
ends 3 'NON-DETERMINISM|two executions' run Subject.Differs\* --binary "$subject" -j 1
ends 1 '^the steps from 4 on are left out' replay "$token" --until 4 --binary "$naive"
grep -qE '^ +3 ' "$work/stdout" && ! grep -qE '^ +[X ]? +4 ' "$work/stdout" || fail "--until 4 tells other steps"
grep -qE '^ACTORS before step 4$' "$work/stdout" && grep -qE '^  alice +balance=100 +' "$work/stdout" || fail "--until does not tell the actors"
ends 1 '^EVENTS, as they happen$' replay "$record" --verbose --binary "$naive"
(($(grep -cE '^ +[0-9]+ .*(take|resume) +' "$work/stdout") == $(grep -cE '"kind":"(take|resume)"' "${record%/*}/trace.jsonl"))) || fail "--verbose tells other events than the trace holds"
GDB=echo ends 0 '^-q -ex source .*orrery.py -ex run -ex replay-enter --args .*naive_bank_test --gtest_filter=NaiveBank' replay "$token" --gdb --binary "$naive"
run "$orrery" replay "$record" --binary "$changed"
((code == 5)) || fail "exit code $code instead of 5 for a changed program"
grep -qE '^REPLAY DIVERGED' "$work/stderr" || fail "no REPLAY DIVERGED"
run "$orrery" replay "$record" --loose --binary "$changed"
((code != 5)) || fail "a loose replay diverges"
grep -q 'followed loosely, since' "$work/stdout" || fail "a loose replay does not say so"
ends 1 'steps identical' replay "$record" --binary "$naive" # the record is what it was
ends 0 'shrunk .*failure.orrery: [0-9]+ steps -> [0-9]+ steps' shrink "$record" --time 300ms --binary "$naive"
# repro.sh makes it again from anywhere, also when the folder has been moved
cp -r "${record%/*}" "$work/moved folder"
(cd / && run "$work/moved folder/repro.sh" --gtest_color=no && exit "$code")
(($? == 1)) || fail "exit code other than 1 of repro.sh"
grep -qE 'moved folder/failure.orrery: reproduced \(([0-9]+)/\1 steps identical' "$work/stdout" || fail "repro.sh does not reproduce"
# a trap without a debugger ends the process
run ORRERY_BREAK=4 ORRERY_REPLAY="$record" "$naive"
((code == 128 + 5)) || fail "exit code $code instead of SIGTRAP's"
grep -q 'before step 4: ' "$work/stderr" || fail "nothing said before step 4"

# --- deciding oneself ------------------------------------------------------------------------------------------------
printf '1\nx\n0\n\nr\n' | "$orrery" step NaiveBank.MoneyIsConserved --binary "$naive" >"$work/stdout" 2>"$work/stderr"
grep -qE '^  1  teller#[01] takes its next message' "$work/stdout" || fail "options have no names"
grep -q 'a number below' "$work/stdout" || fail "x is taken for a number"
printf '0\nq\n' | "$orrery" step "$record" --json --binary "$naive" >"$work/stdout" 2>"$work/stderr"
grep -qE '^\{"schema":1,"step":0,"options":\["' "$work/stdout" || fail "options are no JSON"
refuses 'names more than one test' step Subject --binary "$subject"

# --- traces ----------------------------------------------------------------------------------------------------------
ends 0 ' take +test -> teller' trace "$record" --binary "$naive"
cp "$work/stdout" "$work/trace"
ends 0 ' take +test -> teller' trace "${record%/*}/trace.jsonl"
diff "$work/trace" "$work/stdout" || fail "the trace in the folder is another"
ends 0 'Withdraw' trace "${record%/*}/trace.jsonl" --actor alice --msg Withdraw
grep -vqE 'alice.*Withdraw' "$work/stdout" && fail "--actor and --msg let others through"
ends 0 '^\{"schema":1,"step":1,' trace "$record" --causes-of 3 --to jsonl --binary "$naive"
refuses 'there is no such step' trace "${record%/*}/trace.jsonl" --causes-of 999
refuses '--actor nobody: there is none' trace "${record%/*}/trace.jsonl" --actor nobody
refuses '--msg Nothing: there is none' trace "${record%/*}/trace.jsonl" --msg Nothing
refuses '--gdb and --twice exclude each other' replay "$record" --gdb --twice --binary "$naive"
refuses 'cannot' run Naive --binary "$naive" --json /proc/no/such/folder
refuses '--to png is not known: text, jsonl, short, mermaid' trace "${record%/*}/trace.jsonl" --to png
ends 0 '^  p[0-9]->>p[0-9]: 7 Withdraw\{amount=' trace "${record%/*}/trace.jsonl" --to mermaid --actor alice --msg Withdraw
grep -q 'X step 8#58; balance never negative' "$work/stdout" || fail "the step that failed is not marked"
ends 0 '^</svg>$' trace "${record%/*}/trace.jsonl" --to svg --causes-of 3
ends 0 '^alice \{"test":1,"alice":1\}$' trace "$record" --to shiviz --binary "$naive"
ends 0 '^ step    t\(ms\)  ev alice bob teller#. teller#.  detail$' trace "${record%/*}/trace.jsonl" --to short
cp "$work/stdout" "$work/short"
grep -qE '^ +8 +0\.000  X  \*     \.   ' "$work/short" || fail "the short log does not show alice running in the step that fails"
(($(wc -l <"$work/short") == 1 + $(grep -vc '"kind":"spawn"' "${record%/*}/trace.jsonl"))) || fail "the short log is not a line per event"
run ORRERY_LOG=short ORRERY_REPLAY="$record" "$naive"
diff <(sed -n '/^ step    t(ms)/,/ X /p' "$work/stdout") "$work/short" || fail "ORRERY_LOG=short is not what trace --to short prints"
ORRERY_LOG=long refuses 'ORRERY_LOG="long" is not off or short' config
ends 0 '^\{"displayTimeUnit"' trace "${record%/*}/trace.jsonl" --to perfetto
diff "${record%/*}/perfetto.json" "$work/stdout" || fail "perfetto.json in the folder is another"
ends 0 '^TEST\(FromTrace, HoldsWhoeverRunsFirst\) \{$' trace "${record%/*}/trace.jsonl" --to scenario
yes "$(head -2 "${record%/*}/trace.jsonl")" | head -5200 >"$work/long.jsonl"
ends 0 '200 earlier events are left out' trace "$work/long.jsonl" --to mermaid
grep -qE '^only the last 5000 events are drawn, 200 before them are not$' "$work/stderr" || fail "what is left out is not said"
ends 0 'events, all equal' trace diff "$record" "${record%/*}/trace.jsonl" --binary "$naive"
sed '$d' "${record%/*}/trace.jsonl" >"$work/other.jsonl"
ends 1 '^> \(nothing more\)' trace diff "${record%/*}/trace.jsonl" "$work/other.jsonl"

# --- exploring, and taking it up again -------------------------------------------------------------------------------
ends 1 '^400 runs explored, .*: failures in 2 groups' explore Subject.HasTwoBugs --binary "$subject" -j 2 --json "$work/events"
json '"event":"property_done".*"runs":400,.*"failures":\[\{.*\},\{.*\}\]'
(($(grep -c '^ASSERTION FAILED' "$work/stdout") == 2)) || fail "not each of the two bugs is told once"
run "$orrery" explore Subject.HasTwoBugs --binary "$subject" --runs 900 --resume -j 1
grep -q 'resumed after 400 runs, 2 groups' "$work/stdout" || fail "nothing is resumed"
grep -q '^ASSERTION FAILED' "$work/stdout" && fail "a known group is told again"
grep -qE '^900 runs explored' "$work/stdout" || fail "the second night does not add up"
cp "$work/stdout" "$work/resumed"
rm -r "$work/out/Subject.HasTwoBugs"
run "$orrery" explore Subject.HasTwoBugs --binary "$subject" --runs 900 -j 2
diff <(grep -E '^ +[0-9]+ x ' "$work/resumed") <(grep -E '^ +[0-9]+ x ' "$work/stdout") || fail "two nights find other things than one"
run "$orrery" explore Subject.HasTwoBugs --binary "$subject" --resume --seed 5
((code == 2)) || fail "a state of another seed is taken up"
ends 1 ' in 1 group$' explore Subject.HasTwoBugs --binary "$subject" --stop-after 1
ends 1 'SIGSEGV in crasher' explore Subject.Crashes --binary "$subject" --runs 60 -j 2

# --- a swarm: the same by any number of workers, and its tokens bring it back ------------------------------------------
for jobs in 1 3; do
  ends 1 '^400 runs explored, .*: failures in 2 groups' explore Subject.HasTwoBugs --binary "$subject" --swarm -j $jobs --out "$work/swarm$jobs"
  grep -q '400 runs.*, strategy swarm, faults local' "$work/stdout" || fail "no swarm"
  grep -E '^ +[0-9]+ x |, trace ' "$work/stdout" >"$work/groups$jobs"
done
diff "$work/groups1" "$work/groups3" || fail "a swarm depends on the number of its workers"
for swarmed in "$work"/swarm1/Subject.HasTwoBugs/*/failure.orrery; do
  diff "$swarmed" "$work/swarm3/${swarmed#"$work/swarm1/"}" || fail "a swarm's record depends on the number of its workers"
  ends 1 'reproduced \(([0-9]+)/\1 steps identical' replay "$swarmed" --binary "$subject"
  swarm_token=$(basename "$(dirname "$swarmed")")
  ends 1 "replay $swarm_token: reproduced \(run .*, trace $(awk '$1 == "trace" {print $2}' "$swarmed")\)" \
    replay "$swarm_token" --binary "$subject"
done
refuses 'swarm and strategy exclude each other' explore Subject.Holds --binary "$subject" --swarm --strategy pos
# --- benchmarks: a program that measures what a file says --------------------------------------------------------------
mkdir -p "$work/benches"
cat >"$work/benches/made_up_bench" <<'END'
#!/usr/bin/env bash
# Measures SLOWDOWN times 100 ns, five times, and says what it was asked.
echo "$@" >>"$ASKED"
for word in "$@"; do [[ $word == --benchmark_out=* ]] && out=${word#*=}; done
rows=
for i in 1 2 3 4 5; do
  rows+="${rows:+,}
    {\"name\": \"BM_made_up\", \"run_name\": \"BM_made_up\", \"run_type\": \"iteration\", \"threads\": 1, \"real_time\": 1, \"cpu_time\": $((SLOWDOWN * 100 + i)), \"time_unit\": \"ns\"}"
done
[[ -z ${out:-} ]] || printf '{\n  "context": {"num_cpus": 2},\n  "benchmarks": [%s\n  ]\n}\n' "$rows" >"$out"
exit "${FAILS:-0}"
END
chmod +x "$work/benches/made_up_bench"
export ASKED=$work/asked
SLOWDOWN=1 ends 0 '^orrery: 1 benchmark stored in ' bench --build "$work/benches" --json "$work/bench.json"
grep -q -- '--benchmark_repetitions=9' "$ASKED" || fail "a stored measurement is not repeated"
rm "$ASKED"
SLOWDOWN=1 ends 0 '^BM_made_up +103\.00 ns +103\.00 ns +\+0\.0 % .* same$' bench made_up --build "$work/benches" --compare "$work/bench.json" --benchmark_min_time=0.1 --benchmark_repetitions=5
grep -q -- '--benchmark_min_time=0.1 --benchmark_repetitions=5' "$ASKED" || fail "--benchmark_ flags are not passed on"
grep -q -- '--benchmark_filter\|--benchmark_repetitions=9' "$ASKED" && fail "more is asked of a benchmark than was said"
SLOWDOWN=2 ends 1 '^BM_made_up .*\+97\.1 % +0\.008  SLOWER$' bench BM_ --binary "$work/benches/made_up_bench" --compare "$work/bench.json"
grep -q -- '--benchmark_filter=BM_' "$ASKED" || fail "a filter is not passed on"
SLOWDOWN=2 ends 0 '^1 slower|^0 slower, 0 faster, 1 same' bench --build "$work/benches" --compare "$work/bench.json" --threshold 98
ends 0 '^0 slower, 0 faster, 1 same' bench --compare "$work/bench.json" --from "$work/bench.json"
FAILS=3 SLOWDOWN=1 run "$orrery" bench --build "$work/benches"
((code == 70)) || fail "exit code $code instead of 70 for a benchmark that fails"
echo '{"benchmarks": [{}]}' >"$work/bad.json"
refuses 'bad.json: a benchmark has no name' bench --compare "$work/bad.json"
refuses 'cannot read .*none.json' bench --compare "$work/none.json"
refuses 'there is no program \*_bench in' bench --build "$work/kept"
refuses 'is not a number of per cent' bench --compare "$work/bench.json" --threshold -1
refuses '--threshold goes with --compare' bench --threshold 1
refuses '--json FILE stores what is measured' bench --benchmark_out=x

# --- the help knows what there is, and nothing else --------------------------------------------------------------------
ends 0 '^orrery run +check every property' --help
(($(wc -l <"$work/stdout") <= 40)) || fail "--help has more than 40 lines"
awk 'length > 116 {exit 1}' "$work/stdout" || fail "--help is too wide"
listed=$(sed -n 's/^  \([a-z-]*\) .*/\1/p' "$work/stdout" | sort)
offered=$(run "$orrery" --complete 1 orrery "" && sort "$work/stdout")
[[ $(grep -v '^help$' <<<"$offered") == $(grep -v '^help$' <<<"$listed") ]] || fail "completion and help have other commands: $(diff <(echo "$offered") <(echo "$listed"))"
for command in $(grep -v '^help$' <<<"$listed"); do
  run "$orrery" help "$command"
  ((code == 0)) && cp "$work/stdout" "$work/help" || fail "no help for $command"
  sed -n 3p "$work/help" | grep -qE "^  (echo .* \| )?(orrery|source <\(orrery) $command" || fail "the help of $command does not begin with an example"
  awk 'length > 116 {exit 1}' "$work/help" || fail "the help of $command is too wide"
  run "$orrery" --complete 2 orrery "$command" --
  while IFS= read -r flag; do
    grep -qE -- "$flag([^a-z-]|\$)" "$work/help" || fail "the help of $command does not know $flag"
  done < <(grep '^--' "$work/stdout")
  for flag in $(grep -oE -- '(^| )--[a-z][a-z-]+' "$work/help" | grep -v -- '--benchmark\|--help' | sort -u); do
    [[ $command == zoo || $command == new ]] || grep -qx -- "$flag" "$work/stdout" || fail "$command does not take $flag, which its help names"
  done
done
run "$orrery"
((code == 2)) && [[ ! -s $work/stdout ]] || fail "no command at all is no error, or is answered on stdout"
refuses 'is replay meant\?' rpelay
refuses 'is --seed meant\?' run --sede 5
ends 0 '^orrery 0\.1\.0 \(([0-9a-f]{7,}.*|unknown commit)\), .*(g\+\+|[Cc]lang) .*[0-9]+\.[0-9]' --version

# --- the workflow to copy, and what the page shows: commands, flags and variables that exist -----------------------------
workflow=cmake/ci/github.yml
grep -nP '\t' "$workflow" && fail "tabs in $workflow"
while read -r _ command words; do
  run "$orrery" --complete 2 orrery "$command" --
  for flag in $(grep -oE -- '--[a-z-]+' <<<"$words"); do
    grep -qx -- "$flag" "$work/stdout" || fail "$workflow: $command does not take $flag"
  done
done < <(grep -oE '\borrery (explore|triage) [^|]*' "$workflow")
ends 0 '^ORRERY_RUNS ' config
for variable in $(grep -ohE '\bORRERY_[A-Z_]+' "$workflow" docs/command-line.md docs/debugging.md | sort -u); do
  [[ $variable =~ ^ORRERY_(RUN|BUILD_.*)?$ ]] || grep -q "^$variable " "$work/stdout" || fail "there is no variable $variable, of which a page speaks"
done

# --- kept failures ---------------------------------------------------------------------------------------------------
ends 0 "^kept as $work/kept/NaiveBank.MoneyIsConserved/$token.orrery" keep "$token" --binary "$naive"
ends 1 "replayed a kept failure: $token fails still" run Naive --binary "$naive"
grep -q 'seed 0x5eed2026' "$work/stdout" && fail "a campaign is made though a kept failure fails"
ends 1 "kept failure $token no longer fits|replayed a kept failure: $token" run NaiveBank.\* --binary "$changed"
echo "orrery-record 4" >"$work/kept/NaiveBank.MoneyIsConserved/broken.orrery"
rm "$work/kept/NaiveBank.MoneyIsConserved/$token.orrery"
run "$naive"
((code == 2)) || fail "exit code $code instead of 2 for a kept failure that cannot be read"
rm -r "$work/kept"

# --- the page: made again it is the same, and from a trace alone there is one, too ---------------------------------------
page=${record%/*}/report.html
cp "$page" "$work/page"
ends 0 "^${page}\$" report "${record%/*}"
cmp "$page" "$work/page" || fail "the page made again is another"
cp "${record%/*}/trace.jsonl" "$work/alone.jsonl"
echo 'no JSON' >>"$work/alone.jsonl"
ends 0 '^.*/alone.html$' report "$work/alone.jsonl"
grep -q '1 lines are no JSON objects' "$work/stderr" || fail "what is left out is not told"
grep -qF '"name":"balance never negative"' "$work/alone.html" || fail "the page does not tell what went wrong"
rm "$page"
ends 0 "^$work/other.html\$" report "${record%/*}" --output "$work/other.html"
grep -qF '"headline":"INVARIANT VIOLATED","name":"balance never negative"' "$work/other.html" || fail "the record is not read"
cp "$work/page" "$page"
refuses 'cannot (open|read) .*nowhere' report "$work/nowhere"
refuses 'it is no report of Orrery' report "$(echo '<html>' >"$work/no.html"; echo "$work/no.html")"
refuses 'none of its lines is a JSON object' report "$(echo 'hello' >"$work/no.jsonl"; echo "$work/no.jsonl")"

# --- for people ------------------------------------------------------------------------------------------------------
ends 0 '^## NaiveBank.MoneyIsConserved: INVARIANT VIOLATED "balance never negative"' triage "$work/out"
refuses 'cannot read .*nowhere' triage "$work/nowhere"
ends 0 '^ok +tests +1 in 1 programs' doctor --binary "$right"
grep -qE "^ok +virtual clock +std::chrono::steady_clock::now tells the world's time" "$work/stdout" || fail "doctor does not try the clock"
# A program whose calls go past the leak guard: what it says of itself is all that the tool can know.
cat >"$work/leaky" <<'END'
#!/bin/sh
# orrery test program 1
case $1 in
--gtest_list_tests) printf 'Leaky.\n  Test\n' ;;
--orrery_self_test) printf 'BAD\tvirtual clock\tclock_gettime tells 7 ns in a run at 9 ns\n'; exit 1 ;;
esac
END
sed 's/--orrery_self_test.*/*) exit 2 ;;/' "$work/leaky" >"$work/old"
chmod +x "$work/leaky" "$work/old"
ends 1 "^BAD +virtual clock +$work/leaky: clock_gettime tells 7 ns" doctor --binary "$right" --binary "$work/leaky"
grep -q 'cannot be repeated' "$work/stdout" || fail "doctor does not say what that means"
ends 1 "^BAD +self-test +$work/old: no answer, exit code 2" doctor --binary "$work/old"
ends 0 '^ORRERY_RUNS +400 +environment' config --seed 7
grep -qE '^ORRERY_SEED +7 +command line' "$work/stdout" || fail "config does not know the command line"
grep -qE '^ORRERY_OUT +.*environment' "$work/stdout" || fail "config does not know the environment"
ORRERY_SEED=x refuses 'ORRERY_SEED="x"' config
if [[ -x ${orrery%/*}/zoo ]]; then
  run "$orrery" zoo --help
  ((code == 0)) || fail "zoo --help ends with $code"
else
  refuses 'there is no .*/zoo' zoo
fi

# --- orrery.toml: found from below, told with its line, read by the tool and by a test program alike ---------------------
mkdir -p "$work/project/deep"
cat >"$work/project/orrery.toml" <<'END'
# what this project wants
runs = 30
seed = 0x11
jobs = 3
out = "found"
END
in_project() { (cd "$work/project/deep" && env -u ORRERY_RUNS -u ORRERY_OUT "$@") >"$work/stdout" 2>"$work/stderr" </dev/null; code=$?; }
in_project "$orrery" config --jobs 1
for line in 'ORRERY_RUNS +30 +\.\./orrery\.toml:2' 'ORRERY_SEED +0x11 +\.\./orrery\.toml:3' 'ORRERY_JOBS +1 +command line' \
  "ORRERY_OUT +$work/project/found +\.\./orrery\.toml:5" 'ORRERY_GRAIN +auto +default'; do
  grep -qE "^$line\$" "$work/stdout" || fail "config does not say '$line'"
done
in_project ORRERY_SEED=5 "$orrery" config
grep -qE '^ORRERY_SEED +5 +environment$' "$work/stdout" || fail "the environment does not win over orrery.toml"
for program in "$right" "$orrery run --binary $right"; do
  # shellcheck disable=SC2086
  in_project $program
  grep -q 'seed 0x11, 30 runs by 3 workers' "$work/stdout" || fail "$program does not read orrery.toml"
done
in_project "$right" --orrery_seed=0x12 --orrery_jobs=1
grep -q 'seed 0x12, 30 runs, ' "$work/stdout" || fail "a flag does not win over orrery.toml"
in_project "$naive" --orrery_runs=400
[[ -f $work/project/found/latest/failure.orrery ]] || fail "out does not begin where orrery.toml stands"
echo 'rusn = 5' >>"$work/project/orrery.toml"
for program in "$right" "$orrery config" "$orrery run --binary $right"; do
  # shellcheck disable=SC2086
  in_project $program
  ((code == 2)) || fail "exit code $code instead of 2 for a bad orrery.toml: $program"
  [[ $(<"$work/stderr") == 'orrery: ../orrery.toml:6: unknown key rusn; is runs meant?' ]] || fail "$program says something else"
done

# --- completion, as a shell does it ----------------------------------------------------------------------------------------
# offers 'CANDIDATE ...' WORD...: what bash gets behind those words; the last one is being typed.
offers() {
  local expected=$1 got
  shift
  got=$(bash -c 'source <("$0" completion bash) && complete -p orrery >/dev/null || exit
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _orrery; echo "${COMPREPLY[*]}"' "$orrery" "$orrery" "$@" 2>&1)
  [[ $got == "$expected" ]] || fail "completion of '$*' is '$got' instead of '$expected'"
}
offers 'replay report run' r
offers 'explore' ex
offers '--runs' run --ru
offers '--stop-after --strategy --strict' explore --st
offers 'pct10 pct3 pctcp10 pctcp3' run --strategy pct
offers 'heavy' explore --faults = h
offers 'Subject.HasTwoBugs Subject.Holds' run --binary "$subject" Subject.H
offers 'NaiveBank.MoneyIsConserved' step --binary "$naive" --seed 5 Naive
offers 'bash zsh' completion ''
offers '' replay --twice no-such-token
offers "$swarm_token" replay --out "$work/swarm1" "${swarm_token%?}"
refuses 'bash or for zsh' completion fish
ends 0 '^#compdef orrery' completion zsh

# --- Ctrl-C: what has begun is finished and reported, with exit code 130 -----------------------------------------------
for jobs in 1 2; do
  rm -f "$work/events"
  ORRERY_RUNS=1000000000 ORRERY_JOBS=$jobs ORRERY_JSON=$work/events env --default-signal=INT "$subject" --gtest_filter=Subject.Holds:Subject.NeverEnds \
    >"$work/stdout" 2>"$work/stderr" &
  process=$!
  for _ in $(seq 600); do  # from then on it listens
    [[ -f $work/events ]] && grep -q run_started "$work/events" && break
    sleep 0.05
  done
  sleep 0.2
  kill -INT "$process"
  wait "$process"
  code=$?
  ((code == 130)) || fail "exit code $code instead of 130 after an interruption of $jobs"
  grep -qE '^\[   SIM    \] [0-9 ]+ runs held' "$work/stdout" || fail "no report after an interruption of $jobs"
  sed -n '/RUN.*NeverEnds/,$p' "$work/stdout" | grep -q 'SIM' && fail "the next test was begun"
  json '"ended":"interrupted"'
done

((failures == 0)) && echo "cli: all held"
exit $((failures != 0))
