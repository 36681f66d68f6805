// Threads that finish a frame together.
#include <framealloc/lifetime/barrier.hpp>

#include <framealloc/detail/core/life.hpp>

#include <cstring>
#include <new>
#include <utility>

#include <framealloc/detail/os/thread.hpp>

namespace framealloc::inline v1 {

// The name is stored after it.
struct lifetime::barrier_seat {
    barrier_seat* next = nullptr;
    barrier_seat* previous = nullptr;
    std::size_t bytes = 0;                 // with its name
    std::uint32_t signalled = 0;           // the generation after the one it signalled last
    std::uint32_t epoch = 0;               // end_frame() calls it has followed
    memory::core_ref owner{};              // empty: not driven
    memory::frame_record* frame = nullptr;

    char* name() noexcept { return reinterpret_cast<char*>(this + 1); }
};
using lifetime::barrier_seat;

// --- a member ---

barrier_member::barrier_member(barrier_member&& other) noexcept
    : barrier_(std::exchange(other.barrier_, nullptr)), seat_(std::exchange(other.seat_, nullptr)) {}

barrier_member& barrier_member::operator=(barrier_member&& other) noexcept {
    if (this == &other) return *this;
    leave();
    barrier_ = std::exchange(other.barrier_, nullptr);
    seat_ = std::exchange(other.seat_, nullptr);
    return *this;
}

const char* barrier_member::name() const noexcept { return barrier_ == nullptr ? "" : seat_->name(); }

void barrier_member::signal_frame_complete() noexcept {
    if (barrier_ != nullptr) barrier_->signal(*seat_);
}

bool barrier_member::arrive_and_wait(std::uint64_t microseconds) noexcept {
    signal_frame_complete();
    return wait_all(microseconds);
}

bool barrier_member::wait_all(std::uint64_t microseconds) noexcept {
    if (barrier_ == nullptr) return true;
    const std::uint32_t over = seat_->signalled;
    auto done = [&] { return static_cast<std::int32_t>(barrier_->generation() - over) >= 0; };
    if (!barrier_->wait_for(barrier_->generation_, done, microseconds)) return false;
    safe_point();
    return true;
}

bool barrier_member::safe_point() noexcept {
    if (barrier_ == nullptr) return false;
    barrier_seat& m = *seat_;
    const std::uint32_t now = barrier_->epoch_.load_acquire();  // pairs: end_frame()
    if (m.frame == nullptr || m.epoch == now) return false;
    lifetime::close_frame(m.frame);
    memory::frame_record* next = lifetime::open_frame(memory::top_record(m.owner));
    const sync::lock_guard guard(barrier_->lock_);
    m.frame = next;
    m.epoch = now;
    return true;
}

void barrier_member::leave() noexcept {
    frame_barrier* b = std::exchange(barrier_, nullptr);
    if (b == nullptr) return;
    barrier_seat& m = *std::exchange(seat_, nullptr);
    if (m.frame != nullptr) lifetime::close_frame(m.frame);
    memory::release_core(m.owner);
    const sync::lock_guard guard(b->lock_);
    const bool had_signalled = m.signalled == b->generation() + 1;
    b->remove_seat(m);
    if (had_signalled) --b->arrived_;
    b->complete_if_all();
}

// --- the barrier ---

// Requires, of both: the lock is held.
barrier_seat* frame_barrier::add_seat(memory::core_ref a, memory::frame_record* frame, const char* name) noexcept {
    const std::size_t length = std::strlen(name), bytes = sizeof(barrier_seat) + length + 1;
    exhaustion_reason why{};
    void* p = memory_.allocate(bytes, why);
    if (p == nullptr) return nullptr;
    auto* m = ::new (p) barrier_seat{};
    std::memcpy(m->name(), name, length + 1);
    m->bytes = bytes;
    m->signalled = generation();
    m->epoch = epoch_.load_relaxed();  // relaxed: ordered by the lock
    m->owner = a;
    m->frame = frame;
    m->next = list_;
    if (list_ != nullptr) list_->previous = m;
    list_ = m;
    ++members_;
    return m;
}

void frame_barrier::remove_seat(barrier_seat& m) noexcept {
    (m.previous != nullptr ? m.previous->next : list_) = m.next;
    if (m.next != nullptr) m.next->previous = m.previous;
    --members_;
    memory_.deallocate(&m, m.bytes);
}

barrier_member frame_barrier::join(memory::core_ref a, const char* name) noexcept {
    memory::frame_record* frame = nullptr;
    if (a.owner != nullptr) {
        memory::retain_core(a);
        frame = lifetime::open_frame(memory::top_record(a));
    }
    barrier_seat* m = nullptr;
    {
        const sync::lock_guard guard(lock_);
        m = add_seat(a, frame, name);
        if (m != nullptr && complete_.load_relaxed() == generation() + 1) {  // relaxed: written under the lock
            complete_.store_relaxed(generation());  // relaxed: not complete any more, nothing to see
            --stats_.generations;
        }
    }
    if (m != nullptr) return {this, m};
    if (frame != nullptr) lifetime::close_frame(frame);
    memory::release_core(a);
    return {};
}

// --- threads that are only counted ---

std::uint32_t frame_barrier::arrive() noexcept {
    const sync::lock_guard guard(lock_);
    const std::uint32_t now = generation();
    if (counted_ == expected_) {  // complete, and the coordinator has not ended it: somebody arrives twice
        ++stats_.double_signals;
        return now;
    }
    ++counted_;
    ++arrived_;
    complete_if_all();
    return now;
}

void frame_barrier::arrive_and_drop() noexcept {
    const sync::lock_guard guard(lock_);
    if (expected_ == 0) return;
    // One arrival less is waited for, now and later. Where all have arrived already, it is one of them that leaves.
    if (counted_ == expected_--) {
        --counted_;
        --arrived_;
    }
    complete_if_all();
}

bool frame_barrier::wait(std::uint32_t arrived_in, std::uint64_t microseconds) noexcept {
    auto over = [&] { return static_cast<std::int32_t>(generation() - arrived_in) > 0; };
    return wait_for(generation_, over, microseconds);
}

bool frame_barrier::arrive_and_wait(std::uint64_t microseconds) noexcept { return wait(arrive(), microseconds); }

std::uint32_t frame_barrier::expected() const noexcept {
    const sync::lock_guard guard(lock_);
    return expected_;
}

// --- generations ---

void frame_barrier::signal(barrier_seat& m) noexcept {
    const sync::lock_guard guard(lock_);
    if (m.signalled == generation() + 1) {
        ++stats_.double_signals;
        return;
    }
    m.signalled = generation() + 1;
    ++arrived_;
    complete_if_all();
}

// Requires: the lock is held.
void frame_barrier::complete_if_all() noexcept {
    if (arrived_ != participants() || complete_.load_relaxed() == generation() + 1)
        return;  // relaxed: written under the lock
    if (participants() == 0) {  // the last one left: nobody is waited for
        os::wake_all(complete_);
        return;
    }
    complete_.store_release(generation() + 1);  // pairs: wait_all()
    ++stats_.generations;
    os::wake_all(complete_);
    if (mode_ == barrier_mode::free) advance();
}

// Requires: the lock is held.
void frame_barrier::advance() noexcept {
    arrived_ = counted_ = 0;
    generation_.store_release(generation_.load_relaxed() +
                              1);  // pairs: arrive_and_wait(); relaxed: written under the lock
    os::wake_all(generation_);
}

void frame_barrier::end_frame() noexcept {
    const sync::lock_guard guard(lock_);
    epoch_.store_release(epoch_.load_relaxed() + 1);  // pairs: safe_point(); relaxed: written under the lock
    if (mode_ == barrier_mode::coordinated) advance();
}

template <class Done>
bool frame_barrier::wait_for(const sync::atomic<std::uint32_t>& word, Done&& done,
                             std::uint64_t microseconds) noexcept {
    if (done()) return true;
    const std::uint64_t start = os::monotonic_microseconds();
    bool good = false;
    for (std::uint64_t waited = 0; !good; waited = os::monotonic_microseconds() - start) {
        if (microseconds != os::no_limit && waited >= microseconds) break;
        const std::uint32_t seen = word.load_acquire();  // pairs: advance(), complete_if_all()
        good = done();
        if (!good) os::wait_while(word, seen, microseconds == os::no_limit ? os::no_limit : microseconds - waited);
        good = good || done();
    }
    const std::uint64_t took = os::monotonic_microseconds() - start;
    const sync::lock_guard guard(lock_);
    ++stats_.waits;
    stats_.total_wait_us += took;
    if (took > stats_.longest_wait_us) stats_.longest_wait_us = took;
    stats_.timeouts += good ? 0 : 1;
    return good;
}

bool frame_barrier::wait_all(std::uint64_t microseconds) noexcept {
    auto done = [&] {
        const std::uint32_t wanted = mode_ == barrier_mode::coordinated ? generation() + 1 : awaited_ + 1;
        return static_cast<std::int32_t>(complete_.load_acquire() - wanted) >= 0 ||
               members() + expected() == 0;  // pairs: complete_if_all()
    };
    if (!wait_for(complete_, done, microseconds)) return false;
    if (members() + expected() != 0) ++awaited_;
    return true;
}

std::uint32_t frame_barrier::members() const noexcept {
    const sync::lock_guard guard(lock_);
    return members_;
}

std::uint32_t frame_barrier::arrived() const noexcept {
    const sync::lock_guard guard(lock_);
    return arrived_;
}

std::uint32_t frame_barrier::frames_to_end() const noexcept {
    const sync::lock_guard guard(lock_);
    std::uint32_t n = 0;
    for (const barrier_seat* m = list_; m != nullptr; m = m->next)
        n += m->frame != nullptr && m->epoch != epoch_.load_relaxed() ? 1U : 0U;  // relaxed: ordered by the lock
    return n;
}

barrier_stats frame_barrier::stats() const noexcept {
    const sync::lock_guard guard(lock_);
    return stats_;
}

}  // namespace framealloc::inline v1
