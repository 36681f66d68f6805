// Every operation in random order, drawn from a seed.
#include "diary.hpp"

#include <thread>
#include <utility>

namespace diary {
namespace {

template <class P>
class tour {
    struct block {
        void* p;
        std::size_t n, align;
        bool heap;
    };

public:
    tour(std::string& book, const char* title, const fa::options& o, std::uint64_t seed)
        : c_(book, title, o), random_{seed} {}
    ~tour() {
        while (depth_ != 0) end();
        while (!blocks_.empty()) give(false);
        c_.see("all given back");
        c_->trim();
        c_.see("trimmed");
    }
    tour(const tour&) = delete;
    tour& operator=(const tour&) = delete;

    void go(int steps) {
        for (int i = 1; i <= steps; ++i) {
            step();
            if (i % 500 == 0) c_.see("five hundred steps");
            else if (i % 50 == 0) c_.sum_up();
        }
    }

private:
    std::size_t below(std::size_t n) { return random_.below(n); }
    std::size_t size() { return 1 + (below(12) == 0 ? below(90'000) : below(3) == 0 ? below(5000) : below(200)); }

    void begin() {
        c_->begin_frame();
        ++depth_;
    }
    void end() {
        c_->end_frame();
        --depth_;
        point_.reset();
    }
    void take() {
        const block b{nullptr, size(), std::size_t{8} << below(7), below(4) == 0};
        blocks_.push_back(b);
        blocks_.back().p = c_.at(b.heap ? c_->heap_alloc_bytes(b.n, b.align) : c_->pool_alloc_bytes(b.n, b.align));
    }
    void take_from_frame() {
        if (depth_ == 0) return;
        const std::size_t n = size(), align = std::size_t{8} << below(6);
        c_.at(c_->try_frame_alloc_bytes(n, align));
    }
    void give(bool elsewhere) {
        if (blocks_.empty()) return;
        std::swap(blocks_[below(blocks_.size())], blocks_.back());
        const block b = blocks_.back();
        blocks_.pop_back();
        const auto free = [&] {
            b.heap ? c_->heap_free_bytes(b.p, b.n, b.align) : c_->pool_free_bytes(b.p, b.n, b.align);
        };
        if (elsewhere) std::thread(free).join();
        else free();
    }
    void point() {
        if (depth_ == 0) return;
        if (!point_) return static_cast<void>(point_ = c_->frame_checkpoint());
        c_->rollback_to(*point_);
        point_.reset();
    }
    void tagged() {
        static const char* const names[] = {"physics", "physics::solver", "render", "audio"};
        const fa::tag_scope tag{c_.alloc(), names[below(4)]};
        const fa::phase_scope phase{c_.alloc(), names[below(4)]};
        for (int i = 0; i < 3; ++i) take();
        if (depth_ != 0) c_.at(c_->frame_alloc_bytes(size()));
    }
    void grow() {
        if (depth_ == 0) return;
        auto v = c_->template frame_vec<std::uint64_t>();
        const std::size_t n = below(2000);
        for (std::size_t i = 0; i < n; ++i) v.push_back(i);
        c_.at(v.data());
        if (below(2) == 0) begin();
        for (std::size_t i = 0; i < n; ++i) v.push_back(i);
        c_.at(v.data());
    }
    void step() {
        switch (below(20)) {
            case 0: return depth_ < 12 ? begin() : end();
            case 1: return depth_ != 0 ? end() : begin();
            case 2:
            case 3:
            case 4:
            case 5: return take_from_frame();
            case 6:
            case 7:
            case 8: return take();
            case 9:
            case 10:
            case 11: return give(false);
            case 12: return give(true);
            case 13: return point();
            case 14: return tagged();
            case 15: return grow();
            case 16: return below(10) == 0 ? c_->trim() : static_cast<void>(c_->process_deferred_frees(below(100)));
            case 17: return below(4) == 0 ? c_->count_allocations(below(2) == 0) : give(false);
            case 18: return below(10) == 0 ? c_->set_thread_frame_budget(below(3) * 300'000) : give(false);
            default:
                return below(10) == 0 ? c_->set_deferred({.mode = static_cast<fa::deferred_mode>(below(6))}) : take();
        }
    }

    chapter<P> c_;
    random_numbers random_;
    std::size_t depth_ = 0;
    std::vector<block> blocks_;
    std::optional<fa::frame_checkpoint> point_;
};

}  // namespace

template <class P>
void tell_everything(std::string& book) {
    tour<P>(book, "everything, by default", {}, 1).go(2000);
    tour<P>(book, "everything in small chunks", {.frame_capacity = 64_KiB, .slab_page_size = 64_KiB}, 2).go(2000);
    tour<P>(book, "everything, two frames in flight", {.frame_capacity = 64_KiB, .frames_in_flight = 2}, 3).go(2000);
    tour<P>(book, "everything, little kept",
            {.frame_capacity = 256_KiB, .retain = fa::retain::bytes(64_KiB), .pool_max = 512}, 4)
        .go(2000);
    tour<P>(book, "everything, filled", {.frame_capacity = 64_KiB, .guard = fa::guard_level::fill}, 5).go(1000);
    tour<P>(book, "everything in fixed memory",
            {.frame_capacity = 64_KiB, .slab_page_size = 64_KiB, .fixed_memory = 64_MiB}, 6)
        .go(2000);
}

}  // namespace diary

DIARY_CHAPTERS(tell_everything);
