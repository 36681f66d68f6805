// Every operation of a frame_vec with every kind of element.
#include "unit/object/matrix/kinds.hpp"

using namespace test;

TEST_CASE("a frame_vec does with every element what std::vector does") {
    matrix::run_matrix<matrix::frame<fa::policy::standard>>();
}
TEST_CASE("a frame_vec does with every element what std::vector does, in debug") {
    matrix::run_matrix<matrix::frame<fa::policy::debug>>();
}
