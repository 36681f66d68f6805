// Programs that do things to their process that a recorder must survive and must not make worse: "victims HOW …" prints
// the same and ends the same way, recorded or not. Frames are marked by begin_frame().
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void allocate(int n) {
    for (int i = 0; i < n; ++i) {
        void* volatile p = malloc((size_t)(16 + i % 100));
        free(p);
    }
}

__attribute__((noinline)) void begin_frame(void) { __asm__ volatile("nop; nop; nop; nop; nop; nop" ::: "memory"); }
static volatile double sum;
__attribute__((noinline)) double begin_frame_of(double a, double b, int c) { return sum = a * b + c; }
// A loop that begins after its first two bytes: a jump of five bytes must not replace them.
__attribute__((naked, noinline)) int tight_loop(int n) {
    (void)n;
    __asm__ volatile("xorl %eax, %eax\n1: incl %eax\n subl $1, %edi\n jnz 1b\n ret\n");
}

static void frames(void) {
    for (int i = 0; i < 20; ++i) {
        begin_frame();
        allocate(10);
        if (begin_frame_of(1.5, i, 2) != 1.5 * i + 2) abort();
    }
}

// --- descriptors ---

// Closes descriptors that it did not open, and writes its own file where the recorder's descriptor may have been.
static int write_own(const char* path) {
    const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (write(fd, "mine\n", 5) != 5) return 1;
    for (int at = 4; at < 1024; ++at) dup2(fd, at);
    dup2(fd, 16368);
    allocate(600000);
    struct stat s;
    fstat(fd, &s);
    printf("bytes %lld (wrote 5)\n", (long long)s.st_size);
    return 0;
}
static int close_each(const char* path) {
    for (int i = 3; i < 20000; ++i) close(i);
    return write_own(path);
}
static int close_all_at_once(const char* path) {
    if (syscall(SYS_close_range, 3, ~0U, 0) != 0) return 1;
    return write_own(path);
}
static int close_listed(const char* path) {
    closefrom(3);
    return write_own(path);
}
static int put_another(const char* path) {
    const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    for (int i = fd + 1; i < 20000; ++i) {
        if (fcntl(i, F_GETFD) >= 0) dup2(fd, i);
    }
    allocate(600000);
    struct stat s;
    fstat(fd, &s);
    printf("bytes %lld (wrote 0)\n", (long long)s.st_size);
    return 0;
}

// --- the file of the trace ---

static int cut(const char* trace) {
    allocate(1000);
    if (truncate(trace, 0) != 0 && errno != ENOENT) return 1;
    allocate(600000);
    puts("cut");
    return 0;
}
static int take_over(const char* trace) {
    allocate(1000);
    FILE* f = fopen(trace, "w");
    fputs("mine now", f);
    fflush(f);
    allocate(600000);
    fclose(f);
    char text[32] = {0};
    f = fopen(trace, "r");
    printf("%zu bytes: %s\n", fread(text, 1, 31, f), text);
    return 0;
}
static int removed(const char* trace) {
    unlink(trace);
    allocate(600000);
    puts("removed");
    return 0;
}
static int elsewhere(const char* unused) {
    (void)unused;
    if (chdir("/") != 0 || (geteuid() == 0 && chroot("/proc") != 0)) return 1;
    allocate(600000);
    puts("elsewhere");
    return 0;
}
static int limits(const char* bytes) {
    const struct rlimit r = {(rlim_t)atol(bytes), (rlim_t)atol(bytes)};
    setrlimit(RLIMIT_FSIZE, &r);
    allocate(600000);
    puts("done");
    return 0;
}

static int asks_for_sandboxes(const char* unused) {
    (void)unused;
    const int refused = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL) != 0 &&
                        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL) != 0 &&
                        syscall(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL) != 0;
    allocate(600000);
    printf("asked %d\n", refused);
    return 0;
}
static int sandboxed(const char* how) {
    allocate(600000);
    fflush(stdout);
    const int raw = how[0] == 'r';
    if (raw ? syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL) != 0
            : prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
        return 1;
    allocate(600000);
    if (write(1, "in the sandbox\n", 15) != 15) abort();
    for (;;) syscall(SYS_exit, 7);  // exit_group() is forbidden too
}

// --- signals ---

static volatile int handled;
static void on_signal(int number) {
    frames();
    handled = number;
}
static int blocked_in_handler(const char* unused) {
    (void)unused;
    struct sigaction a;
    memset(&a, 0, sizeof a);
    a.sa_handler = on_signal;
    sigfillset(&a.sa_mask);
    sigaction(SIGUSR1, &a, NULL);
    raise(SIGUSR1);
    printf("handled %d\n", handled == SIGUSR1);
    return 0;
}
static int blocked_raw(const char* unused) {
    (void)unused;
    unsigned long all = ~0UL;
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, NULL, 8);
    frames();
    sigset_t now;
    sigprocmask(SIG_BLOCK, NULL, &now);
    printf("blocked %d\n", sigismember(&now, SIGTRAP));
    return 0;
}
static int ignored(const char* unused) {
    (void)unused;
    signal(SIGTRAP, SIG_IGN);
    signal(SIGBUS, SIG_IGN);
    frames();
    raise(SIGTRAP);
    raise(SIGBUS);
    printf("ignored %d\n", signal(SIGTRAP, SIG_DFL) == SIG_IGN && signal(SIGBUS, SIG_DFL) == SIG_IGN);
    return 0;
}
static void on_bus(int number, siginfo_t* info, void* context) {
    (void)context;
    printf("SIGBUS %d at a place of its own %d\n", number == SIGBUS, info->si_addr != NULL);
    fflush(stdout);
    _exit(3);
}
static int own_lost_page(const char* path) {
    const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    char* p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    struct sigaction a, before;
    memset(&a, 0, sizeof a);
    a.sa_sigaction = on_bus;
    a.sa_flags = SA_SIGINFO;
    sigaction(SIGBUS, NULL, &before);
    printf("default before %d\n", before.sa_handler == SIG_DFL);
    fflush(stdout);
    if (path[strlen(path) - 1] != '-') sigaction(SIGBUS, &a, NULL);
    *p = 1;
    return 1;
}

// --- threads and children ---

static pthread_key_t late[4];
static void allocate_late(void* value) {
    for (int i = 0; i < 5; ++i) free(malloc(100));
    for (int i = 0; i < 4; ++i) {
        if (value == &late[i]) pthread_setspecific(late[i], value);
    }
}
static void* set_keys(void* unused) {
    for (int i = 0; i < 4; ++i) pthread_setspecific(late[i], &late[i]);
    return unused;
}
static int dying_threads(const char* count) {
    for (int i = 0; i < 4; ++i) pthread_key_create(&late[i], allocate_late);
    for (int i = 0; i < atoi(count); ++i) {
        pthread_t t;
        pthread_create(&t, NULL, set_keys, NULL);
        pthread_join(t, NULL);
    }
    puts("joined");
    return 0;
}
static int forked(const char* unused) {  // by calls that run no handlers of pthread_atfork()
    (void)unused;
    allocate(1000);
    int status = 0;
    for (int i = 0; i < 2; ++i) {
        const pid_t child = i == 0 ? (pid_t)syscall(SYS_fork) : fork();
        if (child == 0) {
            allocate(100000);
            _exit(5);
        }
        waitpid(child, &status, 0);
        printf("child %d\n", WEXITSTATUS(status));
        fflush(stdout);
    }
    allocate(1000);
    return 0;
}
static int demon(const char* unused) {
    (void)unused;
    if (daemon(0, 1) != 0) return 1;
    allocate(100000);
    return 0;
}

// --- libraries ---

static int cxx_plugin(const char* path) {
    void* h = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (h == NULL) return puts(dlerror()), 1;
    int (*f)(int) = (int (*)(int))dlsym(h, "plugin_run");
    printf("plugin says %d, and of too much %d\n", f(0), f(1));
    return 0;
}
// One library after another, mostly at the same address: each has its own places.
static int unloaded(const char* paths) {
    char* all = strdup(paths);
    for (char* path = strtok(all, ","); path != NULL; path = strtok(NULL, ",")) {
        void* h = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (h == NULL) return puts(dlerror()), 1;
        void (*f)(int) = (void (*)(int))dlsym(h, "plugin_allocate");
        for (int i = 0; i < 20; ++i) {
            begin_frame();
            f(40);
        }
        dlclose(h);
    }
    puts("unloaded");
    return 0;
}
static int many_frames(const char* unused) {
    (void)unused;
    for (int i = 0; i < 50; ++i) {
        if (getenv("HOME") == NULL) puts("homeless");
        free(malloc(10));
        struct sigaction a;
        sigaction(SIGUSR2, NULL, &a);
        void* p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        mprotect(p, 4096, PROT_NONE);
        munmap(p, 4096);
        struct stat s;
        fstat(0, &s);
        if (tight_loop(3) != 3) return 1;
    }
    frames();
    puts("framed");
    return 0;
}

int main(int count, char** arguments) {
    static const struct {
        const char* name;
        int (*run)(const char*);
    } all[] = {{"close_each", close_each},
               {"close_all_at_once", close_all_at_once},
               {"close_listed", close_listed},
               {"put_another", put_another},
               {"cut", cut},
               {"take_over", take_over},
               {"removed", removed},
               {"elsewhere", elsewhere},
               {"limits", limits},
               {"sandboxed", sandboxed},
               {"asks_for_sandboxes", asks_for_sandboxes},
               {"blocked_in_handler", blocked_in_handler},
               {"blocked_raw", blocked_raw},
               {"ignored", ignored},
               {"own_lost_page", own_lost_page},
               {"dying_threads", dying_threads},
               {"forked", forked},
               {"demon", demon},
               {"cxx_plugin", cxx_plugin},
               {"unloaded", unloaded},
               {"many_frames", many_frames}};
    for (size_t i = 0; count > 1 && i < sizeof all / sizeof *all; ++i) {
        if (strcmp(arguments[1], all[i].name) == 0) return all[i].run(count > 2 ? arguments[2] : "");
    }
    return 99;
}
