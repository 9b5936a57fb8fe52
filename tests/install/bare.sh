#!/usr/bin/env bash
# bare.sh FOLDER: what the pages promise to a newcomer, on machines that have nothing: a minimal Debian 12 is made below
# FOLDER, copied for each machine, and every block that a page marks `<!-- bare: MACHINE -->` is executed there word for
# word, in the order of the pages, with the time at which it said what matters. Needs root (chroot) and debootstrap.
#   developer  has git; begins with README.md, pastes the REPRODUCE line, and makes the package
#   user       has nothing but that package; a project of his own
# What stands between the pages and the machines: `<this repository>` is a clone in /srv, `sudo` is not asked for a
# password, apt not whether it may.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
mkdir -p "${1:?bare.sh FOLDER}"
folder=$(cd "$1" && pwd)
mirror=${ORRERY_BARE_MIRROR:-http://deb.debian.org/debian}
pages=(README.md docs/adoption.md)

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*"; exit 1; }
((EUID == 0)) || fail "chroot and debootstrap need root"
command -v debootstrap >/dev/null || fail "debootstrap is missing (apt-get install debootstrap)"

if [[ ! -f $folder/base.made ]]; then
  say "a minimal Debian 12 from $mirror"
  rm -rf "$folder/base"
  debootstrap --variant=minbase bookworm "$folder/base" "$mirror" >"$folder/debootstrap.log"
  touch "$folder/base.made"
fi

# machine NAME: a copy, with what stands between.
machine() {
  rm -rf "${folder:?}/$1"
  cp -a "$folder/base" "$folder/$1"
  printf '#!/bin/sh\nexec "$@"\n' >"$folder/$1/usr/local/bin/sudo"
  chmod +x "$folder/$1/usr/local/bin/sudo"
  echo 'APT::Get::Assume-Yes "true";' >"$folder/$1/etc/apt/apt.conf.d/99yes"
  echo /root >"$folder/$1/place"
}

# on MACHINE COMMANDS: in the folder where the last ones ended. Mounts and processes go when it ends.
on() {
  # shellcheck disable=SC2016  # expanded inside
  unshare --mount --pid --fork --kill-child chroot "$folder/$1" /usr/bin/env -i HOME=/root TERM=dumb LC_ALL=C \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin bash -c '
      mount -t proc proc /proc
      cd "$(cat /place)"
      set -e
      eval "$1"
      pwd >/place' bash "$2"
}

# timed LOG SINCE: each line behind the seconds since then.
timed() {
  local line
  while IFS= read -r line; do printf '%5d  %s\n' $((SECONDS - $2)) "$line"; done | tee "$1"
}
# when PATTERN LOG: the second at which that was said.
when() { grep -m 1 -E -- "$1" "$2" | awk '{ print $1; found = 1 } END { exit !found }' || fail "not said: $1 ($2)"; }

# blocks MACHINE PAGE: its commands.
blocks() {
  local number kind argument list=$folder/blocks/$1-${2//\//-}
  mkdir -p "$list"
  while IFS=$'\t' read -r number _ kind argument; do
    if [[ $kind == bare && $argument == "$1" ]]; then cat "$list/$number"; fi
  done < <(cd "$root" && awk -v out="$list" -f tests/docs/blocks.awk "$2") | sed 's|<this repository>|/srv/orrery.git|'
}
commands() {  # MACHINE PAGE: they are there, and are said
  blocks "$1" "$2" >"$folder/commands"
  [[ -s $folder/commands ]] || fail "$2 has no block for $1"
  sed 's/^/  $ /' "$folder/commands"
}

# ---- developer --------------------------------------------------------------------------------------------------------
machine developer
git clone -q --bare --no-hardlinks "$root" "$folder/developer/srv/orrery.git"
# git's own package brings no certificates for https; the clone in /srv needs none.
on developer 'apt-get update -qq && apt-get install -qq --no-install-recommends git >/dev/null 2>&1'
load=$(cut -d ' ' -f 1 /proc/loadavg)
for page in "${pages[@]}"; do
  say "developer: $page"
  commands developer "$page"
  began=$SECONDS log=$folder/${page//\//-}.log
  TIMEFORMAT='%U %S'
  { time on developer "$(cat "$folder/commands")" 2>&1 | timed "$log" "$began" | tail -n 3; } 2>"$folder/processor"
  [[ $page == README.md ]] || continue
  reproduce=$(sed -n 's/^ *[0-9]*  REPRODUCE  //p' "$log")
  [[ -n $reproduce ]] || fail "no REPRODUCE line"
  processor=$(awk '{ print int($1 + $2) }' "$folder/processor")
  story=$(when 'INVARIANT VIOLATED' "$log")
  compiled=$(when '^ *[0-9]+  \[[0-9]+/[0-9]+\]' "$log")
  whole=$((SECONDS - began))
  printf '  $ %s\n' "$reproduce"
  on developer "$reproduce || [[ \$? == 1 ]]" 2>&1 | timed "$folder/replay.log" "$began" | grep -F reproduced ||
    fail "the REPRODUCE line does not reproduce: $(tail -n 3 "$folder/replay.log")"
  replayed=$((SECONDS - began))
done
packaged=$((SECONDS - began))

# ---- user -------------------------------------------------------------------------------------------------------------
machine user
cp "$folder"/developer/root/orrery/build/packages/orrery_*.deb "$folder/user/root"
on user 'apt-get update -qq'
say "user: docs/adoption.md"
commands user docs/adoption.md
began=$SECONDS
on user "$(cat "$folder/commands")" 2>&1 | timed "$folder/user.log" "$began" | tail -n 3
owned=$((SECONDS - began))
passed=$(when '100% tests passed' "$folder/user.log")

say "minutes, on $(nproc) cores with a load of $load at first and $(cut -d ' ' -f 1 /proc/loadavg) at last"
minutes() { printf '%6.1f  %s\n' "$(awk "BEGIN { print $1 / 60 }")" "$2"; }
minutes "$compiled" 'README.md: packages are installed, the first file is compiled'
minutes "$story" 'README.md: the shrunk failure is read'
minutes "$whole" 'README.md: the demo has ended'
minutes "$replayed" 'README.md: and its REPRODUCE line has been pasted'
minutes "$packaged" 'docs/adoption.md: packed, beginning with what the demo has built'
minutes "$passed" 'docs/adoption.md: the tests of a new project pass, beginning with the package'
minutes "$owned" 'docs/adoption.md: all that is said for a user'
minutes $((processor / 2)) 'README.md: the time of two processors that all of it took, whatever else they did'
((processor / 2 <= 300)) || fail "more than five minutes of two processors, so a newcomer waits for more than ten"
