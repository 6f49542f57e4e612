/* limit.h — the right to run: slots of a pool, and declared writes.
 *
 * A Limit is a named number of slots, what else is asked of those that have one
 * (meter.h), and the tasks that wait for one. Writes
 * are the files and folders a task says it will change: it holds them from the
 * start of its attempt to the end, also while it waits, and those of two tasks
 * that overlap are never held at the same time, unless one of the tasks is
 * above the other. Neither is locked here: the board's lock guards both.
 */
#ifndef ORUN_LIMIT_H
#define ORUN_LIMIT_H

#include "base/base.h"
#include "base/list.h"
#include "task/meter.h"
#include "task/turn.h"

enum { LIMIT_LINES = 4 }; /* one for each SlotKind, and one */

/* Tasks that wait for a slot of one limit and need the same besides: a slot of
 * one kind; or none, these go on after a wait. */
typedef struct LimitLine {
    Turns waiting;
    struct Limit *limit; /* whose line it is */
    List held; /* in the scheduler's list, while there is a slot of the limit
                * and none of the kind */
} LimitLine;

typedef struct Limit {
    char *name;
    int cap;       /* slots */
    int used;      /* of them taken; more than cap only by tasks that go on */
    bool closed;   /* nobody new gets one, just now */
    Meter *meter;  /* NULL: it is about slots only */
    LimitLine line[LIMIT_LINES]; /* by SlotKind, the last: needs none */
    List all;      /* in the scheduler's list */
    List alike;    /* in the scheduler's ring of names with this hash */
    List freed;    /* in its other: of those with a slot to be given */
} Limit;

/* A pool of `cap` slots; NULL when memory is out. */
Limit *limit_new(const char *name, int cap);
void limit_free(Limit *l);

/* Slots just now: throttling takes some away. */
static inline int
limit_slots(const Limit *l)
{
    return l->meter && l->meter->window < l->cap ? (int)l->meter->window
                                                 : l->cap;
}

static inline bool
limit_full(const Limit *l)
{
    return l->used >= limit_slots(l);
}

/* Have tasks of this limit asked for what a Meter measures? ORUN_ENOMEM. */
int limit_meter(Limit *l, const MeterSpec *spec, struct Sched *s) NODISCARD;

typedef struct Writes {
    List held; /* in the board's list while its task has them */
    struct Task *owner; /* who has them, or had them last */
    size_t n;
    char **paths; /* absolute, without "." and ".." and trailing slash */
} Writes;

/* Make an absolute, plain path out of `path` seen from `cwd` (absolute): what
 * exists of it is resolved (links followed), the rest by its letters. NULL
 * when memory is out. Blocks on the file system; not under a lock. */
char *writes_path(const char *cwd, const char *path);

/* True when some path of one is, or is inside, some path of the other. */
bool writes_overlap(const Writes *a, const Writes *b);

static inline bool
writes_held(const Writes *w)
{
    return !list_empty(&w->held);
}

/* Do these, which are held, keep t from its own, which overlap? Not those of a
 * task above it, which pass on what they hold; nor those of one below it that
 * goes on (it is detached, and t is tried again). */
bool writes_bar(const Writes *held, const struct Task *t);

/* NULL is fine. */
void writes_free(Writes *w);

#endif
