// Collects faults and exhaustion of one allocator, for tests.
#pragma once

#include <framealloc/detail/guard/annotate.hpp>
#include <framealloc/framealloc.hpp>

#include <vector>

namespace test {

namespace fa = framealloc;
using namespace fa::literals;

// Whether the library uses the system's OS pages or portable ones. In main.cpp, so that the tests of both compile
// alike.
extern const bool on_linux;

// Under ThreadSanitizer long loops on one thread find nothing new: such cases are skipped there, and
// only such cases.
inline constexpr bool under_tsan = FRAMEALLOC_TSAN != 0;

// Whether freed blocks are quarantined and every block is between guard zones.
template <class P>
inline constexpr bool guarded = P::checks || fa::guard::under_tool;
// By which the library's own memory grows; what it notes of ended frames comes from there while they are inaccessible.
inline constexpr std::size_t metadata_step = 65536;

struct recorder {
    std::vector<fa::code> faults;
    std::vector<fa::exhaustion_reason> exhaustions;

    struct on_fault_type {
        recorder* self;
        void operator()(const fa::fault& f) const { self->faults.push_back(f.what); }
    } on_fault{this};

    recorder() = default;
    recorder(const recorder&) = delete;
    recorder& operator=(const recorder&) = delete;

    fa::options options(fa::options o = {}) {
        o.on_fault = on_fault;
        if (o.reports == fa::reporting::automatic) o.reports = fa::reporting::on;  // in minimal mode too
        return o;
    }
    std::size_t count(fa::code c) const {
        std::size_t n = 0;
        for (fa::code f : faults) n += f == c ? 1U : 0U;
        return n;
    }
};

struct alignas(4096) overaligned_page {
    char bytes[4096];
};

// Counts how many are alive.
struct counted {
    static inline int alive = 0;
    static inline std::vector<int> deaths{};  // in order
    int id;
    explicit counted(int i = 0) : id(i) { ++alive; }
    counted(const counted& o) : id(o.id) { ++alive; }
    counted(counted&& o) noexcept : id(o.id) { ++alive; }
    counted& operator=(const counted&) = default;
    counted& operator=(counted&&) = default;
    ~counted() {
        --alive;
        deaths.push_back(id);
    }
};

template <class P>
bool aligned(const P* p, std::size_t a) {
    return reinterpret_cast<std::uintptr_t>(p) % a == 0;
}

}  // namespace test

// A test case for each policy.
#define FOR_EACH_POLICY(name) TEST_CASE_TEMPLATE(name, P, framealloc::policy::unchecked, framealloc::policy::checked)
