#!/usr/bin/env bash
# matrix.sh: one program, many builds and surroundings, the same traces. Prints a line per leg; exit code 1 on any difference.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

out=build/matrix
runs=40
mkdir -p "$out"
first=
failures=0

# Compares what a leg has printed with the first leg's.
compare() {  # NAME FILE
  if [[ -z $first ]]; then
    first=$2
    printf '%-28s %s traces, %s\n' "$1" "$(wc -l <"$2")" "$(sha256sum <"$2" | cut -c1-16)"
  elif cmp -s "$first" "$2"; then
    printf '%-28s the same\n' "$1"
  else
    printf '%-28s DIFFERS, first at: %s\n' "$1" "$(diff "$first" "$2" | sed -n 2p)"
    failures=$((failures + 1))
  fi
}

leg() {  # NAME COMPILER FLAGS [CMAKE-ARGUMENT...]
  local name=$1 compiler=$2 flags=$3 folder=$out/$1
  shift 3
  if cmake -S . -B "$folder" -G Ninja -Wno-dev -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=None \
      -DCMAKE_CXX_FLAGS="$flags" -DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DORRERY_BUILD_EXAMPLES=OFF -DORRERY_BUILD_BENCHMARKS=OFF "$@" \
      >"$folder.log" 2>&1 && cmake --build "$folder" --target zoo >>"$folder.log" 2>&1; then
    "$folder/bin/zoo" --traces "$runs" >"$folder.txt"
    compare "$name" "$folder.txt"
  else
    printf '%-28s DOES NOT BUILD, see %s\n' "$name" "$folder.log"
    failures=$((failures + 1))
  fi
}

leg gcc-O3 g++ -O3
leg clang-O2 clang++-19 -O2
leg gcc-O0 g++ -O0
# Debian's fmt is built for libstdc++, so here it is compiled with everything else.
leg clang-libc++ clang++-19 "-O2 -stdlib=libc++ -DFMT_HEADER_ONLY"
leg gcc-O3-native g++ "-O3 -march=native"
leg clang-O3-native clang++-19 "-O3 -march=native"
leg gcc-O2 g++ -O2
leg clang-O0 clang++-19 -O0
leg gcc-asan-ubsan g++ "-O1 -g1" -DORRERY_SANITIZE=address
leg clang-tsan clang++-19 "-O1 -g1" -DORRERY_SANITIZE=thread

# The same program elsewhere.
zoo=$PWD/$out/gcc-O3/bin/zoo
surroundings() {  # NAME COMMAND...
  local name=$1
  shift
  "$@" >"$out/$name.txt"
  compare "$name" "$out/$name.txt"
}
surroundings no-aslr setarch --addr-no-randomize "$zoo" --traces "$runs"
(cd / && "$zoo" --traces "$runs") >"$out/other-folder.txt"
compare other-folder "$out/other-folder.txt"
surroundings empty-environment env -i "$zoo" --traces "$runs"
surroundings large-environment env "FILLER=$(head -c 60000 /dev/zero | tr '\0' x)" "$zoo" --traces "$runs"
surroundings locale-and-time-zone env LC_ALL=C TZ=Asia/Kathmandu "$zoo" --traces "$runs"
surroundings another-heap env MALLOC_PERTURB_=165 MALLOC_ARENA_TEST=1 "$zoo" --traces "$runs"

if ((failures)); then
  echo "$failures legs differ"
  exit 1
fi
echo "all legs are the same"
