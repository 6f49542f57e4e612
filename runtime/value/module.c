/* module.c — where the registry holds what finds modules.
 *
 * Under addresses, so that it can be had without making a string.
 */
#include "value/module.h"
#include <lauxlib.h>

/* Their addresses are keys of the registry. */
static const char module_loaded = 'l';
static const char module_require = 'r';
static const char module_env = 'e';
static const char module_noted = 'n';

void
module_open(lua_State *L)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &module_loaded);
    lua_getglobal(L, "require");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &module_require);
}

void
module_set_require(lua_State *L)
{
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
        if (lua_rawgetp(L, LUA_REGISTRYINDEX, &module_require) != LUA_TFUNCTION)
            luaL_error(L, "the module '%s' is not loaded here",
                       lua_tostring(L, -2));
        lua_pushvalue(L, -2);
        lua_call(L, 1, 1);
    }
    lua_remove(L, -2);
}

void
module_set_env(lua_State *L)
{
    lua_rawsetp(L, LUA_REGISTRYINDEX, &module_env);
}

const void *
module_env_at(lua_State *L)
{
    bool made = lua_rawgetp(L, LUA_REGISTRYINDEX, &module_env) == LUA_TTABLE;
    const void *at = made ? lua_topointer(L, -1) : NULL;
    lua_pop(L, 1);
    return at;
}

void
module_push_env(lua_State *L)
{
    int type = lua_rawgetp(L, LUA_REGISTRYINDEX, &module_env);
    if (type == LUA_TFUNCTION) {
        luaL_checkstack(L, 10, "module");
        lua_call(L, 0, 1);
    } else if (type != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_pushglobaltable(L);
    }
}

void
module_push_noted(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &module_noted) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    module_push_loaded(L);
}

/* ( -- noted ) with what is loaded, when it is new. */
static void
module_make_noted(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &module_noted) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    lua_createtable(L, 0, 24);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    for (lua_pushnil(L); lua_next(L, -2);) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -5);
    }
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &module_noted);
}

void
module_note(lua_State *L, const char *name)
{
    luaL_checkstack(L, 8, "module");
    module_make_noted(L);
    lua_insert(L, -2);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}
