/* The C interface: frames, pools, heap, tags. Everything is as in the C++ interface; this header
 * documents only the differences.
 *
 *   fa_allocator* game = fa_create(NULL);
 *   fa_frame* frame = fa_frame_begin(game);
 *   hit* hits = fa_frame_alloc(frame, n * sizeof(hit), _Alignof(hit));
 *   fa_frame_end(frame);
 *   fa_destroy(game);
 *
 * Sizes and alignments are in bytes; an alignment of 0 means that of max_align_t. Functions that return memory return
 * NULL when there is none, and for 0 bytes. NULL may be freed, ended and destroyed. Frames and tags belong to the
 * thread that began them; blocks may be freed on any thread. The library is built in a mode of its own: in debug mode
 * every mistake is reported, with the calling instruction as its place (addr2line -e PROGRAM OFFSET). gcc knows which
 * function frees what (-Wmismatched-dealloc, -Wuse-after-free, -fanalyzer); so does clang --analyze, as far as it
 * follows ownership_returns. Cost: a call more than in C++; every allocation takes the run-time size's path. */
#ifndef FRAMEALLOC_FRAMEALLOC_H
#define FRAMEALLOC_FRAMEALLOC_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11
#define FA_FREED_BY(function, argument) __attribute__((__malloc__, __malloc__(function, argument)))
#else
#define FA_FREED_BY(function, argument)
#endif
#if defined(__clang__)
#define FA_OWNED(kind) __attribute__((ownership_returns(malloc)))
#define FA_TAKES(kind, argument) __attribute__((ownership_takes(malloc, argument)))
#else
#define FA_OWNED(kind)
#define FA_TAKES(kind, argument)
#endif
#if defined(__GNUC__)
#define FA_USED __attribute__((warn_unused_result))
#define FA_BYTES(size) __attribute__((alloc_size(size)))
#else
#define FA_USED
#define FA_BYTES(size)
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fa_allocator fa_allocator;
typedef struct fa_frame fa_frame;

/* A mistake of the program; docs/codes has a page for each code. The texts are valid during the call only. */
typedef struct fa_fault {
    int code;              /* 2 for FA002 */
    const char* text;      /* what the code says */
    const char* detail;    /* what is known beyond it */
    const char* place;     /* the offending instruction, as "program+0x1234", or "" */
    const char* allocator; /* its name */
    const void* address;
    size_t bytes;
} fa_fault;

/* 0 or NULL: the default, as in framealloc::options. */
typedef struct fa_options {
    const char* name;          /* in reports; copied */
    size_t frame_capacity;     /* bytes; a thread's first chunk, and the step in which it grows; 1 MiB */
    size_t frame_limit;        /* bytes allocated by frames of a thread; none */
    size_t global_limit;       /* bytes committed; none */
    size_t slab_page_size;     /* bytes asked for at once by pools; 256 KiB */
    size_t pool_max;           /* bytes; larger pool blocks count as heap; 4 KiB */
    unsigned frames_in_flight; /* outermost frames whose bytes stay intact; 1 */
    void* fixed_memory;        /* memory for the allocator's whole lifetime, or NULL with fixed_bytes: taken once */
    size_t fixed_bytes;
    void (*on_fault)(void* user, const fa_fault* fault);  /* instead of a line on standard error */
    void* user;
} fa_options;

/* Does nothing for NULL. Blocks that are still out keep their memory, and are reported. */
void fa_destroy(fa_allocator* allocator) FA_TAKES(fa_allocator, 1);
/* `options` may be NULL. Returns NULL when the system has no memory. */
fa_allocator* fa_create(const fa_options* options) FA_FREED_BY(fa_destroy, 1) FA_OWNED(fa_allocator) FA_USED;

/* --- frames: their memory is freed when they end --- */
void fa_frame_end(fa_frame* frame) FA_TAKES(fa_frame, 1);
fa_frame* fa_frame_begin(fa_allocator* allocator) FA_FREED_BY(fa_frame_end, 1) FA_OWNED(fa_frame) FA_USED;
/* From this frame, whatever frame is open inside it. */
void* fa_frame_alloc(fa_frame* frame, size_t size, size_t alignment) FA_BYTES(2) FA_USED;

/* --- blocks: freed with the size and alignment they were allocated with --- */
void fa_pool_free(fa_allocator* allocator, void* block, size_t size, size_t alignment) FA_TAKES(fa_pool, 2);
void* fa_pool_alloc(fa_allocator* allocator, size_t size, size_t alignment) FA_FREED_BY(fa_pool_free, 2)
    FA_OWNED(fa_pool) FA_BYTES(2) FA_USED;
void fa_heap_free(fa_allocator* allocator, void* block, size_t size, size_t alignment) FA_TAKES(fa_heap, 2);
void* fa_heap_alloc(fa_allocator* allocator, size_t size, size_t alignment) FA_FREED_BY(fa_heap_free, 2)
    FA_OWNED(fa_heap) FA_BYTES(2) FA_USED;

/* --- for libraries that accept malloc-style functions: an allocator, a kind and a tag behind one pointer ---
 *
 *   fa_hook* scripts = fa_hook_create(game, FA_HEAP, "scripts");
 *   lua_State* l = lua_newstate(realloc_for_lua, scripts);
 *
 * As their namesakes, so 0 bytes get a block; but fa_realloc(h, p, 0) frees and returns NULL, whatever p is, and
 * errno is not set. Blocks may be freed and resized on any thread, through a hook of the same allocator and kind. A
 * block beyond 1 MiB grows without copying where the system can move its pages. */
typedef struct fa_hook fa_hook;
typedef enum fa_kind { FA_POOL = 1, FA_HEAP = 2 } fa_kind;
void fa_hook_destroy(fa_hook* hook);
/* `tag` is a path, "engine::scripts", and is charged for what the hook allocates; NULL: whatever tag is open. Returns
 * NULL without memory, and for another kind (FA445). The allocator lives until its hooks are destroyed. */
fa_hook* fa_hook_create(fa_allocator* allocator, fa_kind kind, const char* tag) FA_USED;
void fa_free(fa_hook* hook, void* block) FA_TAKES(fa_block, 2);
void* fa_malloc(fa_hook* hook, size_t size) FA_FREED_BY(fa_free, 2) FA_OWNED(fa_block) FA_BYTES(2) FA_USED;
void* fa_calloc(fa_hook* hook, size_t count, size_t size) FA_FREED_BY(fa_free, 2) FA_OWNED(fa_block) FA_USED;
void* fa_aligned_alloc(fa_hook* hook, size_t alignment, size_t size) FA_FREED_BY(fa_free, 2) FA_OWNED(fa_block)
    FA_BYTES(3) FA_USED;
/* Keeps the alignment of max_align_t only. */
void* fa_realloc(fa_hook* hook, void* block, size_t size) FA_BYTES(3) FA_USED;
/* What the block can hold, and what a block of at least `size` could. More than was asked for may be used only after
 * fa_good_size() or fa_realloc() said so to the compiler too: with -D_FORTIFY_SOURCE a write behind what was asked
 * for ends the program. */
size_t fa_usable_size(const void* block);
size_t fa_good_size(fa_hook* hook, size_t size);

/* --- tags: who is charged --- */
typedef struct fa_tag {
    void* state[3];
} fa_tag;
/* Charges what this thread takes from here on to `name`, below the tag that is open. Ended in reverse order, in the
 * same frame. Names are copied. Without memory for a new name the program ends with a report. */
void fa_tag_begin(fa_tag* tag, fa_allocator* allocator, const char* name);
void fa_tag_end(fa_tag* tag);

/* --- what is known --- */
typedef struct fa_stats {
    size_t frame_bytes, pool_bytes, heap_bytes; /* in use */
    size_t total_bytes; /* their sum */
    size_t peak_bytes; /* its maximum at boundaries: ends of frames and tags; of several threads, the sum of theirs */
    size_t committed_bytes; /* of the operating system; 0 for a tag */
} fa_stats;
fa_stats fa_get_stats(fa_allocator* allocator);
/* Of "physics::solver" and the tags below it; "" is everything. */
fa_stats fa_get_tag_stats(fa_allocator* allocator, const char* path);
/* Whose pointer is it? Writes one line of at most `size` bytes, the final zero included; returns its length. */
size_t fa_describe(const void* pointer, char* text, size_t size);
/* In debug mode: looks at every pool and heap block now, and at the calling thread's frame blocks and what it freed
 * lately; returns the number of faults it reported. No other thread may write to, free or resize blocks meanwhile. */
size_t fa_check(fa_allocator* allocator);
/* Gives unused memory back to the system. */
void fa_trim(fa_allocator* allocator);

#ifdef __cplusplus
}
#endif

#endif
