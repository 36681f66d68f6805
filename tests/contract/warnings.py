#!/usr/bin/env python3
"""Programs that ask for more warnings than this one get none from the headers.

usage: warnings.py COMPILER INCLUDE_DIRECTORY

-Wswitch-default stays out: a switch over the kinds of memory has no default, so that the compiler names a kind that it forgets.
"""
import pathlib
import subprocess
import sys

PROGRAM = """#include <framealloc/framealloc.hpp>
#include <string>
#include <vector>
namespace fa = framealloc;
template <class Policy, class Words>
void use(const fa::basic_smart_alloc<Policy>& alloc, const Words& words) {
    auto v = words.template vec<std::string>({"a", "b"});
    v.push_back("c");
    v.insert(v.begin(), 2, "d");
    auto m = words.template map<int, std::string>();
    m[1] = "e";
    m.erase(1);
    auto s = words.string("text");
    s += 'x';
    s.append("a literal that is longer than what lies in the object");
    auto one = words.template box<int>(1);
    auto many = words.template box<int[]>(3);
    static_cast<void>(words.template alloc_n<int, 3>());
    std::vector<int, decltype(words.template allocator<int>())> std_vector(words.template allocator<int>());
    const auto shared = alloc.template pool_shared<int>(*one);
    const fa::tag_scope tag{alloc, "x"};
    auto handle = alloc.template frame_box_for_transfer<int>(many[0]);
    auto received = std::move(handle).receive();
}
template <class Policy>
void use_all() {
    const fa::basic_smart_alloc<Policy> alloc;
    auto frame = alloc.frame_scope();
    use(alloc, frame);
    use(alloc, alloc.pool());
    use(alloc, alloc.heap());
    fa::worker_frames workers{alloc};
    const fa::job_scope job{workers, workers.context()};
}
// In no path of the program are they in the object itself.
char beyond_what_lies_in_a_string(const fa::smart_alloc& alloc) {
    const auto frame = alloc.frame_scope();
    auto s = frame.string();
    s.clear();
    s.resize(65'536, 'x');
    return s[40'000];
}
bool short_literals(const fa::smart_alloc& alloc, std::size_t n) {
    const auto frame = alloc.frame_scope();
    auto s = frame.string(std::string_view("words", n));
    s += std::string_view("words", n);
    return s == "words";
}
int main() {
    use_all<fa::policy::debug>();
    use_all<fa::policy::standard>();
}
"""
BOTH = "-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual -Wundef".split()
OWN = {
    "g++": "-Wuseless-cast -Wcast-align=strict -Wcast-qual -Wlogical-op -Wduplicated-cond -Wextra-semi".split(),
    "clang++": "-Wcast-align -Wcomma -Wdeprecated-copy-with-dtor -Wextra-semi-stmt -Wunreachable-code-return".split(),
}


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: warnings.py COMPILER INCLUDE_DIRECTORY")
    compiler, include = sys.argv[1:]
    own = OWN["clang++" if "clang" in pathlib.Path(compiler).name else "g++"]

    def messages(text, *flags):
        done = subprocess.run([compiler, "-std=c++20", "-O3", "-S", "-o", "/dev/null", *BOTH, *own, *flags, "-I", include, "-x", "c++", "-"], input=text,
                              capture_output=True, text=True)
        lines = [line for line in done.stderr.splitlines() if "warning:" in line or "error:" in line]
        return [line for line in lines if "/char_traits.h:" not in line]  # std::string's own, with g++ 12

    found = messages(PROGRAM) + messages(PROGRAM, "-DFRAMEALLOC_MODE=debug")
    if not messages("int main() { double d = 1; return (int)d; }\n"):
        found.append("a cast of C's caused no warning")
    for line in found:
        print(line)
    print(f"warnings: {len(BOTH) + len(own)} flags, {len(found)} messages")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
