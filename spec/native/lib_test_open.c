/* lib_test_open.c — require("orun.test"), put together and made known.
 */
#include "api/lib_orun.h"
#include "lib_test.h"

/* require "orun.test". */
static int
luaopen_orun_test(lua_State *L)
{
    static const luaL_Reg doors[] = {
        { "failing", luaopen_test_failing },
        { "frame", luaopen_test_frame },
        { "hash", luaopen_test_hash },
        { "key", luaopen_test_key },
        { "memory", luaopen_test_memory },
        { "nats", luaopen_test_nats },
        { "pool", luaopen_test_pool },
        { "race", luaopen_test_race },
        { "secret", luaopen_test_secret },
        { "sim", luaopen_test_sim },
        { "store", luaopen_test_store },
        { "value", luaopen_test_value },
        { NULL, NULL },
    };
    lua_newtable(L);
    luaL_setfuncs(L, lib_test_functions, 0);
    for (const luaL_Reg *door = doors; door->name; door++) {
        lua_pushcfunction(L, door->func);
        lua_call(L, 0, 1);
        lua_setfield(L, -2, door->name);
    }
    return 1;
}

static void
lib_test_preload(lua_State *L)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, luaopen_orun_test);
    lua_setfield(L, -2, "orun.test");
    lua_pop(L, 1);
}

__attribute__((constructor)) static void
lib_test_register(void)
{
    lib_orun_more = lib_test_preload;
}
