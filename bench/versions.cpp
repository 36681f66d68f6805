// The versions that the headers of the rivals tell.
#include "versions.hpp"

#if __has_include(<boost/version.hpp>)
#include <boost/version.hpp>
#endif
#if __has_include(<absl/base/config.h>)
#include <absl/base/config.h>
#endif
#if __has_include(<foonathan/memory/config.hpp>)
#include <foonathan/memory/config.hpp>
#endif
#if __has_include(<ankerl/unordered_dense.h>)
#include <ankerl/unordered_dense.h>
#endif

namespace bench {

namespace {

[[maybe_unused]] std::string dotted(int a, int b, int c) {
    return std::to_string(a) + "." + std::to_string(b) + "." + std::to_string(c);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> header_versions() {
    std::string boost = "not here", absl = boost, foonathan = boost, ankerl = boost;
#ifdef BOOST_VERSION
    boost = dotted(BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100);
#endif
#ifdef ABSL_LTS_RELEASE_VERSION
    absl = dotted(ABSL_LTS_RELEASE_VERSION, ABSL_LTS_RELEASE_PATCH_LEVEL, 0);
#endif
#ifdef FOONATHAN_MEMORY_VERSION_MAJOR
    foonathan = dotted(FOONATHAN_MEMORY_VERSION_MAJOR, FOONATHAN_MEMORY_VERSION_MINOR, FOONATHAN_MEMORY_VERSION_PATCH);
#elif __has_include(<foonathan/memory/config.hpp>)
    foonathan = dotted(FOONATHAN_MEMORY_VERSION / 100, FOONATHAN_MEMORY_VERSION % 100, 0);
#endif
#ifdef ANKERL_UNORDERED_DENSE_VERSION_MAJOR
    ankerl = dotted(ANKERL_UNORDERED_DENSE_VERSION_MAJOR, ANKERL_UNORDERED_DENSE_VERSION_MINOR,
                    ANKERL_UNORDERED_DENSE_VERSION_PATCH);
#endif
    return {{"Boost", boost}, {"Abseil", absl}, {"foonathan", foonathan}, {"ankerl", ankerl}};
}

}  // namespace bench
