// A program with places of every shape, made for framealloc-advise: the right advice is known. With "kill" it ends
// itself in the middle of a frame, with "fork" it starts children that allocate too.
#include <framealloc/mark_frame.h>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string_view>
#include <thread>
#include <vector>

namespace {

constexpr unsigned frames = 400;
volatile char touched;
void use(void* p) { touched = *static_cast<char*>(p) = 1; }

}  // namespace

// Outside the unnamed namespace, so that the linker knows their names.
#define PLANTED __attribute__((noinline)) void

// 100 blocks per frame, in every hundredth frame 200: 64 bytes each.
PLANTED planted_frame(unsigned frame) {
    std::vector<void*> blocks(frame % 100 == 99 ? 200 : 100);
    for (void*& p : blocks) use(p = std::malloc(64));
    for (void* p : blocks) std::free(p);
}

// 50 blocks per frame, freed at the end of the next one.
PLANTED planted_kept(unsigned) {
    static std::vector<char*> last;
    std::vector<char*> now;
    now.reserve(50);
    for (int i = 0; i < 50; ++i) use(now.emplace_back(new char[32]));
    for (char* p : last) delete[] p;
    last.swap(now);
}

struct node {
    char bytes[48];
};
// 20 nodes per frame, each lives for 25 frames.
PLANTED planted_pool(unsigned) {
    static std::deque<node*> nodes;
    for (int i = 0; i < 20; ++i) use(nodes.emplace_back(new node));
    while (nodes.size() > 500) {
        delete nodes.front();
        nodes.pop_front();
    }
}

// Of every size, for 40 frames.
PLANTED planted_heap(unsigned frame) {
    static std::deque<void*> blocks;
    use(blocks.emplace_back(std::malloc(5000 + frame * 97 % 60'000)));
    if (blocks.size() <= 40) return;
    std::free(blocks.front());
    blocks.pop_front();
}

PLANTED planted_grow(unsigned) {
    std::vector<int> v;
    for (int i = 0; i < 1000; ++i) v.push_back(i);
    use(v.data());
}

PLANTED planted_resize(unsigned) {
    void* p = nullptr;
    for (std::size_t n = 100; n < 3000; n += 100) use(p = std::realloc(p, n));
    std::free(p);
}

// Made by a worker, freed by the main thread, at once.
std::atomic<void*> handed[30];
std::atomic<unsigned> wanted, done;
std::atomic<bool> stop;
PLANTED planted_transfer() {
    for (auto& h : handed) {
        void* p = std::malloc(200);
        use(p);
        h.store(p);
    }
}
void work() {
    for (unsigned n = 0; !stop;) {
        if (wanted == n) {
            std::this_thread::yield();
            continue;
        }
        planted_transfer();
        done = ++n;
    }
}

PLANTED planted_startup(std::vector<void*>& all) {
    for (int i = 0; i < 300; ++i) all.push_back(std::malloc(1000));
}

PLANTED planted_rare(unsigned frame) {
    if (frame % 50 == 0) std::free(std::malloc(777));
}

int main(int count, char** arguments) {
    const std::string_view how = count > 1 ? arguments[1] : "";
    std::vector<void*> all;
    planted_startup(all);
    std::thread worker(work);
    for (unsigned frame = 0; frame < frames; ++frame) {
        FRAMEALLOC_MARK_FRAME();
        planted_frame(frame);
        planted_kept(frame);
        planted_pool(frame);
        planted_heap(frame);
        planted_grow(frame);
        planted_resize(frame);
        ++wanted;
        while (done != wanted) std::this_thread::yield();
        for (auto& h : handed) std::free(h.exchange(nullptr));
        planted_rare(frame);
        if (how == "kill" && frame == 200) raise(SIGKILL);
        if (how == "interrupt" && frame == 200) raise(SIGINT);
        if (how == "fork" && frame % 100 == 50) {
            const pid_t child = fork();
            if (child == 0) {
                planted_frame(99);
                _exit(0);
            }
            waitpid(child, nullptr, 0);
        }
    }
    stop = true;
    worker.join();
    for (void* p : all) std::free(p);
}
