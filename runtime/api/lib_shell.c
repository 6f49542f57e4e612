/* lib_shell.c — os.execute and io.popen by way of the supervisor.
 *
 * They return what Lua's own return, but their programs are children like any
 * other: they, and what they leave in the background, end with the task (or
 * the script) that started them. Waiting for one gives the worker to others,
 * reading from one does not. A program inherits orun's standard output and
 * error, and in the script its input.
 *
 * A task in a process of its own has Lua's own two: that process is a child of
 * the supervisor, and all its descendants end with it.
 *
 * A file of popen holds the box of its program as user value: Lua closes a file
 * only once, and the wait for the program's end may raise.
 */
#include "api/lib_base.h"
#include "api/lib_program.h"
#include "base/err.h"
#include "base/order.h"
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lualib.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* How it ended, as luaL_execresult has it; a shell that could not be started is
 * the caller's error, as in C. */
static int
lib_shell_result(lua_State *L, const ProcEnd *end)
{
    errno = end->spawn_errno;
    if (errno)
        return luaL_fileresult(L, 0, NULL);
    int signo = end->lost ? SIGKILL : end->signal;
    return luaL_execresult(L, signo ? signo : W_EXITCODE(end->code, 0));
}

/* Copies of orun's standard descriptors: where `mine` has one it takes that. 0,
 * or -1 with errno and `mine` closed. */
static int
lib_shell_descriptors(lua_State *L, int fds[3], int place, int mine)
{
    int err = 0;
    for (int i = 0; i < 3; i++) {
        bool none = i == 0 && !vm_of(L)->script;
        fds[i] = i == place ? mine : none ? -1 : fcntl(i, F_DUPFD_CLOEXEC, 3);
        if (fds[i] < 0 && !none && errno != EBADF) /* EBADF: it is closed */
            err = errno;
    }
    if (err)
        launch_close(&(LaunchSpec){ .fds = fds });
    return err ? errno = err, -1 : 0;
}

/* Start a shell; its program is in the box. 0, or -1 with errno. */
static int
lib_shell_start(lua_State *L, const char *command, const int fds[3],
                Program **box)
{
    const char *argv[] = { "/bin/sh", "-c", command, "sh", NULL };
    LuaRun *run = park_run(L);
    LaunchSpec spec = { .argv = argv,
                        .fds = fds,
                        .keep = 1,
                        .lingers = true,
                        .task = run->task->id,
                        .attempt = run->attempt };
    fflush(stdout);
    order_keep(STDERR_FILENO); /* it prints for itself */
    int e = program_start(run, &spec, INFINITY, box);
    if (e == ORUN_ENOMEM)
        errno = ENOMEM;
    return e ? -1 : 0;
}

/* os.execute */

static int
lib_shell_executed(lua_State *L, int status, lua_KContext ctx)
{
    (void)status, (void)ctx;
    park_outcome(L);
    return lib_shell_result(L, &(*lib_program_at(L, -1))->end);
}

static int lib_shell_execute(lua_State *L);

/* It has waited for a slot. */
static int
lib_shell_execute_again(lua_State *L, int status, lua_KContext ctx)
{
    (void)status, (void)ctx;
    park_outcome(L);
    return lib_shell_execute(L);
}

static int
lib_shell_execute(lua_State *L)
{
    const char *command = luaL_optstring(L, 1, NULL);
    if (!command) {
        lua_pushboolean(L, access("/bin/sh", X_OK) == 0);
        return 1;
    }
    int fds[3];
    park_check(L, "os.execute");
    if (!lib_program_may_start(L))
        return lib_program_queue(L, lib_shell_execute_again);
    Program **box = lib_program_push(L);
    if (lib_shell_descriptors(L, fds, -1, -1) != 0
        || lib_shell_start(L, command, fds, box) != 0)
        return luaL_fileresult(L, 0, NULL);
    return lib_program_wait(L, *box, lib_shell_executed);
}

/* io.popen */

static int
lib_shell_closed(lua_State *L, int status, lua_KContext ctx)
{
    (void)status, (void)ctx;
    park_outcome(L);
    Program **box = lib_program_at(L, -1);
    ProcEnd end = (*box)->end;
    lib_program_clear(box);
    return lib_shell_result(L, &end);
}

/* A finalizer closes the file: the script waits for the program as Lua's own
 * does, with no more than its own thread; a task's program ends with it. */
static int
lib_shell_collected(lua_State *L, Program **box)
{
    LuaRun *run = park_run(L);
    if (vm_of(L)->script) {
        run->want = (WaitFor){ .kind = WAIT_FOR_OP,
                               .op = &(*box)->op,
                               .deadline = INFINITY };
        sched_lock(run->sched);
        park_script(run);
        sched_unlock(run->sched);
    }
    lib_program_clear(box);
    return 0;
}

static int
lib_shell_close(lua_State *L)
{
    luaL_Stream *file = lua_touserdata(L, 1);
    fclose(file->f);
    lua_settop(L, 1);
    lua_getiuservalue(L, 1, 1);
    Program **box = lib_program_at(L, 2);
    if (!*box)
        return 0;
    if (park_finalizing(L))
        return lib_shell_collected(L, box);
    return lib_program_wait(L, *box, lib_shell_closed);
}

/* A pipe whose one end is the file's and whose other end becomes descriptor
 * `place` of the program: that end, or -1 with errno. */
static int
lib_shell_pipe(luaL_Stream *file, int place)
{
    int pair[2];
    if (pipe2(pair, O_CLOEXEC) != 0)
        return -1;
    file->f = fdopen(pair[place == 0], place ? "r" : "w");
    if (file->f)
        return pair[place != 0];
    close(pair[0]);
    close(pair[1]);
    return -1;
}

static int lib_shell_popen(lua_State *L);

/* It has waited for a slot. */
static int
lib_shell_popen_again(lua_State *L, int status, lua_KContext ctx)
{
    (void)status, (void)ctx;
    park_outcome(L);
    return lib_shell_popen(L);
}

static int
lib_shell_popen(lua_State *L)
{
    const char *command = luaL_checkstring(L, 1);
    const char *mode = luaL_optstring(L, 2, "r");
    luaL_argcheck(L, (mode[0] == 'r' || mode[0] == 'w') && !mode[1], 2,
                  "invalid mode");
    if (!lib_program_may_start(L))
        return lib_program_queue(L, lib_shell_popen_again);
    int fds[3], place = *mode == 'r';
    Program **box = lib_program_push(L);
    luaL_Stream *file = lua_newuserdatauv(L, sizeof *file, 1);
    file->closef = NULL; /* closed, as long as this is not set */
    luaL_setmetatable(L, LUA_FILEHANDLE);
    lua_pushvalue(L, -2);
    lua_setiuservalue(L, -2, 1);
    int end = lib_shell_pipe(file, place);
    if (end < 0)
        return luaL_fileresult(L, 0, command);
    if (lib_shell_descriptors(L, fds, place, end) != 0
        || lib_shell_start(L, command, fds, box) != 0) {
        int e = errno;
        fclose(file->f);
        errno = e;
        return luaL_fileresult(L, 0, command);
    }
    file->closef = lib_shell_close;
    return 1;
}

void
lib_shell_open(lua_State *L)
{
    lua_getglobal(L, "os");
    lua_pushcfunction(L, lib_shell_execute);
    lua_setfield(L, -2, "execute");
    lua_getglobal(L, "io");
    lua_pushcfunction(L, lib_shell_popen);
    lua_setfield(L, -2, "popen");
    lua_pop(L, 2);
}
