#!/usr/bin/env bash
# What real Erlang/OTP does with scenarios: run.sh [--times N] FOLDER_OR_FILE... writes NAME.otp beside each NAME.scn
# and reports differences to NAME.expected where there is one (exit code 1). Needs erlang-base (OTP 25 or newer).
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/oracle.sh" --write "$@"
