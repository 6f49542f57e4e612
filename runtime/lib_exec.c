/* lib_exec.c — orun.exec: run a program, wait, get what it printed. Layer 7.
 *
 * A call is shared by Lua (a userdata on the stack while it waits) and the io
 * thread; the last of the two frees it. When the waiting task is stopped, the
 * userdata's finalizer ends the program.
 */
#include "err.h"
#include "host.h"
#include "launch.h"
#include "lib_arg.h"
#include "lib_task.h"
#include "mem.h"
#include <errno.h>
#include <lauxlib.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>

#define LIB_EXEC_FIELDS(X) \
    X(command) X(cwd) X(env) X(input) X(max_output) X(timeout)

enum {
#define X(name) X_##name,
    LIB_EXEC_FIELDS(X)
#undef X
    X_COUNT
};

static const char *const lib_exec_fields[] = {
#define X(name) #name,
    LIB_EXEC_FIELDS(X)
#undef X
};

enum { LIB_EXEC_KEEP = 1 << 20 }; /* bytes given back by default */

typedef struct ExecCall {
    Sched *sched;
    Launch *launch;
    atomic_int refs;
    char *program;
    size_t max;
    Op op;         /* its `done` is guarded by the board's lock */
    ProcEnd end;   /* valid once done */
    Output *out, *err;
} ExecCall;

static void
lib_exec_unref(ExecCall *c)
{
    if (atomic_fetch_sub(&c->refs, 1) != 1)
        return;
    output_drop(c->out);
    output_drop(c->err);
    mem_free(c->program);
    mem_free(c);
}

static void
lib_exec_done(Launch *l, const ProcEnd *end, void *ud)
{
    ExecCall *c = ud;
    c->end = *end;
    c->out = output_hold(launch_out(l));
    c->err = output_hold(launch_err(l));
    sched_lock(c->sched);
    c->launch = NULL;
    op_done(&c->op);
    sched_unlock(c->sched);
    launch_free(l);
    lib_exec_unref(c);
}

/* Ask for the end of a program nobody waits for any more. */
static void
lib_exec_abandon(ExecCall *c)
{
    sched_lock(c->sched);
    if (c->launch)
        launch_stop(c->launch);
    sched_unlock(c->sched);
}

static int
lib_exec_gc(lua_State *L)
{
    ExecCall **c = lua_touserdata(L, 1);
    if (*c) {
        lib_exec_abandon(*c);
        lib_exec_unref(*c);
    }
    *c = NULL;
    return 0;
}

/* Set field `key` to at most `max` bytes of an output. */
static bool
lib_exec_text(lua_State *L, const char *key, Output *o, size_t max)
{
    Buf text = { 0 };
    bool cut = o && output_copy(o, max, &text);
    luaL_Buffer b;
    /* A userdata would be needed to survive a memory error here; the bytes are
     * bounded by max and the state is about to end in that case. */
    char *to = luaL_buffinitsize(L, &b, text.n);
    memcpy(to, buf_cstr(&text), text.n);
    size_t n = text.n;
    buf_free(&text);
    luaL_pushresultsize(&b, n);
    lua_setfield(L, -2, key);
    return cut;
}

static void
lib_exec_push(lua_State *L, ExecCall *c, bool timed_out)
{
    Outcome o = { .code = -1 };
    LibWhy why = { "" };
    launch_judge(&c->end, c->program, c->err, &o);
    if (o.error)
        snprintf(why.text, sizeof why.text, "%s", o.error);
    outcome_clear(&o);
    bool ok = !*why.text && !timed_out;
    TaskFault fault = FAULT_NONE;
    if (timed_out)
        fault = FAULT_TIMEOUT;
    else if (c->end.spawn_errno)
        fault = FAULT_SPAWN;
    else if (c->end.lost)
        fault = FAULT_LOST;
    else if (!ok)
        fault = c->end.signal ? FAULT_SIGNAL : FAULT_EXIT;
    lua_createtable(L, 0, 8);
    if (c->end.code >= 0 && !c->end.spawn_errno) {
        lua_pushinteger(L, c->end.code);
        lua_setfield(L, -2, "code");
    }
    if (c->end.signal) {
        lua_pushinteger(L, c->end.signal);
        lua_setfield(L, -2, "signal");
    }
    if (!ok) {
        lua_pushstring(L, timed_out ? "timed out" : why.text);
        lua_setfield(L, -2, "error");
        lua_pushstring(L, task_fault_name(fault));
        lua_setfield(L, -2, "error_kind");
    }
    lua_pushnumber(L, c->end.wall);
    lua_setfield(L, -2, "duration");
    lib_exec_text(L, "stderr", c->err, c->max);
    if (lib_exec_text(L, "stdout", c->out, c->max)) {
        lua_pushstring(L, output_path(c->out));
        lua_setfield(L, -2, "output_file");
        lua_pushboolean(L, 1);
        lua_setfield(L, -2, "truncated");
    }
}

/* ctx: whether the time was up and the program is being ended. */
static int
lib_exec_waited(lua_State *L, int status, lua_KContext ctx)
{
    ExecCall *c = *(ExecCall **)lua_touserdata(L, -1);
    (void)status;
    int outcome = park_outcome(L);
    if (outcome == WAIT_TIMED_OUT) {
        WaitFor what = { .kind = WAIT_FOR_OP, .op = &c->op,
                         .deadline = INFINITY };
        lib_exec_abandon(c);
        return park(L, &what, lib_exec_waited, 1);
    }
    lib_exec_push(L, c, ctx != 0);
    return 1;
}

/* exec("prog", "arg", …) becomes exec{command={"prog", "arg", …}}. */
static void
lib_exec_plain(lua_State *L)
{
    int n = lua_gettop(L);
    lua_createtable(L, n, 0);
    lua_insert(L, 1);
    for (int i = n; i >= 1; i--)
        lua_rawseti(L, 1, i);
    lua_createtable(L, 0, 1);
    lua_insert(L, 1);
    lua_setfield(L, 1, "command");
}

/* Check the command and put its strings into a userdata array on the stack. */
static const char **
lib_exec_argv(lua_State *L)
{
    if (!arg_given(L, ARG(X_command)))
        luaL_error(L, "exec: command is missing: an array such as {\"ls\", "
                   "\"-l\"}");
    lua_Integer n = lib_check_command(L, "exec", ARG(X_command));
    const char **argv = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *argv, 0);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, ARG(X_command), i);
        argv[i - 1] = lua_tostring(L, -1); /* anchored by the table */
        lua_pop(L, 1);
    }
    argv[n] = NULL;
    return argv;
}

/* Push the userdata that owns a new call. */
static ExecCall *
lib_exec_new(lua_State *L, const char *program, size_t max)
{
    ExecCall **box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = NULL;
    if (luaL_newmetatable(L, "orun.exec")) {
        lua_pushcfunction(L, lib_exec_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    ExecCall *c = *box = mem_zalloc(1, sizeof *c);
    if (!c)
        return luaL_error(L, "exec: %s", err_text(ORUN_ENOMEM)), NULL;
    atomic_init(&c->refs, 1);
    c->sched = park_run(L)->sched;
    c->max = max ? max : LIB_EXEC_KEEP;
    op_init(&c->op);
    c->program = mem_dup(program, strlen(program));
    if (!c->program)
        luaL_error(L, "exec: %s", err_text(ORUN_ENOMEM));
    return c;
}

int
lib_exec(lua_State *L)
{
    const char *fn = "exec";
    LuaRun *run = park_run(L);
    if (lua_type(L, 1) == LUA_TSTRING)
        lib_exec_plain(L);
    arg_frame(L, fn, lib_exec_fields, X_COUNT, false);
    const char **argv = lib_exec_argv(L);
    LaunchSpec spec = { .argv = argv, .task = run->task->id,
                        .done = lib_exec_done };
    spec.cwd = arg_text(L, fn, "cwd", ARG(X_cwd), 4096);
    spec.in = arg_string(L, fn, "input", ARG(X_input), SIZE_MAX, &spec.in_len);
    lib_check_env(L, fn, ARG(X_env));
    double timeout = arg_duration(L, fn, "timeout", ARG(X_timeout), false,
                                  INFINITY);
    size_t max = arg_size(L, fn, "max_output", ARG(X_max_output));
    park_check(L, fn);
    ExecCall *c = lib_exec_new(L, argv[0], max);
    bool failed = false;
    char **env = lib_env(L, ARG(X_env), &failed);
    spec.env = env;
    spec.keep = c->max;
    spec.ud = c;
    int e = failed ? ORUN_ENOMEM : launch_new(run->host, &spec, &c->launch);
    task_strings_free(env);
    if (e)
        return luaL_error(L, "exec: cannot start '%s': %s", argv[0],
                          e == ORUN_ESYS ? strerror(errno) : err_text(e));
    atomic_fetch_add(&c->refs, 1);
    launch_go(c->launch);
    WaitFor what = { .kind = WAIT_FOR_OP, .op = &c->op,
                     .deadline = board_now(&run->sched->board) + timeout };
    return park(L, &what, lib_exec_waited, 0);
}
