/* lib_test_sim_look.c — what a Sim shows of its tasks.
 */
#include "lib_test_sim.h"
#include "sched/rank.h"
#include "value/field.h"
#include <lauxlib.h>

static void
lib_look_number(lua_State *L, const char *key, double x)
{
    lua_Integer i;
    if (lua_numbertointeger(x, &i) && (double)i == x)
        lua_pushinteger(L, i);
    else
        lua_pushnumber(L, x);
    lua_setfield(L, -2, key);
}

static void
lib_look_task(lua_State *L, const char *key, const Task *t)
{
    if (t)
        lib_look_number(L, key, (double)t->id);
}

static void
lib_look_blockers(lua_State *L, const Task *t)
{
    uint32_t n = t->edges ? t->edges->blocker_count : 0;
    lua_createtable(L, (int)n, 0);
    for (uint32_t i = 0; i < n; i++) {
        lua_pushinteger(L, (lua_Integer)t->edges->blockers[i]->id);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "blockers");
}

#define X(name, text) #name,
static const char *const lib_look_states[] = { TASK_STATES(X) };
#undef X

/* info(id) -> all there is to know about a task; `state` is its name in the
 * table of states, `status` the word scripts see */
int
lib_sim_info(lua_State *L)
{
    Task *t = lib_sim_task(L, lib_sim(L), 2);
    lua_newtable(L);
    field_set_string(L, "state", lib_look_states[t->state]);
    field_set_string(L, "status", task_state_name(t->state));
    lib_look_number(L, "attempt", t->attempt);
    lib_look_number(L, "unmet", t->unmet);
    lib_look_number(L, "priority", t->priority);
    lib_look_number(L, "depth", t->depth);
    lib_look_number(L, "rung", t->stop_rung);
    field_set_string(L, "stopping", task_fault_name(t->stopping));
    if (task_final(t)) {
        field_set_string(L, "fault", task_fault_name(t->outcome.fault));
        field_set_string(L, "error", t->outcome.error);
    }
    field_set_string(L, "owner", t->opt ? t->opt->owner : NULL);
    field_set_boolean(L, "waiting", task_waiting(t) != NULL);
    field_set_boolean(L, "has_kind", t->has_kind);
    field_set_boolean(L, "has_rest", t->has_rest);
    field_set_boolean(L, "woken", t->woken);
    field_set_boolean(L, "looking", task_looking(t));
    field_set_boolean(L, "sealed", task_sealed(t));
    field_set_boolean(L, "cached", task_cached(t));
    lib_look_task(L, "parent", t->parent);
    lib_look_task(L, "claimer", task_claimer(t));
    lib_look_blockers(L, t);
    lib_look_number(L, "own", t->own);
    lib_look_number(L, "rank", t->rank);
    if (!task_final(t))
        lib_look_number(L, "order", (double)t->ticket - 8e6 * t->rank);
    if (task_final(t) && t->attempt)
        lib_look_number(L, "duration", t->took);
    if (task_due(t))
        lib_look_number(L, "due", task_due(t)->at);
    return 1;
}

static size_t
lib_look_count(const List *l)
{
    size_t n = 0;
    list_each(node, l)
        n++;
    return n;
}

static size_t
lib_look_queued(const Queue *q)
{
    size_t n = 0;
    for (int i = 0; i < QUEUE_LEVELS; i++)
        n += lib_look_count(&q->level[i]);
    return n;
}

static size_t
lib_look_wait_queue(WaitQueue *q)
{
    size_t n = 0;
    List all;
    list_init(&all);
    for (Task *t; (t = wait_queue_first(q)) != NULL; n++) {
        wait_queue_leave(t);
        list_push(&all, &t->job.link);
    }
    for (List *node; (node = list_shift(&all)) != NULL;)
        wait_queue_push(q, container_of(node, Task, job.link));
    return n;
}

/* Set the field `key` to {slots=, used=, waiting=}. */
static void
lib_look_limit(lua_State *L, const char *key, Limit *l)
{
    size_t waiting = 0;
    for (int i = 0; i < LIMIT_LINES; i++)
        waiting += lib_look_wait_queue(&l->line[i].waiting);
    lua_newtable(L);
    lib_look_number(L, "slots", l->slots);
    lib_look_number(L, "used", l->used);
    lib_look_number(L, "waiting", (double)waiting);
    lua_setfield(L, -2, key);
}

/* figures() -> what the scheduler and its board count */
int
lib_sim_figures(lua_State *L)
{
    Sim *sim = lib_sim(L);
    Sched *s = &sim->sched;
    Board *b = &s->board;
    lua_newtable(L);
    lib_look_number(L, "now", sim->now);
    lib_look_number(L, "due", sim->due);
    lib_look_number(L, "count", (double)b->count - 1);
    lib_look_number(L, "live", (double)b->live);
    lib_look_number(L, "offers", (double)s->offers);
    lib_look_number(L, "open_items", (double)b->open_items);
    lib_look_number(L, "active", b->active);
    lib_look_number(L, "ended", (double)b->ended_count);
    field_set_boolean(L, "ranked", rank_swept(s));
    lib_look_number(L, "timers", (double)b->timers.n);
    lib_look_number(L, "items", (double)lib_look_queued(&b->items));
    lib_look_number(L, "asked", (double)lib_look_count(&sim->durable.asked));
    lib_look_number(L, "writing", (double)lib_look_count(&b->writing));
    lib_look_number(L, "writers", (double)lib_look_count(&s->writers));
    for (size_t i = 0; i < SLOT_KINDS; i++)
        lib_look_limit(L, s->kind[i]->name, s->kind[i]);
    lua_newtable(L);
    list_each(node, &s->limits) {
        Limit *l = container_of(node, Limit, all);
        lib_look_limit(L, l->name, l);
    }
    lua_setfield(L, -2, "limits");
    return 1;
}
