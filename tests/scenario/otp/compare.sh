#!/usr/bin/env bash
# Compares each NAME.expected of a folder with what real Erlang/OTP does with NAME.scn: compare.sh [--times N] FOLDER...
# shows the first differences as unified diffs and counts all of them; exit code 1 if there is one. Writes nothing.
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/oracle.sh" "$@"
