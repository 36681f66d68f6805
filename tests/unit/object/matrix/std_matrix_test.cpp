// The same on std::vector: the matrix expects what the standard library does.
#include "unit/object/matrix/kinds.hpp"

using namespace test;

TEST_CASE("std::vector does what the matrix of containers expects") { matrix::run_matrix<matrix::standard_library>(); }
