/* durable.c — what follows when a task was looked up, or its outcome kept. */
#include "sched/durable.h"
#include "sched/lifecycle.h"
#include "sched/sched.h"
#include "sched/slots.h"

void
durable_looked(Sched *s, Task *t, Outcome *o)
{
    if (!task_looking(t) || t->unmet > 0) {
        if (o)
            outcome_clear(o);
        slots_with_store(s, t, false);
        return;
    }
    slots_with_store(s, t, false);
    if (!o) {
        slots_go(s, t);
        return;
    }
    task_key(t)->cached = true;
    if (t->state == TASK_WAITING)
        task_move(t, TASK_READY);
    task_move(t, TASK_RUNNING);
    lifecycle_finalize(s, t, o);
}

void
durable_sealed(Sched *s, Task *t, Outcome *o, size_t weight, double ended)
{
    s->held -= weight;
    t->started += board_now(&s->board) - ended; /* the disk's time is no work */
    lifecycle_finalize(s, t, o);
}
