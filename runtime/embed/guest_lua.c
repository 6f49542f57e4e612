/* guest_lua.c — comparing the functions of two Lua states. */
#include "embed/guest_lua.h"
#include "base/base.h"
#include <dlfcn.h>
#include <lauxlib.h>
#include <lualib.h>

/* Of each some may have been replaced by the program. */
static const char *const guest_lua_names[] = {
    "rawequal", "rawlen", "rawget", "select", "type", "next", "tostring",
};

typedef lua_CFunction GuestLuaSet[countof(guest_lua_names)];

/* The functions of these names; NULL where there is none that is Lua's. */
static void
guest_lua_get(lua_State *L, GuestLuaSet to)
{
    int top = lua_gettop(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    bool found = lua_getfield(L, -1, LUA_GNAME) == LUA_TTABLE;
    for (size_t i = 0; i < countof(guest_lua_names); i++) {
        to[i] = NULL;
        if (!found)
            continue;
        lua_pushstring(L, guest_lua_names[i]);
        lua_rawget(L, -2);
        to[i] = lua_tocfunction(L, -1);
        lua_pop(L, 1);
    }
    lua_settop(L, top);
}

/* The file that the function is in. */
static const char *
guest_lua_file(lua_CFunction f)
{
    Dl_info info;
    return dladdr(*(void **)&f, &info) && info.dli_fname ? info.dli_fname
                                                         : "the program";
}

void
guest_lua_check(lua_State *L)
{
    GuestLuaSet theirs, ours;
    lua_State *own = luaL_newstate();
    if (!own)
        return;
    luaL_requiref(own, LUA_GNAME, luaopen_base, 0);
    guest_lua_get(own, ours);
    lua_close(own);
    guest_lua_get(L, theirs);
    size_t other = countof(guest_lua_names);
    for (size_t i = 0; i < countof(guest_lua_names); i++) {
        if (theirs[i] && theirs[i] == ours[i])
            return;
        if (theirs[i])
            other = i;
    }
    if (other == countof(guest_lua_names))
        return;
    luaL_error(L,
               "orun: there are two copies of Lua in this process: this state "
               "is of the one in %s, and orun uses the one in %s; link the "
               "program with the Lua library that orun uses, or export its own "
               "Lua's names (-Wl,-E)",
               guest_lua_file(theirs[other]), guest_lua_file(ours[other]));
}
