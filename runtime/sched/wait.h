/* wait.h — waiting for something of the board.
 *
 * A Wait is embedded in its owner (a parked task, the script, an entry of a
 * collector) and fired exactly once: by what it waits for, by its deadline, by
 * a stop, or because nothing is left that could end it. Firing calls `wake`
 * under the board's lock.
 *
 * A Collector turns many tasks into one queue of ids in the order they become
 * final, so collecting n tasks costs n steps, however they are waited for.
 */
#ifndef ORUN_WAIT_H
#define ORUN_WAIT_H

#include "base/base.h"
#include "task/board.h"

/* Wait.outcome */
enum {
    WAIT_PENDING,
    WAIT_DONE,
    WAIT_TIMED_OUT,
    WAIT_STOPPED,
    WAIT_DEADLOCK,
    WAIT_NO_MEMORY, /* could not begin */
    WAIT_NO_THREAD, /* nor this one: where it waits, a thread must block */
    WAIT_CYCLE,     /* nor this one: it would close a cycle, see below */
};

typedef struct Wait {
    List link;
    Timer timer;
    Board *board;
    Task *waiter; /* NULL: not a task's own wait (a collector's entry) */
    Task *target; /* the task waited for, if it is one */
    struct Collector *collector; /* or, if it is for one of several */
    uint8_t kind;                /* a WaitFor.kind */
    bool growth;                 /* for more output of the target, as well */
    struct Wait *next_on_behalf; /* in TaskEdges.on_behalf */
    bool resting;                /* taken out of board->active while pending */
    int outcome;
    void (*wake)(struct Wait *w); /* under the board's lock */
} Wait;

typedef struct Collector Collector;
struct Sched;

/* What a userdata that holds one is called. */
#define COLLECTOR_TYPE "orun.collector"

/* Something outside that will be done once: a program, a request. */
typedef struct Op {
    List waits;
    bool done;
} Op;

/* What a wait is for. */
typedef struct WaitFor {
    enum {
        WAIT_FOR_TASK,
        WAIT_FOR_COLLECTOR,
        WAIT_FOR_ITEM, /* one that could be claimed, or none left open */
        WAIT_FOR_IDLE, /* every task but list items is final (board_idle) */
        WAIT_FOR_OP,
        WAIT_FOR_OUTPUT, /* the task is final, or has printed more than that */
        WAIT_FOR_TIME,
        WAIT_FOR_LOOKS, /* a task that was looked up is known (durable.h) */
        /* One for a program: the task queues as one that has become ready does
         * (slots_queue_program), in no Wait. */
        WAIT_FOR_SLOT,
        WAIT_FOR_KINDS
    } kind;
    union {
        Task *task;
        Collector *collector;
        Op *op;
    };
    struct Output *output; /* of the task's attempt, held by the caller; NULL:
                            * there is none yet */
    size_t have;           /* bytes of it that are no news */
    double deadline;       /* on the run's clock; INFINITY: none */
    const char *fn;        /* what was called, for a message; NULL: not told */
    bool work;             /* what is waited for is the task's own work,
                            * done elsewhere: it keeps its slots, a stop is
                            * passed on to it, and its end ends the wait */
    bool cleans;           /* it is the end of a program that cleans up after a
                            * stop: only a hard stop ends the wait */
} WaitFor;

/* The word for a WaitFor.kind ("task", "work"); a constant. Any thread. */
const char *wait_for_name(int kind);

/* All below: with the board's lock held, unless said otherwise. */

/* Begin. `waiter` is the task whose code waits (root for the script). Returns 1
 * when it is pending now, 0 when what it waits for is so already (outcome is
 * set and wake is not called), or ORUN_ENOMEM. */
int wait_begin(Board *b, Wait *w, Task *waiter, const WaitFor *what) NODISCARD;

/* End a pending wait with an outcome; does nothing to one that ended. */
void wait_fire(Wait *w, int outcome);

/* Fire every wait in the list with WAIT_DONE. */
void wait_fire_all(List *waits);

/* t has printed more: fire the waits for that. */
void wait_fire_growth(Task *t);

/* True when what the wait is for is so now. */
bool wait_ready(Board *b, const WaitFor *what);

/* When nothing can ever happen again, end the script's endless wait. Due after
 * a task has begun to wait and what it gave back is others'. */
void wait_check_stuck(Board *b);

/* What goes on at this instant. */
typedef enum WaitActivity {
    WAIT_ACTIVITY_NONE,    /* every task waits for others, or for a time */
    WAIT_ACTIVITY_LUA,     /* Lua code runs, or will at once */
    WAIT_ACTIVITY_OUTSIDE, /* and a program or a request */
} WaitActivity;

/* Looks at every task, for virtual time. Takes the lock itself. */
WaitActivity wait_activity(struct Sched *s);

/* Fire what is due; returns the time of the next timer (INFINITY: none). Takes
 * the lock itself. */
double wait_tick(struct Sched *s);

/* Does t's code, or a program in its name, wait for other tasks? */
bool wait_on_tasks(const Task *t);

/* The outside thing is done: fire its waits. */
void op_done(Op *op);
static inline void
op_init(Op *op)
{
    list_init(&op->waits);
    op->done = false;
}

/* Collect these tasks (ids of `n` known tasks). Takes the lock itself, as do
 * the next three. NULL when memory is out. */
Collector *collector_new(Board *b, Task *const *tasks, size_t n);
/* One more task. */
int collector_add(Collector *c, Task *t) NODISCARD;
/* That of them, if it is final, not given yet and in c; or else (also for NULL)
 * as collector_next. With the lock held. */
Task *collector_take(Collector *c, const Task *first, size_t *left);
/* The next final task not given yet, NULL when none is final now; *left gets
 * how many are still to come. */
Task *collector_next(Collector *c, size_t *left);
void collector_free(Collector *c);
/* Call with each task that is to come, until that returns false. With the lock
 * held. */
void collector_each_left(const Collector *c, bool (*each)(void *ctx, Task *t),
                         void *ctx);

/* A cycle of tasks that wait for each other would never end. A task needs the
 * end of its blockers, of what its code and its programs wait for, of the task
 * that has claimed it, and of those that hold what it is to write. A wait for
 * any of several needs one of them: it closes a cycle only if none of them can
 * end otherwise.  Both return 0 when there is no cycle; ORUN_ECYCLE when there
 * is, with "t1 -> t2 -> t3" in `path` (which may be NULL), or "t1 -> (writes)
 * t2" where t2 holds what t1 is to write; or ORUN_ENOMEM. */

/* Would `from` have to wait for `to` before it is final? */
int wait_leads_to(Board *b, Task *from, Task *to, Buf *path);

/* Would `waiter`, by this wait, wait for itself? A deadline does not count.
 * Cheap when nobody can be waiting for the waiter's end or its writes. */
int wait_closes_cycle(Board *b, Task *waiter, const WaitFor *what, Buf *path);

#endif
