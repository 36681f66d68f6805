// Which types a transfer refuses, which it accepts, and what a specialisation says of types that it cannot see through.
#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <thread>
#include <tuple>
#include <variant>

#include "support/recorder.hpp"

using namespace test;

namespace {

template <class... T>
constexpr bool all_live_in_frames = (fa::lives_in_frame_v<T> && ...);
template <class... T>
constexpr bool none_lives_in_a_frame = (!fa::lives_in_frame_v<T> && ...);

struct hides {
    int before;
    fa::basic_vec<int, fa::frame_source, fa::policy::debug> v;
};
struct says_so {
    fa::frame_vec<int> v;
};
template <class T>
struct number_of {
    int n;
};

}  // namespace

template <>
struct framealloc::lives_in_frame<says_so> : std::true_type {};
template <>
struct framealloc::lives_in_frame<number_of<fa::frame_string>> : std::false_type {};

namespace {

static_assert(all_live_in_frames<fa::frame_vec<int>, fa::frame_string, fa::frame_map<int, int>, fa::frame_box<int>>);
static_assert(all_live_in_frames<const fa::frame_vec<int>, volatile fa::frame_string, const volatile fa::frame_box<int>,
                                 fa::frame_string[], fa::frame_string[3], const fa::frame_string[2][2]>);
static_assert(all_live_in_frames<std::vector<int, fa::frame_allocator<int>>, std::vector<fa::frame_string>,
                                 fa::pool_vec<fa::frame_box<int>>, fa::heap_box<fa::frame_string>,
                                 fa::pool_shared<fa::frame_vec<int>>>);
static_assert(all_live_in_frames<std::pair<int, fa::frame_string>, std::tuple<int, std::optional<fa::frame_vec<int>>>,
                                 std::variant<int, fa::frame_box<int>>, std::array<fa::frame_string, 2>,
                                 std::unique_ptr<fa::frame_string>, std::map<int, fa::frame_string>>);
static_assert(all_live_in_frames<says_so, std::optional<says_so>, std::map<int, std::array<says_so, 2>>>);
static_assert(
    all_live_in_frames<fa::basic_vec<int, fa::frame_source, fa::policy::debug>,
                       fa::basic_frame_string<fa::policy::unchecked>, fa::basic_frame_box<int, fa::policy::debug>>);

static_assert(
    none_lives_in_a_frame<void, int, std::string, std::vector<int>, fa::pool_vec<int>, fa::heap_vec<std::string>,
                          fa::pool_box<int>, fa::heap_box<int>, fa::pool_shared<int>, fa::transfer_box<int>,
                          fa::transfer_handle<std::string>, std::vector<int, fa::pool_allocator<int>>>);
static_assert(none_lives_in_a_frame<fa::frame_vec<int>*, fa::frame_vec<int>&, std::span<fa::frame_string>,
                                    std::function<void(fa::frame_vec<int>&)>>);
static_assert(none_lives_in_a_frame<hides, number_of<fa::frame_string>>);  // marked by a specialisation

}  // namespace

FOR_EACH_POLICY("what lives in pools, on the heap or in std containers is transferred") {
    fa::basic_smart_alloc<P> alloc;
    const auto frame = alloc.frame_scope();
    auto v = alloc.template pool_vec<int>(fa::count(3));
    auto a = alloc.frame_box_for_transfer(std::move(v));
    auto b = alloc.template frame_box_for_transfer<std::vector<std::string>>(3U, "text");
    auto c = alloc.frame_box_for_transfer(alloc.frame_box(std::string("moved out of its frame")));
    auto d = alloc.frame_box_for_transfer(alloc.template heap_box<int>(4));
    std::thread([&] {
        CHECK(std::move(a).receive()->size() == 3);
        CHECK(std::move(b).receive()->back() == "text");
        CHECK(*std::move(c).receive() == "moved out of its frame");
        CHECK(**std::move(d).receive() == 4);
    }).join();
}

TEST_CASE("debug tells of a frame container in a class that a transfer cannot see through, when it is used") {
    if (fa::guard::under_tool) return;  // which reports first
    recorder r;
    fa::basic_smart_alloc<fa::policy::debug> alloc{r.options({.guard = fa::guard_level::fill})};  // the program goes on
    alloc.begin_frame();
    auto v = alloc.frame_vec<int>();
    v.push_back(7);
    auto h = alloc.frame_box_for_transfer(hides{1, std::move(v)});
    alloc.end_frame();
    auto received = std::move(h).receive();
    CHECK(received->before == 1);
    CHECK(r.faults.empty());
    received->v.push_back(8);
    CHECK(r.count(fa::code::FA002) >= 1);
}
