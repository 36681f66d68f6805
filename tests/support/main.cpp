// The main function of the unit tests.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <string_view>

#ifndef FRAMEALLOC_TEST_OS
#define FRAMEALLOC_TEST_OS "linux"
#endif

namespace test {
extern const bool on_linux;
constinit const bool on_linux = std::string_view(FRAMEALLOC_TEST_OS) == "linux";
}  // namespace test
