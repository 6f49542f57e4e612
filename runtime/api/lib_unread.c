/* lib_unread.c — asking results that nobody has looked at.
 *
 * next, rawget and setmetatable do what Lua's own do; on such a result they
 * first put back what it keeps aside. peek and unread are for the patterns of
 * stdlib/, which see how a task ended without having looked in the caller's
 * name.
 */
#include "api/lib_base.h"
#include "api/lib_orun.h"
#include "value/unread.h"
#include "vm/vm.h"
#include <lauxlib.h>

static int
lib_unread_next(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    if (lua_isnil(L, 2))
        unread_show(L, 1);
    if (lua_next(L, 1))
        return 2;
    lua_pushnil(L);
    return 1;
}

static int
lib_unread_rawget(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkany(L, 2);
    lua_settop(L, 2);
    if (unread_is(L, 1))
        return luaL_getmetafield(L, 1, "__index") == LUA_TNIL
            ? 0
            : (lua_insert(L, 1), lua_call(L, 2, 1), 1);
    lua_rawget(L, 1);
    return 1;
}

static int
lib_unread_setmetatable(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    int type = lua_type(L, 2);
    luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2,
                     "nil or table");
    unread_show(L, 1);
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
        return luaL_error(L, "cannot change a protected metatable");
    lua_settop(L, 2);
    if (type == LUA_TTABLE && !vm_of(L)->script) {
        lua_pushliteral(L, "__gc");
        if (lua_rawget(L, 2) != LUA_TNIL)
            return luaL_error(L,
                              "setmetatable: __gc is refused in a task (a "
                              "finalizer could not be stopped); use __close "
                              "and a <close> variable");
        lua_settop(L, 2);
    }
    lua_setmetatable(L, 1);
    return 1;
}

/* peek(result, field) -> its value, as if nobody had asked */
int
lib_peek(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, 1) == LUA_TNIL && unread_push(L, 1)) {
        lua_pushvalue(L, 2);
        lua_rawget(L, -2);
    }
    return 1;
}

/* unread(results, {field, …}, counts) -> results, which keeps these fields
 * aside until somebody looks */
int
lib_unread(lua_State *L)
{
    enum { MOST = 8 };
    const char *names[MOST];
    size_t n = 0;
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 3);
    luaL_checkstack(L, MOST + 4, NULL);
    while (n < MOST && lua_rawgeti(L, 2, (lua_Integer)n + 1) == LUA_TSTRING)
        names[n++] = lua_tostring(L, -1);
    unread_hide(L, 1, names, n, NULL, lua_toboolean(L, 3));
    lua_settop(L, 1);
    return 1;
}

/* stopping() -> is the code that asks being stopped? What a pcall caught is not
 * the failure of what was called then, and is to be raised on. */
int
lib_stopping(lua_State *L)
{
    lua_pushboolean(L, stop_wanted(&vm_of(L)->stop));
    return 1;
}

void
lib_unread_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "next", lib_unread_next },
        { "rawget", lib_unread_rawget },
        { "setmetatable", lib_unread_setmetatable },
        { NULL, NULL },
    };
    luaL_setfuncs(L, functions, 0);
}
