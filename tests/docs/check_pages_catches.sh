#!/usr/bin/env bash
# check_pages_catches.sh ROOT BUILD WORK: what is wrong in a page is found, one wrong thing at a time.
set -euo pipefail
root=$1
build=$2
work=$3
rm -rf "$work"
mkdir -p "$work"
page=$work/page.md

# expect CODE TEXT: check_pages.sh ends with that code on the page at hand, and says that.
expect() {
  local code=0
  bash "$root/tests/docs/check_pages.sh" "$root" "$build" "$work/pages" "$page" >"$work/said" 2>&1 || code=$?
  if ((code != $1)) || ! grep -qF -- "$2" "$work/said"; then
    printf 'wanted code %s and "%s", got %s:\n' "$1" "$2" "$code"
    cat "$page" "$work/said"
    exit 1
  fi
}

cat >"$page" <<'END'
All of this is so: [a file](page.md), [elsewhere](https://example.org), `docs/design.md`.

A block, <!-- excerpt: examples/bank/bank.hpp -->
```cpp
struct Deposit {
  using Reply   = Cents;
...
struct GetBalance {
```

```
$ printf 'one\ntwo 17 ms [x] *\nthree\nfour\n'
one
two 3 ms [x] *
...
$ printf 'a longer line\n'
a ... line
$ true
```

    $ printf 'indented\n'
    indented

1. In a list:

   ```
   $ echo listed
   listed
   ```

       $ echo deeper than a block

A form: <!-- shown: picture -->

    a ---> b

<!-- bare: user -->
```
rm -rf /
```

<!-- program: none -->
```
$ touch here && printf '> ' && read -r word && printf '%s\n> ' "$word" && read -r word && ls | paste -sd " "
> one
one
> two
here misspelt project
```

<!-- program: orrery-scenario -->
```
$ ls
here
misspelt
project
$ echo run orrery replay x.orrery --twice
run orrery replay --binary build/release/bin/orrery-scenario x.orrery --twice
```
END
expect 0 '1 links, 1 names of files, 0 programs, 1 excerpts, 8 commands, 1 for bare machines, 1 only shown, 0 wrong'

echo 'See [nothing](nothing.md#here).' >"$page"
expect 1 'the link to nothing.md leads nowhere'
echo 'See `tests/nothing/nothing_test.cpp`.' >"$page"
expect 1 'there is no tests/nothing/nothing_test.cpp'
printf '%s\n' '<!-- excerpt: examples/bank/bank.hpp -->' '```cpp' 'struct Deposit {' 'int amount;' '```' >"$page"
expect 1 'this is not in examples/bank/bank.hpp'
printf '%s\n' '<!-- excerpt: examples/bank/bank.hpp -->' '```cpp' 'struct Transfer {' '...' 'struct Deposit {' '```' >"$page"
expect 1 'this is not in examples/bank/bank.hpp'
printf '%s\n' '<!-- excerpt: examples/nothing.hpp -->' '```cpp' 'struct Deposit {' '```' >"$page"
expect 1 'there is no examples/nothing.hpp'
printf '%s\n' 'Text.' '```cpp' 'struct Deposit {};' '```' >"$page"
expect 1 'page.md:3: a block that says neither'
for mark in '' '<!-- program: none -->' '<!-- else: picture -->'; do
  printf '%s\n' "Text. $mark" '' '    a ---> b' >"$page"
  expect 1 'page.md:3: a block that says neither'
  printf '%s\n' "Text. $mark" '```sh' 'ls' '```' >"$page"
  expect 1 'page.md:3: a block that says neither'
done
printf '%s\n' '<!-- shown: picture -->' '```' 'a ---> b' '```' '' '```' 'a ---> b' '```' >"$page"
expect 1 'page.md:7: a block that says neither'
printf '%s\n' '<!-- shown: boredom -->' '```' 'a ---> b' '```' >"$page"
expect 1 "'boredom' is none of the reasons"
printf '%s\n' '<!-- bare: machine -->' '```' 'ls' '```' >"$page"
expect 1 "has no machine 'machine'"
printf '%s\n' '<!-- build: nothing -->' '```cpp' 'struct Deposit {};' '```' >"$page"
expect 1 'there is no prelude nothing'
printf '%s\n' '<!-- build: all -->' '```cpp' 'struct Deposit {};' '```' >"$page"
expect 1 'this is not what was compiled'
printf '%s\n' '```' "$ printf 'one\ntwo\n'" 'one' 'three' '```' >"$page"
expect 1 'looked in vain for: three'
printf '%s\n' '```' "$ printf 'one\ntwo\n'" 'one' '```' >"$page"
expect 1 'looked in vain for: the end'
printf '%s\n' '```' "$ printf 'one\n'" '...' 'two' '```' >"$page"
expect 1 'looked in vain for: two'
printf '%s\n' '```' "$ printf 'xone\n'" 'one' '```' >"$page"
expect 1 'looked in vain for: one'
printf '%s\n' '```' '$ false' '```' >"$page"
expect 1 'ends with 1'
printf '%s\n' 'Text.' '' '    $ echo two' '    one' >"$page"
expect 1 'looked in vain for: one'
printf '%s\n' '<!-- holds: echo picture | cmp - README.md -->' >"$page"
expect 1 'ends with 1'
echo 'everything wrong was found'
