// The three ways to hold the game's memory. Each kit has the same shape:
//
//   begin_frame(), end_frame(), frame()        events, hits, commands, cells and labels of one frame
//   make<T>(), drop(p)                         particles and entities that live for many frames
//   system(tag)                                an object alive while a system runs
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <framealloc/framealloc.hpp>

#include "physics.hpp"

namespace demo {

namespace fa = framealloc;

inline constexpr fa::tag tag_physics{"physics"}, tag_particles{"particles"}, tag_entities{"entities"},
    tag_render{"render"}, tag_culling{tag_render, "culling"}, tag_commands{tag_render, "commands"};

struct particle {
    float x, y, vx, vy;
    std::uint32_t life;
    std::uint32_t color;
};

struct entity {
    std::uint32_t body;
    std::int32_t health;
    std::uint32_t id;
    char name[20];
};

struct draw_command {
    std::uint32_t kind;
    std::uint32_t source;
    float x, y, angle;
    std::string_view label;
};

// --- plain: fresh containers each frame, new and delete for each object ---
class plain_kit {
public:
    static constexpr const char* title = "plain";
    struct frame_type {
        std::vector<contact_event> events;
        std::vector<ray_hit> hits;
        std::vector<draw_command> commands;
        std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> cells;
        std::vector<std::unique_ptr<std::string>> labels;
        std::string_view label(const char* text) { return *labels.emplace_back(std::make_unique<std::string>(text)); }
        std::vector<std::uint32_t>& cell(std::uint32_t key) { return cells[key]; }
    };
    struct nothing {};

    void begin_frame() { frame_.emplace(); }
    void end_frame() { frame_.reset(); }
    frame_type& frame() { return *frame_; }
    template <class T>
    T* make() {
        return new T();
    }
    template <class T>
    void drop(T* p) {
        delete p;
    }
    nothing system(const fa::tag&) { return {}; }
    template <class T>
    using list = std::vector<T>;
    template <class T>
    list<T> make_list() {
        return {};
    }

private:
    std::optional<frame_type> frame_;
};

// --- tuned: everything is reserved, cleared and reused; objects come from free lists ---
class tuned_kit {
public:
    static constexpr const char* title = "tuned";
    struct frame_type {
        std::vector<contact_event> events;
        std::vector<ray_hit> hits;
        std::vector<draw_command> commands;
        std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> cells;
        std::vector<std::uint32_t> used_cells;
        std::vector<std::unique_ptr<std::string>> labels;
        std::size_t label_count = 0;
        std::string_view label(const char* text) {
            if (label_count == labels.size()) labels.push_back(std::make_unique<std::string>());
            std::string& s = *labels[label_count++];
            s.assign(text);
            return s;
        }
        std::vector<std::uint32_t>& cell(std::uint32_t key) {
            auto& c = cells[key];
            if (c.empty()) used_cells.push_back(key);
            return c;
        }
    };
    struct nothing {};

    tuned_kit() {
        frame_.events.reserve(8192);
        frame_.hits.reserve(1024);
        frame_.commands.reserve(32768);
        frame_.cells.reserve(4096);
    }
    ~tuned_kit() {
        for (particle* p : free_particles_) delete p;
        for (entity* e : free_entities_) delete e;
    }
    tuned_kit(const tuned_kit&) = delete;
    tuned_kit& operator=(const tuned_kit&) = delete;

    void begin_frame() {
        frame_.events.clear();
        frame_.hits.clear();
        frame_.commands.clear();
        for (std::uint32_t key : frame_.used_cells) frame_.cells[key].clear();
        frame_.used_cells.clear();
        frame_.label_count = 0;
    }
    void end_frame() {}
    frame_type& frame() { return frame_; }
    template <class T>
    T* make() {
        auto& free = free_list(static_cast<T*>(nullptr));
        if (free.empty()) return new T();
        T* p = free.back();
        free.pop_back();
        return p;
    }
    template <class T>
    void drop(T* p) {
        free_list(p).push_back(p);
    }
    nothing system(const fa::tag&) { return {}; }
    template <class T>
    using list = std::vector<T>;
    template <class T>
    list<T> make_list() {
        list<T> l;
        l.reserve(65536);
        return l;
    }

private:
    std::vector<particle*>& free_list(particle*) { return free_particles_; }
    std::vector<entity*>& free_list(entity*) { return free_entities_; }
    frame_type frame_;
    std::vector<particle*> free_particles_;
    std::vector<entity*> free_entities_;
};

// --- framealloc: frame memory for the data of a frame, pool blocks for longer lifetimes ---
class frame_kit {
public:
    static constexpr const char* title = "framealloc";
    struct frame_type {
        // Reserves what the last frame needed: the frame's memory is there anyway.
        frame_type(const fa::smart_alloc& a, fa::frame_scope& f, std::size_t last_commands, std::size_t last_cells)
            : events(f.vec<contact_event>()),
              hits(f.vec<ray_hit>(fa::capacity(64))),
              commands(f.vec<draw_command>()),
              cells(f.map<std::uint32_t, fa::frame_vec<std::uint32_t>>()),
              scope(f) {
            a.with_tag(tag_commands, [&](auto&) { commands.reserve(last_commands); });
            a.with_tag(tag_culling, [&](auto&) { cells.reserve(last_cells); });
        }
        fa::frame_vec<contact_event> events;
        fa::frame_vec<ray_hit> hits;
        fa::frame_vec<draw_command> commands;
        fa::frame_map<std::uint32_t, fa::frame_vec<std::uint32_t>> cells;
        fa::frame_scope& scope;
        std::string_view label(const char* text) {
            const std::string_view t(text);
            auto copy = scope.batch<char>(t.size());
            t.copy(copy.data(), t.size());
            return {copy.data(), t.size()};
        }
        // Made in the map, of its frame, with room for what nearly every cell holds.
        fa::frame_vec<std::uint32_t>& cell(std::uint32_t key) {
            return cells.try_emplace(key, fa::capacity(16)).first->second;
        }
    };
    struct charged {
        fa::tag_scope tag;
        fa::phase_scope phase;
        charged(const fa::smart_alloc& a, const fa::tag& t) : tag(a, t), phase(a, t) {}
    };

    explicit frame_kit(const fa::smart_alloc& alloc) : alloc_(alloc) {}

    // Allocates and frees as many blocks as the game may ever hold at once, so that their pages exist from then on.
    void warm_up(std::size_t particles) {
        auto blocks = alloc_.heap_vec<particle*>(fa::capacity(particles));
        const auto charged_to = system(tag_particles);
        while (blocks.size() < particles) blocks.push_back(make<particle>());
        for (particle* p : blocks) drop(p);
    }
    void begin_frame() {
        scope_.emplace(alloc_.owner());
        frame_.emplace(alloc_, *scope_, last_commands_, last_cells_);
    }
    void end_frame() {
        last_commands_ = frame_->commands.size() * 9 / 8;
        last_cells_ = frame_->cells.size();
        frame_.reset();
        scope_.reset();
    }
    frame_type& frame() { return *frame_; }
    template <class T>
    T* make() {
        return alloc_.pool_alloc<T>();
    }
    template <class T>
    void drop(T* p) {
        alloc_.pool_free(p);
    }
    charged system(const fa::tag& t) { return charged(alloc_, t); }
    template <class T>
    using list = fa::heap_vec<T>;
    template <class T>
    list<T> make_list() {
        return alloc_.heap_vec<T>(fa::capacity(65536));
    }
    const fa::smart_alloc& alloc() const noexcept { return alloc_; }

private:
    fa::smart_alloc alloc_;
    std::optional<fa::frame_scope> scope_;
    std::optional<frame_type> frame_;
    std::size_t last_commands_ = 0;
    std::size_t last_cells_ = 0;
};

}  // namespace demo
