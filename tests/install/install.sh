#!/usr/bin/env bash
# install.sh BUILD WORK CXX VERSION [LAUNCHER]: installs the build tree BUILD below WORK. Then two projects there that use the
# installation pass their own tests: one of four lines of CMake, and one that `orrery new` has written, which pkg-config links
# once more. Last, the new project is broken as its README says, and its test must say so.
set -uo pipefail
build=$1 work=$2 cxx=$3 version=$4 launcher=${5:-}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for name in $(env | grep -o '^ORRERY_[A-Z_]*'); do unset "$name"; done
rm -rf "$work"
mkdir -p "$work"
prefix=$work/moved
export CMAKE_PREFIX_PATH=$prefix CMAKE_GENERATOR=Ninja CXX=$cxx ORRERY_RUNS=200
[[ -z $launcher ]] || export CMAKE_CXX_COMPILER_LAUNCHER=$launcher

fail() {
  echo "FAILED: $*"
  sed 's/^/  /' "$work/log" | tail -40
  exit 1
}
# must WORD...: the command succeeds.
must() { "$@" >"$work/log" 2>&1 </dev/null || fail "$*"; }
# says PATTERN: the last command did.
says() { grep -qE -- "$1" "$work/log" || fail "not said: $1"; }
# refuses PATTERN WORD...: the command fails and says why.
refuses() {
  local pattern=$1
  shift
  if "$@" >"$work/log" 2>&1 </dev/null; then fail "succeeds: $*"; fi
  says "$pattern"
}

# An installation is found where it stands now, not where it was put.
must cmake --install "$build" --prefix "$work/prefix"
mv "$work/prefix" "$prefix"
if grep -rIlF "$work/prefix" "$prefix" >"$work/log"; then fail "files know the place that they were installed to"; fi
for wrong in 0.0 0.99 1.0; do
  echo "find_package(orrery $wrong CONFIG REQUIRED)" >"$work/wrong.cmake"
  refuses "orreryConfig.cmake, version: $version" cmake -P "$work/wrong.cmake"
done

# --- four lines of CMake -----------------------------------------------------------------------------------------------
must cmake -S "$here/outside" -B "$work/outside"
must cmake --build "$work/outside"
must ctest --test-dir "$work/outside" --no-tests=error
says '1/2 Test #1: Light.IsOnAfterAnOddNumberOfPresses .* +Passed'
says '100% tests passed, 0 tests failed out of 2'

# --- where GoogleTest is missing, and where Orrery is part of another project's tree --------------------------------------
must cmake -S "$here/without_googletest" -B "$work/without" -D CMAKE_DISABLE_FIND_PACKAGE_GTest=ON
says 'all as it should be'
must cmake -S "$here/embedded" -B "$work/embedded" -D ORRERY_SOURCE="$here/../.."
must grep -F GoogleTestAddTests.cmake -r "$work/embedded" --include='light_test*.cmake'

# --- orrery new --------------------------------------------------------------------------------------------------------
orrery=$prefix/bin/orrery
cd "$work" || exit 1
must "$orrery" --version
says "^orrery $version \("
must "$orrery" new box-office
says '^box-office/box-office_test.cpp$'
refuses 'nothing is written over' "$orrery" new box-office
refuses 'is no name' "$orrery" new ../up
refuses 'is no name' "$orrery" new 3d
refuses 'CMake needs for itself' "$orrery" new test
refuses 'new needs a NAME' "$orrery" new
cd box-office || exit 1
must cmake -S . -B build/dev
must cmake --build build/dev
must ctest --test-dir build/dev --no-tests=error
says 'Tickets.NoneIsSoldTwice .* +Passed'
must build/dev/box-office
says '^tickets left: 0$'
must "$orrery" run --runs 50
says 'programs 1, properties 1, runs 50, different failures 0, exit code 0'

# --- pkg-config --------------------------------------------------------------------------------------------------------
if command -v pkg-config >/dev/null; then
  PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name orrery.pc)")
  export PKG_CONFIG_PATH
  for package in orrery orrery-gtest-main; do
    must pkg-config --modversion "$package"
    says "^${version//./\\.}\$"
  done
  # shellcheck disable=SC2046,SC2086  # flags are words
  must $launcher "$cxx" -std=c++23 -Wall -Wextra -Werror -c main.cpp -o main.o $(pkg-config --cflags orrery)
  # shellcheck disable=SC2046
  must "$cxx" main.o -o shipped $(pkg-config --libs orrery)
  must ./shipped
  says '^tickets left: 0$'
  # shellcheck disable=SC2046
  must "$cxx" "$(find build/dev -name 'box-office_test.cpp.o')" -o linked_test $(pkg-config --libs orrery-gtest-main)
  must ./linked_test
  says '200 runs held'
  must ./linked_test --orrery_self_test
else
  echo "pkg-config is not installed, so it is not tried (./dev setup installs it)"
fi

# --- broken, as the README says ----------------------------------------------------------------------------------------
must sed -i '/std::unexpected(SoldOut/d' box-office.hpp
must cmake --build build/dev --target box-office_test
refuses 'INVARIANT VIOLATED  "no less than none left"' ctest --test-dir build/dev --output-on-failure
says '^REPRODUCE  ORRERY_REPLAY='
replay=$(sed -n 's/^REPRODUCE  //p' "$work/log")
refuses 'reproduced \(run ' bash -c "$replay"
rm -rf "$work"
echo "install: all held"
