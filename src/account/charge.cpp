// The log of what frames were charged for, as it grows.
#include <framealloc/detail/account/charge.hpp>

#include <cstring>

namespace framealloc::inline v1::account {

bool charge_log::grow(os::metadata& memory, exhaustion_reason& why) noexcept {
    const std::uint32_t wanted = capacity_ == 0 ? 64 : capacity_ * 2;
    auto* wider = memory.allocate_array<charge_record>(wanted, why);
    if (wider == nullptr) return false;
    if (size_ != 0) std::memcpy(wider, records_, size_ * sizeof(charge_record));
    memory.deallocate(records_, capacity_ * sizeof(charge_record));
    records_ = wider;
    capacity_ = wanted;
    return true;
}

}  // namespace framealloc::inline v1::account
