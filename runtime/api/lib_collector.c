/* lib_collector.c — tasks in the order they end.
 *
 * A collector is a userdata, with the method next.
 */
#include "api/lib_arg.h"
#include "api/lib_class.h"
#include "api/lib_orun.h"
#include "api/lib_related.h"
#include "api/lib_result.h"
#include "api/lib_task.h"
#include "base/err.h"
#include "sched/durable.h"
#include "sched/forget.h"
#include <lauxlib.h>
#include <math.h>

static int lib_collector_wait(lua_State *L, Collector *c, double deadline);
static int lib_collector_later(lua_State *L, Collector *c);

static int
lib_collected(lua_State *L, int status, lua_KContext ctx)
{
    Collector *c = (Collector *)ctx;
    size_t left;
    bool later;
    LuaRun *run = park_run(L);
    (void)status;
    int outcome = park_outcome(L);
    if (lib_related_waited(L, outcome))
        return 2;
    if (outcome == WAIT_CYCLE)
        return lib_collector_wait(L, c, run->want.deadline);
    if (outcome == WAIT_DEADLOCK)
        return luaL_error(L,
                          "collector: the tasks left can never end: nothing "
                          "is running or due that could finish them");
    Task *t = durable_next(run->sched, run->task, run->attempt, c, &later,
                           &left);
    if (later)
        return lib_collector_later(L, c);
    if (!t)
        return 0;
    if (forget_is(t))
        return luaL_error(L,
                          "collector: a task was forgotten (%s) before its "
                          "result was collected",
                          forget_why(&park_run(L)->sched->board, t->id));
    lib_push_result(L, t, false);
    return 1;
}

static int
lib_collector_wait(lua_State *L, Collector *c, double deadline)
{
    WaitFor what = { .kind = WAIT_FOR_COLLECTOR,
                     .collector = c,
                     .deadline = deadline,
                     .fn = "collector:next" };
    return park(L, &what, lib_collected, (lua_KContext)c);
}

/* Which task is the next is known once others were looked up. */
static int
lib_collector_later(lua_State *L, Collector *c)
{
    WaitFor what = { .kind = WAIT_FOR_LOOKS,
                     .deadline = INFINITY,
                     .fn = "collector:next" };
    return park(L, &what, lib_collected, (lua_KContext)c);
}

static int
lib_collector_next(lua_State *L)
{
    Collector **c = luaL_checkudata(L, 1, COLLECTOR_TYPE);
    LuaRun *run = park_run(L);
    lua_settop(L, 2);
    double timeout = arg_duration(L, "collector:next", "timeout", 2, true,
                                  INFINITY);
    return lib_collector_wait(L, *c, board_now(&run->sched->board) + timeout);
}

static int
lib_collector_add(lua_State *L)
{
    Collector **c = luaL_checkudata(L, 1, COLLECTOR_TYPE);
    if (collector_add(*c, arg_task(L, "collector:add", "task", 2)))
        return luaL_error(L, "collector:add: %s", err_text(ORUN_ENOMEM));
    lua_settop(L, 1);
    return 1;
}

static int
lib_collector_gc(lua_State *L)
{
    if (park_forked(L))
        return 0; /* the parent has it */
    Collector **c = luaL_checkudata(L, 1, COLLECTOR_TYPE);
    collector_free(*c);
    *c = NULL;
    return 0;
}

static const luaL_Reg lib_collector_methods[] = {
    { "next", lib_collector_next },
    { "add", lib_collector_add },
    { "__gc", lib_collector_gc },
    { NULL, NULL },
};

/* collector(array of handles) -> object with next(timeout) and add(handle) */
int
lib_collector(lua_State *L)
{
    LuaRun *run = park_run(L);
    park_check(L, "collector");
    if (lib_task_closing(run))
        return luaL_error(L,
                          "collector: not allowed in a finalizer (__gc) of "
                          "a script that has ended");
    lua_settop(L, 1);
    lua_Integer n = lua_isnil(L, 1)
        ? 0
        : arg_array(L, "collector", "tasks", 1, 100000000);
    Collector **c = lua_newuserdatauv(L, sizeof *c, 0);
    *c = NULL;
    lib_class_set(L, COLLECTOR_TYPE, lib_collector_methods);
    *c = collector_new(&run->sched->board, NULL, 0);
    if (!*c)
        return luaL_error(L, "collector: %s", err_text(ORUN_ENOMEM));
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, 1, i);
        if (collector_add(*c, arg_task(L, "collector", "tasks", -1)))
            return luaL_error(L, "collector: %s", err_text(ORUN_ENOMEM));
        lua_pop(L, 1);
    }
    return 1;
}
