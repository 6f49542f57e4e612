/* lib_program.c — a Program as a Lua value. */
#include "lib_program.h"
#include "lib_class.h"
#include <lauxlib.h>
#include <math.h>

void
lib_program_clear(Program **box)
{
    program_drop(*box);
    *box = NULL;
}

static int
lib_program_gc(lua_State *L)
{
    if (park_forked(L))
        return 0; /* the parent has it */
    lib_program_clear(lib_program_at(L, 1));
    return 0;
}

static const luaL_Reg lib_program_methods[] = {
    { "__gc", lib_program_gc }, { NULL, NULL },
};

Program **
lib_program_push(lua_State *L)
{
    Program **box = lua_newuserdatauv(L, sizeof(Program *), 0);
    *box = NULL;
    lib_class_set(L, "orun.program", lib_program_methods);
    return box;
}

Program **
lib_program_at(lua_State *L, int idx)
{
    return lua_touserdata(L, idx);
}

int
lib_program_wait(lua_State *L, Program *p, lua_KFunction k)
{
    const LuaRun *run = park_run(L);
    WaitFor what = { .kind = WAIT_FOR_OP, .op = &p->op, .deadline = INFINITY,
                     .work = program_is_work(run, run->task) };
    return park(L, &what, k, 0);
}
