// A growable string in frame memory, always ended by a zero.
//
//   fa::frame_string s = frame.string("wave ");
//   s += "12";
//   puts(s.c_str());
#pragma once

#include <string_view>

#include <framealloc/object/vec.hpp>

namespace framealloc::inline FRAMEALLOC_ABI {

template <class Policy = active_policy>
class FRAMEALLOC_OWNER(char) basic_frame_string {
public:
    using value_type = char;
    static constexpr std::size_t npos = std::string_view::npos;

    explicit basic_frame_string(frame_source s, std::string_view text = {}) : chars_(s) { append(text); }

    const char* c_str() const noexcept FRAMEALLOC_LIFETIMEBOUND { return chars_.empty() ? "" : chars_.data(); }
    const char* data() const noexcept FRAMEALLOC_LIFETIMEBOUND { return c_str(); }
    char* begin() noexcept { return chars_.begin(); }
    char* end() noexcept { return chars_.begin() + size(); }
    const char* begin() const noexcept FRAMEALLOC_LIFETIMEBOUND { return c_str(); }
    const char* end() const noexcept FRAMEALLOC_LIFETIMEBOUND { return c_str() + size(); }
    std::size_t size() const noexcept { return chars_.empty() ? 0 : chars_.size() - 1; }
    std::size_t length() const noexcept { return size(); }
    std::size_t capacity() const noexcept { return chars_.capacity() == 0 ? 0 : chars_.capacity() - 1; }
    bool empty() const noexcept { return size() == 0; }
    char& operator[](std::size_t i) noexcept { return chars_[i]; }
    char operator[](std::size_t i) const noexcept { return c_str()[i]; }
    char front() const noexcept { return (*this)[0]; }
    char back() const noexcept { return (*this)[size() - 1]; }
    std::string_view view() const noexcept FRAMEALLOC_LIFETIMEBOUND { return {c_str(), size()}; }
    operator std::string_view() const noexcept FRAMEALLOC_LIFETIMEBOUND { return view(); }

    basic_frame_string& append(std::string_view text) {
        if (text.empty()) return *this;
        // The text may be part of this string: its place is found again after growth.
        const std::size_t inside = text.data() >= begin() && text.data() <= end() ? static_cast<std::size_t>(text.data() - begin()) : npos;
        const std::size_t before = size();
        chars_.resize(before + text.size() + 1);
        std::memmove(chars_.data() + before, inside == npos ? text.data() : chars_.data() + inside, text.size());
        chars_.back() = '\0';
        return *this;
    }
    // Returns false, with the string unchanged, when memory is exhausted.
    [[nodiscard]] bool try_append(std::string_view text) {
        if (!chars_.try_reserve(size() + text.size() + 1)) return false;
        append(text);
        return true;
    }
    basic_frame_string& operator+=(std::string_view text) { return append(text); }
    basic_frame_string& operator+=(char c) { push_back(c); return *this; }
    void push_back(char c) {
        if (chars_.empty()) chars_.push_back('\0');
        chars_.back() = c;
        chars_.push_back('\0');
    }
    void pop_back() noexcept {
        chars_.pop_back();
        chars_.back() = '\0';
    }
    void assign(std::string_view text) {
        const basic_frame_string copy(chars_.source(), text);
        clear();
        append(copy.view());
    }
    void clear() noexcept { chars_.clear(); }
    void reserve(std::size_t n) { chars_.reserve(n + 1); }
    void resize(std::size_t n, char c = '\0') {
        if (n == 0) return clear();
        if (!chars_.empty()) chars_.pop_back();
        chars_.resize(n, c);
        chars_.push_back('\0');
    }
    basic_frame_string& insert(std::size_t at, std::string_view text) {
        const basic_frame_string tail(chars_.source(), view().substr(at));
        const basic_frame_string middle(chars_.source(), text);
        resize(at);
        return append(middle.view()).append(tail.view());
    }
    basic_frame_string& erase(std::size_t at, std::size_t n = npos) {
        const std::size_t rest = size() - at < n ? size() - at : n;
        std::memmove(begin() + at, begin() + at + rest, size() - at - rest);
        resize(size() - rest);
        return *this;
    }
    std::size_t find(std::string_view text, std::size_t from = 0) const noexcept { return view().find(text, from); }
    bool starts_with(std::string_view text) const noexcept { return view().starts_with(text); }
    bool ends_with(std::string_view text) const noexcept { return view().ends_with(text); }
    std::string_view substr(std::size_t at, std::size_t n = npos) const FRAMEALLOC_LIFETIMEBOUND { return view().substr(at, n); }

    friend bool operator==(const basic_frame_string& a, std::string_view b) noexcept { return a.view() == b; }
    friend bool operator==(const basic_frame_string& a, const basic_frame_string& b) noexcept { return a.view() == b.view(); }

private:
    basic_vec<char, frame_source, Policy> chars_;  // the final zero included, once there is a character
};

using frame_string = basic_frame_string<>;

}  // namespace framealloc::inline FRAMEALLOC_ABI
