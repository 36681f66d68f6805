"""Why gates are missed, for the section "What is not won" of docs/performance.md: {row of that page: the reason}.

A key is a whole row, or what stands before its colon, for all of its rivals. performance.py marks a row that is missed and has no
reason here. A reason may stay while its row is met: some are met on one machine, or with one compiler, and not with the next.
"""

STORE_FORWARDING = ("bound by the processor: the cursor goes through memory, so that each allocation waits for the store of the last one, 5 cycles where the "
                    "processor does not rename memory; the loop written by hand takes as long, and fewer instructions do not help")
STATISTICS = "bytes are charged to tag, phase and each open frame with exact peaks, which no rival keeps"
CLANG_INLINING = "g++ meets it; clang 19 calls out of line what g++ inlines, or keeps fewer values in registers"
PAGES_OF_CLASSES = ("each size class has a page of 64 KiB, whose header at its begin takes a cache line beside the block's; these lines fall into few sets of "
                    "the cache. The rivals keep what they know of their pages in one place, close together. A trial with headers in 32 places "
                    "had 0.04 misses of the second-level cache an operation for 0.95, and a tenth less time, for three instructions more in each free")
FIRST_TOUCH = ("the time is the system's for page faults; pages become accessible in steps from 4 KiB on, so that memory which is not used stays untouched, and each "
               "step is a system call. mimalloc makes whole segments accessible at once")
BEYOND_CACHE = ("the table is larger than the second-level cache, and both maps wait for one line of tags and one of elements; the ratio of a run says how the "
                "caches were shared, and the quartiles lie on both sides of 1 when they are wide")
SAME_MEMORY_FUNCTION = "both call the same memory function for all of it: the ratio is noise about 1 and the frame's begin and end"
REFERENCE_PROCESSOR = ("the gate is from a prototype on an AMD Zen 5, which renames memory; here both of a pair's trips of the list's head through memory take 5 "
                       "cycles each, which a rival with more instructions has as well")

REASONS = {
    # --- instructions ---
    "hook, 64 bytes, and back": CLANG_INLINING,
    "the same, another tag open": CLANG_INLINING,
    "inner frame + 1 alloc": "32 to open and close, 6 to allocate; the rest adds the frame's bytes to a sum and notes how high its cursor stood, from which the next boundary "
                             "makes exact statistics",
    "parent's alloc + empty inner frame": "6 of them are the parent's allocation and 32 an empty frame; what the others are was not found out",
    "tag scope + frame alloc": "the scope's end is a boundary: " + STATISTICS + "; the charge is entered in the log of the frame, from which its end takes it back",
    "tag scope + pool pair": "the page of the tag is installed, its blocks are charged, and it is put away again: three times the same page header and account",
    "two tags in turns, a pool pair in each": "twice the row above, and the log has an entry for each of the two tags",
    "tag scope by string, 10 tags": CLANG_INLINING,
    "tag scope by string, 10,000 tags": CLANG_INLINING,
    "checkpoint + rollback, empty": CLANG_INLINING,
    "checkpoint + rollback, 1 alloc": CLANG_INLINING,
    "heap pair, 64 KiB": CLANG_INLINING,
    "std::list on frame_allocator, an element": CLANG_INLINING,
    "frame_string of 5 characters": CLANG_INLINING,
    "frame_string, append of 5": CLANG_INLINING,
    "describe, 515 allocators": CLANG_INLINING,
    # --- whole operations against rivals ---
    "inner frame + 1 alloc: framealloc / bumpalo": STATISTICS,
    "inner frame + 1 alloc: framealloc / foonathan": STATISTICS,
    "inner frame + 1 alloc: framealloc / pmr::monotonic": STATISTICS,
    "outermost frame with 10 allocs": "an outermost frame's end is a boundary, 80 instructions for statistics, deferred frees and what waits; ten allocations do not make up for "
                                      "it, a hundred do",
    "outermost frame with 100 allocs": STORE_FORWARDING,
    "frame resource, both virtual": STORE_FORWARDING + "; the resource asks besides whether its frame is still open",
    "pool mix of 16 to 1,024 bytes, 4,000 live": PAGES_OF_CLASSES,
    "heap small, 16 to 1,024 bytes": PAGES_OF_CLASSES,
    "pool mix on 2 threads at once": PAGES_OF_CLASSES,
    "heap small on 2 threads at once": PAGES_OF_CLASSES,
    "first fill of 1,000,000 times 64 bytes": FIRST_TOUCH,
    "first fill, with huge pages": "a huge page is cleared by the system as a whole, which both wait for; what is left is carving the blocks, and both write each of them once",
    "heap pair, 64 KiB: framealloc / tcmalloc": "87 instructions to 72: a block of this size goes on the tab of its tag when it is taken and comes off it when it is given back",
    "heap, 256 KiB to 4 MiB": "both sides keep freed blocks and miss at times; a miss is a system call and page faults, so that few of them decide the median",
    "frame_vec, push of 1,000": STORE_FORWARDING,
    "vec assign(range) of trivial types": SAME_MEMORY_FUNCTION,
    "string resize to 64 K": SAME_MEMORY_FUNCTION,
    "frame_map, find among 100,000": BEYOND_CACHE,
    "frame_map, miss among 100,000": BEYOND_CACHE,
    # --- further gates ---
    "bump 64 B": STORE_FORWARDING,
    "bump 64 B, written": STORE_FORWARDING + "; writing the blocks is most of the time for all, and the mallocs' part of it shows how little is left to save",
    "inner frame, empty": "32 instructions to bumpalo's 14: a frame inside another closes it for allocations, and what it left to do is tested; bumpalo's reset knows no frames in "
                          "frames",
    "pool pair": REFERENCE_PROCESSOR + ". Boost.Pool has no owner, thread, tag or page to keep",
    "pool LIFO": REFERENCE_PROCESSOR,
    "pool random free": "each free goes to the block's page, as with mimalloc and rpmalloc; one list for all, as Boost.Pool has, is faster while it lies in the cache",
    "pool refill": PAGES_OF_CLASSES,
    "pool mix": PAGES_OF_CLASSES,
    "heap mix 64 KiB-4 MiB": "as heap, 256 KiB to 4 MiB",
    "heap pair 1 MiB": "a block on the tab of its tag, as with 64 KiB; the fastest rival has a cache of such blocks without an account",
    "phased": "two threads hand memory to each other: the time is that of cache lines between two processors, and of waking the other thread, which all have in common",
    "phased, stamped": "as phased",
    "ring": "as phased",
    "ring, stamped": "as phased",
    "1 to 64 threads": "64 new threads have 4,000 pairs each: starting them, and the tables and pages that each takes of the system, is most of the time; two threads need "
                       "two processors that nobody else uses",
    "std::list": "an element is destroyed one by one, and its memory asked whose it is; the monotonic resource gives nothing back",
    "map find, 1,000": BEYOND_CACHE.replace("the table is larger than the second-level cache, and both", "both"),
    "map insert, 100,000": BEYOND_CACHE,
    "bytes a block": "as many bytes as the block itself, and page headers",
}
