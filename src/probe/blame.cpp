#include <framealloc/probe/blame.hpp>

#include <cstdio>

namespace framealloc::inline v1::memory {

namespace {

// Offsets are those of the block: -1 is the byte before it.
void raise_damage(core& a, code what, const blamed_block& b, const guard::damage& d, const site& where,
                  const char* when) noexcept {
    char detail[160];
    const auto first = static_cast<std::intptr_t>(d.first - b.begin),
               last = static_cast<std::intptr_t>(d.last - b.begin);
    std::snprintf(detail, sizeof detail, "a %s block of %zu bytes was written at %+td to %+td%s", b.kind,
                  static_cast<std::size_t>(b.end - b.begin), first, last, when);
    raise_about(a, what, b, detail, pointer_at(d.first), where);
}

}  // namespace

const char* access_name(os::access_kind k) noexcept {
    constexpr const char* names[] = {"access", "read", "write"};
    return names[static_cast<unsigned>(k)];
}

blamed_block blamed(const guard::block_record& b) noexcept {
    return {traits_of(b.kind).name, b.address + b.lead, b.address + b.bytes, b.tag, b.born, b.died, b.frame};
}
blamed_block blamed(const guard::frame_block& b) noexcept {
    return {traits_of(memory_kind::frame).name, b.begin, b.end, b.tag, b.born, b.died, b.frame};
}

fault fault_about(code what, const blamed_block& b, const char* detail, const void* address,
                  const site& where) noexcept {
    return {.what = what,
            .detail = detail,
            .where = where,
            .address = address,
            .bytes = b.end - b.begin,
            .born = b.born,
            .died = b.died,
            .tag = b.tag == nullptr ? "" : b.tag->path,
            .frame = b.frame};
}

void raise_about(core& a, code what, const blamed_block& b, const char* detail, const void* address,
                 const site& where) noexcept {
    a.raise(fault_about(what, b, detail, address, where));
}

bool check_zones(core& a, const blamed_block& b, std::uintptr_t front, std::uintptr_t begin, std::uintptr_t back,
                 const site& where, const char* when) noexcept {
    const guard::damage behind = guard::check_canary(b.end, back, a.probes.canary_key);
    const guard::damage before = guard::check_canary(front, begin, a.probes.canary_key);
    if (behind) raise_damage(a, code::FA412, b, behind, where, when);
    if (before) raise_damage(a, code::FA413, b, before, where, when);
    return !behind && !before;
}

}  // namespace framealloc::inline v1::memory
