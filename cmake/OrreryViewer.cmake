# orrery_embed_viewer(<target>): the page that shows a run (testkit/orrery/testkit/html/) becomes one text in <target>, so that
# a report is one file and an installed library needs no others beside it. The text is put together when the library is built.
function(orrery_embed_viewer target)
  set(folder ${PROJECT_SOURCE_DIR}/testkit/orrery/testkit/html)
  # In the order in which they stand in the page.
  set(scripts model.js layout.js picture.js panels.js exports.js viewer.js)
  set(sources ${folder}/viewer.html ${folder}/viewer.css ${folder}/picture.css)
  foreach(script IN LISTS scripts)
    list(APPEND sources ${folder}/${script})
  endforeach()
  set(out ${PROJECT_BINARY_DIR}/viewer_page.cpp)
  list(JOIN scripts "," names)
  add_custom_command(OUTPUT ${out} DEPENDS ${sources} ${PROJECT_SOURCE_DIR}/cmake/OrreryViewerPage.cmake VERBATIM
    COMMAND ${CMAKE_COMMAND} -D FOLDER=${folder} -D SCRIPTS=${names} -D OUT=${out}
            -P ${PROJECT_SOURCE_DIR}/cmake/OrreryViewerPage.cmake
    COMMENT "Embedding the viewer of reports")
  target_sources(${target} PRIVATE ${out})
endfunction()
