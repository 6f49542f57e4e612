/* lib_test_sim_wait.c — tasks of a Sim that wait, and collectors.
 *
 * A fake task waits as park.c has it: its Wait is begun, then its slots are
 * given back, and it goes on only when it has them again.
 */
#include "base/err.h"
#include "lib_test_sim.h"
#include "sched/wait.h"
#include "sched/slots.h"
#include <lauxlib.h>
#include <math.h>

#define LIB_COLLECTOR "orun.test.collector"

typedef struct SimCollector {
    List link; /* in sim->collectors */
    Collector *c;
    Sim *sim;
} SimCollector;

const char *
lib_sim_outcome_name(int outcome)
{
    static const char *const names[] = {
        [WAIT_PENDING] = "pending",     [WAIT_DONE] = "done",
        [WAIT_TIMED_OUT] = "timed_out", [WAIT_STOPPED] = "stopped",
        [WAIT_DEADLOCK] = "deadlock",   [WAIT_NO_MEMORY] = "no_memory",
    };
    return names[outcome];
}

static void
lib_sim_script_woken(Wait *w)
{
    (void)w;
}

/* What argument 2 names: a task's id, "item", "idle", "time", "op", or a
 * collector. */
static WaitFor
lib_sim_what(lua_State *L, Sim *sim)
{
    static const char *const names[] = { "item", "idle", "time", "op", NULL };
    static const int kinds[] = { WAIT_FOR_ITEM, WAIT_FOR_IDLE, WAIT_FOR_TIME,
                                 WAIT_FOR_OP };
    WaitFor what = { .kind = WAIT_FOR_TASK };
    SimCollector *sc = luaL_testudata(L, 2, LIB_COLLECTOR);
    if (sc) {
        what.kind = WAIT_FOR_COLLECTOR;
        what.collector = sc->c;
    } else if (lua_isinteger(L, 2)) {
        what.task = lib_sim_task(L, sim, 2);
    } else {
        what.kind = kinds[luaL_checkoption(L, 2, NULL, names)];
        what.op = &sim->op;
    }
    double seconds = luaL_optnumber(L, 4, INFINITY);
    what.deadline = sim->now + seconds;
    return what;
}

/* Where what t waits for is kept, for sim:check. */
static WaitFor *
lib_sim_what_of(Sim *sim, Task *t)
{
    return t->id ? &((SimRun *)t->run)->what : &sim->script_what;
}

static Wait *
lib_sim_wait_of(lua_State *L, Sim *sim, Task *t)
{
    if (t->id)
        return &lib_sim_run(L, t)->wait;
    sim->script.wake = lib_sim_script_woken;
    return &sim->script;
}

/* Did it give its slots back? With the lock held. */
static bool
lib_sim_park(Sim *sim, Task *t, Wait *w, const WaitFor *what)
{
    w->outcome = WAIT_STOPPED;
    if (t->stopping)
        return false;
    int e = wait_begin(&sim->sched.board, w, t, what);
    if (e < 0)
        w->outcome = WAIT_NO_MEMORY;
    if (e != 1)
        return false;
    if (t->id) {
        SimRun *run = t->run;
        list_del(&run->link);
        run->lent |= t->programs == PROGRAMS_HELD;
    }
    slots_rest(&sim->sched, t,
               what->kind != WAIT_FOR_OP && what->kind != WAIT_FOR_TIME);
    wait_check_stuck(&sim->sched.board);
    return true;
}

/* wait(what, waiter, timeout): the running task `waiter` (0: the script) waits
 * -> how its wait stands, and whether it rests or has rested */
int
lib_sim_wait(lua_State *L)
{
    Sim *sim = lib_sim(L);
    WaitFor what = lib_sim_what(L, sim);
    Task *t = lib_sim_task(L, sim, 3);
    Wait *w = lib_sim_wait_of(L, sim, t);
    if (task_waiting(t) || t->woken)
        return luaL_error(L, "task %I waits already", (LUAI_UACINT)t->id);
    *lib_sim_what_of(sim, t) = what;
    lib_test_arm();
    sched_lock(&sim->sched);
    bool rested = lib_sim_park(sim, t, w, &what);
    sched_unlock(&sim->sched);
    lib_test_disarm();
    lua_pushstring(L, lib_sim_outcome_name(w->outcome));
    lua_pushboolean(L, rested);
    return 2;
}

/* program(id): the code of a running task is to start a program -> may it at
 * once? Else it waits for a slot, and is resumed. */
int
lib_sim_program(lua_State *L)
{
    Sim *sim = lib_sim(L);
    Task *t = lib_sim_task(L, sim, 2);
    SimRun *run = lib_sim_run(L, t);
    if (task_waiting(t) || t->woken)
        return luaL_error(L, "task %I waits already", (LUAI_UACINT)t->id);
    sched_lock(&sim->sched);
    bool may = slots_program(&sim->sched, t);
    if (!may) {
        list_del(&run->link);
        slots_queue_program(&sim->sched, t);
    }
    sched_unlock(&sim->sched);
    lua_pushboolean(L, may);
    return 1;
}

/* program_over(id): the last program of its code has ended */
int
lib_sim_program_over(lua_State *L)
{
    Sim *sim = lib_sim(L);
    Task *t = lib_sim_task(L, sim, 2);
    lib_sim_run(L, t)->lent = false;
    sched_lock(&sim->sched);
    slots_programs_over(&sim->sched, t);
    sched_unlock(&sim->sched);
    return 0;
}

/* outcome(waiter) -> how its last wait stands */
int
lib_sim_outcome(lua_State *L)
{
    Sim *sim = lib_sim(L);
    Wait *w = lib_sim_wait_of(L, sim, lib_sim_task(L, sim, 2));
    lua_pushstring(L, lib_sim_outcome_name(w->outcome));
    return 1;
}

/* op_done(): what "op" waits for is done */
int
lib_sim_op_done(lua_State *L)
{
    Sim *sim = lib_sim(L);
    sched_lock(&sim->sched);
    op_done(&sim->op);
    sched_unlock(&sim->sched);
    op_init(&sim->op);
    return 0;
}

/* closes(waiter, target or collector) -> the ring that wait would close, or
 * nil */
int
lib_sim_closes(lua_State *L)
{
    Sim *sim = lib_sim(L);
    Task *waiter = lib_sim_task(L, sim, 2);
    SimCollector *sc = luaL_testudata(L, 3, LIB_COLLECTOR);
    WaitFor what = { .kind = WAIT_FOR_COLLECTOR, .deadline = INFINITY };
    if (sc)
        what.collector = sc->c;
    else
        what = (WaitFor){ .task = lib_sim_task(L, sim, 3) };
    char text[256];
    Buf path = { 0 };
    sched_lock(&sim->sched);
    bool closes = wait_closes_cycle(&sim->sched.board, waiter, &what, &path);
    sched_unlock(&sim->sched);
    size_t n = path.n < sizeof text ? path.n : sizeof text;
    memcpy(text, buf_cstr(&path), n);
    buf_free(&path);
    if (!closes)
        return 0;
    lua_pushlstring(L, text, n);
    return 1;
}

/* ---- collectors ---- */

static SimCollector *
lib_collector(lua_State *L)
{
    SimCollector *sc = luaL_checkudata(L, 1, LIB_COLLECTOR);
    luaL_argcheck(L, sc->c, 1, "this collector is gone");
    return sc;
}

/* next() -> id or nil, how many are still to come */
static int
lib_collector_next(lua_State *L)
{
    size_t left;
    Task *t = collector_next(lib_collector(L)->c, &left);
    if (t)
        lua_pushinteger(L, (lua_Integer)t->id);
    else
        lua_pushnil(L);
    lua_pushinteger(L, (lua_Integer)left);
    return 2;
}

static int
lib_collector_add(lua_State *L)
{
    SimCollector *sc = lib_collector(L);
    Task *t = lib_sim_task(L, sc->sim, 2);
    lib_test_arm();
    int e = collector_add(sc->c, t);
    lib_test_disarm();
    sched_lock(&sc->sim->sched);
    sched_unlock(&sc->sim->sched);
    if (e)
        return lib_test_error(L, e);
    lua_pushboolean(L, 1);
    return 1;
}

static int
lib_collector_gone(lua_State *L)
{
    SimCollector *sc = lua_touserdata(L, 1);
    if (!sc->c)
        return 0;
    collector_free(sc->c);
    list_del(&sc->link);
    sc->c = NULL;
    return 0;
}

void
lib_sim_free_collectors(Sim *sim)
{
    for (List *node; (node = list_shift(&sim->collectors)) != NULL;) {
        SimCollector *sc = container_of(node, SimCollector, link);
        collector_free(sc->c);
        sc->c = NULL;
    }
}

/* collector{ids} -> a collector, or nil and the error */
int
lib_sim_collector(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "next", lib_collector_next },
        { "add", lib_collector_add },
        { "free", lib_collector_gone },
        { NULL, NULL },
    };
    Sim *sim = lib_sim(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    size_t n = lua_rawlen(L, 2);
    Task **tasks = lua_newuserdatauv(L, (n + 1) * sizeof *tasks, 0);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, 2, (lua_Integer)i + 1);
        tasks[i] = lib_sim_task(L, sim, -1);
        lua_pop(L, 1);
    }
    SimCollector *sc = lib_test_object(L, LIB_COLLECTOR, sizeof *sc, methods,
                                       lib_collector_gone);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    sc->sim = sim;
    lib_test_arm();
    sc->c = collector_new(&sim->sched.board, tasks, n);
    lib_test_disarm();
    if (!sc->c)
        return lib_test_error(L, ORUN_ENOMEM);
    list_push(&sim->collectors, &sc->link);
    return 1;
}
