/* escalate.c — the stop ladder: one level after the other. */
#include "sched/escalate.h"
#include "base/log.h"
#include "sched/slots.h"

void
escalate_climb(Sched *s, Task *t)
{
    Runner *r = s->runner[t->kind];
    double grace;
    if (sched_hurried(s, t) && t->stop_rung < ESCALATE_RUNGS)
        t->stop_rung = ESCALATE_RUNGS - 1;
    do {
        if (t->stop_rung < ESCALATE_RUNGS)
            t->stop_rung++;
        grace = r->stop(r, t, t->stop_rung);
        if (grace > 0 && sched_arm(s, t, board_now(&s->board) + grace) == 0)
            return;
    } while (grace > 0 && t->stop_rung < ESCALATE_RUNGS);
    sched_disarm(s, t);
}

void
escalate(Sched *s, Task *t, TaskFault why)
{
    bool climbing = t->stopping != FAULT_NONE;
    if (task_sealed(t))
        return; /* it has ended */
    if (!climbing || why == FAULT_CANCELLED)
        t->stopping = (uint8_t)why;
    if (climbing)
        return;
    LOG(SCHED, "stop t%llu: %s", (unsigned long long)t->id,
        task_fault_name(why));
    if (t->state != TASK_RUNNING)
        return;
    if (slots_queues(t)) { /* to go on after a wait */
        slots_leave(s, t);
        slots_offer(s, t);
    }
    escalate_climb(s, t);
}

void
escalate_hurry(Sched *s, bool hurry)
{
    sched_lock(s);
    s->hurried = hurry;
    for (size_t i = 1; hurry && i < s->board.count; i++) {
        Task *t = board_find(&s->board, i);
        if (t->state == TASK_RUNNING && t->stopping && !task_sealed(t)
            && sched_hurried(s, t) && t->stop_rung < ESCALATE_RUNGS)
            escalate_climb(s, t);
    }
    sched_unlock(s);
}
