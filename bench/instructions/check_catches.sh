#!/usr/bin/env bash
# check_catches.sh WORK: check.sh against figures and baselines made up under WORK, at the edges of what it lets through.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$1
failures=0
rm -rf "$work"
mkdir -p "$work"
printf '#!/bin/sh\necho "g++ 0.0.0"\n' > "$work/program"
chmod +x "$work/program"
figures() { printf '%s\t%s\n' "$@"; }  # OPERATION FIGURE...
rows() { figures "${@:2}" | sed "s/^/$1\t/"; }  # COMPILER OPERATION FIGURE...

check() {  # [--update]
  bash "$here/check.sh" "$@" --baseline "$work/baseline" --measured "$work/measured" "$work/program" > "$work/said" 2>&1
}
expect() {  # pass|fail CLAIM PATTERN
  local status=pass
  check || status=fail
  # shellcheck disable=SC2053  # the right side is a pattern
  if [[ $status != "$1" || $(< "$work/said") != $3 ]]; then
    printf 'expected to %s: %s\n' "$1" "$2"
    cat "$work/said"
    failures=$((failures + 1))
  fi
}

rows 'g++ 0.0.0' ask 1000.0 tell 200.0 > "$work/baseline"
measured() { figures "$@" > "$work/measured"; }
measured ask 1000.0 tell 200.0; expect pass "the baseline itself" '*all within 1 %*'
measured ask 1010.0 tell 202.0; expect pass "1 % more" '*+1.00 %*all within 1 %*'
measured ask 1010.1 tell 200.0; expect fail "more than 1 % more" '*+1.01 %*MORE*1 out of bounds*--update*'
measured ask 1000.0 tell 198.0; expect pass "1 % fewer" '*all within 1 %*'
measured ask 1000.0 tell 197.9; expect fail "more than 1 % fewer" '*FEWER*1 cheaper*--update*'
measured ask 1000.0; expect fail "an operation is gone" '*tell*is not measured any more*'
measured ask 1000.0 spawn 1.0 tell 200.0; expect fail "a new operation" '*spawn*is not in the baseline*'
: > "$work/measured"; expect fail "nothing at all" '*nothing was measured*'

measured ask 5.0
rows 'clang++ 0' ask 1000.0 > "$work/baseline"
expect pass "another compiler" '*ask*5.0*no baseline for g++ 0.0.0*'
check --update
[[ $(< "$work/baseline") == "$(rows 'clang++ 0' ask 1000.0; rows 'g++ 0.0.0' ask 5.0)" ]] ||
  { echo "--update does not keep the other compiler's rows"; failures=$((failures + 1)); }
measured ask 6.0
check --update || true  # it tells what changes
measured ask 6.0; expect pass "what was stored" '*all within 1 %*'
measured ask 7.0; check || true
[[ $(< "$work/baseline") == *$'ask\t6.0' ]] || { echo "a check wrote the baseline"; failures=$((failures + 1)); }

rm -rf "$work"
((failures == 0)) && echo "every doctored baseline was noticed"
