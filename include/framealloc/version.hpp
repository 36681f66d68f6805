// The version of the library. CMake reads the three numbers from here.
#pragma once

#define FRAMEALLOC_VERSION_MAJOR 1
#define FRAMEALLOC_VERSION_MINOR 0
#define FRAMEALLOC_VERSION_PATCH 0
