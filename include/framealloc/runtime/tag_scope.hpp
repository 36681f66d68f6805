// Tags and phases for the length of a block.
//
//   fa::tag_scope t{alloc, physics};         // charges frame, pool and heap bytes to "physics"
//   fa::phase_scope p{alloc, "broadphase"};  // and counts what the phase allocates
//
// Cost: with a constexpr tag at most 40 instructions to open and close, whatever the number of tags.
// Threads: a scope belongs to its thread; closing it elsewhere or out of order is FA429, and the newest open one is
// charged.
// Requires: the allocator outlives the scope.
#pragma once

#include <string_view>

#include <framealloc/detail/core/scopes.hpp>

namespace framealloc::inline v1 {

namespace runtime {

using memory::core_ref;
using memory::tag_account;
using memory::thread_context;

FRAMEALLOC_COLD tag_account* find_account(thread_context& c, const tag& t) noexcept;
[[gnu::__noinline__]] tag_account* find_account(thread_context& c, tag_account* parent, std::string_view path) noexcept;

FRAMEALLOC_INLINE tag_account* account_of(thread_context& c, const tag& t) noexcept {
    tag_account* a = known_account(c, t.id());
    return a != nullptr ? a : find_account(c, t);
}

template <class Alloc>
struct site_of {
    using type = no_site;
};
template <class Alloc>
    requires requires { typename Alloc::policy_type; }
struct site_of<Alloc> {
    using type = typename Alloc::policy_type::site_type;
};
template <class Alloc>
using site_of_t = typename site_of<Alloc>::type;

template <memory::scope_kind Kind>
class charge_scope {
public:
    charge_scope(const charge_scope&) = delete;
    charge_scope& operator=(const charge_scope&) = delete;

protected:
    template <class Site>
    FRAMEALLOC_INLINE charge_scope(thread_context& c, tag_account* a, const Site& where) noexcept
        : scope_(memory::open<Kind>(c, a)) {
        if constexpr (std::is_same_v<Site, site>) scope_->opened = where;
    }
    FRAMEALLOC_INLINE ~charge_scope() { memory::close<Kind>(*scope_); }

private:
    memory::open_scope* scope_;
};

}  // namespace runtime

class [[nodiscard]] tag_scope : runtime::charge_scope<memory::scope_kind::tag> {
    using base = runtime::charge_scope<memory::scope_kind::tag>;
    template <class Alloc>
    using site_type = runtime::site_of_t<Alloc>;

public:
    // Effects: charges what the calling thread takes to the tag, a name below the open one, until the scope ends. On
    // exhaustion: asks the exhaustion handler, for a name that is new. Threads: the scope belongs to its thread. Cost:
    // at most 40 instructions with a constexpr tag, a search for a name.
    template <class Alloc>
    [[nodiscard]] FRAMEALLOC_INLINE tag_scope(const Alloc& alloc, const tag& t,
                                              site_type<Alloc> s = site_type<Alloc>::here()) noexcept
        : tag_scope(*memory::context_of(alloc.owner()), t, s) {}
    template <class Alloc>
    [[nodiscard]] tag_scope(const Alloc& alloc, std::string_view name,
                            site_type<Alloc> s = site_type<Alloc>::here()) noexcept
        : tag_scope(*memory::context_of(alloc.owner()), name, s) {}

private:
    template <class Site>
    FRAMEALLOC_INLINE tag_scope(memory::thread_context& c, const tag& t, const Site& s) noexcept
        : base(c, runtime::account_of(c, t), s) {}
    template <class Site>
    tag_scope(memory::thread_context& c, std::string_view name, const Site& s) noexcept
        : base(c, runtime::find_account(c, c.tag(), name), s) {}
};

class [[nodiscard]] phase_scope : runtime::charge_scope<memory::scope_kind::phase> {
    using base = runtime::charge_scope<memory::scope_kind::phase>;
    template <class Alloc>
    using site_type = runtime::site_of_t<Alloc>;

public:
    // Effects: counts what the calling thread allocates, of every kind, for the phase, a path from the root, until the
    // scope ends; phase_stats() has it per outermost frame. On exhaustion: asks the exhaustion handler, for a name that
    // is new. Threads: the scope belongs to its thread. Cost: as tag_scope's.
    template <class Alloc>
    [[nodiscard]] FRAMEALLOC_INLINE phase_scope(const Alloc& alloc, const tag& name,
                                                site_type<Alloc> s = site_type<Alloc>::here()) noexcept
        : phase_scope(*memory::context_of(alloc.owner()), name, s) {}
    template <class Alloc>
    [[nodiscard]] phase_scope(const Alloc& alloc, std::string_view name,
                              site_type<Alloc> s = site_type<Alloc>::here()) noexcept
        : phase_scope(*memory::context_of(alloc.owner()), name, s) {}

private:
    template <class Site>
    FRAMEALLOC_INLINE phase_scope(memory::thread_context& c, const tag& t, const Site& s) noexcept
        : base(c, runtime::account_of(c, t), s) {}
    template <class Site>
    phase_scope(memory::thread_context& c, std::string_view name, const Site& s) noexcept
        : base(c, runtime::find_account(c, root_account(c), name), s) {}
};

}  // namespace framealloc::inline v1

template <>
struct std::hash<framealloc::tag> {
    std::size_t operator()(const framealloc::tag& t) const noexcept { return t.hash(); }
};
