/* lib_package.c — where require finds modules.
 *
 * Bundled modules come first (lib_bundle.c), then what Lua's own searchers
 * find, in tasks as text only.
 *
 * A C module's opening function runs under one lock for the process, for many
 * keep their state in static variables; and its library stays loaded, so that
 * tasks do not load and unload it in turn. What a C module does after it was
 * opened is not guarded: one that is not safe for threads belongs in
 * isolation="process".
 */
#include "api/lib_base.h"
#include "value/module.h"
#include "vm/vm.h"
#include <dlfcn.h>
#include <lauxlib.h>
#include <lua-cjson.h>
#include <uv.h>

static uv_once_t lib_package_once = UV_ONCE_INIT;
static uv_mutex_t lib_package_lock;

/* Recursive, for one C module may require another. */
static void
lib_package_init_once(void)
{
    uv_mutex_init_recursive(&lib_package_lock);
}

/* The chunk at the top, or the error why there is none. */
static int
lib_package_loaded(lua_State *L, int status, const char *where)
{
    if (status == LUA_OK) {
        lua_pushstring(L, where);
        return 2;
    }
    return luaL_error(L, "error loading module '%s' from file '%s':\n\t%s",
                      lua_tostring(L, 1), where, lua_tostring(L, -1));
}

/* Upvalue 1: the package table. */
static int
lib_package_search_lua(lua_State *L)
{
    luaL_checkstring(L, 1);
    lua_settop(L, 1);
    lua_getfield(L, lua_upvalueindex(1), "searchpath");
    lua_pushvalue(L, 1);
    if (lua_getfield(L, lua_upvalueindex(1), "path") != LUA_TSTRING)
        return luaL_error(L, "'package.path' must be a string");
    lua_call(L, 2, 2);
    if (lua_isnil(L, 2))
        return 1; /* where it was looked for */
    const char *file = lua_tostring(L, 2);
    const char *mode = vm_of(L)->script ? NULL : "t";
    return lib_package_loaded(L, luaL_loadfilex(L, file, mode), file);
}

/* A C module's opening function; upvalue 1: the real one. */
static int
lib_package_open_c(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    uv_once(&lib_package_once, lib_package_init_once);
    uv_mutex_lock(&lib_package_lock);
    int status = lua_pcall(L, lua_gettop(L) - 1, 1, 0);
    uv_mutex_unlock(&lib_package_lock);
    return status == LUA_OK ? 1 : lua_error(L);
}

/* A searcher for C modules; upvalue 1: Lua's own. */
static int
lib_package_search_c(lua_State *L)
{
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, 1);
    lua_call(L, 1, 2);
    if (!lua_iscfunction(L, 2)) {
        lua_settop(L, 2);
        return 1;
    }
    if (lua_type(L, 3) == LUA_TSTRING)
        dlopen(lua_tostring(L, 3), RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, lib_package_open_c, 1);
    lua_replace(L, 2);
    return 2;
}

/* Does what the searcher on top found have to be noted: would a task find the
 * same by the name? */
static bool
lib_package_finds(lua_State *L)
{
    lua_CFunction f = lua_tocfunction(L, -1);
    return f == lib_bundle_search || f == lib_package_search_lua
        || f == lib_package_search_c;
}

/* Push the loader of the module at 1 and what goes with it; returns whether
 * tasks would find it. Upvalue 1: the package table. */
static bool
lib_package_find(lua_State *L, const char *name)
{
    luaL_Buffer why;
    if (lua_getfield(L, lua_upvalueindex(1), "searchers") != LUA_TTABLE)
        luaL_error(L, "'package.searchers' must be a table");
    int searchers = lua_gettop(L);
    luaL_buffinit(L, &why);
    for (int i = 1;; i++) {
        luaL_addstring(&why, "\n\t");
        if (lua_rawgeti(L, searchers, i) == LUA_TNIL) {
            lua_pop(L, 1);
            luaL_buffsub(&why, 2);
            luaL_pushresult(&why);
            luaL_error(L, "module '%s' not found:%s", name,
                       lua_tostring(L, -1));
        }
        bool noted = lib_package_finds(L);
        lua_pushstring(L, name);
        lua_call(L, 1, 2);
        if (lua_isfunction(L, -2))
            return noted || lua_iscfunction(L, -2); /* C has preloaded it */
        bool said = lua_isstring(L, -2);
        lua_pop(L, said ? 1 : 2);
        if (said)
            luaL_addvalue(&why);
        else
            luaL_buffsub(&why, 2);
    }
}

/* As Lua's own; and it notes what tasks will find, too. What others load (from
 * package.preload, by a searcher of the script) is known here only, and goes to
 * a task as what it is. */
static int
lib_package_require(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    lua_settop(L, 1);
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, 2, name);
    if (lua_toboolean(L, -1))
        return 1;
    lua_pop(L, 1);
    bool noted = lib_package_find(L, name);
    lua_rotate(L, -2, 1);
    lua_pushvalue(L, 1);
    lua_pushvalue(L, -3);
    lua_call(L, 2, 1);
    if (!lua_isnil(L, -1))
        lua_setfield(L, 2, name);
    else
        lua_pop(L, 1);
    if (lua_getfield(L, 2, name) == LUA_TNIL) {
        lua_pushboolean(L, 1);
        lua_copy(L, -1, -2);
        lua_setfield(L, 2, name);
    }
    if (noted && lua_istable(L, -1)) {
        lua_pushvalue(L, -1);
        module_note(L, name);
    }
    lua_rotate(L, -2, 1);
    return 2;
}

void
lib_package_open(lua_State *L)
{
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "searchers"); /* preload, Lua, C, C in a root */
    for (int i = 4; i >= 3; i--) {
        lua_rawgeti(L, -1, i);
        lua_pushcclosure(L, lib_package_search_c, 1);
        lua_rawseti(L, -2, i + 1);
    }
    lua_pushvalue(L, -2);
    lua_pushcclosure(L, lib_package_search_lua, 1);
    lua_rawseti(L, -2, 3);
    lua_rawgeti(L, -1, 1);
    lua_rawseti(L, -2, 2);
    lua_pushcfunction(L, lib_bundle_search);
    lua_rawseti(L, -2, 1);
    lua_pop(L, 1);
    lua_pushcclosure(L, lib_package_require, 1);
    lua_setglobal(L, "require");
    module_open(L);
}
