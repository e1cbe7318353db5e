# Where Slicer makes the package: check what it would check, and write the facts down.

foreach(name HOMEPAGE CONTRIBUTORS DESCRIPTION ICONURL SCREENSHOTURLS DEPENDS)
  if("${EXTENSION_${name}}" STREQUAL "")
    message(FATAL_ERROR "error: EXTENSION_${name} is either NOT defined or empty.")
  endif()
  string(APPEND facts "${name}=${EXTENSION_${name}}\n")
endforeach()
foreach(file README.md LICENSE.txt)
  if(NOT EXISTS ${CMAKE_SOURCE_DIR}/${file})
    message(FATAL_ERROR "error: ${file} is missing")
  endif()
endforeach()
file(WRITE ${CMAKE_BINARY_DIR}/extension.txt "NAME=${PROJECT_NAME}\n${facts}")
