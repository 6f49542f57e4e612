/* lifecycle.c — a task is added, attempted, tried again, ended, cancelled. */
#include "sched/lifecycle.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "sched/admit.h"
#include "sched/durable.h"
#include "sched/escalate.h"
#include "sched/forget.h"
#include "sched/rank.h"
#include "sched/report.h"
#include "sched/slots.h"
#include "sched/wait.h"
#include "value/value.h"
#include <assert.h>
#include <math.h>

enum {
    LIFECYCLE_SWEEP = 64,     /* tasks between two looks at forgotten ones */
    LIFECYCLE_RETRY_CAP = 60, /* seconds between two attempts, at most */
    LIFECYCLE_FINALLY = 10,   /* seconds for a `finally` in a run that ends */
    LIFECYCLE_REASON = 300,   /* bytes of a failed task's reason that its
                               * dependents repeat */
};

static const char lifecycle_mark[] = "blocked: ";

/* ---- the end ---- */

/* Release what the task was given, which nobody will read again. */
static void
lifecycle_release_given(Sched *s, Task *t)
{
    Value *none = NULL;
    Value **given[] = { &t->code, &t->input, t->opt ? &t->opt->prompt : &none };
    size_t before = task_weight(t);
    for (size_t i = 0; i < countof(given); i++) {
        sched_discard(s, *given[i]);
        *given[i] = NULL;
    }
    s->held -= before - task_weight(t);
}

void
lifecycle_finalize(Sched *s, Task *t, Outcome *o)
{
    Board *b = &s->board;
    sched_disarm(s, t);
    slots_with_store(s, t, false);
    if (t->kind == TASK_ITEM) {
        b->open_items--;
    } else {
        if (t->hosted)
            b->hosted--;
        else
            b->live--;
        if (t->state != TASK_WAITING)
            b->active--;
        slots_release(s, t);
    }
    TaskState state = o->state;
    t->outcome = *o;
    *o = (Outcome){ .code = -1 };
    if (t->kind != TASK_ITEM && !t->abandoned)
        lifecycle_release_given(s, t);
    s->held += outcome_weight(&t->outcome);
    if (t->attempt)
        s->moment = board_now(b);
    t->took = t->attempt ? s->moment - t->started : 0;
    board_let_go(t);
    task_move(t, state);
    if (s->ranks && state == TASK_COMPLETED && t->kind != TASK_ITEM
        && t->attempt && !task_skipped(t))
        rank_note(s, t);
    list_del(&t->job.link);
    list_push(&s->to_propagate, &t->job.link);
    event_add(
        b,
        (Event){ .kind = EVENT_ENDED, .task = t->id, .what = (uint8_t)state });
    LOG(SCHED, "t%llu %s %s", (unsigned long long)t->id,
        task_state_name(t->state),
        t->outcome.fault ? task_fault_name(t->outcome.fault) : "");
}

/* Make `o` the outcome of t, which was stopped, whatever it said. */
static void
lifecycle_explain_stop(const Task *t, Outcome *o)
{
    Buf text = { 0 };
    if (t->stopping == FAULT_TIMEOUT) {
        buf_puts(&text, "timed out after ");
        buf_seconds(&text, t->opt->timeout);
    } else if (t->stopping == FAULT_MEMORY)
        buf_puts(&text, "out of memory: its time-out could not be set");
    else if (t->stopping == FAULT_BUDGET)
        admit_put_broke(sched_of((Task *)(uintptr_t)t), t, &text);
    else
        buf_puts(&text, task_why(t->stop_why));
    if (t->given_up)
        buf_puts(&text,
                 "; it is stuck in a C function, which cannot be "
                 "stopped, and was given up");
    mem_free(o->error);
    o->error = buf_take(&text);
    o->state = t->stopping == FAULT_CANCELLED ? TASK_CANCELLED : TASK_FAILED;
    o->fault = t->stopping;
}

void
lifecycle_fail(Sched *s, Task *t, TaskFault fault, char *why)
{
    Outcome o = {
        .state = TASK_FAILED, .fault = fault, .code = -1, .error = why
    };
    if (t->stopping)
        lifecycle_explain_stop(t, &o);
    t->run = NULL;
    lifecycle_finalize(s, t, &o);
}

/* The text after the last mark. Along a chain each task names its own blocker
 * and the first failure, so texts stay short. */
static const char *
lifecycle_root_cause(const char *why)
{
    for (const char *at; (at = strstr(why, lifecycle_mark)) != NULL;)
        why = at + sizeof lifecycle_mark - 1;
    return why;
}

/* t is an item that is new, or that what blocks it has ended: it is kept as it
 * is now, if the run is. */
static void
lifecycle_note(Sched *s, Task *t)
{
    Durable *keeper = t->kind == TASK_ITEM ? s->durable : NULL;
    if (keeper && keeper->item)
        keeper->item(keeper, t);
}

void
lifecycle_cancel_blocked(Sched *s, Task *t, Task *blocker)
{
    Buf text = { 0 };
    const char *why = task_error(blocker);
    if (why && blocker->outcome.fault == FAULT_BLOCKED)
        why = lifecycle_root_cause(why);
    buf_puts(&text, lifecycle_mark);
    board_name(blocker, &text);
    buf_printf(&text, " %s", task_state_name(blocker->state));
    if (blocker->outcome.fault == FAULT_BLOCKED)
        buf_printf(&text, ", %s", lifecycle_mark);
    else
        buf_puts(&text, why ? ": " : "");
    size_t n = why ? strnlen(why, LIFECYCLE_REASON) : 0, line = 0;
    while (line < n && why[line] != '\n')
        line++;
    buf_put(&text, why, line);
    Outcome o = { .state = TASK_CANCELLED,
                  .fault = FAULT_BLOCKED,
                  .code = -1,
                  .error = buf_take(&text) };
    lifecycle_note(s, t);
    slots_leave(s, t);
    lifecycle_finalize(s, t, &o);
}

/* Cancel t, which is not final: at once if it is not running, otherwise through
 * the stop ladder. One that is sealed ends as it ended. */
static void
lifecycle_cancel_locked(Sched *s, Task *t, TaskWhy why)
{
    if (task_sealed(t))
        return;
    bool in_hand = t->state == TASK_RUNNING
        || (t->state == TASK_READY && t->has_kind);
    if (in_hand && t->kind != TASK_ITEM) {
        t->stop_why = (uint8_t)why;
        escalate(s, t, FAULT_CANCELLED);
        return;
    }
    const char *text = task_why(why);
    Outcome o = { .state = TASK_CANCELLED,
                  .fault = FAULT_CANCELLED,
                  .code = -1,
                  .error = mem_dup(text, strlen(text)) };
    slots_leave(s, t);
    lifecycle_finalize(s, t, &o);
}

/* ---- what follows from an end ---- */

/* Cancel the unfinished children of t that are not detached. Items are not
 * children: what a planner put on the list outlives it. */
static void
lifecycle_cancel_children(Sched *s, Task *t)
{
    for (Task *c = t->children; c; c = c->sibling)
        if (!task_final(c) && c->kind != TASK_ITEM
            && !(c->opt && c->opt->detach))
            lifecycle_cancel_locked(s, c, WHY_PARENT);
}

/* Take the item off the list of what its claimer has. */
static void
lifecycle_unclaim(Task *item)
{
    if (!task_claimer(item))
        return;
    Task **at = &item->edges->claimer->edges->claims;
    while (*at && *at != item)
        at = &(*at)->edges->next_claim;
    if (*at)
        *at = item->edges->next_claim;
    item->edges->next_claim = NULL;
}

void
lifecycle_return_item(Sched *s, Task *item)
{
    lifecycle_unclaim(item);
    item->edges->claimer = NULL;
    if (item->opt) {
        mem_free(item->opt->owner);
        item->opt->owner = NULL;
    }
    task_move(item, TASK_READY);
    event_add(&s->board, (Event){ .kind = EVENT_RETURNED, .task = item->id });
    queue_push_front(&s->board.items, &item->job.link, item->priority);
    wait_fire_all(&s->board.item_waits);
}

/* Put the items that t has claimed and not finished back on the list. */
static void
lifecycle_return_claims(Sched *s, Task *t)
{
    for (Task *item; (item = task_claims(t)) != NULL;)
        if (item->state == TASK_RUNNING && !task_sealed(item))
            lifecycle_return_item(s, item);
        else
            lifecycle_unclaim(item);
}

static void
lifecycle_release_dependents(Sched *s, Task *t)
{
    TaskEdges *e = t->edges;
    if (e && e->dependent_count > 1)
        slots_hold(s);
    for (uint32_t i = 0; e && i < e->dependent_count; i++) {
        Task *d = e->dependents[i];
        d->unmet--;
        if (d->state != TASK_WAITING)
            continue;
        if (t->state != TASK_COMPLETED && !(d->opt && d->opt->despite_failure))
            lifecycle_cancel_blocked(s, d, t);
        else if (d->unmet == 0)
            slots_ready(s, d);
    }
    if (e)
        e->dependent_count = 0;
}

void
lifecycle_propagate(Sched *s)
{
    Board *b = &s->board;
    for (List *node; (node = list_shift(&s->to_propagate)) != NULL;) {
        Task *t = container_of(node, Task, job.link);
        lifecycle_unclaim(t);
        wait_fire_all(&t->waits);
        lifecycle_return_claims(s, t);
        lifecycle_cancel_children(s, t);
        lifecycle_release_dependents(s, t);
        forget_older(s, t);
    }
    slots_serve_freed(s);
    if (b->open_items == 0)
        wait_fire_all(&b->item_waits);
    if (board_idle(b))
        wait_fire_all(&b->idle_waits);
    wait_fire_all(&b->look_waits);
    wait_check_stuck(b);
}

/* ---- adding ---- */

/* Bytes of a task with n blockers. */
static size_t
lifecycle_weight(const Task *t, size_t n)
{
    return task_weight(t) + 2 * n * sizeof(Task *);
}

/* Why the task cannot be added, 0 if it can. */
static int
lifecycle_refusal(Sched *s, const Task *draft, const Task *parent,
                  Task *const *blockers, size_t n)
{
    size_t weight = lifecycle_weight(draft, n);
    if (sched_closing(s, draft))
        return ORUN_ESHUTDOWN;
    if (task_final(parent) || task_sealed(parent)) /* who would end them? */
        return ORUN_EENDED;
    if (parent->depth >= BOARD_MAX_DEPTH)
        return ORUN_EDEPTH;
    if (!sched_has_room(s, weight, 1))
        return ORUN_EBACKLOG;
    for (size_t i = 0; i < n; i++)
        if (blockers[i]->removed)
            return ORUN_EREMOVED;
    return 0;
}

/* Is t not to begin, because the run is drained? Clean-up still runs. */
static bool
lifecycle_drained(const Sched *s, const Task *t)
{
    return s->draining && t->kind != TASK_ITEM && !(t->opt && t->opt->finally);
}

/* Link the new task to its blockers and parent; all or nothing. */
static int
lifecycle_link(Task *t, Task *parent, Task *const *blockers, size_t n)
{
    int e = 0;
    for (size_t i = 0; i < n && e == 0; i++)
        e = board_block(t, blockers[i]);
    if (e == 0 && parent->id != 0 && !board_hold(parent))
        e = ORUN_ENOMEM;
    while (e && t->edges && t->edges->blocker_count)
        board_unblock_last(t);
    if (e)
        return e;
    t->parent = parent;
    t->depth = (uint8_t)(parent->depth + 1);
    if (parent->id == 0)
        return 0; /* the script never ends as a task does */
    t->sibling = parent->children;
    parent->children = t;
    return 0;
}

/* Give the draft its place on the board. On an error it is the draft again. */
static int
lifecycle_place(Sched *s, Task *draft, Task *parent, Task *const *blockers,
                size_t n, Task **out)
{
    size_t weight = lifecycle_weight(draft, n);
    draft->hosted |= parent->hosted;
    int e = lifecycle_refusal(s, draft, parent, blockers, n);
    if (e == 0)
        e = board_place(&s->board, draft, out);
    if (e)
        return e;
    e = lifecycle_link(*out, parent, blockers, n);
    if (e) {
        draft->edges = (*out)->edges;
        return e;
    }
    board_publish(&s->board);
    s->held += weight;
    return 0;
}

/* The same with the `finally` of the draft, if it has one; which is freed. When
 * only the first found a place, that is cancelled at once. */
static int
lifecycle_place_all(Sched *s, Task *draft, Task *parent, Task *const *blockers,
                    size_t n, Task *out[2])
{
    int e = lifecycle_place(s, draft, parent, blockers, n, &out[0]);
    Task *after = !e && out[0]->opt ? out[0]->opt->after : NULL;
    out[1] = NULL;
    if (e)
        out[0] = NULL;
    if (!after)
        return e;
    out[0]->opt->after = NULL;
    after->hosted = out[0]->hosted;
    e = lifecycle_place(s, after, parent, &out[0], 1, &out[1]);
    if (e) {
        task_clear(after);
        out[1] = NULL;
    }
    mem_free(after);
    return e;
}

/* Report a task that has got its place, and start it as soon as it may. */
static void
lifecycle_enter(Sched *s, Task *t, const Task *parent)
{
    event_add(
        &s->board,
        (Event){ .kind = EVENT_ADDED, .task = t->id, .other = parent->id });
    if (t->kind == TASK_ITEM)
        s->board.open_items++;
    else if (t->hosted)
        s->board.hosted++;
    else
        s->board.live++;
    rank_added(s, t);
    lifecycle_note(s, t);
    Task *failed = board_failed_blocker(t);
    if (failed)
        lifecycle_cancel_blocked(s, t, failed);
    else if (lifecycle_drained(s, t))
        lifecycle_cancel_locked(s, t, WHY_DRAINED);
    else if (t->unmet == 0)
        slots_ready(s, t);
}

int
lifecycle_add(Sched *s, Task *draft, Task *parent, Task *const *blockers,
              size_t n, Task **out)
{
    if (s->ranks)
        rank_load(s);
    sched_lock(s);
    Task *both[2] = { NULL, NULL }, *t;
    int e = lifecycle_place_all(s, draft, parent, blockers, n, both);
    t = *out = both[0];
    if (e && !t) {
        sched_unlock(s);
        return e;
    }
    lifecycle_enter(s, t, parent);
    if (both[1])
        lifecycle_enter(s, both[1], parent);
    if (e) {
        *draft = (Task){ 0 };
        if (!task_final(t))
            lifecycle_cancel_locked(s, t, WHY_ASKED);
    }
    lifecycle_propagate(s);
    sched_unlock(s);
    if (e)
        return e;
    if (s->board.limbo && t->id % LIFECYCLE_SWEEP == 0)
        forget_sweep(s);
    return 0;
}

/* ---- attempts ---- */

/* Make t, which has its slots, running. False: it was stopped, and is final
 * now. With the lock held. */
static bool
lifecycle_begin_locked(Sched *s, Task *t, void *run, uint32_t *attempt)
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
    t->blocked_on = 0;
    *attempt = ++t->attempt;
    t->started = s->moment = board_now(&s->board);
    event_add(&s->board,
              (Event){ .kind = EVENT_STARTED, .task = t->id, .n = t->attempt });
    if (t->opt && t->opt->timeout > 0
        && sched_arm(s, t, t->started + t->opt->timeout))
        escalate(s, t, FAULT_MEMORY);
    return true;
}

bool
lifecycle_begin(Sched *s, Task *t, void *run, uint32_t *attempt)
{
    sched_lock(s);
    bool begun = lifecycle_begin_locked(s, t, run, attempt);
    sched_unlock(s);
    return begun;
}

void
lifecycle_settle(Sched *s, Task *t, Outcome *o)
{
    sched_lock(s);
    if (t->stopping) {
        outcome_clear(o);
        lifecycle_explain_stop(t, o);
    }
    task_move(t, TASK_RUNNING);
    lifecycle_finalize(s, t, o);
    lifecycle_propagate(s);
    sched_unlock(s);
}

/* Seconds before the next attempt. */
static double
lifecycle_retry_delay(Sched *s, const Task *t)
{
    uint32_t failed = t->attempt - t->throttles;
    int doublings = (int)(failed < 30 ? failed : 30) - 1;
    double delay = ldexp(t->opt->retry.backoff, doublings);
    double least = t->report ? t->report->retry_after : 0;
    return least + fmin(delay, LIFECYCLE_RETRY_CAP) * sched_jitter(s);
}

/* Make t, whose attempt has ended, ready again, in no queue: what the attempt
 * has started is cancelled, what it had is given back. */
static void
lifecycle_reset(Sched *s, Task *t)
{
    report_next(t);
    lifecycle_cancel_children(s, t);
    lifecycle_return_claims(s, t);
    slots_quit(s, t);
    task_move(t, TASK_READY);
    t->stopping = FAULT_NONE;
    t->stop_rung = 0;
    t->woken = t->given_up = false;
}

/* Send t, whose attempt has failed with `o`, back to be tried again after a
 * delay. False if its options do not allow that. */
static bool
lifecycle_retry(Sched *s, Task *t, const Outcome *o)
{
    const Retry *r = t->opt ? &t->opt->retry : NULL;
    if (!r || o->state != TASK_FAILED || sched_closing(s, t) || s->draining)
        return false;
    uint32_t tried = t->attempt - t->throttles;
    if (tried > (uint32_t)r->max || !(r->on >> o->fault & 1))
        return false;
    double delay = lifecycle_retry_delay(s, t);
    lifecycle_reset(s, t);
    LOG(SCHED, "t%llu failed (%s), try again in %g s",
        (unsigned long long)t->id, task_fault_name(o->fault), delay);
    event_add_text(&s->board,
                   (Event){ .kind = EVENT_RETRY,
                            .task = t->id,
                            .what = o->fault,
                            .n = (uint64_t)(delay * 1000) },
                   o->error);
    if (sched_arm(s, t, board_now(&s->board) + delay))
        slots_enter(s, t);
    return true;
}

void
lifecycle_end(Sched *s, Task *t, Outcome *o)
{
    size_t weight = outcome_weight(o);
    if (!s->durable || !s->durable->seal(s->durable, t, o)) {
        lifecycle_finalize(s, t, o);
        return;
    }
    s->held += weight;
    slots_with_store(s, t, true);
    if (t->kind != TASK_ITEM)
        slots_quit(s, t);
}

/* The attempt has ended with `o`: try t again, or make it final. */
static void
lifecycle_end_attempt(Sched *s, Task *t, Outcome *o)
{
    t->run = NULL;
    sched_disarm(s, t);
    if (t->stopping)
        lifecycle_explain_stop(t, o);
    if (admit_again(s, t, o)) {
        lifecycle_reset(s, t);
        outcome_clear(o);
        slots_offer(s, t);
    } else if (lifecycle_retry(s, t, o)) {
        outcome_clear(o);
    } else {
        lifecycle_end(s, t, o);
    }
    lifecycle_propagate(s);
}

/* The task ignored every step of the stop ladder: report it as stopped. Its
 * runner keeps what is left of it. */
static void
lifecycle_give_up(Sched *s, Task *t)
{
    Outcome o = { .code = -1 };
    s->runner[t->kind]->abandon(s->runner[t->kind], t);
    t->given_up = t->abandoned = true;
    lifecycle_end_attempt(s, t, &o);
}

void
lifecycle_timer_due(Timer *timer)
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
        lifecycle_give_up(s, t);
}

/* The attempt has ended; false if it is no longer the current one. */
static bool
lifecycle_finish_locked(Sched *s, Task *t, uint32_t attempt, Outcome *o)
{
    if (t->state != TASK_RUNNING || t->attempt != attempt || task_sealed(t)) {
        outcome_clear(o);
        return false;
    }
    rank_sweep(s);
    lifecycle_end_attempt(s, t, o);
    return true;
}

void
lifecycle_finish(Sched *s, Task *t, uint32_t attempt, Outcome *o)
{
    secret_mask_string(&o->error);
    sched_lock(s);
    lifecycle_finish_locked(s, t, attempt, o);
    sched_unlock(s);
}

/* The first new task of this kind among the starts, taken out of them; not one
 * whose files are to be looked at, which is not done under the lock. */
static Task *
lifecycle_take_start(Sched *s, TaskKind kind)
{
    list_each(node, &s->starts) {
        Task *t = container_of(node, Task, job.link);
        if (t->kind == kind && !t->woken && !task_looks(t)) {
            list_del(node);
            return t;
        }
    }
    return NULL;
}

Task *
lifecycle_finish_next(Sched *s, Task *t, uint32_t *attempt, Outcome *o,
                      void *run)
{
    Task *next = NULL;
    secret_mask_string(&o->error);
    sched_lock(s);
    if (lifecycle_finish_locked(s, t, *attempt, o))
        while ((next = lifecycle_take_start(s, (TaskKind)t->kind)) != NULL
               && !lifecycle_begin_locked(s, next, run, attempt))
            continue;
    sched_unlock(s);
    return next;
}

/* ---- cancelling ---- */

int
lifecycle_cancel(Sched *s, Task *t)
{
    sched_lock(s);
    int e = task_final(t) ? ORUN_ERESOLVED : 0;
    if (e == 0)
        lifecycle_cancel_locked(s, t, WHY_ASKED);
    lifecycle_propagate(s);
    sched_unlock(s);
    return e;
}

/* Is t a `finally` that may still run, though the run is to end? It may, for a
 * while, until that is to be at once. */
static bool
lifecycle_spare(Sched *s, Task *t)
{
    if (!t->opt || !t->opt->finally || sched_hurried(s, t))
        return false;
    if (t->state == TASK_RUNNING && t->opt->timeout == 0
        && sched_arm(s, t, board_now(&s->board) + LIFECYCLE_FINALLY))
        return false;
    t->opt->timeout = LIFECYCLE_FINALLY;
    return true;
}

/* Cancel the tasks, those of the embedding program if `hosted`; and items too
 * if all is closed. With the lock held. */
static void
lifecycle_cancel_each(Sched *s, TaskWhy why, bool hosted)
{
    bool all = s->board.closed;
    for (size_t i = 1; i < s->board.count; i++) {
        Task *t = board_find(&s->board, i);
        if (!task_final(t) && !task_sealed(t) && (all || t->kind != TASK_ITEM)
            && (hosted || !t->hosted) && (all || !lifecycle_spare(s, t)))
            lifecycle_cancel_locked(s, t, why);
    }
    lifecycle_propagate(s);
}

void
lifecycle_cancel_all(Sched *s, TaskWhy why)
{
    sched_lock(s);
    lifecycle_cancel_each(s, why, true);
    sched_unlock(s);
}

void
lifecycle_cancel_script(Sched *s, TaskWhy why)
{
    sched_lock(s);
    lifecycle_cancel_each(s, why, s->board.closed);
    sched_unlock(s);
}

void
lifecycle_drain(Sched *s)
{
    sched_lock(s);
    s->draining = s->board.drained = true;
    wait_fire_all(&s->board.item_waits);
    for (size_t i = 1; i < s->board.count; i++) {
        Task *t = board_find(&s->board, i);
        if (t->state < TASK_RUNNING && lifecycle_drained(s, t))
            lifecycle_cancel_locked(s, t, WHY_DRAINED);
    }
    lifecycle_propagate(s);
    sched_unlock(s);
}

void
lifecycle_close(Sched *s)
{
    sched_lock(s);
    s->closing = s->board.closed = true;
    lifecycle_cancel_each(s, WHY_RUN, true);
    sched_unlock(s);
}
