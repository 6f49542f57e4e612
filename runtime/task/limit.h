/* limit.h — the right to run: slots of a pool.
 *
 * A Limit is a named number of slots, what else is asked of those that have one
 * (meter.h), and the tasks that wait for one. The tasks that have one can be
 * numbered: each has the lowest number that was free. It is not locked here:
 * the board's lock guards it.
 */
#ifndef ORUN_LIMIT_H
#define ORUN_LIMIT_H

#include "base/base.h"
#include "base/list.h"
#include "task/meter.h"
#include "task/wait_queue.h"

enum { LIMIT_LINES = 5 }; /* one for each SlotKind, and one */

/* Tasks that wait for a slot of one limit and need the same besides: a slot of
 * one kind; or none, these go on after a wait. */
typedef struct LimitLine {
    WaitQueue waiting;
    struct Limit *limit; /* whose line it is */
    List blocked; /* in the scheduler's list, while there is a slot of the
                   * limit and none of the kind */
} LimitLine;

typedef struct Limit {
    char *name;
    int slots;    /* how many tasks may run at once */
    int used;     /* of them taken; more only by tasks that go on */
    bool closed;  /* no task gets one just now */
    Meter *meter; /* NULL: it is about slots only */
    LimitLine line[LIMIT_LINES]; /* by SlotKind, the last: needs none */
    List all;                    /* in the scheduler's list */
    List alike;         /* in the scheduler's ring of names with this hash */
    List freed;         /* in its other: of those with a slot to be given */
    uint32_t *numbered; /* by number - 1: the id of its task, 0 none */
    uint32_t numbered_room; /* entries that there are … */
    uint32_t numbered_low;  /* … none of the first of which is free, … */
    uint32_t numbered_top;  /* … and up to which some may be used */
} Limit;

/* A pool of `slots`; NULL when memory is out. */
Limit *limit_new(const char *name, int slots);
void limit_free(Limit *l);

/* Slots just now: throttling takes some away. */
static inline int
limit_slots_now(const Limit *l)
{
    return l->meter && l->meter->window < l->slots ? (int)l->meter->window
                                                   : l->slots;
}

static inline bool
limit_full(const Limit *l)
{
    return l->used >= limit_slots_now(l);
}

/* Have tasks of this limit asked for what a Meter measures? ORUN_ENOMEM. */
int limit_meter(Limit *l, const MeterSpec *spec, struct Sched *s) NODISCARD;

/* The lowest number that is free, from 1 on, which the task with this id has
 * from now on; 0 when memory is out. */
uint32_t limit_number(Limit *l, uint32_t id);

/* The number of that task, 0: it has none. */
uint32_t limit_number_of(const Limit *l, uint32_t id);

/* Its number, if it has one, is free. */
void limit_unnumber(Limit *l, uint32_t id);

#endif
