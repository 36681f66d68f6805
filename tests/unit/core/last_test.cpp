// The last handle and the last block of an allocator, which may go on two threads at once.
#include <doctest/doctest.h>

#include <support/recorder.hpp>

#include <atomic>
#include <thread>

namespace fa = framealloc;
using namespace fa::literals;

namespace {

// Both at the same moment.
template <class F, class G>
void at_once(F&& f, G&& g) {
    std::atomic<int> ready{0};
    const auto wait = [&] {
        ready.fetch_add(1);
        while (ready.load() != 2) {}
    };
    std::thread other([&] {
        wait();
        f();
    });
    wait();
    g();
    other.join();
}

constexpr int rounds = 300;

template <class P>
fa::options silent() {
    return {.frame_capacity = 64_KiB, .on_fault = [](const fa::fault&) {}};
}

}  // namespace

FOR_EACH_POLICY("two threads may free the last blocks of an allocator without handles at once") {
    for (int r = 0; r < rounds; ++r) {
        fa::basic_pool_box<int, P> a, b;
        {
            const fa::basic_smart_alloc<P> alloc{silent<P>()};
            a = alloc.template pool_box<int>(1);
            b = alloc.template pool_box<int>(2);
        }
        at_once([&] { a.reset(); }, [&] { b.reset(); });
    }
}

FOR_EACH_POLICY("the last handle and the last block may go at once") {
    for (int r = 0; r < rounds; ++r) {
        auto* alloc = new fa::basic_smart_alloc<P>{silent<P>()};
        auto a = alloc->template pool_box<int>(1);
        at_once([&] { a.reset(); }, [&] { delete alloc; });
    }
}

FOR_EACH_POLICY("the same of large blocks") {
    struct large {
        char bytes[9000];
    };
    for (int r = 0; r < rounds; ++r) {
        auto* alloc = new fa::basic_smart_alloc<P>{silent<P>()};
        auto a = alloc->template heap_box<large>(), b = alloc->template heap_box<large>();
        at_once([&] { a.reset(); },
                [&] {
                    delete alloc;
                    b.reset();
                });
    }
}

FOR_EACH_POLICY(
    "an allocator without handles goes with the thread that frees its last block, whoever frees meanwhile") {
    for (int r = 0; r < rounds / 4; ++r) {
        fa::basic_pool_box<int, P> boxes[8];
        {
            const fa::basic_smart_alloc<P> alloc{silent<P>()};
            for (auto& b : boxes) b = alloc.template pool_box<int>(1);
            std::thread([&] { static_cast<void>(alloc.frame_scope()); }).join();  // a context that is idle
        }
        const auto free = [&](int from) {
            for (int i = from; i < 8; i += 2) boxes[i].reset();
        };
        at_once([&] { free(0); }, [&] { free(1); });
    }
}
