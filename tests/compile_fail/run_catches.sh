#!/usr/bin/env bash
# run_catches.sh COMPILER WORK: plants programs under WORK and expects run.sh to object to exactly the wrong ones.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
compiler=$1 work=$2
failures=0

# plant NAME: a program from standard input.
plant() { cat >"$work/programs/$1.cpp"; }

# A header with one refused function, a folder with one right refusal and one right use.
right_tree() {
  rm -rf "$work" && mkdir -p "$work/include" "$work/programs"
  cat >"$work/include/gadget.hpp" <<'CPP'
#pragma once
struct BECAUSE_I_SAY_SO;
template <class M, class Why = BECAUSE_I_SAY_SO>
void send(M) = delete;
template <class T>
inline constexpr bool allowed = false;
template <class T>
void check() {
  static_assert(allowed<T>, "BECAUSE_I_SAY_SO");
}
CPP
  plant good <<'CPP'
int main() {}
CPP
  plant bad <<'CPP'
// expect: BECAUSE_I_SAY_SO
// names:  Close
#include <gadget.hpp>
struct Close {};
void use() {
  send(Close{});  // refused
}
CPP
}

# edit SED: changes the refused program.
edit() { sed -i "$1" "$work/programs/bad.cpp"; }

# expect COUNT TEXT CLAIM: run.sh finds COUNT programs wrong and says TEXT.
expect() {
  local said status=0
  said=$(bash "$here/run.sh" "$compiler" "$work/programs" "$work/include" 2>&1) || status=$?
  if [[ $said != *"$2"*" programs, $1 wrong" || $status -ne $(($1 > 0)) ]]; then
    printf 'expected %s wrong, exit %s, "%s": %s\n%s (exit %s)\n' "$1" "$(($1 > 0))" "$2" "$3" "$said" "$status"
    failures=$((failures + 1))
  fi
}

right_tree
expect 0 "" "a right refusal and a right use"

right_tree; edit 's/^\/\/ expect: .*/\/\/ expect: FOR_ANOTHER_REASON/'
expect 1 "does not say FOR_ANOTHER_REASON" "a reason that is not given"

right_tree; edit 's/^\/\/ names: .*/\/\/ names:  Close, Account/'
expect 1 "does not name Account" "a name that is missing"

right_tree; edit 's/struct Close {};/struct Close {};  \/\/ refused/; s/(Close{});.*/(Close{});/'
expect 1 "does not begin with an error in line 4" "an error in another line"

right_tree; edit 's/  \/\/ refused//'
expect 1 "needs one expect" "no statement is marked"

right_tree; edit 's/struct Close {};/struct Close {};  \/\/ refused/'
expect 1 "needs one expect" "two statements are marked"

right_tree; edit '1d'
expect 1 "needs one expect" "nothing is expected"

right_tree; edit 's/send(Close{})/Close{}/'
expect 1 "compiles" "a program that is not refused"

right_tree; edit 's/(Close{});/(Close{}), send(Close{}), send(Close{});/'
expect 1 "lines, at most 9 are allowed" "too much is printed"

right_tree; edit 's/send(Close{})/check<Close>()/'
expect 1 "does not begin with an error in line 6" "the error is in the header first"

right_tree; edit 's/#include <gadget.hpp>/#include <missing.hpp>/'
expect 1 "bad.cpp: " "another error"

right_tree; plant good <<<'int main() { int unused; }'
expect 1 "good.cpp: does not compile" "a warning in good.cpp"

right_tree; rm "$work"/programs/*.cpp
expect 1 "" "nothing to judge"

rm -rf "$work"
((failures == 0)) && echo "every planted wrong program was found"
