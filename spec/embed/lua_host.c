/* lua_host.c — a program that has a Lua state and runs a script in it:
 * lua_host SCRIPT [ROUNDS], each round in a new state. With rounds it prints
 * how many descriptors and threads there are more than after the first. */
#include <dirent.h>
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

static int
host_count(const char *folder)
{
    int n = 0;
    DIR *dir = opendir(folder);
    while (dir && readdir(dir))
        n++;
    if (dir)
        closedir(dir);
    return n;
}

int
main(int argc, char **argv)
{
    int rounds = argc > 2 ? atoi(argv[2]) : 1;
    int e = host_run(argv[1]);
    int files = host_count("/proc/self/fd");
    int threads = host_count("/proc/self/task");
    for (int i = 1; i < rounds && !e; i++)
        e = host_run(argv[1]);
    if (rounds > 1)
        printf("files %+d threads %+d\n", host_count("/proc/self/fd") - files,
               host_count("/proc/self/task") - threads);
    return e != 0;
}
