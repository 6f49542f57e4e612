/* module.c — where the registry holds what finds modules.
 *
 * Under addresses, so that it can be had without making a string.
 */
#include "module.h"
#include <lauxlib.h>

/* Their addresses are keys of the registry. */
static const char module_loaded = 'l';
static const char module_require = 'r';

void
module_open(lua_State *L)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &module_loaded);
    lua_getglobal(L, "require");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &module_require);
}

void
module_push_loaded(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &module_loaded);
}

void
module_get(lua_State *L)
{
    luaL_checkstack(L, 4, "module");
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushvalue(L, -2);
    lua_rawget(L, -2);
    lua_remove(L, -2);
    if (!lua_toboolean(L, -1)) { /* as `require` asks */
        lua_pop(L, 1);
        if (lua_rawgetp(L, LUA_REGISTRYINDEX, &module_require)
            != LUA_TFUNCTION)
            luaL_error(L, "the module '%s' is not loaded here",
                       lua_tostring(L, -2));
        lua_pushvalue(L, -2);
        lua_call(L, 1, 1);
    }
    lua_remove(L, -2);
}
