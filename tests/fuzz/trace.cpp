// Any bytes are a trace, or are refused with one line; a trace is read, analysed and made a program of operations.
#include "replay/program.hpp"
#include "trace/reader.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

// The fuzzer's bytes are a small trace: a header, a few chunk headers, events. Checksums are omitted, or none would
// be accepted.
std::vector<char> as_file(const std::uint8_t* data, std::size_t size) {
    std::vector<char> file(trace::header_bytes);
    auto* h = reinterpret_cast<trace::file_header*>(file.data());
    h->magic = trace::file_magic;
    h->main_thread = 1;
    h->sample = 1;
    const auto take = [&](void* into, std::size_t n) {
        n = std::min(n, size);
        std::memcpy(into, data, n);
        data += n;
        size -= n;
    };
    std::uint8_t how = 0;
    take(&how, 1);
    if ((how & 1) != 0) take(h, 64);
    while (size != 0 && file.size() < 6 * trace::chunk_bytes) {
        const std::size_t at = file.size();
        file.resize(at + trace::chunk_bytes);
        auto* c = reinterpret_cast<trace::chunk_header*>(file.data() + at);
        std::uint8_t kind = 0, events = 0;
        take(&kind, 1);
        take(&events, 1);
        *c = {.magic = trace::chunk_magic,
              .kind = static_cast<trace::chunk_kind>(kind % 5),
              .thread = kind / 64U,
              .unused = 0,
              .begin_ns = 0,
              .checksum = 0};
        take(c + 1, std::size_t{events} * 16);
        ++reinterpret_cast<trace::file_header*>(file.data())->chunks;
    }
    if ((how & 2) != 0) file.resize(file.size() - std::min<std::size_t>(file.size(), how * 1000U));
    return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::vector<char> file = as_file(data, size);
    const int fd = memfd_create("trace", 0);
    if (fd < 0 || write(fd, file.data(), file.size()) != static_cast<ssize_t>(file.size())) std::abort();
    try {
        const trace::recording r("/proc/self/fd/" + std::to_string(fd));
        const advise::advice a = advise::study(r, {});
        const replay::program p = replay::build(r, a, 5, replay::part::all);
        replay::build(r, a, 5, replay::part::frames);
        if (a.dangling != 0 || p.beyond != 0) std::abort();  // the advice is right for the recording
        if (p.calls > 4 * r.events()) std::abort();  // at most one allocation and one free of each
    } catch (const trace::error& e) {
        if (std::strchr(e.what(), '\n') != nullptr) std::abort();
    }
    close(fd);
    return 0;
}
