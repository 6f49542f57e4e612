/* lib_shell.c — os.execute and io.popen as tasks have them. Layer 7.
 *
 * As Lua's own, but the keeper starts the program like any other: it ends with
 * its task and with orun, a stop ends it (and by that a read of what it would
 * have printed), and os.execute gives the worker back meanwhile. Its standard
 * input is empty, as the task's is.
 */
#include "err.h"
#include "lib_base.h"
#include "lib_exec.h"
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lualib.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* Have sh run a command with these descriptors. */
static int
lib_shell_go(lua_State *L, ExecCall *c, const char *command, const int fds[3])
{
    const char *argv[] = { "/bin/sh", "-c", command, NULL };
    LaunchSpec spec = { .argv = argv, .fds = fds };
    return lib_exec_go(L, c, &spec);
}

/* How it ended, as Lua says it. */
static int
lib_shell_result(lua_State *L, const ExecCall *c)
{
    errno = c->end.spawn_errno;
    if (errno)
        return luaL_fileresult(L, 0, c->program);
    bool signalled = c->end.signal || c->end.lost;
    int number = !signalled ? c->end.code
        : c->end.signal ? c->end.signal : SIGKILL;
    if (signalled || number)
        lua_pushnil(L);
    else
        lua_pushboolean(L, 1);
    lua_pushstring(L, signalled ? "signal" : "exit");
    lua_pushinteger(L, number);
    return 3;
}

/* The call's userdata is on top. */
static int
lib_shell_ended(lua_State *L, int status, lua_KContext ctx)
{
    ExecCall *c = *(ExecCall **)lua_touserdata(L, -1);
    (void)status, (void)ctx;
    park_outcome(L);
    return lib_shell_result(L, c);
}

static int
lib_shell_wait(lua_State *L, ExecCall *c)
{
    WaitFor what = { .kind = WAIT_FOR_OP, .op = &c->op, .deadline = INFINITY };
    return park(L, &what, lib_shell_ended, 0);
}

static int
lib_shell_execute(lua_State *L)
{
    static const int fds[3] = { -1, 1, 2 };
    const char *fn = "os.execute", *command = luaL_optstring(L, 1, NULL);
    if (!command) {
        lua_pushboolean(L, access("/bin/sh", X_OK) == 0);
        return 1;
    }
    park_check(L, fn);
    ExecCall *c = lib_exec_new(L, fn, "/bin/sh", 0);
    int e = lib_shell_go(L, c, command, fds);
    if (e)
        return luaL_error(L, "%s: %s", fn, err_text(e));
    return lib_shell_wait(L, c);
}

/* Close a file of popen: wait for the program, unless this is no time to wait;
 * then its end is asked for. */
static int
lib_shell_close(lua_State *L)
{
    luaL_Stream *file = luaL_checkudata(L, 1, LUA_FILEHANDLE);
    bool closed = fclose(file->f) == 0;
    lua_settop(L, 1);
    lua_getiuservalue(L, 1, 1);
    ExecCall **box = lua_touserdata(L, 2);
    if (!box || !*box || park_finalizing(L) || stop_wanted(&vm_of(L)->stop))
        return luaL_fileresult(L, closed, NULL);
    return lib_shell_wait(L, *box);
}

/* Our end of a pipe into `file`, the other to the program. 0, or the errno. */
static int
lib_shell_pipe(lua_State *L, luaL_Stream *file, ExecCall *c,
               const char *command, bool reads)
{
    int pair[2], fds[3] = { -1, 1, 2 };
    if (pipe2(pair, O_CLOEXEC) != 0)
        return errno;
    fds[reads] = pair[reads];
    file->f = fdopen(pair[!reads], reads ? "r" : "w");
    int e = file->f ? 0 : errno;
    if (!e && lib_shell_go(L, c, command, fds) != 0)
        e = ENOMEM;
    close(pair[reads]);
    if (e && file->f)
        fclose(file->f);
    else if (e)
        close(pair[!reads]);
    else
        file->closef = lib_shell_close;
    return e;
}

static int
lib_shell_popen(lua_State *L)
{
    const char *command = luaL_checkstring(L, 1);
    const char *mode = luaL_optstring(L, 2, "r");
    luaL_argcheck(L, (*mode == 'r' || *mode == 'w') && !mode[1], 2,
                  "invalid mode");
    luaL_Stream *file = lua_newuserdatauv(L, sizeof *file, 1);
    file->closef = NULL; /* closed, as long as this is not set */
    luaL_setmetatable(L, LUA_FILEHANDLE);
    ExecCall *c = lib_exec_new(L, "io.popen", "/bin/sh", 0);
    lua_setiuservalue(L, -2, 1);
    errno = lib_shell_pipe(L, file, c, command, *mode == 'r');
    return errno ? luaL_fileresult(L, 0, command) : 1;
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
