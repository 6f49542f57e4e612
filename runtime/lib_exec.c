/* lib_exec.c — orun.exec: run a program, wait, get what it printed. Layer 7.
 *
 * The Program is in a box on the stack while its caller waits.
 */
#include "err.h"
#include "lib_arg.h"
#include "lib_program.h"
#include "lib_task.h"
#include "secret.h"
#include <errno.h>
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>

#define LIB_EXEC_FIELDS(X) \
    X(command) X(cwd) X(env) X(expose) X(input) X(max_output) X(timeout)

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

/* Set field `key` to at most `max` bytes of an output. */
static bool
lib_exec_text(lua_State *L, const char *key, Program *p, Output *o, size_t max)
{
    bool cut = o && output_copy(o, max, &p->text);
    if (buf_failed(&p->text))
        luaL_error(L, "exec: %s", err_text(ORUN_ENOMEM));
    lua_pushlstring(L, buf_cstr(&p->text), p->text.n);
    lua_setfield(L, -2, key);
    buf_free(&p->text);
    return cut;
}

/* Why it did not go well, "" when it did: the program's end, or what it printed
 * could not be kept. */
static void
lib_exec_why(const Program *p, const Outcome *o, char *why, size_t size)
{
    const char *text = o->error;
    if (!text && o->state != TASK_COMPLETED)
        text = err_text(ORUN_ENOMEM);
    if (!text && p->out)
        text = output_error(p->out);
    if (!text && p->err)
        text = output_error(p->err);
    snprintf(why, size, "%s", text ? text : "");
}

static void
lib_exec_push(lua_State *L, Program *p, const char *program, size_t max,
              bool timed_out)
{
    Outcome o = { .code = -1 };
    char why[LAUNCH_STDERR + 512] = "";
    agent_took(task_agent(park_run(L)->task), p->end.max_rss);
    launch_judge(&p->end, program, p->err, &o);
    secret_mask_string(&o.error);
    lib_exec_why(p, &o, why, sizeof why);
    outcome_clear(&o);
    bool ok = !*why && !timed_out;
    TaskFault fault = FAULT_NONE;
    if (timed_out)
        fault = FAULT_TIMEOUT;
    else if (p->end.spawn_errno)
        fault = FAULT_SPAWN;
    else if (p->end.signal || p->end.code > 0)
        fault = p->end.signal ? FAULT_SIGNAL : FAULT_EXIT;
    else if (!ok)
        fault = FAULT_LOST;
    lua_createtable(L, 0, 8);
    if (p->end.code >= 0 && !p->end.spawn_errno) {
        lua_pushinteger(L, p->end.code);
        lua_setfield(L, -2, "code");
    }
    if (p->end.signal) {
        lua_pushinteger(L, p->end.signal);
        lua_setfield(L, -2, "signal");
    }
    if (!ok) {
        lua_pushstring(L, timed_out ? "timed out" : why);
        lua_setfield(L, -2, "error");
        lua_pushstring(L, task_fault_name(fault));
        lua_setfield(L, -2, "error_kind");
    }
    lua_pushnumber(L, p->end.wall);
    lua_setfield(L, -2, "duration");
    if (lib_exec_text(L, "stderr", p, p->err, max)) {
        lua_pushstring(L, output_path(p->err));
        lua_setfield(L, -2, "stderr_file");
    }
    if (lib_exec_text(L, "stdout", p, p->out, max)) {
        lua_pushstring(L, output_path(p->out));
        lua_setfield(L, -2, "output_file");
        lua_pushboolean(L, 1);
        lua_setfield(L, -2, "truncated");
    }
}

/* On top of the stack the box, below it the most bytes to give and the name;
 * ctx: whether the time was up and the program is being ended. */
static int
lib_exec_waited(lua_State *L, int status, lua_KContext ctx)
{
    Program *p = *lib_program_at(L, -1);
    size_t max = (size_t)lua_tointeger(L, -2);
    (void)status;
    if (park_outcome(L) == WAIT_TIMED_OUT) {
        program_stop(p, false);
        return lib_program_wait(L, p, INFINITY, lib_exec_waited, 1);
    }
    lib_exec_push(L, p, lua_tostring(L, -3), max, ctx != 0);
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

int
lib_exec(lua_State *L)
{
    const char *fn = "exec";
    LuaRun *run = park_run(L);
    if (lua_type(L, 1) == LUA_TSTRING)
        lib_exec_plain(L);
    arg_frame(L, fn, lib_exec_fields, X_COUNT, false);
    const char **argv = lib_exec_argv(L);
    LaunchSpec spec = { .argv = argv, .task = run->task->id };
    spec.cwd = arg_text(L, fn, "cwd", ARG(X_cwd), 4096);
    spec.in = arg_string(L, fn, "input", ARG(X_input), SIZE_MAX, &spec.in_len);
    lib_check_env(L, fn, ARG(X_env));
    lib_check_exposed(L, fn, ARG(X_command), ARG(X_expose));
    double timeout = arg_duration(L, fn, "timeout", ARG(X_timeout), false,
                                  INFINITY);
    size_t max = arg_size(L, fn, "max_output", ARG(X_max_output));
    max = max ? max : LIB_EXEC_KEEP;
    park_check(L, fn);
    lua_pushstring(L, argv[0]);
    lua_pushinteger(L, (lua_Integer)max);
    Program **box = lib_program_push(L);
    bool failed = false;
    char **env = lib_env(L, ARG(X_env), &failed);
    spec.env = env;
    spec.keep = max < LIB_EXEC_KEEP ? max : LIB_EXEC_KEEP;
    int e = failed ? ORUN_ENOMEM : program_start(run, &spec, box);
    task_strings_free(env);
    if (e) {
        Buf text = { 0 };
        LibWhy why;
        launch_put_refusal(argv[0], e, &text);
        lib_why(&why, fn, &text);
        return luaL_error(L, "%s", why.text);
    }
    return lib_program_wait(L, *box, board_now(&run->sched->board) + timeout,
                            lib_exec_waited, 0);
}
