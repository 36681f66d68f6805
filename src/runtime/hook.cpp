// A memory hook for libraries that take functions: which tag its blocks are charged to.
#include <framealloc/runtime/hook.hpp>

namespace framealloc::inline v1 {

hook::hook(const memory::core_ref& owner, memory_kind kind, std::string_view tag) noexcept
    : source_(memory::make_source(owner, kind, {tag.data(), tag.size()})) {
    memory::retain_core(owner);
    static_cast<void>(memory::has_single_blocks(owner, kind));
}

}  // namespace framealloc::inline v1
