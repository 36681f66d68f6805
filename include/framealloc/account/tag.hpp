// Who pays: a tag names a system of the program ("physics"), and a tree of them names its parts ("physics::solver").
//
//   inline constexpr fa::tag physics{"physics"}, solver{physics, "solver"};
//   fa::tag_scope t{alloc, solver};        // the fast form: an index into a table, whatever the number of tags
//   fa::tag_scope u{alloc, "contacts"};    // by name: a child of the tag that is current, found by its text
//
// A constexpr tag is a fixed place in the tree; a name is looked up below the current tag and may contain "::".
// One that begins or ends with a colon can be opened, but no path leads to it.
#pragma once

#include <cstdint>

#include <framealloc/sync/atomic.hpp>

namespace framealloc::inline FRAMEALLOC_ABI {

class tag {
public:
    // `name` needs to live as long as the tag; allocators keep a copy of their own.
    constexpr explicit tag(const char* name) noexcept : name_(name) {}
    constexpr tag(const tag& parent, const char* name) noexcept : parent_(&parent), name_(name) {}
    tag(const tag&) = delete;
    tag& operator=(const tag&) = delete;

    constexpr const char* name() const noexcept { return name_; }
    constexpr const tag* parent() const noexcept { return parent_; }

    // The tag's number in this process, unregistered until an allocator meets it first. The first 4,096 tags that are met get
    // one, which bounds the tables that threads keep: where a program makes more, as local variables say, these are found by name.
    static constexpr std::uint32_t most_ids = 4096;
    static constexpr std::uint32_t unregistered = 0xffffffffU;
    std::uint32_t id() const noexcept { return id_.load_relaxed(); }  // relaxed: the tables it indexes belong to the reader
    std::uint32_t ensure_id() const noexcept;

private:
    const tag* parent_ = nullptr;
    const char* name_;
    mutable sync::atomic<std::uint32_t> id_{unregistered};
};

}  // namespace framealloc::inline FRAMEALLOC_ABI
