// What the program's environment says of its allocators.
#include <framealloc/detail/core/environment.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace framealloc::inline v1::memory {

namespace {

// The environment's words count, so that a program is made strict, guarded or sampled without being built again. Null
// when it says nothing.
const char* said(const char* variable) noexcept {
    const char* word = std::getenv(variable);
    return word == nullptr || *word == '\0' ? nullptr : word;
}

// Of any of these, once.
void refuse(const char* variable, const char* word, const char* allowed) noexcept {
    static sync::atomic<bool> reported{false};
    if (!reported.exchange_acq_rel(true))
        std::fprintf(stderr, "framealloc: %s is \"%.20s\"; expected %s\n", variable, word, allowed);  // pairs: itself
}

void heed_strict(core_config& o) noexcept {
    const char* word = said("FRAMEALLOC_STRICT");
    if (word == nullptr) return;
    if (std::strcmp(word, "warn") == 0) o.strict = strictness::warn;
    else if (std::strcmp(word, "error") == 0) o.strict = strictness::abort_on_error;
    else if (std::strcmp(word, "warning") == 0) o.strict = strictness::abort_on_warning;
    else refuse("FRAMEALLOC_STRICT", word, "warn, error or warning");
}

void heed_guard(core_config& o) noexcept {
    const char* word = said("FRAMEALLOC_GUARD");
    if (word == nullptr) return;
    if (std::strcmp(word, "off") == 0) o.guard = guard_level::off;
    else if (std::strcmp(word, "fill") == 0) o.guard = guard_level::fill;
    else if (std::strcmp(word, "revoke") == 0) o.guard = guard_level::revoke;
    else refuse("FRAMEALLOC_GUARD", word, "off, fill or revoke");
}

void heed_sample(core_config& o) noexcept {
    const char* word = said("FRAMEALLOC_GUARD_SAMPLE");
    if (word == nullptr) return;
    char* end = nullptr;
    const unsigned long long n = std::strtoull(word, &end, 10);
    if (*end == '\0' && word[0] != '-' && n <= 0xFFFFFFFFU) o.guard_sample = static_cast<std::uint32_t>(n);
    else refuse("FRAMEALLOC_GUARD_SAMPLE", word, "a number of events, 0 to 4294967295");
}

}  // namespace

void heed_environment(core_config& o) noexcept {
    heed_strict(o);
    heed_guard(o);
    heed_sample(o);
}

}  // namespace framealloc::inline v1::memory
