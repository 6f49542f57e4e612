/* lib_test_sim_claim.c — items and edges of a Sim. */
#include "base/err.h"
#include "base/mem.h"
#include "lib_test_sim.h"
#include "sched/claim.h"
#include "sched/edge.h"
#include <lauxlib.h>

static int
lib_sim_answer(lua_State *L, int e)
{
    if (e)
        return lib_test_error(L, e);
    lua_pushboolean(L, 1);
    return 1;
}

static char *
lib_sim_label(lua_State *L, int idx)
{
    const char *owner = luaL_optstring(L, idx, NULL);
    return owner ? mem_dup(owner, strlen(owner)) : NULL;
}

/* claim(item, who, owner) -> true, or nil and the error */
int
lib_sim_claim(lua_State *L)
{
    Sim *sim = lib_sim(L);
    Task *item = lib_sim_task(L, sim, 2), *who = lib_sim_task(L, sim, 3);
    char *owner = lib_sim_label(L, 4);
    lib_test_arm();
    int e = claim_item(&sim->sched, item, who, owner);
    lib_test_disarm();
    return lib_sim_answer(L, e);
}

/* claim_next(who, owner) -> id or nil, how many items are open */
int
lib_sim_claim_next(lua_State *L)
{
    Sim *sim = lib_sim(L);
    Task *who = lib_sim_task(L, sim, 2);
    size_t open;
    char *owner = lib_sim_label(L, 3);
    lib_test_arm();
    Task *item;
    int e = claim_next(&sim->sched, who, owner, &item, &open);
    lib_test_disarm();
    if (e == 0 && item)
        lua_pushinteger(L, (lua_Integer)item->id);
    else
        lua_pushnil(L);
    lua_pushinteger(L, (lua_Integer)open);
    return 2;
}

/* resolve(item, who, "completed"|"failed"|"cancelled") -> as claim */
int
lib_sim_resolve(lua_State *L)
{
    static const char *const ends[] = { "completed", "failed", "cancelled",
                                        NULL };
    static const uint8_t faults[] = { FAULT_NONE, FAULT_LUA, FAULT_CANCELLED };
    Sim *sim = lib_sim(L);
    Task *item = lib_sim_task(L, sim, 2), *who = lib_sim_task(L, sim, 3);
    int i = luaL_checkoption(L, 4, "completed", ends);
    Outcome o = { .state = TASK_COMPLETED + i, .fault = faults[i], .code = -1 };
    o.error = i ? mem_dup("told so", 7) : NULL;
    return lib_sim_answer(L, claim_resolve(&sim->sched, item, who, &o));
}

/* release(item, who) -> as claim */
int
lib_sim_release(lua_State *L)
{
    Sim *sim = lib_sim(L);
    Task *item = lib_sim_task(L, sim, 2), *who = lib_sim_task(L, sim, 3);
    return lib_sim_answer(L, claim_release(&sim->sched, item, who));
}

/* Field i of the edge on top of the stack. */
static Task *
lib_sim_edge_end(lua_State *L, Sim *sim, int i)
{
    lua_rawgeti(L, -1, i);
    Task *t = lib_sim_task(L, sim, -1);
    lua_pop(L, 1);
    return t;
}

/* block{{task, blocker}, …} -> true, or nil, the error and the path */
int
lib_sim_block(lua_State *L)
{
    Sim *sim = lib_sim(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    size_t n = lua_rawlen(L, 2);
    Edge *edges = lua_newuserdatauv(L, (n + 1) * sizeof *edges, 0);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, 2, (lua_Integer)i + 1);
        luaL_checktype(L, -1, LUA_TTABLE);
        edges[i].task = lib_sim_edge_end(L, sim, 1);
        edges[i].blocker = lib_sim_edge_end(L, sim, 2);
        lua_pop(L, 1);
    }
    Buf path = { 0 };
    char text[512];
    lib_test_arm();
    int e = edge_add(&sim->sched, edges, n, &path);
    lib_test_disarm();
    size_t length = path.n < sizeof text ? path.n : sizeof text;
    memcpy(text, buf_cstr(&path), length);
    buf_free(&path);
    if (e == 0)
        return lib_sim_answer(L, 0);
    lib_test_error(L, e);
    lua_pushlstring(L, text, length);
    return 3;
}
