// The front door: one handle to frames, pools, the heap, tags, phases, checkpoints and statistics.
//
//   fa::smart_alloc alloc;
//   alloc.begin_frame();
//   auto hits = alloc.frame_vec<hit>();
//   alloc.end_frame();
//
// Copying the handle shares the allocator; two smart_allocs made separately share nothing. All members are const, so
// that a captured copy can open frames. Every x() has a try_x() that never calls the exhaustion handler.
// Threads: any number may use copies of one handle. Frames, scopes and frame containers belong to the thread that made
// them; pool and heap blocks may be freed on any thread.
// Cost: frame_alloc<T> takes at most 10 instructions, begin_frame with end_frame at most 36, pool_alloc with pool_free
// at most 26 (bench/instructions reproduces them).
#pragma once

#include <string_view>

#include <framealloc/base/capability.hpp>
#include <framealloc/insight/print.hpp>
#include <framealloc/lifetime/barrier.hpp>
#include <framealloc/lifetime/checkpoint.hpp>
#include <framealloc/lifetime/modules.hpp>
#include <framealloc/object/shared.hpp>
#include <framealloc/object/transfer.hpp>
#include <framealloc/probe/front.hpp>
#include <framealloc/runtime/context_scope.hpp>
#include <framealloc/runtime/frame_scope.hpp>
#include <framealloc/runtime/options.hpp>
#include <framealloc/runtime/parked_context.hpp>
#include <framealloc/runtime/tag_scope.hpp>

namespace framealloc::inline v1 {

namespace runtime {

void begin_phase(memory::thread_context& c, tag_account* phase) noexcept;
void end_phase(memory::thread_context& c) noexcept;

}  // namespace runtime

template <class Policy>
class basic_smart_alloc {
    using site_type = typename Policy::site_type;
    static constexpr auto must = memory::on_failure::ask_handler;
    static constexpr auto may_fail = memory::on_failure::return_null;
    template <class T>
    using frame_vec_type = basic_vec<T, framealloc::frame_source, Policy>;
    template <class T>
    using pool_vec_type = basic_vec<T, pool_source, Policy>;
    template <class T>
    using heap_vec_type = basic_vec<T, heap_source, Policy>;

public:
    using policy_type = Policy;

    // Held while a frame of this allocator is open; see base/capability.hpp.
    [[no_unique_address]] frame_capability frame{};

    basic_smart_alloc() noexcept : basic_smart_alloc(options{}) {}
    explicit basic_smart_alloc(const options& o) noexcept
        : owner_(runtime::open(runtime::to_config(o, Policy::checks))) {}
    basic_smart_alloc(const basic_smart_alloc& other) noexcept : owner_(other.owner_) { memory::retain_core(owner_); }
    basic_smart_alloc& operator=(const basic_smart_alloc& other) noexcept {
        memory::retain_core(other.owner_);
        memory::release_core(owner_);
        owner_ = other.owner_;
        return *this;
    }
    ~basic_smart_alloc() { memory::release_core(owner_); }
    friend bool operator==(const basic_smart_alloc& a, const basic_smart_alloc& b) noexcept {
        return a.owner_.id == b.owner_.id;
    }

    // --- frames ---
    FRAMEALLOC_INLINE void begin_frame(site_type s = site_type::here()) const noexcept
        FRAMEALLOC_ANALYSED(acquire_capability(FRAMEALLOC_FRAME_AND_ANY(frame)))
            FRAMEALLOC_ANALYSED(no_thread_safety_analysis) {
        const located call(owner_, s);
        lifetime::open_frame(memory::top_record(owner_));
    }
    FRAMEALLOC_INLINE void end_frame(site_type s = site_type::here()) const noexcept
        FRAMEALLOC_ANALYSED(release_capability(FRAMEALLOC_FRAME_AND_ANY(frame)))
            FRAMEALLOC_ANALYSED(no_thread_safety_analysis) {
        const located call(owner_, s);
        lifetime::close_top_frame(memory::top_record(owner_));
    }
    [[nodiscard]] FRAMEALLOC_INLINE basic_frame_scope<Policy> frame_scope(site_type s = site_type::here())
        const noexcept FRAMEALLOC_ANALYSED(acquire_capability(FRAMEALLOC_FRAME_AND_ANY(frame)))
            FRAMEALLOC_ANALYSED(no_thread_safety_analysis) {
        return basic_frame_scope<Policy>(owner_, s);
    }
    // These, current_tag(), tag_path(), current_phase(), transfers() and lifecycle().is_enabled() may be called in a
    // signal handler.
    bool in_frame() const noexcept { return frame_depth() != 0; }
    std::size_t frame_depth() const noexcept {
        const memory::thread_context* c = memory::peek_context(owner_);
        return c == nullptr ? 0 : top_of(*c)->depth;
    }
    // Outermost frames this thread has begun.
    std::uint64_t frame_number() const noexcept {
        const memory::thread_context* c = memory::peek_context(owner_);
        return c == nullptr ? 0 : outermost_of(*c).generation;
    }

    // --- frame memory ---
    template <class T>
    [[nodiscard]] FRAMEALLOC_INLINE T* frame_alloc(site_type s = site_type::here()) const noexcept
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        const auto call = record(s);
        memory::frame_record* r = call;
        return runtime::allocate_object<T>(r, must);
    }
    template <class T>
    [[nodiscard]] T* try_frame_alloc(site_type s = site_type::here()) const noexcept
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        const auto call = try_record(s);
        memory::frame_record* r = call;
        return r == nullptr ? nullptr : runtime::allocate_object<T>(r, may_fail);
    }
    [[nodiscard, gnu::alloc_size(2)]] void* frame_alloc_bytes(std::size_t size,
                                                              std::size_t align = alignof(std::max_align_t),
                                                              site_type s = site_type::here()) const noexcept
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return size == 0 ? nullptr : lifetime::allocate(record(s), size, align, must);
    }
    [[nodiscard, gnu::alloc_size(2)]] void* try_frame_alloc_bytes(std::size_t size,
                                                                  std::size_t align = alignof(std::max_align_t),
                                                                  site_type s = site_type::here()) const noexcept
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        const auto call = try_record(s);
        memory::frame_record* r = call;
        return size == 0 || r == nullptr ? nullptr : lifetime::allocate(r, size, align, may_fail);
    }
    template <class T>
    [[nodiscard]] FRAMEALLOC_INLINE std::span<T> frame_alloc_batch(std::size_t n,
                                                                   site_type s = site_type::here()) const noexcept
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return runtime::allocate_batch<T>(record(s), n, must);
    }
    template <class T>
    [[nodiscard]] std::span<T> try_frame_alloc_batch(std::size_t n, site_type s = site_type::here()) const noexcept
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        const auto call = try_record(s);
        memory::frame_record* r = call;
        return r == nullptr ? std::span<T>{} : runtime::allocate_batch<T>(r, n, may_fail);
    }
    // A std::span<T, N> that structured bindings take apart.
    template <class T, std::size_t N>
    [[nodiscard]] FRAMEALLOC_INLINE fixed_span<T, N> frame_alloc_n(site_type s = site_type::here()) const noexcept
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        static_assert(object::implicit_lifetime<T> && N > 0, "use frame_slice for types that need construction");
        return fixed_span<T, N>(static_cast<T*>(lifetime::allocate<sizeof(T) * N, alignof(T)>(record(s), must)));
    }
    // Returns null when exhausted: a span of fixed extent has no empty value.
    template <class T, std::size_t N>
    [[nodiscard]] T* try_frame_alloc_n(site_type s = site_type::here()) const noexcept
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        static_assert(object::implicit_lifetime<T> && N > 0, "use frame_slice for types that need construction");
        const auto call = try_record(s);
        memory::frame_record* r = call;
        return r == nullptr ? nullptr : static_cast<T*>(lifetime::allocate<sizeof(T) * N, alignof(T)>(r, may_fail));
    }
    template <class T, class... Args>
    FRAMEALLOC_INLINE T* frame_make(Args&&... args) const FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return object::make_in_frame<T>(record_here(), must, std::forward<Args>(args)...);
    }
    template <class T, class... Args>
    [[nodiscard]] FRAMEALLOC_INLINE T* try_frame_make(Args&&... args) const
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        const auto call = try_record_here();
        memory::frame_record* r = call;
        return r == nullptr ? nullptr : object::make_in_frame<T>(r, may_fail, std::forward<Args>(args)...);
    }
    template <class T = runtime::deduced, class... Args>
    FRAMEALLOC_INLINE auto frame_box(Args&&... args) const FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return basic_frame_box<runtime::boxed_type_t<T, Args...>, Policy>::make(record_here(), must,
                                                                                std::forward<Args>(args)...);
    }
    template <class T = runtime::deduced, class... Args>
    [[nodiscard]] FRAMEALLOC_INLINE auto try_frame_box(Args&&... args) const
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        using box = basic_frame_box<runtime::boxed_type_t<T, Args...>, Policy>;
        const auto call = try_record_here();
        memory::frame_record* r = call;
        return r == nullptr ? box{} : box::make(r, may_fail, std::forward<Args>(args)...);
    }
    template <class T>
    std::span<T> frame_slice(std::size_t n, site_type s = site_type::here()) const
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return object::make_array<T>(record(s), n, must);
    }
    template <class T>
    [[nodiscard]] std::span<T> try_frame_slice(std::size_t n, site_type s = site_type::here()) const
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        const auto call = try_record(s);
        memory::frame_record* r = call;
        return r == nullptr ? std::span<T>{} : object::make_array<T>(r, n, may_fail);
    }
    // Empty, or of capacity(n), count(n), n elements, n copies, an initialiser list or a range.
    template <class T, class... Args>
        requires object::makes<frame_vec_type<T>, framealloc::frame_source, Args...>
    frame_vec_type<T> frame_vec(Args&&... args) const FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return frame_vec_type<T>(source<framealloc::frame_source>(), std::forward<Args>(args)...);
    }
    template <class T>
    frame_vec_type<T> frame_vec(std::size_t n) const FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return frame_vec_type<T>(source<framealloc::frame_source>(), n);
    }
    template <class T>
    frame_vec_type<T> frame_vec(std::size_t n, const std::type_identity_t<T>& v) const
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return frame_vec_type<T>(source<framealloc::frame_source>(), n, v);
    }
    template <class T>
    frame_vec_type<T> frame_vec(std::initializer_list<T> l) const FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return frame_vec_type<T>(source<framealloc::frame_source>(), l);
    }
    // Empty when memory is exhausted; so are all of these.
    template <class T>
    [[nodiscard]] frame_vec_type<T> try_frame_vec(std::size_t n) const FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return try_frame_vec<T>(framealloc::count(n));
    }
    template <class T, class... Args>
        requires object::makes<frame_vec_type<T>, framealloc::frame_source, Args...>
    [[nodiscard]] frame_vec_type<T> try_frame_vec(Args&&... args) const
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return try_made_in_frame<frame_vec_type<T>>(std::forward<Args>(args)...);
    }
    template <class T>
    [[nodiscard]] frame_vec_type<T> try_frame_vec(std::initializer_list<T> l) const
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return try_frame_vec<T>(l.begin(), l.end());
    }
    template <class K, class V, class Hash = object::default_hash<K>, class Equal = object::default_equal<K>,
              class... Args>
        requires object::makes<basic_frame_map<K, V, Hash, Equal, Policy>, framealloc::frame_source, Args...>
    auto frame_map(Args&&... args) const FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return basic_frame_map<K, V, Hash, Equal, Policy>(source<framealloc::frame_source>(),
                                                          std::forward<Args>(args)...);
    }
    template <class K, class V, class Hash = object::default_hash<K>, class Equal = object::default_equal<K>>
    auto frame_map(std::initializer_list<std::pair<const K, V>> l, const Hash& hash = Hash(),
                   const Equal& equal = Equal()) const FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return basic_frame_map<K, V, Hash, Equal, Policy>(source<framealloc::frame_source>(), l, hash, equal);
    }
    template <class K, class V, class Hash = object::default_hash<K>, class Equal = object::default_equal<K>,
              class... Args>
        requires object::makes<basic_frame_map<K, V, Hash, Equal, Policy>, framealloc::frame_source, Args...>
    [[nodiscard]] auto try_frame_map(Args&&... args) const FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return try_made_in_frame<basic_frame_map<K, V, Hash, Equal, Policy>>(std::forward<Args>(args)...);
    }
    template <class K, class V, class Hash = object::default_hash<K>, class Equal = object::default_equal<K>>
    [[nodiscard]] auto try_frame_map(std::initializer_list<std::pair<const K, V>> l, const Hash& hash = Hash(),
                                     const Equal& equal = Equal()) const
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return try_made_in_frame<basic_frame_map<K, V, Hash, Equal, Policy>>(l, hash, equal);
    }
    basic_frame_string<Policy> frame_string(std::string_view text = {}) const
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return basic_frame_string<Policy>(source<framealloc::frame_source>(), text);
    }
    template <class... Args>
        requires object::makes<basic_frame_string<Policy>, framealloc::frame_source, Args...>
    basic_frame_string<Policy> frame_string(Args&&... args) const FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return basic_frame_string<Policy>(source<framealloc::frame_source>(), std::forward<Args>(args)...);
    }
    basic_frame_string<Policy> frame_string(std::size_t n, char c) const
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return basic_frame_string<Policy>(source<framealloc::frame_source>(), n, c);
    }
    [[nodiscard]] basic_frame_string<Policy> try_frame_string(std::string_view text = {}) const
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return try_made_in_frame<basic_frame_string<Policy>>(text);
    }
    template <class... Args>
        requires object::makes<basic_frame_string<Policy>, framealloc::frame_source, Args...>
    [[nodiscard]] basic_frame_string<Policy> try_frame_string(Args&&... args) const
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return try_made_in_frame<basic_frame_string<Policy>>(std::forward<Args>(args)...);
    }
    [[nodiscard]] basic_frame_string<Policy> try_frame_string(std::size_t n, char c) const
        FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return try_made_in_frame<basic_frame_string<Policy>>(n, c);
    }
    std::pmr::memory_resource* frame_resource() const FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return object::frame_resource(record());
    }
    allocator_ref frame_ref() const noexcept FRAMEALLOC_ANALYSED(requires_capability(frame)) {
        return source<framealloc::frame_source>();
    }

    // --- pool ---
    template <class T>
    [[nodiscard]] FRAMEALLOC_INLINE T* pool_alloc(site_type s = site_type::here()) const noexcept {
        static_assert(object::implicit_lifetime<T>,
                      "this type needs construction: use pool_box, or pool_alloc_bytes and placement new");
        constexpr unsigned k = memory::class_for(sizeof(T), alignof(T));
        if constexpr (k == memory::no_class)
            return static_cast<T*>(memory::heap_allocate(noted(s), sizeof(T), alignof(T), must));
        else
            return static_cast<T*>(memory::pool_allocate(*static_cast<memory::thread_context*>(context(s)),
                                                         memory_kind::pool, k, sizeof(T), must));
    }
    template <class T>
    [[nodiscard]] T* try_pool_alloc(site_type s = site_type::here()) const noexcept {
        static_assert(object::implicit_lifetime<T>,
                      "this type needs construction: use pool_box, or pool_alloc_bytes and placement new");
        return static_cast<T*>(memory::pool_allocate_bytes(noted(s), sizeof(T), alignof(T), may_fail));
    }
    // Gives the memory back; runs no destructor. Null is nothing.
    template <class T>
    FRAMEALLOC_INLINE void pool_free(T* p, site_type s = site_type::here()) const noexcept {
        if constexpr (Policy::checks) memory::guarded_free(owner_, memory_kind::pool, p, sizeof(T), alignof(T), s);
        else if constexpr (memory::class_for(sizeof(T), alignof(T)) != memory::no_class) {
            if (p != nullptr) memory::pool_free(p);
        } else {
            memory::heap_free(owner_, p, sizeof(T), alignof(T));
        }
    }
    [[nodiscard, gnu::alloc_size(2)]] void* pool_alloc_bytes(std::size_t size,
                                                             std::size_t align = alignof(std::max_align_t),
                                                             site_type s = site_type::here()) const noexcept {
        return size == 0 ? nullptr : memory::pool_allocate_bytes(noted(s), size, align, must);
    }
    [[nodiscard, gnu::alloc_size(2)]] void* try_pool_alloc_bytes(std::size_t size,
                                                                 std::size_t align = alignof(std::max_align_t),
                                                                 site_type s = site_type::here()) const noexcept {
        return size == 0 ? nullptr : memory::pool_allocate_bytes(noted(s), size, align, may_fail);
    }
    void pool_free_bytes(void* p, std::size_t size, std::size_t align = alignof(std::max_align_t),
                         site_type s = site_type::here()) const noexcept {
        if constexpr (Policy::checks) memory::guarded_free(owner_, memory_kind::pool, p, size, align, s);
        else memory::pool_free_bytes(owner_, p, size, align);
    }
    template <class T = runtime::deduced, class... Args>
    FRAMEALLOC_INLINE auto pool_box(Args&&... args) const {
        return basic_pool_box<runtime::boxed_type_t<T, Args...>, Policy>::make(noted_here(), must,
                                                                               std::forward<Args>(args)...);
    }
    template <class T = runtime::deduced, class... Args>
    [[nodiscard]] FRAMEALLOC_INLINE auto try_pool_box(Args&&... args) const {
        return basic_pool_box<runtime::boxed_type_t<T, Args...>, Policy>::make(noted_here(), may_fail,
                                                                               std::forward<Args>(args)...);
    }
    template <class T = runtime::deduced, class... Args>
    FRAMEALLOC_INLINE auto pool_shared(Args&&... args) const {
        return basic_pool_shared<runtime::boxed_type_t<T, Args...>, Policy>::make(noted_here(), must,
                                                                                  std::forward<Args>(args)...);
    }
    template <class T = runtime::deduced, class... Args>
    [[nodiscard]] FRAMEALLOC_INLINE auto try_pool_shared(Args&&... args) const {
        return basic_pool_shared<runtime::boxed_type_t<T, Args...>, Policy>::make(noted_here(), may_fail,
                                                                                  std::forward<Args>(args)...);
    }
    // Empty, or of capacity(n), count(n), n elements, n copies, an initialiser list or a range.
    template <class T, class... Args>
        requires object::makes<pool_vec_type<T>, pool_source, Args...>
    pool_vec_type<T> pool_vec(Args&&... args) const {
        return pool_vec_type<T>(pool_source(owner_), std::forward<Args>(args)...);
    }
    template <class T>
    pool_vec_type<T> pool_vec(std::size_t n) const {
        return pool_vec_type<T>(pool_source(owner_), n);
    }
    template <class T>
    pool_vec_type<T> pool_vec(std::size_t n, const std::type_identity_t<T>& v) const {
        return pool_vec_type<T>(pool_source(owner_), n, v);
    }
    template <class T>
    pool_vec_type<T> pool_vec(std::initializer_list<T> l) const {
        return pool_vec_type<T>(pool_source(owner_), l);
    }
    template <class T>
    [[nodiscard]] pool_vec_type<T> try_pool_vec(std::size_t n) const {
        return try_pool_vec<T>(framealloc::count(n));
    }
    template <class T, class... Args>
        requires object::makes<pool_vec_type<T>, pool_source, Args...>
    [[nodiscard]] pool_vec_type<T> try_pool_vec(Args&&... args) const {
        return pool_vec_type<T>::try_make(pool_source(owner_), std::forward<Args>(args)...);
    }
    template <class T>
    [[nodiscard]] pool_vec_type<T> try_pool_vec(std::initializer_list<T> l) const {
        return try_pool_vec<T>(l.begin(), l.end());
    }
    std::pmr::memory_resource* pool_resource() const noexcept { return object::pool_resource(owner_); }
    allocator_ref pool_ref() const noexcept { return pool_source(owner_); }

    // --- transfer: results for other threads; see object/transfer.hpp ---
    template <class T = runtime::deduced, class... Args>
    auto frame_box_for_transfer(Args&&... args) const {
        return transfer_handle<runtime::boxed_type_t<T, Args...>>::make(owner_, must, std::forward<Args>(args)...);
    }
    template <class T = runtime::deduced, class... Args>
    [[nodiscard]] auto try_frame_box_for_transfer(Args&&... args) const {
        return transfer_handle<runtime::boxed_type_t<T, Args...>>::make(owner_, may_fail, std::forward<Args>(args)...);
    }
    // The value of an existing box is moved out of its frame, as a T. An empty box gives an empty handle.
    template <class T>
    transfer_handle<T> frame_box_for_transfer(basic_frame_box<T, Policy>&& box) const {
        static_assert(!std::is_array_v<T>, "use frame_span_for_transfer, and move the elements into its span");
        if (!box) return {};
        auto h = transfer_handle<T>::make(owner_, must, std::move(*box));
        box = {};
        return h;
    }
    // n value-initialised elements, to be filled and sent.
    template <class T>
    transfer_span<T> frame_span_for_transfer(std::size_t n) const {
        return transfer_span<T>::make(owner_, n, must);
    }
    template <class T>
    [[nodiscard]] transfer_span<T> try_frame_span_for_transfer(std::size_t n) const {
        return transfer_span<T>::make(owner_, n, may_fail);
    }
    transfer_stats transfers() const noexcept { return object::transfer_stats_of(*owner_.owner); }

    // --- blocks freed on other threads; see memory/deferred.hpp ---
    // For blocks of the calling thread. What only asks or gives back takes no memory, here and below: a thread that has
    // not met the allocator has nothing of it, and no limits of its own.
    void set_deferred(const deferred_config& d) const noexcept { memory::set_deferred(*memory::context_of(owner_), d); }
    deferred_stats deferred() const noexcept { return memory::stats_of_deferred(owner_); }
    // Takes back at least `max` blocks of the calling thread, if as many wait (whole pages: it may be more), and hands
    // over what it freed itself. Returns how many came back.
    std::size_t process_deferred_frees(std::size_t max = memory::all_blocks) const noexcept {
        return memory::process_deferred(owner_, max);
    }

    // --- budgets of the calling thread; bytes, 0: none; see account/budget.hpp ---
    void set_thread_frame_budget(std::size_t bytes) const noexcept {
        memory::set_budget(*memory::context_of(owner_), memory_kind::frame, bytes);
    }
    void set_thread_pool_budget(std::size_t bytes) const noexcept {
        memory::set_budget(*memory::context_of(owner_), memory_kind::pool, bytes);
    }
    // The handler also hears of warnings, at `warn_percent` of a budget. It is kept as fa::callback says, until the
    // next call or the thread's end.
    void on_budget_exceeded(budget_policy policy, budget_handler handler = {},
                            unsigned warn_percent = 80) const noexcept {
        memory::set_budget_policy(*memory::context_of(owner_), policy, warn_percent, handler);
    }
    // Bytes until frame_limit or the frame budget is reached; the largest size_t when there is neither.
    std::size_t frame_remaining() const noexcept { return memory::frame_remaining(owner_); }
    budget_stats thread_budget() const noexcept { return memory::budget_stats_of(owner_); }

    // --- heap ---
    template <class T>
    [[nodiscard]] T* heap_alloc(site_type s = site_type::here()) const noexcept {
        static_assert(object::implicit_lifetime<T>,
                      "this type needs construction: use heap_box, or heap_alloc_bytes and placement new");
        return static_cast<T*>(memory::heap_allocate(noted(s), sizeof(T), alignof(T), must));
    }
    template <class T>
    [[nodiscard]] T* try_heap_alloc(site_type s = site_type::here()) const noexcept {
        static_assert(object::implicit_lifetime<T>,
                      "this type needs construction: use heap_box, or heap_alloc_bytes and placement new");
        return static_cast<T*>(memory::heap_allocate(noted(s), sizeof(T), alignof(T), may_fail));
    }
    // Gives the memory back; runs no destructor. Null is nothing.
    template <class T>
    void heap_free(T* p, site_type s = site_type::here()) const noexcept {
        heap_free_bytes(p, sizeof(T), alignof(T), s);
    }
    [[nodiscard, gnu::alloc_size(2)]] void* heap_alloc_bytes(std::size_t size,
                                                             std::size_t align = alignof(std::max_align_t),
                                                             site_type s = site_type::here()) const noexcept {
        return size == 0 ? nullptr : memory::heap_allocate(noted(s), size, align, must);
    }
    [[nodiscard, gnu::alloc_size(2)]] void* try_heap_alloc_bytes(std::size_t size,
                                                                 std::size_t align = alignof(std::max_align_t),
                                                                 site_type s = site_type::here()) const noexcept {
        return size == 0 ? nullptr : memory::heap_allocate(noted(s), size, align, may_fail);
    }
    void heap_free_bytes(void* p, std::size_t size, std::size_t align = alignof(std::max_align_t),
                         site_type s = site_type::here()) const noexcept {
        if constexpr (Policy::checks) memory::guarded_free(owner_, memory_kind::heap, p, size, align, s);
        else memory::heap_free(owner_, p, size, align);
    }
    template <class T = runtime::deduced, class... Args>
    FRAMEALLOC_INLINE auto heap_box(Args&&... args) const {
        return basic_heap_box<runtime::boxed_type_t<T, Args...>, Policy>::make(noted_here(), must,
                                                                               std::forward<Args>(args)...);
    }
    template <class T = runtime::deduced, class... Args>
    [[nodiscard]] FRAMEALLOC_INLINE auto try_heap_box(Args&&... args) const {
        return basic_heap_box<runtime::boxed_type_t<T, Args...>, Policy>::make(noted_here(), may_fail,
                                                                               std::forward<Args>(args)...);
    }
    // Empty, or of capacity(n), count(n), n elements, n copies, an initialiser list or a range.
    template <class T, class... Args>
        requires object::makes<heap_vec_type<T>, heap_source, Args...>
    heap_vec_type<T> heap_vec(Args&&... args) const {
        return heap_vec_type<T>(heap_source(owner_), std::forward<Args>(args)...);
    }
    template <class T>
    heap_vec_type<T> heap_vec(std::size_t n) const {
        return heap_vec_type<T>(heap_source(owner_), n);
    }
    template <class T>
    heap_vec_type<T> heap_vec(std::size_t n, const std::type_identity_t<T>& v) const {
        return heap_vec_type<T>(heap_source(owner_), n, v);
    }
    template <class T>
    heap_vec_type<T> heap_vec(std::initializer_list<T> l) const {
        return heap_vec_type<T>(heap_source(owner_), l);
    }
    template <class T>
    [[nodiscard]] heap_vec_type<T> try_heap_vec(std::size_t n) const {
        return try_heap_vec<T>(framealloc::count(n));
    }
    template <class T, class... Args>
        requires object::makes<heap_vec_type<T>, heap_source, Args...>
    [[nodiscard]] heap_vec_type<T> try_heap_vec(Args&&... args) const {
        return heap_vec_type<T>::try_make(heap_source(owner_), std::forward<Args>(args)...);
    }
    template <class T>
    [[nodiscard]] heap_vec_type<T> try_heap_vec(std::initializer_list<T> l) const {
        return try_heap_vec<T>(l.begin(), l.end());
    }
    std::pmr::memory_resource* heap_resource() const noexcept { return object::heap_resource(owner_); }
    allocator_ref heap_ref() const noexcept { return heap_source(owner_); }

    // --- tags: `name` is a fa::tag or a name below the current tag; calls f(alloc), or f() ---
    template <class F>
    FRAMEALLOC_INLINE decltype(auto) with_tag(const tag& name, F&& f) const {
        const tag_scope scope(*this, name);
        if constexpr (std::is_invocable_v<F, const basic_smart_alloc&>) return static_cast<F&&>(f)(*this);
        else return static_cast<F&&>(f)();
    }
    template <class F>
    FRAMEALLOC_INLINE decltype(auto) with_tag(std::string_view name, F&& f) const {
        const tag_scope scope(*this, name);
        if constexpr (std::is_invocable_v<F, const basic_smart_alloc&>) return static_cast<F&&>(f)(*this);
        else return static_cast<F&&>(f)();
    }
    // "solver"; empty when no tag is open. The text lives as long as the allocator.
    std::string_view current_tag() const noexcept {
        const memory::thread_context* c = memory::peek_context(owner_);
        return c == nullptr ? std::string_view{} : std::string_view{c->tag()->node->name(), c->tag()->node->length};
    }
    // "physics::solver"
    std::string_view tag_path() const noexcept {
        const memory::thread_context* c = memory::peek_context(owner_);
        return c == nullptr ? std::string_view{} : path_of(c->tag());
    }
    // Zero for a tag nobody opened. A name is a path from the root, "physics::solver".
    framealloc::tag_stats tag_stats(std::string_view path) const noexcept {
        return insight::tag_stats_of(owner_, path);
    }
    framealloc::tag_stats tag_stats(const tag& t) const noexcept { return insight::tag_stats_of(owner_, t); }

    // The calling thread's tag, phase and budgets, for a job on another thread; see runtime/context_scope.hpp.
    alloc_context context() const noexcept { return alloc_context(*memory::context_of(owner_)); }

    // The calling thread's frames, tags and arena, for another thread; see runtime/parked_context.hpp.
    [[nodiscard]] parked_context park() const noexcept { return parked_context(owner_); }
    // Returns false, and leaves the context parked, after FA212.
    bool resume(parked_context&& p) const noexcept { return p.resume(owner_); }

    // --- phases ---
    void begin_phase(const tag& name, site_type s = site_type::here()) const noexcept {
        const located call(owner_, s);
        memory::thread_context& c = *memory::context_of(owner_);
        runtime::begin_phase(c, runtime::account_of(c, name));
    }
    void begin_phase(std::string_view name, site_type s = site_type::here()) const noexcept {
        const located call(owner_, s);
        memory::thread_context& c = *memory::context_of(owner_);
        runtime::begin_phase(c, runtime::find_account(c, root_account(c), name));
    }
    void end_phase(site_type s = site_type::here()) const noexcept {
        const located call(owner_, s);
        runtime::end_phase(*memory::context_of(owner_));
    }
    std::string_view current_phase() const noexcept {
        const memory::thread_context* c = memory::peek_context(owner_);
        return c == nullptr ? std::string_view{} : path_of(c->phase());
    }
    // Of this thread's last finished outermost frame; valid until its next one ends.
    std::span<const framealloc::phase_stats> phase_stats() const noexcept { return insight::phase_stats_of(owner_); }

    // --- checkpoints ---
    [[nodiscard]] framealloc::frame_checkpoint frame_checkpoint() const noexcept {
        return take_checkpoint(*memory::context_of(owner_));
    }
    // Returns false, after FA427, when the checkpoint is stale or of another frame.
    bool rollback_to(const framealloc::frame_checkpoint& cp, site_type s = site_type::here()) const noexcept {
        const located call(owner_, s);
        return roll_back(*memory::context_of(owner_), cp);
    }
    [[nodiscard]] framealloc::checkpoint_guard checkpoint_guard() const noexcept {
        return framealloc::checkpoint_guard(*memory::context_of(owner_));
    }
    // Calls f(), or f(alloc). Rolls back when its result is false (a bool, an optional, a pointer) or when it throws,
    // and returns the result; a void f commits.
    template <class F>
    FRAMEALLOC_INLINE auto speculative(F&& f) const {
        framealloc::checkpoint_guard guard(*memory::context_of(owner_));
        auto call = [&]() -> decltype(auto) {
            if constexpr (std::is_invocable_v<F&, const basic_smart_alloc&>) return f(*this);
            else return f();
        };
        if constexpr (std::is_void_v<decltype(call())>) {
            call();
            guard.commit();
        } else {
            auto result = call();
            if (static_cast<bool>(result)) guard.commit();
            return result;
        }
    }

    // --- seeing ---
    alloc_stats stats() const noexcept { return insight::stats_of(owner_); }
    void reset_stats() const noexcept { insight::reset_stats(owner_); }
    framealloc::frame_stats frame_stats() const noexcept { return insight::frame_stats_of(owner_); }
    // Counts frame allocations, on other threads from their next outermost frame on: they take the slow path meanwhile.
    void count_allocations(bool on) const noexcept { insight::count_allocations(owner_, on); }
    // What happens, event by event; see insight/lifecycle.hpp.
    framealloc::lifecycle lifecycle() const noexcept { return framealloc::lifecycle(owner_); }

    // Looks at every guarded block and at what was freed lately, and raises what is wrong. Returns how many faults; 0
    // where nothing is guarded. Threads: other threads must not write to pool and heap blocks meanwhile, nor free or
    // resize any.
    std::size_t check() const noexcept { return memory::check_everything(owner_); }

    // --- memory ---
    // Returns what this thread, ended threads and the allocator itself do not use to the page source.
    void trim() const noexcept { memory::trim(*owner_.owner); }
    // Before dlclose(): destroys what this thread's frames hold of the module's types, newest first, and returns how
    // many; what other threads' frames hold of them is not destroyed when they end: FA214 names the module. Tag names
    // stay.
    std::size_t release_module(void* handle) const noexcept { return lifetime::release_module(owner_, handle); }
    // From now on a page request is exhaustion.
    void seal() const noexcept { ledger_of(*owner_.owner).seal(); }

    // --- for scopes, allocators and own containers ---
    const memory::core_ref& owner() const noexcept FRAMEALLOC_LIFETIMEBOUND { return owner_; }
    template <class Source>
    FRAMEALLOC_INLINE Source source() const noexcept {
        if constexpr (std::is_same_v<Source, framealloc::frame_source>) return Source(memory::top_record(owner_));
        else return Source(owner_);
    }

private:
    using located = runtime::located<site_type>;
    static std::string_view path_of(const memory::tag_account* a) noexcept {
        return {a->node->path, a->node->path_length};
    }
    template <class Needed>
    FRAMEALLOC_INLINE static auto noted(Needed needed, [[maybe_unused]] memory::thread_context* c,
                                        [[maybe_unused]] const site_type& s) noexcept {
        if constexpr (Policy::checks) return runtime::noted_call<Needed>(needed, c, s);
        else return needed;
    }
    FRAMEALLOC_INLINE auto context(const site_type& s) const noexcept {
        memory::thread_context* c = memory::context_of(owner_);
        return noted(c, c, s);
    }
    FRAMEALLOC_INLINE auto noted(const site_type& s) const noexcept {
        if constexpr (Policy::checks) return noted(owner_, memory::try_context_of(owner_), s);
        else return owner_;
    }
    FRAMEALLOC_INLINE auto record(const site_type& s) const noexcept {
        memory::frame_record* r = record();
        return noted(r, r->context, s);
    }
    FRAMEALLOC_INLINE auto try_record(const site_type& s) const noexcept {
        memory::frame_record* r = try_record();
        return noted(r, r == nullptr ? nullptr : r->context, s);
    }
    // For members that are inlined into the user's code and do not know their line.
    FRAMEALLOC_INLINE auto record_here() const noexcept {
        if constexpr (Policy::checks) return record(memory::calling_code());
        else return record();
    }
    FRAMEALLOC_INLINE auto try_record_here() const noexcept {
        if constexpr (Policy::checks) return try_record(memory::calling_code());
        else return try_record();
    }
    FRAMEALLOC_INLINE auto noted_here() const noexcept {
        if constexpr (Policy::checks) return noted(memory::calling_code());
        else return owner_;
    }
    // Empty when memory is exhausted.
    template <class C, class... Args>
    C try_made_in_frame(Args&&... args) const {
        memory::frame_record* r = try_record();
        if (r == nullptr) return {};
        return C::try_make(framealloc::frame_source(r), std::forward<Args>(args)...);
    }
    FRAMEALLOC_INLINE memory::frame_record* record() const noexcept { return memory::top_record(owner_); }
    memory::frame_record* try_record() const noexcept {
        memory::thread_context* c = memory::try_context_of(owner_);
        return c == nullptr ? nullptr : top_of(*c);
    }

    memory::core_ref owner_;
};

using smart_alloc = basic_smart_alloc<active_policy>;

}  // namespace framealloc::inline v1
