// The kinds of memory of the matrix's containers.
#pragma once

#include "unit/object/matrix/operations.hpp"

namespace test::matrix {

// std::vector itself, as the reference: a cell is right if it equals std::vector's.
struct standard_library {
    static const char* name() { return "std::vector"; }
    template <class T>
    using vec_of = std::vector<T>;
    template <class T, class F>
    std::string use(F f) {
        std::vector<T> c;
        f(c);
        return {};
    }
};

template <class P>
struct frame {
    static const char* name() { return P::checks ? "frame_vec, debug" : "frame_vec"; }
    template <class T>
    using vec_of = fa::basic_vec<T, fa::frame_source, P>;
    template <class T, class F>
    std::string use(F f) {
        ++turn_;
        alloc_.begin_frame();
        auto c = alloc_.template frame_vec<T>();
        const bool inner = turn_ % 3 == 1;  // then it grows out of line
        if (inner) alloc_.begin_frame();
        f(c);
        if (inner) alloc_.end_frame();
        if (turn_ % 2 == 0) vec_of<T> first(std::move(c));  // gone before its frame
        alloc_.end_frame();
        return recorder_.faults.empty() ? "" : "faults were raised";
    }

private:
    static fa::options small(fa::options o) {
        o.frame_capacity = 65536;  // a guarded frame's end forbids all of it
        return o;
    }
    recorder recorder_;
    fa::basic_smart_alloc<P> alloc_{small(recorder_.options())};
    unsigned turn_ = 0;
};

template <class P, class Source>
struct owned {
    static constexpr bool pool = std::is_same_v<Source, fa::pool_source>;
    static std::string name() { return std::string(pool ? "pool_vec" : "heap_vec") + (P::checks ? ", debug" : ""); }
    template <class T>
    using vec_of = fa::basic_vec<T, Source, P>;
    template <class T, class F>
    std::string use(F f) {
        {
            vec_of<T> c(Source(alloc_.owner()));
            f(c);
        }
        const auto s = alloc_.stats();
        return s.pool_allocated + s.heap_allocated == 0 ? recorder_.faults.empty() ? "" : "faults were raised"
                                                        : "memory leaked";
    }

private:
    recorder recorder_;
    fa::basic_smart_alloc<P> alloc_{recorder_.options()};
};

}  // namespace test::matrix
