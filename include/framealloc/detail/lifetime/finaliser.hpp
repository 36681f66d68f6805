// What runs when a frame ends or is rolled back, newest first.
#pragma once

#include <framealloc/detail/lifetime/frame.hpp>

namespace framealloc::inline v1::lifetime {

using memory::finaliser;

inline void remove_finaliser(finaliser* f) noexcept {
    *f->link = f->next;
    if (f->next != nullptr) f->next->link = f->link;
}

// Where one of this mark goes among others, of which at least the newest is younger.
FRAMEALLOC_COLD finaliser** place_behind_younger(frame_record* r, std::uint64_t mark) noexcept;
// The lists of finalisers are about to change their frames.
void forget_place(thread_context& c) noexcept;

// Puts `f` on the frame's list, after everything younger than `mark`. Of a frame that has ended (FA002), the memory
// came from the one that is open now.
inline void add_finaliser(frame_record* r, finaliser* f, void (*run)(finaliser*) noexcept,
                          std::uint64_t mark) noexcept {
    if (r->depth > top_of(*r->context)->depth) [[unlikely]]
        r = top_of(*r->context);
    finaliser** at = &r->finalisers;
    if (*at != nullptr && (*at)->mark > mark) [[unlikely]]
        at = place_behind_younger(r, mark);
    f->next = *at;
    f->link = at;
    f->run = run;
    f->mark = mark;
    if (f->next != nullptr) f->next->link = &f->next;
    *at = f;
    memory::add_pending(*r, memory::pending_finalisers);
}

// `to` takes the place of `from`.
inline void move_finaliser(finaliser* from, finaliser* to) noexcept {
    *to = *from;
    *to->link = to;
    if (to->next != nullptr) to->next->link = &to->next;
}

}  // namespace framealloc::inline v1::lifetime
