// Accesses to memory that is not accessible, before the program's own handler is called.
#include <framealloc/detail/os/trap.hpp>

#include <pthread.h>

#include <csignal>

#include <link.h>
#include <ucontext.h>

#include <framealloc/detail/base/align.hpp>
#include <framealloc/detail/sync/atomic.hpp>

namespace framealloc::inline v1::os {

namespace {

// A program and its plugins may each contain this library. Every copy that catches has one of these: the list of them,
// in the order in which they came, lets one that is unloaded hand what was there before it to its successor. Copies may
// be of different versions: the layout never changes.
struct catching_copy {
    struct sigaction kept[2];
    sync::atomic<struct sigaction*> previous;  // one of them: a fault may read it while it is replaced
    catching_copy* older;
    catching_copy* newer;
};

constinit sync::atomic<access_handler> handler{nullptr};
constinit catching_copy own{{}, {&own.kept[0]}, nullptr, nullptr};

void replace_previous(catching_copy& c, const struct sigaction& with) noexcept {
    struct sigaction* unused =
        &c.kept[c.previous.load_relaxed() == &c.kept[0] ? 1 : 0];  // relaxed: one changes it at a time
    *unused = with;
    c.previous.store_release(unused);  // pairs: on_signal()
}

// --- how copies know each other ---
// Copies recognise each other by the signal mask of the handler: real-time signals that nobody else would choose. Such
// a handler is asked for its copy by a call with signal 0.
constexpr int mark_signals[] = {37, 38, 43, 47, 52, 53, 58, 61};
constexpr int question = 0x4641434F;

bool marked(const struct sigaction& a) noexcept {
    int found = 0;
    for (int i = 1; i <= 64; ++i) found += sigismember(&a.sa_mask, i) == 1 ? 1 : 0;
    for (const int i : mark_signals) found -= sigismember(&a.sa_mask, i) == 1 ? 1 : 64;
    return found == 0 && (a.sa_flags & SA_SIGINFO) != 0;
}

// Null when `a` is no copy's.
catching_copy* copy_behind(const struct sigaction& a) noexcept {
    if (!marked(a)) return nullptr;
    siginfo_t asked{};
    asked.si_code = question;
    a.sa_sigaction(0, &asked, nullptr);
    return static_cast<catching_copy*>(asked.si_addr);
}

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
    return (static_cast<const ucontext_t*>(context)->uc_mcontext.gregs[REG_ERR] & 2) != 0 ? access_kind::write
                                                                                          : access_kind::read;
#else
    static_cast<void>(context);
    return access_kind::unknown;
#endif
}

bool is_handler(const struct sigaction& a) noexcept {
    return (a.sa_flags & SA_SIGINFO) != 0 ? a.sa_sigaction != nullptr
                                          : a.sa_handler != SIG_DFL && a.sa_handler != SIG_IGN;
}

// As the system would call it: with its mask on top of the interrupted code's, which stays where it leaves by longjmp,
// and once where it says so.
void call(const struct sigaction& a, int signal, siginfo_t* info, void* context) noexcept {
    static struct sigaction by_default{};
    if ((static_cast<unsigned>(a.sa_flags) & SA_RESETHAND) != 0)
        own.previous.store_release(&by_default);  // pairs: on_signal()
    sigset_t mask = static_cast<const ucontext_t*>(context)->uc_sigmask, before;
    for (int i = 1; i <= 64; ++i) {
        if (sigismember(&a.sa_mask, i) == 1) sigaddset(&mask, i);
    }
    if ((a.sa_flags & SA_NODEFER) == 0) sigaddset(&mask, signal);
    pthread_sigmask(SIG_SETMASK, &mask, &before);
    if ((a.sa_flags & SA_SIGINFO) != 0) a.sa_sigaction(signal, info, context);
    else a.sa_handler(signal);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

// An access is made again on return, and then meets the earlier handler. A signal that somebody sent does not come
// again.
void on_signal(int signal, siginfo_t* info, void* context) {
    if (signal == 0 && info->si_code == question) {
        info->si_addr = &own;
        return;
    }
    const bool sent = info->si_code <= 0;
    access_handler f = sent ? nullptr : handler.load_acquire();  // pairs: catch_access_faults()
    if (f != nullptr) f(address_of(info->si_addr), instruction_of(context), kind_of(context));
    const struct sigaction previous = *own.previous.load_acquire();  // pairs: replace_previous(), call()
    if (is_handler(previous)) return call(previous, signal, info, context);
    if (sent && (previous.sa_flags & SA_SIGINFO) == 0 && previous.sa_handler == SIG_IGN) return;
    std::signal(signal, SIG_DFL);
    if (sent) raise(signal);
}

// One at a time in the process: copies share no lock, but the dynamic linker has one.
template <class F>
void one_at_a_time(F f) noexcept {
    dl_iterate_phdr([](dl_phdr_info*, std::size_t, void* call) { return (*static_cast<F*>(call))(), 1; }, &f);
}

bool install() noexcept {
    struct sigaction action{};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    for (const int i : mark_signals) sigaddset(&action.sa_mask, i);
    struct sigaction before{};
    if (sigaction(SIGSEGV, nullptr, &before) != 0) return false;
    replace_previous(own, before);
    if (sigaction(SIGSEGV, &action, nullptr) != 0) return false;
    own.older = copy_behind(before);
    if (own.older != nullptr) own.older->newer = &own;
    return true;
}

void uninstall() noexcept {
    const struct sigaction& before = *own.previous.load_relaxed();  // relaxed: one changes it at a time
    struct sigaction now{};
    if (own.newer != nullptr) {
        replace_previous(*own.newer, before);
        own.newer->older = own.older;
    } else if (sigaction(SIGSEGV, nullptr, &now) == 0 && copy_behind(now) == &own) {
        sigaction(SIGSEGV, &before, nullptr);
    }
    if (own.older != nullptr) own.older->newer = own.newer;
}

// This library is unloaded with the plugin that contains it: the program's own handler must not be lost.
[[gnu::destructor]] void stop_catching() {
    if (handler.load_acquire() != nullptr) one_at_a_time(uninstall);  // pairs: catch_access_faults()
}

}  // namespace

std::size_t signal_stack_room() noexcept {
    stack_t s{};
    if (sigaltstack(nullptr, &s) != 0 || (s.ss_flags & SS_ONSTACK) == 0) return ~std::size_t{0};
    return address_of(__builtin_frame_address(0)) - address_of(s.ss_sp);
}

void catch_access_faults(access_handler f) noexcept {
    if (handler.exchange_acq_rel(f) != nullptr) return;  // pairs: on_signal()
    bool installed = false;
    one_at_a_time([&installed] { installed = install(); });
    if (!installed) handler.store_release(nullptr);  // pairs: on_signal(). Nothing is explained then
}

}  // namespace framealloc::inline v1::os
