/* lib_sys.c — sleep, ticks, phase, log, once. */
#include "api/lib_arg.h"
#include "api/lib_orun.h"
#include "api/lib_task.h"
#include "base/log.h"
#include "engine/engine.h"
#include <lauxlib.h>

static int
lib_slept(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    (void)ctx;
    park_outcome(L);
    return 0;
}

/* sleep(duration) */
int
lib_sleep(lua_State *L)
{
    lua_settop(L, 1);
    if (lua_isnil(L, 1))
        return luaL_error(L,
                          "sleep: a duration is missing: seconds, or a "
                          "string such as \"250ms\"");
    double d = arg_duration(L, "sleep", "duration", 1, true, 0);
    WaitFor what = { .kind = WAIT_FOR_TIME,
                     .deadline = board_now(&park_run(L)->sched->board) + d };
    return park(L, &what, lib_slept, 0);
}

/* ticks() -> seconds of a monotonic clock; for deadlines: it is not kept, as
 * now() is, when a run is */
int
lib_ticks(lua_State *L)
{
    lua_pushnumber(L, board_now(&park_run(L)->sched->board));
    return 1;
}

/* phase(name): displays and reports group the tasks that are started from now
 * on under this name. In a task: those that it starts. */
int
lib_phase(lua_State *L)
{
    LuaRun *run = park_run(L);
    Board *b = &run->sched->board;
    lua_settop(L, 1);
    const char *name = arg_text(L, "phase", "name", 1, LIB_MAX_LABEL);
    if (!name || !*name)
        return luaL_error(L,
                          "phase: the name is missing; it is a short title, "
                          "such as \"research\"");
    if (!b->events)
        return 0;
    board_lock(b);
    event_add(b,
              (Event){ .kind = EVENT_PHASE,
                       .task = run->task->id,
                       .text = event_name(b, name) });
    board_unlock(b);
    return 0;
}

/* log(...) tells one sanitized line on stderr, in one write */
int
lib_log(lua_State *L)
{
    int n = lua_gettop(L);
    luaL_Buffer b;
    luaL_checkstack(L, n + 8, "too many values");
    luaL_buffinit(L, &b);
    for (int i = 1; i <= n; i++) {
        if (i > 1)
            luaL_addchar(&b, '\t');
        luaL_tolstring(L, i, NULL);
        luaL_addvalue(&b);
    }
    luaL_addchar(&b, '\n');
    luaL_pushresult(&b);
    size_t size;
    const char *s = lua_tolstring(L, -1, &size);
    log_tell(LOG_INFO, s, size);
    return 0;
}

/* once(text) -> true the first time it is called with this text in this run */
int
lib_once(lua_State *L)
{
    lua_settop(L, 1);
    const char *text = arg_text(L, "once", "text", 1, LIB_MAX_LABEL);
    if (!text)
        return luaL_error(L, "once: a text is missing");
    lua_pushboolean(L, engine_once(park_run(L)->engine, text));
    return 1;
}
