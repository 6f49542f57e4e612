/* front.c — an agent file of arbitrary bytes: a definition, or what is wrong
 * with it and the line. The first byte says whose format it is.
 */
#include "api/lib_orun.h"
#include "fuzz.h"
#include "vm/bundle.h"

static int
front_load(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const BundleFile *file = bundle_find(name);
    FUZZ_MUST(file);
    FUZZ_MUST(luaL_loadbuffer(L, file->text, file->size, name) == LUA_OK);
    return 1;
}

/* ( -- ) Global `front`, made once in a state. */
static void
front_ready(lua_State *L)
{
    static const char open[] =
        "local yaml, load = ...\n"
        "orun = {yaml = yaml, nearest = function() end,\n"
        "        clean = function(text) return (text:gsub('%c', '')) end}\n"
        "package.loaded.orun = orun\n"
        "local none = {__index = function() return function() end end}\n"
        "package.loaded['orun.json'] = setmetatable({}, none) -- not read\n"
        "table.insert(package.searchers, 2, load)\n"
        "local form = require 'orun.agents.file'\n"
        "local runners = {'claude', 'opencode', 'gemini', 'codex'}\n"
        "function front(kind, text)\n"
        "  local d, why, line, name = form.read(runners[kind + 1], text, 's')\n"
        "  if not d then\n"
        "    assert(type(why) == 'string' and math.type(line) == 'integer')\n"
        "    assert(line >= 1 and type(name) == 'string')\n"
        "    return\n"
        "  end\n"
        "  assert(form.bad_name(d.name) == nil and d.line >= 1)\n"
        "  for _, note in ipairs(d.notes) do assert(note.line >= 1) end\n"
        "  for _, list in ipairs{d.tools or {}, d.disallowed_tools or {}} do\n"
        "    for _, word in ipairs(list) do\n"
        "      assert(type(word) == 'string')\n"
        "    end\n"
        "  end\n"
        "  assert(type(d.system or '') == 'string')\n"
        "  assert(type(d.description or '') == 'string')\n"
        "  assert(type(d.model or '') == 'string')\n"
        "end\n";
    if (lua_getglobal(L, "front") == LUA_TFUNCTION)
        goto out;
    lua_getglobal(L, "string"); /* bundled code calls it by this name */
    lua_setglobal(L, "_string");
    FUZZ_MUST(luaL_loadstring(L, open) == LUA_OK);
    lua_pushcfunction(L, lib_yaml);
    lua_pushcfunction(L, front_load);
    if (lua_pcall(L, 2, 0, 0) != LUA_OK)
        fprintf(stderr, "front: %s\n", lua_tostring(L, -1));
    FUZZ_MUST(lua_getglobal(L, "front") == LUA_TFUNCTION);
out:
    lua_settop(L, 0);
}

FUZZ(data, n)
{
    lua_State *L = fuzz_state();
    front_ready(L);
    lua_getglobal(L, "front");
    lua_pushinteger(L, n ? data[0] % 4 : 0);
    lua_pushlstring(L, n ? (const char *)data + 1 : "", n ? n - 1 : 0);
    int status = lua_pcall(L, 2, 0, 0);
    if (status != LUA_OK)
        fprintf(stderr, "front: %s\n", lua_tostring(L, -1));
    FUZZ_MUST(status == LUA_OK);
    return 0;
}
