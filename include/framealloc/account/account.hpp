// Who is charged: tags, their tree, and what each thread charges to each.
#pragma once

#include <framealloc/account/budget.hpp>
#include <framealloc/account/tag.hpp>
