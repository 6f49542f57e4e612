/* lib_test_sim_check.c — what must be true of a Sim at any time. Layer 7.
 * Layer 7 (Lua API).
 *
 * Recounts from the tasks alone what the scheduler keeps account of, so that
 * no step of a long random run can leave a figure wrong unseen.
 */
#include "lib_test_sim.h"
#include <lauxlib.h>
#include <stdarg.h>
#include <stdio.h>

/* The first thing found wrong. */
typedef struct SimCheck {
    Sim *sim;
    char wrong[200];
} SimCheck;

static void lib_check_that(SimCheck *c, bool ok, const char *format, ...)
    PRINTF_LIKE(3, 4);

static void
lib_check_that(SimCheck *c, bool ok, const char *format, ...)
{
    if (ok || c->wrong[0])
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(c->wrong, sizeof c->wrong, format, args);
    va_end(args);
}

static bool
lib_check_in_runner(const Task *t)
{
    return t->id && t->run;
}

static void
lib_check_blockers(SimCheck *c, const Task *t)
{
    uint32_t open = 0;
    for (uint32_t i = 0; t->edges && i < t->edges->blocker_count; i++)
        open += !task_final(t->edges->blockers[i]);
    lib_check_that(c, open == t->unmet, "t%d: unmet is %u, and %u blockers "
                   "are not final", (int)t->id, t->unmet, open);
    if (!task_final(t))
        lib_check_that(c, (open > 0) == (t->state == TASK_WAITING),
                       "t%d: in state %d with %u open blockers", (int)t->id,
                       t->state, open);
}

static void
lib_check_final(SimCheck *c, const Task *t)
{
    int id = (int)t->id;
    lib_check_that(c, !t->has_kind && !t->has_rest, "t%d: final, with slots",
                   id);
    lib_check_that(c, !t->waiting, "t%d: final, and waits", id);
    lib_check_that(c, !t->timer.slot, "t%d: final, with a timer", id);
    lib_check_that(c, !t->claims, "t%d: final, with claims", id);
    lib_check_that(c, list_empty(&t->job.link), "t%d: final, queued", id);
    lib_check_that(c, list_empty(&t->waits), "t%d: final, and waited for", id);
    lib_check_that(c, !lib_check_in_runner(t), "t%d: final, in the runner",
                   id);
    lib_check_that(c, t->outcome.state == t->state, "t%d: another outcome",
                   id);
    for (Task *child = t->children; child; child = child->sibling)
        lib_check_that(c, task_final(child) || child->stopping
                       || child->kind == TASK_ITEM
                       || (child->opt && child->opt->detach),
                       "t%d lives on without its parent", (int)child->id);
}

/* A task that is neither final nor blocked is somewhere: in the runner's
 * hands, in a queue, or due. */
static void
lib_check_place(SimCheck *c, const Task *t)
{
    int id = (int)t->id;
    bool queued = !list_empty(&t->job.link), held = lib_check_in_runner(t);
    if (t->kind == TASK_ITEM) {
        lib_check_that(c, queued == (t->state == TASK_READY),
                       "t%d: an item in state %d, queued: %d", id, t->state,
                       queued);
        lib_check_that(c, (t->claimer != NULL) == (t->state == TASK_RUNNING),
                       "t%d: an item in state %d, claimed: %d", id, t->state,
                       t->claimer != NULL);
        return;
    }
    if (t->state == TASK_WAITING)
        lib_check_that(c, !queued && !held && !t->has_kind,
                       "t%d: blocked, but not left alone", id);
    if (t->state == TASK_READY)
        lib_check_that(c, !held && queued != (t->timer.slot != 0),
                       "t%d: ready, queued: %d, due: %d", id, queued,
                       t->timer.slot != 0);
    if (t->state == TASK_RUNNING)
        lib_check_that(c, held, "t%d: runs nowhere", id);
    if (t->state == TASK_RUNNING && t->woken && !c->sim->manual)
        lib_check_that(c, queued && !t->stopping,
                       "t%d: was woken, queued: %d, stopping: %d", id, queued,
                       t->stopping);
}

static void
lib_check_claims(SimCheck *c, const Task *t)
{
    for (const Task *item = t->claims; item; item = item->next_claim)
        lib_check_that(c, item->claimer == t && item->state == TASK_RUNNING,
                       "t%d has claimed t%d in vain", (int)t->id,
                       (int)item->id);
    if (t->kind == TASK_ITEM && t->state == TASK_RUNNING && t->claimer) {
        const Task *item = t->claimer->claims;
        while (item && item != t)
            item = item->next_claim;
        lib_check_that(c, item == t, "t%d: its claimer does not know",
                       (int)t->id);
    }
}

/* Slots: `used` is what the tasks hold, at most the cap unless somebody goes
 * on after a wait or is being stopped; and nobody queues before a free one. */
static void
lib_check_limit(SimCheck *c, Limit *l, TaskKind kind)
{
    int used = 0, owed = 0;
    Board *b = &c->sim->sched.board;
    for (size_t i = 1; i < b->count; i++) {
        const Task *t = board_find(b, i);
        bool named = (t->opt && t->opt->limit == l)
            || (t->agent && t->agent->limit == l);
        bool holds = kind == TASK_ITEM ? named && t->has_rest
                                       : t->kind == kind && t->has_kind;
        SimRun *run = t->run;
        bool resumed = kind != TASK_ITEM && run && run->resumed;
        used += holds;
        owed += holds && !t->stopping && !resumed;
    }
    lib_check_that(c, used == l->used, "limit %s: used is %d, and %d tasks "
                   "hold a slot", l->name, l->used, used);
    lib_check_that(c, owed <= l->cap || c->sim->lowered, "limit %s: %d of %d "
                   "slots are used", l->name, owed, l->cap);
    bool waits = queue_peek(&l->waiting.rings) || !list_empty(&l->waiting.late);
    lib_check_that(c, !waits || limit_full(l), "limit %s: %d of %d slots are "
                   "used, and tasks queue", l->name, l->used, l->cap);
}

static Task *
lib_check_writer(Sim *sim, const List *held)
{
    Board *b = &sim->sched.board;
    for (size_t i = 1; i < b->count; i++) {
        Task *t = board_find(b, i);
        if (t->opt && t->opt->writes && &t->opt->writes->held == held)
            return t;
    }
    return NULL;
}

/* Two that write the same never run together; who queues has a reason. */
static void
lib_check_writes(SimCheck *c)
{
    Sched *s = &c->sim->sched;
    list_each(a, &s->writing) {
        Task *t = lib_check_writer(c->sim, a);
        lib_check_that(c, t && t->has_rest, "somebody holds writes only");
        for (List *b = a->next; b != &s->writing && t; b = b->next) {
            Task *u = lib_check_writer(c->sim, b);
            lib_check_that(c, !u || t->stopping || u->stopping
                           || !writes_overlap(t->opt->writes, u->opt->writes),
                           "t%d and t%d write the same", (int)t->id,
                           u ? (int)u->id : 0);
        }
    }
    list_each(a, &s->writers) {
        Task *t = container_of(a, Task, job.link);
        bool clash = false;
        list_each(b, &s->writing)
            clash = clash || writes_overlap(t->opt->writes,
                                            container_of(b, Writes, held));
        for (List *b = s->writers.next; b != a; b = b->next)
            clash = clash || writes_overlap(
                t->opt->writes, container_of(b, Task, job.link)->opt->writes);
        lib_check_that(c, clash, "t%d waits to write what nobody writes",
                       (int)t->id);
    }
}

static void
lib_check_timers(SimCheck *c)
{
    const Timers *all = &c->sim->sched.board.timers;
    for (size_t i = 1; i <= all->n; i++) {
        lib_check_that(c, all->heap[i]->slot == i, "timer %d in slot %d",
                       (int)all->heap[i]->slot, (int)i);
        lib_check_that(c, all->heap[i / 2 ? i / 2 : 1]->at <= all->heap[i]->at,
                       "slot %d is due before its parent", (int)i);
    }
    if (all->n)
        lib_check_that(c, c->sim->due <= all->heap[1]->at, "a timer is due at "
                       "%g, and nobody comes", all->heap[1]->at);
}

static void
lib_check_sums(SimCheck *c)
{
    Board *b = &c->sim->sched.board;
    int stirring = !(b->root->waiting && b->root->waiting->resting);
    size_t live = 0, open = 0;
    for (size_t i = 1; i < b->count; i++) {
        const Task *t = board_find(b, i);
        bool item = t->kind == TASK_ITEM;
        live += !item && !task_final(t);
        open += item && !task_final(t);
        stirring += !item && (t->state == TASK_READY
                              || t->state == TASK_RUNNING)
            && !(t->waiting && t->waiting->resting);
    }
    lib_check_that(c, b->live == live, "live is %zu, not %zu", b->live, live);
    lib_check_that(c, b->open_items == open, "open_items is %zu, not %zu",
                   b->open_items, open);
    lib_check_that(c, b->stirring == stirring, "stirring is %d, not %d",
                   b->stirring, stirring);
    lib_check_that(c, stirring || b->timers.n || !b->root->waiting,
                   "nothing stirs, and the script waits");
}

/* check() -> nil, or what is wrong */
int
lib_sim_check(lua_State *L)
{
    SimCheck c = { .sim = lib_sim(L) };
    Sched *s = &c.sim->sched;
    for (size_t i = 1; i < s->board.count; i++) {
        Task *t = board_find(&s->board, i);
        lib_check_blockers(&c, t);
        lib_check_claims(&c, t);
        if (task_final(t))
            lib_check_final(&c, t);
        else
            lib_check_place(&c, t);
    }
    lib_check_that(&c, list_empty(&s->starts), "granted, and not started");
    lib_check_that(&c, list_empty(&s->aftermath), "consequences are left");
    lib_check_limit(&c, s->kind[TASK_LUA], TASK_LUA);
    lib_check_limit(&c, s->kind[TASK_PROCESS], TASK_PROCESS);
    list_each(node, &s->limits)
        lib_check_limit(&c, container_of(node, Limit, all), TASK_ITEM);
    lib_check_writes(&c);
    lib_check_timers(&c);
    lib_check_sums(&c);
    if (!c.wrong[0])
        return 0;
    lua_pushstring(L, c.wrong);
    return 1;
}
