// The chunks of the threads, and the events that are stored in them.
#include "writer.hpp"

#include "places.hpp"

#include <pthread.h>

#include <atomic>
#include <iterator>

namespace recorder {
namespace {

std::atomic<std::uint64_t> sequence;
std::atomic<std::uint32_t> threads;
pthread_key_t at_thread_exit;
bool has_key;

// Partly filled chunks of threads that have ended.
struct remainder {
    trace::event* next;
    trace::event* end;
};
std::atomic_flag remainders_lock;
remainder remainders[256];
std::size_t remainder_count;

thread_local thread_state state __attribute__((tls_model("initial-exec")));

void give_back(thread_state& t) noexcept {
    if (t.next == nullptr) return;
    const spin_lock lock(remainders_lock);
    if (t.end - t.next >= 256 && remainder_count < std::size(remainders))
        remainders[remainder_count++] = {t.next, t.end};
    else finish_chunk(t.end);
    t.next = t.end = nullptr;
}

void take_remainder(thread_state& t) noexcept {
    const spin_lock lock(remainders_lock);
    if (remainder_count == 0) return;
    const remainder r = remainders[--remainder_count];
    t.next = r.next;
    t.end = r.end;
    *t.next++ = {static_cast<std::uint64_t>(trace::op::thread) | sequence.fetch_add(1, std::memory_order_relaxed) << 24,
                 t.number};
}

// Room for `n` events of this thread.
bool make_room(thread_state& t, std::ptrdiff_t n) noexcept {
    if (t.end - t.next >= n) return true;
    if (t.next == nullptr) take_remainder(t);
    if (t.end - t.next >= n) return true;
    finish_chunk(t.end);
    t.next = t.end = nullptr;
    look_for_unloaded();  // not every unloading is a dlclose() by the program
    trace::chunk_header* h = new_chunk(trace::chunk_kind::events, t.number);
    if (h == nullptr) return false;
    t.next = reinterpret_cast<trace::event*>(h + 1);
    t.end = reinterpret_cast<trace::event*>(reinterpret_cast<char*>(h) + trace::chunk_bytes);
    return true;
}

// A destructor of thread-specific data. Destructors of other keys run before and after it, and allocate: this thread's
// state is still valid, but nobody would take back another chunk.
void leave(void*) noexcept {
    thread_state& t = state;
    const bool was = t.inside;
    t.inside = true;
    t.leaving = true;
    give_back(t);
    t.inside = was;
}

std::uintptr_t end_of_stack() noexcept {
    pthread_attr_t a;
    void* low = nullptr;
    std::size_t bytes = 0;
    if (pthread_getattr_np(pthread_self(), &a) != 0) return 0;
    pthread_attr_getstack(&a, &low, &bytes);
    pthread_attr_destroy(&a);
    return reinterpret_cast<std::uintptr_t>(low) + bytes;
}

void finish_events() noexcept {
    state.inside = true;
    finish_chunk(state.end);
    state.next = state.end = nullptr;
    const spin_lock lock(remainders_lock);
    for (; remainder_count != 0; state.end = nullptr) finish_chunk(state.end = remainders[--remainder_count].end);
}

}  // namespace

thread_state& this_thread() noexcept { return state; }

void introduce(thread_state& t) noexcept {
    t.number = threads.fetch_add(1, std::memory_order_relaxed) + 1;
    t.stack_end = end_of_stack();
    t.leaving = !has_key || pthread_setspecific(at_thread_exit, &t) != 0;
}

const char* open_trace(const settings& s) noexcept {
    if (!begin_places()) return "there is no memory for the table of call stacks";
    if (const char* wrong = open_file(s)) return wrong;
    if (!has_key) has_key = pthread_key_create(&at_thread_exit, leave) == 0;
    introduce(state);
    begin_recording();
    return nullptr;
}

void forget_trace() noexcept {
    forget_file();
    state.next = state.end = nullptr;
    remainder_count = 0;
    remainders_lock.clear();
    threads.store(0);
    sequence.store(0);
}

void close_trace() noexcept {
    if (!owns_file()) return;
    finish_events();
    finish_places();
    close_file();
}

void close_trace_before_sandbox() noexcept {
    if (!owns_file()) return;
    finish_events();
    finish_places();
    fall_silent();
}

void put(thread_state& t, trace::op what, std::uint32_t stack, std::uint64_t address, std::uint64_t size,
         unsigned alignment_log2) noexcept {
    const bool wide = size >= trace::wide_size || alignment_log2 > 4;
    if (!make_room(t, wide ? 2 : 1)) return note_unrecorded();
    trace::event* e = t.next;
    const std::uint64_t first = sequence.fetch_add(wide ? 2 : 1, std::memory_order_relaxed);
    if (wide)
        *e++ = {static_cast<std::uint64_t>(trace::op::wide) | std::uint64_t{alignment_log2} << 4 | first << 24, size};
    *e = trace::event::make(what, first + (wide ? 1 : 0), stack, address, wide ? trace::wide_size : size);
    t.next = e + 1;
    if (t.leaving) give_back(t);
}

void put_mark(thread_state& t) noexcept {
    if (!make_room(t, 1)) return;
    *t.next++ = {static_cast<std::uint64_t>(trace::op::mark) | sequence.fetch_add(1, std::memory_order_relaxed) << 24,
                 since_start_ns()};
    if (t.leaving) give_back(t);
}

bool recover_store(const void* address) noexcept {
    void* ends[3] = {};
    void* others[2] = {};
    places_chunks(others);
    ends[0] = state.end, ends[1] = others[0], ends[2] = others[1];
    return state.inside && replace_lost_mapping(address, ends, std::size(ends));
}

}  // namespace recorder
