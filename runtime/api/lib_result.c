/* lib_result.c — TaskOutput, TaskStop, dismiss: results. */
#include "api/lib_result.h"
#include "api/lib_arg.h"
#include "api/lib_limit.h"
#include "api/lib_names.h"
#include "api/lib_orun.h"
#include "api/lib_output.h"
#include "api/lib_related.h"
#include "api/lib_report.h"
#include "base/err.h"
#include "engine/engine.h"
#include "process/launch.h"
#include "runner/run_process.h"
#include "sched/forget.h"
#include "sched/lifecycle.h"
#include "value/field.h"
#include "value/unread.h"
#include "value/value.h"
#include "vm/handle.h"
#include "vm/task_result.h"
#include <lauxlib.h>
#include <math.h>

void
lib_where(lua_State *L, Task *t)
{
    lua_Debug ar;
    LuaRun *run = park_run(L);
    if (run->line) {
        t->line = run->line;
        t->file = run->file;
    } else if (park_line(L, &ar)) {
        t->line = ar.currentline;
        t->file = engine_intern(run->engine, ar.short_src);
    }
}

typedef struct LibSeen {
    TaskState state;
    uint32_t attempt;
    double duration;
} LibSeen;

/* Somebody reads the result of t, which is final. */
static void
lib_tell_read(const LuaRun *run, const Task *t)
{
    Board *b = &run->sched->board;
    const Value *output = t->outcome.output;
    if (!b->events)
        return;
    board_lock(b);
    event_add(b,
              (Event){ .kind = EVENT_READ,
                       .task = t->id,
                       .other = run->task->id,
                       .n = output ? value_content(output) : 0 });
    board_unlock(b);
}

static LibSeen
lib_see(Sched *s, Task *t, LibOutput *live)
{
    if (task_final(t))
        return (LibSeen){ t->state, t->attempt, t->took };
    sched_lock(s);
    bool final = task_final(t);
    LibSeen seen = {
        .state = t->state,
        .attempt = t->attempt,
        .duration = final ? t->took : 0,
    };
    if (!final && t->attempt)
        seen.duration = board_now(&s->board) - t->started;
    if (!final && live)
        live->output = run_process_live(t, false);
    board_unlock(&s->board);
    return seen;
}

/* How many fields the result will have, as far as is known without the lock:
 * tables are cheaper in the right size. */
static int
lib_result_fields(Task *t)
{
    const Outcome *o = task_final(t) ? &t->outcome : NULL;
    int n = 5 + (t->description != NULL);
    return o ? n + (o->output != NULL) + (o->error ? 3 : 0) : n + 1;
}

void
lib_hide_failure(lua_State *L, Task *t)
{
    static const char *const names[] = {
        "status",      "ok",        "error",     "error_kind",
        "error_value", "traceback", "exit_code", "signal",
    };
    if (!t->read)
        unread_hide(L, -1, names, countof(names), &t->read, false);
}

/* The result of t, which is not to be kept, has been read. That of a failure is
 * kept until somebody has looked at it. */
static void
lib_forget_read(Sched *s, Task *t)
{
    sched_lock(s);
    forget_read(s, t);
    board_unlock(&s->board);
}

void
lib_push_result(lua_State *L, Task *t, bool timed_out)
{
    LibOutput *live = NULL;
    luaL_checkstack(L, 12, NULL);
    lua_createtable(L, 0, lib_result_fields(t));
    if (agent_prints(t)) {
        live = lib_output_box(L);
        lua_insert(L, -2);
    }
    LibSeen seen = lib_see(park_run(L)->sched, t, live);
    handle_push_id(L, t);
    lua_setfield(L, -2, "task_id");
    field_set_string(L, "description", t->description);
    field_set_string(L, "status", task_state_name(seen.state));
    field_set_boolean(L, "ok", seen.state == TASK_COMPLETED);
    field_set_integer(L, "attempts", seen.attempt);
    field_set_number(L, "duration", seen.duration);
    if (seen.state >= TASK_COMPLETED) {
        lib_tell_read(park_run(L), t);
        task_result_set(L, t);
    } else if (live && live->output) {
        lib_output_push(L, live,
                        t->opt && t->opt->max_output ? t->opt->max_output
                                                     : LAUNCH_RESULT);
        lua_setfield(L, -2, "output");
    }
    if (seen.state == TASK_READY)
        lib_push_reason(L, park_run(L)->sched, t);
    if (t->report)
        lib_report_push(L, park_run(L)->sched, t);
    if (timed_out)
        field_set_boolean(L, "timed_out", true);
    if (live)
        lua_remove(L, -2);
    if (seen.state == TASK_FAILED)
        lib_hide_failure(L, t);
    if (seen.state >= TASK_COMPLETED && t->opt && t->opt->once)
        lib_forget_read(park_run(L)->sched, t);
}

static int lib_await_until(lua_State *L, Task *t, const WaitFor *what);

/* A `finally` that waits for the task whose call waits for it is refused when
 * it comes second; when it came first, the call does not wait for it. */
static int
lib_awaited(lua_State *L, int status, lua_KContext ctx)
{
    Task *t = (Task *)ctx, *until = park_run(L)->want.task;
    Sched *s = park_run(L)->sched;
    (void)status;
    sched_lock(s);
    board_drop(t);
    board_drop(until);
    board_unlock(&s->board);
    int outcome = park_outcome(L);
    if (outcome == WAIT_CYCLE && until != t) /* its `finally` waits for us */
        return lib_await(L, "Task", t, INFINITY);
    if (outcome == WAIT_CYCLE) {
        WaitFor what = park_run(L)->want;
        lib_related_cycle(L, &what);
        return lib_await_until(L, t, &what);
    }
    if (outcome == WAIT_DEADLOCK) {
        char id[HANDLE_ID_SIZE];
        handle_name(t->id, id);
        return luaL_error(L,
                          "TaskOutput: %s can never end: nothing is running "
                          "or due that could finish it%s",
                          id,
                          t->kind == TASK_ITEM
                              ? " (it is an item of the list, and nobody claims"
                                " it)"
                              : "");
    }
    lib_push_result(L, t, outcome == WAIT_TIMED_OUT);
    return 1;
}

/* Are both needed from now on? */
static bool
lib_await_hold(Sched *s, Task *t, Task *until)
{
    sched_lock(s);
    bool held = board_hold(t);
    if (held && !board_hold(until)) {
        board_drop(t);
        held = false;
    }
    board_unlock(&s->board);
    return held;
}

/* Wait, for t or for what follows its end, and return the result of t. */
static int
lib_await_until(lua_State *L, Task *t, const WaitFor *what)
{
    LuaRun *run = park_run(L);
    if (task_final(what->task)) {
        lib_push_result(L, t, false);
        return 1;
    }
    park_check(L, what->fn);
    if (t == run->task)
        return luaL_error(L, "%s: deadlock: the task would wait for itself",
                          what->fn);
    if (!lib_await_hold(run->sched, t, what->task))
        return luaL_error(L, "%s: %s", what->fn, err_text(ORUN_ENOMEM));
    return park(L, what, lib_awaited, (lua_KContext)t);
}

int
lib_await(lua_State *L, const char *fn, Task *t, double deadline)
{
    WaitFor what = {
        .kind = WAIT_FOR_TASK, .task = t, .deadline = deadline, .fn = fn
    };
    if (t->removed) {
        lua_pushnil(L);
        lua_pushliteral(L, "removed");
        return 2;
    }
    return lib_await_until(L, t, &what);
}

int
lib_await_finally(lua_State *L, const char *fn, Task *t, Task *finally)
{
    WaitFor what = {
        .kind = WAIT_FOR_TASK, .task = finally, .deadline = INFINITY, .fn = fn
    };
    return lib_await_until(L, t, &what);
}

static const char *const lib_output_fields[] = {
    "block",
    "task_id",
    "timeout",
};

/* Has the table at 1 this field? */
static bool
lib_output_has(lua_State *L, const char *field)
{
    lua_pushstring(L, field);
    bool has = lua_rawget(L, 1) != LUA_TNIL;
    lua_pop(L, 1);
    return has;
}

/* Is argument 1 the task itself (a handle, an id, a result, an entry of the
 * list), and not a table of options? */
static bool
lib_output_bare(lua_State *L)
{
    if (lua_type(L, 1) != LUA_TTABLE || handle_is(L, 1)
        || lib_output_has(L, "status") || unread_is(L, 1))
        return true;
    return lib_output_has(L, "id") && !lib_output_has(L, "task_id")
        && !lib_output_has(L, "block") && !lib_output_has(L, "timeout");
}

/* TaskOutput{task_id=, block=, timeout=}, TaskOutput(handle), TaskOutput(id) */
int
lib_task_output(lua_State *L)
{
    LuaRun *run = park_run(L);
    lib_names_id(L, "TaskOutput");
    if (lib_output_bare(L)) {
        if (lua_gettop(L) != 1)
            return luaL_error(L,
                              "TaskOutput: expected one task, got %d "
                              "arguments; options go into the table: "
                              "TaskOutput{task_id=, timeout=}",
                              lua_gettop(L));
        return lib_await(L, "TaskOutput",
                         arg_task(L, "TaskOutput", "task_id", 1), INFINITY);
    }
    arg_frame(L, "TaskOutput", lib_output_fields, 3, false);
    if (!arg_given(L, ARG(1)))
        return luaL_error(L,
                          "TaskOutput: task_id is missing; it is the id of "
                          "the handle that Task gave");
    Task *t = arg_task(L, "TaskOutput", "task_id", ARG(1));
    bool block = arg_bool(L, "TaskOutput", "block", ARG(0), true);
    double timeout = arg_duration(L, "TaskOutput", "timeout", ARG(2), true,
                                  INFINITY);
    if (!block && !t->removed) {
        lib_push_result(L, t, false);
        return 1;
    }
    return lib_await(L, "TaskOutput", t,
                     board_now(&run->sched->board) + timeout);
}

static const char *const lib_stop_fields[] = { "task_id" };

int
lib_task_stop(lua_State *L)
{
    LuaRun *run = park_run(L);
    Task *t;
    lua_settop(L, 1);
    lib_names_id(L, "TaskStop");
    if (lua_type(L, 1) == LUA_TTABLE) {
        lua_pushliteral(L, "id");
        lua_rawget(L, 1);
    } else {
        lua_pushvalue(L, 1);
    }
    bool bare = !lua_isnil(L, -1) || lua_type(L, 1) != LUA_TTABLE;
    lua_pop(L, 1);
    if (bare) {
        t = arg_task(L, "TaskStop", "task_id", 1);
        lib_related_must(L, "TaskStop", t, 1);
    } else {
        arg_frame(L, "TaskStop", lib_stop_fields, 1, false);
        if (!arg_given(L, ARG(0)))
            return luaL_error(L, "TaskStop: task_id is missing");
        t = arg_task(L, "TaskStop", "task_id", ARG(0));
        lib_related_must(L, "TaskStop", t, ARG(0));
    }
    if (lifecycle_cancel(run->sched, t) == 0) {
        lua_pushboolean(L, 1);
        return 1;
    }
    LibSeen seen = lib_see(run->sched, t, NULL);
    lua_pushnil(L);
    lua_pushfstring(L, "the task is no longer running: it is %s",
                    task_state_name(seen.state));
    lua_pushliteral(L, "already_resolved");
    return 3;
}

/* dismiss(task): however it ends, its failure is not for the script to look at,
 * for instance because another task of a race has won. */
int
lib_dismiss(lua_State *L)
{
    arg_task(L, "dismiss", "task", 1)->read = true;
    return 0;
}
