/* attempt.h — attempts at a task, which begin and end.
 *
 * Each takes the lock itself, any thread, unless said otherwise.
 */
#ifndef ORUN_ATTEMPT_H
#define ORUN_ATTEMPT_H

#include "sched/sched.h"

/* The runner begins the task: gives false when it was stopped meanwhile (it
 * is settled then and must not be run), else it is running, t->run is `run`,
 * and *attempt is to be given to attempt_finish. */
bool attempt_begin(Sched *s, Task *t, void *run, uint32_t *attempt);

/* The attempt has ended; takes what `o` holds. An attempt that is no longer
 * the task's current one is dropped. May retry. */
void attempt_finish(Sched *s, Task *t, uint32_t attempt, Outcome *o);

/* attempt_finish, and in the same breath begin (as attempt_begin with `run`
 * does) the task of this kind that got the slot: it is given, or NULL, and
 * *attempt is its own then. For a runner that does one task after the other. */
Task *attempt_finish_next(Sched *s, Task *t, uint32_t *attempt, Outcome *o,
                          void *run);

/* A task's timer (TaskTimer) is due, for sched_init: its time-out, the delay
 * before another attempt, or the grace of a stop is over. With the lock held.
 */
void attempt_due(Timer *timer);

#endif
