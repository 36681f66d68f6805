// The game loop, written once for all kits: physics with contact events, ray casts, particles with spawn and death,
// entity churn, culling into cells, a render command list. At the end of each frame everything is read back into a
// checksum.
#pragma once

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstring>
#include <thread>

#include "interpose.hpp"
#include "kits.hpp"

namespace demo {

struct settings {
    std::uint32_t frames = 600;
    std::uint32_t bodies = 1500;
    std::uint64_t seed = 1;
    std::uint32_t threads = 1;
    std::uint32_t warm_up = 60;  // frames before figures count
    bool huge_pages = true;  // of framealloc's
};

struct frame_sample {
    double own_us = 0.0;  // the loop's own time
    double box2d_us = 0.0;
    std::uint64_t mallocs = 0;
};

// FNV-1a over the contents of the variant's memory.
class checksum {
public:
    template <class T>
    void add(const T& v) noexcept {
        static_assert(std::is_trivially_copyable_v<T>);
        unsigned char bytes[sizeof(T)];
        std::memcpy(bytes, &v, sizeof(T));
        for (unsigned char b : bytes) value_ = (value_ ^ b) * 1099511628211ULL;
    }
    void add(std::string_view s) noexcept {
        for (char c : s) value_ = (value_ ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    }
    std::uint64_t value() const noexcept { return value_; }

private:
    std::uint64_t value_ = 14695981039346656037ULL;
};

// Threads that wait for slices of work; created once, so that no frame starts a thread.
class workers {
public:
    explicit workers(std::uint32_t n) : start_(n), finish_(n) {
        for (std::uint32_t i = 1; i < n; ++i) threads_.emplace_back([this, i] { loop(i); });
        count_ = n;
    }
    ~workers() {
        stop_ = true;
        start_.arrive_and_wait();
        for (std::thread& t : threads_) t.join();
    }
    workers(const workers&) = delete;
    workers& operator=(const workers&) = delete;

    // f(first, last) for each thread's part of n.
    template <class F>
    void run(std::size_t n, F&& f) {
        call_ = [](void* context, std::size_t a, std::size_t b) { (*static_cast<F*>(context))(a, b); };
        context_ = &f;
        n_ = n;
        start_.arrive_and_wait();
        part(0);
        finish_.arrive_and_wait();
    }

private:
    void part(std::size_t i) { call_(context_, n_ * i / count_, n_ * (i + 1) / count_); }
    void loop(std::size_t i) {
        for (;;) {
            start_.arrive_and_wait();
            if (stop_) return;
            part(i);
            finish_.arrive_and_wait();
        }
    }
    std::barrier<> start_, finish_;
    std::vector<std::thread> threads_;
    std::uint32_t count_ = 1;
    std::size_t n_ = 0;
    void* context_ = nullptr;
    void (*call_)(void*, std::size_t, std::size_t) = nullptr;
    bool stop_ = false;
};

template <class Kit>
class game {
public:
    game(const settings& s, Kit& kit)
        : settings_(s),
          kit_(kit),
          physics_(s.bodies, s.seed),
          random_(s.seed + 17),
          workers_(s.threads),
          particles_(kit.template make_list<particle*>()),
          entities_(kit.template make_list<entity*>()) {
        [[maybe_unused]] const auto charged = kit_.system(tag_entities);
        for (std::uint32_t i = 0; i < s.bodies; ++i) entities_.push_back(spawn_entity(i));
    }
    ~game() {
        for (particle* p : particles_) kit_.drop(p);
        for (entity* e : entities_) kit_.drop(e);
    }
    game(const game&) = delete;
    game& operator=(const game&) = delete;

    frame_sample run_frame() {
        using clock = std::chrono::steady_clock;
        const auto start = clock::now();
        const std::uint64_t mallocs = own_mallocs().calls;
        box2d_time_ = {};
        kit_.begin_frame();
        simulate();
        cast_rays();
        update_particles();
        churn();
        cull();
        build_commands();
        const auto built = clock::now();
        read_back();
        const auto read = clock::now();
        kit_.end_frame();
        const auto end = clock::now();
        ++frame_;
        using us = std::chrono::duration<double, std::micro>;
        return {us(end - start - (read - built) - box2d_time_).count(), us(box2d_time_).count(),
                own_mallocs().calls - mallocs};
    }
    std::uint64_t sum() const noexcept { return sum_.value(); }
    // For the test that the checksum sees every byte: spoils one byte of the next frame's `what`.
    void spoil(std::uint32_t what) noexcept { spoil_ = what; }

private:
    template <class F>
    auto in_box2d(F&& f) {
        const auto start = std::chrono::steady_clock::now();
        struct stop {
            std::chrono::steady_clock::time_point from;
            std::chrono::steady_clock::duration& total;
            ~stop() { total += std::chrono::steady_clock::now() - from; }
        } const timer{start, box2d_time_};
        return f();
    }

    entity* spawn_entity(std::uint32_t body) {
        entity* e = kit_.template make<entity>();
        *e = entity{};
        e->body = body;
        e->health = static_cast<std::int32_t>(50 + random_.below(100));
        e->id = next_id_++;
        std::snprintf(e->name, sizeof e->name, "unit %u", e->id);
        return e;
    }

    void simulate() {
        [[maybe_unused]] const auto charged = kit_.system(tag_physics);
        auto& events = kit_.frame().events;
        const std::function<void(const contact_event&)> collect = [&events](const contact_event& e) {
            events.push_back(e);
        };
        in_box2d([&] { physics_.step(collect); });
    }

    void cast_rays() {
        [[maybe_unused]] const auto charged = kit_.system(tag_physics);
        auto& hits = kit_.frame().hits;
        for (std::uint32_t ray = 0; ray < 64; ++ray) {
            const b2Vec2 from(-39.0F, 1.0F + static_cast<float>(ray) * 0.5F);
            const b2Vec2 to(39.0F, 1.0F + random_.unit() * 30.0F);
            ray_hit hit{};
            if (in_box2d([&] { return physics_.cast(ray, from, to, hit); })) hits.push_back(hit);
        }
        std::sort(hits.begin(), hits.end(), [](const ray_hit& a, const ray_hit& b) { return a.fraction < b.fraction; });
    }

    void update_particles() {
        [[maybe_unused]] const auto charged = kit_.system(tag_particles);
        std::size_t spawned = 0;
        for (const contact_event& e : kit_.frame().events) {
            if (e.speed < 2.0F || spawned >= 400) continue;
            const b2Vec2 at = physics_.position(e.first);
            for (std::uint32_t i = 0; i < 4; ++i, ++spawned) {
                particle* p = kit_.template make<particle>();
                *p = {at.x,          at.y, random_.unit() * 4.0F - 2.0F, random_.unit() * 6.0F, 20 + random_.below(80),
                      random_.next()};
                particles_.push_back(p);
            }
        }
        for (std::uint32_t i = 0; i < 40; ++i) {
            particle* p = kit_.template make<particle>();
            *p = {random_.unit() * 80.0F - 40.0F, 55.0F, 0.0F, -random_.unit(), 60 + random_.below(60), random_.next()};
            particles_.push_back(p);
        }
        workers_.run(particles_.size(), [&](std::size_t first, std::size_t last) {
            for (std::size_t i = first; i < last; ++i) {
                particle& p = *particles_[i];
                p.vy -= 9.81F / 60.0F;
                p.x += p.vx / 60.0F;
                p.y += p.vy / 60.0F;
                --p.life;
            }
        });
        for (std::size_t i = 0; i < particles_.size();) {
            if (particles_[i]->life != 0) {
                ++i;
                continue;
            }
            kit_.drop(particles_[i]);
            particles_[i] = particles_.back();
            particles_.pop_back();
        }
    }

    void churn() {
        [[maybe_unused]] const auto charged = kit_.system(tag_entities);
        for (const ray_hit& h : kit_.frame().hits) entities_[h.body]->health -= 5;
        for (std::uint32_t i = 0; i < entities_.size(); ++i) {
            if (entities_[i]->health > 0 && random_.below(400) != 0) continue;
            kit_.drop(entities_[i]);
            entities_[i] = spawn_entity(i);
            in_box2d([&] { physics_.respawn(i, {random_.unit() * 70.0F - 35.0F, 50.0F}, {0.0F, -1.0F}); });
        }
    }

    void cull() {
        [[maybe_unused]] const auto charged = kit_.system(tag_culling);
        auto& frame = kit_.frame();
        for (std::uint32_t i = 0; i < entities_.size(); ++i) {
            const b2Vec2 at = physics_.position(entities_[i]->body);
            if (at.x < -38.0F || at.x > 38.0F) continue;
            const auto cell = static_cast<std::uint32_t>(at.x + 40.0F) / 4U +
                              static_cast<std::uint32_t>(std::max(at.y, 0.0F)) / 4U * 64U;
            frame.cell(cell).push_back(i);
        }
    }

    void build_commands() {
        [[maybe_unused]] const auto charged = kit_.system(tag_commands);
        auto& frame = kit_.frame();
        for (const particle* p : particles_) frame.commands.push_back({2, p->color, p->x, p->y, 0.0F, {}});
        for (std::uint32_t cell = 0; cell < 64U * 32U; ++cell) {
            const auto it = frame.cells.find(cell);
            if (it == frame.cells.end()) continue;
            for (std::uint32_t i : it->second) {
                const entity& e = *entities_[i];
                const b2Vec2 at = physics_.position(e.body);
                draw_command c{1, e.id, at.x, at.y, physics_.angle(e.body), {}};
                if (e.health < 60) {
                    char text[64];
                    std::snprintf(text, sizeof text, "%s has only %d health left", e.name, e.health);
                    c.label = frame.label(text);
                }
                frame.commands.push_back(c);
            }
        }
    }

    void read_back() {
        const inside_physics not_counted;
        auto& frame = kit_.frame();
        if (spoil_ == 1 && !frame.events.empty()) frame.events[0].first ^= 1U;
        if (spoil_ == 2 && !frame.hits.empty()) frame.hits[0].ray ^= 1U;
        if (spoil_ == 3 && !frame.commands.empty()) frame.commands[0].source ^= 1U;
        if (spoil_ == 4 && !particles_.empty()) particles_[0]->color ^= 1U;
        if (spoil_ == 5 && !entities_.empty()) entities_[0]->name[1] = static_cast<char>(entities_[0]->name[1] ^ 1);
        spoil_ = 0;
        for (const contact_event& e : frame.events) sum_.add(e);
        for (const ray_hit& h : frame.hits) sum_.add(h);
        for (const draw_command& c : frame.commands) {
            sum_.add(c.kind);
            sum_.add(c.source);
            sum_.add(c.x);
            sum_.add(c.y);
            sum_.add(c.angle);
            sum_.add(c.label);
        }
        for (const particle* p : particles_) sum_.add(*p);
        for (const entity* e : entities_) sum_.add(*e);
    }

    settings settings_;
    Kit& kit_;
    physics physics_;
    dice random_;
    workers workers_;
    typename Kit::template list<particle*> particles_;
    typename Kit::template list<entity*> entities_;
    std::chrono::steady_clock::duration box2d_time_{};
    std::uint32_t next_id_ = 1;
    std::uint32_t frame_ = 0;
    std::uint32_t spoil_ = 0;
    checksum sum_;
};

}  // namespace demo
