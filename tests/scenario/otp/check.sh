#!/usr/bin/env bash
# Three answers to the same scenarios must agree: check.sh COUNT SEED generates COUNT of them, takes the handwritten
# ones too, and compares real Erlang/OTP with the model and, where it is built, with the runtime (orrery-scenario).
# Exit code 1 on any difference. ./dev otp builds what this needs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
count=$1 seed=$2
bin=build/release/bin generated=build/otp/scenarios examples=tests/scenario/examples
differences_shown=3
status=0

rm -rf "$generated"
mkdir -p "$generated"
"$bin/scenario_generate" "$seed" "$count" "$generated" supkill
echo "examples against OTP:"
tests/scenario/otp/compare.sh "$examples" || status=1
echo "model against OTP, $count scenarios of seed $seed:"
tests/scenario/otp/run.sh "$generated" || status=1

# `rep` lines are optional, so the runtime may leave them out.
without_reports() { grep -v '^  rep ' "$1" || true; }

compare_runtime() {
  local scenario truth compared=0 different=()
  for scenario in "$examples"/*.scn "$generated"/*.scn; do
    truth=${scenario%.scn}.otp
    [[ -f $truth ]] || truth=${scenario%.scn}.expected
    if grep -qF '?:-' "$truth"; then continue; fi  # a wart of OTP, see oracle.erl
    compared=$((compared + 1))
    "$bin/orrery-scenario" "$scenario" >build/otp/trace || true
    if cmp -s <(without_reports build/otp/trace) <(without_reports "$truth"); then continue; fi
    different+=("$scenario")
    ((${#different[@]} <= differences_shown)) || continue
    echo "$scenario: OTP (-), runtime (+)"
    diff -U 6 <(without_reports "$truth") <(without_reports build/otp/trace) | tail -n +3 || true
  done
  ((${#different[@]} == 0)) || printf 'different: %s\n' "${different[*]:0:20}"
  echo "$compared compared, ${#different[@]} different"
  ((${#different[@]} == 0))
}

if [[ -x $bin/orrery-scenario ]]; then
  echo "runtime against OTP:"
  compare_runtime || status=1
fi
exit "$status"
