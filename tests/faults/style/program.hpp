// Programs as users write them, each a function that runs in its own process, in debug mode.
//
//   WRONG(npc_keeps_its_target) {
//       …
//       npc.target->health = 0;  // FA002
//   }
//
// A wrong one has its code on the line that the report must name: where the mistake is detected; for a leak, a write
// after a free and a frame left open, where the block was allocated or freed, or the frame opened. Where several lines or codes
// may be named, each is marked. "// born" marks the allocation that must also be named. Code between one program and the
// next (a class, a helper) belongs to the next. A right one causes no report. DOCUMENTED: wrong, and docs/ says that it is
// not caught.
#pragma once

#include <framealloc/framealloc.hpp>

#include <vector>

namespace fa = framealloc;
using namespace fa::literals;

namespace style {

enum class kind { wrong, right, documented };

struct program {
    kind is;
    const char* name;
    const char* file;
    int line;
    void (*run)();
};

std::vector<program>& programs();
struct add {
    add(kind is, const char* name, const char* file, int line, void (*run)()) { programs().push_back({is, name, file, line, run}); }
};

}  // namespace style

#define STYLE_PROGRAM(is, name)                                                          \
    static void name();                                                                  \
    static const style::add add_##name{style::kind::is, #name, __FILE__, __LINE__, name}; \
    static void name()
#define WRONG(name) STYLE_PROGRAM(wrong, name)
#define RIGHT(name) STYLE_PROGRAM(right, name)
#define DOCUMENTED(name) STYLE_PROGRAM(documented, name)
