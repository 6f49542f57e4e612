/* lib_test_sim_check.c — what must be true of a Sim at any time.
 *
 * Recounts from the tasks alone what the scheduler keeps account of, so that
 * no step of a long random run can leave a figure wrong unseen.
 */
#include "lib_test_sim.h"
#include "sched/rank.h"
#include "task/writes.h"
#include <lauxlib.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

enum { LIB_CHECK_LIMITS = 16 };

/* What the tasks hold of one limit. */
typedef struct SimTally {
    const Limit *limit;
    int used, owed;
} SimTally;

/* The first thing found wrong, and what is counted on the way. */
typedef struct SimCheck {
    Sim *sim;
    char wrong[200];
    SimTally tally[LIB_CHECK_LIMITS];
    int tallies;
    size_t live, open, ready_items, armed, held;
    int active;
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
    uint32_t open = 0, failed = 0;
    for (uint32_t i = 0; t->edges && i < t->edges->blocker_count; i++) {
        const Task *blocker = t->edges->blockers[i];
        open += !task_final(blocker);
        failed += task_final(blocker) && blocker->state != TASK_COMPLETED;
    }
    if (!task_final(t) && !(t->opt && t->opt->despite_failure))
        lib_check_that(c, !failed, "t%d: lives on after a blocker failed",
                       (int)t->id);
    lib_check_that(c, open == t->unmet,
                   "t%d: unmet is %u, and %u blockers "
                   "are not final",
                   (int)t->id, t->unmet, open);
    if (!task_final(t))
        lib_check_that(c,
                       (open > 0) == (t->state == TASK_WAITING)
                           || (t->kind == TASK_ITEM && task_looking(t)),
                       "t%d: in state %d with %u open blockers", (int)t->id,
                       t->state, open);
}

static void
lib_check_final(SimCheck *c, const Task *t)
{
    int id = (int)t->id;
    lib_check_that(c, !t->has_kind && !t->has_rest && !t->programs,
                   "t%d: final, with slots", id);
    lib_check_that(c,
                   !t->opt || !t->opt->writes || !writes_held(t->opt->writes),
                   "t%d: final, with writes", id);
    lib_check_that(c, !task_claims(t), "t%d: final, with claims", id);
    lib_check_that(c, list_empty(&t->job.link) || c->sim->sched.board.keep,
                   "t%d: final, queued", id);
    lib_check_that(c, list_empty(&t->waits), "t%d: final, and waited for", id);
    lib_check_that(c, !lib_check_in_runner(t), "t%d: final, in the runner", id);
    lib_check_that(c, t->outcome.state == t->state, "t%d: another outcome", id);
    for (Task *child = t->children; child; child = child->sibling)
        lib_check_that(c,
                       task_final(child) || child->stopping
                           || task_sealed(child) || child->kind == TASK_ITEM
                           || (child->opt && child->opt->detach),
                       "t%d lives on without its parent", (int)child->id);
}

static void
lib_check_item(SimCheck *c, const Task *t)
{
    int id = (int)t->id;
    bool queued = !list_empty(&t->job.link);
    lib_check_that(c, queued == (t->state == TASK_READY),
                   "t%d: an item in state %d, queued: %d", id, t->state,
                   queued);
    lib_check_that(c,
                   task_sealed(t)
                       || (task_claimer(t) != NULL)
                           == (t->state == TASK_RUNNING),
                   "t%d: an item in state %d, claimed: %d", id, t->state,
                   task_claimer(t) != NULL);
}

static bool
lib_check_asked(SimCheck *c, const Task *t, bool seal)
{
    list_each(node, &c->sim->durable.asked) {
        const SimAsked *a = container_of(node, SimAsked, link);
        if (a->task == t && a->seal == seal)
            return true;
    }
    return false;
}

/* Who is looked up or sealed will be answered, and has nothing meanwhile. */
static void
lib_check_kept(SimCheck *c, const Task *t)
{
    int id = (int)t->id;
    bool sealed = task_sealed(t), held = lib_check_in_runner(t);
    lib_check_that(c, sealed == lib_check_asked(c, t, true),
                   "t%d: sealed: %d, and not what is kept", id, sealed);
    lib_check_that(c, !task_looking(t) || lib_check_asked(c, t, false),
                   "t%d: is looked up by nobody", id);
    lib_check_that(
        c, t->kind == TASK_ITEM || t->state != TASK_WAITING || !task_looking(t),
        "t%d: is blocked and looked up", id);
    if (!task_looking(t) && !sealed)
        return;
    lib_check_that(c, !t->has_kind && !t->has_rest && !t->programs,
                   "t%d: has slots, and does not run", id);
    lib_check_that(c,
                   !t->opt || !t->opt->writes || !writes_held(t->opt->writes),
                   "t%d: has writes, and does not run", id);
    lib_check_that(c, list_empty(&t->job.link) && !task_due(t) && !held,
                   "t%d: is kept, and is elsewhere, too", id);
    lib_check_that(c, !task_waiting(t), "t%d: is kept, and waits", id);
}

/* A task that is neither final nor blocked is somewhere: in the runner's
 * hands, in a queue, due, looked up or sealed. */
static void
lib_check_place(SimCheck *c, const Task *t)
{
    int id = (int)t->id;
    if (task_sealed(t))
        return;
    bool queued = !list_empty(&t->job.link), held = lib_check_in_runner(t);
    bool writes = t->opt && t->opt->writes && writes_held(t->opt->writes);
    lib_check_that(
        c, t->state != TASK_RUNNING || !t->opt || !t->opt->writes || writes,
        "t%d: runs without what it writes", id);
    lib_check_that(c, !writes || t->state == TASK_RUNNING || t->has_kind,
                   "t%d: has what it writes, and does not run", id);
    if (t->state == TASK_WAITING)
        lib_check_that(c, !queued && !held && !t->has_kind,
                       "t%d: blocked, but not left alone", id);
    if (t->state == TASK_READY)
        lib_check_that(
            c, !held && queued + task_looking(t) + (task_due(t) != NULL) == 1,
            "t%d: ready, queued: %d, due: %d, looked up: %d", id, queued,
            task_due(t) != NULL, task_looking(t));
    if (t->state == TASK_READY)
        lib_check_that(c, !task_claims(t), "t%d: has claims, and does not run",
                       id);
    if (t->state == TASK_RUNNING)
        lib_check_that(c, held, "t%d: runs nowhere", id);
    if (t->state == TASK_RUNNING && t->woken && !c->sim->manual)
        lib_check_that(c, queued && !t->stopping,
                       "t%d: was woken, queued: %d, stopping: %d", id, queued,
                       t->stopping);
}

/* An attempt that is not being stopped is due when its time is over; one that
 * is has a next rung to come, if its runner has a ladder. */
static void
lib_check_time(SimCheck *c, const Task *t)
{
    double timeout = t->opt ? t->opt->timeout : 0;
    const Timer *due = task_due(t);
    if (t->state != TASK_RUNNING || task_sealed(t))
        return;
    if (t->stopping)
        lib_check_that(c, (task_due(t) != NULL) != c->sim->no_ladder,
                       "t%d: is stopped, next rung: %d", (int)t->id,
                       task_due(t) != NULL);
    else
        lib_check_that(
            c, timeout > 0 ? due && due->at == t->started + timeout : !due,
            "t%d: its time-out is %g, armed: %d", (int)t->id, timeout,
            due != NULL);
}

/* Is what it waits for so already? Told from the tasks alone. */
static bool
lib_check_over(SimCheck *c, const WaitFor *what)
{
    Board *b = &c->sim->sched.board;
    switch (what->kind) {
    case WAIT_FOR_TASK: return task_final(what->task);
    case WAIT_FOR_ITEM: return c->open == 0 || c->ready_items > 0 || b->drained;
    case WAIT_FOR_IDLE: return c->live == 0;
    case WAIT_FOR_TIME: return false;
    default: return wait_ready(b, what);
    }
}

/* No wake-up is lost: who waits waits for what is not so yet. */
static void
lib_check_wait(SimCheck *c, const Task *t, const Wait *w, const WaitFor *what)
{
    lib_check_that(c, w == task_waiting(t), "t%d: waits elsewhere", (int)t->id);
    lib_check_that(c, w->outcome == WAIT_PENDING, "t%d: waits for nothing",
                   (int)t->id);
    lib_check_that(c, !lib_check_over(c, what), "t%d: was not woken",
                   (int)t->id);
    lib_check_that(c, (what->deadline < INFINITY) == (w->timer.slot != 0),
                   "t%d: waits until %g, armed: %d", (int)t->id, what->deadline,
                   w->timer.slot != 0);
}

static void
lib_check_waits(SimCheck *c)
{
    Sim *sim = c->sim;
    Board *b = &sim->sched.board;
    if (task_waiting(b->root))
        lib_check_wait(c, b->root, &sim->script, &sim->script_what);
    for (size_t i = 1; i < b->count; i++) {
        const Task *t = board_find(b, i);
        const SimRun *run = t->run;
        if (task_waiting(t) && run)
            lib_check_wait(c, t, &run->wait, &run->what);
        else
            lib_check_that(c, !task_waiting(t), "t%d: waits, and runs nowhere",
                           (int)t->id);
    }
}

static void
lib_check_claims(SimCheck *c, const Task *t)
{
    for (const Task *item = task_claims(t); item;
         item = item->edges->next_claim)
        lib_check_that(
            c, task_claimer(item) == t && item->state == TASK_RUNNING,
            "t%d has claimed t%d in vain", (int)t->id, (int)item->id);
    if (t->kind == TASK_ITEM && t->state == TASK_RUNNING && task_claimer(t)
        && !task_sealed(t)) {
        const Task *item = task_claims(task_claimer(t));
        while (item && item != t)
            item = item->edges->next_claim;
        lib_check_that(c, item == t, "t%d: its claimer does not know",
                       (int)t->id);
    }
}

static void
lib_check_hold(SimCheck *c, const Limit *l, bool owed)
{
    int i = 0;
    while (i < c->tallies && c->tally[i].limit != l)
        i++;
    if (i == LIB_CHECK_LIMITS)
        return;
    if (i == c->tallies)
        c->tally[c->tallies++] = (SimTally){ .limit = l };
    c->tally[i].used++;
    c->tally[i].owed += owed;
}

/* Does t, which has its slots, have a number where it is to have one? */
static void
lib_check_numbered(SimCheck *c, const Task *t)
{
    const TaskOptions *opt = t->opt;
    const Limit *l = opt && opt->pool ? opt->pool
        : opt && opt->agent           ? opt->agent->limit
                                      : NULL;
    lib_check_that(c, !l || !t->has_rest || limit_number_of(l, t->id),
                   "t%d: has a slot of %s, and no number", (int)t->id,
                   l ? l->name : "");
}

/* Add up what t holds. Nothing is owed for the slot of its kind by one that
 * goes on after a wait, and for none by one that is being stopped. */
static void
lib_check_holds(SimCheck *c, const Task *t)
{
    const SimRun *run = t->id ? t->run : NULL;
    lib_check_numbered(c, t);
    if (t->has_kind)
        lib_check_hold(c, c->sim->sched.kind[t->slot],
                       !t->stopping && !(run && (run->resumed || t->woken)));
    if (t->programs == PROGRAMS_HELD)
        lib_check_hold(c, c->sim->sched.kind[SLOT_PROCESS],
                       !t->stopping && !(run && run->lent));
    if (t->has_rest && t->opt && t->opt->pool)
        lib_check_hold(c, t->opt->pool, !t->stopping);
    const AgentType *agent = task_agent(t);
    if (t->has_rest && agent && agent->limit)
        lib_check_hold(c, agent->limit, !t->stopping);
}

/* Nobody queues for what there is. */
static void
lib_check_line(SimCheck *c, Limit *l, int i)
{
    WaitQueue *q = &l->line[i].waiting;
    bool waits = queue_peek(&q->rings) || !list_empty(&q->late);
    bool lacks = i < SLOT_KINDS && limit_full(c->sim->sched.kind[i]);
    lacks = lacks || (l->meter && meter_opens(l->meter, c->sim->now) > 0);
    lib_check_that(c, !waits || limit_full(l) || lacks,
                   "limit %s: %d of %d "
                   "slots are used, and tasks queue",
                   l->name, l->used, l->slots);
}

/* Numbers: each is one task's, which has begun and not ended, and has one. */
static void
lib_check_numbers(SimCheck *c, const Limit *l)
{
    for (uint32_t i = 0; i < l->numbered_room; i++) {
        uint32_t id = l->numbered[i];
        const Task *t = id ? board_find(&c->sim->sched.board, id) : NULL;
        lib_check_that(c, !id || limit_number_of(l, id) == i + 1,
                       "limit %s: t%u has two numbers", l->name, id);
        lib_check_that(c,
                       !t || t->state == TASK_RUNNING
                           || (t->state == TASK_READY && t->has_kind),
                       "limit %s: t%u has a number, and does not run", l->name,
                       id);
    }
}

/* Slots: `used` is what the tasks hold, of what is owed at most all. */
static void
lib_check_limit(SimCheck *c, Limit *l)
{
    SimTally none = { 0 }, *tally = &none;
    for (int i = 0; i < c->tallies; i++)
        if (c->tally[i].limit == l)
            tally = &c->tally[i];
    lib_check_that(c, tally->used == l->used,
                   "limit %s: used is %d, and %d "
                   "tasks hold a slot",
                   l->name, l->used, tally->used);
    lib_check_numbers(c, l);
    lib_check_that(c, tally->owed <= l->slots || c->sim->lowered,
                   "limit %s: "
                   "%d of %d slots are used",
                   l->name, tally->owed, l->slots);
    for (int i = 0; i < LIMIT_LINES; i++)
        lib_check_line(c, l, i);
}

static void
lib_check_limits(SimCheck *c)
{
    Sched *s = &c->sim->sched;
    for (size_t i = 0; i < SLOT_KINDS; i++)
        lib_check_limit(c, s->kind[i]);
    list_each(node, &s->limits)
        lib_check_limit(c, container_of(node, Limit, all));
    list_each(node, &s->agents) {
        const AgentType *a = container_of(node, AgentType, link);
        if (a->limit)
            lib_check_limit(c, a->limit);
    }
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

/* May both have what they write, though that overlaps? One that was stopped
 * before it began has it, and does nothing. */
static bool
lib_check_both(const Task *t, const Task *u)
{
    return task_above(t, u) || task_above(u, t)
        || (t->stopping && t->state == TASK_READY)
        || (u->stopping && u->state == TASK_READY)
        || !writes_overlap(t->opt->writes, u->opt->writes);
}

/* Must t queue behind `first`, which came before? Told from the tasks alone. */
static bool
lib_check_behind(SimCheck *c, const Task *first, const Task *t)
{
    if (!writes_overlap(t->opt->writes, first->opt->writes))
        return false;
    list_each(node, &c->sim->sched.board.writing) {
        const Task *u = lib_check_writer(c->sim, node);
        const SimRun *run = u->run;
        bool waits = task_waiting(u) && run && run->what.kind != WAIT_FOR_OP
            && run->what.kind != WAIT_FOR_TIME;
        if ((waits || task_above(u, t)) && task_barred(first, u->opt->writes))
            return false;
    }
    return true;
}

/* What a task writes is its own from the start to the end of its attempt, also
 * while it waits; who queues has a reason. */
static void
lib_check_writes(SimCheck *c)
{
    Sched *s = &c->sim->sched;
    List *writing = &s->board.writing;
    list_each(a, writing) {
        Task *t = lib_check_writer(c->sim, a);
        for (List *b = a->next; b != writing && t; b = b->next) {
            Task *u = lib_check_writer(c->sim, b);
            lib_check_that(c, !u || lib_check_both(t, u),
                           "t%d and t%d write the same", (int)t->id,
                           u ? (int)u->id : 0);
        }
    }
    list_each(a, &s->writers) {
        Task *t = container_of(a, Task, job.link);
        bool clash = false;
        list_each(b, writing)
            clash = clash || task_barred(t, container_of(b, Writes, held));
        for (List *b = s->writers.next; b != a; b = b->next)
            clash = clash
                || lib_check_behind(c, container_of(b, Task, job.link), t);
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
        lib_check_that(c,
                       c->sim->due <= all->heap[1]->at
                           && all->heap[1]->at >= c->sim->now,
                       "a timer is due at "
                       "%g, and nobody comes",
                       all->heap[1]->at);
}

static void
lib_check_count(SimCheck *c, const Task *t)
{
    bool item = t->kind == TASK_ITEM;
    c->live += !item && !task_final(t);
    c->open += item && !task_final(t);
    c->ready_items += item && t->state == TASK_READY;
    c->active += !item && (t->state == TASK_READY || t->state == TASK_RUNNING)
        && !t->for_writes && !(task_waiting(t) && task_waiting(t)->resting);
    c->active += item && (task_looking(t) || task_sealed(t));
    c->held += task_final(t) ? outcome_weight(&t->outcome) : 0;
    c->armed += task_due(t) != NULL;
    c->armed += task_waiting(t) && task_waiting(t)->timer.slot;
}

static void
lib_check_sums(SimCheck *c)
{
    Board *b = &c->sim->sched.board;
    const Wait *w = task_waiting(b->root);
    bool rests = w && w->resting;
    int active = c->active + !rests;
    size_t armed = c->armed + (w && w->timer.slot);
    list_each(node, &c->sim->sched.limits) {
        const Limit *l = container_of(node, Limit, all);
        armed += l->meter && l->meter->timer.slot;
    }
    lib_check_that(c, b->timers.n == armed,
                   "%zu timers are armed, %zu of "
                   "tasks, waits and limits",
                   b->timers.n, armed);
    lib_check_that(c, b->live == c->live, "live is %zu, not %zu", b->live,
                   c->live);
    lib_check_that(c, b->open_items == c->open, "open_items is %zu, not %zu",
                   b->open_items, c->open);
    lib_check_that(c, b->active == active, "active is %d, not %d", b->active,
                   active);
    for (const List *node = c->sim->durable.asked.next;
         node != &c->sim->durable.asked; node = node->next)
        c->held += outcome_weight(&container_of(node, SimAsked, link)->o);
    size_t held = c->sim->sched.held;
    lib_check_that(c, b->keep || held == c->sim->given + c->held,
                   "held is %zu, not %zu", held, c->sim->given + c->held);
    lib_check_that(c, active || b->timers.n || !rests,
                   "nothing is active, and the script waits");
}

/* Once all is swept a blocker's rank is that of each who waits for it, and its
 * own duration. */
static void
lib_check_rank(SimCheck *c, const Task *t)
{
    bool swept = rank_swept(&c->sim->sched);
    lib_check_that(c, t->rank >= t->own, "t%d: rank %g, own %g", (int)t->id,
                   t->rank, t->own);
    for (uint32_t i = 0; swept && t->unmet && i < t->edges->blocker_count;
         i++) {
        const Task *b = t->edges->blockers[i];
        lib_check_that(c, task_final(b) || b->rank >= b->own + t->rank,
                       "t%d: rank %g, own %g, and t%d waits for it with %g",
                       (int)b->id, b->rank, b->own, (int)t->id, t->rank);
    }
}

static void
lib_check_task(SimCheck *c, const Task *t)
{
    lib_check_count(c, t);
    lib_check_holds(c, t);
    lib_check_blockers(c, t);
    lib_check_claims(c, t);
    lib_check_kept(c, t);
    if (!task_final(t))
        lib_check_rank(c, t);
    if (task_final(t)) {
        lib_check_final(c, t);
    } else if (t->kind == TASK_ITEM) {
        lib_check_item(c, t);
    } else {
        lib_check_place(c, t);
        lib_check_time(c, t);
    }
}

/* check() -> nil, or what is wrong */
int
lib_sim_check(lua_State *L)
{
    SimCheck c = { .sim = lib_sim(L) };
    Sched *s = &c.sim->sched;
    for (size_t i = 1; i < s->board.count; i++) {
        const Task *t = board_find(&s->board, i);
        if (t != &s->board.gone)
            lib_check_task(&c, t);
    }
    lib_check_that(&c, list_empty(&s->starts), "granted, and not started");
    lib_check_that(&c, list_empty(&s->to_propagate), "consequences are left");
    lib_check_waits(&c);
    lib_check_limits(&c);
    lib_check_writes(&c);
    lib_check_timers(&c);
    lib_check_sums(&c);
    if (!c.wrong[0])
        return 0;
    lua_pushstring(L, c.wrong);
    return 1;
}
