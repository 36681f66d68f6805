#include <framealloc/os/trap.hpp>

#include <csignal>
#include <ucontext.h>

#include <framealloc/base/align.hpp>
#include <framealloc/sync/atomic.hpp>

namespace framealloc::inline FRAMEALLOC_ABI::os {

namespace {

constinit sync::atomic<access_handler> handler{nullptr};
struct sigaction previous {};

const void* instruction_of(const void* context) noexcept {
#ifdef REG_RIP
    return pointer_at(static_cast<std::uintptr_t>(static_cast<const ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]));
#else
    static_cast<void>(context);
    return nullptr;
#endif
}

// The bit of a page fault's error code that says write (Intel SDM, volume 3, 4.7).
access_kind kind_of(const void* context) noexcept {
#ifdef REG_ERR
    return (static_cast<const ucontext_t*>(context)->uc_mcontext.gregs[REG_ERR] & 2) != 0 ? access_kind::write : access_kind::read;
#else
    static_cast<void>(context);
    return access_kind::unknown;
#endif
}

// The access is made again on return, and then meets whoever was there before.
void on_signal(int signal, siginfo_t* info, void* context) {
    if (access_handler f = handler.load_acquire()) f(address_of(info->si_addr), instruction_of(context), kind_of(context));  // pairs: catch_access_faults()
    const bool takes_three = (previous.sa_flags & SA_SIGINFO) != 0;
    if (takes_three && previous.sa_sigaction != nullptr) return previous.sa_sigaction(signal, info, context);
    if (!takes_three && previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) return previous.sa_handler(signal);
    std::signal(signal, SIG_DFL);
}

// This library is unloaded with the plugin that contains it: the program's own handler must not be lost.
[[gnu::destructor]] void stop_catching() {
    struct sigaction now {};
    if (handler.load_acquire() == nullptr || sigaction(SIGSEGV, nullptr, &now) != 0) return;  // pairs: catch_access_faults()
    if ((now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == on_signal) sigaction(SIGSEGV, &previous, nullptr);
}

}  // namespace

void catch_access_faults(access_handler f) noexcept {
    if (handler.exchange_acq_rel(f) != nullptr) return;  // pairs: on_signal()
    struct sigaction action {};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGSEGV, &action, &previous) != 0) handler.store_release(nullptr);  // pairs: on_signal(). Nothing is explained then
}

}  // namespace framealloc::inline FRAMEALLOC_ABI::os
