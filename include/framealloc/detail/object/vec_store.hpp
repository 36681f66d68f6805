// What a vec is made of: its memory, how it grows, and to whom both belong. Element access is vec_access.hpp, the
// container itself vec.hpp.
#pragma once

#include <cstring>

#include <framealloc/detail/object/construct.hpp>
#include <framealloc/detail/object/storage.hpp>
#include <framealloc/object/ranges.hpp>

namespace framealloc::inline v1::object {

template <class T, class Source, class Policy>
class vec_store : frame_hook<vec_store<T, Source, Policy>, needs_frame_end<T, Source>()> {
    using hook = frame_hook<vec_store, needs_frame_end<T, Source>()>;
    friend hook;

public:
    // As std::vector's. Cost: O(1).
    std::size_t size() const noexcept { return static_cast<std::size_t>(end_ - begin_); }
    std::size_t capacity() const noexcept { return static_cast<std::size_t>(limit_ - begin_); }
    bool empty() const noexcept { return begin_ == end_; }
    static constexpr std::size_t max_size() noexcept { return largest_request / sizeof(T); }
    // Returns: where the memory comes from. Cost: O(1).
    const Source& source() const noexcept FRAMEALLOC_LIFETIMEBOUND { return source_; }
    // Effects: takes the source of the container that this is an element of, unless it has one. Cost: O(1).
    void adopt(const Source& s) noexcept {
        if (!object::has_source(source_)) source_ = s;
    }

    // As std::vector's, exact. Requires: a source; without one FA440, and reserve() ends the program. On exhaustion:
    // reserve() asks the exhaustion handler; try_reserve() returns false, with nothing changed. Cost: O(1) where the
    // memory grows in place, as it does at the top of the arena; O(size()) otherwise.
    void reserve(std::size_t n) {
        if (n > capacity()) grow<true>(n);
    }
    [[nodiscard]] bool try_reserve(std::size_t n) { return n <= capacity() || grow<false>(n); }
    // Effects: gives back the memory past the last element. What cannot be given back stays: memory that a frame
    // allocated on top of it, or elements that would have to move while memory is exhausted. Cost: O(1) in a frame,
    // otherwise O(size()) and an allocation.
    void shrink_to_fit() {
        if (begin_ == nullptr || end_ == limit_) return;
        if constexpr (object::ends_at_once<Source>) {
            if (!end_of(source_).alive()) return;
            const std::size_t kept = end_of(source_).shrink(begin_, capacity() * sizeof(T), size() * sizeof(T));
            limit_ = begin_ + kept / sizeof(T);
            if (kept == 0) begin_ = end_ = limit_ = nullptr;
        } else if (empty()) {
            drop();
        } else if (void* p = source_.try_allocate(size() * sizeof(T), alignof(T))) {
            settle_in(static_cast<T*>(p), size(), [](T* at) { return at; });
        }
    }

protected:
    vec_store() noexcept = default;
    explicit vec_store(Source source) noexcept : source_(source) {}
    vec_store(const vec_store&) = delete;
    vec_store& operator=(const vec_store&) = delete;

    static constexpr bool trivial = std::is_trivially_copyable_v<T>;

    // --- adding: what is built, where, and in which memory ---
    // Each of these constructs elements from an address on, and returns past the last; see object/ranges.hpp.
    template <class... Args>
    auto one(Args&&... args) const {
        return [&](T* at) { return object::construct_in<T>(at, source_, std::forward<Args>(args)...) + 1; };
    }
    static auto copies(std::size_t n, const T& v) {
        return [n, &v](T* at) { return object::construct_copies(at, n, v); };
    }
    auto values(std::size_t n) const {
        return [this, n](T* at) { return object::construct_values(at, n, source_); };
    }

    // Puts `n` elements after the last one, as `build` makes them. The old ones are where they were until it is done:
    // it may build from them, and nothing has changed when it throws. False, with nothing built, when memory is
    // exhausted; Must: then the exhaustion handler is asked, which does not come back empty-handed. `least`: capacity
    // after growth.
    template <bool Must, class Build>
    FRAMEALLOC_INLINE bool add(std::size_t n, Build&& build, std::size_t least = 0) {
        if (n > static_cast<std::size_t>(limit_ - end_) || object::has_ended<Policy>(source_)) [[unlikely]]
            return grow_and_add<Must>(n, build, least);
        if (n != 0) put_behind(build, end_ + n);
        return true;
    }
    template <class Build>
    FRAMEALLOC_INLINE void put_behind(const Build& build, T* limit) {
        T* const first = end_;
        object::open_spare<Policy>(first, limit);
        end_ = build(first);
        object::adopt(first, end_, source_);
        object::close_spare<Policy>(end_, limit);
    }
    template <bool Must, class Build>
    [[gnu::__noinline__]] bool grow_and_add(std::size_t n, const Build& build, std::size_t least = 0) {
        revive_if_ended();
        const std::size_t needed = object::checked_sum(size(), n);
        const std::size_t wanted = object::next_capacity(capacity(), needed < least ? least : needed);
        // One by one near a limit would copy everything each time.
        return move_and_add<Must>(wanted, n == 1 ? wanted : needed, build);
    }
    template <bool Must>
    [[gnu::__noinline__]] bool grow(std::size_t wanted) {
        revive_if_ended();
        return move_and_add<Must>(wanted, wanted, [](T* at) { return at; });
    }
    template <bool Must, class Build>
    bool move_and_add(std::size_t wanted, std::size_t needed, const Build& build) {
        if (!object::has_source(source_)) {
            object::raise_no_source(Must);
            return false;
        }
        if (extend_to(wanted) || (needed != wanted && extend_to(needed))) {
            put_behind(build, limit_);
            return true;
        }
        std::size_t n = wanted;
        void* p = object::acquire_either<Must>(source_, n, needed, sizeof(T), alignof(T));
        if (p == nullptr) return false;
        settle_in(static_cast<T*>(p), n, build);
        return true;
    }
    // Where it is.
    bool extend_to(std::size_t n) noexcept {
        const std::size_t bytes = checked_product(n, sizeof(T));
        if (begin_ == nullptr || bytes > largest_request) return false;
        if (!source_.try_grow(begin_, capacity() * sizeof(T), bytes, alignof(T))) return false;
        limit_ = begin_ + n;
        return true;
    }
    // In memory for `n` elements, which is given back when an element throws.
    template <class Build>
    void settle_in(T* to, std::size_t n, const Build& build) {
        object::undo give_back{[&] { object::abandon(source_, to, n * sizeof(T), alignof(T)); }};
        T* const added = to + size();
        T* const behind = build(added);
        object::undo destroy_added{[&] { object::destroy(added, behind); }};
        object::adopt(added, behind, source_);
        if constexpr (trivial) {
            if (begin_ != end_) std::memcpy(static_cast<void*>(to), begin_, size() * sizeof(T));
        } else {
            object::run<T> moved(to);
            for (T* p = begin_; p != end_; ++p) moved.add(std::move_if_noexcept(*p));
            moved.done();
        }
        give_back.armed = destroy_added.armed = false;
        object::destroy(begin_, end_);
        object::open_spare<Policy>(end_, limit_);
        object::outgrow(source_, begin_, capacity() * sizeof(T), alignof(T));
        begin_ = to;
        end_ = behind;
        limit_ = to + n;
        object::close_spare<Policy>(end_, limit_);
        this->enlist(source_);
    }
    // The frame is over, and with it the content: after the fault the vec starts anew in the frame that is open now,
    // before anything is changed that is somebody else's by now.
    bool revive_if_ended(const char* what = "a container grew") noexcept {
        if constexpr (object::ends_at_once<Source>) {
            if (!end_of(source_).given() || !end_of(source_).ended()) return false;
            end_of(source_).raise_ended(what);
            begin_ = end_ = limit_ = nullptr;
            source_ = Source(end_of(source_).open_now());
            return true;
        }
        return false;
    }
    FRAMEALLOC_INLINE bool is_gone(const char* what) noexcept {
        return object::has_ended<Policy>(source_) && revive_if_ended(what);
    }
    template <bool Must, class More>
    bool resize_with(std::size_t n, const More& build) {
        if (n <= size()) {
            cut_to(begin_ + n);
            return true;
        }
        if (n > capacity()) revive_if_ended();
        return add<Must>(n - size(), build(n - size()));
    }
    void cut_to(T* new_end) noexcept {
        if (is_gone("an element was removed")) return;
        object::destroy(new_end, end_);
        object::leave<Policy>(new_end, end_);
        end_ = new_end;
    }
    void steal(vec_store& other) noexcept {
        begin_ = std::exchange(other.begin_, nullptr);
        end_ = std::exchange(other.end_, nullptr);
        limit_ = std::exchange(other.limit_, nullptr);
        this->take_over(other);
    }
    void drop() noexcept {
        this->delist();
        if (begin_ == nullptr) return;
        object::destroy(begin_, end_);
        if constexpr (!object::ends_at_once<Source>) object::open_spare<Policy>(end_, limit_);
        object::abandon(source_, begin_, capacity() * sizeof(T), alignof(T));
        begin_ = end_ = limit_ = nullptr;
    }
    void end_of_frame() noexcept {
        object::destroy(begin_, end_);
        begin_ = end_ = limit_ = nullptr;
    }

    T* begin_ = nullptr;
    T* end_ = nullptr;
    T* limit_ = nullptr;
    Source source_{};
};

}  // namespace framealloc::inline v1::object
