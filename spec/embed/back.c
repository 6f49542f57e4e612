/* back.c — a C module of a script that calls the runtime that runs it. */
#include "check.h"
#include <lua.h>

extern orun *back_host; /* the program's */

int luaopen_back(lua_State *L);

int
luaopen_back(lua_State *L)
{
    CHECK(check_run(back_host, "print(1)") == ORUN_ESTATE);
    CHECK(orun_run_file(back_host, "x.lua") == ORUN_ESTATE);
    CHECK(orun_set_args(back_host, 0, NULL, 0) == ORUN_ESTATE);
    CHECK(orun_free(back_host) == ORUN_ESTATE);
    CHECK(strlen(orun_errmsg(back_host)) > 0);
    /* Another runtime is free to be used. */
    orun *other = check_new();
    check_fine(other, "assert(Task{run = function() return 1 end}.output)");
    CHECK(orun_free(other) == ORUN_OK);
    lua_pushinteger(L, 42);
    return 1;
}
