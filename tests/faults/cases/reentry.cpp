// Calls made while the allocator is in a call: from a signal handler, and from its own fault handler.
#include "../fault_case.hpp"

#include <csignal>

namespace faults {
namespace {

enum class memory { frame, pool, heap };

void* take(const allocator& a, memory m, std::size_t n, fa::site s = fa::site::here()) {
    constexpr std::size_t plain = alignof(std::max_align_t);
    if (m == memory::frame) return a.try_frame_alloc_bytes(n, plain, s);
    if (m == memory::pool) return a.try_pool_alloc_bytes(n, plain, s);
    return a.try_heap_alloc_bytes(n, plain, s);
}

// Requests memory from the system, and raises a signal in between if asked to.
class interrupted_pages final : public fa::page_source {
public:
    void* reserve(std::size_t bytes, std::size_t alignment) noexcept override {
        interrupt();
        return system_.reserve(bytes, alignment);
    }
    bool commit(void* p, std::size_t bytes) noexcept override {
        interrupt();
        return system_.commit(p, bytes);
    }
    void decommit(void* p, std::size_t bytes) noexcept override { system_.decommit(p, bytes); }
    void release(void* p, std::size_t bytes) noexcept override { system_.release(p, bytes); }
    std::size_t granularity() const noexcept override { return system_.granularity(); }
    bool armed = false;

private:
    void interrupt() noexcept {
        if (!armed) return;
        armed = false;
        std::raise(SIGUSR1);
    }
    fa::os::system_pages system_;
};

struct {
    const allocator* a;
    memory kind;
    run* r;
    bool refused;
} handled;

void on_signal(int) {
    OFFENCE(*handled.r); handled.refused = take(*handled.a, handled.kind, 40) == nullptr;
}

template <memory Outer, memory Inner>
void call_in_a_signal_handler(run& r) {
    r.expected.what = fa::code::FA436;
    interrupted_pages pages;
    r.options.pages = &pages;
    const allocator a{r.options};
    const auto frame = a.frame_scope();
    handled = {&a, Inner, &r, false};
    std::signal(SIGUSR1, on_signal);
    pages.armed = true;
    void* p = take(a, Outer, 200'000 + r.size);
    if (p == nullptr || pages.armed || !handled.refused) r.expected.what = fa::code{};  // the wrong call was refused
    if (Outer != memory::frame) a.heap_free_bytes(p, 200'000 + r.size);
}

// The request in the report is served: no call is half done at that point.
template <memory Kind>
void call_in_a_fault_handler(run& r) {
    static run* now;
    static const allocator* asked;
    static fa::fault_handler report;
    static bool done;
    now = &r;
    done = false;
    report = r.options.on_fault;
    struct handler {
        void operator()(const fa::fault& f) const {
            if (f.what == fa::code::FA436) return report(f);
            OFFENCE(*now); void* p = take(*asked, Kind, now->size);
            if (p == nullptr) return;
            done = true;
            OFFENCE(*now); if (Kind == memory::pool) asked->pool_free_bytes(p, now->size);
            OFFENCE(*now); if (Kind == memory::heap) asked->heap_free_bytes(p, now->size);
        }
    };
    r.expected.what = fa::code::FA436;
    r.expected.count = 0;  // the free interrupts a call as well
    static handler in_trouble;
    r.options.on_fault = in_trouble;
    const allocator a{r.options};
    asked = &a;
    a.begin_frame();
    a.end_frame();
    a.end_frame();
    if (!done) r.expected.what = fa::code{};
    a.begin_frame();
    a.end_frame();
}

const register_case all[] = {
    {"frame memory in a handler that interrupts frame memory", call_in_a_signal_handler<memory::frame, memory::frame>},
    {"frame memory in a handler that interrupts the heap", call_in_a_signal_handler<memory::heap, memory::frame>},
    {"pool memory in a handler that interrupts frame memory", call_in_a_signal_handler<memory::frame, memory::pool>},
    {"pool memory in a handler that interrupts the heap", call_in_a_signal_handler<memory::heap, memory::pool>},
    {"heap memory in a handler that interrupts frame memory", call_in_a_signal_handler<memory::frame, memory::heap>},
    {"heap memory in a handler that interrupts the heap", call_in_a_signal_handler<memory::heap, memory::heap>},
    {"frame memory in a fault handler", call_in_a_fault_handler<memory::frame>},
    {"pool memory in a fault handler", call_in_a_fault_handler<memory::pool>},
    {"heap memory in a fault handler", call_in_a_fault_handler<memory::heap>},
};

}  // namespace
}  // namespace faults
