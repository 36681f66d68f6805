# The library: cold paths, compiled once; hot paths are in the headers.
file(GLOB_RECURSE headers CONFIGURE_DEPENDS include/framealloc/*.hpp include/framealloc/*.def include/framealloc/framealloc.h include/framealloc/mark_frame.h)
file(GLOB sources CONFIGURE_DEPENDS src/*/*.cpp)
file(GLOB portable_sources CONFIGURE_DEPENDS src/os/portable/*.cpp)
foreach(source ${portable_sources})  # what a system's room lacks, the portable one has
  get_filename_component(name ${source} NAME)
  if(EXISTS ${PROJECT_SOURCE_DIR}/src/os/${FRAMEALLOC_OS}/${name})
    set(source ${PROJECT_SOURCE_DIR}/src/os/${FRAMEALLOC_OS}/${name})
  endif()
  list(APPEND sources ${source})
endforeach()
set_source_files_properties(src/os/portable/pages.cpp PROPERTIES COMPILE_DEFINITIONS FRAMEALLOC_PORTABLE_PAGE=${FRAMEALLOC_PORTABLE_PAGE})

find_package(Threads REQUIRED)
add_library(framealloc ${sources})
add_library(framealloc::framealloc ALIAS framealloc)
target_sources(framealloc PUBLIC FILE_SET HEADERS BASE_DIRS include FILES ${headers})
target_compile_features(framealloc PUBLIC cxx_std_20)
target_compile_definitions(framealloc PUBLIC FRAMEALLOC_MODE=${FRAMEALLOC_MODE})
if(FRAMEALLOC_MODE STREQUAL debug)  # a call that ends a function stays a call: a report can name its line
  target_compile_options(framealloc PUBLIC $<$<OR:$<COMPILE_LANG_AND_ID:CXX,GNU,Clang,AppleClang>,$<COMPILE_LANG_AND_ID:C,GNU,Clang,AppleClang>>:-fno-optimize-sibling-calls>)
endif()
# Reports are put together from pieces; a project around this one may want every format to be a literal, as an error.
target_compile_options(framealloc PRIVATE $<$<CXX_COMPILER_ID:GNU,Clang,AppleClang>:-Wno-format-nonliteral>)
if(FRAMEALLOC_PREFETCH)
  target_compile_definitions(framealloc PUBLIC FRAMEALLOC_PREFETCH=1)
endif()
if(FRAMEALLOC_VALGRIND)
  target_compile_definitions(framealloc PUBLIC FRAMEALLOC_VALGRIND=1)
endif()
target_link_libraries(framealloc PUBLIC Threads::Threads PRIVATE $<BUILD_INTERFACE:framealloc_warnings>)
if(FRAMEALLOC_OS STREQUAL windows)
  target_link_libraries(framealloc PUBLIC synchronization)  # WaitOnAddress
endif()
set_target_properties(framealloc PROPERTIES
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
  POSITION_INDEPENDENT_CODE ON CXX_EXTENSIONS OFF VERIFY_INTERFACE_HEADER_SETS ON)

# The core needs neither exceptions nor RTTI; the files that meet the standard library's keep them. The resources of std::pmr
# and the system's pages are objects of the user too, who may ask for their type: dynamic_cast, typeid, -fsanitize=undefined.
set(throwing src/memory/backend.cpp src/object/resources.cpp src/object/misuse.cpp)
set(typed src/object/resources.cpp src/os/linux/pages.cpp src/os/portable/pages.cpp)
foreach(file ${sources})
  cmake_path(RELATIVE_PATH file BASE_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE name)
  if(NOT FRAMEALLOC_EXCEPTIONS OR NOT name IN_LIST throwing)
    set_property(SOURCE ${file} APPEND PROPERTY COMPILE_OPTIONS -fno-exceptions)
  endif()
  if(NOT name IN_LIST typed)
    set_property(SOURCE ${file} APPEND PROPERTY COMPILE_OPTIONS -fno-rtti)
  endif()
endforeach()
