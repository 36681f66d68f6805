// The trace of a recording: a header page, then chunks of 64 KiB, each of one kind; events have 16 bytes. All numbers
// are little endian. A killed program leaves zeros after its last event, which end a chunk.
#pragma once

#include <cstddef>
#include <cstdint>

namespace trace {

inline constexpr std::uint64_t file_magic = 0x3165636172746166;  // "fatrace1"
inline constexpr std::uint32_t chunk_magic = 0x68636166;  // "fach"
inline constexpr std::size_t header_bytes = 4096;
inline constexpr std::size_t chunk_bytes = 64 * 1024;
inline constexpr std::size_t deepest_stack = 32;

enum class frame_source : std::uint32_t { program, symbol, time };  // program: its own marks, or its present calls

// Why recording ended before the program did. The program went on.
enum class stop : std::uint32_t { none, limit, no_space, file_size_limit, file_closed, no_mapping, sandbox };

struct file_header {
    std::uint64_t magic;
    std::uint32_t pid;
    std::uint32_t main_thread;  // its number in the recorder
    std::uint64_t started_ns;  // since 1970
    std::uint64_t ended_ns;  // since the start; 0: killed
    std::uint64_t chunks;  // assigned to threads; 0: killed
    std::uint64_t unrecorded;  // not 0: recording ended before the program, at the limit or for lack of space
    std::uint32_t sample;  // one block in this many, chosen by address
    std::uint32_t stack_depth;
    frame_source frames;
    std::uint32_t every_us;  // with frame_source::time
    char frame_name[256];
    char program[2048];
    stop stopped;
};
static_assert(sizeof(file_header) <= header_bytes);

enum class chunk_kind : std::uint32_t {
    events = 1,  // event[], in the order of their sequence
    stacks = 2,  // { u32 id, u32 depth, u64 return address[depth] }…, the innermost first; id 0 ends
    // The upper 16 bits of an address count the modules that were loaded there before and then unloaded.
    modules =
        // { u64 begin, u64 end, u64 bias, u32 path bytes, path, padding to 8 }…; begin 0 ends; the same 16 bits in all
    // three
    3,
};

struct chunk_header {
    std::uint32_t magic;
    chunk_kind kind;
    std::uint32_t thread;  // of the first events
    std::uint32_t unused;
    std::uint64_t begin_ns;  // since the start
    std::uint64_t checksum;  // of the chunk when it is full; 0: it was still written to when the program ended
};
static_assert(sizeof(chunk_header) == 32);

// Covers everything but itself; never 0. It detects flipped bits, not attacks.
inline std::uint64_t checksum_of(const chunk_header& h) noexcept {
    const auto* words = reinterpret_cast<const std::uint64_t*>(&h);
    constexpr std::uint64_t golden = 0x9e3779b97f4a7c15U;
    std::uint64_t sums[4] = {words[0], words[1], words[2], 0};  // four at a time: each waits for its own product only
    for (std::size_t i = sizeof h / 8; i < chunk_bytes / 8; ++i)
        sums[i % 4] = (sums[i % 4] ^ words[i]) * golden + (sums[i % 4] >> 47);
    std::uint64_t sum = 0;
    for (const std::uint64_t s : sums) sum = (sum ^ s ^ s >> 32) * golden;
    return sum | 1;
}

enum class op : std::uint8_t {
    none = 0,
    allocate = 1,  // malloc
    allocate_zero = 2,  // calloc
    allocate_aligned = 3,
    allocate_new = 4,  // operator new, of every form
    release = 5,  // free
    release_delete = 6,  // operator delete, of every form
    resize_from = 7,  // realloc, before the call: the old block
    resize_to = 8,  // realloc, after the call, on the same thread: the new block
    resize_failed = 9,  // realloc failed: the old block stays
    mark = 10,  // a frame begins; `second` is the time in ns since the start
    wide = 11,  // before an allocation: `second` is its size, bits 4-11 the exponent of its alignment
    thread = 12,  // `second` is the thread of the following events
};

inline constexpr unsigned stack_bits = 20, sequence_bits = 40, size_bits = 19;
inline constexpr std::uint64_t most_stacks = std::uint64_t{1} << stack_bits;
inline constexpr std::uint64_t wide_size = (std::uint64_t{1} << size_bits) -
                                           1;  // stands for the size in the wide event before it

// first: operation (4 bits), stack (20), sequence (40). second: address / 8 (45 bits), size (19).
struct event {
    std::uint64_t first;
    std::uint64_t second;

    static event make(op what, std::uint64_t sequence, std::uint32_t stack, std::uint64_t address,
                      std::uint64_t size) noexcept {
        return {static_cast<std::uint64_t>(what) | std::uint64_t{stack} << 4 | sequence << (4 + stack_bits),
                address >> 3 << size_bits | size};
    }
    op what() const noexcept { return static_cast<op>(first & 15); }
    std::uint32_t stack() const noexcept { return static_cast<std::uint32_t>(first >> 4 & (most_stacks - 1)); }
    std::uint64_t sequence() const noexcept { return first >> (4 + stack_bits); }
    std::uint64_t address() const noexcept { return second >> size_bits << 3; }
    std::uint64_t size() const noexcept { return second & wide_size; }
};
static_assert(sizeof(event) == 16);

}  // namespace trace
