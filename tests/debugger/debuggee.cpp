// Prints fa::describe() of many pointers and tag_stats() of tags; then stops for a debugger,
// which must print the same. usage: debuggee
#include <framealloc/framealloc.hpp>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <new>
#include <thread>
#include <vector>

namespace fa = framealloc;
using namespace fa::literals;

namespace {

void say(const void* p) {
    char text[400];
    std::printf("whereis %p %s\n", p, fa::describe(p).text(text).data());
}

template <class Alloc>
void say_tags(const Alloc& a, const char* name) {
    for (const char* path : {"", "physics", "physics::solver", "ai"}) {
        const fa::tag_bytes t = a.tag_stats(path);
        std::printf("tags %s", name);
        for (unsigned k = 0; k < fa::kind_count; ++k) std::printf(" %zu", t.*fa::bytes_of(fa::kind_at(k)));
        std::printf(" %s\n", *path == '\0' ? "(untagged)" : path);
    }
}

// Blocks, frames and leftovers of every kind, and pointers to all of them.
template <class Alloc>
std::vector<const void*> populate(const Alloc& a) {
    std::vector<const void*> all;
    for (std::size_t n : {1U, 40U, 100U, 3000U, 5000U, 70'000U}) {
        fa::tag_scope physics{a, "physics"};
        char* freed[3];
        for (int i = 0; i < 3; ++i) {
            all.push_back(static_cast<char*>(a.pool_alloc_bytes(n)) + n / 2);
            all.push_back(static_cast<char*>(a.heap_alloc_bytes(n)) + n / 2);
            freed[i] = static_cast<char*>(a.pool_alloc_bytes(n));
        }
        for (char* p : freed) {
            all.push_back(p + n / 2);
            if (p != freed[0]) a.pool_free_bytes(p, n);
        }
        std::thread([&] { a.pool_free_bytes(freed[0], n); }).join();
    }
    {
        const auto ended = a.frame_scope();
        for (int i = 0; i < 5; ++i) all.push_back(ended.alloc_bytes(200));
        all.push_back(ended.alloc_bytes(900'000));
    }
    a.begin_frame();
    {
        fa::tag_scope physics{a, "physics"};
        for (int i = 0; i < 3; ++i) all.push_back(a.frame_alloc_bytes(64));
        fa::tag_scope solver{a, "solver"};
        for (int i = 0; i < 40; ++i) all.push_back(a.frame_alloc_bytes(10'000));  // several chunks
    }
    a.begin_frame();
    all.push_back(a.frame_alloc_bytes(64));
    fa::tag_scope physics{a, "physics"};
    all.push_back(a.frame_alloc_bytes(1'000'000));
    return all;
}

// A T whose constructor has not run: reused memory.
template <class T>
T& not_made() {
    alignas(T) static unsigned char memory[sizeof(T)];
    std::memset(memory, 0xab, sizeof memory);
    return *std::launder(reinterpret_cast<T*>(memory));
}

}  // namespace

int main() {
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    const fa::basic_smart_alloc<fa::policy::standard> game{{.name = "game", .frame_capacity = 64_KiB}};
    const fa::basic_smart_alloc<fa::policy::debug> tools{
        {.name = "tools", .frame_capacity = 64_KiB, .strict = fa::strictness::warn}};
    const fa::basic_smart_alloc<fa::policy::standard> sampled{
        {.name = "sampled", .frame_capacity = 64_KiB, .guard_sample = 1, .guard_seed = 11}};
    std::vector<const void*> all = populate(game);
    for (int found = 0, tries = 0; found < 20 && tries < 200'000; ++tries) {
        const auto frame = sampled.frame_scope();
        const fa::tag_scope physics{sampled, "physics"};
        char* p = static_cast<char*>(found % 3 == 0 ? sampled.heap_alloc_bytes(40) : sampled.pool_alloc_bytes(40));
        const bool chosen = fa::describe(p).bytes == 40;  // for other pages only the size class is known
        if (chosen) all.insert(all.end(), {p, p + 39, p + 40, p - 1});
        if (!chosen || ++found % 2 == 0) sampled.pool_free_bytes(p, 40);
    }
    for (const void* p : populate(tools)) all.push_back(p);
    // An arena of another kind than frames'.
    fa::memory::core& core = *game.owner().owner;
    fa::exhaustion_reason why{};
    fa::memory::arena_chunk* chunk = core.chunks.make(fa::memory::context_of(game.owner()), 1_MiB,
                                                      fa::memory_kind::pool, why);
    if (chunk == nullptr || !core.chunks.commit_to(*chunk, chunk->begin + 100, why)) return 1;
    all.push_back(reinterpret_cast<const void*>(chunk->begin + 99));
    all.push_back(reinterpret_cast<const void*>(chunk->end - 1));
    int local = 0;
    all.push_back(&local);
    const fa::basic_smart_alloc<fa::policy::debug> filled{
        {.name = "filled", .guard = fa::guard_level::fill, .strict = fa::strictness::warn}};
    for (int i = 0; i < 3; ++i) {
        const auto frame = filled.frame_scope();
        all.push_back(frame.alloc_bytes(100));
    }
    filled.begin_frame();
    all.push_back(filled.frame_alloc_bytes(100));  // where those before it were
    all.push_back(filled.frame_alloc_bytes(100));

    // Values that must not be shown: frame memory that has been reused, and objects that do not exist yet.
    const fa::basic_smart_alloc<fa::policy::standard> spare{{.name = "spare"}};
    spare.begin_frame();
    const auto kept = spare.frame_vec<int>({1, 2, 3});
    const auto kept_text = spare.frame_string("text in the memory of the frame");
    auto kept_map = spare.frame_map<int, int>();
    kept_map[1] = 2;
    spare.end_frame();
    spare.begin_frame();
    std::memset(spare.frame_alloc_bytes(4000), 0x11, 4000);
    auto& raw_vec = not_made<fa::frame_vec<int>>();
    auto& raw_text = not_made<fa::frame_string>();
    auto& raw_map = not_made<fa::frame_map<int, int>>();
    auto& raw_frame_box = not_made<fa::frame_box<int>>();
    auto& raw_box = not_made<fa::pool_box<int>>();
    auto& raw_shared = not_made<fa::pool_shared<int>>();
    auto& raw_alloc = not_made<fa::smart_alloc>();

    auto numbers = game.frame_vec<int>();
    for (int i = 1; i <= 4; ++i) numbers.push_back(i * i);
    auto name = game.frame_string("Ada");
    auto title = game.frame_string("Countess of Lovelace");
    auto ages = game.frame_map<int, double>();
    ages.insert({36, 1.5});
    auto boxed = game.frame_box<int>(42);
    auto pooled = game.pool_box<long>(43);
    auto heaped = game.heap_box<short>(static_cast<short>(44));
    auto shared = game.pool_shared<int>(45);
    auto second = shared;
    const fa::pool_vec<int> empty;
    auto boxes = game.heap_box<int[]>(2);
    boxes[1] = 7;
    const auto shown = [](const auto&... objects) { return (static_cast<int>(sizeof objects) + ...); };
    static_cast<void>(
        shown(kept, kept_text, kept_map, raw_vec, raw_text, raw_map, raw_frame_box, raw_box, raw_shared, raw_alloc));
    std::printf("ready %d %zu %d\n", *boxed + static_cast<int>(*pooled) + *heaped + *shared,
                numbers.size() + ages.size() + name.size() + title.size() + empty.size(), second.use_count() == 2);
    for (const void* p : all) say(p);
    say_tags(game, "game");
    say_tags(tools, "tools");
    std::raise(SIGTRAP);
    return 0;
}
