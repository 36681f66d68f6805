// Frames behind std::pmr's virtual interface. Compiled so that no call is guessed to be that of one resource: g++ would
// inline the only one whose functions it sees, and the comparison would be of a virtual call with none.
#include "frame_sources.hpp"

namespace bench {

namespace {

constexpr std::size_t frames_a_pass = 100, blocks = 1000;

[[gnu::noinline]] void allocate(std::pmr::memory_resource& r) {
    for (std::size_t i = 0; i < blocks; ++i) keep(r.allocate(64, 8));
}

}  // namespace

void add_virtual_frames(workloads& all) {
    workload w{.group = "frames",
               .name = "frame resource",
               .sentence =
                   "Frames of 1,000 blocks of 64 bytes through std::pmr::memory_resource, a virtual call each; "
                   "time of one block."};
    w.operations = frames_a_pass * blocks;
    w.contestants = {{.name = ours_name,
                      .make =
                          [] {
                              return run([] {
                                  for (std::size_t i = 0; i < frames_a_pass; ++i) {
                                      const auto frame = ours().frame_scope();
                                      allocate(*frame.resource());
                                  }
                                  return frames_a_pass * blocks;
                              });
                          }},
                     {.name = "pmr::monotonic", .make = [] {
                          return run([r = monotonic{}.own] {
                              for (std::size_t i = 0; i < frames_a_pass; ++i) {
                                  allocate(*r);
                                  r->release();
                              }
                              return frames_a_pass * blocks;
                          });
                      }}};
    w.gates = row("frame resource, both virtual", {{"pmr::monotonic", 1.0}});
    all.push_back(std::move(w));
}

}  // namespace bench
