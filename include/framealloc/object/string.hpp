// A growable string in frame memory, always ended by a zero, with the members of std::string.
//
//   fa::frame_string s = frame.string("wave ");
//   s += "12";
//   puts(s.c_str());
//
// A copy lives in the frame of its original. substr() is a view, valid until the string changes; a string of it is
// frame.string(s.substr(1)) or std::string(s.substr(1)). An argument may be a part of the string itself. Positions
// behind the end throw std::out_of_range as std::string's do; without exceptions they are FA439, and the program ends.
// Growth is geometric; reserve() is exact.
#pragma once

#include <string_view>

#include <framealloc/object/vec.hpp>

namespace framealloc::inline v1 {

namespace object {

// What is a text with a length; a pointer has overloads of its own, where a number behind it is a length.
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

}  // namespace object

template <class Policy = active_policy>
class FRAMEALLOC_OWNER(char) basic_frame_string {
public:
    using value_type = char;
    using traits_type = std::char_traits<char>;
    using source_type = frame_source;
    using size_type = std::size_t;
    using difference_type = std::ptrdiff_t;
    using reference = char&;
    using const_reference = const char&;
    using pointer = char*;
    using const_pointer = const char*;
    using iterator = char*;
    using const_iterator = const char*;
    using reverse_iterator = std::reverse_iterator<char*>;
    using const_reverse_iterator = std::reverse_iterator<const char*>;
    static constexpr std::size_t npos = std::string_view::npos;

    basic_frame_string() noexcept = default;  // without a source: has to be assigned a string before it grows (FA440)
    explicit basic_frame_string(frame_source s, std::string_view text = {}) : chars_(s) { append(text); }
    // Lengths and positions of any type, as string(...) passes them on.
    template <std::integral N>
    basic_frame_string(frame_source s, const char* text, N n) : chars_(s) {
        append(text, static_cast<std::size_t>(n));
    }
    template <object::text S, std::integral... N>
        requires(sizeof...(N) == 1 || sizeof...(N) == 2)
    basic_frame_string(frame_source s, const S& text, N... part) : chars_(s) {
        append(text, static_cast<std::size_t>(part)...);
    }
    basic_frame_string(frame_source s, std::size_t n, char c) : chars_(s) { append(n, c); }
    basic_frame_string(frame_source s, std::initializer_list<char> l) : basic_frame_string(s, view_of(l)) {}
    template <object::iterator It>
    basic_frame_string(frame_source s, It first, It last) : chars_(s) {
        append(first, last);
    }
    // Of the same arguments; empty when memory is exhausted.
    template <class... Args>
    [[nodiscard]] static basic_frame_string try_make(frame_source source, Args&&... args) {
        basic_frame_string s(source);
        if constexpr (sizeof...(Args) != 0) static_cast<void>(s.try_append(object::sized(std::forward<Args>(args))...));
        return s;
    }
    basic_frame_string(const basic_frame_string&) = default;
    basic_frame_string(basic_frame_string&&) noexcept = default;
    basic_frame_string& operator=(basic_frame_string&&) noexcept = default;
    basic_frame_string& operator=(const basic_frame_string& other) {
        if (this == &other) return *this;
        if (!object::has_source(chars_.source_)) chars_.source_ = other.chars_.source_;
        return assign(other.view());
    }
    basic_frame_string& operator=(std::string_view text) { return assign(text); }
    basic_frame_string& operator=(const char* text) { return assign(text); }
    basic_frame_string& operator=(char c) { return assign({&c, 1}); }
    basic_frame_string& operator=(std::initializer_list<char> l) { return assign(view_of(l)); }

    // --- access ---
    const char* c_str() const noexcept FRAMEALLOC_LIFETIMEBOUND { return chars_.empty() ? "" : chars_.data(); }
    const char* data() const noexcept FRAMEALLOC_LIFETIMEBOUND { return c_str(); }
    // May be written to up to size().
    char* data() noexcept FRAMEALLOC_LIFETIMEBOUND { return begin(); }
    char* begin() noexcept FRAMEALLOC_LIFETIMEBOUND { return chars_.empty() ? &nothing : chars_.data(); }
    char* end() noexcept FRAMEALLOC_LIFETIMEBOUND { return begin() + size(); }
    const char* begin() const noexcept FRAMEALLOC_LIFETIMEBOUND { return c_str(); }
    const char* end() const noexcept FRAMEALLOC_LIFETIMEBOUND { return c_str() + size(); }
    const char* cbegin() const noexcept FRAMEALLOC_LIFETIMEBOUND { return begin(); }
    const char* cend() const noexcept FRAMEALLOC_LIFETIMEBOUND { return end(); }
    reverse_iterator rbegin() noexcept FRAMEALLOC_LIFETIMEBOUND { return reverse_iterator(end()); }
    reverse_iterator rend() noexcept FRAMEALLOC_LIFETIMEBOUND { return reverse_iterator(begin()); }
    const_reverse_iterator rbegin() const noexcept FRAMEALLOC_LIFETIMEBOUND { return const_reverse_iterator(end()); }
    const_reverse_iterator rend() const noexcept FRAMEALLOC_LIFETIMEBOUND { return const_reverse_iterator(begin()); }
    const_reverse_iterator crbegin() const noexcept FRAMEALLOC_LIFETIMEBOUND { return rbegin(); }
    const_reverse_iterator crend() const noexcept FRAMEALLOC_LIFETIMEBOUND { return rend(); }
    std::size_t size() const noexcept { return chars_.empty() ? 0 : chars_.size() - 1; }
    std::size_t length() const noexcept { return size(); }
    std::size_t capacity() const noexcept { return chars_.capacity() == 0 ? 0 : chars_.capacity() - 1; }
    static constexpr std::size_t max_size() noexcept { return largest_request - 1; }
    bool empty() const noexcept { return size() == 0; }
    // The final zero may be read, as s[s.size()].
    char& operator[](std::size_t i) noexcept FRAMEALLOC_LIFETIMEBOUND {
        check_index(i, size() + 1);
        return begin()[i];
    }
    const char& operator[](std::size_t i) const noexcept FRAMEALLOC_LIFETIMEBOUND {
        check_index(i, size() + 1);
        return c_str()[i];
    }
    char& at(std::size_t i) FRAMEALLOC_LIFETIMEBOUND {
        if (i >= size()) no_such(i);
        return begin()[i];
    }
    const char& at(std::size_t i) const FRAMEALLOC_LIFETIMEBOUND {
        if (i >= size()) no_such(i);
        return c_str()[i];
    }
    char& front() noexcept FRAMEALLOC_LIFETIMEBOUND {
        check_index(0, size());
        return *begin();
    }
    const char& front() const noexcept FRAMEALLOC_LIFETIMEBOUND {
        check_index(0, size());
        return *begin();
    }
    char& back() noexcept FRAMEALLOC_LIFETIMEBOUND {
        check_index(size() - 1, size());
        return begin()[size() - 1];
    }
    const char& back() const noexcept FRAMEALLOC_LIFETIMEBOUND {
        check_index(size() - 1, size());
        return c_str()[size() - 1];
    }
    std::string_view view() const noexcept FRAMEALLOC_LIFETIMEBOUND { return {c_str(), size()}; }
    operator std::string_view() const noexcept FRAMEALLOC_LIFETIMEBOUND { return view(); }
    const frame_source& source() const noexcept FRAMEALLOC_LIFETIMEBOUND { return chars_.source(); }
    // Takes the source of the container that it is an element of; nothing where it has one.
    void adopt(const frame_source& s) noexcept { chars_.adopt(s); }

    // --- growth; try_x() returns false, with the string unchanged, when memory is exhausted ---
    basic_frame_string& append(std::string_view text) FRAMEALLOC_LIFETIMEBOUND {
        return splice<true>(size(), 0, text), *this;
    }
    basic_frame_string& append(const char* text, std::size_t n) FRAMEALLOC_LIFETIMEBOUND {
        return append(std::string_view(text, n));
    }
    template <object::text S>
    basic_frame_string& append(const S& text, std::size_t from, std::size_t n = npos) FRAMEALLOC_LIFETIMEBOUND {
        return append(part(text, from, n));
    }
    basic_frame_string& append(std::size_t n, char c) FRAMEALLOC_LIFETIMEBOUND {
        fill<true>(size(), 0, n, c);
        return *this;
    }
    template <object::iterator It>
    basic_frame_string& append(It first, It last) FRAMEALLOC_LIFETIMEBOUND {
        return static_cast<void>(append_all<true>(first, last)), *this;
    }
    basic_frame_string& append(std::initializer_list<char> l) FRAMEALLOC_LIFETIMEBOUND { return append(view_of(l)); }
    [[nodiscard]] bool try_append(std::string_view text) { return splice<false>(size(), 0, text); }
    [[nodiscard]] bool try_append(const char* text, std::size_t n) { return try_append(std::string_view(text, n)); }
    template <object::text S>
    [[nodiscard]] bool try_append(const S& text, std::size_t from, std::size_t n = npos) {
        return try_append(part(text, from, n));
    }
    [[nodiscard]] bool try_append(std::size_t n, char c) { return fill<false>(size(), 0, n, c); }
    template <object::iterator It>
    [[nodiscard]] bool try_append(It first, It last) {
        const std::size_t before = size();
        if (append_all<false>(first, last)) return true;
        if (size() > before) erase(before);
        return false;
    }
    [[nodiscard]] bool try_append(std::initializer_list<char> l) { return try_append(view_of(l)); }
    basic_frame_string& operator+=(std::string_view text) FRAMEALLOC_LIFETIMEBOUND { return append(text); }
    basic_frame_string& operator+=(const char* text) FRAMEALLOC_LIFETIMEBOUND { return append(text); }
    basic_frame_string& operator+=(char c) FRAMEALLOC_LIFETIMEBOUND {
        push_back(c);
        return *this;
    }
    basic_frame_string& operator+=(std::initializer_list<char> l) FRAMEALLOC_LIFETIMEBOUND { return append(l); }
    void push_back(char c) { fill<true>(size(), 0, 1, c); }
    [[nodiscard]] bool try_push_back(char c) { return fill<false>(size(), 0, 1, c); }
    void pop_back() noexcept {
        if (!is_gone() && !chars_.refuses(empty(), "removal of character", 0)) set_size(size() - 1);
    }
    basic_frame_string& assign(std::string_view text) FRAMEALLOC_LIFETIMEBOUND {
        return splice<true>(0, size(), text), *this;
    }
    basic_frame_string& assign(const char* text) FRAMEALLOC_LIFETIMEBOUND { return assign(std::string_view(text)); }
    basic_frame_string& assign(const char* text, std::size_t n) FRAMEALLOC_LIFETIMEBOUND {
        return assign(std::string_view(text, n));
    }
    template <object::text S>
    basic_frame_string& assign(const S& text, std::size_t from, std::size_t n = npos) FRAMEALLOC_LIFETIMEBOUND {
        return assign(part(text, from, n));
    }
    basic_frame_string& assign(std::initializer_list<char> l) FRAMEALLOC_LIFETIMEBOUND { return assign(view_of(l)); }
    basic_frame_string& assign(std::size_t n, char c) FRAMEALLOC_LIFETIMEBOUND {
        fill<true>(0, size(), n, c);
        return *this;
    }
    template <object::iterator It>
    basic_frame_string& assign(It first, It last) FRAMEALLOC_LIFETIMEBOUND {
        const basic_frame_string copy(chars_.source(), first, last);
        return assign(copy.view());
    }
    [[nodiscard]] bool try_assign(std::string_view text) { return splice<false>(0, size(), text); }
    [[nodiscard]] bool try_assign(const char* text) { return try_assign(std::string_view(text)); }
    [[nodiscard]] bool try_assign(const char* text, std::size_t n) { return try_assign(std::string_view(text, n)); }
    template <object::text S>
    [[nodiscard]] bool try_assign(const S& text, std::size_t from, std::size_t n = npos) {
        return try_assign(part(text, from, n));
    }
    [[nodiscard]] bool try_assign(std::initializer_list<char> l) { return try_assign(view_of(l)); }
    [[nodiscard]] bool try_assign(std::size_t n, char c) { return fill<false>(0, size(), n, c); }
    template <object::iterator It>
    [[nodiscard]] bool try_assign(It first, It last) {
        basic_frame_string copy(chars_.source());
        return copy.try_append(first, last) && try_assign(copy.view());
    }
    void clear() noexcept { chars_.clear(); }
    void reserve(std::size_t n) { chars_.reserve(object::checked_sum(n, 1)); }
    [[nodiscard]] bool try_reserve(std::size_t n) { return chars_.try_reserve(object::checked_sum(n, 1)); }
    void resize(std::size_t n, char c = '\0') { static_cast<void>(resize_to<true>(n, c)); }
    [[nodiscard]] bool try_resize(std::size_t n, char c = '\0') { return resize_to<false>(n, c); }
    void shrink_to_fit() { chars_.shrink_to_fit(); }

    // --- the middle ---
    basic_frame_string& insert(std::size_t at, std::string_view text) FRAMEALLOC_LIFETIMEBOUND {
        check_position(at);
        return splice<true>(at, 0, text), *this;
    }
    basic_frame_string& insert(std::size_t at, const char* text, std::size_t n) FRAMEALLOC_LIFETIMEBOUND {
        return insert(at, std::string_view(text, n));
    }
    template <object::text S>
    basic_frame_string& insert(std::size_t at, const S& text, std::size_t from,
                               std::size_t n = npos) FRAMEALLOC_LIFETIMEBOUND {
        return insert(at, part(text, from, n));
    }
    basic_frame_string& insert(std::size_t at, std::size_t n, char c) FRAMEALLOC_LIFETIMEBOUND {
        check_position(at);
        return fill<true>(at, 0, n, c), *this;
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
        const basic_frame_string copy(chars_.source(), first, last);
        insert(i, copy.view());
        return begin() + i;
    }
    template <object::pointer P>
    char* insert(P at, std::initializer_list<char> l) FRAMEALLOC_LIFETIMEBOUND {
        return insert(at, l.begin(), l.end());
    }
    [[nodiscard]] bool try_insert(std::size_t at, std::string_view text) {
        check_position(at);
        return splice<false>(at, 0, text);
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
        return fill<false>(at, 0, n, c);
    }
    basic_frame_string& erase(std::size_t at = 0, std::size_t n = npos) FRAMEALLOC_LIFETIMEBOUND {
        check_position(at);
        return splice<true>(at, clipped(at, n), {}), *this;
    }
    template <object::pointer P>
    char* erase(P at) FRAMEALLOC_LIFETIMEBOUND {
        return erase(at, at + 1);
    }
    template <object::pointer P>
    char* erase(P first, const char* last) FRAMEALLOC_LIFETIMEBOUND {
        const std::size_t i = index_of(first);
        const std::size_t n = static_cast<std::size_t>(last - first);
        if (!chars_.refuses(n > size() - i, "removal before character", last - begin())) erase(i, n);
        return begin() + i;
    }
    basic_frame_string& replace(std::size_t at, std::size_t n, std::string_view text) FRAMEALLOC_LIFETIMEBOUND {
        check_position(at);
        return splice<true>(at, clipped(at, n), text), *this;
    }
    basic_frame_string& replace(std::size_t at, std::size_t n, const char* text,
                                std::size_t count) FRAMEALLOC_LIFETIMEBOUND {
        return replace(at, n, std::string_view(text, count));
    }
    template <object::text S>
    basic_frame_string& replace(std::size_t at, std::size_t n, const S& text, std::size_t from,
                                std::size_t count = npos) FRAMEALLOC_LIFETIMEBOUND {
        return replace(at, n, part(text, from, count));
    }
    basic_frame_string& replace(std::size_t at, std::size_t n, std::size_t count, char c) FRAMEALLOC_LIFETIMEBOUND {
        check_position(at);
        return fill<true>(at, clipped(at, n), count, c), *this;
    }
    template <object::pointer P>
    basic_frame_string& replace(P first, const char* last, std::string_view text) FRAMEALLOC_LIFETIMEBOUND {
        return replace(index_of(first), static_cast<std::size_t>(last - first), text);
    }
    template <object::pointer P>
    basic_frame_string& replace(P first, const char* last, const char* text, std::size_t n) FRAMEALLOC_LIFETIMEBOUND {
        return replace(first, last, std::string_view(text, n));
    }
    template <object::pointer P>
    basic_frame_string& replace(P first, const char* last, std::size_t n, char c) FRAMEALLOC_LIFETIMEBOUND {
        return replace(index_of(first), static_cast<std::size_t>(last - first), n, c);
    }
    template <object::pointer P, object::iterator It>
    basic_frame_string& replace(P first, const char* last, It from, It to) FRAMEALLOC_LIFETIMEBOUND {
        const basic_frame_string copy(chars_.source(), from, to);
        return replace(first, last, copy.view());
    }
    template <object::pointer P>
    basic_frame_string& replace(P first, const char* last, std::initializer_list<char> l) FRAMEALLOC_LIFETIMEBOUND {
        return replace(first, last, view_of(l));
    }
    [[nodiscard]] bool try_replace(std::size_t at, std::size_t n, std::string_view text) {
        check_position(at);
        return splice<false>(at, clipped(at, n), text);
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
        return fill<false>(at, clipped(at, n), count, c);
    }
    template <class F>
    friend std::size_t erase_if(basic_frame_string& s, F f) {
        if (s.is_gone()) return 0;
        char* out = s.begin();
        for (const char c : s) {
            if (!f(c)) *out++ = c;
        }
        const std::size_t gone = static_cast<std::size_t>(s.end() - out);
        if (gone != 0) s.set_size(s.size() - gone);
        return gone;
    }
    friend std::size_t erase(basic_frame_string& s, char c) {
        return erase_if(s, [c](char x) { return x == c; });
    }
    void swap(basic_frame_string& other) noexcept { chars_.swap(other.chars_); }
    friend void swap(basic_frame_string& a, basic_frame_string& b) noexcept { a.swap(b); }

    // --- asking: `what` is text or one character ---
    template <class X>
    std::size_t find(const X& what, std::size_t from = 0) const noexcept {
        return view().find(what, from);
    }
    std::size_t find(const char* text, std::size_t from, std::size_t n) const noexcept {
        return view().find(text, from, n);
    }
    template <class X>
    std::size_t rfind(const X& what, std::size_t from = npos) const noexcept {
        return view().rfind(what, from);
    }
    std::size_t rfind(const char* text, std::size_t from, std::size_t n) const noexcept {
        return view().rfind(text, from, n);
    }
    template <class X>
    std::size_t find_first_of(const X& what, std::size_t from = 0) const noexcept {
        return view().find_first_of(what, from);
    }
    std::size_t find_first_of(const char* text, std::size_t from, std::size_t n) const noexcept {
        return view().find_first_of(text, from, n);
    }
    template <class X>
    std::size_t find_last_of(const X& what, std::size_t from = npos) const noexcept {
        return view().find_last_of(what, from);
    }
    std::size_t find_last_of(const char* text, std::size_t from, std::size_t n) const noexcept {
        return view().find_last_of(text, from, n);
    }
    template <class X>
    std::size_t find_first_not_of(const X& what, std::size_t from = 0) const noexcept {
        return view().find_first_not_of(what, from);
    }
    std::size_t find_first_not_of(const char* text, std::size_t from, std::size_t n) const noexcept {
        return view().find_first_not_of(text, from, n);
    }
    template <class X>
    std::size_t find_last_not_of(const X& what, std::size_t from = npos) const noexcept {
        return view().find_last_not_of(what, from);
    }
    std::size_t find_last_not_of(const char* text, std::size_t from, std::size_t n) const noexcept {
        return view().find_last_not_of(text, from, n);
    }
    template <class X>
    bool contains(const X& what) const noexcept {
        return find(what) != npos;
    }
    template <class X>
    bool starts_with(const X& what) const noexcept {
        return view().starts_with(what);
    }
    template <class X>
    bool ends_with(const X& what) const noexcept {
        return view().ends_with(what);
    }
    int compare(std::string_view text) const noexcept { return view().compare(text); }
    int compare(std::size_t at, std::size_t n, std::string_view text) const { return substr(at, n).compare(text); }
    int compare(std::size_t at, std::size_t n, const char* text, std::size_t count) const {
        return compare(at, n, std::string_view(text, count));
    }
    template <object::text S>
    int compare(std::size_t at, std::size_t n, const S& text, std::size_t from, std::size_t count = npos) const {
        return compare(at, n, part(text, from, count));
    }
    std::string_view substr(std::size_t at = 0, std::size_t n = npos) const FRAMEALLOC_LIFETIMEBOUND {
        check_position(at);
        return view().substr(at, n);
    }
    std::size_t copy(char* to, std::size_t n, std::size_t at = 0) const {
        check_position(at);
        return view().copy(to, n, at);
    }

    friend bool operator==(const basic_frame_string& a, const basic_frame_string& b) noexcept {
        return a.view() == b.view();
    }
    friend bool operator==(const basic_frame_string& a, std::string_view b) noexcept { return a.view() == b; }
    friend bool operator==(const basic_frame_string& a, const char* b) noexcept { return a.view() == b; }
    friend auto operator<=>(const basic_frame_string& a, const basic_frame_string& b) noexcept {
        return a.view() <=> b.view();
    }
    friend auto operator<=>(const basic_frame_string& a, std::string_view b) noexcept { return a.view() <=> b; }
    friend auto operator<=>(const basic_frame_string& a, const char* b) noexcept {
        return a.view() <=> std::string_view(b);
    }

    // In the frame of the operand that is a frame_string.
    friend basic_frame_string operator+(const basic_frame_string& a, std::string_view b) {
        return joined(a, a.view(), b);
    }
    friend basic_frame_string operator+(const basic_frame_string& a, const basic_frame_string& b) {
        return joined(a, a.view(), b.view());
    }
    friend basic_frame_string operator+(const basic_frame_string& a, char b) { return joined(a, a.view(), {&b, 1}); }
    friend basic_frame_string operator+(std::string_view a, const basic_frame_string& b) {
        return joined(b, a, b.view());
    }
    friend basic_frame_string operator+(char a, const basic_frame_string& b) { return joined(b, {&a, 1}, b.view()); }
    friend basic_frame_string operator+(basic_frame_string&& a, std::string_view b) { return std::move(a.append(b)); }
    friend basic_frame_string operator+(basic_frame_string&& a, const basic_frame_string& b) {
        return std::move(a.append(b.view()));
    }
    friend basic_frame_string operator+(basic_frame_string&& a, char b) { return std::move(a += b); }

    // To any stream that takes a std::string_view, so that <ostream> need not be included.
    template <class Stream>
        requires requires(Stream& to, std::string_view text) { to << text; }
    friend Stream& operator<<(Stream& to, const basic_frame_string& s) {
        to << s.view();
        return to;
    }
    // As those of std::string, from any stream of char, so that <istream> need not be included. Found by the arguments:
    // getline(in, s), without std:: in front.
    template <class Stream>
        requires object::reads_text<Stream>
    friend Stream& operator>>(Stream& from, basic_frame_string& s) {
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
    friend std::remove_reference_t<Stream>& getline(Stream&& from, basic_frame_string& s, char end = '\n') {
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
    static inline char nothing = '\0';  // where an empty string points; never written to

    static std::string_view view_of(std::initializer_list<char> l) noexcept { return {l.begin(), l.size()}; }
    std::string_view part(std::string_view text, std::size_t from, std::size_t n) const {
        if (from > text.size()) [[unlikely]]
            object::throw_out_of_range(object::allocator_of(chars_.source()), from, text.size());
        return text.substr(from, n);
    }
    static basic_frame_string joined(const basic_frame_string& of, std::string_view a, std::string_view b) {
        basic_frame_string s(of.source());
        s.reserve(object::checked_sum(a.size(), b.size()));
        s.append(a);
        return std::move(s.append(b));
    }
    FRAMEALLOC_INLINE void check_index([[maybe_unused]] std::size_t i, [[maybe_unused]] std::size_t n) const noexcept {
        if constexpr (Policy::checks) {
            object::check_open<Policy>(chars_.source());
            if (i >= n) [[unlikely]]
                object::refuse_index(object::allocator_of(chars_.source()), i, size());
        }
    }
    FRAMEALLOC_INLINE void check_position(std::size_t at) const {
        if (at > size()) [[unlikely]]
            no_such(at);
    }
    [[noreturn]] FRAMEALLOC_INLINE void no_such(std::size_t i) const {
        object::throw_out_of_range(object::allocator_of(chars_.source()), i, size());
    }
    std::size_t clipped(std::size_t at, std::size_t n) const noexcept { return n < size() - at ? n : size() - at; }
    std::size_t index_of(const char* at) const noexcept {
        return at == nullptr || chars_.empty() ? 0 : static_cast<std::size_t>(at - c_str());
    }
    // Requires: n is within the capacity.
    void set_size(std::size_t n) noexcept {
        char* const end = chars_.begin_ + n + 1;
        if (end < chars_.end_) object::leave<Policy>(end, chars_.end_);
        chars_.end_ = end;
        chars_.begin_[n] = '\0';
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

    template <bool Must, class It>
    bool append_all(It first, It last) {
        if constexpr (object::copied_as_bytes<char, It>) {
            const std::size_t n = object::count_of(first, last);
            return splice<Must>(size(), 0, n == 0 ? std::string_view{} : std::string_view{std::to_address(first), n});
        } else {
            if constexpr (object::multi_pass<It>) {  // the range may be a part of this string, which moves as it grows
                if (!empty()) {
                    basic_frame_string copy(chars_.source());
                    return copy.template append_all<Must>(first, last) && splice<Must>(size(), 0, copy.view());
                }
            }
            for (; first != last; ++first) {
                if (!fill<Must>(size(), 0, 1, static_cast<char>(*first))) return false;
            }
            return true;
        }
    }

    // Opens a gap of `n` characters in the place of `gone` at `at`.
    template <bool Must>
    bool open(std::size_t at, std::size_t gone, std::size_t n) {
        const std::size_t before = size();
        const std::size_t after = object::checked_sum(before - gone, n);
        if (after == 0) {
            chars_.clear();
            return true;
        }
        if (!make_room<Must>(after)) return false;
        open_spare(after + 1);
        char* const gap = chars_.begin_ + at;
        if (at + gone != before && n != gone) std::memmove(gap + n, gap + gone, before - at - gone);
        set_size(after);
        return true;
    }
    template <bool Must>
    bool fill(std::size_t at, std::size_t gone, std::size_t n, char c) {
        if (is_gone()) at = gone = 0;
        if (!open<Must>(at, gone, n)) return false;
        if (n != 0) std::memset(chars_.begin_ + at, c, n);
        return true;
    }
    // `text` may be a part of this.
    template <bool Must>
    bool splice(std::size_t at, std::size_t gone, std::string_view text) {
        if (is_gone()) at = gone = 0;
        const std::size_t before = size();
        const std::size_t n = text.size();
        if (n == 0 && gone == 0) return true;
        const bool own = !chars_.empty() && text.data() >= chars_.begin_ && text.data() < chars_.begin_ + before + 1;
        if (!own || n == 0) {
            if (!open<Must>(at, gone, n)) return false;
            if (n != 0) std::memcpy(chars_.begin_ + at, text.data(), n);
            return true;
        }
        // A copy of it waits behind everything while the rest moves.
        const std::size_t from = static_cast<std::size_t>(text.data() - chars_.begin_);
        const std::size_t after = object::checked_sum(before - gone, n);
        const std::size_t aside = (before > after ? before : after) + 1;
        if (at == before) {
            if (!open<Must>(at, gone, n)) return false;
            std::memmove(chars_.begin_ + at, chars_.begin_ + from, n);  // the source is all before it
            return true;
        }
        if (!make_room<Must>(object::checked_sum(aside, n))) return false;
        open_spare(aside + n);
        std::memcpy(chars_.begin_ + aside, chars_.begin_ + from, n);
        static_cast<void>(open<Must>(at, gone, n));
        std::memcpy(chars_.begin_ + at, chars_.begin_ + aside, n);
        object::close_spare<Policy>(chars_.end_, chars_.begin_ + aside + n);
        return true;
    }

    basic_vec<char, frame_source, Policy> chars_;  // the final zero included, once there is a character
};

using frame_string = basic_frame_string<>;

}  // namespace framealloc::inline v1

// So that it can be a key; found by std::string_view too, where the map asks that of its hash.
template <class Policy>
struct std::hash<framealloc::basic_frame_string<Policy>> {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};
