# find_package(orrery CONFIG [COMPONENTS testkit props]) then target_link_libraries(app PRIVATE orrery::runtime): the
# names of an installed Orrery are those of the build tree.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/orrery)
get_property(layers GLOBAL PROPERTY ORRERY_LAYERS)
foreach(layer IN LISTS layers)
  get_target_property(header_sets ${layer} INTERFACE_HEADER_SETS)
  set(headers "")
  if(header_sets)
    set(headers FILE_SET HEADERS)
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
  DESTINATION ${package_dir})
