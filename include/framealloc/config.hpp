// The build options. They are read here and nowhere else; the rest of the library sees them as types (base/policy.hpp).
//
//   FRAMEALLOC_MODE   minimal | standard | debug; standard when not set. The CMake target sets it for whoever links it.
//   FRAMEALLOC_FRAME_CAPABILITY   0 | 1 | 2; 0 when not set. Changes what a compiler says, and nothing else.
//
// The mode is part of the inline namespace, so that two modes mixed in one program fail to link.
#pragma once

#if !defined(_MSVC_LANG) && __cplusplus < 202002L
#error "framealloc needs C++20: compile with -std=c++20 (CMake: target_compile_features(… cxx_std_20))"
#include <framealloc/needs_cxx20>  // does not exist: ends the compilation here, before a hundred errors
#endif

#ifndef FRAMEALLOC_MODE
#define FRAMEALLOC_MODE standard
#endif

// Frames as capabilities for clang's thread-safety analysis: 0 | 1 | 2; see base/capability.hpp.
#ifndef FRAMEALLOC_FRAME_CAPABILITY
#define FRAMEALLOC_FRAME_CAPABILITY 0
#endif

#define FRAMEALLOC_JOIN_(a, b) a##b
#define FRAMEALLOC_JOIN(a, b) FRAMEALLOC_JOIN_(a, b)
#define FRAMEALLOC_TEXT_(a) #a
#define FRAMEALLOC_TEXT(a) FRAMEALLOC_TEXT_(a)
#define FRAMEALLOC_ABI FRAMEALLOC_JOIN(v1_, FRAMEALLOC_MODE)
