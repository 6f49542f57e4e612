/* forks.c — a C module that forks the process it runs in. */
#include <lauxlib.h>
#include <lua.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* fork(): 0 in the child, its process id in the parent. */
static int
forks_fork(lua_State *L)
{
    lua_pushinteger(L, fork());
    return 1;
}

/* wait(pid): its exit code, or "signal" and the number. */
static int
forks_wait(lua_State *L)
{
    int status = 0;
    if (waitpid((pid_t)luaL_checkinteger(L, 1), &status, 0) < 0)
        return luaL_error(L, "no such child");
    if (!WIFSIGNALED(status)) {
        lua_pushinteger(L, WEXITSTATUS(status));
        return 1;
    }
    lua_pushliteral(L, "signal");
    lua_pushinteger(L, WTERMSIG(status));
    return 2;
}

/* pause(): never comes back. */
static int
forks_pause(lua_State *L)
{
    (void)L;
    for (;;)
        pause();
}

/* kill(pid, number) */
static int
forks_kill(lua_State *L)
{
    kill((pid_t)luaL_checkinteger(L, 1), (int)luaL_checkinteger(L, 2));
    return 0;
}

int luaopen_forks(lua_State *L);

int
luaopen_forks(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "fork", forks_fork },   { "wait", forks_wait },
        { "pause", forks_pause }, { "kill", forks_kill },
        { NULL, NULL },
    };
    luaL_newlib(L, functions);
    return 1;
}
