/* lib_guest.c — orun as a module of a Lua state that somebody else made.
 *
 * The primitives are the same C functions as in the command. Bundled modules
 * have an environment of their own here as there (lib_bundle.c): it has the
 * primitives, which are no globals of a guest, and what asks results that
 * nobody has looked at.
 */
#include "api/lib_guest.h"
#include "api/lib_base.h"
#include "api/lib_orun.h"
#include "thread/epoch.h"
#include "value/module.h"
#include "vm/bundle.h"
#include <lauxlib.h>
#include <lualib.h>

/* A primitive: inside an epoch for as long as it runs. Upvalue 1: its
 * function. */
static int
lib_guest_call(lua_State *L)
{
    lua_CFunction f;
    *(void **)&f = lua_touserdata(L, lua_upvalueindex(1));
    epoch_ensure();
    int n = f(L);
    epoch_release();
    return n;
}

static void
lib_guest_push(lua_State *L, const luaL_Reg *f, bool method)
{
    (void)method;
    lua_pushlightuserdata(L, *(void **)&(lua_CFunction){ f->func });
    lua_pushcclosure(L, lib_guest_call, 1);
}

/* `require` of bundled modules: they are looked for in the bundle first, and
 * not in files. Upvalue 1: the state's own, for all others. */
static int
lib_guest_require(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    lua_settop(L, 1);
    if (!bundle_find(name)) {
        lua_pushvalue(L, lua_upvalueindex(1));
        lua_insert(L, 1);
        lua_call(L, 1, 1);
        return 1;
    }
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    if (lua_getfield(L, 2, name) != LUA_TNIL)
        return 1;
    lua_pop(L, 1);
    lua_pushcfunction(L, lib_bundle_search);
    lua_pushvalue(L, 1);
    lua_call(L, 1, 2);
    lua_pushvalue(L, 1);
    lua_insert(L, -2);
    lua_call(L, 2, 1);
    lua_pushvalue(L, -1);
    lua_setfield(L, 2, name);
    return 1;
}

/* ( package -- ) Bundled modules are found by the state's own require, too. */
static void
lib_guest_add_searcher(lua_State *L)
{
    if (lua_getfield(L, -1, "searchers") != LUA_TTABLE)
        luaL_error(L, "orun: package.searchers is a %s, expected a table",
                   luaL_typename(L, -1));
    for (lua_Integer i = 1; lua_rawgeti(L, -1, i) != LUA_TNIL; i++) {
        bool ours = lua_tocfunction(L, -1) == lib_bundle_search;
        lua_pop(L, 1);
        if (ours)
            return;
    }
    lua_pop(L, 1);
    lua_pushcfunction(L, lib_bundle_search);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

/* ( module -- module ) with the environment of bundled modules made. */
static void
lib_guest_furnish(lua_State *L)
{
    lib_bundle_open(L, true);
    module_push_env(L);
    lib_unread_open(L);
    const char *name;
    for (size_t i = 0; (name = lib_orun_global(i)) != NULL; i++) {
        lua_getfield(L, -2, name);
        lua_setfield(L, -2, name);
    }
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, "orun");
    lua_getglobal(L, "require");
    lua_pushcclosure(L, lib_guest_require, 1);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "require");
    module_set_require(L);
    lua_pop(L, 1);
}

void
lib_guest_open(lua_State *L)
{
    static LibOrunPush *const push = lib_guest_push;
    luaL_checkstack(L, 12, "orun");
    int top = lua_gettop(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, LUA_LOADLIBNAME);
    if (!lua_istable(L, -1) || lua_getglobal(L, "require") != LUA_TFUNCTION)
        luaL_error(L,
                   "orun: this Lua state has no `require`: open the package "
                   "library in it first (luaL_openlibs)");
    lua_pop(L, 1);
    lib_guest_add_searcher(L);
    module_open(L);
    lib_orun_push_guest(L, &push);
    lib_guest_furnish(L);
    lua_pushvalue(L, -1); /* bundled modules, and values, find it by its name */
    lua_setfield(L, top + 1, "orun");
    lua_replace(L, top + 1);
    lua_settop(L, top + 1);
}

int
lib_guest_globals(lua_State *L)
{
    const char *name;
    lua_settop(L, 0);
    module_push(L, "orun");
    for (size_t i = 0; (name = lib_orun_global(i)) != NULL; i++) {
        lua_getfield(L, 1, name);
        lua_setglobal(L, name);
    }
    lua_setglobal(L, "orun");
    return 0;
}
