// The kinds of memory: as many as there are enumerators, each with a row of its own.
#include <doctest/doctest.h>

#include <string_view>
#include <utility>

#include "support/recorder.hpp"

using namespace test;

namespace {

// "frame", or a number in parentheses where the value has no enumerator.
template <fa::memory_kind K>
constexpr std::string_view spelling() {
    std::string_view s = __PRETTY_FUNCTION__;
    s = s.substr(s.find("K = ") + 4);
    s = s.substr(0, s.find_first_of("];"));
    const auto last = s.rfind(':');
    return last == s.npos || s.front() == '(' ? s : s.substr(last + 1);
}

template <unsigned Index>
bool named_as_its_enumerator() {
    return spelling<fa::kind_at(Index)>() == fa::traits_of(fa::kind_at(Index)).name;
}

}  // namespace

TEST_CASE("kind_count counts every enumerator, and the name of each kind is its enumerator's") {
    CHECK(spelling<fa::memory_kind::frame>() == "frame");
    CHECK(spelling<fa::kind_at(fa::kind_count)>().front() == '(');
    const bool named = []<unsigned... I>(std::integer_sequence<unsigned, I...>) {
        return (named_as_its_enumerator<I>() && ...);
    }(std::make_integer_sequence<unsigned, fa::kind_count>{});
    CHECK(named);
}

TEST_CASE("memory that frames own is not freed block by block") {
    for (unsigned k = 0; k < fa::kind_count; ++k) {
        const fa::kind_traits t = fa::traits_of(fa::kind_at(k));
        CHECK(fa::index_of(fa::kind_at(k)) == k);
        CHECK_FALSE((t.freed_singly && t.of_frames));
    }
}
