// Every operation of a heap_vec with every kind of element.
#include "unit/object/matrix/kinds.hpp"

using namespace test;

TEST_CASE("a heap_vec does with every element what std::vector does") {
    matrix::run_matrix<matrix::owned<fa::policy::standard, fa::heap_source>>();
}
TEST_CASE("a heap_vec does with every element what std::vector does, in debug") {
    matrix::run_matrix<matrix::owned<fa::policy::debug, fa::heap_source>>();
}
