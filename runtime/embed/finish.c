/* finish.c — orun.finish: all tasks have ended, and no failure is unread. */
#include "embed/finish.h"
#include "base/sanitize.h"
#include "embed/exit_summary.h"
#include "vm/park.h"
#include <lauxlib.h>
#include <math.h>

/* Push what failed and was never read, from *from on; false: nothing. */
static bool
finish_push_unread(lua_State *L, Board *b, size_t *from)
{
    luaL_Buffer buffer;
    Buf text = { 0 }, safe = { 0 };
    if (exit_summary_unread(b, from, false, &text) == 0)
        return false;
    sanitize_put(&safe, text.p, text.n, SANITIZE_TEXT);
    size_t n = safe.n;
    char *to = luaL_buffinitsize(L, &buffer, n);
    memcpy(to, safe.p, n);
    buf_free(&text);
    buf_free(&safe);
    luaL_pushresultsize(&buffer, n);
    return true;
}

static int
finish_ended(lua_State *L, int status, lua_KContext ctx)
{
    LuaRun *run = park_run(L);
    (void)status;
    if (park_outcome(L) == WAIT_DEADLOCK)
        return luaL_error(L,
                          "finish: the tasks left can never end: nothing is "
                          "running or due that could finish them");
    if (finish_push_unread(L, &run->sched->board, (size_t *)ctx))
        return lua_error(L);
    return 0;
}

/* finish(): waits for every task, and raises what failed and was never read.
 * Upvalue 1: the id up to which that was reported. */
static int
finish_all(lua_State *L)
{
    size_t *from = lua_touserdata(L, lua_upvalueindex(1));
    WaitFor idle = { .kind = WAIT_FOR_IDLE, .deadline = INFINITY };
    if (!vm_of(L)->owner)
        return 0; /* nothing was ever started */
    (void)park_run(L);
    return park(L, &idle, finish_ended, (lua_KContext)from);
}

void
finish_push(lua_State *L, size_t *from)
{
    lua_pushlightuserdata(L, from);
    lua_pushcclosure(L, finish_all, 1);
}
