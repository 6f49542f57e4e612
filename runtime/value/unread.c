/* unread.c — fields kept aside in a metatable, and put back. */
#include "value/unread.h"
#include <lauxlib.h>

/* Their addresses are keys of the metatable. */
static const char unread_kept = 'k';
static const char unread_flag = 'f';
static const char unread_under = 'u'; /* the metatable it had */

/* Names that are asked for to see whether something failed, though the result
 * at hand has no such field. */
static const char *const unread_words[] = {
    "error", "error_kind", "error_value", "exit_code", "failed",
    "ok",    "signal",     "status",      "traceback",
};

bool
unread_push(lua_State *L, int idx)
{
    if (lua_type(L, idx) != LUA_TTABLE || !lua_checkstack(L, 4)
        || !lua_getmetatable(L, idx))
        return false;
    lua_rawgetp(L, -1, &unread_kept);
    lua_remove(L, -2);
    if (lua_istable(L, -1))
        return true;
    lua_pop(L, 1);
    return false;
}

bool
unread_is(lua_State *L, int idx)
{
    bool is = unread_push(L, idx);
    if (is)
        lua_pop(L, 1);
    return is;
}

void
unread_note(lua_State *L, int idx)
{
    if (!lua_checkstack(L, 4) || !lua_getmetatable(L, idx))
        return;
    lua_rawgetp(L, -1, &unread_flag);
    atomic_bool *flag = lua_touserdata(L, -1);
    if (flag)
        atomic_store(flag, true);
    lua_pop(L, 2);
}

/* The results in the array on top are looked at, too. */
static void
unread_show_all(lua_State *L)
{
    lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, -1, i);
        unread_show(L, -1);
        lua_pop(L, 1);
    }
}

/* Push the metatable that the table at idx, which keeps fields aside, had; or
 * nil. */
static void
unread_push_under(lua_State *L, int idx)
{
    lua_getmetatable(L, idx);
    lua_rawgetp(L, -1, &unread_under);
    lua_remove(L, -2);
}

/* The value of the key on top, which the table at idx lacks, as the metatable
 * that it had gives it. */
static int
unread_lacks(lua_State *L, int idx)
{
    unread_push_under(L, idx);
    if (lua_isnil(L, -1))
        return 1;
    lua_pushliteral(L, "__index");
    if (lua_rawget(L, -2) != LUA_TFUNCTION)
        return lua_pushnil(L), 1;
    lua_pushvalue(L, idx);
    lua_pushvalue(L, idx + 1);
    lua_call(L, 2, 1);
    return 1;
}

void
unread_show(lua_State *L, int idx)
{
    if (!unread_push(L, idx))
        return;
    luaL_checkstack(L, 8, NULL);
    idx = idx < 0 ? idx + lua_gettop(L) : idx; /* as it was before the push */
    int kept = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, kept); lua_pop(L, 1)) {
        lua_pushvalue(L, -2);
        if (lua_rawget(L, idx) == LUA_TNIL) {
            lua_pushvalue(L, -3);
            lua_pushvalue(L, -3);
            lua_rawset(L, idx);
        }
        lua_pop(L, 1);
    }
    unread_note(L, idx);
    unread_push_under(L, idx);
    lua_setmetatable(L, idx);
    lua_pushliteral(L, "failed");
    if (lua_rawget(L, kept) == LUA_TTABLE)
        unread_show_all(L);
    lua_settop(L, kept - 1);
}

/* Does asking for the key at idx mean to see whether something failed? */
static bool
unread_about(lua_State *L, int idx)
{
    const char *key = lua_type(L, idx) == LUA_TSTRING ? lua_tostring(L, idx)
                                                      : "";
    for (size_t i = 0; i < countof(unread_words); i++)
        if (strcmp(key, unread_words[i]) == 0)
            return true;
    return false;
}

/* __index(table, key) */
static int
unread_index(lua_State *L)
{
    lua_settop(L, 2);
    if (lua_type(L, 1) != LUA_TTABLE)
        return 0;
    bool about = unread_about(L, 2);
    if (!about && unread_push(L, 1)) {
        lua_pushvalue(L, 2);
        about = lua_rawget(L, -2) != LUA_TNIL;
        lua_settop(L, 2);
    }
    if (about)
        unread_show(L, 1);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, 1) != LUA_TNIL)
        return 1;
    if (unread_is(L, 1))
        return unread_lacks(L, 1);
    lua_settop(L, 2);
    return lua_gettable(L, 1), 1; /* by the metatable that it has again */
}

/* __pairs(table) */
static int
unread_pairs(lua_State *L)
{
    lua_settop(L, 1);
    unread_show(L, 1);
    lua_getglobal(L, "next");
    lua_insert(L, 1);
    lua_pushnil(L);
    return 3;
}

/* __len(table) */
static int
unread_length(lua_State *L)
{
    lua_settop(L, 1);
    unread_show(L, 1);
    lua_pushinteger(L, (lua_Integer)lua_rawlen(L, 1));
    return 1;
}

/* Move the field `name` of the table at idx to the table on top. */
static void
unread_keep(lua_State *L, int idx, const char *name)
{
    lua_pushstring(L, name);
    lua_pushvalue(L, -1);
    if (lua_rawget(L, idx) == LUA_TNIL) {
        lua_pop(L, 2);
        return;
    }
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, -4);
    lua_pushnil(L);
    lua_rawset(L, idx);
}

void
unread_hide(lua_State *L, int idx, const char *const *names, size_t n,
            atomic_bool *flag, bool counts)
{
    idx = lua_absindex(L, idx);
    luaL_checkstack(L, 10, NULL);
    bool under = lua_getmetatable(L, idx);
    lua_createtable(L, 0, 8);
    if (under) {
        lua_insert(L, -2);
        lua_rawsetp(L, -2, &unread_under);
    }
    lua_createtable(L, 0, (int)n);
    for (size_t i = 0; i < n; i++)
        unread_keep(L, idx, names[i]);
    lua_rawsetp(L, -2, &unread_kept);
    lua_pushlightuserdata(L, flag);
    lua_rawsetp(L, -2, &unread_flag);
    lua_pushliteral(L, UNREAD_NAME);
    lua_setfield(L, -2, "__name");
    lua_pushcfunction(L, unread_index);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, unread_pairs);
    lua_setfield(L, -2, "__pairs");
    if (counts) {
        lua_pushcfunction(L, unread_length);
        lua_setfield(L, -2, "__len");
    }
    lua_setmetatable(L, idx);
}
