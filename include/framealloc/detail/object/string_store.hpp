// What a string is made of: characters and a final zero in a vec, how they are replaced, and to whom they belong. What
// is asked of them is string_access.hpp, the string itself string.hpp.
#pragma once

#include <string_view>

#include <framealloc/object/vec.hpp>

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

template <class Source, class Policy>
class string_store {
public:
    // As std::string's: the final zero is not counted. Cost: O(1).
    std::size_t size() const noexcept { return chars_.empty() ? 0 : chars_.size() - 1; }
    std::size_t length() const noexcept { return size(); }
    std::size_t capacity() const noexcept { return chars_.capacity() == 0 ? 0 : chars_.capacity() - 1; }
    static constexpr std::size_t max_size() noexcept { return largest_request - 1; }
    bool empty() const noexcept { return size() == 0; }
    // Returns: where the memory comes from. Cost: O(1).
    const Source& source() const noexcept FRAMEALLOC_LIFETIMEBOUND { return chars_.source(); }
    // Effects: takes the source of the container that this is an element of, unless it has one. Cost: O(1).
    void adopt(const Source& s) noexcept { chars_.adopt(s); }
    // As std::string's: capacity stays. Cost: O(1).
    void clear() noexcept { chars_.clear(); }
    // As std::string's, exact. Requires: a source; without one FA440, and reserve() ends the program. On exhaustion:
    // reserve() asks the exhaustion handler; try_reserve() returns false, with nothing changed. Cost: O(1) where the
    // memory grows in place, as it does at the top of the arena; O(size()) otherwise.
    void reserve(std::size_t n) { chars_.reserve(object::checked_sum(n, 1)); }
    [[nodiscard]] bool try_reserve(std::size_t n) { return chars_.try_reserve(object::checked_sum(n, 1)); }
    // As std::string's. On exhaustion: resize() asks the exhaustion handler; try_resize() returns false, with nothing
    // changed. Cost: O(|n - size()|), amortised.
    void resize(std::size_t n, char c = '\0') { static_cast<void>(resize_to<true>(n, c)); }
    [[nodiscard]] bool try_resize(std::size_t n, char c = '\0') { return resize_to<false>(n, c); }
    // Effects: gives back the memory past the final zero, if nothing is on top of it in its frame. Cost: O(1).
    void shrink_to_fit() { chars_.shrink_to_fit(); }

protected:
    string_store() noexcept = default;
    explicit string_store(const Source& s) noexcept : chars_(s) {}

    // Requires: n is within the capacity.
    void set_size(std::size_t n) noexcept {
        char* const end = chars_.begin_ + n + 1;
        if (end < chars_.end_) object::leave<Policy>(end, chars_.end_);
        chars_.end_ = end;
        chars_.begin_[n] = '\0';
    }
    FRAMEALLOC_INLINE bool refuses(bool wrong, const char* what, std::ptrdiff_t i) const noexcept {
        return chars_.refuses(wrong, what, i);
    }
    bool is_gone() noexcept { return chars_.is_gone("a string was changed"); }
    // For `bytes` from the beginning on.
    void open_spare(std::size_t bytes) const noexcept {
        object::open_spare<Policy>(chars_.end_, chars_.begin_ + bytes);
    }
    // Room for `n` characters and a final zero, which grows by doubling.
    template <bool Must>
    bool make_room(std::size_t n) {
        const std::size_t bytes = object::checked_sum(n, 1);
        if (bytes <= chars_.capacity()) [[likely]]
            return true;
        return chars_.template grow_for<Must>(bytes);
    }
    template <bool Must>
    bool resize_to(std::size_t n, char c) {
        const std::size_t before = size();
        return n < before ? splice<Must>(n, before - n, {}) : fill<Must>(before, 0, n - before, c);
    }

    // Opens a gap of `n` characters in the place of `removed` at `at`.
    template <bool Must>
    bool open(std::size_t at, std::size_t removed, std::size_t n) {
        const std::size_t before = size();
        const std::size_t after = object::checked_sum(before - removed, n);
        if (after == 0) {
            chars_.clear();
            return true;
        }
        if (!make_room<Must>(after)) return false;
        open_spare(after + 1);
        char* const gap = chars_.begin_ + at;
        if (at + removed != before && n != removed) std::memmove(gap + n, gap + removed, before - at - removed);
        set_size(after);
        return true;
    }
    template <bool Must>
    bool fill(std::size_t at, std::size_t removed, std::size_t n, char c) {
        if (is_gone()) at = removed = 0;
        if (!open<Must>(at, removed, n)) return false;
        if (n != 0) std::memset(chars_.begin_ + at, c, n);
        return true;
    }
    // `text` may be a part of this.
    template <bool Must>
    bool splice(std::size_t at, std::size_t removed, std::string_view text) {
        if (is_gone()) at = removed = 0;
        const std::size_t before = size();
        const std::size_t n = text.size();
        if (n == 0 && removed == 0) return true;
        const bool own = !chars_.empty() && text.data() >= chars_.begin_ && text.data() < chars_.begin_ + before + 1;
        if (!own || n == 0) {
            if (!open<Must>(at, removed, n)) return false;
            if (n != 0) std::memcpy(chars_.begin_ + at, text.data(), n);
            return true;
        }
        // A copy of it waits behind everything while the rest moves.
        const std::size_t from = static_cast<std::size_t>(text.data() - chars_.begin_);
        const std::size_t after = object::checked_sum(before - removed, n);
        const std::size_t aside = (before > after ? before : after) + 1;
        if (at == before) {
            if (!open<Must>(at, removed, n)) return false;
            std::memmove(chars_.begin_ + at, chars_.begin_ + from, n);  // the source is all before it
            return true;
        }
        if (!make_room<Must>(object::checked_sum(aside, n))) return false;
        open_spare(aside + n);
        std::memcpy(chars_.begin_ + aside, chars_.begin_ + from, n);
        static_cast<void>(open<Must>(at, removed, n));
        std::memcpy(chars_.begin_ + at, chars_.begin_ + aside, n);
        object::close_spare<Policy>(chars_.end_, chars_.begin_ + aside + n);
        return true;
    }

    basic_vec<char, Source, Policy> chars_;  // the final zero included, once there is a character
};

}  // namespace framealloc::inline v1::object
