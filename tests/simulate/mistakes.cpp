// Mistakes and their reports, word for word; and sampled memory.
#include "diary.hpp"

#include <cstring>
#include <utility>

namespace diary {
namespace {

// Changes a byte and restores it once the change was reported.
struct wrong_byte {
    explicit wrong_byte(void* p, std::ptrdiff_t at) : byte(static_cast<volatile unsigned char*>(p) + at), was(*byte) {
        *byte = static_cast<unsigned char>(~was);
    }
    void restore() const { *byte = was; }
    volatile unsigned char* byte;
    unsigned char was;
};

template <class P>
struct blocks_of {
    chapter<P>& c;
    std::size_t n;
    bool heap;
    void* take() const { return c.at(heap ? c->heap_alloc_bytes(n) : c->pool_alloc_bytes(n)); }
    void give(void* p) const { heap ? c->heap_free_bytes(p, n) : c->pool_free_bytes(p, n); }
};

template <class P>
void zones_written(const blocks_of<P>& blocks) {
    chapter<P>& c = blocks.c;
    const auto n = static_cast<std::ptrdiff_t>(blocks.n);
    void* p = blocks.take();
    wrong_byte(p, n);
    blocks.give(p);
    p = blocks.take();
    wrong_byte(p, -1);
    blocks.give(p);
    p = blocks.take();
    static_cast<unsigned char*>(p)[0] = 1;
    const wrong_byte seen(p, n + 3);
    c.say("check", c->check());
    seen.restore();
    c.say("check", c->check());
    blocks.give(p);
    wrong_byte(p, 4);
    c.say("check", c->check());
    c.see("zones");
}

// Cases that need the debug front end.
template <class P>
void wrongly_freed(const blocks_of<P>& blocks) {
    chapter<P>& c = blocks.c;
    const std::size_t n = blocks.n;
    void* p = blocks.take();
    blocks.give(p);
    blocks.give(p);
    p = blocks.take();
    blocks.heap ? c->pool_free_bytes(p, n) : c->heap_free_bytes(p, n);
    p = blocks.take();
    blocks.heap ? c->heap_free_bytes(p, n + 1) : c->pool_free_bytes(p, n + 1);
    p = blocks.take();
    blocks.give(static_cast<char*>(p) + 8);
    blocks.give(p);
    int other = 0;
    blocks.give(&other);
    c.see("frees");
}

template <class P>
void block_mistakes(std::string& book) {
    chapter<P> c(book, "mistakes with blocks", {.guard = fa::guard_level::fill});
    const fa::tag_scope tag{c.alloc(), "physics"};
    for (const auto& [n, heap] :
         {std::pair<std::size_t, bool>{8, false}, {100, false}, {3000, true}, {5000, true}, {100'000, true}}) {
        const blocks_of<P> blocks{c, n, heap};
        zones_written(blocks);
        if constexpr (P::checks) wrongly_freed(blocks);
    }
    std::vector<void*> resting;
    for (int i = 0; i < 600; ++i) resting.push_back(c.at(c->pool_alloc_bytes(32)));
    for (void* p : resting) c->pool_free_bytes(p, 32);
    c.see("rested");
    wrong_byte(resting.back(), -5);
    wrong_byte(resting[599 - 3], 31);
    c.say("check", c->check());
    for (int i = 0; i < 3; ++i) c.at(c->pool_alloc_bytes(32));
    for (int i = 0; i < 2; ++i) c.at(c->heap_alloc_bytes(7000));
    c.see("leaks");
}

template <class P>
void frame_mistakes(std::string& book) {
    chapter<P> c(book, "mistakes with frames", {.frame_capacity = 64_KiB, .guard = fa::guard_level::fill});
    for (int round = 0; round < 2; ++round) {
        char* ended = nullptr;
        {
            const auto frame = c->frame_scope();
            const fa::tag_scope tag{c.alloc(), "render"};
            auto* p = static_cast<char*>(c.at(frame.alloc_bytes(50)));
            wrong_byte(p, 50);
            auto* q = static_cast<char*>(c.at(frame.alloc_bytes(60)));
            wrong_byte(q, -1);
            c.say("check", c->check());
            const auto inner = c->frame_scope();
            auto* outer = static_cast<char*>(c.at(frame.alloc_bytes(70)));
            wrong_byte(outer, 70);
            wrong_byte(outer, -1);
            ended = p;
        }
        c.see("zones");
        std::memset(ended + 2, 1, 3);
        {
            const auto frame = c->frame_scope();
            c.at(frame.alloc_bytes(30));
            auto v = frame.template vec<int>();
            for (int i = 0; i < 200; ++i) v.push_back(i);
            c.at(frame.alloc_bytes(20'000));
        }
        c.see("after the end");
    }
    fa::pointer_info info = fa::describe(c.at(c->pool_alloc_bytes(77)));
    c.say("state", static_cast<std::uint64_t>(info.state));
    c.say("bytes", info.bytes);
}

template <class P>
void sampled(std::string& book) {
    chapter<P> c(book, "samples", {.frame_capacity = 64_KiB, .guard_sample = 2, .guard_seed = 11});
    std::vector<std::pair<void*, std::size_t>> blocks;
    for (std::size_t i = 0; i < 3000; ++i) {
        const std::size_t n = 1 + i * 37 % 3000;
        if (i % 3 == 0) c->begin_frame();
        blocks.emplace_back(c->pool_alloc_bytes(n), n);
        const auto* p = static_cast<const char*>(c->frame_alloc_bytes(n));
        if (i % 3 == 2) c->end_frame();
        if (i % 3 != 2 && p == nullptr) c.say("none", i);
        if (blocks.size() > 50) {
            c->pool_free_bytes(blocks[i % 50].first, blocks[i % 50].second);
            blocks[i % 50] = blocks.back();
            blocks.pop_back();
        }
        if (i % 500 == 499) c.see("sampled");
    }
    for (auto [p, n] : blocks) c->pool_free_bytes(p, n);
    c.see("freed");
}

template <class P>
void revoked(std::string& book) {
    chapter<P> c(book, "revoked", {.frame_capacity = 64_KiB, .guard = fa::guard_level::revoke});
    for (int n = 0; n < 40; ++n) {
        const auto frame = c->frame_scope();
        for (int i = 0; i < n; ++i) static_cast<void>(frame.alloc_bytes(5000));
        {
            const auto inner = c->frame_scope();
            static_cast<void>(inner.alloc_bytes(20'000));
        }
        if (n % 10 == 9) c.see("frame");
    }
    c->trim();
    c.see("trimmed");
}

}  // namespace

template <class P>
void tell_mistakes(std::string& book) {
    block_mistakes<P>(book);
    frame_mistakes<P>(book);
    sampled<P>(book);
    revoked<P>(book);
}

}  // namespace diary

DIARY_CHAPTERS(tell_mistakes);
