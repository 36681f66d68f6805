// Reports about blocks: what was done to which, and whose pointer it is.
#include <framealloc/detail/probe/block_report.hpp>

#include <cstdio>

#include <framealloc/detail/core/registry.hpp>
#include <framealloc/detail/core/walk.hpp>

namespace framealloc::inline v1::memory {

namespace {

// Offsets are those of the block: -1 is the byte before it.
void raise_damage(core& a, code what, const reported_block& b, const guard::damage& d, const site& where,
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

reported_block report_of(const guard::block_record& b) noexcept {
    return {traits_of(b.kind).name, b.address + b.lead, b.address + b.bytes, b.tag, b.born, b.died, b.frame};
}
void say_end(char (&text)[80], const thread_context& c, std::uint64_t frame, std::uint32_t depth) noexcept {
    if (frame != open_frame(c))
        std::snprintf(text, sizeof text, "after its frame, number %llu, ended", static_cast<unsigned long long>(frame));
    else
        std::snprintf(text, sizeof text, "after %sit was rolled back or freed",
                      depth > 1 ? "its inner frame ended, or " : "");
}

reported_block report_of(const guard::frame_block& b) noexcept {
    return {traits_of(memory_kind::frame).name, b.begin, b.end, b.tag, b.born, b.died, b.frame};
}

fault fault_about(code what, const reported_block& b, const char* detail, const void* address,
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

void raise_about(core& a, code what, const reported_block& b, const char* detail, const void* address,
                 const site& where) noexcept {
    a.raise(fault_about(what, b, detail, address, where));
}

bool check_zones(core& a, const reported_block& b, std::uintptr_t front, std::uintptr_t begin, std::uintptr_t back,
                 const site& where, const char* when) noexcept {
    const guard::damage behind = guard::check_canary(b.end, back, a.probes.canary_key);
    const guard::damage before = guard::check_canary(front, begin, a.probes.canary_key);
    if (behind) raise_damage(a, code::FA412, b, behind, where, when);
    if (before) raise_damage(a, code::FA413, b, before, where, when);
    return !behind && !before;
}

namespace {

// Of a frame that is open, or kept. What is in another thread's frames is known as such alone.
bool raise_of_frame(core& a, const void* p, const site& where) noexcept {
    const thread_context* c = context_met({&a, a.id});
    const frame_arena* s = c == nullptr ? nullptr : &c->arenas.current();
    while (s != nullptr) {
        if (const guard::frame_block* found = s->log->containing(address_of(p))) {
            const guard::frame_block b = *found;
            char detail[128];
            std::snprintf(
                detail, sizeof detail, "%+td in frame memory of %zu bytes, which its frame frees when it ends",
                static_cast<std::intptr_t>(address_of(p) - b.begin), static_cast<std::size_t>(b.end - b.begin));
            raise_about(a, code::FA414, report_of(b), detail, p, where);
            return true;
        }
        s = s->next == &c->arenas.current() ? nullptr : s->next;
    }
    const arena_chunk* chunk = nullptr;
    memory_kind kind{};
    {
        const sync::lock_guard guard(a.lock);
        chunk = find_chunk(a, address_of(p));
        if (chunk != nullptr) kind = chunk->kind;
    }
    if (chunk == nullptr) return false;
    char detail[96];
    std::snprintf(detail, sizeof detail, "the pointer is in %s memory, which its %s", traits_of(kind).name,
                  traits_of(kind).of_frames ? "frame frees when it ends" : "arena frees");
    a.raise({.what = code::FA414, .detail = detail, .where = where, .address = p});
    return true;
}

}  // namespace

void raise_not_a_block(core& a, const void* p, const site& where) noexcept {
    guard::block_record b;
    char detail[128];
    if (a.probes.blocks.containing(address_of(p), b) && b.state == guard::block_state::live) {
        std::snprintf(detail, sizeof detail, "%+td in a %s block of %zu bytes",
                      static_cast<std::intptr_t>(address_of(p) - b.address - b.lead), traits_of(b.kind).name,
                      b.bytes - b.lead);
        return raise_about(a, code::FA415, report_of(b), detail, p, where);
    }
    char owner[144] = "";
    b = {};
    for_each_core([&](core& o) {
        guard::block_record other;
        if (&o == &a || !o.probes.guarded() || !o.probes.blocks.find(address_of(p), other) ||
            other.state != guard::block_state::live)
            return;
        const bool tagged = other.tag != nullptr && other.tag->path[0] != '\0';
        std::snprintf(owner, sizeof owner, "%s%.40s%s%s%.60s%s",
                      o.config.name[0] == '\0' ? "another allocator" : "allocator \"", o.config.name,
                      o.config.name[0] == '\0' ? "" : "\"", tagged ? ", tag \"" : "", tagged ? other.tag->path : "",
                      tagged ? "\"" : "");
        b = other;
        b.tag = nullptr;  // it may go with its allocator
    });
    if (b.address != 0) {
        char text[160];
        std::snprintf(text, sizeof text, "a block of %s", owner);
        return raise_about(a, code::FA417, report_of(b), text, p, where);
    }
    if (raise_of_frame(a, p, where)) return;
    a.raise({.what = code::FA414,
             .detail = "no pool or heap allocation returned this pointer",
             .where = where,
             .address = p});
}

void raise_double_free(core& a, const guard::block_record& b, const void* p, const site& where) noexcept {
    char detail[128], frame[32] = {};
    if (b.died_in != 0)
        std::snprintf(frame, sizeof frame, " in frame %llu", static_cast<unsigned long long>(b.died_in));
    std::snprintf(detail, sizeof detail, "a %s block of %zu bytes, freed before%s by thread %llu",
                  traits_of(b.kind).name, b.bytes, frame, static_cast<unsigned long long>(b.died_on));
    raise_about(a, code::FA411, report_of(b), detail, p, where);
}

}  // namespace framealloc::inline v1::memory
