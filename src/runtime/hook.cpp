#include <framealloc/runtime/hook.hpp>

namespace framealloc::inline FRAMEALLOC_ABI {

hook::hook(const memory::core_ref& owner, memory_kind kind, std::string_view tag) noexcept
    : source_{owner, kind == memory_kind::pool ? memory::block_kind::pool : memory::block_kind::heap, nullptr} {
    memory::retain_core(owner);
    memory::thread_context* c = tag.empty() ? nullptr : memory::try_context_of(owner);
    if (c == nullptr) return;
    exhaustion_reason why{};
    const memory::tag_account* payer = memory::account_for(*c, c->root_tag, {tag.data(), tag.size()}, why);
    if (payer != nullptr) source_.payer = payer->node;
}

}  // namespace framealloc::inline FRAMEALLOC_ABI
