/* lib_sys.c — sleep, now, log, limit, config. */
#include "api/lib_arg.h"
#include "api/lib_limit.h"
#include "api/lib_task.h"
#include "base/err.h"
#include "base/order.h"
#include "base/sanitize.h"
#include "control/control.h"
#include "engine/engine.h"
#include "runner/stuck.h"
#include "sched/slots.h"
#include <errno.h>
#include <lauxlib.h>
#include <math.h>
#include <unistd.h>

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
        return luaL_error(L, "sleep: a duration is missing: seconds, or a "
                          "string such as \"250ms\"");
    double d = arg_duration(L, "sleep", "duration", 1, true, 0);
    WaitFor what = { .kind = WAIT_FOR_TIME,
                     .deadline = board_now(&park_run(L)->sched->board) + d };
    return park(L, &what, lib_slept, 0);
}

/* now() -> seconds of a clock that only goes forward */
int
lib_now(lua_State *L)
{
    lua_pushnumber(L, board_now(&park_run(L)->sched->board));
    return 1;
}

/* phase(name): what is started from here on belongs to it, in what shows the
 * run. In a task it is said of that task and of those it starts. */
int
lib_phase(lua_State *L)
{
    LuaRun *run = park_run(L);
    Board *b = &run->sched->board;
    lua_settop(L, 1);
    const char *name = arg_text(L, "phase", "name", 1, LIB_MAX_LABEL);
    if (!name || !*name)
        return luaL_error(L, "phase: the name is missing; it is a short title, "
                          "such as \"research\"");
    if (!b->events)
        return 0;
    board_lock(b);
    event_add(b, (Event){ .kind = EVENT_PHASE, .task = run->task->id,
                          .text = event_name(b, name) });
    board_unlock(b);
    return 0;
}

/* log(...) writes one line on stderr, in one write, as orun shows text */
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
    order_keep(STDERR_FILENO);
    sanitize_write(STDERR_FILENO, s, size);
    return 0;
}

/* once(text) -> true the first time in this run that anybody asks with it */
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

static const char *const lib_config_fields[] = {
    "backend", "backlog", "budget", "control", "http", "keep", "max_stuck",
    "memory_limit", "processes", "rate", "workers",
};

/* A number of slots, 0 when none is given. */
static int
lib_config_slots(lua_State *L, const char *name, int idx)
{
    return (int)arg_integer(L, "config", name, idx, 1, 100000, 0);
}

static void
lib_config_set(lua_State *L, const char *key, lua_Integer n)
{
    lua_pushinteger(L, n);
    lua_setfield(L, -2, key);
}

/* What does the work of agents that only files describe; NULL when not given.
 * It is named here, and looked for when it is needed. */
static const char *
lib_config_backend(lua_State *L, int idx)
{
    static const char *const known[] = {
        "anthropic", "claude", "codex", "gemini", "openai", "opencode",
    };
    const char *s = arg_text(L, "config", "backend", idx, 64);
    for (size_t i = 0; s && i < countof(known); i++)
        if (strcmp(s, known[i]) == 0)
            return known[i];
    if (s)
        arg_error(L, "config", "backend", idx, "expected \"claude\", "
                  "\"codex\", \"gemini\", \"opencode\", \"anthropic\" or "
                  "\"openai\"");
    return NULL;
}

/* The socket for programs is there from now on, not from the first one on. */
static void
lib_config_control(lua_State *L, int idx)
{
    Control *c;
    if (!arg_given(L, idx))
        return;
    if (!arg_bool(L, "config", "control", idx, true))
        luaL_error(L, "config: control = false: the socket is made when it is "
                   "needed, and stays; only true can be asked for");
    int e = control_open(park_run(L)->engine, &c);
    if (e)
        luaL_error(L, "config: control: the socket cannot be made: %s",
                   e == ORUN_ESYS ? strerror(errno) : err_text(e));
}

/* config{backend=, processes=, http=, memory_limit=, backlog=, max_stuck=,
 * rate=, budget=, control=, keep=} sets, config() reads */
int
lib_config(lua_State *L)
{
    LuaRun *run = park_run(L);
    arg_frame(L, "config", lib_config_fields, 11, true);
    const char *backend = lib_config_backend(L, ARG(0));
    size_t backlog = arg_size(L, "config", "backlog", ARG(1));
    int slots[SLOT_KINDS] = { 0 };
    slots[SLOT_HTTP] = lib_config_slots(L, "http", ARG(4));
    lua_Integer stuck = arg_integer(L, "config", "max_stuck", ARG(6), 1,
                                    10000, 0);
    size_t memory = arg_size(L, "config", "memory_limit", ARG(7));
    slots[SLOT_PROCESS] = lib_config_slots(L, "processes", ARG(8));
    lua_Integer keep = arg_integer(L, "config", "keep", ARG(5), 0, 100000000,
                                   -1);
    MeterSpec spec;
    lib_config_control(L, ARG(3));
    bool metered = lib_read_meter(L, "config", ARG(9), ARG(2), &spec);
    if (arg_given(L, ARG(10)))
        return luaL_error(L, "config: workers is set at start and can only be "
                          "read here");
    int e = metered ? slots_whole(run->sched, &spec) : 0;
    if (e)
        return luaL_error(L, "config: %s", e == ORUN_ENOMEM ? err_text(e)
                          : "rate and budget of the run are set before its "
                          "first task");
    for (int i = 0; i < SLOT_KINDS; i++)
        if (slots[i])
            slots_set(run->sched, (SlotKind)i, slots[i]);
    if (stuck)
        stuck_set_most(run->engine, (int)stuck);
    if (backlog)
        run->sched->backlog = backlog;
    if (memory)
        run->engine->memory_limit = memory;
    if (backend)
        run->engine->backend = backend;
    sched_lock(run->sched);
    if (keep >= 0)
        run->sched->board.keep = (size_t)keep;
    keep = (lua_Integer)run->sched->board.keep;
    for (int i = 0; i < SLOT_KINDS; i++)
        slots[i] = run->sched->kind[i]->slots;
    board_unlock(&run->sched->board);
    lua_createtable(L, 0, 7);
    lua_pushstring(L, run->engine->backend);
    lua_setfield(L, -2, "backend");
    lib_config_set(L, "keep", keep);
    lib_config_set(L, "backlog", (lua_Integer)run->sched->backlog);
    lib_config_set(L, "http", slots[SLOT_HTTP]);
    lib_config_set(L, "max_stuck", pool_most(run->pool));
    lib_config_set(L, "memory_limit", (lua_Integer)run->engine->memory_limit);
    lib_config_set(L, "processes", slots[SLOT_PROCESS]);
    lib_config_set(L, "workers", run->engine->workers);
    return 1;
}
