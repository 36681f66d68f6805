// What the machine gives: pages and threads.
#pragma once

#include <framealloc/os/pages.hpp>
