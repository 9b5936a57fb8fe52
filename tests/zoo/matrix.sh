#!/usr/bin/env bash
# matrix.sh [--resume] [LEG...]: one program, many builds and surroundings, the same traces. Prints a table, a line for each leg;
# exit code 1 on any difference. LEG: only these, and gcc-O3, with which they are compared. --resume: a leg that was made of the
# same sources is not made again. Called by ./dev matrix.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

out=build/matrix
runs=40
jobs=${JOBS:-$(nproc)}
mkdir -p "$out"
names=(gcc-O3 clang-O2 gcc-O0 clang-libc++ gcc-O3-native clang-O3-native gcc-O2 clang-O0 gcc-asan-ubsan clang-tsan
  no-aslr other-folder empty-environment large-environment locale-and-time-zone another-heap)

resume=false
wanted=()
for argument in "$@"; do
  case $argument in
    --resume) resume=true ;;
    *)
      [[ " ${names[*]} " == *" $argument "* ]] || { echo "matrix: there is no leg '$argument', there are: ${names[*]}" >&2; exit 2; }
      wanted+=("$argument")
      ;;
  esac
done
is_wanted() { ((${#wanted[@]} == 0)) || [[ $1 == gcc-O3 || " ${wanted[*]} " == *" $1 "* ]]; }

# What the traces follow from: the sources that are built, and how many runs are made.
sources=$({ echo "$runs"; git ls-files -z --cached --others --exclude-standard -- CMakeLists.txt cmake runtime sim testkit props tests/zoo |
  xargs -0 cat 2>/dev/null || true; } | sha256sum | cut -c1-16)
is_made() { $resume && [[ -f $out/$1.txt && $(cat "$out/$1.key" 2>/dev/null) == "$sources" ]]; }

failures=0
row() { printf '%-22s %-10s %7s %5s s  %s\n' "$1" "$2" "$3" "$4" "$5"; }  # LEG VERDICT TRACES SECONDS NOTE
row leg verdict traces "" "hash of the traces"

# Compares what a leg has printed with the first leg's.
compare() {  # NAME SECONDS [NOTE]
  local name=$1 verdict=same note hash
  hash=$(sha256sum <"$out/$name.txt" | cut -c1-16)
  note="$hash ${3:-}"
  echo "$sources" >"$out/$name.key"
  if [[ $name != gcc-O3 ]] && ! cmp -s "$out/gcc-O3.txt" "$out/$name.txt"; then
    verdict=DIFFERS
    note+=" first at: $(diff "$out/gcc-O3.txt" "$out/$name.txt" | sed -n 2p || true)"
    failures=$((failures + 1))
  fi
  row "$name" "$verdict" "$(wc -l <"$out/$name.txt")" "$2" "$note"
}

leg() {  # NAME COMPILER FLAGS [CMAKE-ARGUMENT...]
  local name=$1 compiler=$2 flags=$3 folder=$out/$1 began=$SECONDS
  is_wanted "$name" || return 0
  shift 3
  if is_made "$name"; then
    compare "$name" 0 "(made before)"
    return
  fi
  rm -f "$out/$name.key"
  if cmake -S . -B "$folder" -G Ninja -Wno-dev -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=None \
      -DCMAKE_CXX_FLAGS="$flags" -DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DORRERY_BUILD_EXAMPLES=OFF -DORRERY_BUILD_BENCHMARKS=OFF "$@" \
      >"$folder.log" 2>&1 && cmake --build "$folder" --parallel "$jobs" --target zoo >>"$folder.log" 2>&1 &&
      "$folder/bin/zoo" --traces "$runs" >"$folder.txt" 2>>"$folder.log"; then
    compare "$name" $((SECONDS - began))
  else
    row "$name" FAILED - $((SECONDS - began)) "see $folder.log"
    failures=$((failures + 1))
    # Nothing can be compared without the first.
    [[ $name != gcc-O3 ]] || exit 1
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
  local name=$1 began=$SECONDS
  is_wanted "$name" || return 0
  shift
  if is_made "$name"; then
    compare "$name" 0 "(made before)"
  elif "$@" --traces "$runs" >"$out/$name.txt"; then
    compare "$name" $((SECONDS - began))
  else
    row "$name" FAILED - $((SECONDS - began)) "exit code of $*"
    failures=$((failures + 1))
  fi
}
surroundings no-aslr setarch --addr-no-randomize "$zoo"
surroundings other-folder env --chdir=/ "$zoo"
surroundings empty-environment env -i "$zoo"
surroundings large-environment env "FILLER=$(head -c 60000 /dev/zero | tr '\0' x)" "$zoo"
surroundings locale-and-time-zone env LC_ALL=C TZ=Asia/Kathmandu "$zoo"
surroundings another-heap env MALLOC_PERTURB_=165 MALLOC_ARENA_TEST=1 "$zoo"

if ((failures)); then
  echo "legs that differ or fail: $failures"
  exit 1
fi
echo "all legs are the same"
