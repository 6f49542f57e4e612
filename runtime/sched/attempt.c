/* attempt.c — beginning and ending, and what a task's timer does. */
#include "sched/attempt.h"
#include "base/secret.h"
#include "sched/admit.h"
#include "sched/escalate.h"
#include "sched/rank.h"
#include "sched/retry.h"
#include "sched/lifecycle.h"
#include "sched/slots.h"

/* The attempt has ended so: t is tried again, or final. */
static void
attempt_end(Sched *s, Task *t, Outcome *o)
{
    t->run = NULL;
    sched_disarm(s, t);
    if (t->stopping)
        lifecycle_explain_stop(t, o);
    if (admit_again(s, t, o)) {
        retry_reset(s, t);
        outcome_clear(o);
        slots_offer(s, t);
    } else if (retry_again(s, t, o))
        outcome_clear(o);
    else
        lifecycle_finalize(s, t, o);
    lifecycle_propagate(s);
}

/* It did not end: it is told as stopped, and its runner keeps what is left. */
static void
attempt_give_up(Sched *s, Task *t)
{
    Outcome o = { .code = -1 };
    s->runner[t->kind]->abandon(s->runner[t->kind], t);
    t->given_up = t->abandoned = true;
    attempt_end(s, t, &o);
}

void
attempt_due(Timer *timer)
{
    Task *t = container_of(timer, TaskTimer, timer)->task;
    Sched *s = sched_of(t);
    if (t->state == TASK_READY)
        slots_enter(s, t);
    else if (!t->stopping)
        escalate(s, t, FAULT_TIMEOUT);
    else if (t->stop_rung < ESCALATE_RUNGS || t->woken)
        escalate_climb(s, t); /* woken: no worker has taken it up yet */
    else
        attempt_give_up(s, t);
}

/* Make t, which has its slots, running. False: it was stopped, and is settled
 * now. With the lock held. */
static bool
attempt_begin_locked(Sched *s, Task *t, void *run, uint32_t *attempt)
{
    t->woken = false;
    if (t->stopping) {
        Outcome o = { .code = -1 };
        lifecycle_explain_stop(t, &o);
        lifecycle_finalize(s, t, &o);
        lifecycle_propagate(s);
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
        escalate(s, t, FAULT_MEMORY);
    return true;
}

bool
attempt_begin(Sched *s, Task *t, void *run, uint32_t *attempt)
{
    sched_lock(s);
    bool begun = attempt_begin_locked(s, t, run, attempt);
    sched_unlock(s);
    return begun;
}

/* The end of an attempt; false when it is not the current one any more. */
static bool
attempt_finish_locked(Sched *s, Task *t, uint32_t attempt, Outcome *o)
{
    if (t->state != TASK_RUNNING || t->attempt != attempt) {
        outcome_clear(o);
        return false;
    }
    rank_sweep(s);
    attempt_end(s, t, o);
    return true;
}

void
attempt_finish(Sched *s, Task *t, uint32_t attempt, Outcome *o)
{
    secret_mask_string(&o->error);
    sched_lock(s);
    attempt_finish_locked(s, t, attempt, o);
    sched_unlock(s);
}

/* The first new task of this kind among the starts, taken out of them. */
static Task *
attempt_take_start(Sched *s, TaskKind kind)
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
attempt_finish_next(Sched *s, Task *t, uint32_t *attempt, Outcome *o, void *run)
{
    Task *next = NULL;
    secret_mask_string(&o->error);
    sched_lock(s);
    if (attempt_finish_locked(s, t, *attempt, o))
        while ((next = attempt_take_start(s, (TaskKind)t->kind)) != NULL
               && !attempt_begin_locked(s, next, run, attempt))
            continue;
    sched_unlock(s);
    return next;
}
