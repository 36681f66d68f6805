// Mistakes with frames and frame memory.
#include "../fault_case.hpp"

#include <unistd.h>

#include <thread>

namespace faults {
namespace {

using fa::site;
constexpr std::size_t plain = alignof(std::max_align_t);

// Where frame memory is: in the arena; too large for it; or requested while an inner frame is open.
struct arena {
    static void* take(const allocator&, const fa::basic_frame_scope<fa::policy::debug>& f, std::size_t n, site s = site::here()) { return f.alloc_bytes(n, plain, s); }
};
struct oversize {
    static void* take(const allocator&, const fa::basic_frame_scope<fa::policy::debug>& f, std::size_t n, site s = site::here()) {
        return static_cast<char*>(f.alloc_bytes(n + 100'000, plain, s)) + 100'000;
    }
};
struct out_of_line {
    static void* take(const allocator& a, const fa::basic_frame_scope<fa::policy::debug>& f, std::size_t n, site s = site::here()) {
        const auto inner = a.frame_scope();
        return f.alloc_bytes(n, plain, s);
    }
};

template <class Kind>
void overrun_of_frame_memory(run& r) {
    r.expected.what = fa::code::FA412;
    r.expected.tag = "ai";
    const allocator a{r.options};
    const fa::tag_scope tag{a, "ai"};
    auto frame = a.frame_scope();
    r.kept = Kind::take(a, frame, r.size); BORN(r);
    r.write(static_cast<std::ptrdiff_t>(r.size));
}

template <class Kind>
void underrun_of_frame_memory(run& r) {
    r.expected.what = fa::code::FA413;
    const allocator a{r.options};
    auto frame = a.frame_scope();
    r.kept = Kind::take(a, frame, r.size); BORN(r);
    r.write(-1);
}

// Memory of ended frames is filled and checked; nothing is trapped.
template <class Kind>
void written_after_the_frame(run& r) {
    r.expected.what = std::is_same_v<Kind, arena> ? fa::code::FA002 : fa::code::FA419;
    r.options.guard = fa::guard_level::fill;
    const allocator a{r.options};
    {
        auto frame = a.frame_scope();
        r.kept = Kind::take(a, frame, r.size); BORN(r);
    }
    r.write(static_cast<std::ptrdiff_t>(r.size) / 2);
    for (int i = 0; i < 2000; ++i) {
        auto frame = a.frame_scope();
        Kind::take(a, frame, r.size);
    }
}

void written_after_an_inner_frame(run& r) {
    r.expected.what = fa::code::FA002;
    r.options.guard = fa::guard_level::fill;
    const allocator a{r.options};
    auto frame = a.frame_scope();
    static_cast<void>(frame.alloc_bytes(100));
    {
        auto inner = a.frame_scope();
        r.kept = inner.alloc_bytes(r.size); BORN(r);
    }
    r.write(0);
    static_cast<void>(frame.alloc_bytes(r.size));
}

void written_after_rollback(run& r) {
    r.expected.what = fa::code::FA002;
    const allocator a{r.options};
    auto frame = a.frame_scope();
    static_cast<void>(frame.alloc_bytes(8));
    const auto cp = a.frame_checkpoint();
    r.kept = frame.alloc_bytes(r.size); BORN(r);
    a.rollback_to(cp); DIED(r);
    r.write(0);
    static_cast<void>(frame.alloc_bytes(r.size));
}

volatile char seen;

void read_after_the_frame(run& r) {
    r.expected.what = fa::code::FA002;
    r.expected.dies = true;
    r.expected.tag = "ai";
    const allocator a{r.options};
    {
        const fa::tag_scope tag{a, "ai"};
        auto frame = a.frame_scope();
        r.kept = frame.alloc_bytes(r.size); BORN(r);
    }
    OFFENCE(r); seen = *static_cast<volatile char*>(r.kept);
}

void read_hundred_frames_later(run& r) {
    r.expected.what = fa::code::FA002;
    r.expected.dies = true;
    const allocator a{r.options};
    {
        auto frame = a.frame_scope();
        r.kept = frame.alloc_bytes(r.size); BORN(r);
    }
    for (int i = 0; i < 100; ++i) {
        auto frame = a.frame_scope();
        static_cast<void>(frame.alloc_bytes(r.size));
    }
    OFFENCE(r); seen = *static_cast<volatile char*>(r.kept);
}

void write_after_an_inner_frame(run& r) {
    r.expected.what = fa::code::FA002;
    r.expected.dies = true;
    const allocator a{r.options};
    auto frame = a.frame_scope();
    static_cast<void>(frame.alloc_bytes(100));
    {
        auto inner = a.frame_scope();
        r.kept = inner.alloc_bytes(r.size); BORN(r);
    }
    OFFENCE(r); *static_cast<volatile char*>(r.kept) = 1;
}

void read_by_another_thread(run& r) {
    r.expected.what = fa::code::FA002;
    r.expected.dies = true;
    const allocator a{r.options};
    {
        auto frame = a.frame_scope();
        r.kept = frame.alloc_bytes(r.size); BORN(r);
    }
    std::thread([&] {
        OFFENCE(r); seen = *static_cast<volatile char*>(r.kept);
    }).join();
}

void read_in_flight_too_late(run& r) {
    r.expected.what = fa::code::FA002;
    r.expected.dies = true;
    r.options.frames_in_flight = 2;
    const allocator a{r.options};
    for (int i = 0; i < 2; ++i) {
        auto frame = a.frame_scope();
        void* p = frame.alloc_bytes(r.size); BORN(r);
        if (i == 0) r.kept = p;
    }
    seen = *static_cast<volatile char*>(r.kept);  // still in flight
    DIED(r); a.begin_frame();
    OFFENCE(r); seen = *static_cast<volatile char*>(r.kept);
}

void frame_vec_used_after_its_frame(run& r) {
    r.expected.what = fa::code::FA002;
    const allocator a{r.options};
    a.begin_frame();
    r.expected.count = 0;
    auto v = a.frame_vec<std::string>();
    v.push_back("x");
    a.end_frame();
    OFFENCE(r); v.push_back("y");
}

void frame_box_used_after_its_frame(run& r) {
    r.expected.what = fa::code::FA002;
    const allocator a{r.options};
    a.begin_frame();
    auto box = a.frame_box<int>(7);
    a.end_frame();
    OFFENCE(r); r.kept = &*box;
}

void allocation_from_an_ended_scope(run& r) {
    r.expected.what = fa::code::FA002;
    r.expected.count = 2;  // and the scope's own end
    const allocator a{r.options};
    auto frame = a.frame_scope();
    auto inner = a.frame_scope();
    a.end_frame();
    OFFENCE(r); r.kept = inner.alloc_bytes(r.size);
}

void allocation_outside_a_frame(run& r) {
    r.expected.what = fa::code::FA001;
    const allocator a{r.options};
    OFFENCE(r); r.kept = a.frame_alloc_bytes(r.size);
}

void end_without_begin(run& r) {
    r.expected.what = fa::code::FA428;
    const allocator a{r.options};
    OFFENCE(r); a.end_frame();
}

void begin_without_end(run& r) {
    r.expected.what = fa::code::FA428;
    const allocator a{r.options};
    a.begin_frame(); BORN(r);
}

void begin_without_end_on_a_thread(run& r) {
    r.expected.what = fa::code::FA428;
    const allocator a{r.options};
    std::thread([&] { a.begin_frame(); BORN(r); }).join();
}

void outer_scope_ends_first(run& r) {
    r.expected.what = fa::code::FA428;
    const allocator a{r.options};
    {
        auto frame = a.frame_scope();
        a.begin_frame(); BORN(r);
        OFFENCE(r); }
}

void phase_not_ended(run& r) {
    r.expected.what = fa::code::FA429;
    const allocator a{r.options};
    a.begin_frame();
    BORN(r); const fa::tag_scope* tag = new fa::tag_scope(a, "physics");
    OFFENCE(r); a.end_frame();
    r.kept = const_cast<fa::tag_scope*>(tag);
}

void end_phase_without_begin(run& r) {
    r.expected.what = fa::code::FA429;
    const allocator a{r.options};
    a.begin_frame();
    OFFENCE(r); a.end_phase();
    a.end_frame();
}

void rollback_to_a_stale_checkpoint(run& r) {
    r.expected.what = fa::code::FA427;
    const allocator a{r.options};
    a.begin_frame();
    const auto cp = a.frame_checkpoint();
    a.end_frame();
    a.begin_frame();
    OFFENCE(r); a.rollback_to(cp);
    a.end_frame();
}

void rollback_to_a_foreign_checkpoint(run& r) {
    r.expected.what = fa::code::FA427;
    const allocator a{r.options}, b{r.options};
    a.begin_frame();
    b.begin_frame();
    const auto cp = b.frame_checkpoint();
    OFFENCE(r); a.rollback_to(cp);
    b.end_frame();
    a.end_frame();
}

void frame_ended_by_another_thread(run& r) {
    r.expected.what = fa::code::FA430;
    const allocator a{r.options};
    auto* frame = new fa::basic_frame_scope<fa::policy::debug>(a.owner());
    OFFENCE(r); std::thread([&] { delete frame; }).join();
    a.end_frame();
}

struct counted {
    explicit counted(int* n) : alive(n) { ++*alive; }
    ~counted() { --*alive; }
    int* alive;
};

// Nothing is freed: the frame does it when it ends.
void box_destroyed_by_another_thread(run& r) {
    r.expected.what = fa::code::FA211;
    const allocator a{r.options};
    int alive = 0;
    a.begin_frame();
    auto box = a.frame_box<counted>(&alive);
    std::thread([&] { OFFENCE(r); box.reset(); }).join();
    if (alive != 1) r.expected.what = {};
    a.end_frame();
    if (alive != 0) _exit(1);
}

void container_destroyed_by_another_thread(run& r) {
    r.expected.what = fa::code::FA211;
    const allocator a{r.options};
    const auto frame = a.frame_scope();
    auto bytes = frame.vec<char>();
    bytes.resize(r.size);
    std::thread([&] {
        OFFENCE(r); { const auto gone = std::move(bytes); }
    }).join();
}

void container_grown_by_another_thread(run& r) {
    r.expected.what = fa::code::FA430;
    r.expected.count = 0;  // it still grows, and is destroyed where it was created
    const allocator a{r.options};
    const auto frame = a.frame_scope();
    auto bytes = frame.vec<char>();
    std::thread([&] { OFFENCE(r); bytes.reserve(r.size); }).join();
}

void allocation_in_another_threads_frame(run& r) {
    r.expected.what = fa::code::FA430;
    const allocator a{r.options};
    auto frame = a.frame_scope();
    std::thread([&] {
        OFFENCE(r); r.kept = frame.try_alloc_bytes(r.size);
    }).join();
}

void alignment_of_three_in_a_frame(run& r) {
    r.expected.what = fa::code::FA431;
    const allocator a{r.options};
    auto frame = a.frame_scope();
    OFFENCE(r); r.kept = frame.try_alloc_bytes(r.size, 3);
}

void transfer_received_twice(run& r) {
    r.expected.what = fa::code::FA434;
    const allocator a{r.options};
    auto h = a.frame_box_for_transfer<int>(3);
    auto first = std::move(h).receive();
    OFFENCE(r); auto second = std::move(h).receive();
}

#define EACH_PLACE(program) \
    const register_case program##_arena{#program "<arena>", program<arena>}; \
    const register_case program##_oversize{#program "<oversize>", program<oversize>}; \
    const register_case program##_out_of_line{#program "<out of line>", program<out_of_line>}
#define ONCE(program) const register_case program##_case{#program, program}

EACH_PLACE(overrun_of_frame_memory);
const register_case underrun_arena{"underrun_of_frame_memory<arena>", underrun_of_frame_memory<arena>};
const register_case underrun_out_of_line{"underrun_of_frame_memory<out of line>", underrun_of_frame_memory<out_of_line>};
EACH_PLACE(written_after_the_frame);
ONCE(written_after_an_inner_frame);
ONCE(written_after_rollback);
ONCE(read_after_the_frame);
ONCE(read_hundred_frames_later);
ONCE(write_after_an_inner_frame);
ONCE(read_by_another_thread);
ONCE(read_in_flight_too_late);
ONCE(frame_vec_used_after_its_frame);
ONCE(frame_box_used_after_its_frame);
ONCE(allocation_from_an_ended_scope);
ONCE(allocation_outside_a_frame);
ONCE(end_without_begin);
ONCE(begin_without_end);
ONCE(begin_without_end_on_a_thread);
ONCE(outer_scope_ends_first);
ONCE(phase_not_ended);
ONCE(end_phase_without_begin);
ONCE(rollback_to_a_stale_checkpoint);
ONCE(rollback_to_a_foreign_checkpoint);
ONCE(frame_ended_by_another_thread);
ONCE(allocation_in_another_threads_frame);
ONCE(box_destroyed_by_another_thread);
ONCE(container_destroyed_by_another_thread);
ONCE(container_grown_by_another_thread);
ONCE(alignment_of_three_in_a_frame);
ONCE(transfer_received_twice);

}  // namespace
}  // namespace faults
