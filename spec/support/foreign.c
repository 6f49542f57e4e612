/* foreign.c — a C module that runs Lua behind orun's back. */
#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <stdlib.h>

static _Thread_local int foreign_stopped;

/* callback(f, times): as an event loop calls back, on the main thread; an error
 * of f ends the process, and stop() the loop. */
static int
foreign_callback(lua_State *L)
{
    lua_Integer times = luaL_optinteger(L, 2, 1);
    foreign_stopped = 0;
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    lua_State *main = lua_tothread(L, -1);
    for (lua_Integer i = 0; i < times && !foreign_stopped; i++) {
        lua_pushvalue(L, 1);
        lua_xmove(L, main, 1);
        if (lua_pcall(main, 0, 1, 0) != LUA_OK) {
            fprintf(stderr, "Uncaught Error: %s\n", lua_tostring(main, -1));
            exit(255);
        }
        lua_pop(main, 1);
    }
    return 0;
}

/* resume(co): whether it has ended well, and what it gave. */
static int
foreign_resume(lua_State *L)
{
    int n = 0;
    lua_State *co = lua_tothread(L, 1);
    int status = lua_resume(co, L, 0, &n);
    lua_pushboolean(L, status == LUA_OK || status == LUA_YIELD);
    return 1;
}

static int
foreign_stop(lua_State *L)
{
    (void)L;
    foreign_stopped = 1;
    return 0;
}

int luaopen_foreign(lua_State *L);
int luaopen_luv(lua_State *L);

int
luaopen_foreign(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "callback", foreign_callback },
        { "resume", foreign_resume },
        { "stop", foreign_stop },
        { NULL, NULL },
    };
    luaL_newlib(L, functions);
    return 1;
}

/* In the name of a module whose loop is known. */
int
luaopen_luv(lua_State *L)
{
    return luaopen_foreign(L);
}
