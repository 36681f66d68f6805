// The tables of stacks and modules that were written already.
#include "places.hpp"

#include "file.hpp"
#include "unwind.hpp"

#include <dlfcn.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <initializer_list>
#include <iterator>

namespace recorder {
namespace {

constexpr unsigned generation_shift = 48;
constexpr std::uint64_t golden = 0x9e3779b97f4a7c15U;

struct known_stack {
    std::atomic<std::uint64_t> hash;
    std::atomic<std::uint32_t> number;
};
// A cache for the table, which is larger than the processor's caches: 44 bits of the hash, and the number.
std::atomic<std::uint64_t> recent_stacks[1 << 14];
constexpr std::size_t stack_table_size = trace::most_stacks * 2;
known_stack* stack_table;
std::atomic_flag stacks_lock;
std::uint32_t stack_count, alias_count;  // these and the following under stacks_lock
constexpr std::uint32_t most_aliases = trace::most_stacks / 2;  // so that a quarter of the table stays free

struct module {
    std::uintptr_t begin, end, bias;
    const void* map;           // of the loader
    dev_t device;
    ino_t inode;
    std::uint64_t generation;  // how many other modules were there before
    bool loaded;
};
module modules[1024];
std::size_t module_count;
std::atomic<std::uint64_t> unloads;  // unloads of modules in the trace

struct words {
    std::uint64_t* next = nullptr;
    std::uint64_t* end = nullptr;
};
words stack_words, module_words;

bool room_for_words(words& w, trace::chunk_kind kind, std::size_t n) noexcept {
    if (static_cast<std::size_t>(w.end - w.next) >= n) return true;
    finish_chunk(w.end);
    w = {};
    trace::chunk_header* h = new_chunk(kind, 0);
    if (h == nullptr) return false;
    w.next = reinterpret_cast<std::uint64_t*>(h + 1);
    w.end = w.next + (trace::chunk_bytes - sizeof *h) / sizeof *w.next;
    return true;
}

bool is_at(const module& m, const dl_find_object& found) noexcept {
    return m.begin == reinterpret_cast<std::uintptr_t>(found.dlfo_map_start) &&
           m.end == reinterpret_cast<std::uintptr_t>(found.dlfo_map_end);
}

bool write_module(const module& m, const char* path) noexcept {
    const std::uint64_t bytes = std::strlen(path);
    const std::size_t n = 4 + (bytes + 7) / 8;
    if (bytes > 4000 || !room_for_words(module_words, trace::chunk_kind::modules, n + 1)) return false;
    const std::uint64_t upper = m.generation << generation_shift;
    std::uint64_t* w = module_words.next;
    w[1] = m.end + upper;
    w[2] = m.bias + upper;
    w[3] = bytes;
    std::memcpy(w + 4, path, bytes);
    w[0] = m.begin + upper;
    module_words.next += n;
    return true;
}

// The generation of a module that is new, or loaded again after it was unloaded.
std::uint64_t add_module(const dl_find_object& found) noexcept {
    const auto* map = static_cast<const link_map*>(found.dlfo_link_map);
    char own[1024] = {};
    const char* path = map->l_name;
    if (path == nullptr || *path == 0) {  // the program itself
        if (readlink("/proc/self/exe", own, sizeof own - 1) < 0) return 0;
        path = own;
    }
    struct stat s{};
    stat(path, &s);
    module m{.begin = reinterpret_cast<std::uintptr_t>(found.dlfo_map_start),
             .end = reinterpret_cast<std::uintptr_t>(found.dlfo_map_end),
             .bias = map->l_addr,
             .map = map,
             .device = s.st_dev,
             .inode = s.st_ino,
             .generation = 0,
             .loaded = true};
    for (std::size_t i = 0; i < module_count; ++i) {
        module& old = modules[i];
        if (old.end <= m.begin || old.begin >= m.end) continue;
        if (is_at(old, found) && old.bias == m.bias && old.device == m.device && old.inode == m.inode) {
            old.loaded = true;
            old.map = map;
            return old.generation;
        }
        old.loaded = false;
        if (old.generation >= m.generation && old.generation < 0xFFFE) m.generation = old.generation + 1;
    }
    if (module_count == std::size(modules) || !write_module(m, path)) return m.generation;
    modules[module_count++] = m;
    return m.generation;
}

// Requires: stacks_lock.
std::uint64_t generation_at(std::uintptr_t pc) noexcept {
    dl_find_object found{};
    if (_dl_find_object(reinterpret_cast<void*>(pc), &found) != 0) return 0;
    for (std::size_t i = 0; i < module_count; ++i) {
        if (modules[i].loaded && is_at(modules[i], found) && modules[i].map == found.dlfo_link_map)
            return modules[i].generation;
    }
    return add_module(found);
}

std::uint64_t hash_of(const std::uintptr_t* addresses, std::size_t n) noexcept {
    std::uint64_t hash = n;
    for (std::size_t i = 0; i < n; ++i)
        hash += addresses[i] * (golden * (2 * i + 1));  // products that do not wait for each other
    hash = (hash ^ hash >> 29) * golden;
    return (hash ^ hash >> 32) | 1;
}

known_stack& find_slot(std::uint64_t hash) noexcept {
    for (std::size_t i = static_cast<std::size_t>(hash >> 20) % stack_table_size;; i = (i + 1) % stack_table_size) {
        const std::uint64_t h = stack_table[i].hash.load(std::memory_order_acquire);
        if (h == hash || h == 0) return stack_table[i];
    }
}

// Requires: stacks_lock.
std::uint32_t add_stack(known_stack& s, std::uint64_t hash, const std::uintptr_t* addresses, std::size_t n) noexcept {
    if (stack_count + 1 >= trace::most_stacks || !room_for_words(stack_words, trace::chunk_kind::stacks, n + 2))
        return 0;
    const std::uint32_t number = ++stack_count;
    std::uint64_t* w = stack_words.next;
    std::memcpy(w + 1, addresses, n * sizeof *addresses);
    w[0] = number | std::uint64_t{n} << 32;
    stack_words.next += n + 1;
    s.number.store(number, std::memory_order_relaxed);
    s.hash.store(hash, std::memory_order_release);
    return number;
}

// `key` finds a stack as it was walked since the last unloading; `hash` finds it with the generations of its modules.
std::uint32_t find_stack(const std::uintptr_t* addresses, std::size_t n, std::uint64_t key) noexcept {
    if (const known_stack& s = find_slot(key); s.hash.load(std::memory_order_acquire) == key)
        return s.number.load(std::memory_order_relaxed);
    const spin_lock lock(stacks_lock);
    std::uintptr_t exact[trace::deepest_stack];
    for (std::size_t k = 0; k < n; ++k) exact[k] = addresses[k] | generation_at(addresses[k] - 1) << generation_shift;
    const std::uint64_t hash = hash_of(exact, n);
    known_stack& s = find_slot(hash);
    const bool known = s.hash.load(std::memory_order_relaxed) == hash;
    const std::uint32_t number = known ? s.number.load(std::memory_order_relaxed) : add_stack(s, hash, exact, n);
    if (known_stack& other = find_slot(key);
        number != 0 && other.hash.load(std::memory_order_relaxed) == 0 && alias_count < most_aliases) {
        ++alias_count;
        other.number.store(number, std::memory_order_relaxed);
        other.hash.store(key, std::memory_order_release);
    }
    return number;
}

}  // namespace

bool begin_places() noexcept {
    constexpr std::size_t bytes = stack_table_size * sizeof(known_stack);
    if (stack_table == nullptr) {
        void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED) return false;
        stack_table = static_cast<known_stack*>(p);
    } else if (madvise(stack_table, bytes, MADV_DONTNEED) != 0) {
        return false;
    }
    for (std::atomic<std::uint64_t>& r : recent_stacks) r.store(0, std::memory_order_relaxed);
    stack_words = module_words = {};
    module_count = stack_count = alias_count = 0;
    unloads.store(0);
    stacks_lock.clear();
    return true;
}

void finish_places() noexcept {
    const spin_lock lock(stacks_lock);
    for (words* w : {&stack_words, &module_words}) {
        finish_chunk(w->end);
        *w = {};
    }
}

std::uint32_t stack_number(const std::uintptr_t* addresses, std::size_t n) noexcept {
    const std::uint64_t key = (hash_of(addresses, n) + unloads.load(std::memory_order_relaxed) * (golden - 1)) | 1;
    std::atomic<std::uint64_t>& recent = recent_stacks[key >> 6 & (std::size(recent_stacks) - 1)];
    const std::uint64_t tag = key >> trace::stack_bits << trace::stack_bits;
    if (const std::uint64_t seen = recent.load(std::memory_order_relaxed); (seen & ~(trace::most_stacks - 1)) == tag)
        return static_cast<std::uint32_t>(seen & (trace::most_stacks - 1));
    const std::uint32_t number = find_stack(addresses, n, key);
    if (number != 0) recent.store(tag | number, std::memory_order_relaxed);
    return number;
}

void look_for_unloaded() noexcept {
    const spin_lock lock(stacks_lock);
    bool any = false;
    for (std::size_t i = 0; i < module_count; ++i) {
        dl_find_object found{};
        module& m = modules[i];
        if (!m.loaded || (_dl_find_object(reinterpret_cast<void*>(m.begin), &found) == 0 && is_at(m, found) &&
                          m.map == found.dlfo_link_map))
            continue;
        m.loaded = false;
        any = true;
    }
    if (!any) return;
    unloads.fetch_add(1, std::memory_order_release);
    forget_rules();
}

void places_chunks(void* (&ends)[2]) noexcept {
    ends[0] = stack_words.end;
    ends[1] = module_words.end;
}

}  // namespace recorder
