// Who is charged: a tag names a system of the program ("physics"), and a tree of them names its parts
// ("physics::solver").
//
//   inline constexpr fa::tag physics{"physics"}, solver{physics, "solver"};
//   fa::tag_scope t{alloc, solver};        // the fast form: an index into a table, whatever the number of tags
//   fa::tag_scope u{alloc, "contacts"};    // by name: a child of the tag that is current, found by its text
//
// A constexpr tag is a fixed place in the tree; a name is looked up below the current tag and may contain "::".
// One that begins or ends with a colon can be opened, but no path leads to it.
// Tags are values: a copy names the same place, and tags are equal that have the same name below equal parents.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include <framealloc/detail/sync/atomic.hpp>

namespace framealloc::inline v1 {

class tag {
public:
    // Requires: `name` and `parent` live as long as the tag and its copies; allocators keep a copy of the name. Cost:
    // O(1).
    constexpr explicit tag(const char* name) noexcept : name_(name) {}
    constexpr tag(const tag& parent, const char* name) noexcept : parent_(&parent), name_(name) {}
    constexpr tag(const tag& other) noexcept : parent_(other.parent_), name_(other.name_), id_(number_of(other)) {}
    // Effects: names the place that `other` names. Threads: no other one may be using this tag. Cost: O(1).
    tag& operator=(const tag& other) noexcept {
        parent_ = other.parent_;
        name_ = other.name_;
        id_.store_relaxed(other.id());  // relaxed: see above
        return *this;
    }

    // Returns: the name without its parents; the tag above, null for one at the root. Cost: O(1).
    constexpr const char* name() const noexcept { return name_; }
    constexpr const tag* parent() const noexcept { return parent_; }

    static constexpr std::uint32_t most_ids = 4096;
    static constexpr std::uint32_t unregistered = 0xffffffffU;
    // Returns: the tag's number in this process, unregistered until an allocator meets the tag; ensure_id() gives it
    // one. The first 4,096 tags that are met get one, which bounds the tables that threads keep: where a program makes
    // more, as local variables say, these are found by name. Threads: any. Cost: O(1).
    std::uint32_t id() const noexcept {
        return id_.load_relaxed();
    }  // relaxed: the tables it indexes belong to the reader
    std::uint32_t ensure_id() const noexcept;

    friend constexpr bool operator==(const tag& a, const tag& b) noexcept { return std::is_eq(a <=> b); }
    // By parents first, then by the bytes of the name.
    friend constexpr std::strong_ordering operator<=>(const tag& a, const tag& b) noexcept {
        if (&a == &b) return std::strong_ordering::equal;
        if (a.parent_ == nullptr || b.parent_ == nullptr) {
            if (const auto c = (a.parent_ != nullptr) <=> (b.parent_ != nullptr); std::is_neq(c)) return c;
        } else if (const auto c = *a.parent_ <=> *b.parent_; std::is_neq(c)) {
            return c;
        }
        const char *x = a.name_, *y = b.name_;
        for (; *x != '\0' && *x == *y; ++x) ++y;
        return static_cast<unsigned char>(*x) <=> static_cast<unsigned char>(*y);
    }
    // Returns: a number that is equal for equal tags; see std::hash. Cost: O(length of the path).
    constexpr std::uint64_t hash() const noexcept {  // FNV-1a, 64 bit (Fowler, Noll, Vo), seeded with the parent
        std::uint64_t h = 14695981039346656037ULL ^ (parent_ == nullptr ? 0 : parent_->hash() * 0x9e3779b97f4a7c15ULL);
        for (const char* c = name_; *c != '\0'; ++c) h = (h ^ static_cast<unsigned char>(*c)) * 1099511628211ULL;
        return h ^ (h >> 32);
    }

private:
    static constexpr std::uint32_t number_of(const tag& t) noexcept {
        return std::is_constant_evaluated() ? unregistered : t.id();
    }

    const tag* parent_ = nullptr;
    const char* name_;
    mutable sync::atomic<std::uint32_t> id_{unregistered};
};

}  // namespace framealloc::inline v1
