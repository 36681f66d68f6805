// The SIGBUS handler, and what stands between it and the one of the program.
#include "lost_file.hpp"

#include "hooks.h"
#include "writer.hpp"

#include <signal.h>

#include <atomic>
#include <cerrno>

namespace recorder {
namespace {

using action = struct sigaction;
using sigaction_type = int (*)(int, const action*, action*);

// The handler that the program installed; the recorder's handler runs before it. Guarded by `lock`.
action wanted;
std::atomic_flag lock;
std::atomic<bool> guarded;

sigaction_type real_sigaction() noexcept {
    static std::atomic<sigaction_type> known;
    sigaction_type f = known.load(std::memory_order_relaxed);
    if (f == nullptr)
        known.store(f = reinterpret_cast<sigaction_type>(recorder_next("sigaction")), std::memory_order_relaxed);
    return f;
}

void set_default() noexcept {
    action a{};
    a.sa_handler = SIG_DFL;
    guarded.store(false);
    real_sigaction()(SIGBUS, &a, nullptr);
}

void on_lost_page(int number, siginfo_t* info, void* context) noexcept {
    const int saved = errno;
    const bool by_access = info->si_code > 0;
    if (by_access && recover_store(info->si_addr)) {
        errno = saved;
        return;
    }
    action theirs;
    {
        const spin_lock held(lock);
        theirs = wanted;
        if ((wanted.sa_flags & static_cast<int>(SA_RESETHAND)) != 0) wanted.sa_handler = SIG_DFL;
    }
    const bool has_handler = (theirs.sa_flags & SA_SIGINFO) != 0 ||
                             (theirs.sa_handler != SIG_DFL && theirs.sa_handler != SIG_IGN);
    if (!has_handler) {
        if (theirs.sa_handler == SIG_IGN && !by_access) return;
        set_default();
        if (!by_access) raise(number);  // otherwise the access is repeated
        return;
    }
    sigset_t before;
    sigset_t during = theirs.sa_mask;
    if ((theirs.sa_flags & static_cast<int>(SA_NODEFER)) == 0) sigaddset(&during, number);
    pthread_sigmask(SIG_BLOCK, &during, &before);
    errno = saved;
    if ((theirs.sa_flags & SA_SIGINFO) != 0) theirs.sa_sigaction(number, info, context);
    else theirs.sa_handler(number);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void install(int flags) noexcept {
    action a{};
    a.sa_sigaction = on_lost_page;
    a.sa_flags = SA_SIGINFO | static_cast<int>(SA_NODEFER) | SA_ONSTACK | (flags & SA_RESTART);
    sigemptyset(&a.sa_mask);
    real_sigaction()(SIGBUS, &a, nullptr);
}

}  // namespace

void guard_mappings() noexcept {
    action before{};
    if (real_sigaction() == nullptr || real_sigaction()(SIGBUS, nullptr, &before) != 0 || before.sa_handler != SIG_DFL)
        return;
    wanted = before;
    install(SA_RESTART);
    guarded.store(true);
}

}  // namespace recorder

extern "C" {

#pragma GCC visibility push(default)

int sigaction(int number, const struct sigaction* to, struct sigaction* before) noexcept {
    using namespace recorder;
    const sigaction_type forward = real_sigaction();
    if (number != SIGBUS || !guarded.load()) return forward(number, to, before);
    const struct sigaction asked = to == nullptr ? wanted : *to;
    {
        const spin_lock held(lock);
        if (before != nullptr) *before = wanted;
        if (to != nullptr) wanted = asked;
    }
    if (to != nullptr) install(asked.sa_flags);
    return 0;
}

sighandler_t signal(int number, sighandler_t handler) noexcept {
    using namespace recorder;
    using signal_type = sighandler_t (*)(int, sighandler_t);
    static std::atomic<signal_type> known;
    if (number == SIGBUS && guarded.load() && handler != SIG_ERR) {
        struct sigaction a{}, before{};
        a.sa_handler = handler;
        a.sa_flags = SA_RESTART;
        sigemptyset(&a.sa_mask);
        sigaddset(&a.sa_mask, number);
        sigaction(number, &a, &before);
        return before.sa_handler;
    }
    signal_type f = known.load(std::memory_order_relaxed);
    if (f == nullptr)
        known.store(f = reinterpret_cast<signal_type>(recorder_next("signal")), std::memory_order_relaxed);
    return f(number, handler);
}

#pragma GCC visibility pop

}  // extern "C"
