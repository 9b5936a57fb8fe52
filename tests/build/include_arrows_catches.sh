#!/usr/bin/env bash
# include_arrows_catches.sh WORK: plants trees under WORK and expects include_arrows.sh to object to exactly the wrong
# includes of each.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$1
failures=0

# plant FILE [INCLUDE...]: writes a header with these includes into the tree.
plant() {
  mkdir -p "$work/$(dirname "$1")"
  { printf '#pragma once\n'; for target in "${@:2}"; do printf '#include "%s"\n' "$target"; done; } >"$work/$1"
}

# A tree with one header per layer, each including all it may.
right_tree() {
  rm -rf "$work"
  local below=() layer
  plant runtime/orrery/core/core.hpp expected fmt/format.h
  plant runtime/orrery/fiber/fiber.hpp orrery/core/core.hpp boost/context/fiber.hpp
  plant runtime/orrery/world/world.hpp orrery/core/core.hpp
  below=(orrery/core/core.hpp orrery/fiber/fiber.hpp orrery/world/world.hpp)
  for layer in actor supervision broker threads; do
    plant "runtime/orrery/$layer/$layer.hpp" "${below[@]}"
    below+=("orrery/$layer/$layer.hpp")
  done
  plant runtime/orrery/actor.hpp orrery/actor/actor.hpp orrery/supervision/supervision.hpp
  plant runtime/orrery/orrery.hpp orrery/actor.hpp orrery/threads/threads.hpp
  plant sim/orrery/sim/sim.hpp orrery/broker/broker.hpp orrery/actor.hpp
  plant sim/orrery/sim.hpp orrery/sim/sim.hpp
  plant testkit/orrery/testkit/testkit.hpp orrery/sim/sim.hpp orrery/orrery.hpp gtest/gtest.h
  plant props/orrery/props/props.hpp orrery/testkit/testkit.hpp orrery/sim.hpp rapidcheck/gtest.h
}

# expect COUNT CLAIM: the tree as planted has COUNT wrong includes.
expect() {
  local said status=0
  said=$(bash "$here/include_arrows.sh" "$work") || status=$?
  if [[ $said != *", $1 wrong" || $status -ne $(($1 > 0)) ]]; then
    printf 'expected %s wrong, exit %s: %s\n%s (exit %s)\n' "$1" "$(($1 > 0))" "$2" "$said" "$status"
    failures=$((failures + 1))
  fi
}

# wrong FILE INCLUDE: a right tree plus this one file is wrong once.
wrong() {
  right_tree
  plant "$1" "$2"
  expect 1 "$1 includes $2"
}

right_tree
expect 0 "every arrow points down"

wrong runtime/orrery/core/bad.hpp orrery/fiber/fiber.hpp
wrong runtime/orrery/fiber/bad.hpp orrery/world/world.hpp
wrong runtime/orrery/world/bad.hpp orrery/fiber/fiber.hpp
wrong runtime/orrery/actor/bad.cpp orrery/supervision/supervision.hpp
wrong runtime/orrery/supervision/bad.hpp orrery/broker/broker.hpp
wrong runtime/orrery/broker/detail/bad.hpp orrery/threads/threads.hpp
wrong runtime/orrery/threads/bad.hpp orrery/sim/sim.hpp
wrong runtime/orrery/bad.hpp orrery/sim/sim.hpp
wrong runtime/orrery/actor/bad.hpp orrery/actor.hpp        # an umbrella from below
wrong sim/orrery/sim/bad.hpp orrery/threads/threads.hpp
wrong sim/orrery/sim/bad.hpp orrery/orrery.hpp             # threads, through two umbrellas
wrong sim/orrery/sim/bad.hpp orrery/testkit/testkit.hpp
wrong testkit/orrery/testkit/bad.hpp orrery/props/props.hpp
wrong props/orrery/props/bad.cpp tests/support/support.hpp
wrong props/orrery/props/bad.cpp ../../../bench/bench.hpp
wrong runtime/orrery/core/bad.hpp orrery/core/missing.hpp
wrong runtime/orrery/gadgets/bad.hpp vector                # a layer nobody declared
wrong runtime/gadgets/core/bad.hpp vector                  # outside the namespace's folder
wrong sim/orrery/sim/bad.hpp gtest/gtest.h
wrong testkit/orrery/testkit/bad.hpp rapidcheck.h

rm -rf "$work"
((failures == 0)) && echo "every planted wrong arrow was found"
