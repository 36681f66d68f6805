// The standard column of docs/mistakes.md: what it lists is caught outside debug mode, and the rest causes no
// report. Each mistake runs in its own child process. usage: standard_test
#include <framealloc/framealloc.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

namespace fa = framealloc;
using namespace fa::literals;
using allocator = fa::basic_smart_alloc<fa::policy::standard>;
using scope = fa::basic_frame_scope<fa::policy::standard>;

namespace {

struct heard {
    std::vector<unsigned> codes;
    void operator()(const fa::fault& f) const {
        const_cast<heard*>(this)->codes.push_back(static_cast<unsigned>(f.what));
    }
};

int failures = 0, mistakes = 0;

// `expected`: the codes that are raised, in order; empty: none.
void commits(const char* name, std::vector<unsigned> expected, void (*mistake)(const fa::options&)) {
    ++mistakes;
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        heard h;
        mistake({.name = "standard", .frame_capacity = 64_KiB, .on_fault = h});
        if (h.codes == expected) _exit(0);
        std::printf("  said:");
        for (unsigned c : h.codes) std::printf(" FA%03u", c);
        std::printf("\n");
        std::fflush(stdout);
        _exit(1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
    ++failures;
    std::printf("FAILED %s%s\n", name, WIFSIGNALED(status) ? ": it died" : "");
}

void flip(void* p, std::ptrdiff_t at) {
    volatile auto* c = static_cast<volatile unsigned char*>(p) + at;
    *c = *c ^ 1U;
}

// Deliberately corrupted objects are leaked, so that their end reports nothing.
allocator& left(const fa::options& o) { return *new allocator{o}; }

}  // namespace

int main() {
    commits("allocation from an ended scope", {2, 428}, [](const fa::options& o) {
        const allocator a{o};
        auto outer = a.frame_scope();
        auto inner = a.frame_scope();
        a.end_frame();
        static_cast<void>(inner.alloc_bytes(10));
    });
    commits("allocation outside a frame", {1},
            [](const fa::options& o) { static_cast<void>(left(o).frame_alloc_bytes(10)); });
    commits("frame memory read after its frame", {}, [](const fa::options& o) {
        const allocator a{o};
        void* p = nullptr;
        {
            const auto frame = a.frame_scope();
            p = frame.alloc_bytes(100);
        }
        flip(p, 0);
    });
    commits("a frame box used after its frame", {}, [](const fa::options& o) {
        const allocator a{o};
        a.begin_frame();
        auto box = a.frame_box<int>(7);
        a.end_frame();
        *box = 8;
    });
    commits("one byte behind a block", {}, [](const fa::options& o) {
        const allocator a{o};
        void* p = a.pool_alloc_bytes(40);  // in a class of 48 bytes
        flip(p, 40);
        a.pool_free_bytes(p, 40);
    });
    commits("freed twice", {}, [](const fa::options& o) {
        const allocator& a = left(o);
        void* p = a.pool_alloc_bytes(40);
        a.pool_free_bytes(p, 40);
        a.pool_free_bytes(p, 40);
    });
    commits("a pointer into a block", {}, [](const fa::options& o) {
        const allocator& a = left(o);
        a.pool_free_bytes(static_cast<char*>(a.pool_alloc_bytes(48)) + 16, 48);
    });
    commits("a pool block freed as heap", {}, [](const fa::options& o) {
        const allocator& a = left(o);
        a.heap_free_bytes(a.pool_alloc_bytes(40), 40);
    });
    commits("a small block freed with another size", {}, [](const fa::options& o) {
        const allocator& a = left(o);
        a.heap_free_bytes(a.heap_alloc_bytes(40), 400);
    });
    commits("a large block freed with another size", {418}, [](const fa::options& o) {
        const allocator& a = left(o);
        a.heap_free_bytes(a.heap_alloc_bytes(9000), 9001);
    });
    commits("written after it was freed", {}, [](const fa::options& o) {
        const allocator& a = left(o);
        void* p = a.pool_alloc_bytes(40);
        a.pool_free_bytes(p, 40);
        flip(p, 30);
    });
    commits("leaks: one sum", {424}, [](const fa::options& o) {
        const allocator a{o};
        static_cast<void>(a.pool_alloc_bytes(40));
        static_cast<void>(a.heap_alloc_bytes(40'000));
    });
    commits("end without begin", {428}, [](const fa::options& o) { allocator{o}.end_frame(); });
    commits("begin without end", {428}, [](const fa::options& o) { allocator{o}.begin_frame(); });
    commits("begin without end on a thread", {428}, [](const fa::options& o) {
        const allocator a{o};
        std::thread([&] { a.begin_frame(); }).join();
    });
    commits("the outer scope ends first", {428}, [](const fa::options& o) {
        const allocator a{o};
        const auto frame = a.frame_scope();
        a.begin_frame();
    });
    commits("a tag that outlives its frame", {429}, [](const fa::options& o) {
        const allocator& a = left(o);
        a.begin_frame();
        new fa::tag_scope(a, "physics");
        a.end_frame();
    });
    commits("end_phase without begin", {429}, [](const fa::options& o) { allocator{o}.end_phase(); });
    commits("rollback to a stale checkpoint", {427}, [](const fa::options& o) {
        const allocator a{o};
        a.begin_frame();
        const auto cp = a.frame_checkpoint();
        a.end_frame();
        a.begin_frame();
        a.rollback_to(cp);
        a.end_frame();
    });
    commits("a frame that another thread ends, with memory in it", {430}, [](const fa::options& o) {
        const allocator a{o};
        auto* frame = new scope(a.owner());
        static_cast<void>(frame->alloc_bytes(100));
        std::thread([&] { delete frame; }).join();
        a.end_frame();
    });
    commits("another thread's frame, on its slow path", {430}, [](const fa::options& o) {
        const allocator a{o};
        const auto frame = a.frame_scope();
        std::thread([&] { static_cast<void>(frame.alloc_bytes(60'000)); }).join();
    });
    commits("another thread's frame, on its fast path", {}, [](const fa::options& o) {
        const allocator a{o};
        const auto frame = a.frame_scope();
        static_cast<void>(frame.alloc_bytes(100));
        std::thread([&] { static_cast<void>(frame.alloc_bytes(100)); }).join();
    });
    commits("a container destroyed by another thread", {}, [](const fa::options& o) {
        const allocator a{o};
        const auto frame = a.frame_scope();
        auto v = frame.vec<char>();
        v.resize(100);
        std::thread([&] { const auto gone = std::move(v); }).join();
    });
    commits("received twice", {434}, [](const fa::options& o) {
        const allocator a{o};
        auto h = a.frame_box_for_transfer<int>(3);
        auto first = std::move(h).receive();
        auto second = std::move(h).receive();
    });
    commits("an alignment of three", {431, 431, 431}, [](const fa::options& o) {
        const allocator a{o};
        a.begin_frame();
        static_cast<void>(a.try_frame_alloc_bytes(8, 3));
        static_cast<void>(a.try_pool_alloc_bytes(8, 3));
        static_cast<void>(a.try_heap_alloc_bytes(8, 3));
        a.end_frame();
    });
    commits("the last handle gone with a frame open elsewhere", {432, 428}, [](const fa::options& o) {
        auto* a = new allocator{o};
        int stage = 0;
        std::thread other([&] {
            a->begin_frame();
            __atomic_store_n(&stage, 1, __ATOMIC_RELEASE);
            while (__atomic_load_n(&stage, __ATOMIC_ACQUIRE) != 2) std::this_thread::yield();
        });
        while (__atomic_load_n(&stage, __ATOMIC_ACQUIRE) != 1) std::this_thread::yield();
        delete a;
        __atomic_store_n(&stage, 2, __ATOMIC_RELEASE);
        other.join();
    });
    std::printf("standard_test: %d mistakes, %d failures\n", mistakes, failures);
    return failures == 0 ? 0 : 1;
}
