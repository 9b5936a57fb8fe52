# cmake -D BUILD=... -D WORK=... -D CXX=... -P install_consume.cmake
# Installs the build tree BUILD below WORK, then configures, builds and runs a project there that uses the installation.
file(REMOVE_RECURSE ${WORK})
file(WRITE ${WORK}/src/CMakeLists.txt [[
cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES CXX)
find_package(orrery 0.1 CONFIG REQUIRED)
add_executable(consumer main.cpp)
target_link_libraries(consumer PRIVATE orrery::runtime)
]])
file(WRITE ${WORK}/src/main.cpp [[
#include <orrery/actor.hpp>
int main() { return 0; }
]])

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE said)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "failed (${status}): ${ARGN}\n${said}")
  endif()
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
run(${CMAKE_COMMAND} -G Ninja -S ${WORK}/src -B ${WORK}/build -D CMAKE_CXX_COMPILER=${CXX}
    -D CMAKE_PREFIX_PATH=${WORK}/prefix)
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/consumer)
file(REMOVE_RECURSE ${WORK})
