/* lib_test_sim_add.c — making the tasks and limits of a Sim.
 *
 * The table is read first, then the task is made: nothing that belongs to C is
 * held while Lua may raise.
 */
#include "base/err.h"
#include "base/mem.h"
#include "lib_test_sim.h"
#include "sched/lifecycle.h"
#include "sched/slots.h"
#include "sched/spend.h"
#include "task/writes.h"
#include <lauxlib.h>

typedef struct SimSpec {
    int kind, instant, priority;
    const char *description, *key;
    Task **blockers;
    size_t n;
    Task *parent;
    const AgentType *agent;
    TaskOptions opt; /* limit set, writes not yet */
    bool plain;      /* it is to have no options at all */
    int writes;      /* stack index of the paths, 0: none */
} SimSpec;

static unsigned
lib_sim_faults(lua_State *L, int idx)
{
    unsigned on = 0;
    for (int i = 1; lua_rawgeti(L, idx, i) != LUA_TNIL; i++) {
        int fault = task_fault_find(luaL_checkstring(L, -1));
        luaL_argcheck(L, fault > 0, 2, "unknown fault in retry.on");
        on |= 1u << fault;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return on;
}

/* retry = {max=, backoff=, on={…}} */
static void
lib_sim_read_retry(lua_State *L, Retry *r)
{
    if (lua_getfield(L, 2, "retry") == LUA_TTABLE) {
        int idx = lua_gettop(L);
        r->max = (int)lib_test_number(L, idx, "max", 0);
        r->backoff = lib_test_number(L, idx, "backoff", 1);
        r->on = ~(1u << FAULT_BLOCKED | 1u << FAULT_CANCELLED);
        if (lua_getfield(L, idx, "on") == LUA_TTABLE)
            r->on = lib_sim_faults(L, lua_gettop(L));
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/* The array stays on the stack as userdata. */
static void
lib_sim_read_blockers(lua_State *L, Sim *sim, SimSpec *spec)
{
    if (lua_getfield(L, 2, "blockers") != LUA_TTABLE)
        return;
    int idx = lua_gettop(L);
    spec->n = lua_rawlen(L, idx);
    spec->blockers = lua_newuserdatauv(L, (spec->n + 1) * sizeof(Task *), 0);
    for (size_t i = 0; i < spec->n; i++) {
        lua_rawgeti(L, idx, (lua_Integer)i + 1);
        spec->blockers[i] = lib_sim_task(L, sim, -1);
        lua_pop(L, 1);
    }
}

static void
lib_sim_read_names(lua_State *L, Sim *sim, SimSpec *spec)
{
    if (lua_getfield(L, 2, "limit") == LUA_TSTRING)
        spec->opt.pool = slots_limit(&sim->sched, lua_tostring(L, -1), 0, NULL);
    if (lua_getfield(L, 2, "agent") == LUA_TSTRING) {
        spec->agent = sched_agent(&sim->sched, lua_tostring(L, -1));
        luaL_argcheck(L, spec->agent, 2, "no agent type has this name");
    }
    if (lua_getfield(L, 2, "parent") != LUA_TNIL)
        spec->parent = lib_sim_task(L, sim, -1);
    lua_pop(L, 3);
    if (lua_getfield(L, 2, "description") == LUA_TSTRING)
        spec->description = lua_tostring(L, -1);
    if (lua_getfield(L, 2, "key") == LUA_TSTRING)
        spec->key = lua_tostring(L, -1);
    if (lua_getfield(L, 2, "writes") == LUA_TTABLE)
        spec->writes = lua_gettop(L);
}

static void
lib_sim_read(lua_State *L, Sim *sim, SimSpec *spec)
{
    static const char *const kinds[] = { "lua", "process", "item", "http",
                                         NULL };
    static const char *const ends[] = { "no", "completed", "failed", NULL };
    static const int states[] = { 0, TASK_COMPLETED, TASK_FAILED };
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    *spec = (SimSpec){ .parent = sim->sched.board.root };
    lua_getfield(L, 2, "kind");
    spec->kind = luaL_checkoption(L, -1, "lua", kinds);
    lua_getfield(L, 2, "instant");
    spec->instant = states[luaL_checkoption(L, -1, "no", ends)];
    lua_pop(L, 2);
    spec->priority = (int)lib_test_number(L, 2, "priority", 0);
    spec->opt.timeout = lib_test_number(L, 2, "timeout", 0);
    spec->opt.despite_failure = lib_test_flag(L, 2, "despite_failure");
    spec->opt.detach = lib_test_flag(L, 2, "detach");
    spec->plain = lib_test_flag(L, 2, "plain");
    lib_sim_read_retry(L, &spec->opt.retry);
    lib_sim_read_names(L, sim, spec);
    lib_sim_read_blockers(L, sim, spec);
}

/* ---- nothing below raises ---- */

static Writes *
lib_sim_writes(lua_State *L, int idx)
{
    size_t n = lua_rawlen(L, idx);
    Writes *w = mem_zalloc(1, sizeof *w);
    if (!w)
        return NULL;
    list_init(&w->held);
    w->paths = mem_zalloc(n, sizeof *w->paths);
    for (size_t i = 1; w->paths && i <= n; i++) {
        const char *path = lua_rawgeti(L, idx, (lua_Integer)i) == LUA_TSTRING
            ? lua_tostring(L, -1)
            : "?";
        lua_pop(L, 1);
        w->paths[w->n] = writes_path("/sim", path);
        if (!w->paths[w->n])
            break;
        w->n++;
    }
    if (w->n == n)
        return w;
    writes_free(w);
    return NULL;
}

/* False, and what the draft has is still to be freed, when memory is out. */
static bool
lib_sim_make(lua_State *L, const SimSpec *spec, Task *t)
{
    static const uint8_t kinds[][2] = {
        { TASK_LUA, SLOT_LUA },
        { TASK_PROCESS, SLOT_PROCESS },
        { TASK_ITEM, SLOT_LUA },
        { TASK_LUA, SLOT_HTTP },
    };
    *t = (Task){ .kind = kinds[spec->kind][0],
                 .slot = kinds[spec->kind][1],
                 .line = spec->instant,
                 .priority = (int8_t)spec->priority };
    if (spec->plain)
        return true;
    t->opt = mem_alloc(sizeof *t->opt);
    if (!t->opt)
        return false;
    *t->opt = spec->opt;
    t->opt->agent = spec->agent;
    const char *description = spec->description;
    if (description
        && !(t->description = mem_dup(description, strlen(description))))
        return false;
    if (spec->key && !(t->opt->key = mem_dup(spec->key, strlen(spec->key))))
        return false;
    return !spec->writes || (t->opt->writes = lib_sim_writes(L, spec->writes));
}

/* add{kind=, blockers=, timeout=, retry=, limit=, agent=, writes=, priority=,
 * despite_failure=, detach=, parent=, description=, key=, instant=, plain=} ->
 * id, or nil and the error */
int
lib_sim_add(lua_State *L)
{
    Sim *sim = lib_sim(L);
    SimSpec spec;
    lib_sim_read(L, sim, &spec);
    Task *t, draft;
    bool made = lib_sim_make(L, &spec, &draft);
    lib_test_arm();
    int e = ORUN_ENOMEM;
    size_t given = task_weight(&draft) + 2 * spec.n * sizeof *spec.blockers;
    if (made)
        e = lifecycle_add(&sim->sched, &draft, spec.parent, spec.blockers,
                          spec.n, &t);
    lib_test_disarm();
    if (e) {
        task_clear(&draft);
        return lib_test_error(L, e);
    }
    sim->given += given;
    lua_pushinteger(L, (lua_Integer)t->id);
    return 1;
}

/* agent(name, slots): a type whose tasks share that many slots */
int
lib_sim_agent(lua_State *L)
{
    Sim *sim = lib_sim(L);
    const char *name = luaL_checkstring(L, 2);
    int slots = (int)luaL_checkinteger(L, 3);
    AgentType *a = mem_zalloc(1, sizeof *a);
    if (a) {
        a->name = mem_dup(name, strlen(name));
        a->limit = limit_new(name, slots);
    }
    if (!a || !a->name || !a->limit) {
        agent_free(a);
        return lib_test_error(L, ORUN_ENOMEM);
    }
    sched_add_agent(&sim->sched, a);
    lua_pushboolean(L, 1);
    return 1;
}

/* What the table at 4, which may be missing, asks of a pool. */
static MeterSpec
lib_sim_asks(lua_State *L)
{
    MeterSpec spec = { 0 };
    if (lua_isnoneornil(L, 4))
        return spec;
    spec.budget.tasks = (uint64_t)lib_test_number(L, 4, "tasks", 0);
    spec.budget.tokens = (uint64_t)lib_test_number(L, 4, "tokens", 0);
    spec.rates = lib_test_flag(L, 4, "a_minute");
    spec.rate[0] = (MeterRate){ .n = 1, .period = 60 };
    return spec;
}

/* limit(name, slots, {tasks=, tokens=, a_minute=}): make the named pool, or
 * change it; so many tasks are all that may begin, so many tokens all that may
 * be spent, and one task a minute */
int
lib_sim_limit(lua_State *L)
{
    Sim *sim = lib_sim(L);
    const char *name = luaL_checkstring(L, 2);
    int slots = (int)luaL_checkinteger(L, 3);
    MeterSpec spec = lib_sim_asks(L);
    lib_test_arm();
    Limit *l = slots_limit(&sim->sched, name, 0,
                           lua_isnoneornil(L, 4) ? NULL : &spec);
    lib_test_disarm();
    if (!l)
        return lib_test_error(L, ORUN_ENOMEM);
    sim->lowered = sim->lowered || slots < l->slots;
    (void)slots_limit(&sim->sched, name, slots, NULL);
    lua_pushboolean(L, 1);
    return 1;
}

/* spend(id, tokens): a task has used them */
int
lib_sim_spend(lua_State *L)
{
    Sim *sim = lib_sim(L);
    Task *t = lib_sim_task(L, sim, 2);
    double tokens = luaL_checknumber(L, 3);
    sched_lock(&sim->sched);
    spend(&sim->sched, t, tokens, 0);
    sched_unlock(&sim->sched);
    return 0;
}

/* slots("lua"|"process"|"http", n): change the slots of a kind */
int
lib_sim_slots(lua_State *L)
{
    static const char *const kinds[] = { "lua", "process", "http", NULL };
    Sim *sim = lib_sim(L);
    int kind = luaL_checkoption(L, 2, NULL, kinds);
    int slots = (int)luaL_checkinteger(L, 3);
    sim->lowered = sim->lowered || slots < sim->sched.kind[kind]->slots;
    slots_set(&sim->sched, (SlotKind)kind, slots);
    return 0;
}
