#include <framealloc/lifetime/barrier.hpp>

#include <cstdio>
#include <utility>

#include <framealloc/os/thread.hpp>

namespace framealloc::inline FRAMEALLOC_ABI {

// --- a member ---

barrier_member::barrier_member(barrier_member&& other) noexcept : barrier_(std::exchange(other.barrier_, nullptr)), index_(other.index_) {}

barrier_member& barrier_member::operator=(barrier_member&& other) noexcept {
    if (this == &other) return *this;
    leave();
    barrier_ = std::exchange(other.barrier_, nullptr);
    index_ = other.index_;
    return *this;
}

const char* barrier_member::name() const noexcept { return barrier_ == nullptr ? "" : barrier_->list_[index_].name; }

void barrier_member::signal_frame_complete() noexcept {
    if (barrier_ != nullptr) barrier_->signal(barrier_->list_[index_]);
}

bool barrier_member::arrive_and_wait(std::uint64_t microseconds) noexcept {
    signal_frame_complete();
    return wait_all(microseconds);
}

bool barrier_member::wait_all(std::uint64_t microseconds) noexcept {
    if (barrier_ == nullptr) return true;
    const std::uint32_t over = barrier_->list_[index_].signalled;
    auto done = [&] { return static_cast<std::int32_t>(barrier_->generation() - over) >= 0; };
    if (!barrier_->wait(barrier_->generation_, done, microseconds)) return false;
    safe_point();
    return true;
}

bool barrier_member::safe_point() noexcept {
    if (barrier_ == nullptr) return false;
    frame_barrier::member& m = barrier_->list_[index_];
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
    frame_barrier::member& m = b->list_[index_];
    if (m.frame != nullptr) lifetime::close_frame(m.frame);
    memory::release_core(m.owner);
    const sync::lock_guard guard(b->lock_);
    const bool had_signalled = m.signalled == b->generation() + 1;
    m = {};
    --b->members_;
    if (had_signalled) --b->arrived_;
    b->complete_if_all();
}

// --- the barrier ---

barrier_member frame_barrier::join(memory::core_ref a, const char* name) noexcept {
    memory::frame_record* frame = nullptr;
    if (a.owner != nullptr) {
        memory::retain_core(a);
        frame = lifetime::open_frame(memory::top_record(a));
    }
    {
        const sync::lock_guard guard(lock_);
        for (std::uint32_t i = 0; i < most_members; ++i) {
            member& m = list_[i];
            if (m.joined) continue;
            std::snprintf(m.name, sizeof m.name, "%s", name);
            m.joined = true;
            m.signalled = generation();
            m.epoch = epoch_.load_relaxed();  // relaxed: ordered by the lock
            m.owner = a;
            m.frame = frame;
            ++members_;
            if (complete_.load_relaxed() == generation() + 1) {  // relaxed: written under the lock
                complete_.store_relaxed(generation());           // relaxed: not complete any more, nothing to see
                --stats_.generations;
            }
            return {this, i};
        }
    }
    if (frame != nullptr) lifetime::close_frame(frame);
    memory::release_core(a);
    return {};
}

void frame_barrier::signal(member& m) noexcept {
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
    if (arrived_ != members_ || complete_.load_relaxed() == generation() + 1) return;  // relaxed: written under the lock
    if (members_ == 0 && arrived_ == 0) {  // the last one left: nobody is waited for
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
    arrived_ = 0;
    generation_.store_release(generation_.load_relaxed() + 1);  // pairs: arrive_and_wait(); relaxed: written under the lock
    os::wake_all(generation_);
}

void frame_barrier::end_frame() noexcept {
    const sync::lock_guard guard(lock_);
    epoch_.store_release(epoch_.load_relaxed() + 1);  // pairs: safe_point(); relaxed: written under the lock
    if (mode_ == barrier_mode::coordinated) advance();
}

template <class Done>
bool frame_barrier::wait(const sync::atomic<std::uint32_t>& word, Done&& done, std::uint64_t microseconds) noexcept {
    if (done()) return true;
    const std::uint64_t start = os::monotonic_microseconds();
    bool good = false;
    for (std::uint64_t waited = 0; !good; waited = os::monotonic_microseconds() - start) {
        if (microseconds != os::forever && waited >= microseconds) break;
        const std::uint32_t seen = word.load_acquire();  // pairs: advance(), complete_if_all()
        good = done();
        if (!good) os::wait_while(word, seen, microseconds == os::forever ? os::forever : microseconds - waited);
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
        return static_cast<std::int32_t>(complete_.load_acquire() - wanted) >= 0 || members() == 0;  // pairs: complete_if_all()
    };
    if (!wait(complete_, done, microseconds)) return false;
    if (members() != 0) ++awaited_;
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
    for (const member& m : list_) n += m.joined && m.frame != nullptr && m.epoch != epoch_.load_relaxed() ? 1U : 0U;  // relaxed: ordered by the lock
    return n;
}

barrier_stats frame_barrier::stats() const noexcept {
    const sync::lock_guard guard(lock_);
    return stats_;
}

}  // namespace framealloc::inline FRAMEALLOC_ABI
