// Any bytes are a program of operations: on a guarded and a plain allocator, with options that the bytes choose too.
// Contents are verified, and no fault may be raised, since the program makes no mistake.
#include "bytes.hpp"

#include <framealloc/framealloc.hpp>

#include <cstring>
#include <optional>
#include <vector>

namespace fa = framealloc;
using namespace fa::literals;
using fuzz::wrong;
using program = fuzz::bytes;

namespace {

fa::options choose(program& in) {
    fa::options o{.name = "fuzz", .frame_capacity = std::size_t{4096} << (in.byte() % 6)};
    o.frames_in_flight = 1 + in.byte() % 3;
    o.slab_page_size = 64_KiB * (1 + in.byte() % 4);
    o.pool_max = std::size_t{in.byte()} * 20;
    o.guard = static_cast<fa::guard_level>(in.byte() % 4);
    if (in.byte() % 4 == 0) o.retain = fa::retain::bytes(std::size_t{in.byte()} * 1024);
    if (in.byte() % 4 == 0) o.frame_limit = 1_MiB;
    if (in.byte() % 4 == 0) {
        o.fixed_memory = 2_MiB + std::size_t{in.byte()} * 4_KiB;
        o.frames_in_flight = 1;  // a frame without room for one more in flight ends the program, as documented
    }
    o.on_fault = [](const fa::fault& f) {
        fa::print_fault(f);
        wrong("a fault where there is no mistake");
    };
    return o;
}

template <class Policy>
class machine {
    struct block {
        unsigned char* p;
        std::size_t size, align;
        unsigned char mark;
        bool heap;
    };
    struct frame {
        std::size_t blocks;  // of `frame_blocks_` below it
    };
    struct checkpoint {
        fa::frame_checkpoint cp;
        std::size_t blocks, depth;
    };

public:
    explicit machine(const fa::options& o) : alloc_(o) {}
    ~machine() {
        while (!frames_.empty()) end();
        for (block& b : blocks_) give(b);
        if (alloc_.stats().pool_allocated != 0 || alloc_.stats().heap_allocated != 0)
            wrong("bytes are charged that nobody holds");
    }

    void step(program& in) {
        switch (in.byte() % 12) {
            case 0:
                if (frames_.size() < 100) {
                    alloc_.begin_frame();
                    frames_.push_back({frame_blocks_.size()});
                }
                break;
            case 1: end(); break;
            case 2:
            case 3: take_frame(in); break;
            case 4:
            case 5: take(in, false); break;
            case 6: take(in, true); break;
            case 7:
            case 8: give_one(in.byte()); break;
            case 9: point(in); break;
            case 10: grow(in); break;
            default:
                if (const auto what = in.byte() % 32; what < 4) alloc_.trim();
                else if (what != 31) give_one(static_cast<std::size_t>(what));
                else if (alloc_.check() != 0) wrong("check() found what nobody did");
        }
    }

private:
    void mark(block& b) {
        b.mark = ++next_;
        std::memset(b.p, b.mark, b.size);
        if (reinterpret_cast<std::uintptr_t>(b.p) % b.align != 0) wrong("not aligned");
    }
    static void verify(const block& b) {
        if (b.p[0] != b.mark || b.p[b.size - 1] != b.mark || b.p[b.size / 2] != b.mark) wrong("contents were lost");
    }
    void take_frame(program& in) {
        if (frames_.empty()) return;
        block b{nullptr, in.size(), in.alignment(), 0, false};
        b.p = static_cast<unsigned char*>(alloc_.try_frame_alloc_bytes(b.size, b.align));
        if (b.p == nullptr) return;
        mark(b);
        frame_blocks_.push_back(b);
    }
    void take(program& in, bool heap) {
        block b{nullptr, in.size(), in.alignment(), 0, heap};
        b.p = static_cast<unsigned char*>(heap ? alloc_.try_heap_alloc_bytes(b.size, b.align)
                                               : alloc_.try_pool_alloc_bytes(b.size, b.align));
        if (b.p == nullptr) return;
        mark(b);
        blocks_.push_back(b);
    }
    void give(const block& b) {
        verify(b);
        if (b.heap) alloc_.heap_free_bytes(b.p, b.size, b.align);
        else alloc_.pool_free_bytes(b.p, b.size, b.align);
    }
    void give_one(std::size_t which) {
        if (blocks_.empty()) return;
        std::swap(blocks_[which % blocks_.size()], blocks_.back());
        give(blocks_.back());
        blocks_.pop_back();
    }
    void cut(std::size_t to) {
        for (const block& b : frame_blocks_) verify(b);
        frame_blocks_.resize(to);
    }
    void end() {
        if (frames_.empty()) return;
        while (!points_.empty() && points_.back().depth >= frames_.size()) points_.pop_back();
        cut(frames_.back().blocks);
        frames_.pop_back();
        alloc_.end_frame();
    }
    void point(program& in) {
        if (frames_.empty()) return;
        const bool back = in.byte() % 2 == 0 && !points_.empty() && points_.back().depth == frames_.size();
        if (!back) return points_.push_back({alloc_.frame_checkpoint(), frame_blocks_.size(), frames_.size()});
        cut(points_.back().blocks);
        if (!alloc_.rollback_to(points_.back().cp)) wrong("a good checkpoint was refused");
        points_.pop_back();
    }
    void grow(program& in) {
        if (frames_.empty()) return;
        auto v = alloc_.template try_frame_vec<unsigned char>();
        const std::size_t n = in.size() % 5000;
        for (std::size_t i = 0; i < n; ++i) {
            if (!v.try_push_back(static_cast<unsigned char>(i))) return;
        }
        for (std::size_t i = 0; i < n; ++i) {
            if (v[i] != static_cast<unsigned char>(i)) wrong("a vec lost an element");
        }
    }

    fa::basic_smart_alloc<Policy> alloc_;
    std::vector<block> blocks_, frame_blocks_;
    std::vector<frame> frames_;
    std::vector<checkpoint> points_;
    unsigned char next_ = 0;
};

template <class Policy>
void play(program in) {
    const fa::options o = choose(in);
    machine<Policy> m(o);
    for (int n = 0; n < 2000 && in.more(); ++n) m.step(in);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    play<fa::policy::standard>(program(data, size));
    play<fa::policy::debug>(program(data, size));
    return 0;
}
