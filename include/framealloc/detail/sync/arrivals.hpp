// An intrusive stack of announcements: many push, one takes all. Since nobody pops a single item, there is no ABA
// problem.
//
//   struct page { arrival_link<hardware_atomics, page> next_arrival; };
//   arrivals<hardware_atomics, page, &page::next_arrival> stack;
#pragma once

#include <framealloc/detail/sync/atomic.hpp>

namespace framealloc::inline v1::sync {

template <class Atomics, class T>
using arrival_link = typename Atomics::template plain<T*>;

template <class Atomics, class T, arrival_link<Atomics, T> T::* Link>
class arrivals {
public:
    // Requires: the item is in no stack of this link. Threads: any.
    void push(T* item) noexcept {
        T* seen = head_.load_relaxed();  // relaxed: only compared; the exchange below publishes
        do { (item->*Link).set(seen); } while (!head_.compare_exchange_release(seen, item));  // pairs: take()
    }

    // Returns the newest item; the others follow by their links. Threads: one at a time.
    T* take() noexcept { return empty() ? nullptr : head_.exchange_acquire(nullptr); }  // pairs: push()

    bool empty() const noexcept {
        return head_.load_relaxed() == nullptr;
    }  // relaxed: what is missed now is found next time

private:
    typename Atomics::template atomic<T*> head_{nullptr};
};

}  // namespace framealloc::inline v1::sync
