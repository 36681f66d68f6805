// Which 64 KiB of the address space hold blocks of ours.
#include <framealloc/detail/os/page_map.hpp>

#include <new>

#include <framealloc/os/pages.hpp>

namespace framealloc::inline v1::os {

constinit sync::atomic<page_map::table*> page_map::root[std::size_t{1} << root_bits] = {};

// They stay for the process, 64 KiB of addresses each, of which what is written to takes memory. The first ones are the
// library's own: memory that the program gave is served without the system.
page_map::table* page_map::table_for(std::uintptr_t unit) noexcept {
    static constinit table own[4] = {};
    static constinit sync::atomic<std::uint32_t> owns_used{0};
    sync::atomic<table*>& place = root[unit >> table_bits];
    if (table* known = place.load_acquire()) return known;  // pairs: below
    if (owns_used.load_relaxed() < 4) {  // relaxed: a count
        const std::uint32_t i = owns_used.add_relaxed(1);  // relaxed: a count
        table* expected = nullptr;
        if (i < 4) return place.publish(expected, &own[i]) ? &own[i] : expected;  // one that came too late is lost
    }
    system_pages system;
    void* memory = system.reserve(sizeof(table), system.granularity());
    if (memory == nullptr) return nullptr;
    if (!system.commit(memory, sizeof(table))) {
        system.release(memory, sizeof(table));
        return nullptr;
    }
    auto* made = static_cast<table*>(memory);  // reads as zero, which is what it begins with
    table* expected = nullptr;
    if (place.publish(expected, made)) return made;
    system.release(memory, sizeof(table));
    return expected;
}

bool page_map::add(std::uintptr_t begin, std::size_t bytes) noexcept {
    const std::uintptr_t first = begin >> unit_bits, last = (begin + bytes - 1) >> unit_bits;
    if (last >> (table_bits + root_bits) != 0) return false;
    for (std::uintptr_t unit = first; unit <= last; ++unit) {
        table* t = table_for(unit);
        if (t == nullptr) {
            remove(begin, (unit - first) << unit_bits);
            return false;
        }
        t->words[unit % table_units / 64].or_relaxed(std::uint64_t{1} << (unit % 64));  // relaxed: see contains()
    }
    return true;
}

void page_map::remove(std::uintptr_t begin, std::size_t bytes) noexcept {
    for (std::uintptr_t unit = begin >> unit_bits; unit < (begin + bytes) >> unit_bits; ++unit) {
        if (table* t = root[unit >> table_bits].load_acquire())  // pairs: table_for()
            t->words[unit % table_units / 64].and_relaxed(
                ~(std::uint64_t{1} << (unit % 64)));  // relaxed: see contains()
    }
}

}  // namespace framealloc::inline v1::os
