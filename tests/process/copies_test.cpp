// A program and its plugin each contain the library: the copy of one refuses an allocator of the other with FA103,
// for every request, and allocators that each keeps to itself do not interfere. usage: copies_test PLUGIN
#include "copies.hpp"

#include <csignal>
#include <cstdio>
#include <string>

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

struct plugin {
    const char* (*name_of)(std::size_t);
    void (*misuse)(std::size_t, const foreign&);
    std::uint64_t (*own_work)();
};

template <class F>
void find(void* handle, const char* name, F& f) {
    f = reinterpret_cast<F>(dlsym(handle, name));
}

void hand_over(const plugin& p, std::size_t i) {
    const auto* alloc = new fa::smart_alloc{{.name = "program"}};
    const fa::smart_alloc other;
    fa::parked_context parked = other.park();
    p.misuse(i, {*alloc, alloc->pool_alloc<int>(), alloc->heap_alloc_bytes(100'000), other, parked});
}

// What the child writes to standard error; `status` is how it ended.
template <class Work>
std::string output_of_child(Work work, int& status) {
    int ends[2];
    if (pipe(ends) != 0) return {};
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        work();
        _exit(0);
    }
    close(ends[1]);
    std::string text;
    char part[512];
    for (ssize_t n = 0; (n = read(ends[0], part, sizeof part)) > 0;) text.append(part, static_cast<std::size_t>(n));
    close(ends[0]);
    waitpid(child, &status, 0);
    return text;
}

bool refused(const plugin& p, std::size_t i) {
    int status = 0;
    const std::string text = output_of_child([&] { hand_over(p, i); }, status);
    const bool once = text.find(": framealloc: FA103 allocator of another copy of the library: ") < text.find(' ') &&
                      text.find('\n') == text.size() - 1;
    if (once && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) return true;
    std::fprintf(stderr, "FAILED: %s: status %x, \"%s\"\n", p.name_of(i), static_cast<unsigned>(status), text.c_str());
    return false;
}

bool apart(const plugin& p) {
    const fa::smart_alloc alloc{{.name = "program"}};
    const auto frame = alloc.frame_scope();
    const auto box = alloc.pool_box<int>(4);
    const std::uint64_t theirs = p.own_work();
    const bool right = theirs != 0 && theirs != alloc.owner().id && alloc.frame_depth() == 1 && *box == 4 &&
                       alloc.stats().pool_allocated != 0;
    if (!right) std::fprintf(stderr, "FAILED: allocators of two copies meet\n");
    return right;
}

}  // namespace

int main(int, char** arguments) {
    void* handle = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) return std::fprintf(stderr, "%s\n", dlerror());
    plugin p{};
    find(handle, "plugin_name_of", p.name_of);
    find(handle, "plugin_misuse", p.misuse);
    find(handle, "plugin_own_work", p.own_work);
    int failures = apart(p) ? 0 : 1;
    std::size_t i = 0;
    for (; p.name_of(i) != nullptr; ++i) failures += refused(p, i) ? 0 : 1;
    std::printf("copies_test: %zu uses of another copy's allocator, %d failures\n", i, failures);
    return failures;
}
