/* lib_config.c — config, script_place: how the run is set up.
 */
#include "api/lib_arg.h"
#include "api/lib_limit.h"
#include "api/lib_orun.h"
#include "base/err.h"
#include "control/control.h"
#include "engine/engine.h"
#include "runner/stuck.h"
#include "sched/slots.h"
#include "value/field.h"
#include "value/module.h"
#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>

static const char *const lib_config_fields[] = {
    "backend",   "backlog",      "budget",    "control", "http",  "keep",
    "max_stuck", "memory_limit", "processes", "rate",    "store", "workers",
};

/* A number of slots; 0: not given. */
static int
lib_config_slots(lua_State *L, const char *name, int idx)
{
    return (int)arg_integer(L, "config", name, idx, 1, 100000, 0);
}

/* The backend for agents that only files describe, a name of
 * lua/agents/backends.lua; NULL: not given. Whether it is installed is checked
 * when it is needed. */
static const char *
lib_config_backend(lua_State *L, int idx)
{
    static const char module[] = "orun.agents.backends";
    const char *s = arg_text(L, "config", "backend", idx, 64);
    if (!s)
        return NULL;
    module_push_field(L, module, "KNOWN");
    lua_getfield(L, -1, s);
    if (lua_isnil(L, -1)) {
        module_push_field(L, module, "EXPECTED");
        arg_error(L, "config", "backend", idx, lua_tostring(L, -1));
    }
    lua_pop(L, 2);
    s = engine_intern(park_run(L)->engine, s);
    if (!s)
        luaL_error(L, "%s", err_text(ORUN_ENOMEM));
    return s;
}

/* control = true: create the control socket now, not with the first program. */
static void
lib_config_control(lua_State *L, int idx)
{
    Control *c;
    if (!arg_given(L, idx))
        return;
    if (!arg_bool(L, "config", "control", idx, true))
        luaL_error(L,
                   "config: control = false: the socket is made when it is "
                   "needed, and stays; only true can be asked for");
    int e = control_open(park_run(L)->engine, &c);
    if (e)
        luaL_error(L, "config: control: the socket cannot be made: %s",
                   e == ORUN_ESYS ? strerror(errno) : err_text(e));
}

/* store = path: the run is kept there. */
static void
lib_config_store(lua_State *L, int idx)
{
    LuaRun *run = park_run(L);
    Buf why = { 0 };
    char text[1024];
    const char *path = arg_text(L, "config", "store", idx, 4096);
    if (!path)
        return;
    if (!*path)
        arg_error(L, "config", "store", idx, "expected the path of a file");
    if (run->task->id || !run->engine->keep)
        luaL_error(L,
                   "config: store: only the script itself can say where the "
                   "run is kept");
    int e = run->engine->keep(run->engine, path, &why);
    snprintf(text, sizeof text, "%s", why.n ? buf_cstr(&why) : err_text(e));
    buf_free(&why);
    if (e)
        luaL_error(L, "config: store: %s", text);
}

/* config{backend=, processes=, http=, memory_limit=, backlog=, max_stuck=,
 * rate=, budget=, control=, keep=, store=} sets, config() reads */
int
lib_config(lua_State *L)
{
    LuaRun *run = park_run(L);
    arg_frame(L, "config", lib_config_fields, 12, true);
    const char *backend = lib_config_backend(L, ARG(0));
    size_t backlog = arg_size(L, "config", "backlog", ARG(1));
    int slots[SLOT_KINDS] = { 0 };
    slots[SLOT_HTTP] = lib_config_slots(L, "http", ARG(4));
    lua_Integer stuck = arg_integer(L, "config", "max_stuck", ARG(6), 1, 10000,
                                    0);
    size_t memory = arg_size(L, "config", "memory_limit", ARG(7));
    slots[SLOT_PROCESS] = lib_config_slots(L, "processes", ARG(8));
    lua_Integer keep = arg_integer(L, "config", "keep", ARG(5), 0, 100000000,
                                   -1);
    MeterSpec spec;
    lib_config_control(L, ARG(3));
    bool metered = lib_read_meter(L, "config", ARG(9), ARG(2), &spec);
    if (arg_given(L, ARG(11)))
        return luaL_error(L,
                          "config: workers is set at start and can only be "
                          "read here");
    lib_config_store(L, ARG(10));
    int e = metered ? slots_whole(run->sched, &spec) : 0;
    if (e)
        return luaL_error(L, "config: %s",
                          e == ORUN_ENOMEM
                              ? err_text(e)
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
    field_set_string(L, "backend", run->engine->backend);
    field_set_integer(L, "keep", keep);
    field_set_integer(L, "backlog", (lua_Integer)run->sched->backlog);
    field_set_integer(L, "http", slots[SLOT_HTTP]);
    field_set_integer(L, "max_stuck", pool_most(run->pool));
    field_set_integer(L, "memory_limit",
                      (lua_Integer)run->engine->memory_limit);
    field_set_integer(L, "processes", slots[SLOT_PROCESS]);
    field_set_integer(L, "workers", run->engine->workers);
    return 1;
}

/* script_place() -> the file of the running script, links followed (nil: its
 * code is not in a file, or it is a named workflow, which is trusted alone);
 * whether Lua code of any project may run; whether this is a plan */
int
lib_script_place(lua_State *L)
{
    const Engine *h = park_run(L)->engine;
    const char *file = h->script_file;
    lua_pushstring(L, file && *file == '/' ? file : NULL);
    lua_pushboolean(L, h->trust);
    lua_pushboolean(L, h->sched.plan != 0);
    return 3;
}
