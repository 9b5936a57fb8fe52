#!/usr/bin/env bash
# Compiles the oracle when its sources are newer and runs it; run.sh and compare.sh are the doors.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
compiled=$here/../../../build/otp
mkdir -p "$compiled"
if [[ ! -f $compiled/done || -n $(find "$here" -name '*.[eh]rl' -newer "$compiled/done") ]]; then
  erlc -Wall -Werror -o "$compiled" "$here"/*.erl
  touch "$compiled/done"
fi
# One scheduler thread: the oracle knows by priorities alone when a supervision tree is at rest.
exec erl +S 1:1 +SDcpu 1 +SDio 1 +A 1 -noshell -noinput -pa "$compiled" -eval 'oracle:main()' -extra "$@"
