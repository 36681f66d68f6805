// A log of one allocator as text, step by step: every statistic that changed, every report, and a checksum over
// the offsets of its blocks. A chapter runs one scenario on an allocator of each mode; `expected/` holds the exact log,
// the same with every compiler: it contains no address, time, thread or line.
#pragma once

#include <framealloc/detail/os/fixed_pages.hpp>
#include <framealloc/framealloc.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace diary {

namespace fa = framealloc;
using namespace fa::literals;

// Memory at the same offsets in each run, which counts requests.
class counted_pages final : public fa::page_source {
public:
    counted_pages();
    counted_pages(const counted_pages&) = delete;
    counted_pages& operator=(const counted_pages&) = delete;
    ~counted_pages();
    std::uint64_t reserves = 0, commits = 0, decommits = 0, releases = 0, live = 0;
    std::int64_t refuse_after = -1;  // requests still served; -1: all

    void* reserve(std::size_t n, std::size_t a) noexcept override;
    bool commit(void* p, std::size_t n) noexcept override;
    void decommit(void* p, std::size_t n) noexcept override;
    void release(void* p, std::size_t n) noexcept override;
    std::size_t granularity() const noexcept override { return pages_.granularity(); }
    // The offset from the start of this memory; 0 for other memory.
    std::uint64_t place_of(const void* p) const noexcept;

    // All of it at once, until the end.
    std::span<std::byte> all(std::size_t bytes) noexcept;

private:
    bool serves() noexcept;
    char* region_;
    fa::os::fixed_pages pages_;
};

// Numbers by name; those that changed are printed.
class numbers {
public:
    void set(const std::string& name, std::uint64_t value);
    std::string changed();

private:
    struct entry {
        std::string name;
        std::uint64_t now = 0, told = 0;
    };
    std::vector<entry> entries_;
};

struct random_numbers {  // SplitMix64 (Steele, Lea, Flood, 2014)
    std::uint64_t state;
    std::size_t below(std::size_t n) {
        std::uint64_t z = state += 0x9E3779B97F4A7C15U;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
        return static_cast<std::size_t>((z ^ (z >> 31)) % n);
    }
};

// The allocators that are logged now, and the options that a mode begins with.
inline fa::reporting reports = fa::reporting::on;

// One allocator's numbers, reports and places, written to a text.
class observer {
public:
    explicit observer(std::string& book) : book_(&book), on_fault_{this}, on_exhaustion_{this} {}
    observer(const observer&) = delete;
    observer& operator=(const observer&) = delete;

    [[gnu::format(printf, 2, 3)]] void write(const char* format, ...);
    void see(fa::memory::core_ref a, const char* label);
    void sum_up(fa::memory::core_ref a);  // the same as one number
    void see_end();
    void note(const void* p);
    fa::options options(fa::options o);
    counted_pages pages;

private:
    static constexpr std::uint64_t basis = 14695981039346656037ULL,
                                   prime = 1099511628211ULL;  // FNV-1a (Fowler, Noll, Vo)

    static constexpr std::size_t most_noted = 16;

    std::string look(fa::memory::core_ref a);
    void describe_noted();
    void set_all(fa::memory::core_ref a);
    void set_tag(fa::memory::core_ref a, const char* path);
    void set_source();

    struct on_fault_type {
        observer* self;
        void operator()(const fa::fault& f) const;
    };
    struct on_exhaustion_type {
        observer* self;
        bool operator()(const fa::exhaustion& e) const;
    };
    std::string* book_;
    numbers numbers_;
    on_fault_type on_fault_;
    on_exhaustion_type on_exhaustion_;
    std::uint64_t places_ = basis, whose_ = basis;
    const void* noted_[most_noted] = {};  // the latest
    std::size_t next_ = 0;
    std::uint64_t locks_ = fa::sync::lock_acquisitions();
};

template <class P>
class chapter {
public:
    using alloc_type = fa::basic_smart_alloc<P>;

    chapter(std::string& book, const char* title, const fa::options& o = {}) : observer_(book) {
        observer_.write("\n## %s\n", title);
        alloc_.emplace(observer_.options(o));
    }
    ~chapter() { close(); }

    const alloc_type& alloc() const { return *alloc_; }
    const alloc_type* operator->() const { return &*alloc_; }
    // The offset of a block is part of the log.
    template <class T>
    T* at(T* p) {
        observer_.note(p);
        return p;
    }
    void see(const char* label) { observer_.see(alloc_->owner(), label); }
    void sum_up() { observer_.sum_up(alloc_->owner()); }
    void say(const char* what, std::uint64_t n) {
        observer_.write("  %s %llu\n", what, static_cast<unsigned long long>(n));
    }
    void close() {
        if (!alloc_) return;
        alloc_.reset();
        observer_.see_end();
    }
    counted_pages& pages() { return observer_.pages; }

private:
    observer observer_;
    std::optional<alloc_type> alloc_;
};

template <class P>
void tell_frames(std::string& book);
template <class P>
void tell_blocks(std::string& book);
template <class P>
void tell_threads(std::string& book);
template <class P>
void tell_mistakes(std::string& book);
template <class P>
void tell_everything(std::string& book);

}  // namespace diary

#define DIARY_CHAPTERS(function)                                                \
    template void diary::function<framealloc::policy::unchecked>(std::string&); \
    template void diary::function<framealloc::policy::checked>(std::string&)
