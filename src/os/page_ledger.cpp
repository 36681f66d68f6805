// Pages asked for and given back, counted, within a limit.
#include <framealloc/detail/os/page_ledger.hpp>

#include <framealloc/detail/os/range_index.hpp>

namespace framealloc::inline v1::os {

bool page_ledger::admitted(exhaustion_reason& why) noexcept {
    if (!sealed_.load_relaxed()) return true;  // relaxed: takes effect at the next request
    why = exhaustion_reason::sealed;
    return false;
}

void* page_ledger::reserve(std::size_t bytes, std::size_t alignment, exhaustion_reason& why) noexcept {
    if (!admitted(why)) return nullptr;
    void* p = source_->reserve(bytes, alignment);
    if (p == nullptr) {
        why = fixed_ ? exhaustion_reason::fixed_memory : exhaustion_reason::system_refused;
        return nullptr;
    }
    if (holder_ != nullptr) range_index::add(p, bytes, holder_);
    requests_.add_relaxed(1);      // relaxed: a statistic
    reserved_.add_relaxed(bytes);  // relaxed: a statistic
    return p;
}

bool page_ledger::commit(void* p, std::size_t bytes, exhaustion_reason& why, bool again) noexcept {
    if (!again && !admitted(why)) return false;
    const std::size_t now = committed_.add_relaxed(bytes) + bytes;  // relaxed: the sum alone decides
    if (limit_ != 0 && now > limit_) {
        committed_.add_relaxed(std::size_t{0} - bytes);  // relaxed: undone, nothing was published
        why = exhaustion_reason::global_limit;
        return false;
    }
    if (!source_->commit(p, bytes)) {
        committed_.add_relaxed(std::size_t{0} - bytes);  // relaxed: undone, nothing was published
        why = fixed_ ? exhaustion_reason::fixed_memory : exhaustion_reason::system_refused;
        return false;
    }
    if (!again) requests_.add_relaxed(1);  // relaxed: a statistic
    if (now > peak_.load_relaxed()) peak_.store_relaxed(now);  // relaxed: a statistic; a lost race costs one sample
    return true;
}

void page_ledger::decommit(void* p, std::size_t bytes) noexcept {
    source_->decommit(p, bytes);
    committed_.add_relaxed(std::size_t{0} - bytes);  // relaxed: a statistic
}

void* page_ledger::move(void* p, std::size_t bytes, std::size_t committed, std::size_t wanted) noexcept {
    if (sealed()) return nullptr;
    const std::size_t more = wanted - committed;
    const std::size_t now = committed_.add_relaxed(more) + more;  // relaxed: the sum alone decides
    const bool indexed = holder_ != nullptr;  // not while the addresses may be another's
    if (indexed) range_index::remove(p);
    void* moved = limit_ != 0 && now > limit_ ? nullptr : source_->move(p, bytes, committed, wanted);
    if (indexed) range_index::add(moved != nullptr ? moved : p, moved != nullptr ? wanted : bytes, holder_);
    if (moved == nullptr) {
        committed_.add_relaxed(std::size_t{0} - more);  // relaxed: undone, nothing was published
        return nullptr;
    }
    requests_.add_relaxed(1);               // relaxed: a statistic
    reserved_.add_relaxed(wanted - bytes);  // relaxed: a statistic
    if (now > peak_.load_relaxed()) peak_.store_relaxed(now);  // relaxed: a statistic; a lost race costs one sample
    return moved;
}

void page_ledger::release(void* p, std::size_t bytes, std::size_t committed) noexcept {
    if (released_ != nullptr) released_(p, bytes, owner_);
    if (holder_ != nullptr) range_index::remove(p);
    source_->release(p, bytes);
    reserved_.add_relaxed(std::size_t{0} - bytes);       // relaxed: a statistic
    committed_.add_relaxed(std::size_t{0} - committed);  // relaxed: a statistic
}

}  // namespace framealloc::inline v1::os
