/* cancel.c — ending tasks before their time. */
#include "sched/cancel.h"
#include "base/err.h"
#include "sched/lifecycle.h"

int
cancel_task(Sched *s, Task *t)
{
    sched_lock(s);
    int e = task_final(t) ? ORUN_ERESOLVED : 0;
    if (e == 0)
        lifecycle_cancel(s, t, WHY_ASKED);
    lifecycle_propagate(s);
    sched_unlock(s);
    return e;
}

/* With the lock held. */
static void
cancel_each(Sched *s, TaskWhy why, bool items)
{
    for (size_t i = 1; i < s->board.count; i++) {
        Task *t = board_find(&s->board, i);
        if (!task_final(t) && (items || t->kind != TASK_ITEM))
            lifecycle_cancel(s, t, why);
    }
    lifecycle_propagate(s);
}

void
cancel_all(Sched *s, TaskWhy why)
{
    sched_lock(s);
    cancel_each(s, why, false);
    sched_unlock(s);
}

void
cancel_and_close(Sched *s)
{
    sched_lock(s);
    s->closing = true;
    cancel_each(s, WHY_RUN, true);
    sched_unlock(s);
}
