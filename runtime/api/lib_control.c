/* lib_control.c — orun.control: how a program reaches orun. */
#include "api/lib_orun.h"
#include "base/err.h"
#include "base/mem.h"
#include "control/control.h"
#include "sched/slot_number.h"
#include "vm/park.h"
#include <errno.h>
#include <lauxlib.h>

/* The variables, where Lua finds them when it raises. */
static int
lib_control_gc(lua_State *L)
{
    char **env = lua_touserdata(L, 1);
    for (int i = 0; i < CONTROL_VARIABLES; i++)
        mem_free(env[i]);
    return 0;
}

/* control() -> {ORUN_SOCKET=, ORUN_TASK_TOKEN=, ORUN_TASK_ID=, ORUN_PROGRAM=}
 * and ORUN_SLOT, if the caller has one: what a program that orun has not
 * started needs to act on behalf of the caller. The socket is made. */
int
lib_control(lua_State *L)
{
    LuaRun *run = park_run(L);
    Control *c;
    char **env = lua_newuserdatauv(L, (CONTROL_VARIABLES + 1) * sizeof *env, 0);
    memset(env, 0, (CONTROL_VARIABLES + 1) * sizeof *env);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, lib_control_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    int e = control_open(run->engine, &c);
    if (e == 0)
        e = control_put_env(run->engine, run->task->id, run->attempt,
                            slot_number(run->sched, run->task), env);
    if (e)
        return luaL_error(L, "control: the socket cannot be made: %s",
                          e == ORUN_ESYS ? strerror(errno) : err_text(e));
    lua_createtable(L, 0, CONTROL_VARIABLES);
    for (char **each = env; *each; each++) {
        const char *value = strchr(*each, '=') + 1;
        lua_pushlstring(L, *each, (size_t)(value - *each) - 1);
        lua_pushstring(L, value);
        lua_rawset(L, -3);
    }
    return 1;
}
