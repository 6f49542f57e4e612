/* lib_test_sim_durable.c — what keeps a Sim's run: a fake that answers late.
 *
 * A look or a seal is remembered, in the order they came, until the spec
 * answers it, in any order it likes. A task that is looked up again is only
 * asked for once: the last look counts.
 *
 * With a seed it answers by itself, too: each after a random delay, when the
 * clock is moved on, and a look now and then with an outcome. Then it also
 * refuses some looks and seals, as one that does not keep everything.
 */
#include "base/mem.h"
#include "lib_test_sim.h"
#include "sched/lifecycle.h"
#include <lauxlib.h>
#include <math.h>

enum {
    LIB_DURABLE_REFUSED = 15, /* of 100 looks and seals */
    LIB_DURABLE_HITS = 20,    /* of 100 looks that are answered */
};

/* A random number below 100; 100 if all is answered by the spec. */
static int
lib_durable_percent(SimDurable *d)
{
    if (d->random == 0)
        return 100;
    uint64_t x = d->random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    d->random = x;
    return (int)((x >> 11) % 100);
}

static SimAsked *
lib_durable_find(SimDurable *d, const Task *t, bool seal)
{
    list_each(node, &d->asked) {
        SimAsked *a = container_of(node, SimAsked, link);
        if (a->task == t && a->seal == seal)
            return a;
    }
    return NULL;
}

static void
lib_durable_drop(SimAsked *a)
{
    list_del(&a->link);
    outcome_clear(&a->o);
    free(a);
}

static SimAsked *
lib_durable_ask(SimDurable *d, Task *t, bool seal)
{
    Sim *sim = container_of(d, Sim, durable);
    SimAsked *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    int delay = lib_durable_percent(d);
    *a = (SimAsked){ .task = t, .id = t->id, .seal = seal, .at = sim->now };
    a->due = d->random ? sim->now + delay / 50.0 : INFINITY;
    a->o.code = -1;
    list_push(&d->asked, &a->link);
    return a;
}

static bool
lib_durable_look(Durable *durable, Task *t)
{
    SimDurable *d = container_of(durable, SimDurable, durable);
    SimAsked *before = lib_durable_find(d, t, false);
    if (before)
        lib_durable_drop(before);
    if (d->no_looks || lib_durable_percent(d) < LIB_DURABLE_REFUSED)
        return false;
    TaskEdges *e = board_edges(t);
    if (!e || (!e->key && !(e->key = mem_zalloc(1, sizeof *e->key))))
        return false;
    return lib_durable_ask(d, t, false) != NULL;
}

static bool
lib_durable_seal(Durable *durable, Task *t, Outcome *o)
{
    SimDurable *d = container_of(durable, SimDurable, durable);
    if (d->no_seals || lib_durable_percent(d) < LIB_DURABLE_REFUSED)
        return false;
    SimAsked *a = lib_durable_ask(d, t, true);
    if (!a)
        return false;
    a->o = *o;
    *o = (Outcome){ .code = -1 };
    return true;
}

/* Give the answer: to a look, `hit` or (NULL) that there is none. */
static void
lib_durable_answer(Sim *sim, SimAsked *a, Outcome *hit)
{
    Sched *s = &sim->sched;
    list_del(&a->link);
    lib_test_arm();
    sched_lock(s);
    if (a->seal)
        durable_sealed(s, a->task, &a->o, outcome_weight(&a->o), a->at);
    else
        durable_looked(s, a->task, hit);
    lifecycle_propagate(s);
    sched_unlock(s);
    lib_test_disarm();
    free(a);
}

double
lib_sim_durable_due(const Sim *sim)
{
    double due = INFINITY;
    for (const List *node = sim->durable.asked.next;
         node != &sim->durable.asked; node = node->next)
        due = fmin(due, container_of(node, SimAsked, link)->due);
    return due;
}

void
lib_sim_durable_answer_due(Sim *sim)
{
    double due = lib_sim_durable_due(sim);
    list_each(node, &sim->durable.asked) {
        SimAsked *a = container_of(node, SimAsked, link);
        if (a->due > due)
            continue;
        Outcome hit = { .state = TASK_COMPLETED, .code = -1 };
        bool hits = lib_durable_percent(&sim->durable) < LIB_DURABLE_HITS;
        lib_durable_answer(sim, a, hits && !a->seal ? &hit : NULL);
        return;
    }
}

void
lib_sim_durable_open(lua_State *L, Sim *sim)
{
    SimDurable *d = &sim->durable;
    list_init(&d->asked);
    d->durable = (Durable){ .look = lib_durable_look,
                            .seal = lib_durable_seal };
    int type = lua_getfield(L, 1, "durable");
    d->random = type == LUA_TNUMBER
        ? (uint64_t)lua_tointeger(L, -1) * 0x9e3779b97f4a7c15u
        : 0;
    if (type != LUA_TNIL)
        sim->sched.durable = &d->durable;
    lua_pop(L, 1);
}

void
lib_sim_durable_close(Sim *sim)
{
    for (List *node; (node = sim->durable.asked.next) != &sim->durable.asked;)
        lib_durable_drop(container_of(node, SimAsked, link));
}

/* ---- methods ---- */

static SimAsked *
lib_durable_asked(lua_State *L, Sim *sim, bool seal)
{
    lua_Integer id = luaL_checkinteger(L, 2);
    list_each(node, &sim->durable.asked) {
        SimAsked *a = container_of(node, SimAsked, link);
        if (a->id == id && a->seal == seal)
            return a;
    }
    luaL_error(L, "nothing was asked about task %I", (LUAI_UACINT)id);
    return NULL;
}

/* asked() -> {"look 1", "seal 2", …}: what is not answered, in order */
int
lib_sim_asked(lua_State *L)
{
    Sim *sim = lib_sim(L);
    lua_Integer n = 0;
    lua_newtable(L);
    list_each(node, &sim->durable.asked) {
        const SimAsked *a = container_of(node, SimAsked, link);
        lua_pushfstring(L, "%s %I", a->seal ? "seal" : "look",
                        (LUAI_UACINT)a->id);
        lua_rawseti(L, -2, ++n);
    }
    return 1;
}

/* pending(list): fill the list with id, "look" or "seal" of each of those ->
 * how many values that are */
int
lib_sim_pending(lua_State *L)
{
    Sim *sim = lib_sim(L);
    lua_Integer n = 0;
    luaL_checktype(L, 2, LUA_TTABLE);
    list_each(node, &sim->durable.asked) {
        const SimAsked *a = container_of(node, SimAsked, link);
        lua_pushinteger(L, a->id);
        lua_rawseti(L, 2, ++n);
        lua_pushstring(L, a->seal ? "seal" : "look");
        lua_rawseti(L, 2, ++n);
    }
    lua_pushinteger(L, n);
    return 1;
}

/* looked(id): it has no outcome; looked(id, "completed"|…, fault, error): it
 * has this one */
int
lib_sim_looked(lua_State *L)
{
    Sim *sim = lib_sim(L);
    SimAsked *a = lib_durable_asked(L, sim, false);
    bool hits = !lua_isnoneornil(L, 3);
    Outcome hit = { .code = -1 };
    if (hits)
        hit = lib_sim_told(L);
    lib_durable_answer(sim, a, hits ? &hit : NULL);
    return 0;
}

/* sealed(id): its outcome is kept */
int
lib_sim_sealed(lua_State *L)
{
    Sim *sim = lib_sim(L);
    lib_durable_answer(sim, lib_durable_asked(L, sim, true), NULL);
    return 0;
}

/* answer(id): nothing was found, or its outcome is kept, as was asked */
int
lib_sim_answer_any(lua_State *L)
{
    Sim *sim = lib_sim(L);
    bool seals = lib_durable_find(&sim->durable, lib_sim_task(L, sim, 2), true);
    lib_durable_answer(sim, lib_durable_asked(L, sim, seals), NULL);
    return 0;
}

/* kept(id) -> state, fault, error of the outcome that is being kept */
int
lib_sim_kept(lua_State *L)
{
    const SimAsked *a = lib_durable_asked(L, lib_sim(L), true);
    lua_pushstring(L, task_state_name(a->o.state));
    lua_pushstring(L, task_fault_name(a->o.fault));
    lua_pushstring(L, a->o.error);
    return 3;
}

/* refuse("look"|"seal", flag): none is taken from now on */
int
lib_sim_refuse(lua_State *L)
{
    static const char *const whats[] = { "look", "seal", NULL };
    Sim *sim = lib_sim(L);
    bool seal = luaL_checkoption(L, 2, NULL, whats) == 1;
    *(seal ? &sim->durable.no_seals
           : &sim->durable.no_looks) = lua_toboolean(L, 3);
    return 0;
}
