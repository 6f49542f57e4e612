/* durable.h — the seam between the scheduler and what keeps a run's outcomes.
 *
 * A run that is kept (journal/) puts a Durable into Sched.durable before it has
 * tasks. Then a task that could begin is looked up first, and one that has
 * ended is final, and seen by others, only once its outcome is kept:
 *
 *   waiting -> ready (looking) -- miss --> ready, queues for slots -> running
 *                        `------- hit ---> final, without slots or an attempt
 *   running -> running (sealed: it has no slots and cannot be stopped) -> final
 *
 * The scheduler's specs put one here that answers when it is told to.
 */
#ifndef ORUN_DURABLE_H
#define ORUN_DURABLE_H

#include "task/task.h"

typedef struct Durable {
    /* t could begin, or (an item) be claimed. True: durable_looked follows,
     * from any thread, for the last look if
     * there are several; of an item only if it has an outcome. False: t goes on
     * at once. Under the board's lock. */
    bool (*look)(struct Durable *d, Task *t);
    /* The last attempt at t has ended with `o`. True: what `o` holds is taken,
     * and durable_sealed follows. False: this outcome is not kept, and t is
     * final at once. Under the board's lock. */
    bool (*seal)(struct Durable *d, Task *t, Outcome *o);
} Durable;

struct Sched;

/* Both with the board's lock held; then lifecycle_propagate is due. */

/* The answer for t, which was to be looked up: NULL, or the outcome that it had
 * in an earlier run, whose contents are taken. Does nothing if t no longer
 * waits for it: it was cancelled, or has got another blocker. */
void durable_looked(struct Sched *s, Task *t, Outcome *o);

/* The outcome of t is kept: it is final. `weight` is the outcome_weight of what
 * was sealed, and `ended` when its attempt was over, on the run's clock. */
void durable_sealed(struct Sched *s, Task *t, Outcome *o, size_t weight,
                    double ended);

#endif
