// Containers and their iterators, references and elements.
#include "game.hpp"

#include <memory_resource>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace style {
namespace {

WRONG(loop_runs_one_too_far) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto waves = frame.vec<int>({1, 2, 3});
    for (std::size_t i = 0; i <= waves.size(); ++i) show(waves[i]);  // FA439
}

WRONG(last_index_of_an_empty_vec) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto visible = frame.vec<contact>();
    show(visible[visible.size() - 1].depth);  // FA439
}

WRONG(best_of_no_candidates) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto candidates = frame.vec<float>();
    for (const float f : {1.0F, 2.0F}) {
        if (f > 3) candidates.push_back(f);
    }
    show(candidates.front());  // FA439
}

WRONG(stack_popped_once_too_often) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto open = frame.vec<int>({1, 2});
    for (int n = 0; n < 3; ++n) open.pop_back();  // FA439
}

WRONG(reserve_is_taken_for_resize) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto bones = frame.vec<vec3>();
    bones.reserve(64);
    for (std::size_t i = 0; i < 64; ++i) bones[i] = {0, 0, 1};  // FA439
}

WRONG(index_kept_over_a_resize) {
    const fa::smart_alloc alloc;
    auto slots = alloc.pool_vec<int>(fa::count(16));
    const std::size_t selected = 12;
    slots.resize(8);
    slots[selected] = 1;  // FA439
}

WRONG(erase_of_what_was_not_found) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto ids = frame.vec<int>({4, 8, 15});
    auto found = ids.begin();
    while (found != ids.end() && *found != 16) ++found;
    ids.erase(found);  // FA439
}

WRONG(insert_at_an_iterator_of_another_vec) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto today = frame.vec<int>({1, 2, 3});
    auto tomorrow = frame.vec<int>({4, 5, 6});
    today.insert(tomorrow.begin() + 1, 9);  // FA439
}

WRONG(file_name_without_an_extension) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto file = frame.string("textures/rock");
    const std::size_t dot = file.find('.');
    show(file[dot]);  // FA439
}

WRONG(last_letter_of_an_empty_line) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto line = frame.string();
    if (line.back() == '\n') line.pop_back();  // FA439
}

WRONG(trailing_blanks_of_a_blank_line) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto line = frame.string("    ");
    while (line[line.size() - 1] == ' ') line.pop_back();  // FA439
}

WRONG(pixel_outside_of_the_box) {
    const fa::smart_alloc alloc;
    const std::size_t width = 64, height = 32;
    auto pixels = alloc.heap_box<unsigned[]>(width * height);
    for (std::size_t x = 0; x <= width; ++x) pixels[(height - 1) * width + x] = 0xFF;  // FA439
}

WRONG(negative_index_into_a_frame_box) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto cells = frame.box<int[]>(10);
    int x = 0;
    cells[static_cast<std::size_t>(x - 1)] = 1;  // FA439
}

struct collector {
    fa::frame_vec<contact> hits;
    void add(const contact& c) { hits.push_back(c); }  // FA440
};

WRONG(member_vec_was_never_given_a_frame) {
    collector c;
    c.add({1, 2, 3});
}

WRONG(member_map_was_never_given_a_frame) {
    struct cache {
        fa::frame_map<int, float> costs;
    } c;
    c.costs[3] = 1.5F;  // FA440
}

WRONG(pool_vec_member_without_an_allocator) {
    struct inventory {
        fa::pool_vec<int> items;
    } chest;
    chest.items.push_back(7);  // FA440
}

WRONG(string_member_without_a_frame) {
    struct label {
        fa::frame_string text;
    } l;
    l.text = "a text that is much too long to be kept in the object itself";  // FA440
}

WRONG(system_keeps_its_vec_from_frame_to_frame) {
    const fa::smart_alloc alloc;
    struct culling {
        fa::frame_vec<int> visible;
    } c;
    for (int n = 0; n < 2; ++n) {
        auto frame = alloc.frame_scope();
        if (n == 0) c.visible = frame.vec<int>();
        c.visible.clear();  // FA002
        c.visible.push_back(n);
    }
}

static fa::frame_vec<int> neighbours(const fa::smart_alloc& alloc, int of) {
    auto frame = alloc.frame_scope();
    auto out = frame.vec<int>();
    out.push_back(of - 1);
    out.push_back(of + 1);
    return out;
}

WRONG(helper_returns_a_vec_of_its_own_frame) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    const auto found = neighbours(alloc, 4);
    show(found[0]);  // FA002
}

WRONG(vec_iterated_after_end_frame) {
    const fa::smart_alloc alloc;
    alloc.begin_frame();
    auto lines = alloc.frame_vec<int>({1, 2, 3});
    alloc.end_frame();
    for (const int i : lines) show(i);  // FA002
}

WRONG(map_looked_up_after_its_frame) {
    const fa::smart_alloc alloc;
    fa::frame_map<int, int> parents;
    {
        auto frame = alloc.frame_scope();
        parents = frame.map<int, int>();
        parents[1] = 0;
    }
    show(parents.contains(1));  // FA002
}

WRONG(string_appended_after_its_frame) {
    const fa::smart_alloc alloc;
    alloc.begin_frame();
    auto log = alloc.frame_string("frame 1 of the level: ");
    alloc.end_frame();
    log += "a message";  // FA002
}

WRONG(vec_copied_after_its_frame) {
    const fa::smart_alloc alloc;
    alloc.begin_frame();
    auto path = alloc.frame_vec<int>({3, 2, 1});
    alloc.end_frame();
    std::vector<int> kept(path.begin(), path.end());  // FA002
    show(kept.size());
}

WRONG(outer_keeps_a_vec_of_an_inner_frame) {
    const fa::smart_alloc alloc;
    auto outer = alloc.frame_scope();
    auto longest = outer.vec<int>();
    for (std::size_t n = 1; n < 4; ++n) {
        auto inner = alloc.frame_scope();
        auto path = inner.vec<int>(n, 7);
        if (path.size() > longest.size()) longest = std::move(path);
    }
    show(longest[0]);  // FA002
}

WRONG(vec_of_vecs_with_rows_of_inner_frames) {
    const fa::smart_alloc alloc;
    auto outer = alloc.frame_scope();
    auto grid = outer.vec<fa::frame_vec<int>>();
    for (std::size_t y = 0; y < 3; ++y) {
        auto inner = alloc.frame_scope();
        auto row = inner.vec<int>(4, 1);
        grid.emplace_back(std::move(row));
    }
    show(grid[2][1]);  // FA002
}

WRONG(swap_with_a_vec_of_an_inner_frame) {
    const fa::smart_alloc alloc;
    auto outer = alloc.frame_scope();
    auto current = outer.vec<int>({1});
    {
        auto inner = alloc.frame_scope();
        auto next = inner.vec<int>({2});
        std::swap(current, next);
    }
    current.push_back(3);  // FA002
}

WRONG(std_vector_with_a_frame_allocator_outlives_the_frame) {
    const fa::smart_alloc alloc;
    alloc.begin_frame();
    std::vector<int, fa::frame_allocator<int>> ids{fa::frame_allocator<int>(alloc)};
    ids.assign(5, 1);
    alloc.end_frame();
    show(ids[4]);  // FA002
    alloc.begin_frame();
    alloc.end_frame();
}

WRONG(std_vector_grows_after_its_frame) {
    const fa::smart_alloc alloc;
    alloc.begin_frame();
    std::vector<int, fa::frame_allocator<int>> ids{fa::frame_allocator<int>(alloc)};
    alloc.end_frame();
    alloc.begin_frame();
    ids.push_back(1);  // FA002
    alloc.end_frame();
}

WRONG(pmr_vector_reserves_after_its_frame) {
    const fa::smart_alloc alloc;
    alloc.begin_frame();
    std::pmr::vector<int> ids(alloc.frame_resource());
    alloc.end_frame();
    ids.reserve(10);  // FA002
}

WRONG(pmr_string_read_after_its_frame) {
    const fa::smart_alloc alloc;
    alloc.begin_frame();
    std::pmr::string name("the name of a level that is rather long", alloc.frame_resource());
    alloc.end_frame();
    show(name[5]);  // FA002
}

WRONG(view_into_a_map_of_an_ended_frame) {
    const fa::smart_alloc alloc;
    std::string_view value;
    {
        auto frame = alloc.frame_scope();
        auto settings = frame.map<int, fa::frame_string>();
        settings[1] = frame.string("resolution=1920x1080;fullscreen=yes");
        value = settings[1];
    }
    show(value[3]);  // FA002
}

WRONG(boxes_moved_out_of_a_vec_and_used_there) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto party = frame.vec<fa::frame_box<npc>>();
    party.push_back(frame.box<npc>());
    fa::frame_box<npc> leader = std::move(party[0]);
    for (const auto& member : party) show(member->health);  // FA444
}

WRONG(vec_rolled_back_and_pushed_to) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    const auto before = alloc.frame_checkpoint();
    auto attempt = frame.vec<int>({1});
    alloc.rollback_to(before);
    attempt.push_back(2);  // FA002
}

WRONG(first_enemy_written_after_others_were_spawned) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto enemies = frame.vec<npc>();
    auto bullets = frame.vec<vec3>();
    enemies.push_back({});
    npc& boss = enemies[0];
    for (int n = 0; n < 20; ++n) {
        bullets.push_back({});
        enemies.push_back({});
    }
    boss.health = 1000;  // FA002 FA419
}

WRONG(first_enemy_read_after_others_were_spawned) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto enemies = frame.vec<npc>();
    auto bullets = frame.vec<vec3>();
    enemies.push_back({});
    const npc& boss = enemies[0];
    for (int n = 0; n < 20; ++n) {
        bullets.push_back({});
        enemies.push_back({});
    }
    show(boss.health);  // FA002 FA419
}

WRONG(cost_in_a_map_lowered_after_others_were_added) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto costs = frame.map<int, float>();
    float& start = costs[0] = 9;
    for (int n = 1; n < 100; ++n) costs[n] = 1;
    start = 0;  // FA002 FA419
}

WRONG(two_map_references_in_one_statement) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto parent = frame.map<int, int>();
    parent[-1] = 0;
    for (int n = 0; n < 200; ++n) {
        int& mine = parent[n];
        const int& next = parent[n + 1000];
        mine = next + 1;  // FA002 FA419
    }
}

WRONG(text_pointer_kept_while_the_string_grows) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto csv = frame.string("id;name;score;level");
    auto row = frame.string("1;bob the builder;200");
    const char* header = csv.c_str();
    for (int n = 0; n < 30; ++n) {
        csv += row;
        row += ";more";
    }
    show(header[0]);  // FA002 FA419
}

WRONG(element_of_a_pool_vec_written_after_it_grew) {
    const fa::smart_alloc alloc;
    {
        auto voices = alloc.pool_vec<contact>(fa::count(4));
        contact& music = voices[0];
        voices.resize(40);  // FA419
        music.depth = 0.5F;
    }
    alloc.check();  // FA419
}

WRONG(children_pushed_while_the_list_is_walked) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto open = frame.vec<int>({3, 2, 5});
    auto closed = frame.vec<int>();
    for (const int node : open) {  // FA002 FA419
        closed.push_back(node);
        if (node > 2) open.push_back(node - 1);
    }
    show(closed.size());
}

WRONG(span_of_a_vec_kept_while_it_grows) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto positions = frame.vec<vec3>(4);
    auto names = frame.vec<int>(4);
    const std::span<vec3> all(positions.data(), positions.size());
    positions.resize(400);
    names.push_back(1);
    for (vec3& p : all) p.y += 1;  // FA002 FA419
}

WRONG(key_cut_from_a_line_that_then_changes) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto line = frame.string("player.health=100");
    auto out = frame.string();
    const std::string_view key = line.substr(0, 13);
    out += "a line before it";
    line += ";player.name=somebody with a name that is really long";
    show(key[0]);  // FA002 FA419
}

WRONG(popped_element_is_still_used) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto stack = frame.vec<vec3>(3);
    vec3& top = stack.back();
    stack.pop_back();
    show(top.x);  // FA002 FA419
}

DOCUMENTED(cleared_buffer_is_written_through_its_pointer) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto line = frame.vec<char>(32, ' ');
    char* cursor = line.data();
    line.clear();
    cursor[3] = 'x';
    alloc.check();
}

WRONG(enemies_erased_while_they_are_walked) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto health = frame.vec<int>({5, 0, 7, 0});
    for (auto i = health.begin(); i != health.end(); ++i) {
        if (*i == 0) health.erase(i);  // FA439 FA002
    }
}

WRONG(pmr_strings_destroyed_after_their_frame) {
    const fa::smart_alloc alloc;
    {
        alloc.begin_frame();
        std::vector<std::string, fa::frame_allocator<std::string>> names{fa::frame_allocator<std::string>(alloc)};
        names.emplace_back("bob");
        alloc.end_frame();
    }  // FA002
}

WRONG(std_vector_of_boxes_outlives_the_frame) {
    const fa::smart_alloc alloc;
    std::vector<fa::frame_box<npc>> party;
    for (int n = 0; n < 2; ++n) {
        auto frame = alloc.frame_scope();
        for (const auto& member : party) show(member->health);  // FA002
        party.push_back(frame.box<npc>());
    }
}

DOCUMENTED(element_of_a_pool_vec_read_after_it_grew) {
    const fa::smart_alloc alloc;
    auto voices = alloc.pool_vec<contact>(fa::count(4));
    const contact& music = voices[0];
    voices.resize(40);
    show(music.depth);
}

DOCUMENTED(write_behind_the_size_within_the_capacity) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto samples = frame.vec<float>(fa::capacity(64));
    samples.push_back(1);
    samples.data()[1] = 0.5F;
}

}  // namespace
}  // namespace style
