// flags: -Wall -Wextra
// compilers: clang++-14 clang++-19 clang++-22
// Pointers and references that outlive the boxes, maps, vecs and strings that own their targets.
#include <framealloc/framealloc.hpp>

#include <string>

namespace fa = framealloc;

struct node {
    int value = 0;
    int row[4] = {};
    node* next = nullptr;
};
const fa::smart_alloc& game();
using frame_t = fa::frame_scope;
void use(const void*);
void use(int);
fa::transfer_handle<node> next_result();
fa::transfer_span<int> next_batch();
fa::pool_weak<node>& watched();
fa::frame_map<int, int> made_map(frame_t&);
fa::frame_map<int, node> made_nodes(frame_t&);

node* get_of_a_pool_box() { auto b = game().pool_box<node>(); return b.get(); }  // expected-warning {{returned}}
node& object_of_a_pool_box() { auto b = game().pool_box<node>(); return *b; }  // expected-warning {{returned}}
int& member_of_a_pool_box() { auto b = game().pool_box<node>(); return b->value; }  // from19-warning {{returned}}
int* address_of_its_member() { auto b = game().pool_box<node>(); return &b->value; }  // from19-warning {{returned}}
int* array_in_a_pool_box() { auto b = game().pool_box<node>(); return b->row; }  // from19-warning {{returned}}
node* get_of_a_heap_box() { auto b = game().heap_box<node>(); return b.get(); }  // expected-warning {{returned}}
node& object_of_a_heap_box() { auto b = game().heap_box<node>(); return *b; }  // expected-warning {{returned}}
int& member_of_a_heap_box() { auto b = game().heap_box<node>(); return (*b).value; }  // expected-warning {{returned}}
node* get_of_a_frame_box() { auto f = game().frame_scope(); auto b = f.box<node>(); return b.get(); }  // expected-warning {{returned}}
node& object_of_a_frame_box() { auto f = game().frame_scope(); auto b = f.box<node>(); return *b; }  // expected-warning {{returned}}
int& member_of_a_frame_box() { auto f = game().frame_scope(); auto b = f.box<node>(); return b->value; }  // from19-warning {{returned}}
node* get_of_a_pool_shared() { auto b = game().pool_shared<node>(); return b.get(); }  // expected-warning {{returned}}
node& object_of_a_pool_shared() { auto b = game().pool_shared<node>(); return *b; }  // expected-warning {{returned}}
int& member_of_what_was_locked() { auto b = watched().lock(); return b->value; }  // from19-warning {{returned}}
node* get_of_a_transfer_box() { auto b = next_result().receive(); return b.get(); }  // expected-warning {{returned}}
node& object_of_a_transfer_box() { auto b = next_result().receive(); return *b; }  // expected-warning {{returned}}
int get_of_a_temporary_pool_box() { node* p = game().pool_box<node>().get(); return p->value; }  // expected-warning {{will be destroyed at the end of the full-expression}}
int object_of_a_temporary_pool_box() { node& p = *game().pool_box<node>(); return p.value; }  // expected-warning {{will be destroyed at the end of the full-expression}}
int member_of_a_temporary_pool_box() { int& p = game().pool_box<node>()->value; return p; }  // from19-warning {{will be destroyed at the end of the full-expression}}
int get_of_a_temporary_heap_box() { node* p = game().heap_box<node>().get(); return p->value; }  // expected-warning {{will be destroyed at the end of the full-expression}}
int object_of_a_temporary_heap_box() { node& p = *game().heap_box<node>(); return p.value; }  // expected-warning {{will be destroyed at the end of the full-expression}}
int array_in_a_temporary_heap_box() { int* p = game().heap_box<node>()->row; return *p; }  // from19-warning {{will be destroyed at the end of the full-expression}}
int get_of_what_was_locked_for_a_moment() { node* p = watched().lock().get(); return p->value; }  // expected-warning {{will be destroyed at the end of the full-expression}}
int object_of_what_was_locked_for_a_moment() { node& p = *watched().lock(); return p.value; }  // expected-warning {{will be destroyed at the end of the full-expression}}
int member_of_what_was_locked_for_a_moment() { int& p = watched().lock()->value; return p; }  // from19-warning {{will be destroyed at the end of the full-expression}}
int get_of_what_was_received_for_a_moment() { node* p = next_result().receive().get(); return p->value; }  // expected-warning {{will be destroyed at the end of the full-expression}}
int object_of_what_was_received_for_a_moment() { node& p = *next_result().receive(); return p.value; }  // expected-warning {{will be destroyed at the end of the full-expression}}
int* data_of_an_array_box() { auto b = game().pool_box<int[]>(4); return b.data(); }  // expected-warning {{returned}}
int* get_of_an_array_box() { auto b = game().pool_box<int[]>(4); return b.get(); }  // expected-warning {{returned}}
int& element_of_an_array_box() { auto b = game().pool_box<int[]>(4); return b[0]; }  // expected-warning {{returned}}
std::span<int> span_of_an_array_box() { auto b = game().pool_box<int[]>(4); return b.span(); }  // expected-warning {{returned}}
int* begin_of_an_array_box() { auto b = game().heap_box<int[]>(4); return b.begin(); }  // expected-warning {{returned}}
int span_of_a_temporary_array_box() { std::span<int> s = game().heap_box<int[]>(4).span(); return s[0]; }  // expected-warning {{will be destroyed at the end of the full-expression}}
int data_of_a_temporary_array_box() { int* s = game().heap_box<int[]>(4).data(); return s[0]; }  // expected-warning {{will be destroyed at the end of the full-expression}}
int element_of_a_temporary_array_box() { int& s = game().heap_box<int[]>(4)[1]; return s; }  // expected-warning {{will be destroyed at the end of the full-expression}}
int loop_over_the_span_of_a_temporary() { int n = 0; for (int& x : game().heap_box<int[]>(4).span()) n += x; return n; }  // expected-warning {{will be destroyed at the end of the full-expression}}
int span_of_a_temporary_transfer_span() { std::span<int> s = next_batch().span(); return s[0]; }  // expected-warning {{will be destroyed at the end of the full-expression}}
int span_made_of_a_temporary_transfer_box() { std::span<int> s = next_batch().receive(); return s[0]; }  // expected-warning {{will be destroyed at the end of the full-expression}}
std::span<int> span_of_a_transfer_span() { auto b = next_batch(); return b.span(); }  // expected-warning {{returned}}
int begin_of_a_temporary_transfer_box() { int* p = next_batch().receive().begin(); return *p; }  // expected-warning {{will be destroyed at the end of the full-expression}}
int& value_of_a_map() { auto f = game().frame_scope(); auto m = f.map<int, int>(); return m[1]; }  // expected-warning {{returned}}
int& value_at_a_key() { auto f = game().frame_scope(); auto m = f.map<int, int>(); return m.at(1); }  // expected-warning {{returned}}
int* address_of_a_value() { auto f = game().frame_scope(); auto m = f.map<int, int>(); return &m[1]; }  // expected-warning {{returned}}
auto what_find_returned() { auto f = game().frame_scope(); auto m = f.map<int, int>(); return m.find(1); }  // expected-warning {{returned}}
auto begin_of_a_map() { auto f = game().frame_scope(); auto m = f.map<int, int>(); return m.begin(); }  // expected-warning {{returned}}
int value_of_a_temporary_map(frame_t& f) { int& r = made_map(f)[1]; return r; }  // expected-warning {{will be destroyed at the end of the full-expression}}
int value_at_a_key_of_a_temporary_map(frame_t& f) { int& r = made_map(f).at(1); return r; }  // expected-warning {{will be destroyed at the end of the full-expression}}
int find_in_a_temporary_map(frame_t& f) { auto it = made_map(f).find(1); return it->second; }  // expected-warning {{will be destroyed at the end of the full-expression}}
int member_of_a_value_of_a_temporary_map(frame_t& f) { int& r = made_nodes(f)[1].value; return r; }  // expected-warning {{will be destroyed at the end of the full-expression}}
int walk_over_a_temporary_map(frame_t& f) { int n = 0; for (auto it = made_map(f).begin(); n < 1; ++it) n += it->second; return n; }  // expected-warning {{will be destroyed at the end of the full-expression}}
auto end_of_a_map(frame_t& f) { auto m = f.map<int, int>(); return m.end(); }  // expected-warning {{returned}}
int& what_emplace_back_returned() { auto v = game().pool_vec<int>(); return v.emplace_back(1); }  // expected-warning {{returned}}
int* begin_of_a_vec() { auto v = game().heap_vec<int>(4); return v.begin(); }  // expected-warning {{returned}}
std::span<int> span_of_a_vec() { auto v = game().heap_vec<int>(4); return v; }  // from19-warning {{returned}}
int front_of_a_temporary_vec() { int& r = game().heap_vec<int>(4).front(); return r; }  // expected-warning {{will be destroyed at the end of the full-expression}}
int emplace_back_of_a_temporary_vec() { int& r = game().heap_vec<int>().emplace_back(3); return r; }  // expected-warning {{will be destroyed at the end of the full-expression}}
const char* text_that_append_returned(frame_t& f) { auto s = f.string("x"); return s.append("y").c_str(); }  // expected-warning {{returned}}
std::string_view view_of_a_string(frame_t& f) { auto s = f.string("x"); s += "y"; return s; }  // expected-warning 1+ {{returned}}
int view_of_a_temporary_string(frame_t& f) { std::string_view t = f.string("x").append("y").view(); return t[0]; }  // expected-warning {{will be destroyed at the end of the full-expression}}
int view_of_a_sum(frame_t& f) { std::string_view t = f.string("x") + "y"; return t[0]; }  // expected-warning 1+ {{will be destroyed at the end of the full-expression}}
int reference_to_a_temporary_that_append_returned(frame_t& f) { auto& t = f.string("x").append("y"); return t[0]; }  // expected-warning {{will be destroyed at the end of the full-expression}}
struct keeps { std::string_view text; int* first; };
keeps view_in_a_struct(frame_t& f) { auto s = f.string("x"); return {s.view(), nullptr}; }  // expected-warning {{returned}}
std::string_view text_in_a_buffer_that_goes(const void* p) { char text[200]; return fa::describe(p).text(text); }  // from22-warning {{returned}}
std::string_view statistics_in_a_buffer_that_goes() { char text[200]; return fa::to_text(game().stats(), text); }  // from22-warning {{returned}}

// Correct.
node* get(fa::pool_box<node>& b) { return b.get(); }
node& object(const fa::pool_box<node>& b) { return *b; }
int& member(fa::heap_box<node>& b) { return b->value; }
int value_of_a_member() { auto b = game().pool_box<node>(); return b->value; }
node copy_of_the_object() { auto b = game().pool_box<node>(); return *b; }
int value_in_one_expression() { return game().pool_box<node>()->value; }
int value_of_a_temporary_heap_box() { return (*game().heap_box<node>()).value; }
node moved_out() { return std::move(*game().heap_box<node>()); }
int* pointer_that_is_the_value() { auto b = game().pool_box<int*>(); return *b; }
node* pointer_that_is_a_member() { auto b = game().heap_box<node>(); return b->next; }
node* released() { auto b = game().heap_box<node>(); return b.release(); }
fa::pool_box<node> box_returned() { auto b = game().pool_box<node>(); b->value = 1; return b; }
fa::heap_box<node> box_returned_after_use() { auto b = game().heap_box<node>(); node& n = *b; n.value = 1; return b; }
int pointers_used_inside() { auto b = game().pool_box<node>(); node* p = b.get(); node& n = *b; return p->value + n.value; }
void pointer_given_back_with_the_box_alive(node*& out, fa::pool_box<node>& b) { out = b.get(); }
int locked_and_used() { if (auto b = watched().lock()) return b->value; return 0; }
int locked_in_one_expression() { return watched().lock()->value; }
node* get_of_a_shared_one(fa::pool_shared<node>& s) { return s.get(); }
fa::pool_shared<int> part_that_shares(fa::pool_shared<node> s) { return {s, &s->value}; }
fa::pool_shared<int> part_of_a_local_that_shares() { auto s = game().pool_shared<node>(); return {s, &s->value}; }
fa::pool_shared<int> part_of_a_moved_one_that_shares() { auto s = game().pool_shared<node>(); int* p = &s->value; return {std::move(s), p}; }
bool asked_whether_it_is_gone() { return watched().lock().get() == nullptr; }
int received_in_one_expression() { return next_result().receive()->value; }
node copy_of_what_was_received() { return *next_result().receive(); }
node inner_of_what_was_received() { return next_result().receive().into_inner(); }
int reference_while_it_is_there() { auto b = next_result().receive(); int& v = b->value; v = 3; return v; }
int loop_over_an_array_box() { auto b = game().pool_box<int[]>(4); int n = 0; for (int x : b) n += x; return n; }
int span_while_it_is_there() { auto b = game().heap_box<int[]>(4); std::span<int> s = b.span(); return s[0]; }
int span_made_of_a_box_while_it_is_there() { auto b = game().heap_box<int[]>(4); std::span<int> s = b; return s[0]; }
std::span<int> span_of_the_callers_box(fa::heap_box<int[]>& b) { return b.span(); }
std::span<int> span_made_of_the_callers_box(fa::heap_box<int[]>& b) { return b; }
int filled_before_it_is_sent() { auto b = next_batch(); for (int& x : b.span()) x = 1; return b.span()[0]; }
int loop_over_what_was_received() { auto b = next_batch().receive(); int n = 0; for (int x : b) n += x; return n; }
int element_in_one_expression() { return next_batch().span()[0]; }
int element_of_a_box_in_one_expression() { return game().heap_box<int[]>(4)[0]; }
int& value_of_the_callers_map(fa::frame_map<int, int>& m) { return m[1]; }
int copy_of_a_value(frame_t& f) { auto m = f.map<int, int>(); return m[1]; }
int reference_to_a_value_while_the_map_is_there(frame_t& f) { auto m = f.map<int, int>(); int& r = m[1]; r = 2; return r; }
auto find_in_the_callers_map(fa::frame_map<int, int>& m) { return m.find(1); }
int iterators_while_the_map_is_there(frame_t& f) { auto m = f.map<int, int>(); auto it = m.find(1); return it == m.end() ? 0 : it->second; }
int value_of_a_temporary_map_copied(frame_t& f) { return made_map(f).at(1); }
int value_of_a_temporary_map_by_key(frame_t& f) { return made_map(f)[1]; }
int found_in_a_temporary_map_and_copied(frame_t& f) { return made_map(f).find(1)->second; }
bool iterators_compared(frame_t& f) { return f.map<int, int>().begin() == f.map<int, int>().end(); }
int* pointer_that_is_a_mapped_value(frame_t& f) { auto m = f.map<int, int*>(); return m[1]; }
int* pointer_that_was_found(frame_t& f) { auto m = f.map<int, int*>(); auto it = m.find(1); return it->second; }
int* pointer_that_was_found_in_one_expression(frame_t& f) { auto m = f.map<int, int*>(); return m.find(1)->second; }
int loop_over_a_map(frame_t& f) { auto m = f.map<int, int>(); int n = 0; for (auto& [k, v] : m) n += k + v; return n; }
int loop_over_a_temporary_map(frame_t& f) { int n = 0; for (auto& [k, v] : made_map(f)) n += k + v; return n; }
fa::frame_map<int, int> map_returned(frame_t& f) { auto m = f.map<int, int>(); m[1] = 2; m.insert({2, 3}); return m; }
int& value_behind_an_iterator(fa::frame_map<int, int>& m) { auto it = m.find(1); return it->second; }
int& value_behind_what_find_returned(fa::frame_map<int, int>& m) { return m.find(1)->second; }
const int* value_behind_what_try_emplace_returned(fa::frame_map<int, int>& m) { auto [it, fresh] = m.try_emplace(1, 2); return fresh ? &it->second : nullptr; }
int what_emplace_back_returned_is_used(frame_t& f) { auto v = f.vec<int>(); v.emplace_back(1) = 3; return v.front(); }
int& emplace_back_of_the_callers_vec(fa::frame_vec<int>& v) { return v.emplace_back(1); }
fa::frame_vec<int> vec_returned(frame_t& f) { auto v = f.vec<int>(); v.push_back(1); v.insert(v.begin(), 2); return v; }
node* pointer_that_is_an_element(frame_t& f) { auto v = f.vec<node*>(); return v[0]; }
node* pointer_that_is_the_last_element(frame_t& f) { auto v = f.vec<node*>(); return v.back(); }
fa::frame_string appended_and_returned_by_value(frame_t& f) { return f.string("x").append("y"); }
fa::frame_string string_returned(frame_t& f) { auto s = f.string("x"); s += "y"; return s; }
std::string copied_into_a_std_string(frame_t& f) { return std::string(f.string("x").append("y")); }
int character_of_a_temporary(frame_t& f) { return f.string("x").append("y")[0]; }
std::size_t size_of_a_view(frame_t& f) { return f.string("x").view().size(); }
fa::frame_string append_returned_by_value(frame_t& f) { auto s = f.string("x"); return s.append("y"); }
int* memory_of_the_callers_frame(frame_t& f) { return f.alloc<int>(); }
node* object_released_to_the_callers_frame(frame_t& f) { return f.box<node>().release(); }
struct owner { fa::pool_box<node> b; node* get() { return b.get(); } node& ref() { return *b; } };
int box_in_a_class() { owner o{game().pool_box<node>()}; node* p = o.get(); return p->value + o.ref().value; }
void view_of_the_callers_string(frame_t& f, std::string_view& out, fa::frame_string& s) { out = s; use(f.string("x").c_str()); }
fa::pool_box<node> box_passed_through(fa::pool_box<node> a, bool c) { node* p = a.get(); if (c) use(p); return a; }
int text_in_a_buffer_while_it_is_there(const void* p) { char text[200]; std::string_view t = fa::describe(p).text(text); return t[0]; }
node* element_of_the_callers_box(fa::pool_box<node[]>& b) { for (node& n : b) if (n.value) return &n; return nullptr; }
fa::frame_source source_copied(frame_t& f) { auto v = f.vec<int>(); return v.source(); }
node* box_in_the_callers_vec(fa::frame_vec<fa::pool_box<node>>& v) { return v[0].get(); }
node* best_of_many_pointers(frame_t& f) { auto v = f.vec<node*>({nullptr}); node* best = nullptr; for (node* n : v) best = n; return best; }
node* pointer_behind_an_iterator(frame_t& f) { auto v = f.vec<node*>(); auto it = v.begin(); return *it; }
std::string_view view_that_is_the_last_element(fa::frame_vec<std::string_view> v) { return v.back(); }
std::string_view view_that_is_an_element(frame_t& f) { auto v = f.vec<std::string_view>({"text"}); return v[0]; }
const char* characters_of_a_view_that_is_an_element(frame_t& f) { auto v = f.vec<std::string_view>({"text"}); return v.at(0).data(); }
std::span<int> span_that_is_the_first_element(fa::pool_vec<std::span<int>>& v) { auto w = std::move(v); return w.front(); }
std::string_view view_in_a_map(frame_t& f) { auto m = f.map<int, std::string_view>(); return m[1]; }
std::string_view view_in_a_map_with_names(frame_t& f) { auto m = f.map<std::string_view, std::string_view>(); return m.at("name"); }
