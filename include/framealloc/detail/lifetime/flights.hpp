// What outermost frames leave behind when they stay in flight or are held, and whose turn it is to use which memory.
//
// The arenas of a thread form a ring, and what belongs to one of them is its flight. A frame that ends and is kept
// leaves its content in the flight; before an outermost frame begins, what is due is cleared, and the frame gets the
// memory of the oldest that nobody holds. Internal to lifetime, and read by insight.
#pragma once

#include <framealloc/detail/core/core.hpp>
#include <framealloc/detail/core/frame_arena.hpp>
#include <framealloc/detail/lifetime/state.hpp>

namespace framealloc::inline v1::lifetime {

// The frame_holds taken while one frame was open. Its thread frees it when none is left.
struct held_frame {
    held_frame* next;
    const char* holder;  // name of the newest
    sync::atomic<std::uint32_t> holds;  // not yet released
    std::uint32_t depth;  // of the frame whose content is kept
    std::uint64_t mark;  // thread_context::mark_serial when the content was handed up
    bool moved_to_outer;  // by an inner frame that ended
    bool revoked;  // the release of the last one has made the memory inaccessible
    const memory::arena_chunk* kept;  // while ended frames are revoked: what may be revoked, once its frame has ended
    sync::atomic<std::size_t> kept_bytes;  // written last; 0: nothing

    bool is_held() const noexcept { return holds.load_acquire() != 0; }  // pairs: frame_hold::release
};

// One frame's worth of memory. There is one unless frames stay in flight or are held.
struct flight : memory::frame_arena {
    memory::finaliser* finalisers;  // of the ended frame, still to run
    memory::outer_block* blocks;
    std::uint64_t frame;  // number of the frame that used it last
    std::uint64_t due;  // thread_state::turn in which its content is freed
    std::uintptr_t end;  // while its content is kept: where that ends
    std::size_t forgotten;  // bytes of it: they are of no open frame
    held_frame* held;  // the innermost frame's first
    bool left;  // the thread of that frame has ended
    bool clearing;  // its destructors run

    // The first hold that is not released, of a frame this deep or deeper.
    const held_frame* find_hold(std::uint32_t least_depth = 0) const noexcept;
    bool is_held() const noexcept { return find_hold() != nullptr; }
    bool has_content() const noexcept { return held != nullptr || finalisers != nullptr || blocks != nullptr; }
    flight& following() const noexcept { return static_cast<flight&>(*next); }
};
memory::frame_arena* make_flight(void* memory) noexcept;

inline flight& current_flight(const memory::thread_context& c) noexcept { return static_cast<flight&>(arena_of(c)); }

// Every one, the current one first.
template <class F>
void for_each_flight(const memory::thread_context& c, F&& f) {
    flight* const first = &current_flight(c);
    flight* s = first;
    do {
        flight* following = &s->following();
        f(*s);
        s = following;
    } while (s != first);
}

inline void free_blocks(memory::thread_context& c, memory::outer_block*& head) noexcept {
    while (head != nullptr) memory::outer_free(c, memory::begin_of(*head));
}
// Of frames this deep or deeper in the current flight, as far as they are released.
FRAMEALLOC_COLD void drop_released_holds(memory::thread_context& c, std::uint32_t depth) noexcept;
inline void drop_released(memory::thread_context& c, std::uint32_t depth) noexcept {
    if (current_flight(c).held != nullptr) drop_released_holds(c, depth);
}
// The top frame is held and has an outer one: its content becomes that one's, as if it had allocated it.
void move_to_outer(memory::thread_context& c, memory::frame_record* r) noexcept;
// The outermost frame ends and is kept: its content waits in its flight.
void park(memory::thread_context& c, memory::frame_record* r) noexcept;
// Before an outermost frame opens: chooses the memory it will use. Returns whether the next one has nothing to choose.
bool rotate(memory::thread_context& c) noexcept;
// The thread ends, or its allocator: everything that is not held is freed.
void clear_flights(memory::thread_context& c) noexcept;

}  // namespace framealloc::inline v1::lifetime
