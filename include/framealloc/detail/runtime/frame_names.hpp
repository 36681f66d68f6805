// The known names of frames: begin, end, and frame_x() for the word x in the frame that is open.
//
//   alloc.begin_frame();
//   auto hits = alloc.frame_vec<hit>();
//   alloc.end_frame();
//
// Each is a forward to detail/runtime/front.hpp. A frame_scope has the same words and looks nothing up.
// Threads: frames, and what is in them, belong to the thread that began them.
// Cost: frame_alloc<T> takes at most 10 instructions, begin_frame with end_frame at most 36.
#pragma once

#include <framealloc/runtime/frame_scope.hpp>

namespace framealloc::inline v1 {

// `Alloc` is the smart_alloc that has these names.
template <class Alloc, class Policy>
class frame_names {
    using site_type = typename Policy::site_type;
    using words = runtime::newest_frame_words<Policy>;
    template <class T>
    using vec_of = typename words::template vec_type<T>;
    template <class K, class V, class Hash, class Equal>
    using map_of = typename words::template map_type<K, V, Hash, Equal>;
    using string_of = typename words::string_type;

public:
    // Held while a frame of this allocator is open; see base/capability.hpp.
    [[no_unique_address]] frame_capability frame{};

    // --- frames ---
    // Effects: begins a frame on the calling thread, and ends the newest one: what is in it is destroyed, newest
    // first, and its memory is free. end_frame() without a frame is FA428. On exhaustion: begin_frame() asks the
    // exhaustion handler, where the thread has no arena yet. Threads: frames belong to their thread. Cost: at most 36
    // instructions together, and the destructors.
    FRAMEALLOC_INLINE void begin_frame(site_type s = site_type::here()) const noexcept
        FRAMEALLOC_ANALYSED(acquire_capability(FRAMEALLOC_FRAME_AND_ANY(frame)))
            FRAMEALLOC_ANALYSED(no_thread_safety_analysis) {
        const runtime::located<site_type> call(owner(), s);
        lifetime::open_frame(memory::top_record(owner()));
    }
    FRAMEALLOC_INLINE void end_frame(site_type s = site_type::here()) const noexcept
        FRAMEALLOC_ANALYSED(release_capability(FRAMEALLOC_FRAME_AND_ANY(frame)))
            FRAMEALLOC_ANALYSED(no_thread_safety_analysis) {
        const runtime::located<site_type> call(owner(), s);
        lifetime::close_top_frame(memory::top_record(owner()));
    }
    // Effects: begins a frame, which the scope ends. Returns: the scope. On exhaustion: as begin_frame(). Threads: the
    // scope belongs to its thread. Cost: as begin_frame() and end_frame().
    [[nodiscard]] FRAMEALLOC_INLINE basic_frame_scope<Policy> frame_scope(site_type s = site_type::here())
        const noexcept FRAMEALLOC_ANALYSED(acquire_capability(FRAMEALLOC_FRAME_AND_ANY(frame)))
            FRAMEALLOC_ANALYSED(no_thread_safety_analysis) {
        return basic_frame_scope<Policy>(owner(), s);
    }
    // Returns: whether a frame is open on the calling thread, and how many are. Threads: these two, frame_number(),
    // current_tag(), tag_path(), current_phase(), transfers() and lifecycle().is_enabled() may be called in a signal
    // handler. Cost: O(1).
    bool in_frame() const noexcept { return frame_depth() != 0; }
    std::size_t frame_depth() const noexcept {
        const memory::thread_context* c = memory::peek_context(owner());
        return c == nullptr ? 0 : top_of(*c)->depth;
    }
    // Returns: how many outermost frames the calling thread has begun. Threads: as in_frame(). Cost: O(1).
    std::uint64_t frame_number() const noexcept {
        const memory::thread_context* c = memory::peek_context(owner());
        return c == nullptr ? 0 : outermost_of(*c).generation;
    }

    // --- frame memory ---
    // Each frame_x() and try_frame_x() is the word x of detail/runtime/arena_front.hpp, in the newest frame.
    // Requires: a frame is open; otherwise FA001, and the memory belongs to a frame that the next end_frame() ends.
    // Effects: those of the word. Returns: what the word does. On exhaustion: asks the exhaustion handler; a try_x()
    // returns null or what is empty, also where there is no memory to know the calling thread. Threads: the memory
    // belongs to the thread's frame. Cost: that of the word, and a look at the thread's slot: frame_alloc() takes at
    // most 10 instructions.
    template <class T>
    [[nodiscard]] FRAMEALLOC_INLINE T* frame_alloc(site_type s = site_type::here()) const noexcept
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().template alloc<T>(s);
    }
    template <class T>
    [[nodiscard]] T* try_frame_alloc(site_type s = site_type::here()) const noexcept
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().template try_alloc<T>(s);
    }
    [[nodiscard, gnu::alloc_size(2)]] void* frame_alloc_bytes(std::size_t size,
                                                              std::size_t align = alignof(std::max_align_t),
                                                              site_type s = site_type::here()) const noexcept
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().alloc_bytes(size, align, s);
    }
    [[nodiscard, gnu::alloc_size(2)]] void* try_frame_alloc_bytes(std::size_t size,
                                                                  std::size_t align = alignof(std::max_align_t),
                                                                  site_type s = site_type::here()) const noexcept
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().try_alloc_bytes(size, align, s);
    }
    template <class T>
    [[nodiscard]] FRAMEALLOC_INLINE std::span<T> frame_alloc_batch(std::size_t n,
                                                                   site_type s = site_type::here()) const noexcept
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().template batch<T>(n, s);
    }
    template <class T>
    [[nodiscard]] std::span<T> try_frame_alloc_batch(std::size_t n, site_type s = site_type::here()) const noexcept
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().template try_batch<T>(n, s);
    }
    template <class T, std::size_t N>
    [[nodiscard]] FRAMEALLOC_INLINE fixed_span<T, N> frame_alloc_n(site_type s = site_type::here()) const noexcept
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().template alloc_n<T, N>(s);
    }
    template <class T, std::size_t N>
    [[nodiscard]] T* try_frame_alloc_n(site_type s = site_type::here()) const noexcept
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().template try_alloc_n<T, N>(s);
    }
    template <class T, class... Args>
    FRAMEALLOC_INLINE T* frame_make(Args&&... args) const FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().template make<T>(std::forward<Args>(args)...);
    }
    template <class T, class... Args>
    [[nodiscard]] FRAMEALLOC_INLINE T* try_frame_make(Args&&... args) const
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().template try_make<T>(std::forward<Args>(args)...);
    }
    template <class T = runtime::deduced, class... Args>
    FRAMEALLOC_INLINE auto frame_box(Args&&... args) const FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().template box<T>(std::forward<Args>(args)...);
    }
    template <class T = runtime::deduced, class... Args>
    [[nodiscard]] FRAMEALLOC_INLINE auto try_frame_box(Args&&... args) const
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().template try_box<T>(std::forward<Args>(args)...);
    }
    template <class T>
    std::span<T> frame_slice(std::size_t n, site_type s = site_type::here()) const
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().template slice<T>(n, s);
    }
    template <class T>
    [[nodiscard]] std::span<T> try_frame_slice(std::size_t n, site_type s = site_type::here()) const
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().template try_slice<T>(n, s);
    }
    template <class T, class... Args>
        requires object::makes<vec_of<T>, framealloc::frame_source, Args...>
    vec_of<T> frame_vec(Args&&... args) const FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().template vec<T>(std::forward<Args>(args)...);
    }
    template <class T>
    vec_of<T> frame_vec(std::size_t n) const FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().template vec<T>(n);
    }
    template <class T>
    vec_of<T> frame_vec(std::size_t n, const std::type_identity_t<T>& v) const
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().template vec<T>(n, v);
    }
    template <class T>
    vec_of<T> frame_vec(std::initializer_list<T> l) const FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().template vec<T>(l);
    }
    template <class T>
    [[nodiscard]] vec_of<T> try_frame_vec(std::size_t n) const FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().template try_vec<T>(n);
    }
    template <class T, class... Args>
        requires object::makes<vec_of<T>, framealloc::frame_source, Args...>
    [[nodiscard]] vec_of<T> try_frame_vec(Args&&... args) const FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().template try_vec<T>(std::forward<Args>(args)...);
    }
    template <class T>
    [[nodiscard]] vec_of<T> try_frame_vec(std::initializer_list<T> l) const
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().template try_vec<T>(l);
    }
    template <class K, class V, class Hash = object::default_hash<K>, class Equal = object::default_equal<K>,
              class... Args>
        requires object::makes<map_of<K, V, Hash, Equal>, framealloc::frame_source, Args...>
    auto frame_map(Args&&... args) const FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().template map<K, V, Hash, Equal>(std::forward<Args>(args)...);
    }
    template <class K, class V, class Hash = object::default_hash<K>, class Equal = object::default_equal<K>>
    auto frame_map(std::initializer_list<std::pair<const K, V>> l, const Hash& hash = Hash(),
                   const Equal& equal = Equal()) const FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().template map<K, V, Hash, Equal>(l, hash, equal);
    }
    template <class K, class V, class Hash = object::default_hash<K>, class Equal = object::default_equal<K>,
              class... Args>
        requires object::makes<map_of<K, V, Hash, Equal>, framealloc::frame_source, Args...>
    [[nodiscard]] auto try_frame_map(Args&&... args) const FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().template try_map<K, V, Hash, Equal>(std::forward<Args>(args)...);
    }
    template <class K, class V, class Hash = object::default_hash<K>, class Equal = object::default_equal<K>>
    [[nodiscard]] auto try_frame_map(std::initializer_list<std::pair<const K, V>> l, const Hash& hash = Hash(),
                                     const Equal& equal = Equal()) const
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().template try_map<K, V, Hash, Equal>(l, hash, equal);
    }
    string_of frame_string(std::string_view text = {}) const FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().string(text);
    }
    template <class... Args>
        requires object::makes<string_of, framealloc::frame_source, Args...>
    string_of frame_string(Args&&... args) const FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().string(std::forward<Args>(args)...);
    }
    string_of frame_string(std::size_t n, char c) const FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().string(n, c);
    }
    string_of frame_string(std::initializer_list<char> l) const FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().string(l);
    }
    [[nodiscard]] string_of try_frame_string(std::string_view text = {}) const
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().try_string(text);
    }
    template <class... Args>
        requires object::makes<string_of, framealloc::frame_source, Args...>
    [[nodiscard]] string_of try_frame_string(Args&&... args) const FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().try_string(std::forward<Args>(args)...);
    }
    [[nodiscard]] string_of try_frame_string(std::size_t n, char c) const
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().try_string(n, c);
    }
    [[nodiscard]] string_of try_frame_string(std::initializer_list<char> l) const
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().try_string(l);
    }
    std::pmr::memory_resource* frame_resource() const FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return newest().resource();
    }
    allocator_ref frame_ref() const noexcept FRAMEALLOC_ANALYSED(requires_capability(frame)) { return newest().ref(); }

private:
    FRAMEALLOC_INLINE const memory::core_ref& owner() const noexcept {
        return static_cast<const Alloc&>(*this).owner();
    }
    FRAMEALLOC_INLINE front<words> newest() const noexcept { return front<words>(owner()); }
};

}  // namespace framealloc::inline v1
