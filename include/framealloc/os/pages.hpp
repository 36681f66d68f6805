// Where OS pages come from. A page source allocates address ranges in two steps: reserve (addresses only), then commit
// (bytes may be used). options::pages accepts any implementation: a console's memory, a huge-page pool, a test double.
//
//   struct my_pages final : fa::page_source { … };
//   fa::smart_alloc alloc{{.pages = &source}};
//
// Threads: every member may be called from several threads at once. The allocator may hold a lock of its own meanwhile:
// a page source must neither use the allocator that it serves nor fork.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/config.hpp>

namespace framealloc::inline v1 {

class page_source {
public:
    // Requires: bytes and alignment are multiples of granularity(); alignment is a power of two. Returns: an address
    // range of `bytes`, aligned to `alignment`, contents not yet accessible; null when refused.
    virtual void* reserve(std::size_t bytes, std::size_t alignment) noexcept = 0;
    // Requires: p and bytes are multiples of granularity(), within a reserved range. Effects: the bytes may be read and
    // written; those committed for the first time read as zero. Returns: false, with nothing changed, when refused.
    virtual bool commit(void* p, std::size_t bytes) noexcept = 0;
    // Requires: as commit(). Effects: gives the memory back and keeps the addresses.
    virtual void decommit(void* p, std::size_t bytes) noexcept = 0;
    // Requires: exactly a range that reserve() or move() returned. Effects: gives addresses and memory back.
    virtual void release(void* p, std::size_t bytes) noexcept = 0;
    // Requires: a reserved range whose first `committed` bytes are in use. Effects: moves it, without copying, to one
    // of `wanted` bytes, all of them committed. Returns: that range; null, with everything as it was, when it cannot:
    // the caller then copies.
    virtual void* move(void* /*p*/, std::size_t /*bytes*/, std::size_t /*committed*/, std::size_t /*wanted*/) noexcept {
        return nullptr;
    }
    // Returns: the size of an OS page in bytes, a power of two from 4096 to 65536.
    virtual std::size_t granularity() const noexcept = 0;

protected:
    page_source() noexcept = default;
    page_source(const page_source&) noexcept = default;
    page_source& operator=(const page_source&) noexcept = default;
    ~page_source() = default;
};

// The pages of the operating system. `base_address` is where the first range should be (0: anywhere), `huge` asks for
// transparent huge pages.
struct system_pages_options {
    std::uintptr_t base_address = 0;
    bool huge = false;
};

namespace os {

class system_pages final : public page_source {
public:
    explicit system_pages(system_pages_options o = {}) noexcept : options_(o), next_(o.base_address) {}

    void* reserve(std::size_t bytes, std::size_t alignment) noexcept override;
    bool commit(void* p, std::size_t bytes) noexcept override;
    void decommit(void* p, std::size_t bytes) noexcept override;
    void release(void* p, std::size_t bytes) noexcept override;
    void* move(void* p, std::size_t bytes, std::size_t committed, std::size_t wanted) noexcept override;
    std::size_t granularity() const noexcept override;
    // Makes committed OS pages inaccessible until they are committed again, and keeps the memory. False when it cannot.
    bool withdraw(void* p, std::size_t bytes) noexcept;

private:
    system_pages_options options_;
    std::uintptr_t next_;  // where the next range goes when base_address is set
};

// How often any system_pages asked the operating system for something since the program started.
std::uint64_t system_calls() noexcept;

}  // namespace os
}  // namespace framealloc::inline v1
