/* runner.h — the seam between the scheduler and the code that does the work.
 *
 * The scheduler knows tasks, slots and time; a runner knows how to do one kind
 * of task. The suite puts a scripted runner here and a virtual clock, and the
 * scheduler cannot tell.
 *
 * For each task granted its slots the scheduler calls `start`, once. The
 * runner calls lifecycle_begin when the work truly starts and lifecycle_finish
 * when it has ended, from any thread.
 */
#ifndef ORUN_RUNNER_H
#define ORUN_RUNNER_H

#include "task/task.h"

typedef struct Runner {
    /* Start t, or go on with it when t->woken. No lock held, any thread. */
    void (*start)(struct Runner *r, Task *t);
    /* Stop the running t; rung 1 is gentle, each next one harder. Returns the
     * seconds until the next rung, 0 if none is to come. Under the
     * board's lock: may not block. */
    double (*stop)(struct Runner *r, Task *t, int rung);
    /* After the last rung: t is given up. The runner must never call
     * lifecycle_finish for this attempt. Under the board's lock. */
    void (*abandon)(struct Runner *r, Task *t);
} Runner;

#endif
