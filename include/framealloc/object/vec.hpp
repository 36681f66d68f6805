// Growable arrays with the members of std::vector, for frame, pool and heap memory.
//
//   auto hits = frame.vec<hit>();                  // fa::frame_vec<hit>: grows in place at the top of the arena
//   hits.push_back(h);
//   std::span<const hit> view = hits;
//
// A frame_vec's content is destroyed when it leaves scope or when its frame ends, whichever is first; a vec of trivial
// elements is not notified when its frame ends, and debug mode catches its use after that (FA002).
// Exceptions of elements: what adds at the end, reserve() and shrink_to_fit() then change nothing, as long as elements
// can be copied or their move is noexcept; after everything else the vec holds some of its elements. An argument may be
// an element or a run of elements of the same vec, except in erase(vec, value); not, as with std::vector, a view that
// computes from them, nor what one of its elements owns, unless that is moved from.
// An element type may be incomplete where a pool_vec or heap_vec of it is named; a frame_vec asks whether it has a
// destructor.
// Cost: push_back into capacity takes 7 instructions; growth at the top of the arena copies nothing. Sizes asked for
// one by one grow by doubling; reserve() is exact.
// Iterators are pointers, invalidated as std::vector's are.
// On exhaustion: x() asks the exhaustion handler, which frees memory or ends the program, and never returns without
// success; its twin try_x() returns false, null or an empty vec.
// Threads: as std::vector's. A frame_vec grows on the thread of its frame alone (FA430); while the frame is open, other
// threads may read and write its elements.
#pragma once

#include <compare>
#include <cstring>
#include <initializer_list>
#include <span>

#include <framealloc/detail/object/vec_access.hpp>
#include <framealloc/object/ranges.hpp>

namespace framealloc::inline v1 {

template <class T, class Source, class Policy = active_policy>
class FRAMEALLOC_OWNER(T) basic_vec : public object::vec_access<T, Source, Policy> {
    using access = object::vec_access<T, Source, Policy>;
    using store = object::vec_store<T, Source, Policy>;

public:
    using access::begin;
    using access::end;
    using store::capacity;
    using store::empty;
    using store::reserve;
    using store::size;
    using store::try_reserve;

    // Effects: allocates nothing. Without a source the vec has to be assigned to before it grows (FA440); as the
    // element of another container it takes that one's source. Cost: O(1).
    basic_vec() noexcept = default;
    explicit basic_vec(Source source) noexcept : access(source) {}
    // Effects: room for c.n elements; or n elements, value-initialised or copies of v; or those of a list or range. On
    // exhaustion: asks the exhaustion handler, which retries or ends the program; try_make() does not. Cost: O(n), one
    // allocation where n is known beforehand.
    basic_vec(Source source, framealloc::capacity c) : basic_vec(source) { reserve(c.n); }
    basic_vec(Source source, framealloc::count c) : basic_vec(source) {
        reserve(c.n);
        resize(c.n);
    }
    basic_vec(Source source, framealloc::count c, const T& v) : basic_vec(source) {
        reserve(c.n);
        resize(c.n, v);
    }
    basic_vec(Source source, std::size_t n) : basic_vec(source, framealloc::count(n)) {}
    basic_vec(Source source, std::size_t n, const T& v) : basic_vec(source, framealloc::count(n), v) {}
    basic_vec(Source source, std::initializer_list<T> l) : basic_vec(source) { append(l.begin(), l.end()); }
    template <object::iterator It>
    basic_vec(Source source, It first, It last) : basic_vec(source) {
        append(first, last);
    }
    template <object::range R>
    basic_vec(Source source, R&& items) : basic_vec(source) {
        append(std::forward<R>(items));
    }
    // Effects: takes the elements where they are, and the source; other is empty then. Cost: O(1).
    basic_vec(basic_vec&& other) noexcept : access(other.source_) { steal(other); }
    // As the constructors of the same arguments. On exhaustion: returns an empty vec. Cost: as theirs.
    [[nodiscard]] static basic_vec try_make(Source source) { return basic_vec(source); }
    [[nodiscard]] static basic_vec try_make(Source source, framealloc::capacity c) {
        basic_vec v(source);
        static_cast<void>(v.try_reserve(c.n));
        return v;
    }
    [[nodiscard]] static basic_vec try_make(Source source, framealloc::count c) { return try_make(source, c.n); }
    template <class... V>
    [[nodiscard]] static basic_vec try_make(Source source, std::size_t n, const V&... value) {
        basic_vec v(source);
        if (v.try_reserve(n)) v.resize(n, value...);
        return v;
    }
    template <class... Items>
        requires(!std::is_convertible_v<Items, std::size_t> && ...)
    [[nodiscard]] static basic_vec try_make(Source source, Items&&... items) {
        basic_vec v(source);
        if (!v.try_append(std::forward<Items>(items)...)) v.clear();
        return v;
    }
    // Effects: copies the elements into memory of the same source. On exhaustion: asks the exhaustion handler. Cost:
    // O(other.size()), one allocation.
    basic_vec(const basic_vec& other) : basic_vec(other.source_) { append(other.begin(), other.end()); }
    // Effects: takes the elements where they are, and the source if other has one; its own elements are destroyed,
    // other is empty then. Cost: O(size()) for the destructors, otherwise O(1).
    basic_vec& operator=(basic_vec&& other) noexcept {
        if (this == &other) return *this;
        basic_vec taken(std::move(other));  // which may belong to an element of this
        drop();
        if (object::has_source(taken.source_)) source_ = taken.source_;
        steal(taken);
        return *this;
    }
    // Effects: replaces the elements by copies, in memory of its own source; without one it takes that of other. On
    // exhaustion: asks the exhaustion handler. Cost: O(size() + other.size()).
    basic_vec& operator=(const basic_vec& other) {
        if (this == &other) return *this;
        if (!object::has_source(source_)) source_ = other.source_;
        assign(other.begin(), other.end());
        return *this;
    }
    basic_vec& operator=(std::initializer_list<T> l) { return assign(l), *this; }
    ~basic_vec() { drop(); }

    // --- growth; without a source it is FA440, and x() ends the program while try_x() returns false ---
    // As std::vector's. On exhaustion: asks the exhaustion handler and never returns without the element. Cost: O(1)
    // amortised; push_back() into capacity takes 7 instructions.
    template <class... Args>
    T& emplace_back(Args&&... args) FRAMEALLOC_LIFETIMEBOUND {
        if (end_ == limit_ || object::has_ended<Policy>(source_)) [[unlikely]] {
            if constexpr (!trivial) {
                store::template grow_and_add<true>(1, one(std::forward<Args>(args)...), object::first_capacity);
                return *(end_ - 1);
            } else {
                // No reference to the arguments leaves this function, so that they can stay in registers.
                T copy = object::make<T>(std::forward<Args>(args)...);
                store::template grow<true>(
                    object::next_capacity(capacity(), capacity() == 0 ? object::first_capacity : size() + 1));
                object::open_spare<Policy>(end_, end_ + 1);
                return *object::construct_at<T>(end_++, std::move(copy));
            }
        }
        object::open_spare<Policy>(end_, end_ + 1);
        T* p = object::construct_in<T>(end_, source_, std::forward<Args>(args)...);
        ++end_;
        return *p;
    }
    FRAMEALLOC_INLINE void push_back(const T& v) { emplace_back(v); }
    FRAMEALLOC_INLINE void push_back(T&& v) { emplace_back(std::move(v)); }
    // Effects: adds an element that is made of v with this vec's source, as a frame_string of text. On exhaustion: as
    // above. Cost: O(1) amortised.
    template <class U>
        requires(!std::is_convertible_v<U, T> && object::adopts<T, Source> &&
                 std::is_constructible_v<T, const Source&, U>)
    void push_back(U&& v) {
        emplace_back(std::forward<U>(v));
    }
    // Returns: whether the element was added. On exhaustion: false, with nothing changed. Cost: O(1) amortised.
    template <class... Args>
    [[nodiscard]] bool try_emplace_back(Args&&... args) {
        return store::template add<false>(1, one(std::forward<Args>(args)...), object::first_capacity);
    }
    [[nodiscard]] bool try_push_back(const T& v) { return try_emplace_back(v); }
    [[nodiscard]] bool try_push_back(T&& v) { return try_emplace_back(std::move(v)); }
    // Requires: not empty. Debug: FA439 otherwise, and nothing is removed. Cost: O(1).
    FRAMEALLOC_INLINE void pop_back() noexcept {
        if (refuses(empty(), "removal of element", 0)) return;
        cut_to(end_ - 1);
    }
    // As std::vector's: capacity stays. Cost: O(size()) for the destructors, otherwise O(1).
    void clear() noexcept { cut_to(begin_); }
    // As std::vector's. On exhaustion: asks the exhaustion handler. Cost: O(|n - size()|), amortised.
    void resize(std::size_t n) {
        store::template resize_with<true>(n, [&](std::size_t more) { return values(more); });
    }
    void resize(std::size_t n, const T& v) {
        store::template resize_with<true>(n, [&](std::size_t more) { return copies(more, v); });
    }
    // Returns: whether there are n elements. On exhaustion: false, with nothing changed. Cost: O(|n - size()|),
    // amortised.
    [[nodiscard]] bool try_resize(std::size_t n) {
        return store::template resize_with<false>(n, [&](std::size_t more) { return values(more); });
    }
    [[nodiscard]] bool try_resize(std::size_t n, const T& v) {
        return store::template resize_with<false>(n, [&](std::size_t more) { return copies(more, v); });
    }

    // As std::vector's; of a range, too. On exhaustion: asks the exhaustion handler. Cost: O(size() + elements
    // assigned).
    void assign(std::size_t n, const T& v) {
        const T copy(v);
        clear();
        resize(n, copy);
    }
    template <object::iterator It>
    void assign(It first, It last) {
        replace_all<true>(first, last);
    }
    void assign(std::initializer_list<T> l) { replace_all<true>(l.begin(), l.end()); }
    template <object::range R>
    void assign(R&& items) {
        replace_all<true>(std::ranges::begin(items), std::ranges::end(items));
    }
    // Returns: whether the elements were replaced. On exhaustion: false, with nothing changed. Cost: O(size() +
    // elements assigned).
    [[nodiscard]] bool try_assign(std::size_t n, const T& v) {
        const T copy(v);
        return try_reserve(n) && (assign(n, copy), true);
    }
    template <object::iterator It>
    [[nodiscard]] bool try_assign(It first, It last) {
        return try_replace_all(first, last);
    }
    [[nodiscard]] bool try_assign(std::initializer_list<T> l) { return try_replace_all(l.begin(), l.end()); }
    template <object::range R>
    [[nodiscard]] bool try_assign(R&& items) {
        return try_replace_all(std::ranges::begin(items), std::ranges::end(items));
    }

    // Effects: adds the elements after the last one. On exhaustion: asks the exhaustion handler. Cost: O(elements
    // added), amortised; at most one allocation where their number is known beforehand.
    template <object::iterator It>
    void append(It first, It last) {
        add_all<true>(first, last);
    }
    void append(std::span<const T> items) { add_all<true>(items.begin(), items.end()); }
    void append(std::initializer_list<T> l) { add_all<true>(l.begin(), l.end()); }
    template <object::range R>
    void append(R&& items) {
        add_all<true>(std::ranges::begin(items), std::ranges::end(items));
    }
    void append(std::size_t n, const T& v) { store::template add<true>(n, copies(n, v)); }
    template <object::range R>
    void extend(R&& items) {
        append(std::forward<R>(items));
    }
    void extend(std::initializer_list<T> l) { append(l); }
    // Returns: whether all were added. On exhaustion: false, with nothing changed; but what came before from a range of
    // one pass stays. Cost: O(elements added), amortised.
    template <object::iterator It>
    [[nodiscard]] bool try_append(It first, It last) {
        return add_all<false>(first, last);
    }
    [[nodiscard]] bool try_append(std::initializer_list<T> l) { return add_all<false>(l.begin(), l.end()); }
    template <object::range R>
    [[nodiscard]] bool try_append(R&& items) {
        return add_all<false>(std::ranges::begin(items), std::ranges::end(items));
    }
    [[nodiscard]] bool try_append(std::size_t n, const T& v) { return store::template add<false>(n, copies(n, v)); }
    template <object::range R>
    [[nodiscard]] bool try_extend(R&& items) {
        return try_append(std::forward<R>(items));
    }
    [[nodiscard]] bool try_extend(std::initializer_list<T> l) { return try_append(l); }

    // --- insertion and removal in the middle; Requires: elements can be assigned to, or their move is noexcept ---
    // As std::vector's; insert_range() as C++23's. Requires: begin() <= at <= end(). Debug: FA439 otherwise, and the
    // elements go to the end. On exhaustion: asks the exhaustion handler. Cost: O(elements added + elements after
    // them), amortised.
    template <class... Args>
    T* emplace(const T* at, Args&&... args) FRAMEALLOC_LIFETIMEBOUND {
        return insert_with<true>(at, 1, one(std::forward<Args>(args)...));
    }
    T* insert(const T* at, const T& v) FRAMEALLOC_LIFETIMEBOUND { return emplace(at, v); }
    T* insert(const T* at, T&& v) FRAMEALLOC_LIFETIMEBOUND { return emplace(at, std::move(v)); }
    T* insert(const T* at, std::size_t n, const T& v) FRAMEALLOC_LIFETIMEBOUND { return insert_copies<true>(at, n, v); }
    template <object::iterator It>
    T* insert(const T* at, It first, It last) FRAMEALLOC_LIFETIMEBOUND {
        return insert_all<true>(at, first, last);
    }
    T* insert(const T* at, std::initializer_list<T> l) FRAMEALLOC_LIFETIMEBOUND {
        return insert_all<true>(at, l.begin(), l.end());
    }
    template <object::range R>
    T* insert_range(const T* at, R&& items) FRAMEALLOC_LIFETIMEBOUND {
        return insert_all<true>(at, std::ranges::begin(items), std::ranges::end(items));
    }
    // Returns: the first element added; at where there is none, which is null in a vec without memory. On exhaustion:
    // null, with nothing changed. Cost: O(elements added + elements after them), amortised.
    template <class... Args>
    [[nodiscard]] T* try_emplace(const T* at, Args&&... args) FRAMEALLOC_LIFETIMEBOUND {
        return insert_with<false>(at, 1, one(std::forward<Args>(args)...));
    }
    [[nodiscard]] T* try_insert(const T* at, const T& v) FRAMEALLOC_LIFETIMEBOUND { return try_emplace(at, v); }
    [[nodiscard]] T* try_insert(const T* at, T&& v) FRAMEALLOC_LIFETIMEBOUND { return try_emplace(at, std::move(v)); }
    [[nodiscard]] T* try_insert(const T* at, std::size_t n, const T& v) FRAMEALLOC_LIFETIMEBOUND {
        return insert_copies<false>(at, n, v);
    }
    template <object::iterator It>
    [[nodiscard]] T* try_insert(const T* at, It first, It last) FRAMEALLOC_LIFETIMEBOUND {
        return insert_all<false>(at, first, last);
    }
    [[nodiscard]] T* try_insert(const T* at, std::initializer_list<T> l) FRAMEALLOC_LIFETIMEBOUND {
        return insert_all<false>(at, l.begin(), l.end());
    }
    template <object::range R>
    [[nodiscard]] T* try_insert_range(const T* at, R&& items) FRAMEALLOC_LIFETIMEBOUND {
        return insert_all<false>(at, std::ranges::begin(items), std::ranges::end(items));
    }
    // As std::vector's. Debug: FA439 where no such elements are, and nothing is removed. Cost: O(elements after them).
    FRAMEALLOC_INLINE T* erase(const T* at) FRAMEALLOC_LIFETIMEBOUND {
        if (refuses(static_cast<std::size_t>(at - begin_) >= size(), "removal of element", at - begin_)) return end_;
        return remove(at, at + 1);
    }
    FRAMEALLOC_INLINE T* erase(const T* first, const T* last) FRAMEALLOC_LIFETIMEBOUND {
        const std::size_t from = static_cast<std::size_t>(first - begin_);
        const std::size_t to = static_cast<std::size_t>(last - begin_);
        if (refuses(to > size() || from > to, "removal before element", last - begin_)) return end_;
        return remove(first, last);
    }
    // Effects: removes the elements for which f returns true; the others keep their order. Returns: how many were
    // removed. Cost: O(size()).
    template <class F>
    std::size_t erase_if(F&& f) {
        if (is_gone("an element was removed")) return 0;
        T* out = begin_;
        while (out != end_ && !f(*out)) ++out;
        if (out != end_) {
            for (T* p = out + 1; p != end_; ++p) {
                if (!f(*p)) object::put(*out++, std::move(*p));
            }
        }
        const std::size_t removed = static_cast<std::size_t>(end_ - out);
        cut_to(out);
        return removed;
    }
    // Effects: removes the elements for which f returns false; the others keep their order. Returns: how many were
    // removed. Cost: O(size()).
    template <class F>
    std::size_t retain(F&& f) {
        return erase_if([&](const T& v) { return !f(v); });
    }
    // As std::erase_if and std::erase of a std::vector. Cost: O(size()).
    template <class F>
    friend std::size_t erase_if(basic_vec& v, F f) {
        return v.erase_if(f);
    }
    template <class U>
    friend std::size_t erase(basic_vec& v, const U& value) {
        return v.erase_if([&](const T& x) { return x == value; });
    }

    // Effects: exchanges the elements where they are, and the sources where both have one. Cost: O(1).
    void swap(basic_vec& other) noexcept {
        basic_vec t(std::move(other));
        other = std::move(*this);
        *this = std::move(t);
    }
    friend void swap(basic_vec& a, basic_vec& b) noexcept { a.swap(b); }
    friend bool operator==(const basic_vec& a, const basic_vec& b) {
        return a.size() == b.size() && object::equal_all(a.begin(), a.end(), b.begin());
    }
    friend auto operator<=>(const basic_vec& a, const basic_vec& b)
        requires requires(const T& x) { x < x; }
    {
        return object::compare_all(a.begin(), a.end(), b.begin(), b.end());
    }

private:
    using access::refuses;
    using store::copies;
    using store::cut_to;
    using store::drop;
    using store::is_gone;
    using store::one;
    using store::steal;
    using store::values;
    using store::begin_;
    using store::end_;
    using store::limit_;
    using store::source_;
    using store::trivial;

    template <bool Must, class It, class End>
    bool add_all(It first, End last) {
        if constexpr (object::multi_pass<It>) {
            const std::size_t n = object::count_of(first, last);
            return store::template add<Must>(n, [&](T* at) { return object::construct_from(at, first, last, n); });
        } else {
            for (; first != last; ++first) {
                if constexpr (Must) emplace_back(*first);
                else if (!try_emplace_back(*first)) return false;
            }
            return true;
        }
    }
    template <bool Must, class It, class End>
    bool replace_all(It first, End last) {
        if (is_own(first, last)) return replace_by_own<Must>(first, last);
        clear();
        return add_all<Must>(first, last);
    }
    // The old elements go when there is memory for the new ones.
    template <class It, class End>
    bool try_replace_all(It first, End last) {
        if constexpr (object::multi_pass<It>) {
            if (!is_own(first, last))
                return try_reserve(object::count_of(first, last)) && replace_all<false>(first, last);
        }
        return replace_by_own<false>(first, last);
    }
    template <bool Must, class It, class End>
    bool replace_by_own(It first, End last) {
        basic_vec chosen(source_);
        if (!chosen.template add_all<Must>(first, last)) return false;
        swap(chosen);
        return true;
    }
    template <class It, class End>
    bool is_own(const It& first, const End& last) const noexcept {
        return object::begins_within<T>(first, last, begin_, end_);
    }

    // --- the middle ---
    template <bool Must, class Build>
    T* insert_with(const T* at, std::size_t n, const Build& build) {
        const std::size_t i = position(at);
        if (!store::template add<Must>(n, build)) return nullptr;
        return rotate_to(i, n);
    }
    template <bool Must>
    T* insert_copies(const T* at, std::size_t n, const T& v) {
        if constexpr (object::repeated_as_bytes<T>) {
            const T copy(v);
            return insert_bytes<Must>(at, n, [&](T* gap) { object::construct_copies(gap, n, copy); });
        } else {
            return insert_with<Must>(at, n, copies(n, v));
        }
    }
    template <bool Must, class It, class End>
    T* insert_all(const T* at, It first, End last) {
        if constexpr (object::copied_as_bytes<T, It>) {
            const std::size_t n = object::count_of(first, last);
            if (!is_own(first, last))
                return insert_bytes<Must>(at, n, [&](T* gap) { object::construct_from(gap, first, last, n); });
        }
        const std::size_t i = position(at);
        const std::size_t before = size();
        if (!add_all<Must>(first, last)) {
            if (size() > before) cut_to(begin_ + before);
            return nullptr;
        }
        return rotate_to(i, size() < before ? size() : size() - before);
    }
    // Elements that memory alone moves make way at once. `build` cannot fail, and takes nothing from this vec.
    template <bool Must, class Build>
    T* insert_bytes(const T* at, std::size_t n, const Build& build) {
        const std::size_t i = position(at);
        if (!store::template add<Must>(n, [n](T* behind) { return behind + n; })) return nullptr;
        const std::size_t before = size() - n;
        T* const gap = begin_ + (i < before ? i : before);
        const std::size_t after = before - static_cast<std::size_t>(gap - begin_);
        if (n != 0 && after != 0) std::memmove(static_cast<void*>(gap + n), gap, after * sizeof(T));
        if (n != 0) build(gap);
        return gap;
    }
    FRAMEALLOC_INLINE std::size_t position(const T* at) const noexcept {
        const std::size_t i = static_cast<std::size_t>(at - begin_);
        return refuses(i > size(), "insertion before element", at - begin_) ? size() : i;
    }
    // The last `n` elements go to position `i`.
    T* rotate_to(std::size_t i, std::size_t n) {
        const std::size_t before = size() - n;
        if (i < before) object::rotate(begin_ + i, begin_ + before, end_);
        return begin_ + (i < before ? i : before);
    }
    T* remove(const T* first, const T* last) {
        if (is_gone("an element was removed")) return end_;
        T* const to = begin_ + (first - begin_);
        if (first == last) return to;
        T* const from = begin_ + (last - begin_);
        if constexpr (trivial) {
            const std::size_t n = static_cast<std::size_t>(end_ - from);
            if (n != 0) std::memmove(static_cast<void*>(to), from, n * sizeof(T));
            cut_to(to + n);
        } else {
            T* out = to;
            for (T* p = from; p != end_; ++p, ++out) object::put(*out, std::move(*p));
            cut_to(out);
        }
        return to;
    }
};

template <class T>
using frame_vec = basic_vec<T, frame_source>;
template <class T>
using pool_vec = basic_vec<T, pool_source>;
template <class T>
using heap_vec = basic_vec<T, heap_source>;

}  // namespace framealloc::inline v1
