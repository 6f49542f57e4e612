/* lib_test_sim_watch.c — what happened in a Sim, told once.
 *
 * For who looks after every step of many thousand graphs: flat lists, and only
 * what is new.
 */
#include "lib_test_sim.h"
#include <lauxlib.h>

/* list[n + 1] = the value on top. */
static int
lib_watch_append(lua_State *L, int n)
{
    lua_rawseti(L, 2, n + 1);
    return n + 1;
}

/* events(list): fill the list with what, id, n of each event since the last
 * call (as sim:log has it; a resume's n is how its wait ended) -> how many
 * values that are */
int
lib_sim_events(lua_State *L)
{
    Sim *sim = lib_sim(L);
    int n = 0;
    luaL_checktype(L, 2, LUA_TTABLE);
    for (size_t i = 0; i < sim->event_count; i++) {
        const SimEvent *e = &sim->events[i];
        lua_pushstring(L, e->what);
        n = lib_watch_append(L, n);
        lua_pushinteger(L, (lua_Integer)e->id);
        n = lib_watch_append(L, n);
        if (e->outcome)
            lua_pushstring(L, lib_sim_outcome_name(e->outcome));
        else
            lua_pushinteger(L, e->n);
        n = lib_watch_append(L, n);
    }
    sim->event_count = 0;
    lua_pushinteger(L, n);
    return 1;
}

/* Room to remember every task; those that are new were never seen. */
static bool
lib_watch_room(Sim *sim, size_t count)
{
    if (count > sim->seen_cap) {
        SimSeen *seen = realloc(sim->seen, count * 2 * sizeof *seen);
        if (!seen)
            return false;
        sim->seen = seen;
        sim->seen_cap = count * 2;
    }
    for (; sim->seen_count < count; sim->seen_count++)
        sim->seen[sim->seen_count] = (SimSeen){ .state = TASK_STATE_COUNT };
    return true;
}

/* Append id, state, attempt, claimer's id. */
static int
lib_watch_task(lua_State *L, int n, const Task *t)
{
#define X(name, text) #name,
    static const char *const states[] = { TASK_STATES(X) };
#undef X
    lua_pushinteger(L, (lua_Integer)t->id);
    n = lib_watch_append(L, n);
    lua_pushstring(L, states[t->state]);
    n = lib_watch_append(L, n);
    lua_pushinteger(L, t->attempt);
    n = lib_watch_append(L, n);
    if (task_claimer(t))
        lua_pushinteger(L, (lua_Integer)task_claimer(t)->id);
    else
        lua_pushboolean(L, 0);
    return lib_watch_append(L, n);
}

/* changes(list): fill the list with id, state, attempt and claimer (or false)
 * of each task of which one of them has changed -> how many values that are */
int
lib_sim_changes(lua_State *L)
{
    Sim *sim = lib_sim(L);
    Board *b = &sim->sched.board;
    int n = 0;
    luaL_checktype(L, 2, LUA_TTABLE);
    if (!lib_watch_room(sim, b->count))
        return luaL_error(L, "out of memory");
    for (size_t i = 1; i < b->count; i++) {
        const Task *t = board_find(b, i);
        SimSeen *seen = &sim->seen[i],
                now = { task_claimer(t), t->attempt, t->state };
        if (seen->claimer == now.claimer && seen->attempt == now.attempt
            && seen->state == now.state)
            continue;
        *seen = now;
        n = lib_watch_task(L, n, t);
    }
    lua_pushinteger(L, n);
    return 1;
}
