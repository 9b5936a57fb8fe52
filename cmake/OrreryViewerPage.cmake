# cmake -D FOLDER=<html folder> -D SCRIPTS=<a.js,b.js> -D OUT=<file.cpp> -P OrreryViewerPage.cmake: writes what
# testkit/orrery/testkit/detail/viewer_page.hpp promises.
cmake_minimum_required(VERSION 3.25)
file(READ ${FOLDER}/viewer.html page)
# A literal for each file: no compiler need take one of more than 65536 characters.
set(next ")__orrery\";\n  page += R\"__orrery(")
set(script "")
string(REPLACE "," ";" scripts "${SCRIPTS}")
foreach(name IN LISTS scripts)
  file(READ ${FOLDER}/${name} text)
  string(APPEND script "${next}${text}")
endforeach()
foreach(name viewer.css picture.css)
  file(READ ${FOLDER}/${name} text)
  string(REPLACE "/*@${name}@*/" "${next}${text}" page "${page}")
endforeach()
string(REPLACE "/*@script@*/" "${script}" page "${page}")
file(WRITE ${OUT} "// Made from testkit/orrery/testkit/html/ by OrreryViewerPage.cmake.
#include \"orrery/testkit/detail/viewer_page.hpp\"

namespace orrery::testkit::detail {

std::string viewer_page() {
  std::string page = R\"__orrery(${page})__orrery\";
  return page;
}

}  // namespace orrery::testkit::detail
")
