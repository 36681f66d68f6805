// Whose pages an address lies in, of all that page ledgers have reserved: one search tree for the process.
//
//   range_index::add(p, bytes, holder);
//   …
//   range_index::remove(p);
//
// Threads: any; the lock is the last of its order. Cost: logarithmic in the number of ranges.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/detail/sync/lock.hpp>

namespace framealloc::inline v1::os {

class range_index {
public:
    static void add(const void* p, std::size_t bytes, void* holder) noexcept;
    static void remove(const void* p) noexcept;
    // False when it cannot say: ranges lie inside others, of which one allocator has made the source of another, or
    // there was no memory for one. Otherwise `f` has the holder, if there is one, which keeps its range meanwhile.
    template <class F>
    static bool find(const void* p, F&& f) noexcept {
        const locked guard;
        if (!decides()) return false;
        if (void* holder = holder_of(p)) f(holder);
        return true;
    }

    static std::size_t size() noexcept;
    static sync::lock& lock() noexcept;  // for fork alone

private:
    // Not counted: it comes with a page request, which is, or serves a report.
    class locked {
    public:
        locked() noexcept { lock().acquire_uncounted(); }
        ~locked() { lock().release(); }
        locked(const locked&) = delete;
        locked& operator=(const locked&) = delete;
    };
    static bool decides() noexcept;
    static void* holder_of(const void* p) noexcept;
};

}  // namespace framealloc::inline v1::os
