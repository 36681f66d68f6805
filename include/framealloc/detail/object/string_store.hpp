// What a string is made of: its characters, up to 15 of them in the string itself, how they are replaced, and to whom
// they belong. What is asked of them is string_access.hpp, the string itself string.hpp.
#pragma once

#include <cstring>
#include <string_view>

#include <framealloc/detail/object/storage.hpp>
#include <framealloc/object/ranges.hpp>

namespace framealloc::inline v1::object {

// What is a text with a length; a pointer has overloads of its own, where a number after it is a length.
template <class S>
concept text = std::is_convertible_v<const S&, std::string_view> && !std::is_convertible_v<const S&, const char*>;

// A number but a character, as a size.
template <class A>
constexpr decltype(auto) sized(A&& a) noexcept {
    if constexpr (std::is_integral_v<std::remove_cvref_t<A>> && !std::is_same_v<std::remove_cvref_t<A>, char>)
        return static_cast<std::size_t>(a);
    else return std::forward<A>(a);
}

template <class Stream>
concept reads_text = requires(Stream& from) {
    requires std::is_same_v<typename Stream::char_type, char>;
    typename Stream::sentry;
    from.peek();
    from.width();
};

// As std::memmove of at least one Part and at most two, which may overlap: both are read before one is written.
template <class Part>
FRAMEALLOC_INLINE void copy_ends(char* to, const char* from, std::size_t n) noexcept {
    Part first, last;
    std::memcpy(&first, from, sizeof first);
    std::memcpy(&last, from + n - sizeof last, sizeof last);
    std::memcpy(to, &first, sizeof first);
    std::memcpy(to + n - sizeof last, &last, sizeof last);
}
// As std::memmove of at most 16, in line; false, with nothing copied, where there are more.
FRAMEALLOC_INLINE bool copy_few(char* to, const char* from, std::size_t n) noexcept {
    if (n < 8) [[likely]] {
        if (n >= 4) [[likely]] {
            copy_ends<std::uint32_t>(to, from, n);
        } else if (n != 0) {
            const char middle = from[n / 2];
            copy_ends<char>(to, from, n);
            to[n / 2] = middle;
        }
        return true;
    }
    if (n <= 16) copy_ends<std::uint64_t>(to, base::unknown(from), n);
    return n <= 16;
}

template <class Source, class Policy>
class string_store {
public:
    // As std::string's: the final zero is not counted. Cost: O(1).
    std::size_t size() const noexcept { return packed_ / 2; }
    std::size_t length() const noexcept { return size(); }
    std::size_t capacity() const noexcept { return most_packed() / 2; }
    static constexpr std::size_t max_size() noexcept { return largest_request - 1; }
    bool empty() const noexcept { return packed_ < 2; }
    // Returns: where the memory comes from. Cost: O(1).
    const Source& source() const noexcept FRAMEALLOC_LIFETIMEBOUND { return source_; }
    // Effects: takes the source of the container that this is an element of, unless it has one. Cost: O(1).
    void adopt(const Source& s) noexcept {
        if (!object::has_source(source_)) source_ = s;
    }
    // As std::string's: capacity stays. Cost: O(1).
    void clear() noexcept {
        if (!is_gone()) set_size(0);
    }
    // As std::string's, exact. Requires: a source; without one FA440, and reserve() ends the program. On exhaustion:
    // reserve() asks the exhaustion handler; try_reserve() returns false, with nothing changed. Cost: O(1) where the
    // memory grows in place, as it does at the top of the arena; O(size()) otherwise.
    void reserve(std::size_t n) { static_cast<void>(fits(n) || grow<true>(n, n)); }
    [[nodiscard]] bool try_reserve(std::size_t n) { return fits(n) || grow<false>(n, n); }
    // As std::string's. On exhaustion: resize() asks the exhaustion handler; try_resize() returns false, with nothing
    // changed. Cost: O(|n - size()|), amortised.
    void resize(std::size_t n, char c = '\0') { static_cast<void>(resize_to<true>(n, c)); }
    [[nodiscard]] bool try_resize(std::size_t n, char c = '\0') { return resize_to<false>(n, c); }
    // Effects: gives back the memory past the final zero, and all of it where the characters fit into the string. What
    // cannot be given back stays: memory that a frame allocated on top of it, or text that would have to move while
    // memory is exhausted. Cost: O(1) in a frame, otherwise O(size()) and an allocation.
    void shrink_to_fit() {
        if (!in_memory()) return;
        if constexpr (object::ends_at_once<Source>) {
            if (!end_of(source_).alive()) return;
        }
        if (size() <= most_inside) {
            move_inside();
        } else if (size() == capacity()) {
            return;
        } else if constexpr (object::ends_at_once<Source>) {
            text_.there.most = pack(end_of(source_).shrink(text_.there.begin, capacity() + 1, size() + 1) - 1);
        } else if (void* p = source_.try_allocate(size() + 1, 1)) {
            move_to(static_cast<char*>(p), size());
        }
    }

protected:
    static constexpr std::size_t most_inside = 15;

    constexpr string_store() noexcept : text_{.inside = {}} {}
    explicit string_store(const Source& s) noexcept : source_(s) { forget(); }
    FRAMEALLOC_INLINE string_store(const Source& s, std::string_view text) : packed_(text.size() * 2), source_(s) {
        if (looked_at || text.size() > most_inside) [[unlikely]] {
            forget();
            static_cast<void>(splice<true>(0, 0, text));
        } else {
            copy_few(text_.inside, text.data(), text.size());
            text_.inside[text.size()] = '\0';
        }
    }
    string_store(const string_store& other) : string_store(other.source_, other.view()) {}
    string_store(string_store&& other) noexcept : source_(other.source_) { steal(other); }
    string_store& operator=(const string_store&) = delete;
    string_store& operator=(string_store&& other) noexcept {
        if (this == &other) return *this;
        release();
        if (object::has_source(other.source_)) source_ = other.source_;
        steal(other);
        return *this;
    }
    ~string_store() { release(); }
    void swap(string_store& other) noexcept {
        adopt(other.source_);
        other.adopt(source_);
        std::swap(text_, other.text_);
        std::swap(packed_, other.packed_);
        std::swap(source_, other.source_);
    }

    // What packed_ may be.
    std::size_t most_packed() const noexcept { return in_memory() ? text_.there.most : most_inside * 2; }
    bool in_memory() const noexcept { return packed_ % 2 != 0; }  // of the source, rather than in the string itself
    char* chars() noexcept { return in_memory() ? text_.there.begin : base::unknown(text_.inside); }
    const char* chars() const noexcept { return in_memory() ? text_.there.begin : base::unknown(text_.inside); }
    std::string_view view() const noexcept { return {chars(), size()}; }
    // Debug, as of a vec: what is in the string itself can be read whatever has become of the frame.
    FRAMEALLOC_INLINE void check_open() const noexcept {
        if constexpr (Policy::checks) {
            if (in_memory()) object::check_open<Policy>(source_);
        }
    }
    FRAMEALLOC_INLINE bool refuses(bool wrong, const char* what, std::ptrdiff_t i) const noexcept {
        return object::refuses<Policy>(source_, wrong, what, i, size());
    }
    bool is_gone() noexcept {
        return in_memory() && object::has_ended<Policy>(source_) && revive_if_ended("a string was changed");
    }

    // Requires: n is within the capacity.
    void set_size(std::size_t n) noexcept {
        char* const at = chars();
        if (in_memory() && n < size()) object::leave<Policy>(at + n + 1, at + size() + 1);
        packed_ = n * 2 + packed_ % 2;
        at[n] = '\0';
    }
    // After the last character: where there is room and nothing is looked at, in few instructions.
    template <bool Must>
    FRAMEALLOC_INLINE bool add(std::string_view text) {
        const std::size_t n = text.size(), was = packed_, will_be = was + n * 2;
        if (looked_at || will_be > most_packed()) [[unlikely]]
            return splice<Must>(was / 2, 0, text);
        char* const at = chars() + was / 2;
        if (!copy_few(at, text.data(), n)) {
            if (n > max_size()) return splice<Must>(was / 2, 0, text);  // and twice that may be anything
            std::memmove(at, base::unknown(text.data()), n);
        }
        at[n] = '\0';
        packed_ = will_be;
        return true;
    }
    // In the place of all; `text` may be a part of it.
    template <bool Must>
    bool set(std::string_view text) {
        const std::size_t n = text.size();
        if (looked_at || n > capacity()) return splice<Must>(0, size(), text);
        char* const at = chars();
        if (!copy_few(at, text.data(), n)) std::memmove(at, base::unknown(text.data()), n);
        at[n] = '\0';
        packed_ = n * 2 + packed_ % 2;
        return true;
    }
    template <bool Must>
    FRAMEALLOC_INLINE bool add(char c) {
        const std::size_t was = packed_;
        if (looked_at || was + 2 > most_packed()) [[unlikely]]
            return fill<Must>(was / 2, 0, 1, c);
        char* const at = chars() + was / 2;
        at[0] = c;
        at[1] = '\0';
        packed_ = was + 2;
        return true;
    }
    template <bool Must>
    bool resize_to(std::size_t n, char c) {
        if (n < size()) return splice<Must>(n, size() - n, {});
        static_cast<void>(has_lost(n > capacity()));
        return fill<Must>(size(), 0, n - size(), c);
    }
    template <bool Must>
    bool fill(std::size_t at, std::size_t removed, std::size_t n, char c) {
        if (has_lost(grows_by(removed, n))) at = removed = 0;
        char* const gap = open<Must>(at, removed, n);
        if (gap != nullptr && n != 0) std::memset(gap, c, n);
        return gap != nullptr;
    }
    // `text` may be a part of this.
    template <bool Must>
    bool splice(std::size_t at, std::size_t removed, std::string_view text) {
        const std::size_t n = text.size();
        if (n == 0 && removed == 0) return true;
        bool own = n != 0 && text.data() >= chars() && text.data() <= chars() + size();
        if (has_lost(grows_by(removed, n) || (own && in_memory()))) {
            at = removed = 0;
            own = false;
        }
        if (own) return splice_own<Must>(at, removed, static_cast<std::size_t>(text.data() - chars()), n);
        char* const gap = open<Must>(at, removed, n);
        if (gap != nullptr && n != 0) std::memcpy(gap, text.data(), n);
        return gap != nullptr;
    }
    // The n characters after the last one are those that write(place) puts there, none of them this string's.
    template <bool Must, class Write>
    bool add_written(std::size_t n, const Write& write) {
        static_cast<void>(has_lost(grows_by(0, n)));
        if (!make_room<Must>(object::checked_sum(size(), n))) return false;
        open_spare(size() + n + 1);
        write(chars() + size());
        set_size(size() + n);
        return true;
    }

private:
    // Whether each change is looked at: the memory that no character is in cannot be touched, and nothing can be
    // changed after the frame has ended.
    static constexpr bool looked_at = Policy::checks || guard::under_tool;

    // Debug: without a source nothing fits, so that it is told whatever the length.
    FRAMEALLOC_INLINE bool fits(std::size_t n) const noexcept {
        if constexpr (Policy::checks) {
            if (n != 0 && !object::has_source(source_)) return false;
        }
        return n <= capacity();
    }
    // Room for `n` characters, which grows by doubling.
    template <bool Must>
    bool make_room(std::size_t n) {
        if (fits(n)) [[likely]]
            return true;
        const std::size_t now = packed_ == 0 ? 0 : capacity() + 1;  // the first text is taken as it is
        return grow<Must>(object::next_capacity(now, object::checked_sum(n, 1)) - 1, n);
    }
    bool grows_by(std::size_t removed, std::size_t n) const noexcept {
        return object::checked_sum(size() - removed, n) > capacity();
    }
    // Before a change: whether the frame has ended that the characters were in. Then it is a change of an empty string.
    bool has_lost(bool looks) noexcept { return looks ? revive_if_ended("a container grew") : is_gone(); }
    // Opens a gap of `n` characters in the place of `removed` at `at`. Returns where it is; null when memory is
    // exhausted.
    template <bool Must>
    char* open(std::size_t at, std::size_t removed, std::size_t n) {
        const std::size_t before = size();
        const std::size_t after = object::checked_sum(before - removed, n);
        if (!make_room<Must>(after)) return nullptr;
        open_spare(after + 1);
        char* const gap = chars() + at;
        if (at + removed != before && n != removed) std::memmove(gap + n, gap + removed, before - at - removed);
        set_size(after);
        return gap;
    }
    // The n characters from `from` on take the place of `removed` at `at`.
    template <bool Must>
    bool splice_own(std::size_t at, std::size_t removed, std::size_t from, std::size_t n) {
        const std::size_t before = size();
        if (at == before) {
            char* const gap = open<Must>(at, removed, n);
            if (gap != nullptr) std::memmove(gap, chars() + from, n);  // all of it is before the gap
            return gap != nullptr;
        }
        if (n <= most_inside) {
            char few[most_inside];
            std::memcpy(few, chars() + from, n);
            char* const gap = open<Must>(at, removed, n);
            if (gap != nullptr) std::memcpy(gap, few, n);
            return gap != nullptr;
        }
        // A copy of it waits behind everything while the rest moves.
        const std::size_t after = object::checked_sum(before - removed, n);
        const std::size_t aside = (before > after ? before : after) + 1;
        if (!make_room<Must>(object::checked_sum(aside, n))) return false;
        open_spare(aside + n);
        std::memcpy(chars() + aside, chars() + from, n);
        char* const gap = open<Must>(at, removed, n);
        if (gap != nullptr) std::memcpy(gap, chars() + aside, n);
        close_spare();
        return gap != nullptr;
    }
    // For `wanted` characters or at least for `needed`, and a final zero.
    template <bool Must>
    [[gnu::__noinline__]] bool grow(std::size_t wanted, std::size_t needed) {
        revive_if_ended("a container grew");
        if (!object::has_source(source_)) {
            object::raise_no_source(Must);
            return false;
        }
        std::size_t bytes = object::checked_sum(wanted, 1);
        const std::size_t least = object::checked_sum(needed, 1);
        if (extend_to(bytes) || (least != bytes && extend_to(least))) return true;
        void* p = object::acquire_either<Must>(source_, bytes, least, 1, 1);
        if (p == nullptr) return false;
        move_to(static_cast<char*>(p), bytes - 1);
        return true;
    }
    // Where it is.
    bool extend_to(std::size_t bytes) noexcept {
        if (!in_memory() || bytes > largest_request) return false;
        if (!source_.try_grow(text_.there.begin, capacity() + 1, bytes, 1)) return false;
        text_.there.most = pack(bytes - 1);
        close_spare();
        return true;
    }
    void move_to(char* to, std::size_t room) noexcept {
        std::memcpy(to, chars(), size() + 1);
        if (in_memory()) {
            open_spare(capacity() + 1);
            object::outgrow(source_, text_.there.begin, capacity() + 1, 1);
        }
        text_.there = {to, pack(room)};
        packed_ |= 1;
        close_spare();
    }
    void move_inside() noexcept {
        char* const was = text_.there.begin;
        const std::size_t bytes = capacity() + 1;
        open_spare(bytes);
        std::memcpy(text_.inside, was, size() + 1);
        packed_ -= 1;
        if constexpr (object::ends_at_once<Source>) {
            if (end_of(source_).shrink(was, bytes, 0) != 0) object::outgrow(source_, was, bytes, 1);
        } else {
            source_.deallocate(was, bytes, 1);
        }
    }
    // The frame is over: after the fault the string goes on in the frame that is open now. Returns: whether its
    // characters were in the old one's memory, and are lost.
    bool revive_if_ended(const char* what) noexcept {
        if constexpr (object::ends_at_once<Source>) {
            if (!end_of(source_).given() || !end_of(source_).ended()) return false;
            end_of(source_).raise_ended(what);
            source_ = Source(end_of(source_).open_now());
            if (!in_memory()) return false;
            forget();
            return true;
        }
        return false;
    }
    void forget() noexcept {
        packed_ = 0;
        text_.inside[0] = '\0';
    }
    void steal(string_store& other) noexcept {
        text_ = other.text_;
        packed_ = other.packed_;
        other.forget();
    }
    void release() noexcept {
        if (!in_memory()) return;
        if constexpr (!object::ends_at_once<Source>) open_spare(capacity() + 1);
        object::abandon(source_, text_.there.begin, capacity() + 1, 1);
    }
    // Of the memory of the source, what no character is in; before `bytes` from the beginning on.
    void close_spare() const noexcept {
        if (in_memory()) object::close_spare<Policy>(chars_end(), text_.there.begin + capacity() + 1);
    }
    void open_spare(std::size_t bytes) const noexcept {
        if (in_memory()) object::open_spare<Policy>(chars_end(), text_.there.begin + bytes);
    }
    char* chars_end() const noexcept { return text_.there.begin + size() + 1; }

    static constexpr std::size_t pack(std::size_t n) noexcept { return n * 2 + 1; }  // of characters in memory

    struct memory_text {
        char* begin;
        std::size_t most;  // packed_ may be: the capacity, without the final zero
    };
    union characters {
        char inside[most_inside + 1];
        memory_text there;
    };
    static_assert(sizeof(characters) == most_inside + 1);

    characters text_;
    std::size_t packed_ = 0;  // twice the size, and one more while the characters are in memory of the source
    Source source_{};
};

}  // namespace framealloc::inline v1::object
