// The box of bodies: how it is built, and what is asked of it in every step.
#include "physics.hpp"

#include "interpose.hpp"

namespace demo {

namespace {

constexpr float half_width = 40.0F;
constexpr float height = 60.0F;

std::uint32_t index_of(const b2Body* b) {
    return static_cast<std::uint32_t>(const_cast<b2Body*>(b)->GetUserData().pointer);
}

class listener final : public b2ContactListener {
public:
    const std::function<void(const contact_event&)>* on_contact = nullptr;
    void BeginContact(b2Contact* c) override {
        const b2Body* a = c->GetFixtureA()->GetBody();
        const b2Body* b = c->GetFixtureB()->GetBody();
        if (a->GetType() != b2_dynamicBody || b->GetType() != b2_dynamicBody) return;
        const inside_callback ours;
        const b2Vec2 v = a->GetLinearVelocity() - b->GetLinearVelocity();
        (*on_contact)({index_of(a), index_of(b), v.Length()});
    }
};

class nearest final : public b2RayCastCallback {
public:
    const b2Body* body = nullptr;
    float at = 1.0F;
    float ReportFixture(b2Fixture* f, const b2Vec2&, const b2Vec2&, float fraction) override {
        if (f->GetBody()->GetType() != b2_dynamicBody) return -1.0F;
        body = f->GetBody();
        at = fraction;
        return fraction;
    }
};

void add_wall(b2World& world, b2Vec2 a, b2Vec2 b) {
    b2BodyDef def;
    b2EdgeShape edge;
    edge.SetTwoSided(a, b);
    world.CreateBody(&def)->CreateFixture(&edge, 0.0F);
}

}  // namespace

physics::physics(std::uint32_t bodies, std::uint64_t seed) : count_(bodies) {
    const inside_physics box2d;
    dice random(seed);
    world_ = new b2World(b2Vec2(0.0F, -10.0F));
    add_wall(*world_, {-half_width, 0.0F}, {half_width, 0.0F});
    add_wall(*world_, {-half_width, 0.0F}, {-half_width, height});
    add_wall(*world_, {half_width, 0.0F}, {half_width, height});
    bodies_ = new b2Body*[bodies];
    for (std::uint32_t i = 0; i < bodies; ++i) {
        b2BodyDef def;
        def.type = b2_dynamicBody;
        def.position.Set((random.unit() * 2.0F - 1.0F) * half_width * 0.95F, 2.0F + random.unit() * height * 0.8F);
        def.userData.pointer = i;
        bodies_[i] = world_->CreateBody(&def);
        b2FixtureDef fixture;
        b2CircleShape circle;
        b2PolygonShape box;
        circle.m_radius = 0.35F;
        box.SetAsBox(0.35F, 0.35F);
        fixture.shape = i % 2 == 0 ? static_cast<b2Shape*>(&circle) : static_cast<b2Shape*>(&box);
        fixture.density = 1.0F;
        fixture.restitution = 0.3F;
        bodies_[i]->CreateFixture(&fixture);
    }
}

physics::~physics() {
    const inside_physics box2d;
    delete world_;
    delete[] bodies_;
}

void physics::step(const std::function<void(const contact_event&)>& on_contact) {
    const inside_physics box2d;
    listener l;
    l.on_contact = &on_contact;
    world_->SetContactListener(&l);
    world_->Step(1.0F / 60.0F, 6, 2);
    world_->SetContactListener(nullptr);
}

bool physics::cast(std::uint32_t ray, b2Vec2 from, b2Vec2 to, ray_hit& hit) {
    const inside_physics box2d;
    nearest n;
    world_->RayCast(&n, from, to);
    if (n.body == nullptr) return false;
    hit = {ray, index_of(n.body), n.at};
    return true;
}

void physics::respawn(std::uint32_t body, b2Vec2 at, b2Vec2 velocity) {
    const inside_physics box2d;
    bodies_[body]->SetTransform(at, 0.0F);
    bodies_[body]->SetLinearVelocity(velocity);
    bodies_[body]->SetAwake(true);
}

}  // namespace demo
