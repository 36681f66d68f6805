// Who pays: tags, their tree, and what each thread owes to each.
#pragma once

#include <framealloc/account/budget.hpp>
#include <framealloc/account/tag.hpp>
