# Every bench/<name>_bench.cpp is an executable bin/<name>_bench and a ctest bench_short_<name>, which runs each
# benchmark just long enough to show that it still works. Other .cpp files in bench/ are shared by all of them.
find_package(benchmark REQUIRED)

file(GLOB bench_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/*.cpp)
set(bench_shared ${bench_files})
list(FILTER bench_files INCLUDE REGEX "_bench\\.cpp$")
list(FILTER bench_shared EXCLUDE REGEX "_bench\\.cpp$")

add_library(orrery_bench_common INTERFACE)
target_include_directories(orrery_bench_common INTERFACE ${PROJECT_SOURCE_DIR})
target_link_libraries(orrery_bench_common INTERFACE orrery::sim benchmark::benchmark orrery_warnings)
set(commit_file ${PROJECT_BINARY_DIR}/bench_commit.cpp)
add_custom_target(orrery_bench_commit BYPRODUCTS ${commit_file} COMMENT ""
  COMMAND ${CMAKE_COMMAND} -D SOURCE=${PROJECT_SOURCE_DIR} -D OUT=${commit_file}
          -P ${PROJECT_SOURCE_DIR}/cmake/OrreryCommit.cmake)
add_library(orrery_bench_shared OBJECT ${bench_shared} ${commit_file})
target_link_libraries(orrery_bench_shared PUBLIC orrery_bench_common)
add_dependencies(orrery_bench_shared orrery_bench_commit)

foreach(bench_file IN LISTS bench_files)
  cmake_path(GET bench_file STEM target)
  string(REGEX REPLACE "_bench$" "" name ${target})
  add_executable(${target} ${bench_file})
  target_link_libraries(${target} PRIVATE orrery_bench_common)
  target_link_libraries(${target} PRIVATE orrery_bench_shared)
  add_test(NAME bench_short_${name} COMMAND ${target} --benchmark_min_time=0.01 WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(bench_short_${name} PROPERTIES LABELS bench)
  orrery_set_budget(bench_short_${name})
endforeach()

# What bench/table.sh makes its table with; tests/bench_report tests it.
add_executable(bench_report bench/report/main.cpp bench/report/figures.cpp bench/report/text.cpp bench/report/plot.cpp)
target_include_directories(bench_report PRIVATE ${PROJECT_SOURCE_DIR})
target_link_libraries(bench_report PRIVATE fmt::fmt orrery_warnings)
target_compile_features(bench_report PRIVATE cxx_std_23)

# The gate on instruction counts. Its baseline is one of the release build; no other is comparable.
add_executable(instruction_counts ${PROJECT_SOURCE_DIR}/bench/instructions/instruction_counts.cpp)
target_link_libraries(instruction_counts PRIVATE orrery::sim orrery_warnings)
# It has a clock of its own, so that counts repeat; the leak guard's, further back on the command line, is not wanted here.
target_link_options(instruction_counts PRIVATE LINKER:--allow-multiple-definition)
find_program(ORRERY_VALGRIND valgrind)
mark_as_advanced(ORRERY_VALGRIND)
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT ORRERY_SANITIZE)
  if(ORRERY_VALGRIND)
    add_test(NAME instructions
      COMMAND bash ${PROJECT_SOURCE_DIR}/bench/instructions/check.sh $<TARGET_FILE:instruction_counts>)
    orrery_set_budget(instructions)
  else()
    message(STATUS "valgrind is not installed, so there is no test of instruction counts (./dev setup installs it)")
  endif()
endif()
add_test(NAME instructions_catches
  COMMAND bash ${PROJECT_SOURCE_DIR}/bench/instructions/check_catches.sh ${PROJECT_BINARY_DIR}/instructions_catches)
orrery_set_budget(instructions_catches)
