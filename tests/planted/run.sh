#!/usr/bin/env bash
# run.sh [NAME...]: applies each planted bug to a copy of the tree and checks that its suite fails. Called by ./dev planted.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
copy=build/planted/src
tree=build/planted/build
jobs=${JOBS:-$(nproc)}

value() { sed -n "s/^$2: //p" "$1" | head -n 1; }  # FILE KEY

# Brings the copy up to date; files that did not change keep their time, so that only a mutant's own objects are rebuilt.
refresh() {
  local file
  while IFS= read -r -d '' file; do
    [[ -f $file ]] || continue
    cmp -s "$file" "$copy/$file" && continue
    mkdir -p "$copy/$(dirname "$file")"
    cp "$file" "$copy/$file"
  done < <(git ls-files -z --cached --others --exclude-standard)
}

# Replaces the text between the marks, which must stand in the file exactly once.
plant() {  # MUTANT
  MUTANT=$1 perl -0777 -i -pe '
    BEGIN {
      open my $in, "<", $ENV{MUTANT} or die; local $/; my $text = <$in>;
      ($old, $new) = $text =~ /^<<<<\n(.*?)\n====\n(.*?)\n?>>>>$/ms or die "$ENV{MUTANT}: no <<<< ==== >>>>\n";
    }
    my $count = () = /\Q$old\E/g;
    die "$ENV{MUTANT}: its text stands there $count times, not once\n" if $count != 1;
    s/\Q$old\E/$new/;' "$copy/$(value "$1" file)"
}

# Runs what should notice, from the copy. Fails if it does.
notices() {  # SUITE FILTER
  case $1 in
    instructions) bench/instructions/check.sh ../build/bin/instruction_counts ;;
    *) ORRERY_TEST_SCALE=short timeout 300 "../build/bin/$1_test" --gtest_filter="$2" ;;
  esac
}

names=("$@")
if ((${#names[@]} == 0)); then
  for file in tests/planted/*.mutant; do names+=("$(basename "$file" .mutant)"); done
fi
refresh
cmake -S "$copy" -B "$tree" -G Ninja -DCMAKE_BUILD_TYPE=Release -DORRERY_BUILD_EXAMPLES=OFF -Wno-dev > build/planted/configure.log
survivors=0
lines=()
for name in "${names[@]}"; do
  mutant=tests/planted/$name.mutant
  [[ -f $mutant ]] || { echo "planted: there is no $mutant" >&2; exit 2; }
  suite=$(value "$mutant" suite)
  refresh
  target=${suite}_test
  [[ $suite != instructions ]] || target=instruction_counts
  log=build/planted/$name.log
  if ! plant "$mutant"; then
    verdict="DOES NOT FIT"
    survivors=$((survivors + 1))
  elif ! cmake --build "$tree" --parallel "$jobs" --target "$target" > "$log" 2>&1; then
    verdict="DOES NOT BUILD, see $log"
    survivors=$((survivors + 1))
  elif (cd "$copy" && notices "$suite" "$(value "../../../$mutant" filter)") >> "$log" 2>&1; then
    verdict="NOT CAUGHT"
    survivors=$((survivors + 1))
  else
    [[ $suite != instructions ]] || sed -nE 's/^([a-z_]+) .* (\+[0-9.]+) %  MORE$/[  FAILED  ] instructions.\1/p' "$log" >> "$log"
    verdict="caught by $(sed -n 's/^\[  FAILED  \] \([A-Za-z_/0-9]*\.[A-Za-z_/0-9]*\).*/\1/p' "$log" | head -n 1)"
    [[ $verdict == "caught by " ]] && verdict="caught by ${suite}_test (it ended abnormally)"
  fi
  line=$(printf '%-28s %s' "$name" "$verdict")
  echo "$line"
  lines+=("$line")
done
refresh
printf '\n%d planted, %d not caught\n' "${#names[@]}" "$survivors"
((survivors == 0))
