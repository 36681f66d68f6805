// nlohmann-json: a document of 5 MB parsed, searched, changed, compared and written.
#include "clients/client.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <new>
#include <string>

namespace clients {

namespace {

const fa::hook* memory = nullptr;
const fa::hook& current() { return *memory; }

template <class T>
using bound = fa::bound_allocator<T, current>;
using bound_string = std::basic_string<char, std::char_traits<char>, bound<char>>;
using bound_json =
    nlohmann::basic_json<std::map, std::vector, bound_string, bool, std::int64_t, std::uint64_t, double, bound>;

std::string text_of(int records) {
    std::string s = "[";
    for (int i = 0; i < records; ++i) {
        const std::string n = std::to_string(i);
        s += (i == 0 ? "" : ",") + (R"({"id":)" + n) + R"(,"name":"entity number )" + n +
             R"( of the level","active":)" + (i % 3 == 0 ? "true" : "false") + R"(,"position":{"x":)" + n +
             R"(.25,"y":-1.5e3,"z":0.125},"tags":["static","visible \u00e4","layer )" + std::to_string(i % 7) +
             R"("],"parent":)" + (i == 0 ? "null" : std::to_string(i / 2)) + "}";
    }
    return s + "]";
}

template <class String>
digest of(const String& s) {
    digest d = s.size();
    for (const char c : s) d = mix(d, static_cast<unsigned char>(c));
    return d;
}

template <class Json>
digest run(unsigned tenths, const while_full& full) {
    Json document = Json::parse(text_of(static_cast<int>(tenths) * 3200));
    digest d = mix(1, document.size());
    const Json before = document;
    for (auto& entity : document) {
        const auto id = entity.at("id").template get<int>();
        if (id % 4 == 0) entity.erase("tags");
        if (id % 5 == 0) entity["children"] = Json::array({id * 2, id * 2 + 1});
        entity["position"]["w"] = id / 8.0;
        entity["name"] = "renamed";
    }
    full(before.dump().size());
    d = mix(d, document == before ? 1 : 2);
    document[0].merge_patch(Json::parse(R"({"position":null,"note":"patched"})"));
    const auto text = document.dump(2);
    d = mix(d, of(text));
    d = mix(d, Json::parse(text) == document ? 1 : 2);
    d = mix(d, Json::to_cbor(document).size());
    return d;
}

bool says_exhausted(const fa::hook& hook) {
    memory = &hook;
    try {
        const auto text = text_of(200'000);
        return bound_json::parse(text).is_discarded();
    } catch (const std::bad_alloc&) { return bound_json::parse("[1, 2, 3]").size() == 3; }
}

}  // namespace

const client json{"json", [](unsigned tenths) { return run<nlohmann::json>(tenths, [](std::size_t) {}); },
                  [](const fa::hook& h, unsigned tenths, const while_full& full) {
                      memory = &h;
                      return run<bound_json>(tenths, full);
                  },
                  says_exhausted};

}  // namespace clients
