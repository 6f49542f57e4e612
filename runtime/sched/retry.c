/* retry.c — whether another attempt follows a failed one. */
#include "sched/retry.h"
#include "base/log.h"
#include "sched/report.h"
#include "sched/lifecycle.h"
#include "sched/slots.h"
#include <math.h>

enum { RETRY_CAP = 60 }; /* seconds between two tries, at most */

/* Seconds before the next attempt. */
static double
retry_delay(Sched *s, const Task *t)
{
    uint32_t failed = t->attempt - t->throttles;
    int doublings = (int)(failed < 30 ? failed : 30) - 1;
    double delay = ldexp(t->opt->retry.backoff, doublings);
    double least = t->report ? t->report->retry_after : 0;
    return least + fmin(delay, RETRY_CAP) * sched_jitter(s);
}

void
retry_reset(Sched *s, Task *t)
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

bool
retry_again(Sched *s, Task *t, const Outcome *o)
{
    const Retry *r = t->opt ? &t->opt->retry : NULL;
    if (!r || o->state != TASK_FAILED || s->closing)
        return false;
    uint32_t tried = t->attempt - t->throttles;
    if (tried > (uint32_t)r->max || !(r->on >> o->fault & 1))
        return false;
    double delay = retry_delay(s, t);
    retry_reset(s, t);
    LOG(SCHED, "t%llu failed (%s), try again in %g s",
        (unsigned long long)t->id, task_fault_name(o->fault), delay);
    event_add_text(&s->board, (Event){
        .kind = EVENT_RETRY, .task = t->id, .what = o->fault,
        .n = (uint64_t)(delay * 1000) }, o->error);
    if (sched_arm(s, t, board_now(&s->board) + delay))
        slots_enter(s, t);
    return true;
}
