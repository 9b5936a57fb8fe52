# Every folder tests/<suite>/ with *_test.cpp files is one executable bin/<suite>_test and one ctest <suite>; its other
# .cpp files are helpers of the same executable. A folder with a CMakeLists.txt of its own is left to that instead.

# Seconds a suite may take in the release build, on two cores with the other suites beside it. A suite that is killed
# at its budget hangs or has grown: find out which before raising the number.
set(orrery_budget_default 60)
set(orrery_budget_conformance 120)
set(orrery_budget_threads 120)
set(orrery_budget_sim 240)
set(orrery_budget_interleavings 120)
set(orrery_budget_compile_fail 300)
set(orrery_budget_instructions 90)
set(orrery_budget_gdb 180)  # some ten starts of gdb
set(orrery_budget_cli 180)
set(orrery_budget_report_html 240)  # what the browser has is 200 of them
set(orrery_budget_install 180)

# What an instrumented or unoptimised build may take instead: this many times as long.
set(orrery_budget_factor 1)
if(ORRERY_SANITIZE OR CMAKE_BUILD_TYPE STREQUAL "Debug")
  set(orrery_budget_factor 5)
endif()

# Suites that start worker threads of their own, or a browser, so that ctest does not run them beside each other.
set(orrery_parallel_suites
  threads conformance supervision delivery broker scenario observability report_html)

# orrery_set_budget(<test> [<table entry>]): gives a ctest its TIMEOUT and its place in what orrery_print_budgets prints.
function(orrery_set_budget test)
  set(entry ${ARGN} ${test})
  list(GET entry 0 entry)
  set(seconds ${orrery_budget_default})
  if(DEFINED orrery_budget_${entry})
    set(seconds ${orrery_budget_${entry}})
  endif()
  math(EXPR seconds "${seconds} * ${orrery_budget_factor}")
  set_tests_properties(${test} PROPERTIES TIMEOUT ${seconds})
  set_property(GLOBAL APPEND PROPERTY ORRERY_BUDGETS "${test} ${seconds} s")
endfunction()

# orrery_add_suite(<suite> <source>...): also for the CMakeLists.txt of a suite. Tests run in the repository's root, where
# a reader pastes the commands they print.
function(orrery_add_suite suite)
  set(target ${suite}_test)
  add_executable(${target} ${ARGN})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})  # "tests/...", "examples/...": tests may see all
  target_link_libraries(${target} PRIVATE orrery::gtest_main orrery_warnings)
  add_test(NAME ${suite} COMMAND ${target} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  orrery_set_budget(${suite})
  if(suite IN_LIST orrery_parallel_suites)
    set_tests_properties(${suite} PROPERTIES PROCESSORS 2)
  endif()
endfunction()

function(orrery_add_all_suites)
  file(GLOB lists CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/*/CMakeLists.txt)
  file(GLOB tests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/*/*_test.cpp)
  set(folders "")
  foreach(file IN LISTS lists tests)
    cmake_path(GET file PARENT_PATH folder)
    list(APPEND folders ${folder})
  endforeach()
  list(REMOVE_DUPLICATES folders)
  list(SORT folders)
  foreach(folder IN LISTS folders)
    if("${folder}/CMakeLists.txt" IN_LIST lists)
      add_subdirectory(${folder})
    else()
      cmake_path(GET folder FILENAME suite)
      file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cpp)
      orrery_add_suite(${suite} ${sources})
    endif()
  endforeach()
endfunction()

function(orrery_print_budgets)
  get_property(budgets GLOBAL PROPERTY ORRERY_BUDGETS)
  list(JOIN budgets ", " budgets)
  message(STATUS "Time budgets: ${budgets}")
endfunction()
