// A frame as a container sees it, which may outlive the frame, sit below others, or be older than a rollback.
#pragma once

#include <framealloc/detail/lifetime/finaliser.hpp>

namespace framealloc::inline v1::lifetime {

// A frame as a container sees it: the record, which opening of it, and how many checkpoints were older at birth.
class frame_ref {
public:
    frame_ref() noexcept = default;
    explicit frame_ref(frame_record* r) noexcept
        : record_(r), generation_(r->generation), mark_(epoch_of(*r->context)) {}

    frame_record* record() const noexcept { return record_; }
    std::uint64_t mark() const noexcept { return mark_; }
    bool alive() const noexcept {
        return record_ != nullptr && record_->depth <= top_of(*record_->context)->depth &&
               record_->generation == generation_;
    }
    // Whether what was made when this was is over: its frame has ended, or was rolled back to a checkpoint from before.
    bool ended() const noexcept {
        return !alive() || ((record_->pending_bits & memory::pending_marks) != 0 && rolled_back());
    }
    // Whether there was a frame; ended or not.
    bool given() const noexcept { return record_ != nullptr; }
    // Null where there was no frame.
    memory::core_ref owner() const noexcept {
        return record_ == nullptr ? memory::core_ref{} : memory::reference_to(owner_of(*record_->context));
    }
    // What the thread's memory is of now. Requires: given().
    frame_record* open_now() const noexcept { return top_of(*record_->context); }
    friend bool operator==(const frame_ref& a, const frame_ref& b) noexcept {
        return a.record_ == b.record_ && a.generation_ == b.generation_;
    }

    // From this frame, whatever frame is open on top of it; spared by a rollback to a checkpoint younger than this.
    void* allocate(std::size_t bytes, std::size_t align, on_failure f) const noexcept {
        void* p = take(bytes, align);
        return p != nullptr ? p : allocate_slow(bytes, align, f);
    }
    // From the arena alone; null where anything has to be looked at.
    FRAMEALLOC_INLINE void* take(std::size_t bytes, std::size_t align) const noexcept {
        return undisturbed() ? take_from_arena(record_, bytes, align) : nullptr;
    }
    // The same for a container, which may leave the memory before its frame ends: where ended frames are revoked, on
    // pages of its own.
    void* allocate_apart(std::size_t bytes, std::size_t align, on_failure f) const noexcept;
    // `f` runs when the frame ends, or what was here when this was made is rolled back. Requires: alive().
    void enlist(finaliser* f, void (*run)(finaliser*) noexcept) const noexcept {
        add_finaliser(record_, f, run, mark_);
    }
    // Frees at once what is out of line and what is the last block of the arena; everything else waits for the
    // frame's end.
    void deallocate(void* p, std::size_t bytes) const noexcept {
        const std::uintptr_t end = address_of(p) + align_up(bytes, memory::cursor_granularity);
        if (!undisturbed() || !is_recent(p) || end > record_->limit) [[unlikely]]
            return deallocate_slow(p, bytes);
        if (end == record_->cursor) record_->cursor = address_of(p);
    }
    // The same, but never moves the cursor: what a destructor may do.
    void abandon(void* p) const noexcept;
    // The same of what a container has moved out of: guarded, it reads as freed.
    void outgrow(void* p, std::size_t bytes) const noexcept;
    // Makes the block longer where it is. Requires: new_bytes >= old_bytes.
    bool try_grow(void* p, std::size_t old_bytes, std::size_t new_bytes) const noexcept {
        if (record_ == nullptr) return false;
        const std::uintptr_t end = address_of(p) + align_up(old_bytes, memory::cursor_granularity);
        if (end != record_->cursor && !record_->context->probes.guarded()) return false;  // something lies on top
        return try_grow_last(p, old_bytes, new_bytes);
    }
    // Makes the last block of the arena shorter; nothing happens to another one. Returns: how many bytes it has.
    std::size_t shrink(void* p, std::size_t old_bytes, std::size_t new_bytes) const noexcept;
    // While guarded: false, after FA211, on another thread than the frame's.
    FRAMEALLOC_COLD bool may_free(const void* p) const noexcept;
    // The frame ended: FA002.
    FRAMEALLOC_COLD void raise_ended(const char* what) const noexcept;

private:
    // The common case, in which everything is on the arena's top: the frame is open and no other above it, and no
    // checkpoint was taken or rolled back to since this was made.
    FRAMEALLOC_INLINE bool undisturbed() const noexcept {
        if (record_ == nullptr) return false;
        const thread_context& c = *record_->context;
        return record_ == top_of(c) && generation_ == record_->generation && mark_ == epoch_of(c);
    }
    // Of this frame's memory: whether p is in the arena, where nothing was charged since. Out of line is elsewhere.
    FRAMEALLOC_INLINE bool is_recent(const void* p) const noexcept {
        return address_of(p) >= boundary_of(*record_->context);
    }
    // Where nearly all blocks are that containers leave, and where nothing has to be done for them. Requires: alive().
    FRAMEALLOC_INLINE bool in_newest_chunk(const void* p) const noexcept {
        const thread_context& c = *record_->context;
        return arena_of(c).newest().contains(address_of(p)) && !c.probes.guarded();
    }
    void* allocate_slow(std::size_t bytes, std::size_t align, on_failure f) const noexcept;
    void deallocate_slow(void* p, std::size_t bytes) const noexcept;
    bool try_grow_last(void* p, std::size_t old_bytes, std::size_t new_bytes) const noexcept;
    bool on_top() const noexcept;  // an allocation may come from the arena
    // What was allocated may have been freed by a rollback: then nothing is freed before the frame ends, and nothing
    // grows in place.
    bool rolled_back() const noexcept;

    frame_record* record_ = nullptr;
    std::uint64_t generation_ = 0;
    std::uint64_t mark_ = 0;
};

}  // namespace framealloc::inline v1::lifetime
