// Accounts of tags that a thread meets for the first time, and phases without a scope.
#include <framealloc/runtime/tag_scope.hpp>

#include <framealloc/runtime/smart_alloc.hpp>

namespace framealloc::inline v1::runtime {

namespace {

template <class F>
tag_account* insist(thread_context& c, F&& find) noexcept {
    for (;;) {
        exhaustion_reason why = exhaustion_reason::system_refused;
        if (tag_account* a = find(why)) return a;
        owner_of(c).exhausted_metadata(why, sizeof(tag_account), alignof(tag_account));
    }
}

}  // namespace

tag_account* find_account(thread_context& c, const tag& t) noexcept {
    return insist(c, [&](exhaustion_reason& why) { return memory::account_for(c, t, why); });
}

namespace {

FRAMEALLOC_COLD tag_account* walk_or_make(thread_context& c, tag_account* parent, account::name_view path) noexcept {
    return insist(c, [&](exhaustion_reason& why) { return memory::account_for(c, parent, path, why); });
}

}  // namespace

// Most paths are a single name, in which "::" never is.
tag_account* find_account(thread_context& c, tag_account* parent, std::string_view path) noexcept {
    const account::name_view text{path.data(), path.size()};
    tag_account* a = known_account(c, *parent, text);
    return a != nullptr ? a : walk_or_make(c, parent, text);
}

void begin_phase(thread_context& c, tag_account* phase) noexcept {
    if (phases_begun(c) == memory::most_open_phases) {
        memory::raise(c, {.what = code::FA429,
                          .detail = "65,536 phases are open; is an end_phase missing?",
                          .bytes = phases_begun(c)});
        return;
    }
    open_begun_phase(c, phase);
}

void end_phase(thread_context& c) noexcept {
    memory::open_scope* const s = memory::newest_begun_phase(c);
    if (s == nullptr) return memory::raise(c, {.what = code::FA429, .detail = "end_phase without begin_phase"});
    memory::close_scopes(&s, 1);
}

}  // namespace framealloc::inline v1::runtime
