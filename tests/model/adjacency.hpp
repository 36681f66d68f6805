// The parts of the adjacency matrix: owners of frame memory, and a world of frames, checkpoints and holds that they
// live in.
//
// Every byte of an owner has the owner's pattern. After each step all patterns are compared, and no two
// owners' ranges may overlap: growth wrongly assumed to be in place, a shrink of another owner's block, a cursor that
// went too far back are detected at once, whatever they would break later.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/random.hpp"
#include "support/recorder.hpp"
#include "support/test_pages.hpp"

namespace test::adjacency {

struct failed {
    std::string what;
};
[[noreturn]] inline void fail(std::string what) { throw failed{std::move(what)}; }
inline void require(bool right, const char* what) {
    if (!right) fail(what);
}

// Owners read it from their own places.
inline const unsigned char* pattern_of(std::uint32_t owner) {
    static const std::vector<unsigned char> all = [] {
        std::vector<unsigned char> v(std::size_t{1} << 20);
        splitmix random{7};
        for (unsigned char& c : v) c = static_cast<unsigned char>(random());
        return v;
    }();
    return all.data() + std::size_t{owner} * 4099 % (std::size_t{1} << 19);
}
inline std::uint32_t number_of(std::uint32_t owner, std::size_t i) {
    std::uint32_t n = 0;
    std::memcpy(&n, pattern_of(owner) + 4 * i, 4);
    return n;
}
inline constexpr std::size_t largest = std::size_t{1} << 18;  // bytes of one owner

// --- elements ---
struct alignas(64) wide {
    std::uint32_t words[16];
};
// Must be destroyed exactly once.
struct tracked {
    static inline long alive = 0;
    std::uint32_t number;
    explicit tracked(std::uint32_t n = 0) noexcept : number(n) { ++alive; }
    tracked(const tracked& o) noexcept : number(o.number) { ++alive; }
    tracked& operator=(const tracked&) = default;
    ~tracked() { --alive; }
};
template <class T>
T element(std::uint32_t owner, std::size_t i) {
    if constexpr (std::is_same_v<T, wide>) {
        wide w{};
        for (std::uint32_t k = 0; k < 16; ++k) w.words[k] = number_of(owner, i) + k;
        return w;
    } else {
        return T(number_of(owner, i));
    }
}
inline bool is_element(std::uint32_t e, std::uint32_t owner, std::size_t i) { return e == number_of(owner, i); }
inline bool is_element(const tracked& e, std::uint32_t owner, std::size_t i) { return e.number == number_of(owner, i); }
inline bool is_element(const wide& e, std::uint32_t owner, std::size_t i) {
    for (std::uint32_t k = 0; k < 16; ++k) {
        if (e.words[k] != number_of(owner, i) + k) return false;
    }
    return true;
}

struct range {
    std::uintptr_t begin;
    std::size_t bytes;
    std::uint32_t owner;
};

inline std::uintptr_t address(const volatile void* p) { return reinterpret_cast<std::uintptr_t>(p); }

// Sizes to grow by: mostly small, so that the top stays near; some cross a chunk or are out of line.
inline std::size_t some_bytes(splitmix& random) {
    switch (random() % 24) {
        case 0: return 1 + random() % 40'000;
        case 1: return 1 + random() % 5'000;
        default: return 1 + random() % 200;
    }
}

// --- owners ---
class owner {
public:
    explicit owner(std::uint32_t id) : id_(id) {}
    owner(const owner&) = delete;
    owner& operator=(const owner&) = delete;
    virtual ~owner() = default;
    virtual range extent() const = 0;  // all it may write to
    virtual std::size_t content() const = 0;  // bytes that have its pattern
    virtual std::size_t readable() const { return content(); }  // from the start of its extent: elements are contiguous
    virtual bool intact() const = 0;
    virtual bool can_end_later() const { return true; }  // than its frame
    virtual bool can_end_after_rollback() const { return can_end_later(); }
    std::uint32_t id() const { return id_; }

protected:
    std::uint32_t id_;
};

// Bytes from a frame, grown and shrunk by hand.
class raw final : public owner {
public:
    raw(std::uint32_t id, fa::frame_source s, void* p, std::size_t n)
        : owner(id), source_(s), data_(static_cast<unsigned char*>(p)), size_(n) {
        fill(0);
    }
    range extent() const override { return {address(data_), size_, id_}; }
    std::size_t content() const override { return size_; }
    bool intact() const override { return std::memcmp(data_, pattern_of(id_), size_) == 0; }
    bool grow(std::size_t more) {
        if (size_ + more > largest || !source_.try_grow(data_, size_, size_ + more, 8)) return false;
        size_ += more;
        fill(size_ - more);
        return true;
    }
    void shrink(std::size_t to) {
        source_.frame().shrink(data_, size_, to);
        size_ = to;
    }
    void give_back() { source_.deallocate(data_, size_, 8); }
    std::size_t size() const { return size_; }

private:
    void fill(std::size_t from) { std::memcpy(data_ + from, pattern_of(id_) + from, size_ - from); }
    fa::frame_source source_;
    unsigned char* data_;
    std::size_t size_;
};

template <class T, class Source, class P>
class vec final : public owner {
public:
    vec(std::uint32_t id, Source s) : owner(id), items_(s) {}
    range extent() const override { return {address(items_.data()), items_.capacity() * sizeof(T), id_}; }
    std::size_t content() const override { return items_.size() * sizeof(T); }
    bool intact() const override {
        if (items_.size() != size_) return false;
        for (std::size_t i = 0; i < size_; ++i) {
            if (!is_element(items_[i], id_, i)) return false;
        }
        return true;
    }
    void push(std::size_t n, bool must) {
        for (; n != 0 && fits(1); --n) {
            const T e = element<T>(id_, size_);
            if (must) items_.push_back(e);
            else if (!items_.try_push_back(e)) return;
            ++size_;
        }
    }
    void resize(std::size_t n, bool must) {
        if (n > size_ && !fits(n - size_)) return;
        if (must) items_.resize(n, T{});
        else if (!items_.try_resize(n, T{})) return;
        const std::size_t before = size_;
        size_ = n;
        repaint(before);
    }
    void append(std::size_t n, bool must) {
        if (!fits(n)) return;
        std::vector<T> more;
        for (std::size_t i = 0; i < n; ++i) more.push_back(element<T>(id_, size_ + i));
        if (must) items_.append(more);
        else if (!items_.try_append(more)) return;
        size_ += n;
    }
    void insert(std::size_t at, std::size_t n, bool must) {
        if (!fits(n)) return;
        if (must) items_.insert(items_.begin() + at, n, T{});
        else if (items_.try_insert(items_.begin() + at, n, T{}) == nullptr) return;
        size_ += n;
        for (std::size_t i = at + n; i < size_; ++i)
            require(is_element(items_[i], id_, i - n), "an insertion moved elements wrongly");
        repaint(at);
    }
    void erase(std::size_t at, std::size_t n) {
        items_.erase(items_.begin() + at, items_.begin() + at + n);
        size_ -= n;
        repaint(at);
    }
    void reserve(std::size_t n, bool must) {
        if (n * sizeof(T) > largest) return;
        if (must) items_.reserve(n);
        else static_cast<void>(items_.try_reserve(n));
    }
    void fit() { items_.shrink_to_fit(); }
    void clear() {
        items_.clear();
        size_ = 0;
    }
    // Another container replaces it, by copy or by move.
    void reseat(bool copies) {
        if (copies) {
            auto copy = items_;
            items_ = std::move(copy);
        } else {
            auto taken = std::move(items_);
            swap(items_, taken);
        }
    }
    void empty_and_free() {
        clear();
        fit();
    }
    std::size_t size() const { return size_; }
    std::size_t room() const { return items_.capacity() - size_; }

private:
    bool fits(std::size_t n) const { return (size_ + n) * sizeof(T) <= largest; }
    void repaint(std::size_t from) {
        for (std::size_t i = from; i < size_; ++i) items_[i] = element<T>(id_, i);
    }
    fa::basic_vec<T, Source, P> items_;
    std::size_t size_ = 0;
};

template <class P>
class text final : public owner {
public:
    text(std::uint32_t id, fa::frame_source s) : owner(id), chars_(s) {}
    // Characters that are in the string itself are charged to nothing.
    range extent() const override {
        return in_itself() ? range{0, 0, id_} : range{address(chars_.data()), chars_.capacity() + 1, id_};
    }
    std::size_t content() const override { return size_; }
    bool intact() const override { return chars_.view() == expected(0, size_) && chars_.c_str()[size_] == '\0'; }
    void append(std::size_t n, bool must) {
        if (size_ + n >= largest) return;
        if (must) chars_.append(expected(size_, n));
        else if (!chars_.try_append(expected(size_, n))) return;
        size_ += n;
    }
    void push(std::size_t n, bool must) {
        for (; n != 0 && size_ + 1 < largest; --n) {
            const char c = expected(size_, 1)[0];
            if (must) chars_.push_back(c);
            else if (!chars_.try_push_back(c)) return;
            ++size_;
        }
    }
    void append_itself(bool must) {
        if (2 * size_ >= largest) return;
        if (must) chars_.append(chars_.view());
        else if (!chars_.try_append(chars_.view())) return;
        require(chars_.view().substr(size_) == expected(0, size_), "a string appended to itself differs");
        size_ *= 2;
        repaint();
    }
    void insert(std::size_t at, std::size_t n, bool must) {
        if (size_ + n >= largest) return;
        const std::string what(n, '+');
        if (must) chars_.insert(at, what);
        else if (!chars_.try_insert(at, what)) return;
        size_ += n;
        repaint();
    }
    void cut(std::size_t to) {
        chars_.resize(to);
        size_ = to;
    }
    std::size_t size() const { return size_; }

private:
    bool in_itself() const {
        const std::uintptr_t at = address(chars_.data());
        return at >= address(&chars_) && at < address(&chars_ + 1);
    }
    std::string_view expected(std::size_t at, std::size_t n) const {
        return {reinterpret_cast<const char*>(pattern_of(id_)) + at, n};
    }
    void repaint() { std::memcpy(chars_.data(), pattern_of(id_), size_); }
    fa::basic_frame_string<P> chars_;
    std::size_t size_ = 0;
};

template <class P>
class table final : public owner {
public:
    table(std::uint32_t id, fa::frame_source s) : owner(id), entries_(s) {}
    range extent() const override {
        std::uintptr_t first = ~std::uintptr_t{0}, last = 0;
        for (const auto& e : entries_) {
            first = std::min(first, address(&e));
            last = std::max(last, address(&e) + sizeof e);
        }
        return last == 0 ? range{0, 0, id_} : range{first, last - first, id_};
    }
    std::size_t content() const override { return size_ * 8; }
    std::size_t readable() const override { return size_ == 0 ? 0 : 8; }  // slots without an entry may follow
    bool intact() const override {
        if (entries_.size() != size_) return false;
        for (std::uint32_t k = 0; k < size_; ++k) {
            const auto it = entries_.find(k);
            if (it == entries_.end() || it->second != number_of(id_, k)) return false;
        }
        return true;
    }
    void insert(std::size_t n, bool must) {
        for (; n != 0 && size_ < 3000; --n) {
            if (must) entries_.insert({size_, number_of(id_, size_)});
            else if (!entries_.try_insert(size_, number_of(id_, size_))) return;
            ++size_;
        }
    }
    void erase(std::size_t n) {
        for (; n != 0 && size_ != 0; --n) require(entries_.erase(--size_) == 1, "a key was lost");
    }
    void reserve(std::size_t n, bool must) {
        if (must) entries_.reserve(n);
        else static_cast<void>(entries_.try_reserve(n));
    }
    void reseat(bool copies) {
        if (copies) {
            auto copy = entries_;
            entries_ = std::move(copy);
        } else {
            auto taken = std::move(entries_);
            swap(entries_, taken);
        }
    }

private:
    fa::basic_frame_map<std::uint32_t, std::uint32_t, fa::object::default_hash<std::uint32_t>,
                        fa::object::default_equal<std::uint32_t>, P>
        entries_;
    std::uint32_t size_ = 0;
};

// std::vector on one of the library's allocators or resources.
template <class Allocator>
class standard final : public owner {
public:
    standard(std::uint32_t id, const Allocator& a) : owner(id), items_(a) {}
    range extent() const override { return {address(items_.data()), items_.capacity() * 4, id_}; }
    std::size_t content() const override { return items_.size() * 4; }
    bool intact() const override {
        return items_.empty() || std::memcmp(items_.data(), pattern_of(id_), items_.size() * 4) == 0;
    }
    bool can_end_later() const override { return false; }  // its elements must be gone before the frame
    bool can_end_after_rollback() const override {
        return std::is_same_v<Allocator, fa::frame_allocator<std::uint32_t>>;
    }
    void push(std::size_t n) {
        try {
            for (; n != 0 && items_.size() * 4 < largest; --n) items_.push_back(number_of(id_, items_.size()));
        } catch (const std::bad_alloc&) { refused = true; }
    }
    void pop(std::size_t n) { items_.resize(items_.size() - n); }
    void fit() {
        try {
            items_.shrink_to_fit();
        } catch (const std::bad_alloc&) { refused = true; }
    }
    std::size_t size() const { return items_.size(); }
    bool refused = false;

private:
    std::vector<std::uint32_t, Allocator> items_;
};

template <class P>
class boxed final : public owner {
public:
    using value = std::array<std::uint32_t, 12>;
    boxed(std::uint32_t id, fa::basic_frame_box<value, P> b) : owner(id), box_(std::move(b)) {
        std::memcpy(box_->data(), pattern_of(id_), sizeof(value));
    }
    range extent() const override { return {address(box_.get()), sizeof(value), id_}; }
    std::size_t content() const override { return sizeof(value); }
    bool intact() const override { return std::memcmp(box_.get(), pattern_of(id_), sizeof(value)) == 0; }

private:
    fa::basic_frame_box<value, P> box_;
};

}  // namespace test::adjacency
