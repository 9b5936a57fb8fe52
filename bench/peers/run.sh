#!/usr/bin/env bash
# run.sh: installs, builds and runs the programs that our benchmarks are compared with. bench/table.sh calls it.
#
#   run.sh install          Debian's packages of the peers (apt-get, with sudo when not root)
#   run.sh build            build/peers; prints the peers that can run, one a line; says on stderr why another cannot
#   run.sh run PEER         every row once, after a warm-up: lines "ROW ns_per_item checksum"
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
sources=bench/peers
out=build/peers

# Nothing but `run.sh install` installs these; building and testing the project needs none of them.
peer_packages="libcaf-dev erlang-base golang-go rustc cargo librust-tokio-dev"

install_packages() {
  local missing=() package as_root=()
  for package in $peer_packages; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  ((EUID == 0)) || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

# Each in a subshell of its own, with the tools of the packages, whatever else is in PATH.
build_caf() {
  [[ $sources/caf_peer.cpp -ot $out/caf_peer ]] ||
    g++ -std=c++17 -O3 -DNDEBUG -Wno-deprecated-declarations $sources/caf_peer.cpp -o $out/caf_peer -lcaf_core -lpthread
}
build_erlang() { /usr/bin/erlc -o $out $sources/erlang_peer.erl; }
build_go() {
  GO111MODULE=off GOFLAGS='' GOCACHE=$PWD/$out/go_cache /usr/bin/go build -o $out/go_peer $sources/go_peer.go
}
build_tokio() {  # offline, from the sources that Debian packages
  mkdir -p $out/tokio/.cargo
  cp -r $sources/tokio/. $out/tokio
  printf '%s\n' '[source.crates-io]' 'replace-with = "debian"' '[source.debian]' 'directory = "/usr/share/cargo/registry"' \
    > $out/tokio/.cargo/config.toml
  cd $out/tokio
  CARGO_HOME=$PWD/home CARGO_TARGET_DIR=$PWD/target RUSTC=/usr/bin/rustc /usr/bin/cargo build --release --offline --quiet
}

build() {
  local peer
  mkdir -p $out
  for peer in caf erlang go tokio; do
    # Not `if (build...)`: bash would switch `set -e` off inside.
    set +e
    (set -e; "build_$peer") > "$out/$peer.log" 2>&1
    local status=$?
    set -e
    if ((status == 0)); then
      echo "$peer"
    else
      echo "run.sh: $peer does not build and is left out, see $out/$peer.log: $(tail -n 1 "$out/$peer.log")" >&2
    fi
  done
}

run() {
  case $1 in
    caf) $out/caf_peer 1 ;;
    go) $out/go_peer 1 ;;
    tokio) $out/tokio/target/release/tokio_peer 1 ;;
    erlang)
      erl +S 1:1 -noshell -pa $out -run erlang_peer main 1 F1a F1e F2a F3a < /dev/null
      erl +S 2:2 -noshell -pa $out -run erlang_peer main 1 F1b < /dev/null
      ;;
    *) echo "run.sh: there is no peer '$1'" >&2; return 2 ;;
  esac
}

case ${1:-} in
  install) install_packages ;;
  build) build ;;
  run) run "${2:?which peer}" ;;
  *) sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2 ;;
esac
