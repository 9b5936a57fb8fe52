# find_package(orrery CONFIG) then target_link_libraries(app PRIVATE orrery::runtime): the names of an installed Orrery are
# those of the build tree. pkg-config knows orrery and orrery-gtest-main. docs/adoption.md shows both.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/orrery)
get_property(layers GLOBAL PROPERTY ORRERY_LAYERS)
foreach(layer IN LISTS layers)
  get_target_property(header_sets ${layer} INTERFACE_HEADER_SETS)
  set(headers "")
  if(header_sets)
    set(headers FILE_SET HEADERS FILE_SET alone)
  endif()
  install(TARGETS ${layer} EXPORT orreryTargets ${headers})
endforeach()
if(TARGET orrery-tool)
  install(TARGETS orrery-tool)
endif()
install(EXPORT orreryTargets NAMESPACE orrery:: DESTINATION ${package_dir})

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/orreryConfig.cmake.in ${PROJECT_BINARY_DIR}/orreryConfig.cmake
  INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/orreryConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)  # before 1.0 a minor version may break
install(FILES ${PROJECT_BINARY_DIR}/orreryConfig.cmake ${PROJECT_BINARY_DIR}/orreryConfigVersion.cmake
  ${PROJECT_SOURCE_DIR}/cmake/OrreryDiscoverTests.cmake
  DESTINATION ${package_dir})

# A .pc file finds its prefix from where it stands, so that an installation can be moved.
set(pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR} OR IS_ABSOLUTE ${CMAKE_INSTALL_INCLUDEDIR})
  set(pc_prefix ${CMAKE_INSTALL_PREFIX})
  set(pc_libdir ${CMAKE_INSTALL_FULL_LIBDIR})
  set(pc_includedir ${CMAKE_INSTALL_FULL_INCLUDEDIR})
else()
  file(RELATIVE_PATH up /${pc_dir} /)
  string(REGEX REPLACE "/$" "" pc_prefix "\${pcfiledir}/${up}")
  set(pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
  set(pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
set(pc_names orrery)
if(TARGET orrery_gtest_main)
  list(APPEND pc_names orrery-gtest-main)
endif()
foreach(pc_name IN LISTS pc_names)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/${pc_name}.pc.in ${PROJECT_BINARY_DIR}/${pc_name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${pc_name}.pc DESTINATION ${pc_dir})
endforeach()
install(FILES ${PROJECT_SOURCE_DIR}/cmake/ci/github.yml DESTINATION ${CMAKE_INSTALL_DATADIR}/orrery/ci)
install(FILES ${PROJECT_SOURCE_DIR}/testkit/gdb/orrery.py DESTINATION ${CMAKE_INSTALL_DATADIR}/orrery/gdb)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
