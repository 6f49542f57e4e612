/* slot_number.c — which limit numbers a task, and when. */
#include "sched/slot_number.h"
#include "task/agent.h"
#include "task/limit.h"
#include <limits.h>

/* The limit that numbers t besides the one of programs, or NULL. */
static Limit *
slot_number_own(const Task *t)
{
    const AgentType *agent = task_agent(t);
    if (t->opt && t->opt->pool)
        return t->opt->pool;
    return agent && agent->limit && agent->limit->slots < INT_MAX ? agent->limit
                                                                  : NULL;
}

/* The limit that numbers t, NULL: none does. */
static Limit *
slot_number_by(Sched *s, const Task *t)
{
    Limit *own = slot_number_own(t);
    if (own || (t->opt && t->opt->slot))
        return own;
    bool program = t->slot == SLOT_PROCESS || t->programs != PROGRAMS_NONE;
    return program ? s->kind[SLOT_PROCESS] : NULL;
}

/* Before the first of an attempt none can be kept. */
void
slot_number_take(Sched *s, Task *t)
{
    Limit *l = slot_number_by(s, t);
    if (l && (t->state != TASK_RUNNING || !limit_number_of(l, t->id)))
        limit_number(l, t->id);
}

void
slot_number_drop(Sched *s, Task *t)
{
    Limit *l = slot_number_by(s, t);
    if (l)
        limit_unnumber(l, t->id);
}

void
slot_number_rest(Sched *s, Task *t)
{
    if (t->slot != SLOT_PROCESS && t->programs == PROGRAMS_NONE)
        slot_number_drop(s, t);
}

void
slot_number_programs_over(Sched *s, Task *t)
{
    if (!t->has_rest || !slot_number_own(t))
        slot_number_drop(s, t);
}

uint32_t
slot_number(Sched *s, const Task *t)
{
    sched_lock(s);
    const Limit *l = slot_number_by(s, t);
    uint32_t n = l ? limit_number_of(l, t->id) : t->opt ? t->opt->slot : 0;
    board_unlock(&s->board);
    return n;
}
