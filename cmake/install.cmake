# What is installed: library, headers, the CMake package, the pkg-config files and what debuggers read.
include(CMakePackageConfigHelpers)

install(TARGETS framealloc EXPORT framealloc-targets FILE_SET HEADERS)
install(EXPORT framealloc-targets NAMESPACE framealloc:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/framealloc)
# What a program in C needs beside a static library.
set(cxx_library stdc++)
if(CMAKE_CXX_IMPLICIT_LINK_LIBRARIES MATCHES "(^|;)c\\+\\+(;|$)")
  set(cxx_library c++)
endif()
configure_package_config_file(cmake/framealloc-config.cmake.in framealloc-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/framealloc)
write_basic_package_version_file(framealloc-config-version.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/framealloc-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/framealloc-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/framealloc)

# Paths of the .pc file are relative to itself, so that --prefix and a moved tree are right; what is absolute stays so.
foreach(directory LIBDIR INCLUDEDIR)
  string(TOLOWER pc_${directory} name)
  set(${name} "\${prefix}/${CMAKE_INSTALL_${directory}}")
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${directory}}")
    set(${name} "${CMAKE_INSTALL_${directory}}")
  endif()
endforeach()
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(pc_prefix "${CMAKE_INSTALL_PREFIX}")
else()
  file(RELATIVE_PATH up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
  string(REGEX REPLACE "/$" "" up "${up}")
  set(pc_prefix "\${pcfiledir}/${up}")
endif()
set(pc_flags "")
if(FRAMEALLOC_MODE STREQUAL debug)
  set(pc_flags " -fno-optimize-sibling-calls")  # see library.cmake
endif()
set(pc_system_libs "")
if(FRAMEALLOC_OS STREQUAL windows)
  set(pc_system_libs " -lsynchronization")
endif()
configure_file(cmake/framealloc.pc.in framealloc.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/framealloc.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES share/gdb/framealloc.py DESTINATION ${CMAKE_INSTALL_DATADIR}/framealloc/gdb)
install(FILES share/framealloc.natvis share/framealloc.clang-tidy DESTINATION ${CMAKE_INSTALL_DATADIR}/framealloc)
install(FILES LICENSE-MIT LICENSE-APACHE DESTINATION ${CMAKE_INSTALL_DATADIR}/licenses/framealloc)
