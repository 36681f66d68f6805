// What a registry requires of its allocator, for machines without EnTT: the signatures of EnTT 3.16.0. Unlike EnTT, it
// stores only components of trivial types, and has no lookup.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace entt {

enum class entity : std::uint32_t {};

template <class Entity, class Allocator = std::allocator<Entity>>
class basic_registry {
    template <class T>
    using rebound = typename std::allocator_traits<Allocator>::template rebind_alloc<T>;

public:
    using allocator_type = Allocator;
    basic_registry() : basic_registry(allocator_type{}) {}
    explicit basic_registry(const allocator_type& a) : entities_(a), pools_(a) {}

    [[nodiscard]] Entity create() {
        entities_.push_back(static_cast<Entity>(entities_.size()));
        return entities_.back();
    }
    template <class T, class... Args>
    decltype(auto) emplace(const Entity, Args&&... args) {
        auto made = std::allocate_shared<T>(rebound<T>(entities_.get_allocator()), T{static_cast<Args&&>(args)...});
        pools_.push_back(made);
        return *made;
    }
    void clear() {
        entities_.clear();
        pools_.clear();
    }

private:
    std::vector<Entity, Allocator> entities_;
    std::vector<std::shared_ptr<void>, rebound<std::shared_ptr<void>>> pools_;
};

}  // namespace entt
