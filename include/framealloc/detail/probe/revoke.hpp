// Revocation: the OS pages of ended frames become inaccessible, and an access to them is explained.
#pragma once

#include <framealloc/detail/core/core.hpp>

namespace framealloc::inline v1::memory {

// Accesses to revoked memory are explained from now on.
void prepare_revocation() noexcept;
// The allocator is destroyed: an access to what it releases is explained until the addresses are used again.
void record_memory(core& a) noexcept;

// What these do is said where probe_hooks names them.
void revoke_chunk(thread_context& c, arena_chunk* k) noexcept;
arena_chunk* unrevoke_chunk(thread_context& c, std::size_t bytes) noexcept;
arena_chunk* revoked_chunks(thread_context& c) noexcept;

}  // namespace framealloc::inline v1::memory
