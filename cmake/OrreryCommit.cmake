# cmake -D SOURCE=<repository> -D OUT=<file> -P OrreryCommit.cmake: writes what bench/commit.hpp promises, when it has changed.
# Only this one small file is compiled anew for a new commit; everything else keeps its object and its place in ccache.
execute_process(COMMAND git -c safe.directory=* -C ${SOURCE} describe --always --dirty --abbrev=10 --exclude=*
  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT commit)
  set(commit unknown)
endif()
file(CONFIGURE OUTPUT ${OUT} @ONLY CONTENT [[
#include "bench/commit.hpp"

std::string orrery::bench::commit() { return "@commit@"; }
]])
