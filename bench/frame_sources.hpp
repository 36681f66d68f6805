// Frames in the shape that workloads take: open() returns an object that ends its frame when it dies; allocate<N>() of
// it returns N bytes of alignment 8 (1 where N is no multiple of 8).
#pragma once

#include <array>
#include <memory_resource>

#include "sources.hpp"

#if __has_include(<foonathan/memory/memory_stack.hpp>)
#include <foonathan/memory/memory_stack.hpp>
#define FRAMEALLOC_BENCH_FOONATHAN 1
#else
#define FRAMEALLOC_BENCH_FOONATHAN 0
#endif

namespace bench {

inline constexpr std::size_t scratch_bytes = std::size_t{32} << 20;

// Memory that every stack written by hand and every resource over a buffer uses, touched.
inline std::byte* scratch() {
    static const std::vector<std::byte> bytes(scratch_bytes, std::byte{1});
    return const_cast<std::byte*>(bytes.data());
}

struct our_scopes {
    struct frame {
        fa::frame_scope scope{ours().frame_scope()};
        template <std::size_t N, std::size_t Align = alignment_of<N>>
        void* allocate() const {
            return scope.alloc<bytes_of<N, Align>>();
        }
    };
    static constexpr bool is_ours = true;
    frame open() const { return {}; }
};
// begin_frame, frame_alloc, end_frame: each finds the thread's context.
struct our_calls {
    struct frame {
        frame() { ours().begin_frame(); }
        frame(const frame&) = delete;
        frame& operator=(const frame&) = delete;
        ~frame() { ours().end_frame(); }
        template <std::size_t N, std::size_t Align = alignment_of<N>>
        void* allocate() const {
            return ours().frame_alloc<bytes_of<N, Align>>();
        }
    };
    static constexpr bool is_ours = true;
    frame open() const { return {}; }
};
// The same behind function pointers that are read again for each call, with a size that is not known.
struct our_pointers {
    struct frame {
        explicit frame(const our_pointers& from) : p(from) { p.begin(); }
        frame(const frame&) = delete;
        frame& operator=(const frame&) = delete;
        ~frame() { p.end(); }
        template <std::size_t N, std::size_t Align = alignment_of<N>>
        void* allocate() const {
            return p.allocate(N, alignof(bytes_of<N, Align>));
        }
        const our_pointers& p;
    };
    static constexpr bool is_ours = true;
    frame open() const { return frame(*this); }

    void (*volatile begin)() = [] { ours().begin_frame(); };
    void (*volatile end)() = [] { ours().end_frame(); };
    void* (*volatile allocate)(std::size_t, std::size_t) = [](std::size_t n, std::size_t align) {
        return ours().frame_alloc_bytes(n, align);
    };
};

// The limit: a cursor and an end; a frame is a mark.
struct hand_stack {
    struct state {
        std::byte* cursor = scratch();
        std::byte* end = scratch() + scratch_bytes;
        [[gnu::noinline, gnu::cold]] void* refuse() { return nullptr; }
    };
    struct frame {
        explicit frame(state& of) : s(of), mark(of.cursor) {}
        frame(const frame&) = delete;
        frame& operator=(const frame&) = delete;
        ~frame() { s.cursor = mark; }
        template <std::size_t N, std::size_t Align = alignment_of<N>>
        void* allocate() {
            static_assert(N % Align == 0 || Align == 1);
            std::byte* p = s.cursor;
            if constexpr (Align > 1)
                p = reinterpret_cast<std::byte*>((reinterpret_cast<std::uintptr_t>(p) + Align - 1) & ~(Align - 1));
            if (s.end - p < static_cast<std::ptrdiff_t>(N)) [[unlikely]]
                return s.refuse();
            s.cursor = p + N;
            return p;
        }
        state& s;
        std::byte* mark;
    };
    static constexpr bool is_ours = false;
    frame open() const { return frame(*own); }
    std::shared_ptr<state> own = std::make_shared<state>();
};
// A mark and a release that are two calls through pointers, as a stack in a library is.
struct hand_pointers {
    struct frame {
        explicit frame(const hand_pointers& from) : p(from), mark(from.mark(from.own.get())) {}
        frame(const frame&) = delete;
        frame& operator=(const frame&) = delete;
        ~frame() { p.release(p.own.get(), mark); }
        template <std::size_t N, std::size_t Align = alignment_of<N>>
        void* allocate() const {
            return p.allocate(p.own.get(), N, alignof(bytes_of<N, Align>));
        }
        const hand_pointers& p;
        std::byte* mark;
    };
    static constexpr bool is_ours = false;
    using state = hand_stack::state;
    frame open() const { return frame(*this); }

    std::shared_ptr<state> own = std::make_shared<state>();
    std::byte* (*volatile mark)(state*) = [](state* s) { return s->cursor; };
    void (*volatile release)(state*, std::byte*) = [](state* s, std::byte* m) { s->cursor = m; };
    void* (*volatile allocate)(state*, std::size_t, std::size_t) = [](state* s, std::size_t n, std::size_t align) {
        const auto at = (reinterpret_cast<std::uintptr_t>(s->cursor) + align - 1) & ~(align - 1);
        auto* p = reinterpret_cast<std::byte*>(at);
        if (s->end - p < static_cast<std::ptrdiff_t>(n)) [[unlikely]]
            return s->refuse();
        s->cursor = p + n;
        return static_cast<void*>(p);
    };
};

// One monotonic resource over a buffer, released at the end of each frame.
struct monotonic {
    struct frame {
        explicit frame(known_monotonic& of) : r(of) {}
        frame(const frame&) = delete;
        frame& operator=(const frame&) = delete;
        ~frame() { r.release(); }
        template <std::size_t N, std::size_t Align = alignment_of<N>>
        void* allocate() const {
            return r.take(N, alignof(bytes_of<N, Align>));
        }
        known_monotonic& r;
    };
    static constexpr bool is_ours = false;
    frame open() const { return frame(*own); }
    std::shared_ptr<known_monotonic> own = std::make_shared<known_monotonic>(scratch(), scratch_bytes,
                                                                             std::pmr::null_memory_resource());
};

#if FRAMEALLOC_BENCH_FOONATHAN
struct foonathan_stack {
    using stack = foonathan::memory::memory_stack<>;
    struct frame {
        explicit frame(stack& of) : s(of), mark(of.top()) {}
        frame(const frame&) = delete;
        frame& operator=(const frame&) = delete;
        ~frame() { s.unwind(mark); }
        template <std::size_t N, std::size_t Align = alignment_of<N>>
        void* allocate() const {
            return s.allocate(N, alignof(bytes_of<N, Align>));
        }
        stack& s;
        stack::marker mark;
    };
    static constexpr bool is_ours = false;
    frame open() const { return frame(*own); }
    std::shared_ptr<stack> own = std::make_shared<stack>(scratch_bytes);
};
#endif

// A frame of mallocs: their addresses in an array that was there before, all freed at the frame's end.
struct malloc_frames {
    struct frame {
        frame(const functions& of, void** array) : f(of), blocks(array), end(array) {}
        frame(const frame&) = delete;
        frame& operator=(const frame&) = delete;
        ~frame() {
            for (void** p = blocks; p != end; ++p) f.free(*p);
        }
        template <std::size_t N, std::size_t Align = alignment_of<N>>
        void* allocate() {
            return *end++ = f.allocate(N);  // Align <= 16
        }
        const functions& f;
        void** blocks;
        void** end;
    };
    static constexpr bool is_ours = false;
    malloc_frames(const functions& f, std::size_t most_blocks = 100'000)
        : calls(f), blocks(std::make_shared_for_overwrite<void*[]>(most_blocks)) {}
    frame open() const { return frame(calls, blocks.get()); }
    functions calls;
    std::shared_ptr<void*[]> blocks;
};

// The loops of bench/bumpalo.rs: frames of `allocations` blocks of `bytes`, each written when touch is not 0, then
// reset. Returns the sum of bytes.
struct bumpalo {
    std::uint64_t (*frames)(std::size_t frames, std::size_t allocations, std::size_t bytes, int touch) = nullptr;
    // Blocks of alignment 1, each filled with `fill` (256: its number; less than 0: not); a new arena for each frame,
    // of the frame's bytes and 4096, or the one that is reset.
    std::uint64_t (*fresh)(std::size_t frames, std::size_t allocations, std::size_t bytes, int fill) = nullptr;
    std::uint64_t (*reset)(std::size_t frames, std::size_t allocations, std::size_t bytes, int fill) = nullptr;
    // The same for the original's workloads of several sizes, numbers of enum mixed.
    std::uint64_t (*fresh_mixed)(std::size_t frames, int which, int fill) = nullptr;
    std::uint64_t (*reset_mixed)(std::size_t frames, int which, int fill) = nullptr;
    std::string missing;
};
enum mixed { mixed_physics, mixed_render, mixed_alignments };
const bumpalo& the_bumpalo();

}  // namespace bench
