// The build options. They are read here and nowhere else; the rest of the library sees them as types (base/policy.hpp).
//
//   FRAMEALLOC_MODE   minimal | standard | debug; standard when not set. The CMake target sets it for its users.
//   FRAMEALLOC_PREFETCH   0 | 1; 0 when not set. The CMake target sets it for its users. Whether allocations hint at
//     the memory of later ones; parts of one program may differ in it.
//   FRAMEALLOC_FRAME_CAPABILITY   0 | 1 | 2; 0 when not set. Changes what a compiler says, and nothing else.
//
// What is compiled into one program is checked (debug) or not (standard, minimal) as a whole; otherwise it fails to
// link.
#pragma once

#if !defined(_MSVC_LANG) && __cplusplus < 202002L
#error "framealloc needs C++20: compile with -std=c++20 (CMake: target_compile_features(… cxx_std_20))"
#include <framealloc/needs_cxx20>  // does not exist: ends the compilation here, before a hundred errors
#endif

#ifndef FRAMEALLOC_MODE
#define FRAMEALLOC_MODE standard
#endif

// docs/costs.md says where the hints gain and where they do not.
#ifndef FRAMEALLOC_PREFETCH
#define FRAMEALLOC_PREFETCH 0
#endif

// Frames as capabilities for clang's thread-safety analysis: 0 | 1 | 2; see base/capability.hpp.
#ifndef FRAMEALLOC_FRAME_CAPABILITY
#define FRAMEALLOC_FRAME_CAPABILITY 0
#endif

#define FRAMEALLOC_JOIN_(a, b) a##b
#define FRAMEALLOC_JOIN(a, b) FRAMEALLOC_JOIN_(a, b)
#define FRAMEALLOC_TEXT_(a) #a
#define FRAMEALLOC_TEXT(a) FRAMEALLOC_TEXT_(a)

// What a mode means: whether inline code is checked, by the name that a library defines when it was built so, and
// whether allocators of a library that was built in this mode report cheap misuse where options::reports does not say.
#define FRAMEALLOC_BUILT_minimal built_unchecked
#define FRAMEALLOC_BUILT_standard built_unchecked
#define FRAMEALLOC_BUILT_debug built_checked
#define FRAMEALLOC_REPORTS_minimal false
#define FRAMEALLOC_REPORTS_standard true
#define FRAMEALLOC_REPORTS_debug true
#define FRAMEALLOC_BUILT FRAMEALLOC_JOIN(FRAMEALLOC_BUILT_, FRAMEALLOC_MODE)
#define FRAMEALLOC_REPORTS FRAMEALLOC_JOIN(FRAMEALLOC_REPORTS_, FRAMEALLOC_MODE)
