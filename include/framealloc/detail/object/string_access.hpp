// What is asked of a string: its characters, iterators, and all that does not change it.
#pragma once

#include <framealloc/detail/object/string_store.hpp>

namespace framealloc::inline v1::object {

template <class Source, class Policy>
class FRAMEALLOC_OWNER(char) string_access : public string_store<Source, Policy> {
    using store = string_store<Source, Policy>;

public:
    using value_type = char;
    using traits_type = std::char_traits<char>;
    using source_type = Source;
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

    using store::empty;
    using store::size;
    // As std::string's: what is before data() + size() may be written to, and a zero follows. Debug: after the frame
    // has ended FA002, of a string that is longer than 15 characters. Cost: O(1).
    const char* c_str() const noexcept FRAMEALLOC_LIFETIMEBOUND {
        store::check_open();
        return store::chars();
    }
    const char* data() const noexcept FRAMEALLOC_LIFETIMEBOUND { return c_str(); }
    char* data() noexcept FRAMEALLOC_LIFETIMEBOUND { return begin(); }
    char* begin() noexcept FRAMEALLOC_LIFETIMEBOUND {
        store::check_open();
        return store::chars();
    }
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
    // Requires: i <= size(): the final zero may be read. Debug: FA439 otherwise, and the program ends; FA002 where the
    // frame has ended. Cost: O(1).
    char& operator[](std::size_t i) noexcept FRAMEALLOC_LIFETIMEBOUND {
        check_index(i, size() + 1);
        return begin()[i];
    }
    const char& operator[](std::size_t i) const noexcept FRAMEALLOC_LIFETIMEBOUND {
        check_index(i, size() + 1);
        return c_str()[i];
    }
    // Returns: character i. Throws std::out_of_range where there is none; without exceptions FA439, and the program
    // ends. Cost: O(1).
    char& at(std::size_t i) FRAMEALLOC_LIFETIMEBOUND {
        if (i >= size()) raise_no_such_index(i);
        return begin()[i];
    }
    const char& at(std::size_t i) const FRAMEALLOC_LIFETIMEBOUND {
        if (i >= size()) raise_no_such_index(i);
        return c_str()[i];
    }
    // Requires: not empty. Debug: FA439 otherwise, and the program ends. Cost: O(1).
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
    // Returns: the characters; valid until the string changes. Cost: O(1).
    std::string_view view() const noexcept FRAMEALLOC_LIFETIMEBOUND { return {c_str(), size()}; }
    operator std::string_view() const noexcept FRAMEALLOC_LIFETIMEBOUND { return view(); }

    // --- questions; what is looked for is text or one character ---
    // As std::string_view's. Cost: O(size() * length of what) at worst.
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
    // As std::string's, which throw std::out_of_range where a position is past the end; without exceptions FA439, and
    // the program ends. Cost: O(length).
    int compare(std::string_view text) const noexcept { return view().compare(text); }
    int compare(std::size_t at, std::size_t n, std::string_view text) const { return substr(at, n).compare(text); }
    int compare(std::size_t at, std::size_t n, const char* text, std::size_t count) const {
        return compare(at, n, std::string_view(text, count));
    }
    template <object::text S>
    int compare(std::size_t at, std::size_t n, const S& text, std::size_t from, std::size_t count = npos) const {
        return compare(at, n, part(text, from, count));
    }
    // Returns: a view of the characters, not a string; valid until the string changes. Throws std::out_of_range where
    // at > size(); without exceptions FA439, and the program ends. Cost: O(1).
    std::string_view substr(std::size_t at = 0, std::size_t n = npos) const FRAMEALLOC_LIFETIMEBOUND {
        check_position(at);
        return view().substr(at, n);
    }
    // As std::string's; a position past the end as in substr(). Cost: O(n).
    std::size_t copy(char* to, std::size_t n, std::size_t at = 0) const {
        check_position(at);
        return view().copy(to, n, at);
    }

protected:
    string_access() noexcept = default;
    explicit string_access(const Source& s) noexcept : store(s) {}
    FRAMEALLOC_INLINE string_access(const Source& s, std::string_view text) : store(s, text) {}

    using store::source;

    std::string_view part(std::string_view text, std::size_t from, std::size_t n) const {
        if (from > text.size()) [[unlikely]]
            object::throw_out_of_range(object::allocator_of(source()), from, text.size());
        return text.substr(from, n);
    }
    FRAMEALLOC_INLINE void check_index([[maybe_unused]] std::size_t i, [[maybe_unused]] std::size_t n) const noexcept {
        if constexpr (Policy::checks) {
            store::check_open();
            if (i >= n) [[unlikely]]
                object::refuse_index(object::allocator_of(source()), i, size());
        }
    }
    FRAMEALLOC_INLINE void check_position(std::size_t at) const {
        if (at > size()) [[unlikely]]
            raise_no_such_index(at);
    }
    [[noreturn]] FRAMEALLOC_INLINE void raise_no_such_index(std::size_t i) const {
        object::throw_out_of_range(object::allocator_of(source()), i, size());
    }
    std::size_t clipped(std::size_t at, std::size_t n) const noexcept { return n < size() - at ? n : size() - at; }
    std::size_t index_of(const char* at) const noexcept {
        return at == nullptr ? 0 : static_cast<std::size_t>(at - c_str());
    }
};

}  // namespace framealloc::inline v1::object
