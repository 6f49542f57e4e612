/* lib_program.c — a Program as a Lua value, and its end as a table. */
#include "api/lib_program.h"
#include "api/lib_class.h"
#include "base/err.h"
#include "base/secret.h"
#include "value/field.h"
#include "value/unread.h"
#include <signal.h>
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>

void
lib_program_clear(Program **box)
{
    program_drop(*box);
    *box = NULL;
}

static int
lib_program_gc(lua_State *L)
{
    if (park_forked(L))
        return 0; /* the parent has it */
    lib_program_clear(lib_program_at(L, 1));
    return 0;
}

static const luaL_Reg lib_program_methods[] = {
    { "__gc", lib_program_gc },
    { NULL, NULL },
};

Program **
lib_program_push(lua_State *L)
{
    Program **box = lua_newuserdatauv(L, sizeof(Program *), 0);
    *box = NULL;
    lib_class_set(L, "orun.program", lib_program_methods);
    return box;
}

Program **
lib_program_at(lua_State *L, int idx)
{
    return lua_touserdata(L, idx);
}

bool
lib_program_may_start(lua_State *L)
{
    return park_finalizing(L) || program_may_start(park_run(L));
}

int
lib_program_queue(lua_State *L, lua_KFunction k)
{
    WaitFor what = { .kind = WAIT_FOR_SLOT, .deadline = INFINITY };
    return park(L, &what, k, 0);
}

int
lib_program_wait(lua_State *L, Program *p, lua_KFunction k)
{
    const LuaRun *run = park_run(L);
    WaitFor what = { .kind = WAIT_FOR_OP,
                     .op = &p->op,
                     .deadline = INFINITY,
                     .work = program_is_work(run, run->task),
                     .cleans = p->cleans };
    return park(L, &what, k, 0);
}

/* ---- its end ---- */

/* Set field `key` to at most `max` bytes of an output. */
static bool
lib_program_text(lua_State *L, const char *key, Program *p, Output *o,
                 size_t max)
{
    bool cut = o && output_copy(o, max, &p->text);
    if (buf_failed(&p->text))
        luaL_error(L, "exec: %s", err_text(ORUN_ENOMEM));
    lua_pushlstring(L, buf_cstr(&p->text), p->text.n);
    lua_setfield(L, -2, key);
    buf_free(&p->text);
    return cut;
}

/* Why what it printed could not all be kept, NULL when it was. */
static const char *
lib_program_loss(const Program *p)
{
    const char *loss = p->out ? output_error(p->out) : NULL;
    return loss || !p->err ? loss : output_error(p->err);
}

/* Why it did not go well, "" when it did: the program's end, or what it printed
 * could not be kept. */
static void
lib_program_why(const Program *p, const Outcome *o, char *why, size_t size)
{
    const char *text = o->error;
    if (!text && o->state != TASK_COMPLETED)
        text = err_text(ORUN_ENOMEM);
    if (!text)
        text = lib_program_loss(p);
    snprintf(why, size, "%s", text ? text : "");
}

/* The kind of its end that went wrong. "exit" promises that all it printed is
 * there, so that this can be gone by. */
static TaskFault
lib_program_fault(const Program *p)
{
    if (p->late)
        return FAULT_TIMEOUT;
    if (p->end.spawn_errno)
        return FAULT_SPAWN;
    if (p->end.signal)
        return lib_program_loss(p) && p->end.signal == SIGPIPE ? FAULT_LOST
                                                               : FAULT_SIGNAL;
    return p->end.code > 0 && !lib_program_loss(p) ? FAULT_EXIT : FAULT_LOST;
}

/* Why it did not go well, with its kind; false when it did. */
static bool
lib_program_wrong(Program *p, const char *name, char *why, size_t size,
                  TaskFault *fault)
{
    Outcome o = { .code = -1 };
    launch_outcome(&p->end, name, p->out, p->err, &o);
    secret_mask_string(&o.error);
    lib_program_why(p, &o, why, size);
    outcome_clear(&o);
    if (p->late)
        snprintf(why, size, "timed out");
    *fault = lib_program_fault(p);
    return *why;
}

/* __index(end, key): names that it had once are refused. */
static int
lib_program_index(lua_State *L)
{
    const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    bool code = strcmp(key, "code") == 0;
    if (code || strcmp(key, "stdout") == 0)
        return luaL_error(L,
                          "a result of orun.exec has no field %s; write %s, as "
                          "in a task's result",
                          key, code ? "exit_code" : "output");
    return 0;
}

/* Push the table for an end, with its metatable. */
static void
lib_program_new_end(lua_State *L)
{
    static const char name[] = "orun.exec_result";
    lua_createtable(L, 0, 9);
    if (luaL_getmetatable(L, name) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_createtable(L, 0, 2);
        field_set_string(L, "__name", name);
        lua_pushcfunction(L, lib_program_index);
        lua_setfield(L, -2, "__index");
        lua_pushvalue(L, -1);
        lua_setfield(L, LUA_REGISTRYINDEX, name);
    }
    lua_setmetatable(L, -2);
}

/* The table on top tells of a failure: what says so is kept aside until
 * somebody looks, if that is asked for. */
static void
lib_program_hide(lua_State *L, const Program *p, TaskFault fault)
{
    static const char *const names[] = { "ok", "error", "error_kind",
                                         "exit_code", "signal" };
    lua_Debug ar;
    LuaRun *run = park_run(L);
    bool known = run->sched->board.events && park_line(L, &ar);
    atomic_bool *seen = known
        ? program_failed(run, fault, p->end.code, ar.short_src, ar.currentline)
        : NULL;
    if (seen)
        unread_hide(L, -1, names, countof(names), seen, false);
}

void
lib_program_push_end(lua_State *L, Program *p, const char *name, size_t max)
{
    char why[LAUNCH_STDERR + 512] = "";
    TaskFault fault;
    bool wrong = lib_program_wrong(p, name, why, sizeof why, &fault);
    agent_took(task_agent(park_run(L)->task), p->end.max_rss);
    lib_program_new_end(L);
    field_set_boolean(L, "ok", !wrong);
    if (p->end.code >= 0 && !p->end.spawn_errno)
        field_set_integer(L, "exit_code", p->end.code);
    if (p->end.signal) {
        field_set_integer(L, "signal", p->end.signal);
    }
    if (wrong) {
        field_set_string(L, "error", why);
        field_set_string(L, "error_kind", task_fault_name(fault));
    }
    field_set_number(L, "duration", p->end.wall);
    if (lib_program_text(L, "stderr", p, p->err, max))
        field_set_string(L, "stderr_file", output_path(p->err));
    if (lib_program_text(L, "output", p, p->out, max)) {
        field_set_string(L, "output_file", output_path(p->out));
        field_set_boolean(L, "truncated", true);
    }
    if (wrong)
        lib_program_hide(L, p, fault);
}

int
lib_program_push_refusal(lua_State *L, Program *p, const char *name)
{
    char why[LAUNCH_STDERR + 512] = "";
    TaskFault fault;
    lib_program_wrong(p, name, why, sizeof why, &fault);
    lua_pushnil(L);
    lua_pushstring(L, why);
    lua_pushstring(L, task_fault_name(fault));
    return 3;
}
