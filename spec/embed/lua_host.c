/* lua_host.c — a program that has a Lua state and runs a script in it:
 * lua_host SCRIPT [ROUNDS], each round in a new state. */
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

static int
host_run(const char *path)
{
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    int e = luaL_dofile(L, path);
    if (e)
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
    lua_close(L);
    return e;
}

int
main(int argc, char **argv)
{
    int e = 0;
    for (int i = argc > 2 ? atoi(argv[2]) : 1; i > 0 && !e; i--)
        e = host_run(argv[1]);
    return e != 0;
}
