/* lib_test_sim.c — the fake runner, the virtual clock, and what moves them.
 */
#include "lib_test_sim.h"
#include "base/err.h"
#include "base/mem.h"
#include "sched/claim.h"
#include "sched/escalate.h"
#include "sched/forget.h"
#include "sched/lifecycle.h"
#include "sched/rank.h"
#include "sched/slots.h"
#include <lauxlib.h>
#include <math.h>

void
lib_sim_forget(Task *t)
{
    SimRun *run = t->run;
    t->run = NULL;
    if (!run)
        return;
    list_del(&run->link);
    free(run);
}

void
lib_sim_note(Sim *sim, const char *what, const Task *t, uint32_t n)
{
    if (sim->event_count == sim->event_cap) {
        size_t cap = sim->event_cap ? sim->event_cap * 2 : 64;
        SimEvent *events = realloc(sim->events, cap * sizeof *events);
        if (!events)
            return;
        sim->events = events;
        sim->event_cap = cap;
    }
    sim->events[sim->event_count++] = (SimEvent){ .what = what,
                                                  .id = t->id,
                                                  .n = n };
}

/* ---- the clock ---- */

static double
lib_sim_now(Clock *c)
{
    return container_of(c, Sim, clock)->now;
}

static int
lib_sim_wake_at(Clock *c, double at)
{
    Sim *sim = container_of(c, Sim, clock);
    sim->due = fmin(sim->due, at);
    return 0;
}

/* advance(seconds): tick whenever somebody asked for it, and then only. */
static int
lib_sim_advance(lua_State *L)
{
    Sim *sim = lib_sim(L);
    double to = sim->now + luaL_checknumber(L, 2);
    for (double asked;
         fmin(asked = lib_sim_durable_due(sim), sim->due) <= to;) {
        if (asked < sim->due) {
            sim->now = fmax(sim->now, asked);
            lib_sim_durable_answer_due(sim);
            continue;
        }
        sim->now = fmax(sim->now, sim->due);
        sim->due = INFINITY;
        lib_test_arm();
        double next = wait_tick(&sim->sched);
        lib_test_disarm();
        sim->due = fmin(sim->due, next);
    }
    sim->now = to;
    return 0;
}

/* ---- the runner ---- */

static void
lib_sim_woken(Wait *w)
{
    Task *t = w->waiter;
    slots_wake(sched_of(t), t);
}

static SimRun *
lib_sim_new_run(Task *t)
{
    SimRun *run = calloc(1, sizeof *run);
    if (!run)
        return NULL;
    run->task = t;
    run->wait.wake = lib_sim_woken;
    run->wait.outcome = WAIT_DONE;
    list_init(&run->link);
    return run;
}

/* A task made with `instant` (kept in its `line`) ends where it begins. */
static void
lib_sim_end_at_once(Sim *sim, Task *t)
{
    SimRun *run = t->run;
    uint32_t attempt = run->attempt;
    Outcome o = { .state = (TaskState)t->line, .code = -1 };
    if (o.state == TASK_FAILED) {
        o.fault = FAULT_EXIT;
        o.error = mem_dup("failed at once", 14);
    }
    lib_sim_forget(t);
    lifecycle_finish(&sim->sched, t, attempt, &o);
}

/* Its code runs from now on. */
static void
lib_sim_began(Sim *sim, Task *t)
{
    SimRun *run = t->run;
    lib_sim_note(sim, "start", t, run->attempt > 1 ? run->attempt : 0);
    list_push(&sim->running, &run->link);
    if (t->line)
        lib_sim_end_at_once(sim, t);
}

void
lib_sim_go(Sim *sim, Task *t)
{
    SimRun *run = t->run;
    if (run) {
        t->woken = false;
        run->resumed = true;
        lib_sim_note(sim, "resume", t, 0);
        if (sim->event_count)
            sim->events[sim->event_count - 1].outcome = run->wait.outcome;
        list_push(&sim->running, &run->link);
        return;
    }
    run = lib_sim_new_run(t);
    if (run && lifecycle_begin(&sim->sched, t, run, &run->attempt)) {
        lib_sim_began(sim, t);
        return;
    }
    lib_sim_note(sim, "refused", t, 0);
    free(run);
}

static void
lib_sim_start(Runner *r, Task *t)
{
    Sim *sim = container_of(r, Sim, runner);
    if (!sim->manual)
        lib_sim_go(sim, t);
    else
        list_push(&sim->granted, &t->job.link);
}

/* As a Lua task's: a quarter of a second, then one, then it is given up. */
static double
lib_sim_stopped(Runner *r, Task *t, int rung)
{
    Sim *sim = container_of(r, Sim, runner);
    lib_sim_note(sim, "stop", t, (uint32_t)rung);
    if (task_waiting(t))
        wait_fire(task_waiting(t), WAIT_STOPPED);
    if (sim->no_ladder)
        return 0;
    return rung == 1 ? 0.25 : 1.0;
}

static void
lib_sim_abandon(Runner *r, Task *t)
{
    lib_sim_note(container_of(r, Sim, runner), "abandon", t, 0);
    lib_sim_forget(t);
}

/* ---- what the spec sees and does ---- */

/* begin(id): go on with what was granted (manual) -> did it begin? */
static int
lib_sim_begin(lua_State *L)
{
    Sim *sim = lib_sim(L);
    Task *t = lib_sim_task(L, sim, 2);
    bool found = false;
    list_each(node, &sim->granted)
        found = found || node == &t->job.link;
    if (!found)
        return luaL_error(L, "task %I was not granted", (LUAI_UACINT)t->id);
    list_del(&t->job.link);
    lib_sim_go(sim, t);
    lua_pushboolean(L, t->run != NULL);
    return 1;
}

/* granted() -> ids, in the order they were handed over (manual) */
static int
lib_sim_list_granted(lua_State *L)
{
    Sim *sim = lib_sim(L);
    lua_Integer n = 0;
    lua_newtable(L);
    list_each(node, &sim->granted) {
        lua_pushinteger(L, (lua_Integer)container_of(node, Task, job.link)->id);
        lua_rawseti(L, -2, ++n);
    }
    return 1;
}

/* running() -> ids of what runs and does not wait, in starting order */
static int
lib_sim_list_running(lua_State *L)
{
    Sim *sim = lib_sim(L);
    lua_Integer n = 0;
    lua_newtable(L);
    list_each(node, &sim->running) {
        lua_pushinteger(
            L, (lua_Integer)container_of(node, SimRun, link)->task->id);
        lua_rawseti(L, -2, ++n);
    }
    return 1;
}

/* log() -> {"start 1", "stop 1 2", …} since the last call */
static int
lib_sim_log(lua_State *L)
{
    Sim *sim = lib_sim(L);
    lua_createtable(L, (int)sim->event_count, 0);
    for (size_t i = 0; i < sim->event_count; i++) {
        SimEvent *e = &sim->events[i];
        if (e->n)
            lua_pushfstring(L, "%s %I %d", e->what, (LUAI_UACINT)e->id,
                            (int)e->n);
        else
            lua_pushfstring(L, "%s %I", e->what, (LUAI_UACINT)e->id);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    sim->event_count = 0;
    return 1;
}

static const char *const lib_sim_ends[] = {
    "completed",
    "failed",
    "cancelled",
    NULL,
};

Outcome
lib_sim_told(lua_State *L)
{
    int state = TASK_COMPLETED
        + luaL_checkoption(L, 3, "completed", lib_sim_ends);
    const char *fault = luaL_optstring(L, 4,
                                       state == TASK_FAILED ? "exit" : NULL);
    const char *error = luaL_optstring(L, 5, NULL);
    Outcome o = { .state = (TaskState)state, .code = -1 };
    o.fault = fault ? (TaskFault)task_fault_find(fault) : FAULT_NONE;
    o.error = error ? mem_dup(error, strlen(error)) : NULL;
    return o;
}

/* The attempt of t that the fake runs; t leaves its hands. */
static uint32_t
lib_sim_let_go(lua_State *L, Task *t)
{
    uint32_t attempt = lib_sim_run(L, t)->attempt;
    if (task_waiting(t) || t->woken)
        luaL_error(L, "task %I waits; it cannot end by itself",
                   (LUAI_UACINT)t->id);
    lib_sim_forget(t);
    return attempt;
}

/* finish(id, "completed"|"failed"|"cancelled", fault, error): the attempt the
 * fake runs ends so */
static int
lib_sim_finish(lua_State *L)
{
    Sim *sim = lib_sim(L);
    Task *t = lib_sim_task(L, sim, 2);
    uint32_t attempt = lib_sim_let_go(L, t);
    Outcome o = lib_sim_told(L);
    lib_test_arm();
    lifecycle_finish(&sim->sched, t, attempt, &o);
    lib_test_disarm();
    return 0;
}

/* finish_next(id, …): the same, and the task that got the slot is begun in the
 * same breath -> its id, or nil */
static int
lib_sim_finish_next(lua_State *L)
{
    Sim *sim = lib_sim(L);
    Task *t = lib_sim_task(L, sim, 2);
    uint32_t attempt = lib_sim_let_go(L, t);
    Outcome o = lib_sim_told(L);
    SimRun *run = lib_sim_new_run(NULL);
    if (!run)
        return luaL_error(L, "out of memory");
    Task *next = lifecycle_finish_next(&sim->sched, t, &attempt, &o, run);
    if (!next) {
        free(run);
        return 0;
    }
    run->task = next;
    run->attempt = attempt;
    lib_sim_began(sim, next);
    lua_pushinteger(L, (lua_Integer)next->id);
    return 1;
}

/* late(id, attempt): somebody reports the end of that attempt, whatever the
 * fake knows. */
static int
lib_sim_late(lua_State *L)
{
    Sim *sim = lib_sim(L);
    Outcome o = { .state = TASK_COMPLETED, .code = -1 };
    lifecycle_finish(&sim->sched, lib_sim_task(L, sim, 2),
                     (uint32_t)luaL_checkinteger(L, 3), &o);
    return 0;
}

/* hurry(flag) */
static int
lib_sim_hurry(lua_State *L)
{
    escalate_hurry(&lib_sim(L)->sched, lua_toboolean(L, 2));
    return 0;
}

/* stop(id) -> true, or nil and the error */
static int
lib_sim_stop(lua_State *L)
{
    Sim *sim = lib_sim(L);
    Task *t = lib_sim_task(L, sim, 2);
    lib_test_arm();
    int e = lifecycle_cancel(&sim->sched, t);
    lib_test_disarm();
    if (e)
        return lib_test_error(L, e);
    lua_pushboolean(L, 1);
    return 1;
}

static int
lib_sim_cancel_all(lua_State *L)
{
    lifecycle_cancel_all(&lib_sim(L)->sched, WHY_SCRIPT);
    return 0;
}

static int
lib_sim_close(lua_State *L)
{
    lifecycle_close(&lib_sim(L)->sched);
    return 0;
}

static int
lib_sim_drain(lua_State *L)
{
    lifecycle_drain(&lib_sim(L)->sched);
    return 0;
}

/* sweep(): release what is forgotten (sim{keep=}) */
static int
lib_sim_sweep(lua_State *L)
{
    forget_sweep(&lib_sim(L)->sched);
    return 0;
}

static int
lib_sim_priority(lua_State *L)
{
    Sim *sim = lib_sim(L);
    slots_set_priority(&sim->sched, lib_sim_task(L, sim, 2),
                       (int)luaL_checkinteger(L, 3));
    return 0;
}

/* save() -> a note, or nil: what was measured goes to the file of durations */
static int
lib_sim_save(lua_State *L)
{
    Sim *sim = lib_sim(L);
    Buf note = { 0 };
    lib_test_arm();
    bool noted = rank_save(&sim->sched, &note) == ORUN_EINVAL;
    lib_test_disarm();
    if (noted)
        lua_pushstring(L, buf_cstr(&note));
    buf_free(&note);
    return noted;
}

static int
lib_sim_gone(lua_State *L)
{
    Sim *sim = lua_touserdata(L, 1);
    if (!sim->clock.now)
        return 0;
    lib_sim_free_collectors(sim);
    lib_sim_durable_close(sim);
    for (size_t i = 1; i < sim->sched.board.count; i++)
        lib_sim_forget(board_find(&sim->sched.board, i));
    sched_destroy(&sim->sched);
    rank_close(sim->sched.ranks);
    free(sim->events);
    free(sim->seen);
    sim->clock.now = NULL;
    return 0;
}

static const luaL_Reg lib_sim_methods[] = {
    { "add", lib_sim_add },
    { "advance", lib_sim_advance },
    { "agent", lib_sim_agent },
    { "answer", lib_sim_answer_any },
    { "asked", lib_sim_asked },
    { "begin", lib_sim_begin },
    { "block", lib_sim_block },
    { "cancel_all", lib_sim_cancel_all },
    { "changes", lib_sim_changes },
    { "check", lib_sim_check },
    { "claim", lib_sim_claim },
    { "claim_next", lib_sim_claim_next },
    { "close", lib_sim_close },
    { "closes", lib_sim_closes },
    { "collector", lib_sim_collector },
    { "drain", lib_sim_drain },
    { "events", lib_sim_events },
    { "figures", lib_sim_figures },
    { "finish", lib_sim_finish },
    { "finish_next", lib_sim_finish_next },
    { "granted", lib_sim_list_granted },
    { "hurry", lib_sim_hurry },
    { "info", lib_sim_info },
    { "kept", lib_sim_kept },
    { "late", lib_sim_late },
    { "limit", lib_sim_limit },
    { "log", lib_sim_log },
    { "looked", lib_sim_looked },
    { "op_done", lib_sim_op_done },
    { "outcome", lib_sim_outcome },
    { "pending", lib_sim_pending },
    { "priority", lib_sim_priority },
    { "refuse", lib_sim_refuse },
    { "release", lib_sim_release },
    { "resolve", lib_sim_resolve },
    { "program", lib_sim_program },
    { "program_over", lib_sim_program_over },
    { "running", lib_sim_list_running },
    { "save", lib_sim_save },
    { "sealed", lib_sim_sealed },
    { "slots", lib_sim_slots },
    { "spend", lib_sim_spend },
    { "stop", lib_sim_stop },
    { "sweep", lib_sim_sweep },
    { "wait", lib_sim_wait },
    { NULL, NULL },
};

/* What field `history` of argument 1 names: a file of durations. */
static int
lib_sim_remember(lua_State *L, Sim *sim)
{
    int e = 0;
    if (lua_getfield(L, 1, "history") == LUA_TSTRING)
        e = rank_open(&sim->sched, lua_tostring(L, -1), "/sim");
    lua_pop(L, 1);
    return e;
}

/* sim{lua=2, process=1, manual=, no_ladder=, history=, durable=, keep=} */
static int
lib_sim_new(lua_State *L)
{
    lua_settop(L, 1);
    if (lua_isnil(L, 1)) {
        lua_newtable(L);
        lua_replace(L, 1);
    }
    int lua = (int)lib_test_number(L, 1, "lua", 2);
    int process = (int)lib_test_number(L, 1, "process", 1);
    Sim *sim = lib_test_object(L, LIB_SIM, sizeof *sim, lib_sim_methods,
                               lib_sim_gone);
    sim->manual = lib_test_flag(L, 1, "manual");
    sim->no_ladder = lib_test_flag(L, 1, "no_ladder");
    sim->due = INFINITY;
    sim->runner = (Runner){ lib_sim_start, lib_sim_stopped, lib_sim_abandon };
    list_init(&sim->running);
    list_init(&sim->granted);
    list_init(&sim->collectors);
    op_init(&sim->op);
    Clock clock = { .now = lib_sim_now, .wake_at = lib_sim_wake_at };
    lib_test_arm();
    int e = sched_init(&sim->sched, &sim->clock,
                       (const int[SLOT_KINDS]){ lua, process, 1 },
                       lifecycle_timer_due);
    if (e == 0 && (e = lib_sim_remember(L, sim)) != 0)
        sched_destroy(&sim->sched);
    lib_test_disarm();
    if (e)
        return lib_test_error(L, e);
    sim->clock = clock;
    lib_sim_durable_open(L, sim);
    sim->sched.board.keep = (size_t)lib_test_number(L, 1, "keep", 0);
    sim->sched.runner[TASK_LUA] = &sim->runner;
    sim->sched.runner[TASK_PROCESS] = &sim->runner;
    return 1;
}

int
luaopen_test_sim(lua_State *L)
{
    lua_pushcfunction(L, lib_sim_new);
    return 1;
}
