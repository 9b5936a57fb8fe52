# How our own code is compiled. Nothing here is global: flags travel on two INTERFACE targets, which are wrapped in
# BUILD_INTERFACE wherever they are linked, so that neither an installed nor an embedding project inherits them.
#   orrery_warnings  linked PRIVATE by all of our code
#   orrery_sanitize  linked PUBLIC by the runtime, because a program is sanitized whole or not at all

add_library(orrery_warnings INTERFACE)
file(RELATIVE_PATH ORRERY_SOURCE_FROM_BUILD ${PROJECT_BINARY_DIR} ${PROJECT_SOURCE_DIR})
string(REGEX REPLACE "/+$" "" ORRERY_SOURCE_FROM_BUILD "${ORRERY_SOURCE_FROM_BUILD}")
target_compile_options(orrery_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
  # File names in reports are those of the repository, wherever it was built; ccache names sources as seen from there.
  -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=
  -fmacro-prefix-map=${ORRERY_SOURCE_FROM_BUILD}/=
  # A warning stops our own build only: a newer compiler's new warning must not stop somebody else's.
  $<$<BOOL:${PROJECT_IS_TOP_LEVEL}>:-Werror>
  # g++ 12 reports overlapping copies inside `"text" + std::string` (GCC bug 105651), which are none.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)

add_library(orrery_sanitize INTERFACE)
if(ORRERY_SANITIZE STREQUAL "address")
  set(flags -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
elseif(ORRERY_SANITIZE STREQUAL "thread")
  set(flags -fsanitize=thread -fno-omit-frame-pointer)
elseif(ORRERY_SANITIZE)
  message(FATAL_ERROR "ORRERY_SANITIZE is '${ORRERY_SANITIZE}'; it may be address, thread or empty")
endif()
if(ORRERY_SANITIZE)
  target_compile_options(orrery_sanitize INTERFACE ${flags})
  target_link_options(orrery_sanitize INTERFACE ${flags})
  # Instrumentation hides from g++ that a value is set on every path, and g++ counts fences TSan cannot follow as
  # errors even in other people's headers.
  target_compile_options(orrery_warnings INTERFACE
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized -Wno-error=tsan>)
endif()

if(ORRERY_FUZZ)  # counters for the fuzzer to watch; its main is linked into its own programs only
  target_compile_options(orrery_sanitize INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(orrery_sanitize INTERFACE -fsanitize=fuzzer-no-link)
endif()

if(PROJECT_IS_TOP_LEVEL)
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  set(CMAKE_VERIFY_INTERFACE_HEADER_SETS ON)  # target all_verify_interface_header_sets: each header compiles alone
  find_program(ORRERY_CCACHE ccache)
  mark_as_advanced(ORRERY_CCACHE)
  if(ORRERY_CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${ORRERY_CCACHE})
  endif()
endif()
