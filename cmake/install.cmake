include(CMakePackageConfigHelpers)

install(TARGETS framealloc EXPORT framealloc-targets FILE_SET HEADERS)
install(EXPORT framealloc-targets NAMESPACE framealloc:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/framealloc)
configure_package_config_file(cmake/framealloc-config.cmake.in framealloc-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/framealloc)
write_basic_package_version_file(framealloc-config-version.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/framealloc-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/framealloc-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/framealloc)
configure_file(cmake/framealloc.pc.in framealloc.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/framealloc.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES share/gdb/framealloc.py DESTINATION ${CMAKE_INSTALL_DATADIR}/framealloc/gdb)
install(FILES share/framealloc.natvis share/framealloc.clang-tidy DESTINATION ${CMAKE_INSTALL_DATADIR}/framealloc)
install(FILES LICENSE-MIT LICENSE-APACHE DESTINATION ${CMAKE_INSTALL_DATADIR}/licenses/framealloc)
