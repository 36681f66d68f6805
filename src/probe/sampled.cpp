// Sampled blocks: their OS pages, their choice, what a report says of them.
#include <framealloc/detail/probe/sampled.hpp>

#include <cstdio>
#include <new>

#include <framealloc/detail/core/identity.hpp>
#include <framealloc/detail/core/registry.hpp>
#include <framealloc/detail/guard/pattern.hpp>
#include <framealloc/detail/os/code.hpp>
#include <framealloc/detail/os/page_map.hpp>
#include <framealloc/detail/os/range_index.hpp>
#include <framealloc/detail/os/thread.hpp>
#include <framealloc/detail/probe/block_report.hpp>

namespace framealloc::inline v1::memory {

namespace {

constexpr std::size_t os_page = sampled_blocks::os_page;
constexpr std::uint32_t slots_per_unit = sampled_blocks::slots_per_unit;
constexpr std::uint32_t most_units = sampled_blocks::most / slots_per_unit;
constexpr std::uint32_t longest_skip = 256;  // allocations; enough to reach beyond those that open a frame

std::uintptr_t os_page_of(std::uintptr_t begin, std::uint32_t slot) noexcept {
    return begin + slot / slots_per_unit * page_bytes + (2 * (slot % slots_per_unit) + 2) * os_page;
}

std::uint64_t draw(thread_context& c) noexcept {
    c.probes.sample_random ^= c.probes.sample_random << 13;  // xorshift (Marsaglia, 2003)
    c.probes.sample_random ^= c.probes.sample_random >> 7;
    c.probes.sample_random ^= c.probes.sample_random << 17;
    return c.probes.sample_random;
}

void wait_for_next(thread_context& c) noexcept {
    c.probes.sample_wait = 1 + static_cast<std::uint32_t>(draw(c) % (2ULL * c.owner->config.guard_sample));
}

reported_block report_of(const sampled_slot& s) noexcept {
    return {traits_of(s.kind).name, s.begin + s.lead, s.begin + s.bytes, s.tag, s.born, s.died, s.frame};
}

}  // namespace

bool sampled_blocks::add_unit(core& a) noexcept {
    os::system_pages system;
    if (begin_ == 0) {
        void* p = system.reserve(most_units * page_bytes, page_bytes);
        if (p == nullptr) return false;
        if (!os::page_map::add(address_of(p), most_units * page_bytes)) {
            system.release(p, most_units * page_bytes);
            return false;
        }
        os::range_index::add(p, most_units * page_bytes, &a);
        sync::store_release(begin_, address_of(p));  // pairs: beside()
    }
    void* header = pointer_at(begin_ + units_ * page_bytes);
    if (units_ == most_units || !system.commit(header, os_page)) return false;
    auto* u = ::new (header) sampled_page{};  // where a free looks for the page of its block
    u->page.set_key(closed_key);
    u->page.size_class = sampled_class;
    u->owner = &a;
    ++units_;
    return true;
}

void* sampled_blocks::allocate(core& a, sampled_slot what, std::size_t align) noexcept {
    const sync::lock_guard guard(lock_);
    std::uint32_t i = 0;
    if (fresh_ < most) {  // quarantined blocks may stay longer
        if (fresh_ == units_ * slots_per_unit && !add_unit(a)) return nullptr;
        i = fresh_;
    } else {
        if (resting_count_ == 0) return nullptr;
        i = resting_[resting_first_];
    }
    const std::uintptr_t begin = os_page_of(begin_, i), end = begin + os_page;
    if (!os::system_pages{}.commit(pointer_at(begin), os_page)) return nullptr;
    if (i == fresh_) {
        ++fresh_;
    } else {
        resting_first_ = (resting_first_ + 1) % most;
        --resting_count_;
    }
    what.begin = i % 4 == 3 && what.lead == 0
                     ? begin
                     : align_down(end - what.bytes, align);  // one in four is watched for underruns
    what.live = true;
    guard::write_canary(begin, what.begin, a.probes.canary_key);
    guard::write_canary(what.begin + what.bytes, end, a.probes.canary_key);
    slots_[i] = what;
    return pointer_at(what.begin);
}

bool sampled_blocks::free(core& a, void* block, const site& where, sampled_slot& was) noexcept {
    const std::uint32_t i = index_of(address_of(block));
    bool right = false;
    {
        const sync::lock_guard guard(lock_);
        sampled_slot& s = slots_[i];
        was = s;
        right = s.live && s.begin == address_of(block);
        if (right) {
            s.live = false;
            s.died = where;
        }
    }
    if (!right) {
        raise_about(a, was.live ? code::FA415 : code::FA411, report_of(was), "of a sampled block", block, where);
        return false;
    }
    const std::uintptr_t begin = os_page_of(begin_, i);  // ours until it is quarantined; no lock while a handler runs
    const bool damaged = !was_reported(was.born) &&
                         !check_zones(a, report_of(was), begin, was.begin, begin + os_page, where);
    os::system_pages{}.decommit(pointer_at(begin), os_page);
    const sync::lock_guard guard(lock_);
    if (damaged && told_count_ < most_told) told_[told_count_++] = was.born;
    resting_[(resting_first_ + resting_count_++) % most] = i;
    return true;
}

bool sampled_blocks::was_reported(const site& born) const noexcept {
    const sync::lock_guard guard(lock_);
    if (told_count_ == most_told) return true;
    for (std::uint32_t i = 0; i < told_count_; ++i) {
        const site& s = told_[i];
        if (s.file == born.file && s.line == born.line && s.caller == born.caller) return true;
    }
    return false;
}

std::uint32_t sampled_blocks::index_of(std::uintptr_t p) const noexcept {
    const std::uintptr_t offset = p - begin_;
    const auto unit = static_cast<std::uint32_t>(offset / page_bytes),
               at = static_cast<std::uint32_t>(offset % page_bytes / os_page);
    return unit * slots_per_unit + (at < 2 ? 0 : (at - 2) / 2);
}

bool sampled_blocks::contains(std::uintptr_t p) const noexcept {
    const std::uintptr_t first = sync::load_acquire(begin_);  // pairs: add_unit()
    return first != 0 && p >= first && p < first + most_units * page_bytes;
}

const sampled_slot* sampled_blocks::beside(std::uintptr_t p) const noexcept {
    if (!contains(p)) return nullptr;
    const std::uint32_t i = index_of(p);
    const std::uintptr_t own = os_page_of(begin_, i);
    const bool behind = p >= own + os_page, last = i % slots_per_unit == slots_per_unit - 1;
    // In the barrier between two: of the nearer one, if it is or was one.
    const sampled_slot& next = slots_[last ? i : i + 1];
    if (behind && !last && next.begin != 0 && p - (own + os_page) >= os_page / 2) return &next;
    return slots_[i].begin == 0 ? nullptr : &slots_[i];
}

bool sampled_blocks::find(std::uintptr_t p, sampled_slot& out) noexcept {
    const sync::lock_guard guard(lock_);
    const sampled_slot* s = beside(p);
    if (s != nullptr) out = *s;
    return s != nullptr;
}

void sampled_blocks::release() noexcept {
    if (begin_ != 0) {
        os::page_map::remove(begin_, most_units * page_bytes);
        os::range_index::remove(pointer_at(begin_));
        os::system_pages{}.release(pointer_at(begin_), most_units * page_bytes);
    }
    begin_ = 0;
}

void begin_sampling(thread_context& c) noexcept {
    c.probes.samples = true;
    const std::uint64_t seed = c.owner->config.guard_seed != 0 ? c.owner->config.guard_seed : os::random_of_process();
    c.probes.sample_random = (number_of(c.life.key()) + seed) * 0x9E3779B97F4A7C15U | 1U;
    wait_for_next(c);
}

void sample_event(thread_context& c) noexcept {
    if (c.probes.armed() || --c.probes.sample_wait != 0) return;
    c.probes.sample_skip = 1 + static_cast<std::uint32_t>(draw(c) % longest_skip);
    c.probes.set(thread_probes::armed_bit, true);
    c.probes.observed = true;
    put_away_pages(c);
    note_settled(c);
    refresh_limit(c);
}

namespace {

// While armed: the chosen allocation's memory; null for the others, which are served as always.
void* sample(thread_context& c, memory_kind k, std::size_t bytes, std::size_t align) noexcept {
    if (bytes > sampled_blocks::largest || --c.probes.sample_skip != 0) return nullptr;
    c.probes.set(thread_probes::armed_bit, false);
    c.probes.observed = false;
    wait_for_next(c);
    refresh_limit(c);
    void* p = c.owner->probes.sampled->allocate(*c.owner,
                                                {.bytes = bytes,
                                                 .lead = traits_of(k).page_header,
                                                 .tag = c.tag()->node,
                                                 .payer = c.tag(),
                                                 .born = os::own_call(c.probes.place()),
                                                 .frame = open_frame(c),
                                                 .thread = thread_of(c),
                                                 .kind = k},
                                                align);
    c.probes.forget_place();
    if (p != nullptr && traits_of(k).freed_singly) charge_heap(c, bytes);
    return p;
}

}  // namespace

void* sample_block(thread_context& c, memory_kind k, std::size_t class_bytes, std::size_t bytes) noexcept {
    sample_event(c);
    if (!c.probes.armed()) return nullptr;
    const std::size_t header = traits_of(k).page_header;
    return sample(c, k, bytes, header != 0 ? header : natural_alignment(class_bytes));
}

bool chooses_frame_block(thread_context& c, std::size_t bytes, std::size_t align) noexcept {
    if (c.probes.sample_skip > 1) --c.probes.sample_skip;
    else if (align <= outer_header_bytes && bytes + 2 * outer_header_bytes <= sampled_blocks::largest) return true;
    return false;
}

void sampled_free(core& a, void* block) noexcept {
    const core_ref owner{&a, a.id};
    retain_core(owner);  // until now the block kept it alive
    thread_context* c = try_attach(owner);
    sampled_slot was;
    if (a.probes.sampled->free(a, block, os::own_call(c != nullptr ? c->probes.place() : site{}), was) &&
        traits_of(was.kind).freed_singly) {
        refund_heap(a, c, *was.payer, was.bytes);
    }
    if (c != nullptr) c->probes.forget_place();
    release_core(owner);
}

std::size_t sampled_size(const core& a, const void* block) noexcept {
    sampled_slot s;
    return a.probes.sampled->find(address_of(block), s) && s.live && s.begin == address_of(block) ? s.bytes : 0;
}

std::size_t sampled_depth(const core& a, const void* p) noexcept {
    sampled_slot s;
    const bool in = a.probes.sampled->find(address_of(p), s) && s.live && address_of(p) - s.begin < s.bytes;
    return in ? address_of(p) - s.begin : 0;
}

bool find_sample(core& a, std::uintptr_t p, sampled_slot& out) noexcept {
    return a.probes.samples() && a.probes.sampled->find(p, out);
}

bool among_samples(const core& a, std::uintptr_t p) noexcept {
    return a.probes.samples() && a.probes.sampled->contains(p);
}

bool explain_sampled(core& a, std::uintptr_t p, const void* instruction, os::access_kind access) noexcept {
    const sampled_slot* s = a.probes.sampled == nullptr ? nullptr : a.probes.sampled->beside(p);
    if (s == nullptr) return false;
    char detail[160];
    const reported_block b = report_of(*s);
    const bool inside = p >= b.begin && p < b.end;
    std::snprintf(detail, sizeof detail, "%s at %+td of a sampled %s block of %zu bytes%s", access_name(access),
                  static_cast<std::intptr_t>(p - b.begin), b.kind, static_cast<std::size_t>(b.end - b.begin),
                  s->live ? "" : ", after its end");
    const code what = inside || !s->live ? (traits_of(s->kind).freed_singly ? code::FA419 : code::FA002)
                      : p < b.begin      ? code::FA413
                                         : code::FA412;
    raise_about(a, what, b, detail, pointer_at(p), {.caller = instruction});
    return true;
}

}  // namespace framealloc::inline v1::memory
