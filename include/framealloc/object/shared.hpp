// Reference-counted objects in pool memory: pool_shared<T> and pool_weak<T>. The counts are atomic, object and counts share
// one block.
//
//   auto mesh = alloc.pool_shared<fa_mesh>(file);     // copy it, to other threads too
//   fa::pool_weak<fa_mesh> seen = mesh;
//   if (auto m = seen.lock()) m->draw();
#pragma once

#include <framealloc/object/box.hpp>
#include <framealloc/sync/atomic.hpp>

namespace framealloc::inline FRAMEALLOC_ABI {

namespace object {

template <class T>
struct shared_block {
    sync::atomic<std::uint32_t> strong{1};
    sync::atomic<std::uint32_t> weak{1};  // one for all strong references together
    alignas(T) unsigned char storage[sizeof(T)];

    T* get() noexcept { return std::launder(reinterpret_cast<T*>(storage)); }
    void drop_weak() noexcept {
        if (weak.subtract_acq_rel(1) == 1) pool_destroy(this);  // pairs: itself, the last one sees all
    }
    void drop_strong() noexcept {
        if (strong.subtract_acq_rel(1) != 1) return;  // pairs: itself and lock()
        get()->~T();
        drop_weak();
    }
    bool lock() noexcept {
        std::uint32_t n = strong.load_relaxed();  // relaxed: the exchange below decides
        while (n != 0) {
            if (strong.compare_exchange_acquire(n, n + 1)) return true;  // pairs: drop_strong()
        }
        return false;
    }
};

}  // namespace object

template <class T>
class pool_weak;

template <class T>
class pool_shared {
public:
    using element_type = T;

    pool_shared() noexcept = default;
    pool_shared(std::nullptr_t) noexcept {}
    pool_shared(const pool_shared& other) noexcept : block_(other.block_) {
        if (block_ != nullptr) block_->strong.add_relaxed(1);  // relaxed: a reference is already held
    }
    pool_shared(pool_shared&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    // Not one operator with a parameter by value: clang 14 forgets to destroy that for `x = {}` in a template.
    pool_shared& operator=(const pool_shared& other) noexcept { return *this = pool_shared(other); }
    pool_shared& operator=(pool_shared&& other) noexcept {
        pool_shared taken(std::move(other));
        std::swap(block_, taken.block_);
        return *this;
    }
    ~pool_shared() { reset(); }

    template <class... Args>
    static pool_shared make(memory::core_ref a, memory::on_failure f, Args&&... args) {
        using block_type = object::shared_block<T>;
        void* p = memory::pool_allocate_bytes(a, sizeof(block_type), alignof(block_type), f);
        if (p == nullptr) return {};
        object::undo give_back{[&] { memory::pool_free_bytes(a, p, sizeof(block_type), alignof(block_type)); }};
        auto* b = ::new (p) block_type;
        object::construct_at<T>(b->storage, std::forward<Args>(args)...);
        give_back.armed = false;
        return pool_shared(b);
    }

    T* get() const noexcept { return block_ == nullptr ? nullptr : block_->get(); }
    T& operator*() const noexcept { return *block_->get(); }
    T* operator->() const noexcept { return block_->get(); }
    explicit operator bool() const noexcept { return block_ != nullptr; }
    std::uint32_t use_count() const noexcept { return block_ == nullptr ? 0 : block_->strong.load_relaxed(); }  // relaxed: a hint
    void reset() noexcept {
        if (auto* b = std::exchange(block_, nullptr)) b->drop_strong();
    }
    friend bool operator==(const pool_shared& a, const pool_shared& b) noexcept { return a.block_ == b.block_; }

private:
    friend class pool_weak<T>;
    explicit pool_shared(object::shared_block<T>* b) noexcept : block_(b) {}
    object::shared_block<T>* block_ = nullptr;
};

template <class T>
class pool_weak {
public:
    pool_weak() noexcept = default;
    pool_weak(const pool_shared<T>& s) noexcept : block_(s.block_) { hold(); }
    pool_weak(const pool_weak& other) noexcept : block_(other.block_) { hold(); }
    pool_weak(pool_weak&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    // Not one operator with a parameter by value: clang 14 forgets to destroy that for `x = {}` in a template.
    pool_weak& operator=(const pool_weak& other) noexcept { return *this = pool_weak(other); }
    pool_weak& operator=(pool_weak&& other) noexcept {
        pool_weak taken(std::move(other));
        std::swap(block_, taken.block_);
        return *this;
    }
    ~pool_weak() {
        if (block_ != nullptr) block_->drop_weak();
    }

    pool_shared<T> lock() const noexcept {
        return block_ != nullptr && block_->lock() ? pool_shared<T>(block_) : pool_shared<T>();
    }
    bool expired() const noexcept { return block_ == nullptr || block_->strong.load_relaxed() == 0; }  // relaxed: a hint

private:
    void hold() noexcept {
        if (block_ != nullptr) block_->weak.add_relaxed(1);  // relaxed: a reference is already held
    }
    object::shared_block<T>* block_ = nullptr;
};

}  // namespace framealloc::inline FRAMEALLOC_ABI
