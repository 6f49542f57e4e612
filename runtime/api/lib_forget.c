/* lib_forget.c — orun.forget: results that are no longer needed. */
#include "api/lib_arg.h"
#include "api/lib_orun.h"
#include "api/lib_related.h"
#include "base/err.h"
#include "sched/forget.h"
#include "thread/epoch.h"
#include "vm/handle.h"
#include <lauxlib.h>
#include <stdio.h>

enum { FORGET_MOST = 100000000 }; /* tasks of one call */

/* Raise: t cannot be forgotten now. */
static int
lib_forget_refuse(lua_State *L, LuaRun *run, const Task *t)
{
    char text[512];
    Buf name = { 0 };
    sched_lock(run->sched);
    int e = forget_refusal(t);
    const char *state = task_state_name(t->state);
    board_name(t, &name);
    board_unlock(&run->sched->board);
    snprintf(text, sizeof text, "%s", buf_cstr(&name));
    buf_free(&name);
    if (e == ORUN_EBLOCKED)
        return luaL_error(L,
                          "forget: %s is stuck in a C function, which may "
                          "still use what it has",
                          text);
    return luaL_error(L,
                      "forget: %s is %s, and only a task that has ended can "
                      "be forgotten: wait for it with TaskOutput, or end it "
                      "with TaskStop",
                      text, state);
}

/* The task that the value at idx means, checked; &b->gone when it is forgotten
 * already. */
static Task *
lib_forget_at(lua_State *L, LuaRun *run, int idx)
{
    Board *b = &run->sched->board;
    uint64_t id = arg_task_id(L, idx);
    Task *t = id ? board_find(b, id) : NULL;
    if (t == &b->gone)
        return t;
    t = arg_task(L, "forget", "task", idx);
    if (!handle_is(L, idx) && !lib_related(run, t))
        luaL_error(L,
                   "forget: t%I is not a task of t%I: a task may forget "
                   "what it started or claimed, or has the handle of; the "
                   "script may forget all",
                   (LUAI_UACINT)t->id, (LUAI_UACINT)run->task->id);
    if (forget_refusal(t))
        lib_forget_refuse(L, run, t);
    return t;
}

/* Is it one task, and not an array of them? */
static bool
lib_forget_one(lua_State *L)
{
    if (lua_type(L, 1) != LUA_TTABLE || handle_is(L, 1))
        return true;
    static const char *const keys[] = { "id", "task_id" };
    for (size_t i = 0; i < countof(keys); i++) {
        lua_pushstring(L, keys[i]);
        bool has = lua_rawget(L, 1) != LUA_TNIL;
        lua_pop(L, 1);
        if (has)
            return true;
    }
    return false;
}

/* Forget them all; returns how many were not forgotten yet. */
static lua_Integer
lib_forget_all(Sched *s, Task **all, size_t n)
{
    lua_Integer count = 0;
    sched_lock(s);
    for (size_t i = 0; i < n; i++)
        if (!forget_is(all[i])) {
            forget(s, all[i], TASK_FORGOTTEN);
            count++;
        }
    board_unlock(&s->board);
    return count;
}

/* forget(task or array of tasks) -> how many were forgotten by this call. All
 * of them, or none and an error. */
int
lib_forget(lua_State *L)
{
    LuaRun *run = park_run(L);
    park_check(L, "forget");
    if (lua_gettop(L) != 1 || lua_isnil(L, 1))
        return luaL_error(L,
                          "forget: expected a task (its handle, id or "
                          "result) or an array of tasks, got %s",
                          lua_gettop(L) > 1 ? "several arguments" : "nil");
    bool one = lib_forget_one(L);
    lua_Integer n = one ? 1 : arg_array(L, "forget", "tasks", 1, FORGET_MOST);
    Task **all = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *all, 0);
    for (lua_Integer i = 0; i < n; i++) {
        if (one)
            lua_pushvalue(L, 1);
        else
            lua_rawgeti(L, 1, i + 1);
        all[i] = lib_forget_at(L, run, lua_gettop(L));
        lua_pop(L, 1);
    }
    lua_Integer count = lib_forget_all(run->sched, all, (size_t)n);
    epoch_pass();
    forget_sweep(run->sched);
    lua_pushinteger(L, count);
    return 1;
}
