/* lib_exec.c — orun.exec: run a program, wait, get what it printed.
 *
 * The Program is in a box on the stack while its caller waits.
 */
#include "api/lib_arg.h"
#include "api/lib_command.h"
#include "api/lib_orun.h"
#include "api/lib_program.h"
#include "api/lib_secret.h"
#include "api/lib_stream.h"
#include "base/err.h"
#include "value/module.h"
#include <lauxlib.h>
#include <math.h>

/* clang-format off */
#define LIB_EXEC_FIELDS(X) \
    X(check) X(command) X(cwd) X(env) X(expose) X(files) X(input) \
    X(max_output) X(stream) X(timeout) X(transcript)
/* clang-format on */

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

enum {
    LIB_EXEC_KEEP = 1 << 20, /* bytes given back by default */
    LIB_EXEC_FILES = 100,    /* of one program */
    LIB_EXEC_NAME = 64,      /* bytes of a file's name */
};

/* A call whose arguments are checked. What its pointers point to is on the
 * stack below it. */
typedef struct LibExec {
    LaunchSpec spec;
    double timeout;
    size_t max; /* bytes to give back */
    bool stream, shown, check;
} LibExec;

/* Field `from` of the table below the top becomes `to` of the one on top. */
static void
lib_exec_tell(lua_State *L, const char *from, const char *to)
{
    lua_getfield(L, -2, from);
    lua_setfield(L, -2, to);
}

/* On top of the stack the box, below it the most bytes to give and the name. */
static int
lib_exec_waited(lua_State *L, int status, lua_KContext ctx)
{
    Program *p = *lib_program_at(L, -1);
    size_t max = (size_t)lua_tointeger(L, -2);
    (void)status;
    (void)ctx;
    park_outcome(L);
    lib_program_push_end(L, p, lua_tostring(L, -3), max);
    return 1;
}

/* The same with check = true: push what it printed, or raise as orun.fail
 * does. */
static int
lib_exec_checked(lua_State *L, int status, lua_KContext ctx)
{
    lib_exec_waited(L, status, ctx);
    bool fine = lua_getfield(L, -1, "error") == LUA_TNIL;
    lua_pop(L, 1);
    if (fine)
        return lua_getfield(L, -1, "output"), 1;
    lua_createtable(L, 0, 3);
    lib_exec_tell(L, "error", "message");
    lib_exec_tell(L, "error_kind", "kind");
    lib_exec_tell(L, "output", "partial");
    module_push(L, "orun.fail");
    lua_insert(L, -2);
    lua_call(L, 1, 0);
    return 0;
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
        luaL_error(L,
                   "exec: command is missing: an array such as {\"ls\", "
                   "\"-l\"}");
    lua_Integer n = lib_check_command(L, "exec", ARG(X_command));
    lib_command_strings(L, ARG(X_command), n);
    int strings = lua_gettop(L);
    const char **argv = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *argv, 0);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, strings, i);
        argv[i - 1] = lua_tostring(L, -1); /* anchored by the table */
        lua_pop(L, 1);
    }
    argv[n] = NULL;
    return argv;
}

/* The name on the stack below the top, checked. */
static const char *
lib_exec_file_name(lua_State *L)
{
    size_t n = 0;
    const char *s = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &n)
                                                   : "";
    if (n == 0 || n > LIB_EXEC_NAME
        || strspn(s, "abcdefghijklmnopqrstuvwxyz_") != n)
        luaL_error(L,
                   "exec: files has the name %s; a name has the letters a-z "
                   "and _, at most %d, such as {config = text}",
                   arg_show(L, -2), LIB_EXEC_NAME);
    return s;
}

/* Does a variable of `env` hold {name}? */
static bool
lib_exec_env_mentions(lua_State *L, const char *name)
{
    bool found = false;
    if (!arg_given(L, ARG(X_env)))
        return false;
    for (lua_pushnil(L); lua_next(L, ARG(X_env)); lua_pop(L, 1)) {
        const char *value[] = { NULL, NULL };
        if (lua_type(L, -1) == LUA_TSTRING)
            value[0] = lua_tostring(L, -1);
        found |= launch_mentions(value, name);
    }
    return found;
}

/* Check `files` and push an array of them, whose texts the table keeps. */
static LaunchFile *
lib_exec_files(lua_State *L, const char *const *argv, size_t *count)
{
    int t = ARG(X_files);
    *count = 0;
    if (!arg_given(L, t))
        return NULL;
    if (lua_type(L, t) != LUA_TTABLE)
        arg_error(L, "exec", "files", t, "expected a table {name = text}");
    LaunchFile *files = lua_newuserdatauv(L, LIB_EXEC_FILES * sizeof *files, 0);
    for (lua_pushnil(L); lua_next(L, t); lua_pop(L, 1)) {
        LaunchFile f = { .name = lib_exec_file_name(L) };
        if (lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L,
                       "exec: files.%s is a %s; expected its text, a "
                       "string",
                       f.name, luaL_typename(L, -1));
        f.text = lua_tolstring(L, -1, &f.size);
        if (!launch_mentions(argv, f.name) && !lib_exec_env_mentions(L, f.name))
            luaL_error(L,
                       "exec: no argument says {%s}, which becomes the path "
                       "of the file; write it in command or in a value of env, "
                       "or leave files.%s out",
                       f.name, f.name);
        if (*count == LIB_EXEC_FILES)
            luaL_error(L, "exec: files has more than %d entries",
                       LIB_EXEC_FILES);
        files[(*count)++] = f;
    }
    return files;
}

/* Start it, in the box on top; raises when it cannot even be tried. */
static void
lib_exec_start(lua_State *L, LaunchSpec *spec, double timeout, Program **box)
{
    LuaRun *run = park_run(L);
    bool failed = false;
    char **env = arg_env(L, ARG(X_env), &failed);
    spec->env = env;
    int e = failed ? ORUN_ENOMEM : program_start(run, spec, timeout, box);
    task_strings_free(env);
    if (!e)
        return;
    Buf text = { 0 };
    LibWhy why;
    launch_put_refusal(spec->argv[0], e, &text);
    lib_why(&why, "exec", &text);
    luaL_error(L, "%s", why.text);
}

/* Check the call's arguments and push a LibExec of them. */
static void
lib_exec_read(lua_State *L)
{
    const char *fn = "exec";
    const LuaRun *run = park_run(L);
    LibExec x = { .spec = { .task = run->task->id, .attempt = run->attempt } };
    LaunchSpec *spec = &x.spec;
    spec->argv = lib_exec_argv(L);
    spec->cwd = arg_text(L, fn, "cwd", ARG(X_cwd), 4096);
    spec->in = arg_string(L, fn, "input", ARG(X_input), SIZE_MAX,
                          &spec->in_len);
    arg_check_env(L, fn, ARG(X_env));
    lib_check_exposed(L, fn, ARG(X_command), ARG(X_expose));
    spec->files = lib_exec_files(L, spec->argv, &spec->file_count);
    x.timeout = arg_duration(L, fn, "timeout", ARG(X_timeout), false, INFINITY);
    x.max = arg_size(L, fn, "max_output", ARG(X_max_output));
    x.max = x.max ? x.max : LIB_EXEC_KEEP;
    x.stream = arg_bool(L, fn, "stream", ARG(X_stream), false);
    x.shown = arg_bool(L, fn, "transcript", ARG(X_transcript), false);
    x.check = arg_bool(L, fn, "check", ARG(X_check), false);
    if (x.check && x.stream)
        luaL_error(L,
                   "exec: check = true is for a program whose end is waited "
                   "for; with stream, look at the error of what wait() gives");
    if (x.shown && vm_of(L)->script)
        luaL_error(L,
                   "exec: transcript is for code that a task runs; the "
                   "script is not a task");
    size_t keep = x.stream ? LAUNCH_KEEP : LIB_EXEC_KEEP;
    spec->keep = x.max < keep ? x.max : keep;
    *(LibExec *)lua_newuserdatauv(L, sizeof x, 0) = x;
}

static int lib_exec_queued(lua_State *L, int status, lua_KContext ctx);

/* Start the program of the LibExec on top, once there is a slot for it. */
static int
lib_exec_go(lua_State *L)
{
    const LibExec *x = lua_touserdata(L, -1);
    LaunchSpec spec = x->spec;
    const char *name = spec.argv[0];
    if (!lib_program_may_start(L))
        return lib_program_queue(L, lib_exec_queued);
    lua_pushstring(L, name);
    lua_pushinteger(L, (lua_Integer)x->max);
    Program **box = x->stream ? lib_stream_push(L, name, x->max)
                              : lib_program_push(L);
    lib_exec_start(L, &spec, x->timeout, box);
    if (x->shown)
        program_show(park_run(L), *box);
    if (x->stream)
        return lib_stream_begin(L);
    return lib_program_wait(L, *box,
                            x->check ? lib_exec_checked : lib_exec_waited);
}

/* It has waited for a slot. */
static int
lib_exec_queued(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    (void)ctx;
    park_outcome(L);
    return lib_exec_go(L);
}

int
lib_exec(lua_State *L)
{
    if (lua_type(L, 1) == LUA_TSTRING)
        lib_exec_plain(L);
    arg_frame(L, "exec", lib_exec_fields, X_COUNT, false);
    lib_exec_read(L);
    park_check(L, "exec");
    return lib_exec_go(L);
}
