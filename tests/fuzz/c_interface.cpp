// Any bytes are calls of the C interface, with NULL, zero and absurd sizes among them.
#include "bytes.hpp"

#include <framealloc/framealloc.h>

#include <cstring>
#include <vector>

using fuzz::wrong;

namespace {

struct block {
    unsigned char* p;
    std::size_t n, align;
    bool heap;
    fa_hook* hook;  // null: of the allocator
};

void fault(void*, const fa_fault* f) {
    std::fprintf(stderr, "FA%03d %s: %s\n", f->code, f->text, f->detail);
    wrong("a fault where there is no mistake");
}

class caller {
public:
    explicit caller(fuzz::bytes& in) {
        fa_options o{};
        o.name = in.byte() % 4 == 0 ? nullptr : "fuzz";
        o.frame_capacity = in.byte() * std::size_t{1024};
        o.slab_page_size = in.byte() * std::size_t{4096};
        o.pool_max = in.byte() * std::size_t{20};
        o.frames_in_flight = frames_in_flight_ = in.byte() % 3;
        o.global_limit = 64U << 20;
        o.on_fault = fault;
        limited_ = in.byte() % 8 != 0;
        a_ = fa_create(limited_ ? &o : nullptr);
        if (a_ == nullptr) wrong("no allocator");
        hooks_[0] = fa_hook_create(a_, FA_HEAP, "library::inner");
        hooks_[1] = fa_hook_create(a_, FA_POOL, nullptr);
        if (hooks_[0] == nullptr || hooks_[1] == nullptr) wrong("no hook");
    }
    ~caller() {
        while (!tags_.empty()) end_tag();
        while (!frames_.empty()) end_frame();
        for (const block& b : blocks_) give(b);
        const fa_stats s = fa_get_stats(a_);
        if (s.pool_bytes + s.heap_bytes != 0) wrong("bytes are charged that nobody holds");
        if (s.frame_bytes != 0 && frames_in_flight_ < 2) wrong("frame memory is charged outside frames");
        if (fa_get_tag_stats(a_, "library").total_bytes != 0) wrong("a hook's tag has bytes that nobody holds");
        fa_hook_destroy(hooks_[0]);
        fa_destroy(a_);
        fa_hook_destroy(hooks_[1]);
    }
    caller(const caller&) = delete;
    caller& operator=(const caller&) = delete;

    void step(fuzz::bytes& in) {
        switch (in.byte() % 15) {
            case 0: return begin_frame();
            case 1: return end_frame();
            case 2:
            case 3: return take_frame(in);
            case 4: return take(in, true);
            case 5:
            case 6: return take(in, false);
            case 7:
            case 8: return give_one(in.byte());
            case 9: return begin_tag(in.text());
            case 10: return end_tag();
            case 11:
            case 12: return take_hooked(in);
            case 13: return resize(in);
            default: return look(in);
        }
    }

private:
    void begin_frame() {
        if (frames_.size() == 60 || tags_.size() != 0) return;
        frames_.push_back(fa_frame_begin(a_));
        if (frames_.back() == nullptr) frames_.pop_back();
    }
    void end_frame() {
        if (frames_.empty() || tags_.size() != 0) return;
        fa_frame_end(frames_.back());
        frames_.pop_back();
    }
    // Without a limit, an absurdly large request might succeed.
    std::size_t odd_size(fuzz::bytes& in) const {
        const std::uint8_t how = in.byte();
        return how == 0               ? 0
               : how == 1             ? ~std::size_t{0} - in.byte()
               : how == 2 && limited_ ? std::size_t{1} << (30 + in.byte() % 34)
                                      : in.size();
    }
    static void use(void* p, std::size_t n, std::size_t align) {
        if (p == nullptr) return;
        if (n == 0) wrong("memory of no bytes");
        if (reinterpret_cast<std::uintptr_t>(p) % (align == 0 ? 16 : align) != 0) wrong("not aligned");
        std::memset(p, 0x5A, n);
    }
    void take_frame(fuzz::bytes& in) {
        const std::size_t n = odd_size(in), align = in.byte() % 4 == 0 ? 0 : in.alignment();
        use(frames_.empty() ? nullptr : fa_frame_alloc(frames_[in.byte() % frames_.size()], n, align), n, align);
    }
    void take(fuzz::bytes& in, bool heap) {
        const std::size_t n = odd_size(in), align = in.byte() % 4 == 0 ? 0 : in.alignment();
        void* p = heap ? fa_heap_alloc(a_, n, align) : fa_pool_alloc(a_, n, align);
        use(p, n, align);
        if (p != nullptr) blocks_.push_back({static_cast<unsigned char*>(p), n, align, heap, nullptr});
    }
    void keep(void* p, std::size_t n, std::size_t align, fa_hook* hook) {
        if (p == nullptr) return;
        if (fa_usable_size(p) < n) wrong("a block holds less than was asked for");
        if (n != 0) use(p, n, align);
        blocks_.push_back({static_cast<unsigned char*>(p), n, align, false, hook});
    }
    void take_hooked(fuzz::bytes& in) {
        const std::size_t n = odd_size(in);
        fa_hook* hook = hooks_[in.byte() % 2];
        if (in.byte() % 3 == 0) {
            const std::size_t align = in.alignment();
            return keep(fa_aligned_alloc(hook, align, n), n, align, hook);
        }
        if (in.byte() % 2 == 0) return keep(fa_malloc(hook, n), n, 0, hook);
        auto* p = static_cast<unsigned char*>(fa_calloc(hook, n, 1));
        if (p != nullptr && n != 0 && (p[0] | p[n / 2] | p[n - 1]) != 0) wrong("zeroed memory is not zero");
        keep(p, n, 0, hook);
    }
    void resize(fuzz::bytes& in) {
        if (blocks_.empty()) return;
        block& b = blocks_[in.byte() % blocks_.size()];
        const std::size_t n = odd_size(in);
        if (b.hook == nullptr || n == 0) return;
        auto* p = static_cast<unsigned char*>(fa_realloc(b.hook, b.p, n));
        if (p == nullptr) return;
        const std::size_t kept = n < b.n ? n : b.n;
        if (kept != 0 && (p[0] != 0x5A || p[kept - 1] != 0x5A)) wrong("a resize lost contents");
        use(p, n, 0);
        b.p = p;
        b.n = n;
    }
    void give(const block& b) {
        if (b.n != 0 && (b.p[0] != 0x5A || b.p[b.n - 1] != 0x5A)) wrong("contents were lost");
        if (b.hook != nullptr) return fa_free(b.hook, b.p);
        b.heap ? fa_heap_free(a_, b.p, b.n, b.align) : fa_pool_free(a_, b.p, b.n, b.align);
    }
    void give_one(std::size_t which) {
        fa_heap_free(a_, nullptr, which, 0);
        fa_pool_free(a_, nullptr, which, 0);
        if (blocks_.empty()) return;
        std::swap(blocks_[which % blocks_.size()], blocks_.back());
        give(blocks_.back());
        blocks_.pop_back();
    }
    void begin_tag(const std::string& name) {
        if (tags_.size() == 30) return;
        tags_.emplace_back(new fa_tag);
        fa_tag_begin(tags_.back(), a_, name.c_str());
    }
    void end_tag() {
        if (tags_.empty()) return;
        fa_tag_end(tags_.back());
        delete tags_.back();
        tags_.pop_back();
    }
    void look(fuzz::bytes& in) {
        char text[64];
        const std::size_t room = in.byte() % sizeof text;
        const void* p = blocks_.empty() ? nullptr : blocks_[in.byte() % blocks_.size()].p - in.byte() % 32;
        const std::size_t n = fa_describe(p, text, room);
        if (room != 0 && (n >= room || text[n] != '\0')) wrong("a text is longer than its buffer");
        if (fa_get_tag_stats(a_, in.text().c_str()).total_bytes > fa_get_stats(a_).total_bytes)
            wrong("a tag has more than all");
        if (in.byte() % 8 == 0) fa_trim(a_);
        if (in.byte() % 8 == 0 && fa_check(a_) != 0) wrong("check() found what nobody did");
    }

    fa_allocator* a_ = nullptr;
    fa_hook* hooks_[2] = {};
    unsigned frames_in_flight_ = 1;
    bool limited_ = true;
    std::vector<fa_frame*> frames_;
    std::vector<block> blocks_;
    std::vector<fa_tag*> tags_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::bytes in(data, size);
    caller c(in);
    for (int n = 0; n < 500 && in.more(); ++n) c.step(in);
    return 0;
}
