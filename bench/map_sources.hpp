// Hash maps in the shape that the workloads of maps.cpp take.
#pragma once

#include <unordered_map>

#include "sources.hpp"

#if __has_include(<boost/unordered/unordered_flat_map.hpp>)
#include <boost/unordered/unordered_flat_map.hpp>
#define FRAMEALLOC_BENCH_BOOST_MAP 1
#else
#define FRAMEALLOC_BENCH_BOOST_MAP 0
#endif
#if __has_include(<ankerl/unordered_dense.h>)
#include <ankerl/unordered_dense.h>
#define FRAMEALLOC_BENCH_ANKERL 1
#else
#define FRAMEALLOC_BENCH_ANKERL 0
#endif

namespace bench {

// In a frame of an allocator of its own.
template <class K>
class our_map {
public:
    void clear() {
        map_.reset();
        frame_.reset();
        open();
    }
    our_map() { open(); }
    our_map(const our_map&) = delete;
    our_map& operator=(const our_map&) = delete;
    ~our_map() {
        map_.reset();
        frame_.reset();
    }
    auto& map() { return *map_; }

private:
    using map_type = decltype(std::declval<const fa::smart_alloc&>().frame_map<K, long>());
    void open() {
        frame_ = std::make_unique<fa::frame_scope>(alloc_);
        map_ = std::make_unique<map_type>(alloc_.frame_map<K, long>());
    }
    fa::smart_alloc alloc_{fa::options{.frame_capacity = std::size_t{32} << 20}};
    std::unique_ptr<fa::frame_scope> frame_;
    std::unique_ptr<map_type> map_;
};

template <class Map>
class standing_map {
public:
    void clear() { map_ = Map(); }
    Map& map() { return map_; }

private:
    Map map_;
};
template <class K>
using std_map = standing_map<std::unordered_map<K, long>>;
#if FRAMEALLOC_BENCH_BOOST_MAP
template <class K>
using boost_map = standing_map<boost::unordered_flat_map<K, long>>;
#endif
#if FRAMEALLOC_BENCH_ANKERL
template <class K>
using ankerl_map = standing_map<ankerl::unordered_dense::map<K, long>>;
#endif

}  // namespace bench
