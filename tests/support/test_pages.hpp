// A page source for tests.
#pragma once

#include <doctest/doctest.h>

#include <framealloc/framealloc.hpp>

namespace test {

namespace fa = framealloc;

// Counts requests, pretends another OS page size, and refuses on demand.
class test_pages final : public fa::page_source {
public:
    explicit test_pages(std::size_t page = fa::os::system_pages{}.granularity()) : page_(page) {}
    int refuse_after = -1;  // requests still served; -1: all
    bool refuse_once = false;  // only the next one after them
    int refusals = 0;
    std::size_t largest_commit = ~std::size_t{0};  // more at once is refused
    int reserves = 0;
    bool moves_pages = true;
    int moves = 0;
    long live = 0;

    void* reserve(std::size_t n, std::size_t a) noexcept override {
        CHECK(n % page_ == 0);
        if (refused()) return nullptr;
        void* p = system_.reserve(n, a < page_ ? page_ : a);
        if (p != nullptr) {
            ++reserves;
            ++live;
        }
        return p;
    }
    bool commit(void* p, std::size_t n) noexcept override {
        CHECK(reinterpret_cast<std::uintptr_t>(p) % page_ == 0);
        CHECK(n % page_ == 0);
        return !refused() && n <= largest_commit && system_.commit(p, n);
    }
    void decommit(void* p, std::size_t n) noexcept override {
        CHECK(reinterpret_cast<std::uintptr_t>(p) % page_ == 0);
        CHECK(n % page_ == 0);
        system_.decommit(p, n);
    }
    void release(void* p, std::size_t n) noexcept override {
        --live;
        system_.release(p, n);
    }
    void* move(void* p, std::size_t n, std::size_t committed, std::size_t wanted) noexcept override {
        CHECK(reinterpret_cast<std::uintptr_t>(p) % page_ == 0);
        CHECK((n | committed | wanted) % page_ == 0);
        if (!moves_pages || refused()) return nullptr;
        void* moved = system_.move(p, n, committed, wanted);
        moves += moved == nullptr ? 0 : 1;
        return moved;
    }
    std::size_t granularity() const noexcept override { return page_; }

private:
    bool refused() noexcept {
        if (refuse_after != 0) {
            if (refuse_after > 0) --refuse_after;
            return false;
        }
        if (refuse_once) refuse_after = -1;
        ++refusals;
        return true;
    }
    fa::os::system_pages system_;
    std::size_t page_;
};

}  // namespace test
