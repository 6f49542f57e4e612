/* lib_ref.c — by what scripts name a task, and the task that is meant. */
#include "api/lib_ref.h"
#include "api/lib_arg.h"
#include "sched/forget.h"
#include "vm/handle.h"
#include "vm/park.h"
#include <lauxlib.h>

/* Raise for an id that names no task. */
static int
lib_ref_none(lua_State *L, const char *fn, const char *name, uint64_t id,
             size_t count)
{
    if (count <= 1)
        return luaL_error(L, "%s: %s = t%I: no such task; none was started in "
                          "this run", fn, name, (LUAI_UACINT)id);
    return luaL_error(L, "%s: %s = t%I: no such task; the ids of this run are "
                      "t1 to t%I (ids of another run mean nothing here)", fn,
                      name, (LUAI_UACINT)id, (LUAI_UACINT)(count - 1));
}

/* Push what names the task: the string itself or the table's id. */
static void
lib_ref_push_id(lua_State *L, int idx)
{
    static const char *const keys[] = { "id", "task_id" };
    idx = lua_absindex(L, idx);
    if (lua_type(L, idx) != LUA_TTABLE) {
        lua_pushvalue(L, idx);
        return;
    }
    for (size_t i = 0; i < countof(keys); i++) {
        lua_pushstring(L, keys[i]);
        lua_rawget(L, idx);
        if (!lua_isnil(L, -1))
            return;
        lua_pop(L, 1);
    }
    lua_pushnil(L);
}

/* The number in the id on top; 0: it is none. */
static uint64_t
lib_ref_parse(lua_State *L)
{
    size_t n = 0;
    const char *s = lua_type(L, -1) == LUA_TSTRING
        ? lua_tolstring(L, -1, &n) : NULL;
    return s && strlen(s) == n ? handle_parse(s) : 0;
}

uint64_t
lib_ref_number(lua_State *L, int idx)
{
    luaL_checkstack(L, 8, NULL);
    lib_ref_push_id(L, idx);
    uint64_t id = lib_ref_parse(L);
    lua_pop(L, 1);
    return id;
}

Task *
lib_ref_task(lua_State *L, const char *fn, const char *name, int idx)
{
    LuaRun *run = park_run(L);
    idx = lua_absindex(L, idx);
    luaL_checkstack(L, 8, NULL);
    lib_ref_push_id(L, idx);
    uint64_t id = lib_ref_parse(L);
    if (id == 0)
        arg_error(L, fn, name, idx, lua_isnil(L, -1)
                  ? "a task is named by its handle or its id, a string such "
                    "as \"t1\": keep what Task gives, local t = Task{...}"
                  : "a task is named by its handle or its id, a string such "
                    "as \"t1\"");
    Task *t = board_find(&run->sched->board, id);
    if (!t)
        lib_ref_none(L, fn, name, id, run->sched->board.count);
    if (forget_is(t))
        luaL_error(L, LIB_REF_FORGOTTEN, fn, name, (LUAI_UACINT)id,
                   (LUAI_UACINT)id);
    lua_pop(L, 1);
    return t;
}

lua_Integer
lib_ref_tasks(lua_State *L, const char *fn, const char *name, int idx)
{
    if (lua_isnil(L, idx))
        return 0;
    if (handle_is(L, idx))
        arg_error(L, fn, name, idx, "expected an array of tasks; put the "
                  "handle in braces: {handle}");
    lua_Integer n = arg_array(L, fn, name, idx, BOARD_MAX_BLOCKERS);
    luaL_checkstack(L, (int)n + 8, "too many tasks");
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, idx, i);
        Task *t = lib_ref_task(L, fn, name, -1);
        lua_pushlightuserdata(L, t);
        lua_replace(L, -2);
    }
    return n;
}
