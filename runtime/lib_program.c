/* lib_program.c — a Program as a Lua value. */
#include "lib_program.h"
#include <lauxlib.h>

void
lib_program_clear(Program **box)
{
    program_drop(*box);
    *box = NULL;
}

static int
lib_program_gc(lua_State *L)
{
    lib_program_clear(lib_program_at(L, 1));
    return 0;
}

Program **
lib_program_push(lua_State *L)
{
    Program **box = lua_newuserdatauv(L, sizeof(Program *), 0);
    *box = NULL;
    if (luaL_newmetatable(L, "orun.program")) {
        lua_pushcfunction(L, lib_program_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return box;
}

Program **
lib_program_at(lua_State *L, int idx)
{
    return lua_touserdata(L, idx);
}

int
lib_program_wait(lua_State *L, Program *p, double deadline, lua_KFunction k,
                 lua_KContext ctx)
{
    WaitFor what = { .kind = WAIT_FOR_OP, .op = &p->op, .deadline = deadline };
    return park(L, &what, k, ctx);
}
