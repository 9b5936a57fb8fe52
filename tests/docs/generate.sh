#!/usr/bin/env bash
# generate.sh ROOT FOLDER: FOLDER/documented_blocks.cpp, in which each block of the pages that says `build` or `body` stands in
# a namespace of its own behind its prelude. What the compiler or a test has to say, it says about the line of the page.
set -euo pipefail
cd "$1"
work=$2
rm -rf "$work/blocks"
mkdir -p "$work/blocks"
includes=$work/includes
text=$work/text
: >"$includes" >"$text"

# take FILE LINE NAME: the file's text, without its includes, as line LINE and following of NAME.
take() {
  grep -hE '^#include ' "$1" >>"$includes" || true
  printf '#line %s "%s"\n' "$2" "$3" >>"$text"
  sed -E 's/^#(include|pragma once).*//' "$1" >>"$text"
}

for page in README.md docs/*.md; do
  name=$(basename "$page" .md | tr -c 'a-zA-Z0-9\n' '_')
  mkdir -p "$work/blocks/$name"
  while IFS=$'\t' read -r number line kind prelude; do
    [[ $kind == build || $kind == body ]] || continue
    printf 'namespace documented_%s_%s {\n' "$name" "$line" >>"$text"
    take "tests/docs/$prelude.hpp" 1 "tests/docs/$prelude.hpp"
    if [[ $kind == body ]]; then printf 'TEST(Documented, %s_%s) {\n' "$name" "$line" >>"$text"; fi
    take "$work/blocks/$name/$number" "$line" "$page"
    if [[ $kind == body ]]; then printf '}\n' >>"$text"; fi
    printf '}  // namespace\n' >>"$text"
  done < <(awk -v out="$work/blocks/$name" -f tests/docs/blocks.awk "$page")
done
{
  printf '// Made by tests/docs/generate.sh from the pages.\n#include <gtest/gtest.h>\n'
  LC_ALL=C sort -u "$includes"
  cat "$text"
} >"$work/documented_blocks.cpp"
