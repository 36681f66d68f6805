// Growable arrays with the members of std::vector, for frame, pool and heap memory.
//
//   auto hits = frame.vec<hit>();                  // fa::frame_vec<hit>: grows in place at the top of the arena
//   hits.push_back(h);
//   std::span<const hit> view = hits;
//
// A frame_vec's content is destroyed when it leaves scope or when its frame ends, whichever is first; a vec of trivial
// elements is not told of the frame's end, and debug mode catches its use after that (FA002).
// Cost: push_back into capacity takes 6 instructions; growth at the top of the arena copies nothing.
// Iterators are pointers, invalidated as std::vector's are.
#pragma once

#include <cstring>
#include <initializer_list>
#include <span>

#include <framealloc/object/construct.hpp>
#include <framealloc/object/storage.hpp>

namespace framealloc::inline FRAMEALLOC_ABI {

template <class T, class Source, class Policy = active_policy>
class FRAMEALLOC_OWNER(T) basic_vec : object::frame_hook<basic_vec<T, Source, Policy>, object::is_frame<Source> && !std::is_trivially_destructible_v<T>> {
    using hook = object::frame_hook<basic_vec, object::is_frame<Source> && !std::is_trivially_destructible_v<T>>;
    friend hook;

public:
    using value_type = T;
    using size_type = std::size_t;
    using difference_type = std::ptrdiff_t;
    using reference = T&;
    using const_reference = const T&;
    using pointer = T*;
    using const_pointer = const T*;
    using iterator = T*;
    using const_iterator = const T*;

    basic_vec() noexcept = default;  // without a source: may only be assigned to
    explicit basic_vec(Source source) noexcept : source_(source) {}
    basic_vec(basic_vec&& other) noexcept : source_(other.source_) { steal(other); }
    basic_vec(const basic_vec& other) : source_(other.source_) { append(other.begin(), other.end()); }
    basic_vec& operator=(basic_vec&& other) noexcept {
        if (this == &other) return *this;
        drop();
        source_ = other.source_;
        steal(other);
        return *this;
    }
    basic_vec& operator=(const basic_vec& other) {
        if (this != &other) assign(other.begin(), other.end());
        return *this;
    }
    ~basic_vec() { drop(); }

    // --- access ---
    T* data() noexcept FRAMEALLOC_LIFETIMEBOUND { object::check_open<Policy>(source_); return begin_; }
    const T* data() const noexcept FRAMEALLOC_LIFETIMEBOUND { object::check_open<Policy>(source_); return begin_; }
    T* begin() noexcept FRAMEALLOC_LIFETIMEBOUND { return data(); }
    T* end() noexcept FRAMEALLOC_LIFETIMEBOUND { return end_; }
    const T* begin() const noexcept FRAMEALLOC_LIFETIMEBOUND { return data(); }
    const T* end() const noexcept FRAMEALLOC_LIFETIMEBOUND { return end_; }
    const T* cbegin() const noexcept { return data(); }
    const T* cend() const noexcept { return end_; }
    auto rbegin() noexcept { return std::reverse_iterator<T*>(end()); }
    auto rend() noexcept { return std::reverse_iterator<T*>(begin()); }
    auto rbegin() const noexcept { return std::reverse_iterator<const T*>(end()); }
    auto rend() const noexcept { return std::reverse_iterator<const T*>(begin()); }
    std::size_t size() const noexcept { return static_cast<std::size_t>(end_ - begin_); }
    std::size_t capacity() const noexcept { return static_cast<std::size_t>(limit_ - begin_); }
    bool empty() const noexcept { return begin_ == end_; }
    static constexpr std::size_t max_size() noexcept { return largest_request / sizeof(T); }
    T& operator[](std::size_t i) noexcept FRAMEALLOC_LIFETIMEBOUND { check_index(i); return begin_[i]; }
    const T& operator[](std::size_t i) const noexcept FRAMEALLOC_LIFETIMEBOUND { check_index(i); return begin_[i]; }
    T& at(std::size_t i) FRAMEALLOC_LIFETIMEBOUND { return i < size() ? (*this)[i] : out_of_range(); }
    const T& at(std::size_t i) const FRAMEALLOC_LIFETIMEBOUND { return const_cast<basic_vec*>(this)->at(i); }
    T& front() noexcept FRAMEALLOC_LIFETIMEBOUND { return (*this)[0]; }
    const T& front() const noexcept FRAMEALLOC_LIFETIMEBOUND { return (*this)[0]; }
    T& back() noexcept FRAMEALLOC_LIFETIMEBOUND { return (*this)[size() - 1]; }
    const T& back() const noexcept FRAMEALLOC_LIFETIMEBOUND { return (*this)[size() - 1]; }
    const Source& source() const noexcept { return source_; }

    // --- growth: each x() has a try_x() that returns false instead of asking the exhaustion handler ---
    template <class... Args>
    T& emplace_back(Args&&... args) {
        if (end_ == limit_) [[unlikely]] {
            if constexpr (!trivial) return grow_and_emplace(std::forward<Args>(args)...);
            // No reference to the arguments leaves this function, so that they can stay in registers.
            const T copy = make(std::forward<Args>(args)...);
            grow<true>(object::next_capacity(capacity(), size() + 1));
            return *::new (static_cast<void*>(end_++)) T(copy);
        }
        object::check_open<Policy>(source_);
        T* p = object::construct_at<T>(end_, std::forward<Args>(args)...);
        ++end_;
        return *p;
    }
    FRAMEALLOC_INLINE void push_back(const T& v) { emplace_back(v); }
    FRAMEALLOC_INLINE void push_back(T&& v) { emplace_back(std::move(v)); }
    template <class... Args>
    [[nodiscard]] bool try_emplace_back(Args&&... args) {
        if (end_ != limit_) {
            emplace_back(std::forward<Args>(args)...);
            return true;
        }
        T copy = make(std::forward<Args>(args)...);  // the argument may be an element
        if (!grow<false>(object::next_capacity(capacity(), size() + 1))) return false;
        emplace_back(std::move(copy));
        return true;
    }
    [[nodiscard]] bool try_push_back(const T& v) { return try_emplace_back(v); }
    [[nodiscard]] bool try_push_back(T&& v) { return try_emplace_back(std::move(v)); }
    void pop_back() noexcept { object::destroy(end_ - 1, end_); --end_; }
    void clear() noexcept { object::destroy(data(), end_); end_ = begin_; }
    void reserve(std::size_t n) {
        if (n > capacity()) grow<true>(n);
    }
    [[nodiscard]] bool try_reserve(std::size_t n) { return n <= capacity() || grow<false>(n); }
    void resize(std::size_t n) { resize_with(n, [](void* p) { object::construct_at<T>(p); }); }
    void resize(std::size_t n, const T& v) {
        const T copy(v);
        resize_with(n, [&](void* p) { object::construct_at<T>(p, copy); });
    }
    void shrink_to_fit() {
        if constexpr (object::is_frame<Source>) {
            if (begin_ == nullptr || end_ == limit_ || !source_.frame().alive()) return;
            source_.frame().shrink(begin_, capacity() * sizeof(T), size() * sizeof(T));
            limit_ = end_;
        } else if (end_ != limit_) {
            basic_vec exact(source_);
            exact.reserve(size());
            for (T& v : *this) exact.emplace_back(std::move_if_noexcept(v));
            swap(exact);
        }
    }
    void assign(std::size_t n, const T& v) {
        const T copy(v);
        clear();
        resize(n, copy);
    }
    template <class It>
        requires(!std::is_integral_v<It>)
    void assign(It first, It last) {
        clear();
        append(first, last);
    }
    void assign(std::initializer_list<T> l) { assign(l.begin(), l.end()); }
    template <class It>
    void append(It first, It last) {
        if constexpr (requires { last - first; }) reserve_more(static_cast<std::size_t>(last - first));
        for (; first != last; ++first) emplace_back(*first);
    }
    void append(std::span<const T> items) { append(items.begin(), items.end()); }

    // --- insertion and removal in the middle ---
    template <class... Args>
    T* emplace(const T* at, Args&&... args) {
        const std::size_t i = static_cast<std::size_t>(at - begin_);
        emplace_back(std::forward<Args>(args)...);
        rotate_last(i, 1);
        return begin_ + i;
    }
    // Returns null, with the vec unchanged, when memory is exhausted.
    [[nodiscard]] T* try_insert(const T* at, const T& v) {
        const std::size_t i = static_cast<std::size_t>(at - begin_);
        if (!try_push_back(v)) return nullptr;
        rotate_last(i, 1);
        return begin_ + i;
    }
    T* insert(const T* at, const T& v) { return emplace(at, v); }
    T* insert(const T* at, T&& v) { return emplace(at, std::move(v)); }
    T* insert(const T* at, std::size_t n, const T& v) {
        const std::size_t i = static_cast<std::size_t>(at - begin_);
        resize(size() + n, v);
        rotate_last(i, n);
        return begin_ + i;
    }
    template <class It>
        requires(!std::is_integral_v<It>)
    T* insert(const T* at, It first, It last) {
        const std::size_t i = static_cast<std::size_t>(at - begin_);
        const std::size_t before = size();
        append(first, last);
        rotate_last(i, size() - before);
        return begin_ + i;
    }
    T* erase(const T* at) { return erase(at, at + 1); }
    T* erase(const T* first, const T* last) {
        T* to = begin_ + (first - begin_);
        if (first == last) return to;
        T* out = to;
        for (T* from = begin_ + (last - begin_); from != end_; ++from, ++out) *out = std::move(*from);
        object::destroy(out, end_);
        end_ = out;
        return to;
    }
    // Removes what the predicate names; keeps the order. Returns how many went.
    template <class F>
    std::size_t erase_if(F&& f) {
        T* out = begin_;
        for (T* p = begin_; p != end_; ++p) {
            if (f(*p)) continue;
            if (out != p) *out = std::move(*p);
            ++out;
        }
        const std::size_t gone = static_cast<std::size_t>(end_ - out);
        object::destroy(out, end_);
        end_ = out;
        return gone;
    }

    void swap(basic_vec& other) noexcept {
        basic_vec t(std::move(other));
        other = std::move(*this);
        *this = std::move(t);
    }
    friend void swap(basic_vec& a, basic_vec& b) noexcept { a.swap(b); }
    friend bool operator==(const basic_vec& a, const basic_vec& b) {
        if (a.size() != b.size()) return false;
        for (std::size_t i = 0; i < a.size(); ++i) {
            if (!(a[i] == b[i])) return false;
        }
        return true;
    }

private:
    static constexpr bool trivial = std::is_trivially_copyable_v<T>;

    void check_index([[maybe_unused]] std::size_t i) const noexcept {
        if constexpr (Policy::checks) {
            object::check_open<Policy>(source_);
            if (i >= size()) broken_invariant("index beyond the size of a vec");
        }
    }
    [[noreturn]] static T& out_of_range() noexcept { broken_invariant("at() beyond the size of a vec"); }

    // Keeps the old elements until the new one is built: the argument may be one of them.
    template <class... Args>
    FRAMEALLOC_COLD T& grow_and_emplace(Args&&... args) {
        revive_if_ended(__builtin_return_address(0));
        T copy = make(std::forward<Args>(args)...);
        grow<true>(object::next_capacity(capacity(), size() + 1), __builtin_return_address(0));
        T* p = object::construct_at<T>(end_, std::move(copy));
        ++end_;
        return *p;
    }
    template <class... Args>
    static T make(Args&&... args) {
        if constexpr (std::is_constructible_v<T, Args...>) return T(std::forward<Args>(args)...);
        else return T{std::forward<Args>(args)...};
    }

    void reserve_more(std::size_t n) {
        if (n > capacity() - size()) grow<true>(object::next_capacity(capacity(), size() + n));
    }

    // Must: ask the exhaustion handler, which does not come back empty-handed.
    template <bool Must>
    FRAMEALLOC_COLD bool grow(std::size_t wanted, const void* caller = nullptr) {
        if (caller == nullptr) caller = __builtin_return_address(0);
        revive_if_ended(caller);
        const object::growth_site<Policy> told(source_, caller);
        const std::size_t old_bytes = capacity() * sizeof(T);
        const std::size_t bytes = checked_product(wanted, sizeof(T));
        if (begin_ != nullptr && bytes != impossible_size && source_.try_grow(begin_, old_bytes, bytes, alignof(T))) {
            limit_ = begin_ + wanted;
            return true;
        }
        void* p = Must ? source_.allocate(bytes, alignof(T)) : source_.try_allocate(bytes, alignof(T));
        if (p == nullptr) return false;
        move_to(static_cast<T*>(p), wanted, old_bytes);
        this->enlist(source_);
        return true;
    }
    void move_to(T* to, std::size_t wanted, std::size_t old_bytes) {
        const std::size_t n = size();
        if constexpr (trivial) {
            if (n != 0) std::memcpy(static_cast<void*>(to), begin_, n * sizeof(T));
        } else {
            T* built = to;
            object::undo cleanup{[&] {
                object::destroy(to, built);
                object::abandon(source_, to, wanted * sizeof(T), alignof(T));
            }};
            for (T* p = begin_; p != end_; ++p, ++built) object::construct_at<T>(built, std::move_if_noexcept(*p));
            cleanup.armed = false;
            object::destroy(begin_, end_);
        }
        object::abandon(source_, begin_, old_bytes, alignof(T));
        begin_ = to;
        end_ = to + n;
        limit_ = to + wanted;
    }
    // The frame is over, and with it the content: after the fault the vec starts anew in the frame that is open now.
    void revive_if_ended(const void* caller) noexcept {
        if constexpr (object::is_frame<Source>) {
            if (source_.frame().record() == nullptr || source_.frame().alive()) return;
            source_.frame().raise_ended("a container grew", caller);
            begin_ = end_ = limit_ = nullptr;
            source_ = Source(source_.frame().record()->context->top);
        }
    }

    template <class F>
    void resize_with(std::size_t n, F&& construct) {
        if (n <= size()) {
            object::destroy(begin_ + n, end_);
            end_ = begin_ + n;
            return;
        }
        reserve(n);
        for (; size() < n; ++end_) construct(static_cast<void*>(end_));
    }
    // The last `n` elements go to position `i`: three reversals.
    void rotate_last(std::size_t i, std::size_t n) {
        auto reverse = [](T* a, T* b) {
            while (a < b && a < --b) {
                using std::swap;
                swap(*a++, *b);
            }
        };
        reverse(begin_ + i, end_ - n);
        reverse(end_ - n, end_);
        reverse(begin_ + i, end_);
    }

    void steal(basic_vec& other) noexcept {
        begin_ = std::exchange(other.begin_, nullptr);
        end_ = std::exchange(other.end_, nullptr);
        limit_ = std::exchange(other.limit_, nullptr);
        this->take_over(other);
    }
    void drop() noexcept {
        this->delist();
        if (begin_ == nullptr) return;
        object::destroy(begin_, end_);
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

template <class T>
using frame_vec = basic_vec<T, frame_source>;
template <class T>
using pool_vec = basic_vec<T, pool_source>;
template <class T>
using heap_vec = basic_vec<T, heap_source>;

}  // namespace framealloc::inline FRAMEALLOC_ABI
