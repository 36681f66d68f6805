# What of the tests is built and run for another system than this one: the unit tests, the contracts that a compiler checks,
# and the C interface. A test that cannot run there is named here, with the reason.
find_path(doctest_include doctest/doctest.h PATHS /usr/include NO_CMAKE_FIND_ROOT_PATH REQUIRED)
file(COPY ${doctest_include}/doctest DESTINATION ${CMAKE_CURRENT_BINARY_DIR}/include)  # beside it lie headers of this system

file(GLOB_RECURSE unit_sources RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} CONFIGURE_DEPENDS unit/*_test.cpp exhaustion/*_test.cpp)
list(FILTER unit_sources EXCLUDE REGEX "_matrix_test.cpp$")  # most of the time to build, and nothing in them depends on a system
# Slow where there is an emulator between, and nothing in them depends on a system.
set(excluded_cases "large blocks at every alignment are aligned?*" "keys that follow a pattern?*"
  "a map can be copied entry by entry?*" "with the k-th * refused?*")
if(WIN32)
  # They start children with fork().
  foreach(name base lifecycle corners handlers life box growth map)
    set(left_out ${unit_sources})
    list(FILTER left_out INCLUDE REGEX "/${name}_test.cpp$")
    if(NOT left_out)
      message(FATAL_ERROR "cross.cmake: there is no ${name}_test.cpp to leave out")
    endif()
    list(REMOVE_ITEM unit_sources ${left_out})
  endforeach()
else()
  list(APPEND excluded_cases
    # addr2line of this system reads no other system's programs.
    "an empty box that is dereferenced says so in debug? and where*" "into_inner() of an empty box says so in every mode*"
    # The address space that the system tells of is QEMU's own.
    "an allocator that is gone leaves no address space behind*" "without memory to remember an allocator by?*")
endif()
list(JOIN excluded_cases "," excluded_cases)

# A program for each room: MinGW's linker takes a minute for all of them in one.
add_library(unit_main OBJECT support/main.cpp)
target_include_directories(unit_main SYSTEM PUBLIC ${CMAKE_CURRENT_BINARY_DIR}/include)
target_link_libraries(unit_main PUBLIC framealloc framealloc_warnings)
target_compile_definitions(unit_main PUBLIC DOCTEST_CONFIG_SUPER_FAST_ASSERTS PRIVATE FRAMEALLOC_TEST_OS="${FRAMEALLOC_OS}")
file(GLOB rooms RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} CONFIGURE_DEPENDS unit/*)
foreach(room ${rooms} exhaustion)
  set(room_sources ${unit_sources})
  list(FILTER room_sources INCLUDE REGEX "^${room}/")
  if(NOT room_sources)
    continue()
  endif()
  string(REPLACE "/" "." name ${room})
  string(REPLACE "/" "_" target ${room}_tests)
  add_executable(${target} ${room_sources})
  target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${target} PRIVATE unit_main)
  if(room MATCHES "account|insight|lifetime|object|runtime")  # half of the time to build; what loops for long stays optimised
    target_compile_options(${target} PRIVATE -O0 -Wno-alloc-size-larger-than)  # g++ 12 follows no branch at -O0
  else()
    target_compile_options(${target} PRIVATE -O1)
  endif()
  add_test(NAME ${name} COMMAND ${target} "--test-case-exclude=${excluded_cases}" --no-intro)
endforeach()

add_executable(static_contract contract/static_test.cpp)
target_link_libraries(static_contract PRIVATE framealloc framealloc_warnings)
add_test(NAME contract.static COMMAND static_contract)
enable_language(C)
add_executable(c_interface contract/c_interface.c)
target_link_libraries(c_interface PRIVATE framealloc framealloc_warnings)
add_test(NAME contract.c_interface COMMAND c_interface)
set_property(DIRECTORY PROPERTY TIMEOUT 600)
