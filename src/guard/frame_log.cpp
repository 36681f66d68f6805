// A log is on pages of its own, as what it holds does.
#include <framealloc/detail/guard/frame_log.hpp>

#include <new>

namespace framealloc::inline v1::guard {

namespace {

std::size_t log_bytes(const os::system_pages& system) noexcept {
    return align_up(sizeof(frame_log), system.granularity());
}

}  // namespace

frame_log* make_frame_log() noexcept {
    os::system_pages system;
    const std::size_t bytes = log_bytes(system);
    void* p = system.reserve(bytes, system.granularity());
    return p == nullptr || !system.commit(p, bytes) ? nullptr : ::new (p) frame_log{};
}

void destroy(frame_log* log) noexcept {
    if (log == nullptr) return;
    log->release();
    os::system_pages system;
    system.release(log, log_bytes(system));
}

}  // namespace framealloc::inline v1::guard
