#!/usr/bin/env bash
# gdb.sh ORRERY_PY SUBJECT REPLAYED ORRERY WORK: what gdb's commands for actors say of a process in each world and of its core file.
set -u
orrery_py=$1 subject=$2 replayed=$3 orrery=$4 work=$5
here=$(dirname "${BASH_SOURCE[0]}")
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
command -v gdb >/dev/null || { echo "gdb is not installed: ./dev setup installs it"; exit 1; }
rm -rf "$work" && mkdir -p "$work"

looks_in_replay=(-ex 'bt 3' -ex 'info actors')

# gdb with our commands, nothing of the user's and nothing from the network; gone after a minute whatever happens.
debug() {
  timeout --kill-after=5 60 gdb -nx -q -batch -iex 'set debuginfod enabled off' -iex 'set disable-randomization off' \
    -ex 'set style enabled off' -ex 'set width 0' -ex "source $orrery_py" "$@" 2>&1
}
mark=(-ex 'echo ---\n' -ex 'python gdb.flush()')  # errors overtake what is not flushed
# What is said behind the marker. Of a stack, the frames of the subject: the rest depends on the compiler.
said() { sed -e '0,/^---$/d' | grep -vE '^#[0-9]+ .*(orrery::|_ZNK?6orrery| in \?\?)|^(warning: |Saved corefile)' | sed -E 's/^#[0-9]+ +(0x[0-9a-f]+ in )?/# /'; }
same() {  # WHAT EXPECTED GOT
  diff -u "$2" "$3" || fail "$1 is not as expected"
}

looks=(-ex 'info actors' -ex 'info actors Teller' -ex 'actor teller bt' -ex 'actor pusher bt' -ex 'actor idle bt' -ex 'actor full mailbox'
  -ex 'actor account mailbox' -ex 'actor idle mailbox' -ex 'actor account state' -ex 'actor bank/vault state'
  -ex 'actor teller' -ex 'info locals' -ex 'p asked' -ex actor -ex 'frame function subject::settled')
for world in sim threads; do
  debug -ex 'break subject::settled' -ex run "${mark[@]}" "${looks[@]}" -ex "generate-core-file $work/$world.core" \
    --args "$subject" $world >"$work/$world.out"
  if grep -q 'ptrace: Operation not permitted' "$work/$world.out"; then
    echo "gdb may not trace a process here: give the container the capability SYS_PTRACE"
    exit 1
  fi
  said <"$work/$world.out" >"$work/$world.said"
  grep -vE '^(# |[0-9]+\s|balance = )' "$work/$world.said" >"$work/$world.seen"
  same "a process ($world)" "$here/$world.expected" "$work/$world.seen"
  for frame in 'subject::Teller::ask_for_balance.* at .*subject.cpp:' 'subject::Teller::handle.* at .*subject.cpp:' \
    'subject::Pusher::handle.* at .*subject.cpp:'; do
    grep -qE "^# $frame" "$work/$world.said" || fail "no frame $frame in $world"
  done
  # A stack that was selected is gone again: the thread's own is back.
  grep -qE '^# subject::settled' "$work/$world.said" || fail "the thread's own stack is not back in $world"
  [[ -f $work/$world.core ]] || { fail "no core file of $world"; continue; }
  debug "${mark[@]}" "${looks[@]}" "$subject" "$work/$world.core" | said >"$work/$world.core.said"
  same "a core file ($world)" "$work/$world.said" "$work/$world.core.said"
  rm "$work/$world.core"
done

# What docs/debugging.md shows is what is said, block by block: in each, the lines behind a command stand in that order.
blocks=0
for world in sim threads; do
  while IFS= read -r -d '' block; do
    blocks=$((blocks + 1))
    while IFS= read -r -d '' said; do
      [[ -n $said ]] || continue
      [[ $(<"$work/$world.said") == *"${said%$'\n'}"* ]] || fail "docs/debugging.md shows what gdb does not say:"$'\n'"$said"
    done < <(awk '/^\(gdb\) /{printf "%c", 0; next} {print} END {printf "%c", 0}' <<<"$block")
  done < <(awk -v mark="<!-- gdb: $world -->" '$0 == mark {getline; inside = 1; next} inside && /^```$/ {printf "%c", 0; inside = 0; next} inside' \
    "$here/../../docs/debugging.md")
done
((blocks >= 2)) || fail "docs/debugging.md shows only $blocks blocks"

# In the middle of a run of the simulator: who runs, who stands before an act, who has not begun.
debug -ex 'break subject::Twin::handle' -ex run -ex continue "${mark[@]}" -ex 'info actors' -ex 'actor left bt' -ex 'actor right bt' \
  --args "$subject" sim | said | grep -vE '^[0-9]+\s' | sed -E 's/(Twin::handle)\(?.* at .*/\1/' >"$work/middle.seen"
same "the middle of a run" "$here/middle.expected" "$work/middle.seen"

# What cannot be is said in one line, and the stack that is shown is never a wrong one.
debug -ex 'break subject::settled' -ex run "${mark[@]}" -ex 'actor nobody' --args "$subject" sim | said >"$work/out"
grep -qx 'orrery: no living actor is called nobody (info actors lists them)' "$work/out" || fail "an unknown actor: $(<"$work/out")"
debug -ex 'break subject::settled' -ex run "${mark[@]}" -ex 'actor teller mail' --args "$subject" sim | said >"$work/out"
grep -qx 'orrery: actor NAME \[bt|mailbox|state\]' "$work/out" || fail "an unknown word: $(<"$work/out")"
debug "${mark[@]}" -ex 'info actors' "$subject" | said >"$work/out"
grep -qx 'orrery: there is no process and no core file' "$work/out" || fail "without a process: $(<"$work/out")"
debug -ex 'break main' -ex run "${mark[@]}" -ex 'info actors' --args "$subject" sim | said >"$work/out"
grep -qx 'No runtime of Orrery exists at the moment.' "$work/out" || fail "before the first runtime: $(<"$work/out")"
objcopy --strip-debug "$subject" "$work/plain"
debug -ex 'break subject::settled' -ex run "${mark[@]}" -ex 'info actors' --args "$work/plain" threads | said >"$work/out"
grep -q '^orrery: this program has no debug information about orrery::' "$work/out" || fail "without debug information: $(<"$work/out")"
debug -ex 'break main' -ex run "${mark[@]}" -ex 'info actors' --args "$(command -v env)" true | said >"$work/out"
grep -q '^orrery: there is no process\|^orrery: no runtime of Orrery in this program' "$work/out" || fail "another program: $(<"$work/out")"

# orrery replay --gdb: stops before the last step and goes on into its handler, whoever is looked at.
cat >"$work/gdb-batch" <<END
#!/usr/bin/env bash
words=() looks=($(printf '%q ' "${looks_in_replay[@]}"))
for word in "\$@"; do
  if [[ \$word == --args ]]; then words+=("\${looks[@]}"); fi
  words+=("\$word")
done
exec timeout --kill-after=5 60 gdb -nx -batch -iex 'set debuginfod enabled off' -iex 'set disable-randomization off' \
  -iex 'set style enabled off' -iex 'set width 0' "\${words[@]}"
END
chmod +x "$work/gdb-batch"
export ORRERY_OUT=$work/orrery-out ORRERY_REGRESSIONS=$work/kept
"$replayed" >"$work/replayed.out"
token=$(grep -oE 'ORRERY_REPLAY=[^ ]+' "$work/replayed.out" | cut -d= -f2)
steps=$(awk '$1 == "steps" {print $2}' "$work/orrery-out/latest/failure.orrery")
for flags in "" "--until 4"; do
  # shellcheck disable=SC2086
  GDB=$work/gdb-batch "$orrery" replay "$token" --gdb $flags --binary "$replayed" >"$work/replay.txt" 2>&1
  before=${flags:-"--until $steps"}
  grep -q "^orrery: before step ${before#--until }: " "$work/replay.txt" || fail "replay --gdb $flags does not stop before the step"
  if [[ -n $flags ]]; then
    grep -q '^into the handler, which goes on, of teller#[01],' "$work/replay.txt" || fail "replay --gdb $flags does not go on into the handler"
    grep -qE '^#[0-9]+ .*NaiveTeller::handle.* at .*naive_bank.hpp:' "$work/replay.txt" || fail "replay --gdb $flags shows no handler"
  else
    grep -q '^into the handler of Withdraw of alice,' "$work/replay.txt" || fail "replay --gdb does not go on into the handler"
    grep -qE '^#0 .*TrustingAccount::handle \(this=.*naive_bank.hpp:' "$work/replay.txt" || fail "replay --gdb is not in the handler"
    grep -qE '^  alice +TrustingAccount +running ' "$work/replay.txt" || fail "replay --gdb does not show alice running"
  fi
done

((failures == 0)) && echo "gdb: all as expected"
exit $((failures != 0))
