// Guarding: every block lies between canary zones, is known to a table apart from it, rests when it is freed, and is
// filled when it is handed out and when it is gone.
//
// A guarded allocator hands out nothing on the fast paths: its threads have no page installed, no key and no arena
// limit.
// One that is not guarded executes nothing for it. Pages and accounts are the same for both: the page's links lie in
// the zone before a block, and zones are not charged.
#pragma once

#include <framealloc/core/core.hpp>
#include <framealloc/guard/guard.hpp>
#include <framealloc/probe/front.hpp>
#include <framealloc/probe/watch.hpp>

namespace framealloc::inline v1::memory {

struct thread_guard {
    guard::quarantine resting;
    guard::frame_history ended;
    bool apart = false;  // the allocation under way is a container's
    site free_site{};  // of the free that is under way, if it says
    arena_chunk* revoked = nullptr;  // ended frames' memory that is not accessible, the oldest first
    arena_chunk* revoked_last = nullptr;
    std::size_t revoked_bytes = 0;
    std::size_t revoked_count = 0;
};

// The place of a call that does not say its line, while it is served; nothing where blocks are not guarded.
class noted_caller {
public:
    noted_caller(thread_context& c, const void* returns_to) noexcept : context_(c.probes.guarded() ? &c : nullptr) {
        if (context_ != nullptr && !c.probes.has_place()) c.probes.note_place(site::of_caller(returns_to));
    }
    ~noted_caller() {
        if (context_ != nullptr) context_->probes.forget_place();
    }
    noted_caller(const noted_caller&) = delete;
    noted_caller& operator=(const noted_caller&) = delete;

private:
    thread_context* context_;
};

// Whether any allocator ever was.
extern sync::atomic<bool> any_guarded;
// The size of the block there, 0 when it is none. False when an allocator that is not guarded may know better.
bool find_size(const void* p, std::size_t& bytes) noexcept;

// Null when it has none: takes no lock.
inline thread_context* context_of_caller(const core& a) noexcept {
    return const_cast<thread_context*>(peek_context({const_cast<core*>(&a), a.id}));
}

// False after FA436, when the call interrupts another one of this thread.
FRAMEALLOC_COLD bool may_interrupt(thread_context& c, const site& where) noexcept;
inline bool may_call(thread_context& c, const site& where) noexcept {
    return c.probes.doing() == activity::none || may_interrupt(c, where);
}

// --- a page's slots: zone, block, zone ---

// Bytes of the zone before a block. A block, not its slot, is aligned as one that is not guarded.
inline std::uint32_t slot_lead(const core& a) noexcept {
    return a.probes.guarded() ? static_cast<std::uint32_t>(guard::zone) : 0;
}
inline std::uint32_t slot_bytes(const core& a, std::size_t block) noexcept {
    return static_cast<std::uint32_t>(
        a.probes.guarded() ? align_up(guard::zone + block + guard::zone, natural_alignment(block)) : block);
}
inline std::uint32_t first_slot(const core& a, std::size_t block) noexcept {
    return static_cast<std::uint32_t>(align_up(page_header_bytes + slot_lead(a), natural_alignment(block))) -
           slot_lead(a);
}
// What the page's links may use of a free slot.
inline std::size_t link_bytes(const core& a, std::size_t block) noexcept {
    return a.probes.guarded() ? guard::zone : block;
}

// Of a slot in a page's free list: its link was written; whether that and its copy are as they were, otherwise FA433.
void seal_link(const core& a, void* slot) noexcept;
bool check_link(core& a, const pool_page& p, void* slot) noexcept;
// Makes a free slot a block of `bytes`. Returns null, the slot being free again, without memory for its record.
void* begin_block(thread_context& c, pool_page& p, void* slot, std::size_t bytes) noexcept;
// The heap serves a pool request.
void name_as_pool(core& a, void* block) noexcept;
// Ends a block's life: checks it and fills it. Returns its slot, or null after a fault that leaves it as it is.
void* end_block(core& a, void* block) noexcept;
// A freed slot of the calling thread's page rests before it is used again.
void rest_slot(thread_context& c, pool_page& p, void* slot) noexcept;
// Before a page without a block in use serves another class: what rests in it no more.
void bury_page(core& a, pool_page& p, std::uint32_t first) noexcept;

// --- large blocks: the front zone is the unused end of their header ---
bool begin_large(thread_context& c, void* block, std::size_t bytes, std::size_t align, memory_kind k) noexcept;
// Returns false after a fault that leaves the block as it is.
bool end_large(core& a, void* block) noexcept;
// Makes a live block smaller where it is, as its record then says. False when it is none.
bool shorten_block(core& a, void* block, std::size_t bytes, guard::block_record& r) noexcept;
// Returns false when it cannot rest and is to be freed at once.
bool rest_large(thread_context& c, void* block) noexcept;

// Frees what rests. Returns whether there was anything.
bool end_rest(thread_context& c) noexcept;

// --- frame memory ---

// Bytes of zones in the arena below the cursor.
inline std::uint64_t guard_padding(const thread_context& c) noexcept {
    return c.flight->log == nullptr ? 0 : c.flight->log->padding();
}
// Bytes handed out since the last boundary.
inline std::uint64_t open_bytes(const thread_context& c) noexcept {
    const std::uint64_t all = c.top->cursor - c.segment;
    return c.probes.guarded() ? all - (guard_padding(c) - c.probes.segment_padding) : all;
}
// After a change of the segment or of what is installed: frame memory taken out of line does not follow the tag.
inline void note_settled(thread_context& c) noexcept {
    const bool pages = c.aside != nullptr ||
                       (c.installed[index_of(memory_kind::pool)] | c.installed[index_of(memory_kind::heap)]) != 0;
    c.settled = pages ? never_settled : c.segment;
}
inline void begin_segment(thread_context& c, std::uintptr_t cursor) noexcept {
    c.segment = cursor;
    note_settled(c);
    if (c.probes.guarded()) c.probes.segment_padding = guard_padding(c);
}
// Enters a block of the arena; `charged` of its bytes up to the new cursor are not padding. False without memory for
// it.
bool begin_frame_block(thread_context& c, std::uintptr_t block, std::size_t bytes, std::uintptr_t cursor,
                       std::size_t charged, bool apart) noexcept;
// The newest blocks end, as far as they lie in this range.
void end_frame_blocks(thread_context& c, frame_arena& s, std::uintptr_t from, std::uintptr_t to) noexcept;

// Leaks by the place they were allocated at, largest first. False when nothing is known of them.
bool report_leaks_by_site(core& a) noexcept;

std::size_t check_frames(thread_context& c) noexcept;
// Memory of an open frame that its container has grown out of: it reads as freed, and where it has pages of its own an
// access is trapped.
void leave_frame_block(thread_context& c, std::uintptr_t begin, std::size_t bytes) noexcept;
// The bytes before an out-of-line block that its header leaves over.
void begin_outer_block(thread_context& c, const void* raw, void* block) noexcept;
void end_outer_block(thread_context& c, const outer_block& b, void* block) noexcept;
// The newest block of the arena becomes longer or shorter where it is. Requires: the frame on top may allocate.
bool try_grow_top(thread_context& c, void* p, std::size_t bytes) noexcept;
void shrink_top(thread_context& c, void* p, std::size_t bytes) noexcept;
// The cursor behind the log's newest block if it had so many bytes.
std::uintptr_t resized_cursor(const thread_context& c, std::size_t bytes) noexcept;
void resize_top_block(thread_context& c, std::size_t bytes, std::uintptr_t cursor) noexcept;

// --- revocation ---
// Accesses to revoked memory are explained from now on.
void prepare_revocation() noexcept;
// The allocator goes: an access to what it gives back is explained for as long as nobody else has the addresses.
void remember_memory(core& a) noexcept;
// Of a frame that ended: nobody can access it until so many others have ended after it.
void revoke_chunk(thread_context& c, arena_chunk* k) noexcept;
// Rather than none: the oldest that is large enough. Null when there is none.
arena_chunk* unrevoke_chunk(thread_context& c, std::size_t bytes) noexcept;

bool open_guard(thread_context& c) noexcept;
bool open_guard(thread_context& c, frame_arena& s) noexcept;
void close_guard(frame_arena& s) noexcept;
void close_guard(thread_context& c) noexcept;

}  // namespace framealloc::inline v1::memory
