// A growable string in frame, pool or heap memory, always ended by a zero, with the members of std::string.
//
//   fa::frame_string s = frame.string("wave ");
//   s += "12";
//   puts(s.c_str());
//
// Up to 15 characters are in the string itself, and need no memory: they can be read when the frame has ended, and are
// elsewhere after a move or swap(). More are in memory of its source, where the text of a string that was longer stays
// until shrink_to_fit(). A copy lives in that of its original. substr() is a view, valid until the string changes; a
// string of it is frame.string(s.substr(1)) or std::string(s.substr(1)). An argument may be a part of the string
// itself. Positions past the end throw std::out_of_range as std::string's do; without exceptions they are FA439, and
// the program ends.
// Growth is geometric; reserve() is exact.
// On exhaustion: x() asks the exhaustion handler, which frees memory or ends the program, and never returns without
// success; its twin try_x() returns false, with the string unchanged, or an empty string.
// Threads: as std::string's; the string grows on the thread of its frame alone (FA430).
#pragma once

#include <string_view>

#include <framealloc/detail/object/string_access.hpp>

namespace framealloc::inline v1 {

template <class Source, class Policy = active_policy>
class FRAMEALLOC_OWNER(char) basic_string : public object::string_access<Source, Policy> {
    using access = object::string_access<Source, Policy>;
    using store = object::string_store<Source, Policy>;

public:
    using access::begin;
    using access::c_str;
    using access::end;
    using access::npos;
    using access::view;
    using store::adopt;
    using store::empty;
    using store::max_size;
    using store::reserve;
    using store::size;
    using store::source;

    // Effects: allocates nothing. Without a source the string has to be assigned one before it needs memory, and in
    // debug before it holds text (FA440).
    basic_string() noexcept = default;
    // As std::string's, in memory of s; lengths and positions of any integral type, as string(...) passes them on. On
    // exhaustion: asks the exhaustion handler; try_make() does not. Cost: O(length), at most one allocation where the
    // length is known beforehand.
    FRAMEALLOC_INLINE explicit basic_string(Source s, std::string_view text = {}) : access(s, text) {}
    template <std::integral N>
    basic_string(Source s, const char* text, N n) : access(s) {
        append(text, static_cast<std::size_t>(n));
    }
    template <object::text S, std::integral... N>
        requires(sizeof...(N) == 1 || sizeof...(N) == 2)
    basic_string(Source s, const S& text, N... slice) : access(s) {
        append(text, static_cast<std::size_t>(slice)...);
    }
    basic_string(Source s, std::size_t n, char c) : access(s) { append(n, c); }
    basic_string(Source s, std::initializer_list<char> l) : basic_string(s, view_of(l)) {}
    template <object::iterator It>
    basic_string(Source s, It first, It last) : access(s) {
        append(first, last);
    }
    // As the constructors of the same arguments. On exhaustion: returns an empty string. Cost: as theirs.
    template <class... Args>
    [[nodiscard]] static basic_string try_make(Source source, Args&&... args) {
        basic_string s(source);
        if constexpr (sizeof...(Args) != 0) static_cast<void>(s.try_append(object::sized(std::forward<Args>(args))...));
        return s;
    }
    // A copy is in memory of the same source; a move takes the characters where they are, and the source.
    basic_string(const basic_string&) = default;
    basic_string(basic_string&&) noexcept = default;
    basic_string& operator=(basic_string&&) noexcept = default;
    // Effects: replaces the text, in memory of its own source; without one it takes that of other. On exhaustion: asks
    // the exhaustion handler. Cost: O(length).
    basic_string& operator=(const basic_string& other) {
        if (this == &other) return *this;
        adopt(other.source());
        return assign(other.view());
    }
    basic_string& operator=(std::string_view text) { return assign(text); }
    basic_string& operator=(const char* text) { return assign(text); }
    basic_string& operator=(char c) { return assign({&c, 1}); }
    basic_string& operator=(std::initializer_list<char> l) { return assign(view_of(l)); }

    // --- growth; without a source it is FA440, and x() ends the program while try_x() returns false ---
    // As std::string's. On exhaustion: asks the exhaustion handler. Cost: O(characters added), amortised.
    basic_string& append(std::string_view text) FRAMEALLOC_LIFETIMEBOUND {
        return store::template add<true>(text), *this;
    }
    basic_string& append(const char* text, std::size_t n) FRAMEALLOC_LIFETIMEBOUND {
        return append(std::string_view(text, n));
    }
    template <object::text S>
    basic_string& append(const S& text, std::size_t from, std::size_t n = npos) FRAMEALLOC_LIFETIMEBOUND {
        return append(part(text, from, n));
    }
    basic_string& append(std::size_t n, char c) FRAMEALLOC_LIFETIMEBOUND {
        store::template fill<true>(size(), 0, n, c);
        return *this;
    }
    template <object::iterator It>
    basic_string& append(It first, It last) FRAMEALLOC_LIFETIMEBOUND {
        return static_cast<void>(append_all<true>(first, last)), *this;
    }
    basic_string& append(std::initializer_list<char> l) FRAMEALLOC_LIFETIMEBOUND { return append(view_of(l)); }
    // Returns: whether the text was added. On exhaustion: false, with nothing changed. Cost: O(characters added),
    // amortised.
    [[nodiscard]] bool try_append(std::string_view text) { return store::template add<false>(text); }
    [[nodiscard]] bool try_append(const char* text, std::size_t n) { return try_append(std::string_view(text, n)); }
    template <object::text S>
    [[nodiscard]] bool try_append(const S& text, std::size_t from, std::size_t n = npos) {
        return try_append(part(text, from, n));
    }
    [[nodiscard]] bool try_append(std::size_t n, char c) { return store::template fill<false>(size(), 0, n, c); }
    template <object::iterator It>
    [[nodiscard]] bool try_append(It first, It last) {
        const std::size_t before = size();
        if (append_all<false>(first, last)) return true;
        if (size() > before) erase(before);
        return false;
    }
    [[nodiscard]] bool try_append(std::initializer_list<char> l) { return try_append(view_of(l)); }
    // As std::string's. On exhaustion: asks the exhaustion handler; try_push_back() returns false, with nothing
    // changed. Cost: O(characters added), amortised.
    basic_string& operator+=(std::string_view text) FRAMEALLOC_LIFETIMEBOUND { return append(text); }
    basic_string& operator+=(const char* text) FRAMEALLOC_LIFETIMEBOUND { return append(text); }
    basic_string& operator+=(char c) FRAMEALLOC_LIFETIMEBOUND {
        push_back(c);
        return *this;
    }
    basic_string& operator+=(std::initializer_list<char> l) FRAMEALLOC_LIFETIMEBOUND { return append(l); }
    void push_back(char c) { store::template add<true>(c); }
    [[nodiscard]] bool try_push_back(char c) { return store::template add<false>(c); }
    // Requires: not empty. Debug: FA439 otherwise, and nothing is removed. Cost: O(1).
    void pop_back() noexcept {
        if (!is_gone() && !refuses(empty(), "removal of character", 0)) set_size(size() - 1);
    }
    // As std::string's. On exhaustion: asks the exhaustion handler. Cost: O(length).
    basic_string& assign(std::string_view text) FRAMEALLOC_LIFETIMEBOUND {
        return store::template set<true>(text), *this;
    }
    basic_string& assign(const char* text) FRAMEALLOC_LIFETIMEBOUND { return assign(std::string_view(text)); }
    basic_string& assign(const char* text, std::size_t n) FRAMEALLOC_LIFETIMEBOUND {
        return assign(std::string_view(text, n));
    }
    template <object::text S>
    basic_string& assign(const S& text, std::size_t from, std::size_t n = npos) FRAMEALLOC_LIFETIMEBOUND {
        return assign(part(text, from, n));
    }
    basic_string& assign(std::initializer_list<char> l) FRAMEALLOC_LIFETIMEBOUND { return assign(view_of(l)); }
    basic_string& assign(std::size_t n, char c) FRAMEALLOC_LIFETIMEBOUND {
        store::template fill<true>(0, size(), n, c);
        return *this;
    }
    template <object::iterator It>
    basic_string& assign(It first, It last) FRAMEALLOC_LIFETIMEBOUND {
        const basic_string copy(source(), first, last);
        return assign(copy.view());
    }
    // Returns: whether the text was replaced. On exhaustion: false, with nothing changed. Cost: O(length).
    [[nodiscard]] bool try_assign(std::string_view text) { return store::template set<false>(text); }
    [[nodiscard]] bool try_assign(const char* text) { return try_assign(std::string_view(text)); }
    [[nodiscard]] bool try_assign(const char* text, std::size_t n) { return try_assign(std::string_view(text, n)); }
    template <object::text S>
    [[nodiscard]] bool try_assign(const S& text, std::size_t from, std::size_t n = npos) {
        return try_assign(part(text, from, n));
    }
    [[nodiscard]] bool try_assign(std::initializer_list<char> l) { return try_assign(view_of(l)); }
    [[nodiscard]] bool try_assign(std::size_t n, char c) { return store::template fill<false>(0, size(), n, c); }
    template <object::iterator It>
    [[nodiscard]] bool try_assign(It first, It last) {
        basic_string copy(source());
        return copy.try_append(first, last) && try_assign(copy.view());
    }

    // --- the middle; a position past the end throws std::out_of_range; without exceptions FA439, and the end ---
    // As std::string's. On exhaustion: asks the exhaustion handler. Cost: O(characters added + characters after them),
    // amortised.
    basic_string& insert(std::size_t at, std::string_view text) FRAMEALLOC_LIFETIMEBOUND {
        check_position(at);
        return store::template splice<true>(at, 0, text), *this;
    }
    basic_string& insert(std::size_t at, const char* text, std::size_t n) FRAMEALLOC_LIFETIMEBOUND {
        return insert(at, std::string_view(text, n));
    }
    template <object::text S>
    basic_string& insert(std::size_t at, const S& text, std::size_t from,
                         std::size_t n = npos) FRAMEALLOC_LIFETIMEBOUND {
        return insert(at, part(text, from, n));
    }
    basic_string& insert(std::size_t at, std::size_t n, char c) FRAMEALLOC_LIFETIMEBOUND {
        check_position(at);
        return store::template fill<true>(at, 0, n, c), *this;
    }
    template <object::pointer P>
    char* insert(P at, char c) FRAMEALLOC_LIFETIMEBOUND {
        return insert(at, 1, c);
    }
    template <object::pointer P>
    char* insert(P at, std::size_t n, char c) FRAMEALLOC_LIFETIMEBOUND {
        const std::size_t i = index_of(at);
        insert(i, n, c);
        return begin() + i;
    }
    template <object::pointer P, object::iterator It>
    char* insert(P at, It first, It last) FRAMEALLOC_LIFETIMEBOUND {
        const std::size_t i = index_of(at);
        const basic_string copy(source(), first, last);
        insert(i, copy.view());
        return begin() + i;
    }
    template <object::pointer P>
    char* insert(P at, std::initializer_list<char> l) FRAMEALLOC_LIFETIMEBOUND {
        return insert(at, l.begin(), l.end());
    }
    // Returns: whether the text was inserted. On exhaustion: false, with nothing changed. Cost: O(characters added +
    // characters after them), amortised.
    [[nodiscard]] bool try_insert(std::size_t at, std::string_view text) {
        check_position(at);
        return store::template splice<false>(at, 0, text);
    }
    [[nodiscard]] bool try_insert(std::size_t at, const char* text, std::size_t n) {
        return try_insert(at, std::string_view(text, n));
    }
    template <object::text S>
    [[nodiscard]] bool try_insert(std::size_t at, const S& text, std::size_t from, std::size_t n = npos) {
        return try_insert(at, part(text, from, n));
    }
    [[nodiscard]] bool try_insert(std::size_t at, std::size_t n, char c) {
        check_position(at);
        return store::template fill<false>(at, 0, n, c);
    }
    // As std::string's. Debug: iterators past the end are FA439, and nothing is removed. Cost: O(characters after
    // them).
    basic_string& erase(std::size_t at = 0, std::size_t n = npos) FRAMEALLOC_LIFETIMEBOUND {
        check_position(at);
        return store::template splice<true>(at, clipped(at, n), {}), *this;
    }
    template <object::pointer P>
    char* erase(P at) FRAMEALLOC_LIFETIMEBOUND {
        return erase(at, at + 1);
    }
    template <object::pointer P>
    char* erase(P first, const char* last) FRAMEALLOC_LIFETIMEBOUND {
        const std::size_t i = index_of(first);
        const std::size_t n = static_cast<std::size_t>(last - first);
        if (!refuses(n > size() - i, "removal before character", last - begin())) erase(i, n);
        return begin() + i;
    }
    // As std::string's. On exhaustion: asks the exhaustion handler. Cost: O(length of the text + characters after
    // them), amortised.
    basic_string& replace(std::size_t at, std::size_t n, std::string_view text) FRAMEALLOC_LIFETIMEBOUND {
        check_position(at);
        return store::template splice<true>(at, clipped(at, n), text), *this;
    }
    basic_string& replace(std::size_t at, std::size_t n, const char* text, std::size_t count) FRAMEALLOC_LIFETIMEBOUND {
        return replace(at, n, std::string_view(text, count));
    }
    template <object::text S>
    basic_string& replace(std::size_t at, std::size_t n, const S& text, std::size_t from,
                          std::size_t count = npos) FRAMEALLOC_LIFETIMEBOUND {
        return replace(at, n, part(text, from, count));
    }
    basic_string& replace(std::size_t at, std::size_t n, std::size_t count, char c) FRAMEALLOC_LIFETIMEBOUND {
        check_position(at);
        return store::template fill<true>(at, clipped(at, n), count, c), *this;
    }
    template <object::pointer P>
    basic_string& replace(P first, const char* last, std::string_view text) FRAMEALLOC_LIFETIMEBOUND {
        return replace(index_of(first), static_cast<std::size_t>(last - first), text);
    }
    template <object::pointer P>
    basic_string& replace(P first, const char* last, const char* text, std::size_t n) FRAMEALLOC_LIFETIMEBOUND {
        return replace(first, last, std::string_view(text, n));
    }
    template <object::pointer P>
    basic_string& replace(P first, const char* last, std::size_t n, char c) FRAMEALLOC_LIFETIMEBOUND {
        return replace(index_of(first), static_cast<std::size_t>(last - first), n, c);
    }
    template <object::pointer P, object::iterator It>
    basic_string& replace(P first, const char* last, It from, It to) FRAMEALLOC_LIFETIMEBOUND {
        const basic_string copy(source(), from, to);
        return replace(first, last, copy.view());
    }
    template <object::pointer P>
    basic_string& replace(P first, const char* last, std::initializer_list<char> l) FRAMEALLOC_LIFETIMEBOUND {
        return replace(first, last, view_of(l));
    }
    // Returns: whether the text was replaced. On exhaustion: false, with nothing changed. Cost: O(length of the text +
    // characters after them), amortised.
    [[nodiscard]] bool try_replace(std::size_t at, std::size_t n, std::string_view text) {
        check_position(at);
        return store::template splice<false>(at, clipped(at, n), text);
    }
    [[nodiscard]] bool try_replace(std::size_t at, std::size_t n, const char* text, std::size_t count) {
        return try_replace(at, n, std::string_view(text, count));
    }
    template <object::text S>
    [[nodiscard]] bool try_replace(std::size_t at, std::size_t n, const S& text, std::size_t from,
                                   std::size_t count = npos) {
        return try_replace(at, n, part(text, from, count));
    }
    [[nodiscard]] bool try_replace(std::size_t at, std::size_t n, std::size_t count, char c) {
        check_position(at);
        return store::template fill<false>(at, clipped(at, n), count, c);
    }
    // As std::erase_if and std::erase of a std::string. Cost: O(size()).
    template <class F>
    friend std::size_t erase_if(basic_string& s, F f) {
        if (s.is_gone()) return 0;
        char* out = s.begin();
        for (const char c : s) {
            if (!f(c)) *out++ = c;
        }
        const std::size_t removed = static_cast<std::size_t>(s.end() - out);
        if (removed != 0) s.set_size(s.size() - removed);
        return removed;
    }
    friend std::size_t erase(basic_string& s, char c) {
        return erase_if(s, [c](char x) { return x == c; });
    }
    // Effects: exchanges the characters where they are, and the sources where both have one. Cost: O(1).
    void swap(basic_string& other) noexcept { store::swap(other); }
    friend void swap(basic_string& a, basic_string& b) noexcept { a.swap(b); }

    friend bool operator==(const basic_string& a, const basic_string& b) noexcept { return a.view() == b.view(); }
    friend bool operator==(const basic_string& a, std::string_view b) noexcept { return a.view() == b; }
    friend bool operator==(const basic_string& a, const char* b) noexcept { return a.view() == b; }
    friend auto operator<=>(const basic_string& a, const basic_string& b) noexcept { return a.view() <=> b.view(); }
    friend auto operator<=>(const basic_string& a, std::string_view b) noexcept { return a.view() <=> b; }
    friend auto operator<=>(const basic_string& a, const char* b) noexcept { return a.view() <=> std::string_view(b); }

    // Returns: the joined text, in the frame of the operand that is a frame_string, and in its memory where that is an
    // rvalue. On exhaustion: asks the exhaustion handler. Cost: O(a.size() + b.size()), at most one allocation.
    friend basic_string operator+(const basic_string& a, std::string_view b) { return joined(a, a.view(), b); }
    friend basic_string operator+(const basic_string& a, const basic_string& b) {
        return joined(a, a.view(), b.view());
    }
    friend basic_string operator+(const basic_string& a, char b) { return joined(a, a.view(), {&b, 1}); }
    friend basic_string operator+(std::string_view a, const basic_string& b) { return joined(b, a, b.view()); }
    friend basic_string operator+(char a, const basic_string& b) { return joined(b, {&a, 1}, b.view()); }
    friend basic_string operator+(basic_string&& a, std::string_view b) { return std::move(a.append(b)); }
    friend basic_string operator+(basic_string&& a, const basic_string& b) { return std::move(a.append(b.view())); }
    friend basic_string operator+(basic_string&& a, char b) { return std::move(a += b); }

    // Effects: as std::string's, to any stream that takes a std::string_view, so that <ostream> need not be included.
    // Cost: the stream's.
    template <class Stream>
        requires requires(Stream& to, std::string_view text) { to << text; }
    friend Stream& operator<<(Stream& to, const basic_string& s) {
        to << s.view();
        return to;
    }
    // As std::string's, from any stream of char, so that <istream> need not be included; getline(in, s) is found by its
    // arguments, without std:: in front. On exhaustion: asks the exhaustion handler. Cost: O(characters read).
    template <class Stream>
        requires object::reads_text<Stream>
    friend Stream& operator>>(Stream& from, basic_string& s) {
        const typename Stream::sentry ready(from);
        if (!ready) return from;
        s.clear();
        const std::size_t most = from.width() > 0 ? static_cast<std::size_t>(from.width()) : max_size();
        const auto letters = from.getloc();
        while (s.size() < most) {
            const auto c = from.peek();
            if (!from.good() || isspace(static_cast<char>(c), letters)) break;
            from.get();
            s.push_back(static_cast<char>(c));
        }
        from.width(0);
        if (s.empty()) from.setstate(Stream::failbit);
        return from;
    }
    template <class Stream>
        requires object::reads_text<std::remove_reference_t<Stream>>
    friend std::remove_reference_t<Stream>& getline(Stream&& from, basic_string& s, char end = '\n') {
        const typename std::remove_reference_t<Stream>::sentry ready(from, true);  // skips no spaces
        if (!ready) return from;
        s.clear();
        for (bool any = false;; any = true) {
            const auto c = from.peek();
            if (!from.good()) {
                if (!any) from.setstate(std::remove_reference_t<Stream>::failbit);
                return from;
            }
            from.get();
            if (static_cast<char>(c) == end) return from;
            s.push_back(static_cast<char>(c));
        }
    }

private:
    using access::check_position;
    using access::clipped;
    using access::index_of;
    using access::part;
    using store::is_gone;
    using store::refuses;
    using store::set_size;

    static std::string_view view_of(std::initializer_list<char> l) noexcept { return {l.begin(), l.size()}; }
    static basic_string joined(const basic_string& of, std::string_view a, std::string_view b) {
        basic_string s(of.source());
        s.reserve(object::checked_sum(a.size(), b.size()));
        s.append(a);
        return std::move(s.append(b));
    }
    template <bool Must, class It>
    bool append_all(It first, It last) {
        if constexpr (object::copied_as_bytes<char, It>) {
            const std::size_t n = object::count_of(first, last);
            return store::template add<Must>(n == 0 ? std::string_view{} : std::string_view{std::to_address(first), n});
        } else if constexpr (object::multi_pass<It>) {
            if (!empty()) {  // the range may be a part of this string, which moves as it grows
                basic_string copy(source());
                return copy.template append_all<Must>(first, last) && store::template add<Must>(copy.view());
            }
            return store::template add_written<Must>(object::count_of(first, last), [&](char* to) {
                for (; first != last; ++first, ++to) *to = static_cast<char>(*first);
            });
        } else {
            for (; first != last; ++first) {
                if (!store::template add<Must>(static_cast<char>(*first))) return false;
            }
            return true;
        }
    }
};

// Strings of two kinds of memory compare, and join in the memory of the left one. Without these, each converts to
// std::string_view as well as the other. On exhaustion: + asks the exhaustion handler. Cost: O(size of both).
template <class S, class P, class S2, class P2>
    requires(!std::is_same_v<basic_string<S, P>, basic_string<S2, P2>>)
bool operator==(const basic_string<S, P>& a, const basic_string<S2, P2>& b) noexcept {
    return a.view() == b.view();
}
template <class S, class P, class S2, class P2>
    requires(!std::is_same_v<basic_string<S, P>, basic_string<S2, P2>>)
auto operator<=>(const basic_string<S, P>& a, const basic_string<S2, P2>& b) noexcept {
    return a.view() <=> b.view();
}
template <class S, class P, class S2, class P2>
    requires(!std::is_same_v<basic_string<S, P>, basic_string<S2, P2>>)
basic_string<S, P> operator+(const basic_string<S, P>& a, const basic_string<S2, P2>& b) {
    return a + b.view();
}
template <class S, class P, class S2, class P2>
    requires(!std::is_same_v<basic_string<S, P>, basic_string<S2, P2>>)
basic_string<S, P> operator+(basic_string<S, P>&& a, const basic_string<S2, P2>& b) {
    return std::move(a) + b.view();
}

template <class Policy = active_policy>
using basic_frame_string = basic_string<frame_source, Policy>;
using frame_string = basic_string<frame_source>;
using pool_string = basic_string<pool_source>;
using heap_string = basic_string<heap_source>;

}  // namespace framealloc::inline v1

// So that it can be a key; found by std::string_view too, where the map asks that of its hash.
template <class Source, class Policy>
struct std::hash<framealloc::basic_string<Source, Policy>> {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};
