/* escalate.h — stopping a task that runs, ever harder.
 *
 * Its runner is asked at each level of the stop ladder (runner.h), and says how
 * long the task has until the next one. With the lock held, and then
 * sched_unlock, unless said otherwise.
 */
#ifndef ORUN_ESCALATE_H
#define ORUN_ESCALATE_H

#include "sched/sched.h"

enum { ESCALATE_RUNGS = 2 }; /* before a task is given up */

/* t, which has begun, is to stop for this reason. */
void escalate(Sched *s, Task *t, TaskFault why);

/* Climb one rung of the stop ladder; in a hurry, all of them. Where there is no
 * memory for a timer there is no grace either. */
void escalate_climb(Sched *s, Task *t);

/* hurry: stop hard, without any grace, what is being stopped and what will be,
 * until this is called with false. Takes the lock itself, any thread. */
void escalate_hurry(Sched *s, bool hurry);

#endif
