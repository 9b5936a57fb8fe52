# orrery_discover_tests(<target> [WORKING_DIRECTORY <dir>] [<argument of gtest_discover_tests>...])
# Each test of a program that is linked with orrery::gtest_main becomes a ctest <Suite.Test>. Tests run in the project's
# root, unless told otherwise: orrery.toml and orrery-regressions/ are found from there, orrery-out/ is written there, and
# there the printed commands can be pasted. Called below the root of a project, it needs enable_testing() in the root.
include_guard(GLOBAL)

macro(orrery_discover_tests target)
  enable_testing()  # a macro, because this holds for the scope that it is called in
  orrery_discover_tests_of(${target} ${ARGN})
endmacro()

function(orrery_discover_tests_of target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "WORKING_DIRECTORY" "")
  if(NOT arg_WORKING_DIRECTORY)
    set(arg_WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  endif()
  include(GoogleTest)  # here, because it leaves variables in the scope that it is included in
  # Asked when ctest begins, so that building for another machine runs nothing.
  gtest_discover_tests(${target} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 WORKING_DIRECTORY ${arg_WORKING_DIRECTORY}
    ${arg_UNPARSED_ARGUMENTS})
endfunction()
