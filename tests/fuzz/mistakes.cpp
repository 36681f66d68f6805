// Any bytes are a program with mistakes: each is reported and nothing else is, and the allocator continues.
#include "bytes.hpp"

#include <framealloc/framealloc.hpp>

#include <algorithm>
#include <vector>

namespace fa = framealloc;
using namespace fa::literals;
using fuzz::wrong;

namespace {

// The sanitizer would end the program; here the library must detect the mistake.
[[gnu::noinline, clang::no_sanitize("address")]] void spoil(void* p, std::ptrdiff_t at) {
    volatile auto* byte = static_cast<volatile unsigned char*>(p) + at;
    *byte = static_cast<unsigned char>(~*byte);
}

class careless {
    struct block {
        unsigned char* p;
        std::size_t n;
        bool heap;
    };

public:
    careless() {
        fa::options o{.name = "fuzz", .frame_capacity = 64_KiB, .guard = fa::guard_level::fill};
        o.on_fault = hears_;
        alloc_ = fa::basic_smart_alloc<fa::policy::debug>{o};
    }
    ~careless() {
        while (depth_ != 0) end();
        while (!blocks_.empty()) give_last();
        alloc_.trim();
        if (alloc_.stats().total_allocated != 0) wrong("bytes are charged that nobody holds");
        if (alloc_.check() != 0 || !heard_.empty()) wrong("a fault is left over");
    }
    careless(const careless&) = delete;
    careless& operator=(const careless&) = delete;

    void step(fuzz::bytes& in) {
        switch (in.byte() % 16) {
            case 0:
            case 1:
            case 2: return take(in.size(), in.byte() % 2 == 0);
            case 3: return with_block(in, [&] { give_last(); });
            case 4: return begin();
            case 5: return end();
            case 6: return with_block(in, [&] { overrun(in.byte() % 8); });
            case 7: return with_block(in, [&] { underrun(1 + in.byte() % 8); });
            case 8: return with_block(in, [&] { twice(); });
            case 9: return with_block(in, [&] { inside(in.byte()); });
            case 10: return with_block(in, [&] { as_another_kind(); });
            case 11: return with_block(in, [&] { with_another_size(1 + in.byte()); });
            case 12: return foreign(in.byte());
            case 13: return frame_overrun(in.size(), in.byte() % 8);
            case 14: return with_block(in, [&] { after_free(in.byte()); });
            default: return expect_none(alloc_.check() == 0);
        }
    }

private:
    template <class F>
    void with_block(fuzz::bytes& in, F&& f) {
        if (blocks_.empty()) take(in.size(), in.byte() % 2 == 0);
        std::swap(blocks_[in.byte() % blocks_.size()], blocks_.back());
        f();
    }
    void expect(fa::code what, const char* otherwise) {
        if (heard_.size() != 1 || heard_[0] != what) {
            for (fa::code c : heard_) std::fprintf(stderr, "  heard FA%03u\n", static_cast<unsigned>(c));
            wrong(otherwise);
        }
        heard_.clear();
    }
    void expect_none(bool good) {
        if (!good || !heard_.empty()) wrong("a fault where there is no mistake");
    }
    void take(std::size_t n, bool heap) {
        if (blocks_.size() > 200) return;
        auto* p = static_cast<unsigned char*>(heap ? alloc_.try_heap_alloc_bytes(n) : alloc_.try_pool_alloc_bytes(n));
        if (p == nullptr) wrong("no memory");
        p[0] = p[n - 1] = 1;
        blocks_.push_back({p, n, heap});
        expect_none(true);
    }
    void free_as(const block& b, void* p, std::size_t n, bool heap) {
        static_cast<void>(b);
        heap ? alloc_.heap_free_bytes(p, n) : alloc_.pool_free_bytes(p, n);
    }
    block drop() {
        const block b = blocks_.back();
        blocks_.pop_back();
        return b;
    }
    void give_last() {
        const block b = drop();
        free_as(b, b.p, b.n, b.heap);
        expect_none(true);
    }
    void overrun(std::size_t beyond) {
        const block b = drop();
        spoil(b.p, static_cast<std::ptrdiff_t>(b.n + beyond));
        free_as(b, b.p, b.n, b.heap);
        expect(fa::code::FA412, "a write behind a block was not told");
    }
    void underrun(std::size_t before) {
        const block b = drop();
        spoil(b.p, -static_cast<std::ptrdiff_t>(before));
        free_as(b, b.p, b.n, b.heap);
        expect(fa::code::FA413, "a write before a block was not told");
    }
    void twice() {
        const block b = drop();
        free_as(b, b.p, b.n, b.heap);
        free_as(b, b.p, b.n, b.heap);
        expect(fa::code::FA411, "a double free was not told");
    }
    void inside(std::size_t at) {
        const block b = blocks_.back();
        if (at == 0 || at >= b.n) return;
        free_as(b, b.p + at, b.n, b.heap);
        expect(fa::code::FA415, "an interior pointer was not told");
    }
    void as_another_kind() {
        const block b = drop();
        const bool moved_up = !b.heap && b.n > 4096;  // a pool block that large is one of the heap
        free_as(b, b.p, b.n, !b.heap);
        if (moved_up) expect_none(true);
        else if (b.heap && b.n > 4096) expect_none(true);
        else expect(fa::code::FA417, "another kind was not told");
    }
    void with_another_size(std::size_t more) {
        const block b = drop();
        free_as(b, b.p, b.n + more, b.heap);
        expect(fa::code::FA418, "another size was not told");
    }
    void foreign(std::size_t at) {
        static unsigned char not_mine[512];
        alloc_.pool_free_bytes(not_mine + at, 16);
        expect(fa::code::FA414, "a foreign pointer was not told");
    }
    void frame_overrun(std::size_t n, std::size_t beyond) {
        alloc_.begin_frame();
        spoil(alloc_.frame_alloc_bytes(n), static_cast<std::ptrdiff_t>(n + beyond));
        alloc_.end_frame();
        expect(fa::code::FA412, "a write behind frame memory was not told");
    }
    void after_free(std::size_t at) {
        const block b = drop();
        free_as(b, b.p, b.n, b.heap);
        if (b.n > 100'000) return expect_none(true);  // a block this large skips the quarantine
        spoil(b.p, static_cast<std::ptrdiff_t>(at % b.n));
        if (alloc_.check() != 1) wrong("check() did not find a write after a free");
        expect(fa::code::FA419, "a write after a free was not told");
    }
    void begin() {
        if (depth_ == 20) return;
        alloc_.begin_frame();
        ++depth_;
        static_cast<unsigned char*>(alloc_.frame_alloc_bytes(40))[39] = 1;
    }
    void end() {
        if (depth_ == 0) return;
        alloc_.end_frame();
        --depth_;
        expect_none(true);
    }

    struct hears_type {
        careless* self;
        void operator()(const fa::fault& f) const { self->heard_.push_back(f.what); }
    } hears_{this};
    std::vector<fa::code> heard_;
    fa::basic_smart_alloc<fa::policy::debug> alloc_;
    std::vector<block> blocks_;
    std::size_t depth_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::bytes in(data, size);
    careless c;
    for (int n = 0; n < 300 && in.more(); ++n) c.step(in);
    return 0;
}
