#!/usr/bin/env bash
# check_pages.sh ROOT BUILD WORK [PAGE...]: says of each page (all of them, or those named) what in it is not true: its links lead
# somewhere, every file of the repository that it names in backquotes is there, excerpts stand in their files, commands print what
# is printed below them, and no block is left unsaid of (pages.sh has the kinds). Blocks that are to be compiled are in what was
# compiled last; the suite `docs` runs that.
set -euo pipefail
export LC_ALL=C
cd "$1"
root=$PWD
build=$2
work=$3
shift 3
source tests/docs/pages.sh
rm -rf "$work"
mkdir -p "$work"
wrong=0
links=0 names=0 programs=0 excerpts=0 commands=0 machines=0 shown=0
complain() {
  printf '%s\n' "$*"
  wrong=$((wrong + 1))
}

# ---- every page -----------------------------------------------------------------------------------------------------
check_links() {
  local page=$1 target
  while IFS= read -r target; do
    target=${target%%#*}
    if [[ -z $target || $target == *://* ]]; then continue; fi
    links=$((links + 1))
    [[ -e $(dirname "$page")/$target ]] || complain "$page: the link to $target leads nowhere"
  done < <(grep -oE '\]\([^) ]+\)' "$page" | sed -E 's/^\]\((.*)\)$/\1/')
}
check_names() {
  local page=$1 name
  while IFS= read -r name; do
    names=$((names + 1))
    [[ -e $name ]] || complain "$page: there is no $name"
  done < <(grep -oE '`(bench|cmake|docs|examples|props|runtime|sim|testkit|tests)/[A-Za-z0-9_./-]+`' "$page" | tr -d '`')
}

# ---- programs -------------------------------------------------------------------------------------------------------
# check_program BLOCK PRELUDE PAGE:LINE: it stands in the generated source as it stands in the page, behind its line.
check_program() {
  local block=$1 prelude=$2 where=$3
  programs=$((programs + 1))
  if [[ ! -f tests/docs/$prelude.hpp ]]; then
    complain "$where: there is no prelude $prelude"
    return
  fi
  sed -E 's/^#(include|pragma once).*//' "$block" >"$work/program"
  awk -v head="#line ${where##*:} \"${where%:*}\"" -v size="$(wc -l <"$work/program")" '
    left > 0 { print; left-- }
    $0 == head { left = size }' "$build/tests/docs/documented_blocks.cpp" | cmp -s - "$work/program" ||
    complain "$where: this is not what was compiled; build docs_test"
}

# ---- excerpts -------------------------------------------------------------------------------------------------------
# check_excerpt BLOCK FILE WHERE: the pieces between the gaps stand in the file, in their order.
check_excerpt() {
  local block=$1 file=$2 where=$3 rest piece='' line
  excerpts=$((excerpts + 1))
  if [[ ! -f $file ]]; then
    complain "$where: there is no $file"
    return
  fi
  rest=$(tr -d '[:space:]' <"$file")
  while IFS= read -r line; do
    if [[ $line =~ ^[[:space:]]*(//[[:space:]]*)?\.\.\.$ ]]; then
      if [[ $rest != *"$piece"* ]]; then break; fi
      rest=${rest#*"$piece"}
      piece=''
    else
      piece+=$(tr -d '[:space:]' <<<"$line")
    fi
  done < <(cat "$block" && echo ...)
  [[ -z $piece ]] || complain "$where: this is not in $file"
}

# ---- outputs --------------------------------------------------------------------------------------------------------
# matches WANTED GOT: whether the lines are those wanted.
matches() {
  local -a want got
  mapfile -t want < <(sed -E 's/[[:space:]]+$//; s/[0-9]+ ms/0 ms/g; s/[^[:alnum:] ]/\\&/g; s/\\\.\\\.\\\./*/g' "$1")
  mapfile -t got < <(sed -E 's/[[:space:]]+$//; s/[0-9]+ ms/0 ms/g' "$2")
  while ((${#want[@]} > 0)) && [[ -z ${want[-1]} ]]; do unset 'want[-1]'; done
  while ((${#got[@]} > 0)) && [[ -z ${got[-1]} ]]; do unset 'got[-1]'; done
  local line at=0 skips=0
  for line in ${want[@]+"${want[@]}"}; do
    if [[ $line == '*' ]]; then
      skips=1
      continue
    fi
    # shellcheck disable=SC2053  # the right side is a pattern
    while ((skips && at < ${#got[@]})) && [[ ${got[at]} != $line ]]; do at=$((at + 1)); done
    if ((at >= ${#got[@]})) || [[ ${got[at]} != $line ]]; then
      missed=$line
      return 1
    fi
    at=$((at + 1))
    skips=0
  done
  missed='the end'
  ((skips || at == ${#got[@]}))
}

# run_command COMMAND WANTED WHERE PROGRAM
run_command() {
  local command=$1 wanted=$2 where=$3 program=$4 code=0 missed='' folder=$root
  commands=$((commands + 1))
  if [[ $program == - ]]; then
    command=${command//build\/release\//${build#"$root"/}/}
    command=${command//orrery-out/$work/out}
  else
    folder=$work/apart
    command=${command//build\/release\//$build/}
    if [[ $program != none && $command =~ (^|.* )(orrery\ [a-z]+)(.*) ]]; then
      command="${BASH_REMATCH[1]}${BASH_REMATCH[2]} --binary $build/bin/$program${BASH_REMATCH[3]}"
    fi
  fi
  sed -n 's/^> //p' "$wanted" >"$work/typed"
  (
    for variable in $(compgen -e ORRERY_); do unset "$variable"; done
    export PATH=$build/bin:$PATH
    if [[ $program == - ]]; then export ORRERY_OUT=$work/out; fi
    cd "$folder"
    exec timeout 30 bash -c "$command"
  ) >"$work/raw" 2>&1 <"$work/typed" || code=$?
  # A compiler behind ccache may have been given names of files that begin with ../../ for those of the repository.
  sed -E -e 's|^(\.\./)+||' -e "s|$work/out|orrery-out|g" -e "s|$build/|build/release/|g" \
    -e "s|${build#"$root"/}/|build/release/|g" -e "s|$build, |build/release, |g" "$work/raw" |
    awk -v typed="$work/typed" '  # a terminal would show what is typed behind the prompt
      /^> / && (getline line <typed) > 0 { print "> " line; if ($0 == "> ") next; $0 = substr($0, 3) }
      { print }' >"$work/got"
  if [[ ! -s $wanted ]]; then
    ((code == 0)) || complain "$where: \`$command\` ends with $code: $(tail -n 3 "$work/got")"
  elif ! matches "$wanted" "$work/got"; then
    complain "$where: \`$command\` does not print this any more; looked in vain for: ${missed//\\/}"
    sed 's/^/    /' "$work/got"
  fi
}
# check_output BLOCK WHERE PROGRAM: each line `$ command`, and what is below it.
check_output() {
  local block=$1 where=$2 program=$3 line command=''
  while IFS= read -r line; do
    if [[ $line == '$ '* ]]; then
      if [[ -n $command ]]; then run_command "$command" "$work/wanted" "$where" "$program"; fi
      command=${line#'$ '}
      : >"$work/wanted"
    else
      printf '%s\n' "$line" >>"$work/wanted"
    fi
  done < <(cat "$block" && echo '$ ')
}

# ---- the pages ------------------------------------------------------------------------------------------------------
check_blocks() {
  local page=$1 number line kind argument folder
  folder=$work/blocks/$(basename "$page" .md)
  rm -rf "$work/apart"
  mkdir -p "$folder"
  cp -r tests/docs/apart "$work/apart"
  while IFS=$'\t' read -r number line kind argument <&3; do
    case $kind in
      unmarked) complain "$page:$line: a block that says neither build, body, excerpt, bare nor shown, and is no output" ;;
      build | body) check_program "$folder/$number" "$argument" "$page:$line" ;;
      excerpt) check_excerpt "$folder/$number" "$argument" "$page:$line" ;;
      output) check_output "$folder/$number" "$page:$line" "$argument" ;;
      gdb) [[ -d tests/gdb ]] || complain "$page:$line: there is no tests/gdb" ;;
      shown)
        shown=$((shown + 1))
        [[ -n ${reasons[$argument]:-} ]] || complain "$page:$line: '$argument' is none of the reasons in tests/docs/pages.sh"
        ;;
      bare)
        machines=$((machines + 1))
        grep -qE "^#   $argument " tests/install/bare.sh || complain "$page:$line: tests/install/bare.sh has no machine '$argument'"
        ;;
    esac
  done 3< <(awk -v out="$folder" -f tests/docs/blocks.awk "$page")
}

pages=("$@")
(($# > 0)) || pages=(README.md docs/*.md)
(($(wc -l <README.md) <= 150)) || complain "README.md is longer than 150 lines"
# check_held PAGE: the commands of its comments `holds`, after those of its blocks.
check_held() {
  local page=$1 line
  : >"$work/wanted"
  while IFS= read -r line; do
    line=${line#*<!-- holds: }
    run_command "${line% -->}" "$work/wanted" "$page" -
  done < <(grep '^<!-- holds: ' "$page")
}

for page in "${pages[@]}"; do
  check_links "$page"
  check_names "$page"
  check_blocks "$page"
  check_held "$page"
done
printf '%d links, %d names of files, %d programs, %d excerpts, %d commands, %d for bare machines, %d only shown, %d wrong\n' \
  "$links" "$names" "$programs" "$excerpts" "$commands" "$machines" "$shown" "$wrong"
((wrong == 0))
