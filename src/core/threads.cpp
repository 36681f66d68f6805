// The list of contexts, and of those that no thread has.
#include <framealloc/detail/core/threads.hpp>

#include <framealloc/detail/core/allocator.hpp>

namespace framealloc::inline v1::memory {

void context_list::add(thread_context& c) noexcept {
    c.life.next_ = first_;
    first_ = &c;
}

void context_list::add_idle(thread_context& c) noexcept {
    c.life.next_idle_ = nullptr;
    c.life.idle_ = true;
    *idle_end_ = &c;
    idle_end_ = &c.life.next_idle_;
}

thread_context*& context_list::next_idle(thread_context& c) noexcept { return c.life.next_idle_; }
thread_context* context_list::idle_after(const thread_context& c) noexcept { return c.life.next_idle_; }
thread_context* context_list::leaving_after(const thread_context& c) noexcept { return c.life.next_leaving_; }
void context_list::chain_leaving(thread_context& c, thread_context* next) noexcept { c.life.next_leaving_ = next; }

thread_context* context_list::take(thread_context** link) noexcept {
    thread_context* c = *link;
    c->life.idle_ = false;
    *link = c->life.next_idle_;
    if (*link == nullptr) idle_end_ = link;
    return c;
}

void make_idle(thread_context& c) noexcept {
    core& a = *c.owner;
    const sync::lock_guard guard(a.lock);
    a.tally.note_return();
    a.threads.add_idle(c);
}

}  // namespace framealloc::inline v1::memory
