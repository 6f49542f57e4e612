/* sched.c — beginning, finishing, stopping.
 *
 * Adding is in sched_add.c, retrying in retry.c; what being final means for
 * others (waits, claims, children, dependents) is in settle.c.
 */
#include "sched.h"
#include "admit.h"
#include "err.h"
#include "fork.h"
#include "log.h"
#include "mem.h"
#include "rank.h"
#include "retry.h"
#include "secret.h"
#include "settle.h"
#include "slots.h"
#include "value.h"
#include "wait.h"
#include <stdio.h>

enum {
    SCHED_RUNGS = 2,        /* of the stop ladder, before a task is given up */
};

static void
sched_free_kinds(Sched *s)
{
    for (size_t i = 0; i < SLOT_KINDS; i++)
        limit_free(s->kind[i]);
    limit_free(s->whole);
    limit_free(s->memory);
}

int
sched_init(Sched *s, Clock *clock, const int slots[SLOT_KINDS])
{
    static const char *const names[SLOT_KINDS] = { "lua", "process", "http" };
    bool failed = false;
    *s = (Sched){ .random = 0x9e3779b97f4a7c15u, .forks = fork_count };
    for (int i = 0; i < SLOT_KINDS; i++)
        list_init(&s->lacking[i]);
    list_init(&s->limits);
    for (size_t i = 0; i < countof(s->limits_by_name); i++)
        list_init(&s->limits_by_name[i]);
    list_init(&s->agents);
    list_init(&s->starts);
    list_init(&s->writers);
    list_init(&s->freed);
    list_init(&s->aftermath);
    for (size_t i = 0; i < SLOT_KINDS; i++)
        failed |= !(s->kind[i] = limit_new(names[i], slots[i]));
    if (!failed && board_init(&s->board, clock) == 0) {
        s->board.root->run = s;
        return 0;
    }
    sched_free_kinds(s);
    return ORUN_ENOMEM;
}

void
sched_destroy(Sched *s)
{
    event_close(&s->board);
    board_destroy(&s->board);
    while (s->spent_count > 0)
        value_drop(s->spent[--s->spent_count]);
    for (List *node; (node = list_shift(&s->agents)) != NULL;)
        agent_free(container_of(node, AgentType, link));
    for (List *node; (node = list_shift(&s->limits)) != NULL;)
        limit_free(container_of(node, Limit, all));
    sched_free_kinds(s);
}

Sched *
sched_of(Task *t)
{
    while (t->parent)
        t = t->parent;
    return t->run;
}

/* The scheduler whose starts this thread is handing out, and whether more came
 * meanwhile. A runner that ends a task from inside `start` comes back to
 * sched_unlock, and must not start others there: a million tasks that fail at
 * once would need a million frames. */
static _Thread_local Sched *sched_starting;
static _Thread_local bool sched_more;

double
sched_jitter(Sched *s)
{
    uint64_t x = s->random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    s->random = x;
    return 0.5 + (double)(x >> 11) / 18014398509481984.0;
}

bool
sched_has_room(Sched *s, size_t n, int part)
{
    size_t backlog = s->backlog / (size_t)part;
    return s->backlog == 0 || (n <= backlog && s->held <= backlog - n);
}

void
sched_discard(Sched *s, Value *v)
{
    if (v && s->spent_count < SCHED_SPENT && value_size(v) >= SCHED_SPENT_SIZE)
        s->spent[s->spent_count++] = v;
    else
        value_drop(v);
}

/* Unlock, and drop what was discarded. */
static void
sched_leave(Sched *s)
{
    Value *spent[SCHED_SPENT];
    int n = s->spent_count;
    for (int i = 0; i < n; i++)
        spent[i] = s->spent[i];
    s->spent_count = 0;
    board_unlock(&s->board);
    while (n > 0)
        value_drop(spent[--n]);
}

/* Take all starts; unlock; hand them to their runners. */
static void
sched_hand_out(Sched *s)
{
    List starts = s->starts;
    starts.next->prev = starts.prev->next = &starts;
    list_init(&s->starts);
    sched_more = false;
    sched_leave(s);
    for (List *node; (node = list_shift(&starts)) != NULL;) {
        Task *t = container_of(node, Task, job.link);
        s->runner[t->kind]->start(s->runner[t->kind], t);
    }
}

void
sched_unlock(Sched *s)
{
    if (list_empty(&s->starts) || sched_starting == s) {
        sched_more |= !list_empty(&s->starts);
        sched_leave(s);
        return;
    }
    Sched *outer = sched_starting;
    sched_starting = s;
    sched_hand_out(s);
    while (sched_more) {
        board_lock(&s->board);
        if (list_empty(&s->starts)) {
            sched_leave(s);
            break;
        }
        sched_hand_out(s);
    }
    sched_starting = outer;
}

void
sched_ready(Sched *s, Task *t)
{
    task_move(t, TASK_READY);
    event_add(&s->board, (Event){ .kind = EVENT_READY, .task = t->id });
    if (t->kind == TASK_ITEM) {
        queue_push(&s->board.items, &t->job.link, t->priority);
        wait_fire_all(&s->board.item_waits);
        return;
    }
    s->board.stirring++;
    slots_enter(s, t);
}

/* Is t in a queue for slots or writes, to begin or to go on? */
static bool
sched_queues(const Task *t)
{
    bool due = task_due(t) && t->state == TASK_READY; /* to be tried again */
    return !t->has_kind && !due
        && (t->state == TASK_READY || (t->state == TASK_RUNNING && t->woken));
}

static void sched_timer(Timer *timer);

int
sched_arm(Sched *s, Task *t, double at)
{
    if (!t->timer) {
        t->timer = mem_zalloc(1, sizeof *t->timer);
        if (!t->timer)
            return ORUN_ENOMEM;
        t->timer->timer.fire = sched_timer;
        t->timer->task = t;
    }
    return board_arm(&s->board, &t->timer->timer, at);
}

void
sched_disarm(Sched *s, Task *t)
{
    if (!t->timer)
        return;
    board_disarm(&s->board, &t->timer->timer);
    mem_free(t->timer);
    t->timer = NULL;
}

/* Climb one rung of the stop ladder; in a hurry, all of them. Where there is no
 * memory for a timer there is no grace either. */
static void
sched_climb(Sched *s, Task *t)
{
    Runner *r = s->runner[t->kind];
    double grace;
    if (s->hurried && t->stop_rung < SCHED_RUNGS)
        t->stop_rung = SCHED_RUNGS - 1;
    do {
        if (t->stop_rung < SCHED_RUNGS)
            t->stop_rung++;
        grace = r->stop(r, t, t->stop_rung);
        if (grace > 0 && sched_arm(s, t, board_now(&s->board) + grace) == 0)
            return;
    } while (grace > 0 && t->stop_rung < SCHED_RUNGS);
    sched_disarm(s, t);
}

void
sched_stop_running(Sched *s, Task *t, TaskFault why)
{
    bool climbing = t->stopping != FAULT_NONE;
    if (!climbing || why == FAULT_CANCELLED)
        t->stopping = (uint8_t)why;
    if (climbing)
        return;
    LOG(SCHED, "stop t%llu: %s", (unsigned long long)t->id,
        task_fault_name(why));
    if (t->state != TASK_RUNNING)
        return;
    if (sched_queues(t)) { /* to go on after a wait */
        slots_leave(s, t);
        slots_offer(s, t);
    }
    sched_climb(s, t);
}

/* The attempt has ended so: t is tried again, or final. */
static void
sched_end(Sched *s, Task *t, Outcome *o)
{
    t->run = NULL;
    sched_disarm(s, t);
    if (t->stopping)
        settle_stopped(t, o);
    if (admit_again(s, t, o)) {
        retry_reset(s, t);
        outcome_clear(o);
        slots_offer(s, t);
    } else if (retry_again(s, t, o))
        outcome_clear(o);
    else
        settle(s, t, o);
    settle_aftermath(s);
}

/* It did not end: it is told as stopped, and its runner keeps what is left. */
static void
sched_give_up(Sched *s, Task *t)
{
    Outcome o = { .code = -1 };
    s->runner[t->kind]->abandon(s->runner[t->kind], t);
    t->given_up = t->abandoned = true;
    sched_end(s, t, &o);
}

static void
sched_timer(Timer *timer)
{
    Task *t = container_of(timer, TaskTimer, timer)->task;
    Sched *s = sched_of(t);
    if (t->state == TASK_READY)
        slots_enter(s, t);
    else if (!t->stopping)
        sched_stop_running(s, t, FAULT_TIMEOUT);
    else if (t->stop_rung < SCHED_RUNGS || t->woken)
        sched_climb(s, t); /* woken: no worker has taken it up yet */
    else
        sched_give_up(s, t);
}

/* Make t, which has its slots, running. False: it was stopped, and is settled
 * now. With the lock held. */
static bool
sched_begin_locked(Sched *s, Task *t, void *run, uint32_t *attempt)
{
    t->woken = false;
    if (t->stopping) {
        Outcome o = { .code = -1 };
        settle_stopped(t, &o);
        settle(s, t, &o);
        settle_aftermath(s);
        return false;
    }
    task_move(t, TASK_RUNNING);
    t->run = run;
    t->lacks = 0;
    *attempt = ++t->attempt;
    t->started = s->moment = board_now(&s->board);
    event_add(&s->board, (Event){ .kind = EVENT_STARTED, .task = t->id,
                                  .n = t->attempt });
    if (t->opt && t->opt->timeout > 0
        && sched_arm(s, t, t->started + t->opt->timeout))
        sched_stop_running(s, t, FAULT_MEMORY);
    return true;
}

bool
sched_begin(Sched *s, Task *t, void *run, uint32_t *attempt)
{
    sched_lock(s);
    bool begun = sched_begin_locked(s, t, run, attempt);
    sched_unlock(s);
    return begun;
}

/* The end of an attempt; false when it is not the current one any more. */
static bool
sched_finish_locked(Sched *s, Task *t, uint32_t attempt, Outcome *o)
{
    if (t->state != TASK_RUNNING || t->attempt != attempt) {
        outcome_clear(o);
        return false;
    }
    rank_sweep(s);
    sched_end(s, t, o);
    return true;
}

void
sched_finish(Sched *s, Task *t, uint32_t attempt, Outcome *o)
{
    secret_mask_string(&o->error);
    sched_lock(s);
    sched_finish_locked(s, t, attempt, o);
    sched_unlock(s);
}

/* The first new task of this kind among the starts, taken out of them. */
static Task *
sched_take_start(Sched *s, TaskKind kind)
{
    list_each(node, &s->starts) {
        Task *t = container_of(node, Task, job.link);
        if (t->kind == kind && !t->woken) {
            list_del(node);
            return t;
        }
    }
    return NULL;
}

Task *
sched_finish_next(Sched *s, Task *t, uint32_t *attempt, Outcome *o, void *run)
{
    Task *next = NULL;
    secret_mask_string(&o->error);
    sched_lock(s);
    if (sched_finish_locked(s, t, *attempt, o))
        while ((next = sched_take_start(s, (TaskKind)t->kind)) != NULL
               && !sched_begin_locked(s, next, run, attempt))
            continue;
    sched_unlock(s);
    return next;
}

int
sched_stop(Sched *s, Task *t)
{
    sched_lock(s);
    int e = task_final(t) ? ORUN_ERESOLVED : 0;
    if (e == 0)
        settle_cancel(s, t, WHY_ASKED);
    settle_aftermath(s);
    sched_unlock(s);
    return e;
}

/* With the lock held. */
static void
sched_cancel_each(Sched *s, TaskWhy why, bool items)
{
    for (size_t i = 1; i < s->board.count; i++) {
        Task *t = board_find(&s->board, i);
        if (!task_final(t) && (items || t->kind != TASK_ITEM))
            settle_cancel(s, t, why);
    }
    settle_aftermath(s);
}

void
sched_cancel_all(Sched *s, TaskWhy why)
{
    sched_lock(s);
    sched_cancel_each(s, why, false);
    sched_unlock(s);
}

void
sched_close(Sched *s)
{
    sched_lock(s);
    s->closing = true;
    sched_cancel_each(s, WHY_RUN, true);
    sched_unlock(s);
}

void
sched_hurry(Sched *s, bool hurry)
{
    sched_lock(s);
    s->hurried = hurry;
    for (size_t i = 1; hurry && i < s->board.count; i++) {
        Task *t = board_find(&s->board, i);
        if (t->state == TASK_RUNNING && t->stopping
            && t->stop_rung < SCHED_RUNGS)
            sched_climb(s, t);
    }
    sched_unlock(s);
}

void
sched_left(Sched *s, uint64_t id)
{
    sched_lock(s);
    Task *t = board_find(&s->board, id);
    if (t != &s->board.gone)
        t->left = true;
    sched_unlock(s);
}

double
sched_tick(Sched *s)
{
    sched_lock(s);
    double next = board_fire_due(&s->board);
    wait_check_stuck(&s->board);
    sched_unlock(s);
    return next;
}

/* With the lock held. */
static AgentType *
sched_agent_named(Sched *s, const char *name)
{
    list_each(node, &s->agents) {
        AgentType *a = container_of(node, AgentType, link);
        if (strcmp(a->name, name) == 0)
            return a;
    }
    return NULL;
}

void
sched_add_agent(Sched *s, AgentType *a)
{
    sched_lock(s);
    list_after(&s->agents, &a->link);
    sched_unlock(s);
}

bool
sched_add_found_agent(Sched *s, AgentType *a)
{
    sched_lock(s);
    bool first = !sched_agent_named(s, a->name);
    if (first)
        list_after(&s->agents, &a->link);
    sched_unlock(s);
    return first;
}

const AgentType *
sched_agent(Sched *s, const char *name)
{
    sched_lock(s);
    const AgentType *found = sched_agent_named(s, name);
    sched_unlock(s);
    return found;
}

void
sched_set_priority(Sched *s, Task *t, int priority)
{
    sched_lock(s);
    t->priority = (int8_t)priority;
    if (t->kind == TASK_ITEM && t->state == TASK_READY) {
        list_del(&t->job.link);
        queue_push(&s->board.items, &t->job.link, priority);
    } else if (sched_queues(t)) {
        slots_requeue(s, t);
    }
    sched_unlock(s);
}
