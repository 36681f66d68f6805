// Lua 5.4: tables, strings, closures and coroutines, in four states on two threads.
#include "clients/client.hpp"

#include <array>
#include <cstdlib>
#include <lua.hpp>
#include <string>
#include <thread>

namespace clients {

namespace {

constexpr const char script[] = R"lua(
local sum = 0
local function add(n) sum = (sum * 31 + n) % 1000000007 end

local kept = {}
for round = 1, rounds do
    -- Tables in tables, most of them garbage by the next round.
    local grid = {}
    for i = 1, 200 do
        local row = {}
        for j = 1, 40 do row[j] = {x = i, y = j, weight = i * j % 7} end
        grid[i] = row
    end
    for i = 1, 200, 7 do for _, cell in ipairs(grid[i]) do add(cell.x + cell.y * cell.weight) end end
    kept[round % 5] = grid

    -- Strings: built piece by piece, cut, replaced, as keys.
    local words, pieces = {}, {}
    for i = 1, 2000 do
        local word = string.format("word-%d-%d", round, i * 7919 % 1000)
        words[word] = (words[word] or 0) + 1
        pieces[#pieces + 1] = word:upper():sub(2, -2)
    end
    local text = table.concat(pieces, ",")
    add(#text)
    for a in text:gmatch("%d+") do add(tonumber(a)) end
    add(#text:gsub("ORD", "ord and more"):rep(3))
    local count = 0
    for _, n in pairs(words) do count = count + n end
    add(count)

    -- Closures that keep each other alive.
    local chain = function(x) return x end
    for i = 1, 100 do
        local inner, by = chain, i
        chain = function(x) return inner(x) + by end
    end
    add(chain(round))

    -- Coroutines, some left unfinished.
    local function numbers(n)
        return coroutine.wrap(function() for i = 1, n do coroutine.yield(i, tostring(i)) end end)
    end
    for i = 1, 200 do
        local next_number = numbers(20)
        for _ = 1, i % 20 do
            local n, s = next_number()
            add(n + #s)
        end
    end

    -- Weak tables, finalisers, sorting.
    local weak = setmetatable({}, {__mode = "v"})
    local finalised = 0
    for i = 1, 100 do weak[i] = setmetatable({}, {__gc = function() finalised = finalised + 1 end}) end
    if round % 10 == 0 then
        collectgarbage()
        add(finalised)
        add(#weak)
    end
    local list = {}
    for i = 1, 3000 do list[i] = i * 7919 % 3001 end
    table.sort(list, function(a, b) return a > b end)
    add(list[1] + list[1500])
    if round == 15 then collectgarbage("generational") end
end
full(collectgarbage("count") * 1024)
return sum
)lua";

constexpr const char endless[] = "local t = {} for i = 1, math.huge do t[i] = {('x'):rep(i % 1000)} end";

void* on_malloc(void* /*user*/, void* p, std::size_t /*old*/, std::size_t n) {
    if (n != 0) return std::realloc(p, n);
    std::free(p);
    return nullptr;
}

void* on_hook(void* user, void* p, std::size_t /*old*/, std::size_t n) {
    return static_cast<const fa::hook*>(user)->reallocate(p, n);
}

int tell_full(lua_State* l) {
    (*static_cast<const while_full*>(lua_touserdata(l, lua_upvalueindex(1))))(
        static_cast<std::size_t>(lua_tonumber(l, 1)));
    return 0;
}

digest run_state(lua_Alloc allocate, void* user, unsigned tenths, const while_full& full) {
    lua_State* l = lua_newstate(allocate, user);
    luaL_openlibs(l);
    lua_pushlightuserdata(l, const_cast<while_full*>(&full));
    lua_pushcclosure(l, tell_full, 1);
    lua_setglobal(l, "full");
    lua_pushinteger(l, 3 * tenths);
    lua_setglobal(l, "rounds");
    const bool good = luaL_dostring(l, script) == LUA_OK;
    const digest d = good ? static_cast<digest>(lua_tointeger(l, -1)) : 0;
    lua_close(l);
    return d;
}

digest run(lua_Alloc allocate, void* user, unsigned tenths, const while_full& full) {
    std::array<digest, 4> states{};
    std::array<std::thread, 2> threads;
    for (std::size_t t = 0; t < 2; ++t) {
        threads[t] = std::thread([&, t] {
            for (std::size_t i = 2 * t; i < 2 * t + 2; ++i) states[i] = run_state(allocate, user, tenths, full);
        });
    }
    for (auto& t : threads) t.join();
    digest d = 0;
    for (const digest s : states) d = s == 0 ? 0 : mix(d, s);
    return d;
}

bool says_exhausted(const fa::hook& hook) {
    lua_State* l = lua_newstate(on_hook, const_cast<fa::hook*>(&hook));
    luaL_openlibs(l);
    const bool told = luaL_loadstring(l, endless) == LUA_OK && lua_pcall(l, 0, 0, 0) == LUA_ERRMEM;
    const bool works_again = luaL_dostring(l, "collectgarbage() return ('x'):rep(1000)") == LUA_OK;
    lua_close(l);
    return told && works_again;
}

}  // namespace

const client lua{"lua", [](unsigned tenths) { return run(on_malloc, nullptr, tenths, [](std::size_t) {}); },
                 [](const fa::hook& h, unsigned tenths, const while_full& full) {
                     return run(on_hook, const_cast<fa::hook*>(&h), tenths, full);
                 },
                 says_exhausted};

}  // namespace clients
