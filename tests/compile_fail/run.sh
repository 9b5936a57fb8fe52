#!/usr/bin/env bash
# run.sh COMPILER PROGRAMS INCLUDE...: compiles each program in the folder PROGRAMS and judges what the compiler says.
#   good.cpp     compiles without a warning
#   any other    is refused in fewer than 10 lines. Its head says why (`// expect: SENTENCE`) and who must be named
#                (`// names:  A, B`); the statement to be refused ends in `// refused`, and the first line that the
#                compiler prints points at it.
set -uo pipefail
export LC_ALL=C
compiler=$1
cd "$2" || exit 1
flags=(-std=c++23 -fsyntax-only -Wall -Wextra)
# What all of them include is parsed once: g++ takes actor.hpp.gch for actor.hpp where it comes first.
parsed=$(mktemp -d)
trap 'rm -rf "$parsed"' EXIT
mkdir "$parsed/orrery"
for root in "${@:3}"; do
  [[ -f $root/orrery/actor.hpp ]] || continue
  parse=("$compiler" -std=c++23 -Wall -Wextra -w "-I$root" -x c++-header "$root/orrery/actor.hpp" -o)
  if [[ $("$compiler" --version) == *clang* ]]; then
    "${parse[@]}" "$parsed/actor.pch" && flags+=(-include-pch "$parsed/actor.pch")
  else
    "${parse[@]}" "$parsed/orrery/actor.hpp.gch" && flags+=("-I$parsed")
  fi
done
for root in "${@:3}"; do flags+=("-I$root"); done
lines_max=9
programs=0 wrong=0

# wrong_because PROGRAM REASON OUTPUT
wrong_because() {
  printf '%s: %s\n' "$1" "$2"
  sed 's/^/    /' <<<"$3" | head -n 30
  wrong=$((wrong + 1))
}

# The value of the head's line `// KEY: value`.
head_of() { sed -n "s|^// $1: *||p" "$2"; }

judge() {
  local program=$1 said status=0
  said=$("$compiler" "${flags[@]}" "$program" 2>&1) || status=$?

  local sentence names line
  sentence=$(head_of expect "$program")
  names=$(head_of names "$program")
  line=$(grep -n '// refused$' "$program" | cut -d: -f1)
  [[ $sentence =~ ^[A-Za-z_]+$ && -n $names && $line =~ ^[0-9]+$ ]] ||
    { wrong_because "$program" "needs one expect, one names and one refused statement" ""; return; }

  ((status != 0)) || { wrong_because "$program" "compiles" "$said"; return; }
  local printed
  printed=$(wc -l <<<"$said")
  ((printed <= lines_max)) || { wrong_because "$program" "$printed lines, at most $lines_max are allowed" "$said"; return; }

  local first
  first=$(head -n 1 <<<"$said")
  # g++ says first which function it is in.
  [[ $first == "$program: In "* ]] && first=$(sed -n 2p <<<"$said")
  [[ $first == "$program:$line:"*" error: "* ]] ||
    { wrong_because "$program" "does not begin with an error in line $line" "$said"; return; }
  [[ $said == *"$sentence"* ]] || { wrong_because "$program" "does not say $sentence" "$said"; return; }
  local name messages  # not the source lines that are quoted: these name everything
  messages=$(grep -E '(error|note): ' <<<"$said")
  while IFS= read -r name; do
    [[ $messages == *"$name"* ]] || { wrong_because "$program" "does not name $name" "$said"; return; }
  done < <(sed 's/>, */>\n/; t; s/, */\n/g' <<<"$names")
}

for program in *.cpp; do
  programs=$((programs + 1))
  if [[ $program == good.cpp ]]; then
    said=$("$compiler" "${flags[@]}" -Wpedantic -Werror "$program" 2>&1) || wrong_because "$program" "does not compile" "$said"
  else
    judge "$program"
  fi
done
echo "$programs programs, $wrong wrong"
((wrong == 0))
