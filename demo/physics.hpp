// Box2D as the game sees it: a box of bodies, contacts as they begin, ray casts. All variants run the same simulation.
#pragma once

#include <box2d/box2d.h>

#include <cstdint>
#include <functional>

namespace demo {

struct contact_event {
    std::uint32_t first;
    std::uint32_t second;
    float speed;
};

struct ray_hit {
    std::uint32_t ray;
    std::uint32_t body;
    float fraction;
};

// Small, fast, the same everywhere: xorshift64* (Vigna, 2016).
class dice {
public:
    explicit dice(std::uint64_t seed) noexcept : state_(seed * 0x9e3779b97f4a7c15ULL + 1) {}
    std::uint32_t next() noexcept {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return static_cast<std::uint32_t>((state_ * 0x2545f4914f6cdd1dULL) >> 32);
    }
    std::uint32_t below(std::uint32_t n) noexcept { return next() % n; }
    float unit() noexcept { return static_cast<float>(next() >> 8) / 16777216.0F; }

private:
    std::uint64_t state_;
};

class physics {
public:
    physics(std::uint32_t bodies, std::uint64_t seed);

    // Every call into Box2D happens under inside_physics; `on_contact` runs under inside_callback.
    void step(const std::function<void(const contact_event&)>& on_contact);
    // The nearest body along a ray, if any.
    bool cast(std::uint32_t ray, b2Vec2 from, b2Vec2 to, ray_hit& hit);
    void respawn(std::uint32_t body, b2Vec2 at, b2Vec2 velocity);

    std::uint32_t size() const noexcept { return count_; }
    b2Vec2 position(std::uint32_t body) const { return bodies_[body]->GetPosition(); }
    float angle(std::uint32_t body) const { return bodies_[body]->GetAngle(); }
    ~physics();
    physics(const physics&) = delete;
    physics& operator=(const physics&) = delete;

private:
    b2World* world_;
    b2Body** bodies_;
    std::uint32_t count_;
};

}  // namespace demo
