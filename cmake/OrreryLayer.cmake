# A layer is a top-level folder that is an include root: runtime/orrery/core/time.hpp is <orrery/core/time.hpp>, here
# and installed. Its headers form two FILE_SETs and its .cpp files a static library; a layer of headers only is an
# INTERFACE library under the same name, so nobody who links it needs to know.
set_property(GLOBAL PROPERTY ORRERY_LAYERS "")

# Sets `out` to those of the headers that no .cpp file includes first, so that nothing shows that they compile alone. The
# others, a header beside a .cpp file that begins with it, need not be compiled once more for that.
function(orrery_headers_to_verify out root)
  set(found "")
  foreach(header IN LISTS ARGN)
    string(REGEX REPLACE "\\.hpp$" ".cpp" source ${header})
    file(RELATIVE_PATH path ${root} ${header})
    set(first "")
    if(EXISTS ${source})
      file(STRINGS ${source} first REGEX "^#include" LIMIT_COUNT 1)
    endif()
    if(NOT first STREQUAL "#include \"${path}\"")
      list(APPEND found ${header})
    endif()
  endforeach()
  set(${out} ${found} PARENT_SCOPE)
endfunction()

# orrery_add_layer(<name> LINKS <target>... [WITHOUT <file>...])   WITHOUT is relative to the layer's folder
function(orrery_add_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LINKS;WITHOUT")
  set(root ${PROJECT_SOURCE_DIR}/${name})
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${root}/orrery/*.hpp)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${root}/orrery/*.cpp)
  list(TRANSFORM arg_WITHOUT PREPEND ${root}/)
  list(REMOVE_ITEM sources ${arg_WITHOUT})

  set(target orrery_${name})
  if(sources)
    set(scope PUBLIC)
    add_library(${target} STATIC ${sources})
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:orrery_warnings>)
  else()
    set(scope INTERFACE)
    add_library(${target} INTERFACE)
  endif()
  add_library(orrery::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(${target} ${scope} cxx_std_23)
  orrery_headers_to_verify(alone ${root} ${headers})
  list(REMOVE_ITEM headers ${alone})
  target_sources(${target} ${scope} FILE_SET HEADERS BASE_DIRS ${root} FILES ${headers})
  target_sources(${target} ${scope} FILE_SET alone TYPE HEADERS BASE_DIRS ${root} FILES ${alone})
  set_target_properties(${target} PROPERTIES INTERFACE_HEADER_SETS_TO_VERIFY alone)
  target_link_libraries(${target} ${scope} ${arg_LINKS} $<BUILD_INTERFACE:orrery_sanitize>)
  set_property(GLOBAL APPEND PROPERTY ORRERY_LAYERS ${target})
endfunction()

# orrery_add_gtest_main(<file>): orrery::gtest_main, the one target a test links. It brings every layer, GoogleTest
# with matchers, and main(): ours from <file>, or GoogleTest's where <file> is not there.
function(orrery_add_gtest_main file)
  file(GLOB source CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${file})
  if(source)
    set(scope PUBLIC)
    add_library(orrery_gtest_main STATIC ${source})
    target_link_libraries(orrery_gtest_main PRIVATE $<BUILD_INTERFACE:orrery_warnings>)
  else()
    set(scope INTERFACE)
    add_library(orrery_gtest_main INTERFACE)
    target_link_libraries(orrery_gtest_main INTERFACE GTest::gtest_main)
  endif()
  add_library(orrery::gtest_main ALIAS orrery_gtest_main)
  set_target_properties(orrery_gtest_main PROPERTIES EXPORT_NAME gtest_main)
  target_link_libraries(orrery_gtest_main ${scope} orrery::props GTest::gmock GTest::gtest)
  set_property(GLOBAL APPEND PROPERTY ORRERY_LAYERS orrery_gtest_main)
endfunction()

# orrery_tell_build(<source>): ORRERY_VERSION and ORRERY_COMMIT are what this one file is compiled with: the commit at which
# the tree was configured.
function(orrery_tell_build source)
  execute_process(COMMAND git -c safe.directory=* -C ${PROJECT_SOURCE_DIR} describe --always --dirty --abbrev=10 --exclude=*
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT commit)
    set(commit "unknown commit")
  endif()
  set_property(SOURCE ${PROJECT_SOURCE_DIR}/${source} APPEND PROPERTY COMPILE_DEFINITIONS
    ORRERY_VERSION="${PROJECT_VERSION}" ORRERY_COMMIT="${commit}")
endfunction()

# orrery_add_tool(<source>...): the executable `orrery`; the sources are relative to testkit/. It tells the commit at which
# the tree was configured.
function(orrery_add_tool)
  list(TRANSFORM ARGN PREPEND ${PROJECT_SOURCE_DIR}/testkit/)
  add_executable(orrery-tool ${ARGN})
  set_target_properties(orrery-tool PROPERTIES OUTPUT_NAME orrery)
  target_link_libraries(orrery-tool PRIVATE orrery::testkit orrery_warnings)
  orrery_tell_build(testkit/orrery/testkit/cli/main.cpp)
endfunction()
