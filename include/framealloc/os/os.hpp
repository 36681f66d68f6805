// What the machine gives: pages and threads.
#pragma once

#include <framealloc/os/fixed_pages.hpp>
#include <framealloc/os/metadata.hpp>
#include <framealloc/os/page_ledger.hpp>
#include <framealloc/os/page_map.hpp>
#include <framealloc/os/pages.hpp>
#include <framealloc/os/thread.hpp>
#include <framealloc/os/wait.hpp>
