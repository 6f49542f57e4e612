/* lib_test_sim_state.c — the Sim of a method, and its tasks. */
#include "lib_test_sim.h"
#include <lauxlib.h>

Sim *
lib_sim(lua_State *L)
{
    Sim *sim = luaL_checkudata(L, 1, LIB_SIM);
    luaL_argcheck(L, sim->clock.now, 1, "this sim was closed");
    return sim;
}

Task *
lib_sim_task(lua_State *L, Sim *sim, int idx)
{
    Task *t = board_find(&sim->sched.board,
                         (uint64_t)luaL_checkinteger(L, idx));
    luaL_argcheck(L, t, idx, "no task has this id");
    return t;
}

SimRun *
lib_sim_run(lua_State *L, Task *t)
{
    if (t->id == 0 || !t->run)
        luaL_error(L, "task %I is not in the runner's hands",
                   (LUAI_UACINT)t->id);
    return t->run;
}
