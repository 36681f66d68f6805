// A frame for the length of a block: the fastest way to allocate, with no thread-local lookup per call.
//
//   fa::frame_scope frame{alloc};                     // or: auto frame = alloc.frame_scope();
//   contact* c = frame.alloc<contact>();              // uninitialised
//   widget* w = frame.make<widget>(1, "x");           // constructed, destroyed when the frame ends
//   auto hits = frame.vec<hit>();                     // growable
//
// Cost: alloc<T> takes 5 instructions from cursor load to cursor store. Every x() has a try_x() that returns null,
// empty or false instead of asking the exhaustion handler.
// Threads: a scope belongs to its thread. Its memory may be read and written by any thread while it is open.
#pragma once

#include <span>

#include <framealloc/base/capability.hpp>
#include <framealloc/lifetime/hold.hpp>
#include <framealloc/object/allocators.hpp>
#include <framealloc/object/array.hpp>
#include <framealloc/object/box.hpp>
#include <framealloc/object/fixed_span.hpp>
#include <framealloc/object/map.hpp>
#include <framealloc/object/ranges.hpp>
#include <framealloc/object/string.hpp>
#include <framealloc/object/vec.hpp>

namespace framealloc::inline v1 {

namespace runtime {

struct deduced {};  // frame_box(value): the type is the argument's

template <class T, class... Args>
struct boxed_type {
    using type = T;
};
template <class Arg>
struct boxed_type<deduced, Arg> {
    using type = std::remove_cvref_t<Arg>;
};
template <class T, class... Args>
using boxed_type_t = typename boxed_type<T, Args...>::type;

// The call that is being served, for reports; nothing where sites are not recorded.
template <class Site>
struct located {
    FRAMEALLOC_INLINE located(const memory::core_ref&, Site) noexcept {}
};
template <>
struct located<site> {
    located(const memory::core_ref& a, const site& s) noexcept
        : context(memory::try_context_of(a)), changing(context, memory::activity::changing) {
        if (context != nullptr) context->probes.note_place(s);
    }
    ~located() {
        if (context != nullptr) context->probes.forget_place();
    }
    located(const located&) = delete;
    located& operator=(const located&) = delete;

    memory::thread_context* context;
    memory::activity_scope changing;
};

// What a call needs, with its place until the end of the expression or of the name it is given.
template <class Needed>
class [[nodiscard]] noted_call {
public:
    noted_call(Needed needed, memory::thread_context* c, const site& s) noexcept : needed_(needed), context_(c) {
        if (context_ != nullptr) context_->probes.note_place(s);
    }
    ~noted_call() {
        if (context_ != nullptr) context_->probes.forget_place();
    }
    noted_call(const noted_call&) = delete;
    noted_call& operator=(const noted_call&) = delete;
    operator Needed() const noexcept { return needed_; }

private:
    Needed needed_;
    memory::thread_context* context_;
};

template <class T>
FRAMEALLOC_INLINE T* allocate_object(memory::frame_record*& r, memory::on_failure f) noexcept {
    static_assert(object::implicit_lifetime<T>,
                  "this type needs construction: use frame_make (frame.make), frame_box or frame_vec");
    return static_cast<T*>(lifetime::allocate_from<sizeof(T), alignof(T)>(r, f));
}

template <class T>
FRAMEALLOC_INLINE std::span<T> allocate_batch(memory::frame_record* r, std::size_t n, memory::on_failure f) noexcept {
    static_assert(object::implicit_lifetime<T>,
                  "this type needs construction: use frame_slice (frame.slice) or frame_vec");
    if (n == 0) return {};
    void* p = lifetime::allocate(r, checked_product(n, sizeof(T)), alignof(T), f);
    return p == nullptr ? std::span<T>{} : std::span<T>(static_cast<T*>(p), n);
}

}  // namespace runtime

template <class Policy>
class basic_smart_alloc;

template <class Policy>
class FRAMEALLOC_ANALYSED(scoped_lockable) basic_frame_scope {
    using site_type = typename Policy::site_type;
    static constexpr auto must = memory::on_failure::ask_handler;
    static constexpr auto may_fail = memory::on_failure::return_null;
    template <class T>
    using vec_type = basic_vec<T, frame_source, Policy>;

public:
    [[nodiscard]] FRAMEALLOC_INLINE explicit basic_frame_scope(const memory::core_ref& a,
                                                               site_type s = site_type::here()) noexcept
        : record_(open(a, s)) {}
    // The same as alloc.frame_scope(): frame_scope frame{alloc}.
    template <class P>
    [[nodiscard]] FRAMEALLOC_INLINE explicit basic_frame_scope(const basic_smart_alloc<P>& alloc,
                                                               site_type s = site_type::here()) noexcept
        FRAMEALLOC_ANALYSED(acquire_capability(FRAMEALLOC_FRAME_AND_ANY(alloc.frame)))
            FRAMEALLOC_ANALYSED(no_thread_safety_analysis)
        : record_(open(alloc.owner(), s)) {}
    basic_frame_scope(const basic_frame_scope&) = delete;
    basic_frame_scope& operator=(const basic_frame_scope&) = delete;
    FRAMEALLOC_INLINE ~basic_frame_scope() FRAMEALLOC_ANALYSED(release_capability())
        FRAMEALLOC_ANALYSED(no_thread_safety_analysis) {
        lifetime::close_frame(record_);
    }

    // --- raw memory: uninitialised, for types that memory alone makes ---
    template <class T>
    [[nodiscard]] FRAMEALLOC_INLINE T* alloc(site_type s = site_type::here()) const noexcept FRAMEALLOC_LIFETIMEBOUND {
        [[maybe_unused]] const auto call = note(s);
        return runtime::allocate_object<T>(record_, must);
    }
    template <class T>
    [[nodiscard]] FRAMEALLOC_INLINE T* try_alloc(site_type s = site_type::here()) const noexcept
        FRAMEALLOC_LIFETIMEBOUND {
        [[maybe_unused]] const auto call = note(s);
        return runtime::allocate_object<T>(record_, may_fail);
    }
    [[nodiscard, gnu::alloc_size(2)]] FRAMEALLOC_INLINE void* alloc_bytes(
        std::size_t size, std::size_t align = alignof(std::max_align_t),
        site_type s = site_type::here()) const noexcept FRAMEALLOC_LIFETIMEBOUND {
        [[maybe_unused]] const auto call = note(s);
        return size == 0 ? nullptr : lifetime::allocate(record_, size, align, must);
    }
    [[nodiscard, gnu::alloc_size(2)]] FRAMEALLOC_INLINE void* try_alloc_bytes(
        std::size_t size, std::size_t align = alignof(std::max_align_t),
        site_type s = site_type::here()) const noexcept FRAMEALLOC_LIFETIMEBOUND {
        [[maybe_unused]] const auto call = note(s);
        return size == 0 ? nullptr : lifetime::allocate(record_, size, align, may_fail);
    }
    template <class T>
    [[nodiscard]] FRAMEALLOC_INLINE std::span<T> batch(std::size_t n, site_type s = site_type::here()) const noexcept
        FRAMEALLOC_LIFETIMEBOUND {
        [[maybe_unused]] const auto call = note(s);
        return runtime::allocate_batch<T>(record_, n, must);
    }
    template <class T>
    [[nodiscard]] FRAMEALLOC_INLINE std::span<T> try_batch(
        std::size_t n, site_type s = site_type::here()) const noexcept FRAMEALLOC_LIFETIMEBOUND {
        [[maybe_unused]] const auto call = note(s);
        return runtime::allocate_batch<T>(record_, n, may_fail);
    }
    // A std::span<T, N> that structured bindings take apart.
    template <class T, std::size_t N>
    [[nodiscard]] FRAMEALLOC_INLINE fixed_span<T, N> alloc_n(site_type s = site_type::here()) const noexcept
        FRAMEALLOC_LIFETIMEBOUND {
        static_assert(object::implicit_lifetime<T> && N > 0, "use slice for types that need construction");
        [[maybe_unused]] const auto call = note(s);
        return fixed_span<T, N>(static_cast<T*>(lifetime::allocate_from<sizeof(T) * N, alignof(T)>(record_, must)));
    }
    // Returns null when exhausted: a span of fixed extent has no empty value.
    template <class T, std::size_t N>
    [[nodiscard]] FRAMEALLOC_INLINE T* try_alloc_n(site_type s = site_type::here()) const noexcept
        FRAMEALLOC_LIFETIMEBOUND {
        static_assert(object::implicit_lifetime<T> && N > 0, "use slice for types that need construction");
        [[maybe_unused]] const auto call = note(s);
        return static_cast<T*>(lifetime::allocate_from<sizeof(T) * N, alignof(T)>(record_, may_fail));
    }

    // --- objects: constructed here, destroyed when the frame ends ---
    template <class T, class... Args>
    FRAMEALLOC_INLINE T* make(Args&&... args) const FRAMEALLOC_LIFETIMEBOUND {
        return object::make_in_frame<T>(here(), must, std::forward<Args>(args)...);
    }
    template <class T, class... Args>
    [[nodiscard]] FRAMEALLOC_INLINE T* try_make(Args&&... args) const FRAMEALLOC_LIFETIMEBOUND {
        return object::make_in_frame<T>(here(), may_fail, std::forward<Args>(args)...);
    }
    template <class T = runtime::deduced, class... Args>
    FRAMEALLOC_INLINE auto box(Args&&... args) const FRAMEALLOC_LIFETIMEBOUND {
        return basic_frame_box<runtime::boxed_type_t<T, Args...>, Policy>::make(here(), must,
                                                                                std::forward<Args>(args)...);
    }
    template <class T = runtime::deduced, class... Args>
    [[nodiscard]] FRAMEALLOC_INLINE auto try_box(Args&&... args) const FRAMEALLOC_LIFETIMEBOUND {
        return basic_frame_box<runtime::boxed_type_t<T, Args...>, Policy>::make(here(), may_fail,
                                                                                std::forward<Args>(args)...);
    }
    // n value-initialised elements.
    template <class T>
    std::span<T> slice(std::size_t n, site_type s = site_type::here()) const FRAMEALLOC_LIFETIMEBOUND {
        [[maybe_unused]] const auto call = note(s);
        return object::make_array<T>(record_, n, must);
    }
    template <class T>
    [[nodiscard]] std::span<T> try_slice(std::size_t n,
                                         site_type s = site_type::here()) const FRAMEALLOC_LIFETIMEBOUND {
        [[maybe_unused]] const auto call = note(s);
        return object::make_array<T>(record_, n, may_fail);
    }

    // --- containers: empty, or of capacity(n), count(n), n elements, n copies, an initialiser list or a range ---
    template <class T, class... Args>
        requires object::makes<vec_type<T>, frame_source, Args...>
    vec_type<T> vec(Args&&... args) const FRAMEALLOC_LIFETIMEBOUND {
        return vec_type<T>(frame_source(record_), std::forward<Args>(args)...);
    }
    template <class T>
    vec_type<T> vec(std::initializer_list<T> l) const FRAMEALLOC_LIFETIMEBOUND {
        return vec_type<T>(frame_source(record_), l);
    }
    template <class T>
    vec_type<T> vec(std::size_t n) const FRAMEALLOC_LIFETIMEBOUND {
        return vec_type<T>(frame_source(record_), n);
    }
    template <class T>
    vec_type<T> vec(std::size_t n, const std::type_identity_t<T>& v) const FRAMEALLOC_LIFETIMEBOUND {
        return vec_type<T>(frame_source(record_), n, v);
    }
    // Empty when memory is exhausted.
    template <class T>
    [[nodiscard]] vec_type<T> try_vec(std::size_t n) const FRAMEALLOC_LIFETIMEBOUND {
        return vec_type<T>::try_make(frame_source(record_), n);
    }
    template <class T, class... Args>
        requires object::makes<vec_type<T>, frame_source, Args...>
    [[nodiscard]] vec_type<T> try_vec(Args&&... args) const FRAMEALLOC_LIFETIMEBOUND {
        return vec_type<T>::try_make(frame_source(record_), std::forward<Args>(args)...);
    }
    template <class T>
    [[nodiscard]] vec_type<T> try_vec(std::initializer_list<T> l) const FRAMEALLOC_LIFETIMEBOUND {
        return vec_type<T>::try_make(frame_source(record_), l);
    }
    // Empty, of capacity(n), of map_seed(n), or with the entries of an initialiser list or a range; each with a hash
    // function and an equality behind it, if they have a state.
    template <class K, class V, class Hash = object::default_hash<K>, class Equal = object::default_equal<K>,
              class... Args>
        requires object::makes<basic_frame_map<K, V, Hash, Equal, Policy>, frame_source, Args...>
    auto map(Args&&... args) const FRAMEALLOC_LIFETIMEBOUND {
        return basic_frame_map<K, V, Hash, Equal, Policy>(frame_source(record_), std::forward<Args>(args)...);
    }
    template <class K, class V, class Hash = object::default_hash<K>, class Equal = object::default_equal<K>>
    auto map(std::initializer_list<std::pair<const K, V>> l, const Hash& hash = Hash(),
             const Equal& equal = Equal()) const FRAMEALLOC_LIFETIMEBOUND {
        return basic_frame_map<K, V, Hash, Equal, Policy>(frame_source(record_), l, hash, equal);
    }
    template <class K, class V, class Hash = object::default_hash<K>, class Equal = object::default_equal<K>,
              class... Args>
        requires object::makes<basic_frame_map<K, V, Hash, Equal, Policy>, frame_source, Args...>
    [[nodiscard]] auto try_map(Args&&... args) const FRAMEALLOC_LIFETIMEBOUND {
        return basic_frame_map<K, V, Hash, Equal, Policy>::try_make(frame_source(record_), std::forward<Args>(args)...);
    }
    template <class K, class V, class Hash = object::default_hash<K>, class Equal = object::default_equal<K>>
    [[nodiscard]] auto try_map(std::initializer_list<std::pair<const K, V>> l, const Hash& hash = Hash(),
                               const Equal& equal = Equal()) const FRAMEALLOC_LIFETIMEBOUND {
        return basic_frame_map<K, V, Hash, Equal, Policy>::try_make(frame_source(record_), l, hash, equal);
    }
    basic_frame_string<Policy> string(std::string_view text = {}) const FRAMEALLOC_LIFETIMEBOUND {
        return basic_frame_string<Policy>(frame_source(record_), text);
    }
    template <class... Args>
        requires object::makes<basic_frame_string<Policy>, frame_source, Args...>
    basic_frame_string<Policy> string(Args&&... args) const FRAMEALLOC_LIFETIMEBOUND {
        return basic_frame_string<Policy>(frame_source(record_), std::forward<Args>(args)...);
    }
    basic_frame_string<Policy> string(std::size_t n, char c) const FRAMEALLOC_LIFETIMEBOUND {
        return basic_frame_string<Policy>(frame_source(record_), n, c);
    }
    [[nodiscard]] basic_frame_string<Policy> try_string(std::string_view text = {}) const FRAMEALLOC_LIFETIMEBOUND {
        return basic_frame_string<Policy>::try_make(frame_source(record_), text);
    }
    template <class... Args>
        requires object::makes<basic_frame_string<Policy>, frame_source, Args...>
    [[nodiscard]] basic_frame_string<Policy> try_string(Args&&... args) const FRAMEALLOC_LIFETIMEBOUND {
        return basic_frame_string<Policy>::try_make(frame_source(record_), std::forward<Args>(args)...);
    }
    [[nodiscard]] basic_frame_string<Policy> try_string(std::size_t n, char c) const FRAMEALLOC_LIFETIMEBOUND {
        return basic_frame_string<Policy>::try_make(frame_source(record_), n, c);
    }

    // --- for other containers ---
    std::pmr::memory_resource* resource() const FRAMEALLOC_LIFETIMEBOUND { return object::frame_resource(record_); }
    allocator_ref ref() const noexcept FRAMEALLOC_LIFETIMEBOUND { return frame_source(record_); }
    template <class Source>
        requires std::is_same_v<Source, frame_source>
    frame_source source() const noexcept {
        return frame_source(record_);
    }

    // Keeps this frame's memory beyond its end, until the hold is released. Of an inner frame too.
    [[nodiscard]] frame_hold hold(const char* name) const { return frame_hold(*record_, name); }

private:
    FRAMEALLOC_INLINE static memory::frame_record* open(const memory::core_ref& a, const site_type& s) noexcept {
        const runtime::located<site_type> call(a, s);
        return lifetime::open_frame(memory::top_record(a));
    }
    // For members that are inlined into the user's code and do not know their line.
    FRAMEALLOC_INLINE auto here() const noexcept {
        if constexpr (Policy::checks) return note(memory::calling_code());
        else return record_;
    }
    FRAMEALLOC_INLINE auto note(const site_type& s) const noexcept {
        if constexpr (Policy::checks) return runtime::noted_call<memory::frame_record*>(record_, record_->context, s);
        else return record_;
    }

    mutable memory::frame_record* record_;  // never another: see slow_allocation
};

// basic_frame_scope frame{alloc}: with the policy of its allocator.
template <class Policy>
explicit basic_frame_scope(const basic_smart_alloc<Policy>&) -> basic_frame_scope<Policy>;

using frame_scope = basic_frame_scope<active_policy>;

}  // namespace framealloc::inline v1
