#!/usr/bin/env bash
# include_arrows.sh ROOT: fails when an #include under ROOT points against the layers.
# Why:  a layer that includes a higher one cannot be understood, tested or shipped without it, and the linker of a
#       static library does not say so. The simulator in particular must never see the production world.
# How:  the table below is the whole rule: what a layer may include besides itself. An umbrella (a header directly in
#       <top>/orrery/) stands for every layer it reaches, so nothing can be smuggled through one.
# Not chosen: compiler dependency files, which need a finished build and miss what another #if leaves out.
set -euo pipefail
cd "$1"

layers=()
for layer in runtime sim testkit props; do
  if [[ -d $layer ]]; then layers+=("$layer"); fi
done
((${#layers[@]})) || { echo "there is no layer under $1"; exit 1; }
find "${layers[@]}" -type f \( -name '*.hpp' -o -name '*.cpp' \) | LC_ALL=C sort | awk '
BEGIN {
  may["core"] = ""
  may["fiber"] = may["world"] = "core"
  may["actor"] = "core world fiber"
  may["supervision"] = "core world fiber actor"
  may["broker"] = "core world fiber actor supervision"
  may["threads"] = "core world fiber actor supervision broker"
  may["sim"] = may["threads"]
  may["testkit"] = may["threads"] " threads sim"
  may["props"] = may["testkit"] " testkit"
  may["runtime umbrella"] = may["threads"] " threads"
  may["sim umbrella"] = may["sim"] " sim"
  may["testkit umbrella"] = may["testkit"] " testkit"
  may["props umbrella"] = may["props"] " props"
  # Other projects that belong to one layer. What is not named here is anybody'"'"'s.
  foreign["gtest"] = foreign["gmock"] = "testkit props"
  foreign["rapidcheck"] = "props"
}

function has(list, word) { return index(" " list " ", " " word " ") > 0 }
function complain(text) { print where ": " text; wrong++ }

# The layer of a path such as sim/orrery/sim/world.hpp. Below runtime/ each folder is a layer of its own.
function layer_of(path,   part, parts) {
  parts = split(path, part, "/")
  if (part[2] != "orrery") return "outside orrery/"
  if (parts == 3) return part[1] " umbrella"
  return part[1] == "runtime" ? part[3] : part[1]
}

# Where <orrery/...> is found; empty when no top-level folder holds it.
function find(target,   tops, i) {
  split("runtime sim testkit props", tops, " ")
  for (i = 1; i <= 4; i++) if ((tops[i] "/" target) in exists) return tops[i] "/" target
  return ""
}

# Every layer that `path` brings in: its own, or for an umbrella those behind its includes.
function reach(path, seen,   layers, i, n, next_path) {
  if (path in seen) return ""
  seen[path] = 1
  if (layer_of(path) !~ / umbrella$/) return layer_of(path)
  n = includes_of[path]
  for (i = 1; i <= n; i++) {
    next_path = find(include[path, i])
    if (next_path != "") layers = layers " " reach(next_path, seen)
  }
  return layers
}

function check(from, target,   found, layers, i, n, mine, seen, word) {
  mine = layer_of(from)
  if (target ~ /(^|\/)\.\.\//) { complain("name \"" target "\" from its include root, not through .."); return }
  if (target ~ /^(tests|bench|examples)\//) { complain("nothing includes " target); return }
  split(target, word, /[\/.]/)
  if ((word[1] in foreign) && !has(foreign[word[1]], mine) && mine !~ /^(testkit|props) umbrella$/)
    complain(mine " may not include <" target ">: only " foreign[word[1]] " may")
  if (target !~ /^orrery\//) return
  found = find(target)
  if (found == "") { complain("there is no " target " in any layer"); return }
  if (layer_of(found) == "runtime umbrella" && from ~ /^runtime\// && mine !~ / umbrella$/) {
    complain(mine " may not include the umbrella " target ", which stands above it"); return
  }
  n = split(reach(found, seen), layers, " ")
  for (i = 1; i <= n; i++)
    if (layers[i] != mine && !has(may[mine], layers[i])) complain(mine " may not include " layers[i] " (" target ")")
}

{ exists[$0] = 1; files[++count] = $0 }

END {
  for (f = 1; f <= count; f++) {
    line = 0
    while ((getline text < files[f]) > 0) {
      line++
      if (text !~ /^[ \t]*#[ \t]*include[ \t]*[<"]/) continue
      sub(/^[ \t]*#[ \t]*include[ \t]*[<"]/, "", text)
      sub(/[>"].*/, "", text)
      include[files[f], ++includes_of[files[f]]] = text
      line_of[files[f], includes_of[files[f]]] = line
      total++
    }
    close(files[f])
  }
  for (f = 1; f <= count; f++) {
    where = files[f]
    if (!(layer_of(files[f]) in may)) { complain("a layer that tests/build/include_arrows.sh does not know"); continue }
    for (k = 1; k <= includes_of[files[f]]; k++) {
      where = files[f] ":" line_of[files[f], k]
      check(files[f], include[files[f], k])
    }
  }
  printf "%d files, %d includes, %d wrong\n", count, total, wrong
  exit wrong > 0
}'
