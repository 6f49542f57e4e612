/* orun_task.c — starting tasks from C, waiting for them, ending them. */
#include "base/mem.h"
#include "embed/api_struct.h"
#include "embed/host_guest.h"
#include "embed/orun_own.h"
#include "sched/forget.h"
#include "sched/lifecycle.h"
#include "thread/epoch.h"
#include "value/module.h"
#include "vm/handle.h"
#include <lauxlib.h>
#include <limits.h>
#include <math.h>

enum {
    ORUN_TASK_AFTER = 10000,   /* of a task, at most */
    ORUN_TASK_ARGS = 100000,   /* of a command, at most */
    ORUN_TASK_CODE = 16 << 20, /* bytes of Lua source, at most */
};

/* A call of orun_start: what it has, and what it gave. */
typedef struct OrunTask {
    const orun_task *given;
    Board *board;
    Task *task;
} OrunTask;

Task *
orun_task_find(Board *b, uint64_t id)
{
    Task *t = id ? board_find(b, id) : NULL;
    return t && !t->removed ? t : NULL;
}

int
orun_task_unknown(orun *o, const char *fn, uint64_t id)
{
    bool forgotten = id && board_find(&o->run.sched->board, id);
    return api_error_set(o, ORUN_ENOENT, "%s: there is no task %llu%s", fn,
                         (unsigned long long)id,
                         forgotten ? ": it was forgotten, or removed" : "");
}

/* ---- starting ---- */

static void
orun_task_set(lua_State *L, const char *field, const char *text)
{
    if (!text)
        return;
    lua_pushstring(L, text);
    lua_setfield(L, -2, field);
}

static void
orun_task_set_command(lua_State *L, const char *const *argv)
{
    lua_newtable(L);
    for (int i = 0; argv[i]; i++) {
        if (i >= ORUN_TASK_ARGS)
            luaL_error(L, "orun_start: argv has more than %d strings",
                       ORUN_TASK_ARGS);
        lua_pushstring(L, argv[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "command");
}

static void
orun_task_set_code(lua_State *L, const char *code)
{
    size_t n = strlen(code);
    if (n > ORUN_TASK_CODE)
        luaL_error(L, "orun_start: lua has %zu bytes; at most %d may be", n,
                   ORUN_TASK_CODE);
    if (luaL_loadbufferx(L, code, n, "=task", "t") != LUA_OK)
        luaL_error(L, "orun_start: lua: %s", lua_tostring(L, -1));
    lua_setfield(L, -2, "run");
}

static void
orun_task_set_after(lua_State *L, const orun_task *t)
{
    char name[HANDLE_ID_SIZE];
    lua_createtable(L, (int)t->after_count, 0);
    for (size_t i = 0; i < t->after_count; i++) {
        handle_name(t->after[i], name);
        lua_pushstring(L, name);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "blockedBy");
}

/* ( -- fields ) */
static void
orun_task_push(lua_State *L, const orun_task *t)
{
    lua_createtable(L, 0, 8);
    orun_task_set(L, "subagent_type", t->agent);
    orun_task_set(L, "description", t->description);
    if (t->argv)
        orun_task_set_command(L, t->argv);
    if (t->lua)
        orun_task_set_code(L, t->lua);
    if (t->prompt) {
        lua_pushlstring(L, t->prompt,
                        t->prompt_size ? t->prompt_size : strlen(t->prompt));
        lua_setfield(L, -2, "prompt");
    }
    if (t->after_count)
        orun_task_set_after(L, t);
    if (t->timeout != 0) {
        lua_pushnumber(L, t->timeout);
        lua_setfield(L, -2, "timeout");
    }
}

/* Protected; argument 1: an OrunTask. */
static int
orun_task_body(lua_State *L)
{
    OrunTask *call = lua_touserdata(L, 1);
    const orun_task *t = call->given;
    module_push(L, "orun.control.host");
    orun_task_push(L, t);
    lua_pushstring(L, t->options);
    lua_pushstring(L, t->input);
    lua_call(L, 3, 1);
    if (lua_type(L, -1) != LUA_TTABLE)
        return 0; /* shutting down */
    lua_getfield(L, -1, "id");
    call->task = board_held(call->board, handle_parse(lua_tostring(L, -1)));
    return 0;
}

/* Is what no JSON says as it must be? */
static int
orun_task_check(orun *o, const orun_task *given, orun_task *t)
{
    static const char fn[] = "orun_start";
    *t = (orun_task){ .size = sizeof *t };
    if (!given)
        return api_error_set(o, ORUN_EINVAL, "%s: task is NULL", fn);
    if (!api_struct_read(t, sizeof *t, given,
                         offsetof(orun_task, agent) + sizeof t->agent))
        return api_error_set(o, ORUN_EINVAL,
                             "%s: task->size is %zu, and this library knows "
                             "%zu bytes; set it to sizeof(orun_task), and what "
                             "is newer than the library to 0",
                             fn, given->size, sizeof *t);
    if (!t->prompt && t->prompt_size)
        return api_error_set(o, ORUN_EINVAL,
                             "%s: prompt is NULL, and prompt_size is %zu", fn,
                             t->prompt_size);
    if (t->prompt_size > (size_t)INT_MAX)
        return api_error_set(o, ORUN_EINVAL,
                             "%s: prompt_size is %zu; at most 16 MiB may be",
                             fn, t->prompt_size);
    if ((!t->after && t->after_count) || t->after_count > ORUN_TASK_AFTER)
        return api_error_set(o, ORUN_EINVAL,
                             "%s: after is %s, and after_count is %zu; at most "
                             "%d may be",
                             fn, t->after ? "given" : "NULL", t->after_count,
                             ORUN_TASK_AFTER);
    for (size_t i = 0; i < t->after_count; i++)
        if (!orun_task_find(&o->run.sched->board, t->after[i]))
            return orun_task_unknown(o, "orun_start: after", t->after[i]);
    return 0;
}

/* Start it, and note it. */
static int
orun_task_start(orun *o, const orun_task *t, uint64_t *id)
{
    OrunTask call = { .given = t, .board = &o->run.sched->board };
    Buf why = { 0 };
    int refused = 0, e = host_ready(&o->host);
    HostTask *note = e ? NULL : mem_zalloc(1, sizeof *note);
    if (!note)
        return orun_refuse(o, ORUN_ENOMEM, "orun_start");
    note->done = t->done;
    note->more = t->more;
    note->ud = t->ud;
    e = host_guest_call(&o->host, o->engine, orun_task_body, &call, &refused,
                        &why);
    if (call.task) {
        *id = call.task->id;
        host_add(&o->host, note, call.task);
        buf_free(&why);
        return 0;
    }
    mem_free(note);
    if (e == 0)
        e = ORUN_ESHUTDOWN;
    if (e == ORUN_EFAILED)
        e = refused == ORUN_EBACKLOG || refused == ORUN_ENOMEM ? refused
                                                               : ORUN_EINVAL;
    if (why.n)
        api_error_set(o, e, "%s", buf_cstr(&why));
    else
        orun_refuse(o, e, "orun_start");
    buf_free(&why);
    return e;
}

int
orun_start(orun *o, const orun_task *task, uint64_t *id)
{
    orun_task t;
    int e = orun_hold(o, "orun_start");
    if (e)
        return e;
    epoch_enter();
    e = id ? orun_task_check(o, task, &t)
           : api_error_set(o, ORUN_EINVAL, "orun_start: id is NULL");
    if (e == 0)
        e = orun_keep_start(o);
    if (e == 0)
        e = orun_task_start(o, &t, id);
    epoch_leave();
    api_guard_unhold(&o->guard);
    return e;
}

/* ---- waiting ---- */

static int
orun_task_timeout(orun *o, const char *fn, double timeout)
{
    if (!isnan(timeout))
        return 0;
    return api_error_set(o, ORUN_EINVAL,
                         "%s: timeout is not a number; expected seconds, or "
                         "less than 0: for ever",
                         fn);
}

int
orun_wait(orun *o, uint64_t id, double timeout)
{
    static const char fn[] = "orun_wait";
    int e = orun_hold(o, fn);
    if (e)
        return e;
    epoch_enter();
    Task *t = orun_task_find(&o->run.sched->board, id);
    e = t ? orun_task_timeout(o, fn, timeout) : orun_task_unknown(o, fn, id);
    if (e == 0 && (e = host_wait(&o->host, t, timeout)) != 0)
        orun_refuse(o, e, fn);
    epoch_leave();
    api_guard_unhold(&o->guard);
    return e;
}

int
orun_next(orun *o, double timeout, uint64_t *id)
{
    static const char fn[] = "orun_next";
    int e = orun_hold(o, fn);
    if (e)
        return e;
    e = id ? orun_task_timeout(o, fn, timeout)
           : api_error_set(o, ORUN_EINVAL, "%s: id is NULL", fn);
    if (e == 0 && (e = host_next(&o->host, timeout, id)) == ORUN_ENOENT)
        api_error_set(o, e,
                      "%s: every task that was started without `done` has been "
                      "told of",
                      fn);
    else if (e && e != ORUN_EINVAL)
        orun_refuse(o, e, fn);
    api_guard_unhold(&o->guard);
    return e;
}

/* ---- ending ---- */

int
orun_stop(orun *o, uint64_t id)
{
    static const char fn[] = "orun_stop";
    int e = orun_hold(o, fn);
    if (e)
        return e;
    epoch_enter();
    Task *t = orun_task_find(&o->run.sched->board, id);
    if (!t)
        e = orun_task_unknown(o, fn, id);
    else if ((e = lifecycle_cancel(o->run.sched, t)) != 0)
        api_error_set(o, e, "%s: task %llu had ended already: it is %s", fn,
                      (unsigned long long)id, task_state_name(t->state));
    epoch_leave();
    api_guard_unhold(&o->guard);
    return e;
}

/* Forget t, if it may be. */
static int
orun_task_forget(orun *o, Task *t)
{
    Sched *s = o->run.sched;
    uint64_t id = t->id;
    sched_lock(s);
    int e = forget_refusal(t);
    if (e == 0) {
        forget(s, t, TASK_FORGOTTEN);
        host_told(&o->host, id);
    }
    const char *state = task_state_name(t->state);
    board_unlock(&s->board);
    if (e == 0)
        return 0;
    return api_error_set(o, ORUN_ESTATE,
                         e == ORUN_EBLOCKED
                             ? "orun_forget: task %llu (%s) is stuck in a C "
                               "function, which may still use what it has"
                             : "orun_forget: task %llu is %s; only one that "
                               "has ended can be forgotten",
                         (unsigned long long)id, state);
}

int
orun_forget(orun *o, uint64_t id)
{
    int e = orun_hold(o, "orun_forget");
    if (e)
        return e;
    epoch_enter();
    Task *t = orun_task_find(&o->run.sched->board, id);
    e = t ? orun_task_forget(o, t) : orun_task_unknown(o, "orun_forget", id);
    epoch_leave();
    if (e == 0)
        forget_sweep(o->run.sched);
    api_guard_unhold(&o->guard);
    return e;
}
