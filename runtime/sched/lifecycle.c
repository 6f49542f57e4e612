/* lifecycle.c — the end of a task and what follows from it. */
#include "sched/lifecycle.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "sched/admit.h"
#include "sched/escalate.h"
#include "sched/forget.h"
#include "sched/rank.h"
#include "sched/slots.h"
#include "sched/wait.h"
#include "value/value.h"
#include <assert.h>

/* Bytes of a failed task's reason that its dependents repeat. */
enum { LIFECYCLE_REASON = 300 };

static const char lifecycle_mark[] = "blocked: ";

/* What the task was given, which nobody will read again, makes room. */
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
    if (t->kind == TASK_ITEM) {
        b->open_items--;
    } else {
        b->live--;
        if (t->state != TASK_WAITING)
            b->stirring--;
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
    if (s->ranks && state == TASK_COMPLETED && t->kind != TASK_ITEM)
        rank_note(s, t);
    list_del(&t->job.link);
    list_push(&s->to_propagate, &t->job.link);
    event_add(b, (Event){ .kind = EVENT_ENDED, .task = t->id,
                          .what = (uint8_t)state });
    LOG(SCHED, "t%llu %s %s", (unsigned long long)t->id,
        task_state_name(t->state),
        t->outcome.fault ? task_fault_name(t->outcome.fault) : "");
}

void
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
        buf_puts(&text, "; it is stuck in a C function, which cannot be "
                 "stopped, and was given up");
    mem_free(o->error);
    o->error = buf_take(&text);
    o->state = t->stopping == FAULT_CANCELLED ? TASK_CANCELLED : TASK_FAILED;
    o->fault = t->stopping;
}

void
lifecycle_fail(Sched *s, Task *t, TaskFault fault, char *why)
{
    Outcome o = { .state = TASK_FAILED, .fault = fault, .code = -1,
                  .error = why };
    if (t->stopping)
        lifecycle_explain_stop(t, &o);
    t->run = NULL;
    lifecycle_finalize(s, t, &o);
}

/* What stands after the last mark: along a chain each names its own blocker and
 * the first failure, so texts stay short. */
static const char *
lifecycle_root_cause(const char *why)
{
    for (const char *at; (at = strstr(why, lifecycle_mark)) != NULL;)
        why = at + sizeof lifecycle_mark - 1;
    return why;
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
    Outcome o = { .state = TASK_CANCELLED, .fault = FAULT_BLOCKED, .code = -1,
                  .error = buf_take(&text) };
    slots_leave(s, t);
    lifecycle_finalize(s, t, &o);
}

void
lifecycle_cancel(Sched *s, Task *t, TaskWhy why)
{
    bool in_hand = t->state == TASK_RUNNING
        || (t->state == TASK_READY && t->has_kind);
    if (in_hand && t->kind != TASK_ITEM) {
        t->stop_why = (uint8_t)why;
        escalate(s, t, FAULT_CANCELLED);
        return;
    }
    const char *text = task_why(why);
    Outcome o = { .state = TASK_CANCELLED, .fault = FAULT_CANCELLED,
                  .code = -1, .error = mem_dup(text, strlen(text)) };
    slots_leave(s, t);
    lifecycle_finalize(s, t, &o);
}

void
lifecycle_cancel_children(Sched *s, Task *t)
{
    for (Task *c = t->children; c; c = c->sibling)
        if (!task_final(c) && c->kind != TASK_ITEM
            && !(c->opt && c->opt->detach))
            lifecycle_cancel(s, c, WHY_PARENT);
}

/* The item leaves the hands of its claimer. */
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

void
lifecycle_return_claims(Sched *s, Task *t)
{
    for (Task *item; (item = task_claims(t)) != NULL;)
        if (item->state == TASK_RUNNING)
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
    if (b->live == 0)
        wait_fire_all(&b->idle_waits);
    wait_check_stuck(b);
}
