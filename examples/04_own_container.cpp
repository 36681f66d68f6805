// An engine's own array type on framealloc: written once against the concept allocator_source, it works on every kind
// of memory, or on a type-erased allocator_ref where you want no templates.
#include <framealloc/framealloc.hpp>

#include <cstdio>

namespace fa = framealloc;

template <class T, fa::allocator_source Source>
class engine_array {
public:
    explicit engine_array(Source source) : source_(source) {}
    engine_array(const engine_array&) = delete;
    engine_array& operator=(const engine_array&) = delete;
    ~engine_array() {
        if (data_ != nullptr) source_.deallocate(data_, capacity_ * sizeof(T), alignof(T));
    }

    bool add(const T& v) {
        if (size_ == capacity_ && !grow()) return false;
        data_[size_++] = v;
        return true;
    }
    T& operator[](std::size_t i) { return data_[i]; }
    std::size_t size() const { return size_; }
    int moves() const { return moves_; }

private:
    static_assert(std::is_trivially_copyable_v<T>);

    bool grow() {
        const std::size_t wanted = capacity_ == 0 ? 8 : capacity_ * 2;
        const std::size_t old_bytes = capacity_ * sizeof(T);
        if (data_ != nullptr && source_.try_grow(data_, old_bytes, wanted * sizeof(T), alignof(T))) {
            capacity_ = wanted;
            return true;
        }
        void* p = source_.try_allocate(wanted * sizeof(T), alignof(T));
        if (p == nullptr) return false;
        if (data_ != nullptr) {
            std::memcpy(p, data_, size_ * sizeof(T));
            source_.deallocate(data_, old_bytes, alignof(T));
            ++moves_;
        }
        data_ = static_cast<T*>(p);
        capacity_ = wanted;
        return true;
    }

    Source source_;
    T* data_ = nullptr;
    std::size_t size_ = 0, capacity_ = 0;
    int moves_ = 0;
};

template <class Source>
void fill(const char* kind, Source source) {
    engine_array<int, Source> a(source);
    for (int i = 0; i < 10'000; ++i) a.add(i);
    std::printf("%-14s %zu elements, moved %d times, the last is %d\n", kind, a.size(), a.moves(), a[9999]);
}

int main() {
    fa::smart_alloc alloc;
    fa::frame_scope frame = alloc.frame_scope();
    fill("frame", frame.source<fa::frame_source>());
    fill("pool", alloc.source<fa::pool_source>());
    fill("heap", alloc.source<fa::heap_source>());
    fill("allocator_ref", frame.ref());
}
