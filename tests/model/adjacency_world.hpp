// The frames, checkpoints and holds of the owners, with whatever a feature switches on.
#pragma once

#include "adjacency.hpp"

namespace test::adjacency {

enum class handler { none, serves, refuses_some, allocates };

// Something that diverts allocations: options, and what can be switched on later.
struct feature {
    std::string name;
    fa::options options{.frame_capacity = 64_KiB};
    bool may_refuse = false;             // memory may be refused: only functions that can report it are called
    std::size_t frame_budget = 0, pool_budget = 0;
    fa::budget_policy policy = fa::budget_policy::warn;
    handler on_budget = handler::none;
    bool counts = false, watches = false, watcher_allocates = false, toggles = false;
    bool tags = false, looks = false, holds = false, parks = false, marks = false, context = false;
    bool outside = false;                // no frame is open: an implicit one serves
    std::size_t depth = 0;               // frames that are open before
    std::size_t page = 0;                // bytes of a custom page source's pages
    bool refuses_pages = false;          // now and then
    bool fixed_buffer = false;
    bool system_heap = false;            // options::heap
};

struct totals {
    std::size_t cells = 0, steps = 0, bytes = 0, sampled = 0, refused = 0, in_place = 0, moved = 0;
};

template <class P>
class world {
public:
    using scope_type = fa::basic_frame_scope<P>;
    using numbers = vec<std::uint32_t, fa::frame_source, P>;
    using wides = vec<wide, fa::frame_source, P>;
    using trackeds = vec<tracked, fa::frame_source, P>;
    using pool_numbers = vec<std::uint32_t, fa::pool_source, P>;
    using heap_numbers = vec<std::uint32_t, fa::heap_source, P>;
    using pmr_numbers = standard<std::pmr::polymorphic_allocator<std::uint32_t>>;
    using standard_numbers = standard<fa::frame_allocator<std::uint32_t>>;

    world(const feature& f, std::uint64_t seed, totals& t)
        : feature_(f), totals_(t), random_{seed}, pages_(f.page == 0 ? 4096 : f.page), alloc_(options()) {
        if (f.policy != fa::budget_policy::warn || f.frame_budget != 0 || f.pool_budget != 0) set_budgets(true);
        if (f.counts) alloc_->count_allocations(true);
        if (f.watches) watch(true);
        frames_.emplace_back();  // outside all frames
        for (std::size_t i = 0; i < f.depth; ++i) open();
        if (!f.outside && f.depth == 0) open();
    }
    ~world() {
        while (!finished_ && !frames_.empty()) frames_.pop_back();  // after a failure, best effort
    }
    world(const world&) = delete;
    world& operator=(const world&) = delete;

    void step(const std::function<void(world&)>& operation) {
        ++totals_.steps;
        if (feature_.tags && roll(3) == 0) change_scope();
        if (roll(3) != 0) operation(*this);
        else background();
        verify();
    }
    void finish() {
        while (frames_.size() > 1) close();
        kept_.clear();
        end(frames_[0], roll(2) == 0);
        if (feature_.outside && source(0).try_allocate(8, 8) != nullptr) alloc_->end_frame();
        frames_.clear();
        scopes_.clear();
        others_.clear();
        for (std::uint32_t i = 0; i <= feature_.options.frames_in_flight; ++i)
            static_cast<void>(alloc_->frame_scope());  // frames in flight end
        const auto s = alloc_->stats();
        if (s.total_allocated != 0)
            fail("charged at the end: " + std::to_string(s.frame_allocated) + " bytes of frames, " +
                 std::to_string(s.pool_allocated) + " of pools, " + std::to_string(s.heap_allocated) + " of the heap");
        require(s.allocation_count == s.deallocation_count || alloc_counted_, "blocks stay counted");
        require(alloc_->frame_stats().bytes_in_use == 0, "frame bytes stay in use");
        for (const char* name : tag_names)
            require(alloc_->tag_stats(name).total_bytes == 0, "bytes of a tag stay charged");
        require(alloc_->check() == 0, "check() finds damage");
        require(tracked::alive == alive_before_, "elements were not destroyed once each");
        for (const fa::code c : recorder_.faults) require(expected(c), fa::code_text(c));
        alloc_.reset();
        for (const fa::code c : recorder_.faults) require(expected(c), fa::code_text(c));
        require(pages_.live == 0, "pages were not given back");
        finished_ = true;
    }

    // --- for operations ---
    std::size_t roll(std::size_t n) { return random_() % n; }
    std::size_t some_size() { return some_bytes(random_); }
    bool must() { return !feature_.may_refuse && roll(2) == 0; }
    const fa::options& used() const { return options_; }
    bool may_refuse() const { return feature_.may_refuse; }
    splitmix& random() { return random_; }
    std::size_t top() const { return frames_.size() - 1; }
    // Mostly the newest frame.
    std::size_t some_frame() {
        return feature_.outside || roll(3) != 0 ? top() : lowest() + roll(frames_.size() - lowest());
    }
    fa::frame_source source(std::size_t frame) {
        return frame == 0 ? alloc_->template source<fa::frame_source>()
                          : frames_[frame].scope->template source<fa::frame_source>();
    }
    fa::basic_smart_alloc<P>& alloc() { return *alloc_; }
    scope_type* scope(std::size_t frame) { return frames_[frame].scope.get(); }

    template <class T>
    T* newest(std::size_t frame) {
        auto& all = frames_[frame].owners;
        for (auto it = all.rbegin(); it != all.rend(); ++it) {
            if (auto* found = dynamic_cast<T*>(it->get())) return found;
        }
        return nullptr;
    }
    // One of that type in that frame, or a new one.
    template <class T, class... Args>
    T& some(std::size_t frame, Args&&... args) {
        std::vector<T*> all;
        for (auto& o : frames_[frame].owners) {
            if (auto* found = dynamic_cast<T*>(o.get())) all.push_back(found);
        }
        if (all.empty() || (all.size() < 4 && roll(4) == 0)) return add<T>(frame, std::forward<Args>(args)...);
        return *all[roll(3) == 0 ? roll(all.size()) : all.size() - 1];
    }
    template <class T, class... Args>
    T& add(std::size_t frame, Args&&... args) {
        auto made = std::make_unique<T>(next_owner(), std::forward<Args>(args)...);
        T& o = *made;
        frames_[frame].owners.push_back(std::move(made));
        return o;
    }
    void remove(std::size_t frame, owner& gone) {
        auto& all = frames_[frame].owners;
        std::size_t at = 0;
        while (all[at].get() != &gone) ++at;
        all.erase(all.begin() + static_cast<std::ptrdiff_t>(at));
        for (mark& m : frames_[frame].marks) m.owners -= m.owners > at ? 1U : 0U;
    }
    std::uint32_t next_owner() { return ++owners_; }

    // A block after whatever is on top.
    raw* block(std::size_t frame, std::size_t bytes) {
        const fa::frame_source s = source(frame);
        void* p = must() ? s.allocate(bytes, 8) : s.try_allocate(bytes, 8);
        if (p == nullptr) {
            ++totals_.refused;
            require(feature_.may_refuse, "memory was refused");
            return nullptr;
        }
        return &add<raw>(frame, s, p, bytes);
    }
    void open() {
        if (feature_.outside || frames_.size() > feature_.depth + 6)
            return;  // the end of a frame would free allocations outside it
        frames_.emplace_back();
        frames_.back().scope.reset(new scope_type(alloc_->owner()));
    }
    void close() {
        while (!scopes_.empty() && scopes_.back().depth == top()) scopes_.pop_back();
        open_frame& f = frames_.back();
        bool ends_later = roll(2) == 0;
        if (feature_.holds && roll(2) == 0) {
            hold_content(f);
            ends_later = true;
        }
        end(f, !ends_later);
        // Owners that cannot end later are gone; the others have the content that a hold keeps.
        f.scope.reset();
        f.owners.clear();
        frames_.pop_back();
    }
    bool may_close() const { return top() > lowest(); }
    std::size_t lowest() const { return feature_.outside ? 0 : feature_.depth != 0 ? feature_.depth : 1; }
    void take_mark() {
        open_frame& f = frames_.back();
        if (top() == 0 || f.marks.size() >= 3) return;
        f.marks.push_back({alloc_->frame_checkpoint(), f.owners.size()});
    }
    void roll_back() {
        open_frame& f = frames_.back();
        if (f.marks.empty()) return;
        const std::size_t i = roll(f.marks.size());
        const bool before = roll(2) == 0;
        std::vector<std::unique_ptr<owner>> later;  // than the rollback
        while (f.owners.size() > f.marks[i].owners) {
            if (!before && f.owners.back()->can_end_after_rollback()) later.push_back(std::move(f.owners.back()));
            f.owners.pop_back();
        }
        const std::size_t faults = recorder_.faults.size();
        const bool done = alloc_->rollback_to(f.marks[i].cp);
        require(done || recorder_.faults.size() != faults, "a rollback was refused without a fault");
        from_handlers_.clear();
        if (roll(2) == 0) later.clear();
        for (auto& o : later) f.remains.push_back(std::move(o));  // until some time before the frame ends
        f.marks.resize(i + 1);
    }
    // Bytes of the arena up to where the next block would be elsewhere.
    std::size_t room_in_chunk() {
        const fa::memory::thread_context& c = *fa::memory::context_of(alloc_->owner());
        return c.arenas.current().newest().usable_end() - c.stack.top()->cursor;
    }

private:
    struct mark {
        fa::frame_checkpoint cp;
        std::size_t owners;
    };
    struct open_frame {
        std::unique_ptr<scope_type> scope;
        std::vector<std::unique_ptr<owner>> owners;
        std::vector<std::unique_ptr<owner>> remains;  // rolled back, not yet gone
        std::vector<mark> marks;
    };
    // The content of an ended frame while it is held.
    struct kept {
        fa::frame_hold hold;
        std::vector<std::pair<std::uintptr_t, std::vector<unsigned char>>> content;
    };
    struct scope_entry {
        std::unique_ptr<fa::tag_scope> tag;
        std::unique_ptr<fa::phase_scope> phase;
        std::unique_ptr<fa::context_scope> context;
        std::size_t depth;
    };
    struct budget_asked {
        world* w;
        bool operator()(const fa::budget_event& e) const { return w->on_budget(e); }
    };
    struct event_told {
        world* w;
        void operator()(const fa::frame_event& e) const { w->on_event(e); }
    };
    struct try_again {
        world* w;
        bool operator()(const fa::exhaustion&) const { return ++w->asked_ < 100'000; }
    };
    static constexpr std::size_t impossible = std::size_t{1} << 40;  // bytes
    static constexpr const char* tag_names[] = {"ai", "net", "audio"};

    fa::options options() {
        fa::options o = recorder_.options(feature_.options);
        if (feature_.page != 0) o.pages = &pages_;
        if (feature_.system_heap) o.heap = std::pmr::new_delete_resource();
        if (feature_.fixed_buffer) {
            constexpr std::size_t bytes = std::size_t{24} << 20;
            buffer_ = std::make_unique_for_overwrite<std::byte[]>(bytes);
            o.fixed_memory = fa::fixed_memory(std::span<std::byte>(buffer_.get(), bytes));
        }
        o.on_exhaustion = again_;
        options_ = o;
        return o;
    }
    void set_budgets(bool on) {
        alloc_->on_budget_exceeded(
            feature_.policy,
            feature_.on_budget == handler::none ? fa::budget_handler{} : fa::budget_handler(asked_budget_), 50);
        alloc_->set_thread_frame_budget(on ? feature_.frame_budget : 0);
        alloc_->set_thread_pool_budget(on ? feature_.pool_budget : 0);
    }
    void watch(bool on) {
        if (on) alloc_->lifecycle().enable(told_);
        else alloc_->lifecycle().disable();
    }
    // The handler's own block is where the growth that called it would have gone.
    void allocate_inside() {
        if (inside_ || frames_.empty() || roll(2) == 0) return;
        inside_ = true;
        const fa::frame_source s = source(top());
        const std::size_t n = 1 + roll(100);
        if (roll(2) == 0) {
            auto made = std::make_unique<pool_numbers>(next_owner(), fa::pool_source(alloc_->owner()));
            made->push(n, false);
            from_handlers_.push_back(std::move(made));
        } else if (void* p = s.try_allocate(n, 8)) {
            from_handlers_.push_back(std::make_unique<raw>(next_owner(), s, p, n));
        }
        inside_ = false;
    }
    bool on_budget(const fa::budget_event&) {
        if (feature_.on_budget == handler::allocates) allocate_inside();
        return feature_.on_budget != handler::refuses_some || roll(2) == 0;
    }
    void on_event(const fa::frame_event& e) {
        told_allocations_ += e.kind == fa::frame_event_kind::allocation && e.memory == fa::memory_kind::frame ? 1U : 0U;
        if (feature_.watcher_allocates && e.kind == fa::frame_event_kind::allocation) allocate_inside();
    }
    bool expected(fa::code c) const {
        if (c == fa::code::FA311) return feature_.frame_budget != 0 || feature_.pool_budget != 0;
        if (c == fa::code::FA001) return feature_.outside;
        if (c == fa::code::FA438) return feature_.holds;  // a held frame is neither rolled back nor waited for
        return false;
    }

    void background() {
        hasten_sampling();
        switch (roll(10)) {
            case 0: return open();
            case 1: return may_close() ? close() : open();
            case 2: return feature_.marks || roll(4) == 0 ? take_mark() : void();
            case 3: return roll_back();
            case 4: return other_kind();
            case 5: return switch_something();
            case 6: return one_goes(some_frame());
            case 7: return frames_.back().remains.clear();
            default: static_cast<void>(block(some_frame(), some_size()));
        }
    }
    // The sampler sees the next allocations now instead of after some hundreds, as if it had drawn so.
    void hasten_sampling() {
        fa::memory::thread_context& c = *fa::memory::context_of(alloc_->owner());
        if (!c.probes.sampling() || roll(2) == 0) return;
        if (c.probes.sample_skip != 0) c.probes.sample_skip = 1;
        else c.probes.sample_wait = 1;
        ++totals_.sampled;
    }
    void one_goes(std::size_t frame) {
        auto& all = frames_[frame].owners;
        if (!all.empty()) remove(frame, *all[roll(3) == 0 ? roll(all.size()) : all.size() - 1]);
    }
    void other_kind() {
        if (others_.size() > 8 || roll(4) == 0) {
            if (!others_.empty()) others_.erase(others_.begin() + static_cast<std::ptrdiff_t>(roll(others_.size())));
            return;
        }
        auto made = std::make_unique<pool_numbers>(next_owner(), fa::pool_source(alloc_->owner()));
        made->push(1 + roll(40), must());
        others_.push_back(std::move(made));
    }
    void switch_something() {
        const std::size_t which = roll(12);
        if (feature_.tags && which < 6) return change_scope();
        if (feature_.looks && which < 6) return look();
        if (feature_.parks && which < 6) return park();
        if (feature_.refuses_pages && which < 6) return refuse_pages();
        if (!feature_.toggles) return;
        switch (which) {
            case 0: return alloc_->count_allocations(roll(2) == 0);
            case 1: return watch(roll(2) == 0);
            case 2: return set_budgets(roll(2) == 0);
            default: return;
        }
    }
    void change_scope() {
        if (roll(2) == 0 || scopes_.size() > 4) {
            if (!scopes_.empty() && scopes_.back().depth == top()) scopes_.pop_back();
            return;
        }
        scope_entry s{};
        s.depth = top();
        if (feature_.context) s.context.reset(new fa::context_scope(*alloc_, alloc_->context()));
        else if (roll(3) == 0) s.phase.reset(new fa::phase_scope(*alloc_, std::string_view(tag_names[roll(3)])));
        else if (scopes_.empty()) s.tag.reset(new fa::tag_scope(*alloc_, std::string_view(tag_names[roll(3)])));
        else return;
        scopes_.push_back(std::move(s));
    }
    void look() {
        switch (roll(6)) {
            case 0: return alloc_->trim();
            case 1: return static_cast<void>(alloc_->stats());
            case 2: return static_cast<void>(alloc_->frame_stats());
            case 3: return require(alloc_->check() == 0, "check() finds damage");
            case 4: return static_cast<void>(alloc_->process_deferred_frees());
            default: return static_cast<void>(alloc_->frame_remaining());
        }
    }
    // Another thread continues the frames for a while.
    void park() {
        if (!scopes_.empty()) return;
        auto parked = alloc_->park();
        if (roll(2) == 0) {
            {
                const scope_type own(alloc_->owner());
                static_cast<void>(own.try_alloc_bytes(100));
            }
            require(alloc_->resume(std::move(parked)), "a parked context was not resumed");
            return;
        }
        std::string wrong;
        std::thread([&] {
            try {
                require(alloc_->resume(std::move(parked)), "a parked context was not resumed");
                for (int i = 0; i < 3; ++i) some<numbers>(top(), source(top())).push(roll(40), must());
                parked = alloc_->park();
            } catch (const failed& f) { wrong = f.what; }
        }).join();
        if (!wrong.empty()) fail(wrong);
        require(alloc_->resume(std::move(parked)), "a parked context did not come back");
    }
    void refuse_pages() {
        pages_.refuse_once = true;
        pages_.refuse_after = static_cast<int>(roll(3));
    }

    void hold_content(open_frame& f) {
        kept k{f.scope->hold("reader"), {}};
        for (auto& o : f.owners) {
            if (!o->can_end_later() || dynamic_cast<trackeds*>(o.get()) != nullptr) continue;
            if (dynamic_cast<pool_numbers*>(o.get()) != nullptr || dynamic_cast<heap_numbers*>(o.get()) != nullptr)
                continue;
            const range r = o->extent();
            if (r.bytes == 0 || o->readable() == 0) continue;
            const auto* begin = reinterpret_cast<const unsigned char*>(r.begin);
            k.content.emplace_back(r.begin,
                                   std::vector<unsigned char>(begin, begin + std::min(r.bytes, o->readable())));
        }
        kept_.push_back(std::move(k));
        if (kept_.size() > 4) {
            kept_[roll(2)].hold.release();
            std::erase_if(kept_, [](const kept& old) { return !old.hold; });
        }
    }
    // Destroys its owners, newest first; if `all` is false, those that may outlive it stay.
    void end(open_frame& f, bool all) {
        f.remains.clear();
        for (std::size_t i = f.owners.size(); i-- != 0;) {
            if (all || !f.owners[i]->can_end_later()) f.owners.erase(f.owners.begin() + static_cast<std::ptrdiff_t>(i));
        }
        from_handlers_.clear();
    }

    void verify() {
        ranges_.clear();
        const auto look_at = [&](const owner& o) {
            require(o.intact(), "an owner's bytes changed");
            totals_.bytes += o.content();
            if (const range r = o.extent(); r.bytes != 0) ranges_.push_back(r);
        };
        for (const open_frame& f : frames_) {
            for (const auto& o : f.owners) look_at(*o);
        }
        std::size_t live = 0;
        for (const range& r : ranges_) live += r.bytes;
        for (const auto& o : others_) look_at(*o);
        for (const auto& o : from_handlers_) look_at(*o);
        for (const kept& k : kept_) {
            for (const auto& [begin, bytes] : k.content) {
                require(std::memcmp(reinterpret_cast<const void*>(begin), bytes.data(), bytes.size()) == 0,
                        "bytes that are held changed");
                totals_.bytes += bytes.size();
                ranges_.push_back({begin, bytes.size(), 0});
            }
        }
        std::sort(ranges_.begin(), ranges_.end(), [](const range& a, const range& b) { return a.begin < b.begin; });
        for (std::size_t i = 1; i < ranges_.size(); ++i)
            require(ranges_[i - 1].begin + ranges_[i - 1].bytes <= ranges_[i].begin, "two owners' memory overlaps");
        for (const fa::code c : recorder_.faults) require(expected(c), fa::code_text(c));
        check_numbers(live);
        const bool equal = feature_.counts && feature_.watches && !feature_.watcher_allocates;
        require(!equal || alloc_->frame_stats().allocation_count == told_allocations_,
                "what is counted is not what is told");
        if (frames_.back().owners.size() > 24 && may_close()) close();
    }

    // `live`: bytes of owners in frames, and of pool and heap containers beside them.
    void check_numbers(std::size_t live) {
        const std::size_t in_use = alloc_->frame_stats().bytes_in_use;
        require(options_.frame_limit == 0 || in_use <= options_.frame_limit, "more is in use than frame_limit");
        require(
            feature_.frame_budget == 0 || feature_.policy != fa::budget_policy::fail || in_use <= feature_.frame_budget,
            "more is in use than the budget");
        if (roll(8) != 0) return;  // asking for statistics is a boundary
        const auto s = alloc_->stats();
        require(s.total_allocated >= live, "less is charged than is in use");
        require(s.total_allocated < impossible, "more is charged than can be");
        for (const char* name : tag_names) {
            const auto t = alloc_->tag_stats(name);
            if (t.total_bytes >= impossible)
                fail("a tag is charged less than nothing: " +
                     std::to_string(static_cast<std::ptrdiff_t>(t.frame_bytes)) + " bytes of frames, " +
                     std::to_string(static_cast<std::ptrdiff_t>(t.pool_bytes)) + " of pools");
        }
        require(s.frame_allocated == in_use || !kept_.empty() || options_.frames_in_flight > 1,
                "frame bytes charged and in use differ");
    }

    const feature& feature_;
    totals& totals_;
    splitmix random_;
    recorder recorder_;
    test_pages pages_;
    std::unique_ptr<std::byte[]> buffer_;
    fa::options options_;
    budget_asked asked_budget_{this};
    event_told told_{this};
    try_again again_{this};
    std::size_t asked_ = 0, told_allocations_ = 0;
    bool inside_ = false, finished_ = false, alloc_counted_ = false;
    long alive_before_ = tracked::alive;
    std::uint32_t owners_ = 0;
    std::optional<fa::basic_smart_alloc<P>> alloc_;
    std::vector<scope_entry> scopes_;
    std::vector<open_frame> frames_;
    std::vector<kept> kept_;
    std::vector<std::unique_ptr<owner>> others_, from_handlers_;
    std::vector<range> ranges_;
};

}  // namespace test::adjacency
