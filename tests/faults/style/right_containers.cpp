// Containers used like std's, at their edges.
#include "game.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <list>
#include <map>
#include <memory_resource>
#include <numeric>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace style {
namespace {

RIGHT(push_back_of_the_own_element) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto v = frame.vec<int>({1});
    auto other = frame.vec<int>({2});
    for (int n = 0; n < 50; ++n) {
        v.push_back(v[0]);
        other.push_back(v.back());
    }
    show(v.size() + other.size());
}

RIGHT(insert_of_the_own_range) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto v = frame.vec<int>({1, 2, 3});
    v.insert(v.begin(), v[2]);
    v.append(v.begin(), v.end());
    show(std::accumulate(v.begin(), v.end(), 0));
}

RIGHT(erase_remove_idiom) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto v = frame.vec<int>({5, 0, 7, 0, 0});
    v.erase(std::remove(v.begin(), v.end(), 0), v.end());
    erase_if(v, [](int i) { return i == 7; });
    show(v.front());
}

RIGHT(erase_with_the_returned_iterator) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto health = frame.vec<int>({5, 0, 7, 0});
    for (auto i = health.begin(); i != health.end();) i = *i == 0 ? health.erase(i) : i + 1;
    show(health.size());
}

RIGHT(swap_with_the_last_and_pop) {
    const fa::smart_alloc alloc;
    auto bullets = alloc.pool_vec<int>({1, 2, 3, 4});
    for (std::size_t i = 0; i < bullets.size();) {
        if (bullets[i] % 2 != 0) {
            ++i;
            continue;
        }
        bullets[i] = bullets.back();
        bullets.pop_back();
    }
    show(bullets.size());
}

RIGHT(reserve_keeps_references) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto enemies = frame.vec<npc>();
    auto others = frame.vec<int>();
    enemies.reserve(32);
    enemies.push_back({});
    npc& boss = enemies[0];
    for (int n = 1; n < 32; ++n) {
        enemies.push_back({});
        others.push_back(n);
    }
    boss.health = 1000;
    show(enemies[0].health);
}

RIGHT(index_kept_while_the_vec_grows) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto open = frame.vec<int>({3, 2, 5});
    for (std::size_t i = 0; i < open.size(); ++i) {
        if (open[i] > 1) open.push_back(open[i] - 2);
    }
    show(open.size());
}

RIGHT(clear_and_fill_again) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto v = frame.vec<vec3>();
    for (int n = 0; n < 20; ++n) {
        v.clear();
        for (int i = 0; i < n * 3; ++i) v.push_back({1, 2, 3});
    }
    show(v.back().x);
}

RIGHT(resize_then_write_through_data) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto v = frame.vec<char>();
    v.reserve(100);
    v.resize(60);
    std::memset(v.data(), 1, v.size());
    v.resize(100);
    std::memset(v.data(), 2, v.size());
    show(v.back());
}

RIGHT(begin_to_end_of_an_empty_vec) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto v = frame.vec<int>();
    v.erase(v.begin(), v.end());
    v.insert(v.begin(), 1);
    v.insert(v.end(), 2);
    v.erase(v.end(), v.end());
    show(v.size());
}

RIGHT(vec_is_moved_between_functions_of_one_frame) {
    const fa::smart_alloc alloc;
    const auto make = [](const fa::frame_scope& f) {
        auto v = f.vec<int>({1, 2});
        return v;
    };
    auto frame = alloc.frame_scope();
    auto a = make(frame);
    auto b = std::move(a);
    a = make(frame);
    std::swap(a, b);
    show(a[0] + b[1]);
}

RIGHT(moved_from_vec_is_filled_again) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto batches = frame.vec<fa::frame_vec<int>>();
    auto current = frame.vec<int>();
    for (int n = 0; n < 30; ++n) {
        current.push_back(n);
        if (current.size() == 7) batches.push_back(std::exchange(current, frame.vec<int>()));
    }
    show(batches[3][6]);
}

RIGHT(grid_of_vecs) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto grid = frame.vec<fa::frame_vec<int>>(8);
    for (int n = 0; n < 200; ++n) grid[static_cast<std::size_t>(n % 8)].push_back(n);
    grid.resize(20);
    grid[19].push_back(1);
    show(grid[7].back());
}

RIGHT(map_counts_words) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto counts = frame.map<fa::frame_string, int>();
    std::istringstream text("the quick brown fox jumps over the lazy dog and the cat");
    for (std::string word; text >> word;) ++counts[frame.string(word)];
    show(counts[frame.string("the")]);
}

RIGHT(map_erased_while_it_is_walked) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto timers = frame.map<int, int>();
    for (int n = 0; n < 100; ++n) timers[n] = n % 3;
    for (auto i = timers.begin(); i != timers.end();) i = i->second == 0 ? timers.erase(i) : std::next(i);
    show(timers.size());
}

RIGHT(map_with_a_copy_of_the_value_taken_first) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto parent = frame.map<int, int>();
    for (int n = 0; n < 200; ++n) {
        const int next = parent[n + 1000];
        parent[n] = next + 1;
    }
    show(parent.size());
}

RIGHT(map_of_vecs) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto cells = frame.map<int, fa::frame_vec<contact>>();
    for (int n = 0; n < 300; ++n) cells[n % 17].push_back({1, n, n});
    std::size_t all = 0;
    for (const auto& [cell, contacts] : cells) all += contacts.size();
    show(all);
}

RIGHT(find_in_an_empty_map) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto m = frame.map<int, int>();
    show(m.find(1) == m.end());
    show(m.erase(1) + m.size());
    m.clear();
}

RIGHT(string_is_cut_and_joined) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto line = frame.string("player.health=100");
    const std::size_t equals = line.find('=');
    auto key = frame.string(line.substr(0, equals));
    auto value = frame.string(line.substr(equals + 1));
    line = key;
    line += "=";
    line += value;
    show(line.size());
}

RIGHT(string_view_of_the_end) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto path = frame.string("assets/rock.mesh");
    show(path.substr(path.size()).empty());
    show(path.c_str()[path.size()]);
    while (!path.empty() && path.back() != '/') path.pop_back();
    show(path.size());
}

RIGHT(string_appends_itself) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto s = frame.string("ab");
    for (int n = 0; n < 6; ++n) s += s;
    s.insert(0, s.substr(0, 10));
    show(s.size());
}

RIGHT(short_and_long_strings) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto names = frame.vec<fa::frame_string>();
    for (std::size_t n = 0; n < 60; ++n) names.push_back(frame.string(n, 'x'));
    std::sort(names.begin(), names.end());
    show(names[59].size());
}

RIGHT(getline_over_a_config_file) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    std::istringstream file("width=1920\nheight=1080\n\nname=a rather long name that is not short\n");
    auto line = frame.string();
    int read = 0;
    while (getline(file, line)) read += !line.empty() && line.find('=') != line.npos;
    show(read);
}

RIGHT(at_throws_and_is_caught) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto v = frame.vec<int>({1, 2});
    try {
        show(v.at(2));
    } catch (const std::out_of_range&) {
        show(v.at(1));
    }
}

RIGHT(default_made_vec_is_given_a_frame_first) {
    struct collector {
        fa::frame_vec<int> hits;
    };
    const fa::smart_alloc alloc;
    collector c;
    show(c.hits.size());
    c.hits.clear();
    for (int n = 0; n < 3; ++n) {
        auto frame = alloc.frame_scope();
        c.hits = frame.vec<int>();
        c.hits.push_back(n);
        show(c.hits[0]);
        c.hits = {};
    }
}

RIGHT(member_vec_is_replaced_each_frame) {
    struct culling {
        fa::frame_vec<int> visible;
    };
    const fa::smart_alloc alloc;
    culling c;
    for (int n = 0; n < 4; ++n) {
        alloc.begin_frame();
        c.visible = alloc.frame_vec<int>();
        for (int i = 0; i < 40; ++i) c.visible.push_back(i);
        alloc.end_frame();
    }
}

RIGHT(vec_declared_before_its_frame_ends) {
    const fa::smart_alloc alloc;
    alloc.begin_frame();
    auto v = alloc.frame_vec<int>({1, 2, 3});
    auto m = alloc.frame_map<int, int>();
    auto s = alloc.frame_string("text that is long enough to be kept in the frame");
    auto b = alloc.frame_box<npc>();
    m[1] = v[0];
    alloc.end_frame();  // which the objects outlive, untouched
}

RIGHT(pool_vec_over_many_frames) {
    const fa::smart_alloc alloc;
    auto entities = alloc.pool_vec<npc>();
    for (int n = 0; n < 50; ++n) {
        auto frame = alloc.frame_scope();
        entities.push_back({});
        auto sorted = frame.vec<const npc*>();
        for (const npc& e : entities) sorted.push_back(&e);
        show(sorted.back()->health);
    }
    entities.erase(entities.begin(), entities.begin() + 25);
    entities.shrink_to_fit();
    show(entities.size());
}

RIGHT(heap_vec_of_a_large_level) {
    const fa::smart_alloc alloc;
    auto tiles = alloc.heap_vec<int>(fa::count(300'000));
    tiles.back() = 1;
    tiles.resize(900'000);
    tiles.resize(10);
    tiles.shrink_to_fit();
    show(tiles[9]);
}

RIGHT(copies_of_containers) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto v = frame.vec<int>({1, 2, 3});
    auto copy = v;
    copy[0] = 7;
    v = copy;
    const auto& same = v;
    v = same;
    auto kept = alloc.pool_vec<int>(v);
    show(kept[0] + copy[2]);
}

RIGHT(std_containers_with_pool_allocators) {
    const fa::smart_alloc alloc;
    std::map<int, int, std::less<>, fa::pool_allocator<std::pair<const int, int>>> tree{fa::pool_allocator<int>(alloc)};
    std::list<int, fa::pool_allocator<int>> list{fa::pool_allocator<int>(alloc)};
    for (int n = 0; n < 100; ++n) {
        tree[n * 7 % 100] = n;
        list.push_front(n);
    }
    tree.erase(tree.begin(), tree.find(50));
    list.sort();
    list.remove_if([](int i) { return i % 2 == 0; });
    show(tree.size() + list.size());
}

RIGHT(unordered_map_with_a_pool_allocator) {
    const fa::smart_alloc alloc;
    using entry = std::pair<const int, int>;
    std::unordered_map<int, int, std::hash<int>, std::equal_to<>, fa::pool_allocator<entry>> m{fa::pool_allocator<entry>(alloc)};
    for (int n = 0; n < 500; ++n) m[n] = n;
    m.rehash(5000);
    m.clear();
    m[3] = 4;
    auto moved = std::move(m);
    show(moved.size());
}

RIGHT(pmr_containers_of_every_resource) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    std::pmr::vector<int> a(frame.resource());
    std::pmr::vector<int> b(alloc.pool_resource());
    std::pmr::string c("a text that is too long for the object", alloc.heap_resource());
    for (int n = 0; n < 2000; ++n) {
        a.push_back(n);
        b.push_back(n);
        c += 'x';
    }
    a = b;
    show(a.size() + c.size());
}

RIGHT(monotonic_buffer_over_a_frame) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    std::pmr::monotonic_buffer_resource buffer(1024, frame.resource());
    std::pmr::vector<std::pmr::string> lines(&buffer);
    for (int n = 0; n < 60; ++n) lines.emplace_back("a line that has to be longer than fifteen characters");
    show(lines.back().size());
}

RIGHT(unsynchronized_pool_over_the_heap) {
    const fa::smart_alloc alloc;
    std::pmr::unsynchronized_pool_resource pool(alloc.heap_resource());
    std::pmr::list<int> list(&pool);
    for (int n = 0; n < 300; ++n) list.push_back(n);
    while (list.size() > 10) list.pop_front();
    show(list.front());
}

RIGHT(standard_vector_in_a_frame) {
    const fa::smart_alloc alloc;
    for (int n = 0; n < 3; ++n) {
        auto frame = alloc.frame_scope();
        std::vector<int, fa::frame_allocator<int>> a{fa::frame_allocator<int>(frame)};
        std::vector<int, fa::frame_allocator<int>> b{fa::frame_allocator<int>(frame)};
        for (int i = 0; i < 100; ++i) a.push_back(i);
        b = a;
        a.swap(b);
        b = std::move(a);
        show(b.back());
    }
}

RIGHT(optional_vec_is_emplaced_and_reset) {
    const fa::smart_alloc alloc;
    for (int n = 0; n < 5; ++n) {
        auto frame = alloc.frame_scope();
        std::optional<fa::frame_vec<int>> found;
        if (n % 2 == 0) found.emplace(frame.vec<int>({n}));
        show(found ? (*found)[0] : -1);
        found.reset();
    }
}

RIGHT(objects_with_containers_in_the_frame) {
    struct island {
        explicit island(const fa::frame_scope& f) : bodies(f.vec<int>()), name(f.string("an island with a long name, nearly too long")) {}
        fa::frame_vec<int> bodies;
        fa::frame_string name;
    };
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    for (int n = 0; n < 30; ++n) {
        island* i = frame.make<island>(frame);
        for (int b = 0; b < n; ++b) i->bodies.push_back(b);
    }
}

RIGHT(sorted_vec_and_binary_search) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto keys = frame.vec<int>();
    for (int n = 0; n < 100; ++n) keys.insert(std::lower_bound(keys.begin(), keys.end(), n * 37 % 100), n * 37 % 100);
    show(std::is_sorted(keys.begin(), keys.end()));
    show(keys.end()[-1]);
}

RIGHT(boolean_flags_in_a_vec) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto visited = frame.vec<bool>(100);
    for (std::size_t i = 0; i < 100; i += 3) visited[i] = true;
    show(std::count(visited.begin(), visited.end(), true));
}

RIGHT(array_boxes_from_end_to_end) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto cells = frame.box<int[]>(10);
    auto pixels = alloc.heap_box<unsigned[]>(64 * 32);
    auto names = alloc.pool_box<std::string[]>(5);
    for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = 1;
    for (unsigned& p : pixels) p = 0xFF;
    names[4] = "a name that is long enough to be allocated";
    show(std::accumulate(cells.begin(), cells.end(), 0));
}

}  // namespace
}  // namespace style
