// The bytes of a fuzzer as numbers; when they are used up, zeros.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace fuzz {

[[noreturn]] inline void wrong(const char* what) {
    std::fprintf(stderr, "fuzz: %s\n", what);
    std::abort();
}

class bytes {
public:
    bytes(const std::uint8_t* data, std::size_t size) : at_(data), end_(data + size) {}
    bool more() const { return at_ != end_; }
    std::uint8_t byte() { return more() ? *at_++ : std::uint8_t{0}; }
    // Mostly small, sometimes beyond every class and chunk.
    std::size_t size() {
        const std::size_t low = byte(), kind = byte();
        return 1 + (kind < 200 ? low : kind < 240 ? low * 41 : low * 1500);
    }
    std::size_t alignment() { return std::size_t{1} << (byte() % 9); }
    // A length, and that many bytes.
    std::string text() {
        const std::size_t n = byte();
        std::string s;
        while (s.size() < n && more()) s += static_cast<char>(byte());
        return s;
    }

private:
    const std::uint8_t* at_;
    const std::uint8_t* end_;
};

}  // namespace fuzz
