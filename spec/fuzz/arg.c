/* arg.c — durations, sizes, names and ids, as scripts write them. */
#include "api/lib_arg.h"
#include "fuzz.h"
#include "vm/handle.h"
#include <math.h>

static int
arg_take_duration(lua_State *L)
{
    double x = arg_duration(L, "Task", "timeout", 1, true, -1);
    FUZZ_MUST(x == -1 || (x >= 0 && (x <= 1e9 || x == INFINITY)));
    return 0;
}

static int
arg_take_size(lua_State *L)
{
    size_t n = arg_size(L, "Task", "max_output", 1);
    FUZZ_MUST(n <= 1000000000000000u && (n > 0 || lua_isnil(L, 1)));
    return 0;
}

static int
arg_take_name(lua_State *L)
{
    const char *s = arg_name(L, "Task", "pool", 1);
    FUZZ_MUST(!s || (*s && strlen(s) <= 64 && !strpbrk(s, "/. \n\x7f")));
    return 0;
}

static int
arg_take_text(lua_State *L)
{
    const char *s = arg_text(L, "Task", "cwd", 1, 100);
    FUZZ_MUST(!s || strlen(s) == lua_rawlen(L, 1));
    return 0;
}

static int
arg_take_id(lua_State *L)
{
    char name[HANDLE_ID_SIZE];
    const char *s = lua_type(L, 1) == LUA_TSTRING ? lua_tostring(L, 1) : "";
    uint64_t id = *s ? handle_parse(s) : 0;
    if (id)
        handle_name(id, name);
    FUZZ_MUST(!id || strcmp(name, s) == 0);
    return 0;
}

static void
arg_try(lua_State *L, lua_CFunction take)
{
    lua_pushcfunction(L, take);
    lua_pushvalue(L, 1);
    int status = lua_pcall(L, 1, 0, 0);
    FUZZ_MUST(status == LUA_OK || status == LUA_ERRRUN);
    if (status == LUA_ERRRUN)
        FUZZ_MUST(strstr(lua_tostring(L, -1), "Task: "));
    lua_settop(L, 1);
}

FUZZ(data, n)
{
    static const lua_CFunction takes[] = {
        arg_take_duration, arg_take_size, arg_take_name,
        arg_take_text,     arg_take_id,
    };
    lua_State *L = fuzz_state();
    FuzzBytes bytes = { data, n };
    uint64_t bits;
    double x;
    switch (fuzz_byte(&bytes) % 4) {
    case 0:
        fuzz_fill(&bytes, &bits, sizeof bits);
        lua_pushinteger(L, (lua_Integer)bits);
        break;
    case 1:
        fuzz_fill(&bytes, &x, sizeof x);
        lua_pushnumber(L, x);
        break;
    default: lua_pushlstring(L, (const char *)bytes.p, bytes.n);
    }
    for (size_t i = 0; i < countof(takes); i++)
        arg_try(L, takes[i]);
    return 0;
}
