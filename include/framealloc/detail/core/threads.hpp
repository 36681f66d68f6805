// Which contexts an allocator has, which of them no thread uses, and what ties a context to its thread.
#pragma once

#include <framealloc/detail/core/record.hpp>
#include <framealloc/detail/sync/word.hpp>

namespace framealloc::inline v1::memory {

// Of one context. Written by its thread, or under core::lock while it is idle.
class thread_tie {
public:
    // Never reused; in the header of the context's pages.
    std::uint64_t key() const noexcept { return key_; }
    void set_key(std::uint64_t k) noexcept { key_ = k; }

    // Whether a thread has it. From any thread: a hint.
    bool attached() const noexcept { return sync::load_relaxed(slot_) != nullptr; }  // relaxed: a recent value
    bool belongs_to(const thread_slot* s) const noexcept {
        const thread_slot* owner = sync::load_relaxed(slot_);  // relaxed: only the caller can make it equal
        return owner != nullptr && owner == s;
    }
    void attach(thread_slot* s, std::uint64_t thread) noexcept {
        sync::store_relaxed(thread_, thread);  // relaxed: a name for reports
        sync::store_relaxed(slot_, s);  // relaxed: only this thread finds its own address here
    }
    void detach() noexcept {
        sync::store_relaxed(slot_, nullptr);  // relaxed: the thread that hands the context over publishes the rest
    }
    // Number of the thread it belongs to, or belonged to last.
    std::uint64_t thread() const noexcept { return sync::load_relaxed(thread_); }  // relaxed: a name for reports

    // No thread owns it for now, nor what it holds; see runtime/parked_context.hpp.
    bool parked() const noexcept { return parked_; }
    void set_parked(bool on) noexcept { parked_ = on; }
    // In the allocator's list of contexts without a thread, whose lock guards it: nobody changes anything.
    bool idle() const noexcept { return idle_; }

private:
    friend class context_list;
    std::uint64_t key_;
    thread_slot* slot_;
    std::uint64_t thread_;
    thread_context* next_;  // of the same allocator
    thread_context* next_idle_;
    thread_context* next_leaving_;  // while its thread ends
    bool idle_;
    bool parked_;
};

// Of one allocator. Requires: its lock is held, or its contexts are known to stay.
class context_list {
public:
    thread_context* first() const noexcept { return first_; }
    static thread_context* after(const thread_context& c) noexcept;
    void add(thread_context& c) noexcept;

    // Of ended threads, the longest first.
    thread_context* first_idle() const noexcept { return idle_; }
    static thread_context* idle_after(const thread_context& c) noexcept;
    void add_idle(thread_context& c) noexcept;
    // Out of the list, the first one that is wanted; null when none is.
    template <class Wanted>
    thread_context* take_idle(Wanted&& wanted) noexcept {
        thread_context** link = &idle_;
        while (*link != nullptr && !wanted(**link)) link = &next_idle(**link);
        return *link == nullptr ? nullptr : take(link);
    }
    static void chain_leaving(thread_context& c, thread_context* next) noexcept;
    static thread_context* leaving_after(const thread_context& c) noexcept;

private:
    static thread_context*& next_idle(thread_context& c) noexcept;
    thread_context* take(thread_context** link) noexcept;

    thread_context* first_ = nullptr;
    thread_context* idle_ = nullptr;
    thread_context** idle_end_ = &idle_;
};

// No thread has it any more.
void make_idle(thread_context& c) noexcept;

}  // namespace framealloc::inline v1::memory
