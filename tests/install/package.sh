#!/usr/bin/env bash
# package.sh BUILD WORK VERSION: the .deb holds what an installation holds, and names every package that it needs.
set -uo pipefail
build=$1 work=$2 version=$3
rm -rf "$work"
mkdir -p "$work"
fail() {
  echo "FAILED: $*"
  tail -20 "$work/log"
  exit 1
}
cpack --config "$build/CPackConfig.cmake" -G DEB -B "$work/made" >"$work/log" 2>&1 || fail "cpack"
debs=("$work"/made/*.deb)
[[ ${#debs[@]} == 1 && ${debs[0]##*/} == orrery_${version}_*.deb ]] || fail "made: ${debs[*]}"
deb=${debs[0]}

# Every package that owns a header which ours include, or a library which they are linked with.
dpkg-deb -f "$deb" >"$work/log"
depends=$(dpkg-deb -f "$deb" Depends)
[[ $(dpkg-deb -f "$deb" Version) == "$version" ]] || fail "Version"
dpkg-deb -x "$deb" "$work/root" || fail "cannot be unpacked"
mapfile -t headers < <(grep -rhoE '^#include <(boost|fmt|gtest|gmock|rapidcheck)[^>]*>' "$work/root/usr/include" |
  sed 's|.*<|/usr/include/|; s|>||' | sort -u)
mapfile -t owners < <(dpkg -S "${headers[@]}" 2>/dev/null | cut -d: -f1 | sort -u)
((${#owners[@]} >= 3)) || fail "owners of ${headers[*]}: ${owners[*]}"
for owner in "${owners[@]}"; do
  [[ ", $depends," == *", $owner"[\ ,]* ]] || fail "$owner is not in Depends: $depends"
done
for needed in libboost-context libc6 libstdc++6 libgmock-dev librapidcheck-dev; do
  [[ $depends == *"$needed"* ]] || fail "$needed is not in Depends: $depends"
done

# The same files as an installation, and none twice.
DESTDIR=$work/plain cmake --install "$build" --prefix /usr >"$work/log" 2>&1 || fail "install"
diff -r "$work/plain" "$work/root" >"$work/log" ||
  fail "the package holds other files than an installation"
for file in bin/orrery include/orrery/actor.hpp include/orrery/test.hpp share/doc/orrery/copyright share/orrery/gdb/orrery.py; do
  [[ -f $work/root/usr/$file ]] || fail "there is no $file"
done
rm -rf "$work"
echo "package: all held"
