// A source of another kind than frames' whose memory ends all at once: containers join it by end_of() alone.
#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "support/recorder.hpp"

using namespace test;

namespace {

// Memory that ends when its owner says so.
struct room {
    alignas(64) std::byte memory[64 * 1024];
    std::size_t used = 0;
    unsigned opening = 1;
    fa::memory::finaliser* newest = nullptr;
    std::vector<std::string> said;
    unsigned given_back = 0;

    void* take(std::size_t bytes, std::size_t align) {
        used = fa::align_up(used, align);
        if (bytes > sizeof memory - used) return nullptr;
        return memory + std::exchange(used, used + bytes);
    }
    void end() {
        while (fa::memory::finaliser* f = newest) {
            fa::lifetime::remove_finaliser(f);
            f->run(f);
        }
        used = 0;
        ++opening;
    }
};

struct room_end {
    room* r = nullptr;
    unsigned opening = 0;

    bool given() const { return r != nullptr; }
    bool alive() const { return r != nullptr && r->opening == opening; }
    bool ended() const { return !alive(); }
    fa::memory::core_ref owner() const { return {}; }
    room* open_now() const { return r; }
    void enlist(fa::memory::finaliser* f, void (*run)(fa::memory::finaliser*) noexcept) const {
        f->next = r->newest;
        f->link = &r->newest;
        f->run = run;
        if (f->next != nullptr) f->next->link = &f->next;
        r->newest = f;
    }
    void* allocate_apart(std::size_t bytes, std::size_t align, fa::memory::on_failure) const {
        return r->take(bytes, align);
    }
    void abandon(void*) const { ++r->given_back; }
    void outgrow(void*, std::size_t) const { ++r->given_back; }
    std::size_t shrink(void*, std::size_t bytes, std::size_t) const { return bytes; }
    void raise_ended(const char* what) const { r->said.push_back(what); }
};

class room_source {
public:
    static constexpr fa::memory_kind kind = fa::memory_kind::frame;
    room_source() = default;
    explicit room_source(room* r) : end_{r, r->opening} {}
    void* allocate(std::size_t bytes, std::size_t align) const { return end_.r->take(bytes, align); }
    void* try_allocate(std::size_t bytes, std::size_t align) const { return end_.r->take(bytes, align); }
    void deallocate(void*, std::size_t, std::size_t) const { FAIL("its memory ends at once"); }
    bool try_grow(void*, std::size_t, std::size_t, std::size_t) const { return false; }
    friend const room_end& end_of(const room_source& s) { return s.end_; }

private:
    room_end end_;
};

static_assert(fa::object::ends_at_once<room_source> && fa::object::ends_at_once<fa::frame_source>);
static_assert(!fa::object::ends_at_once<fa::pool_source> && !fa::object::ends_at_once<fa::heap_source>);
static_assert(!fa::object::ends_at_once<fa::hook> && !fa::object::ends_at_once<int>);

template <class P>
using room_vec = fa::basic_vec<counted, room_source, P>;
template <class P>
using room_map =
    fa::basic_map<int, counted, room_source, fa::object::default_hash<int>, fa::object::default_equal<int>, P>;

static_assert(fa::lives_in_frame_v<room_vec<fa::policy::checked>> && fa::lives_in_frame_v<room_source>);

}  // namespace

FOR_EACH_POLICY("containers of a source that ends at once destroy their elements at that end, and are empty") {
    counted::alive = 0;
    room r;
    room_vec<P> v{room_source(&r)};
    for (int i = 0; i < 100; ++i) v.emplace_back(i);
    room_map<P> m{room_source(&r)};
    for (int i = 0; i < 50; ++i) m.try_emplace(i, i);
    {
        room_vec<P> gone{room_source(&r)};
        gone.emplace_back(7);
    }
    CHECK(counted::alive == 150);
    CHECK(r.given_back > 2);
    r.end();
    CHECK(counted::alive == 0);
    CHECK(v.empty());
    CHECK(m.empty());
    CHECK(r.said.empty());
}

FOR_EACH_POLICY("a container that grows after the end says so, and starts anew") {
    counted::alive = 0;
    {
        room r;
        room_vec<P> v{room_source(&r)};
        v.emplace_back(1);
        r.end();
        v.emplace_back(2);
        CHECK(r.said.size() == 1);
        CHECK(v.size() == 1);
        CHECK(v.front().id == 2);
        v.shrink_to_fit();
        CHECK(counted::alive == 1);
        r.end();
        CHECK(v.empty());
    }
    CHECK(counted::alive == 0);
}
