// What floor 4 asks of the floors above it: their states, and what they do when threads come and go.
#include <framealloc/detail/runtime/state.hpp>

#include <framealloc/detail/insight/state.hpp>
#include <framealloc/detail/lifetime/flights.hpp>
#include <framealloc/detail/object/state.hpp>
#include <framealloc/lifetime/modules.hpp>
#include <framealloc/runtime/worker_frames.hpp>

namespace framealloc::inline v1::runtime {

using memory::core;
using memory::frame_record;
using memory::thread_context;

namespace {

void open_core(core& a) noexcept {
    a.upper.make<lifetime::allocator_state>();
    a.upper.make<object::allocator_state>();
    a.upper.make<insight::allocator_state>();
    a.upper.make<allocator_state>();
}

void open_context(thread_context& c) noexcept {
    c.upper.make<lifetime::thread_state>();
    c.upper.make<insight::thread_state>();
    c.upper.make<driven_frame>();
}

void leave(thread_context& c) noexcept {
    driven_frame& d = driven_in(c);
    d.record.store_relaxed(nullptr);  // relaxed: as driven() reads it
    d.driver = d.state = d.jobs = 0;
}

bool in_job(const thread_context& c) noexcept { return driven_in(c).jobs != 0; }

const frame_record* driven(const thread_context& c) noexcept {
    return driven_in(c).record.load_relaxed();  // relaxed: a recent value
}

}  // namespace

constinit const memory::floor_calls floors_above = {.flight_bytes = sizeof(lifetime::flight),
                                                    .make_flight = lifetime::make_flight,
                                                    .open_core = open_core,
                                                    .open_context = open_context,
                                                    .enter = lifetime::note_released,
                                                    .leave = leave,
                                                    .close_frames = leave_frames,
                                                    .in_job = in_job,
                                                    .driven = driven};

}  // namespace framealloc::inline v1::runtime
