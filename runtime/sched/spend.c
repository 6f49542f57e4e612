/* spend.c — charging the limits of a task. */
#include "sched/spend.h"
#include "sched/admit.h"
#include "sched/escalate.h"
#include "sched/slots.h"

/* Is t under this limit? */
static bool
spend_under(Sched *s, const Task *t, const Limit *limit)
{
    Limit *l[ADMIT_LIMITS];
    int n = admit_limits(s, t, l);
    for (int i = 0; i < n; i++)
        if (l[i] == limit)
            return true;
    return false;
}

/* Far too much was spent: stop all that would spend more. */
static void
spend_press(Sched *s, Limit *l)
{
    l->meter->pressed = true;
    for (size_t i = 1; i < s->board.count; i++) {
        Task *t = board_find(&s->board, i);
        bool begun = t->state == TASK_RUNNING
            || (t->state == TASK_READY && t->has_kind);
        if (begun && t->kind != TASK_ITEM && !t->stopping
            && spend_under(s, t, l))
            escalate(s, t, FAULT_BUDGET);
    }
}

void
spend(Sched *s, Task *t, double tokens, double usd)
{
    Limit *l[ADMIT_LIMITS];
    int n = admit_limits(s, t, l);
    for (int i = 0; i < n; i++) {
        Meter *m = l[i]->meter;
        if (!m)
            continue;
        meter_spend(m, board_now(&s->board), tokens, usd);
        if (meter_broke(m, true))
            slots_serve(s, &l[i], 1);
        if (meter_far_broke(m) && !m->pressed)
            spend_press(s, l[i]);
    }
}
