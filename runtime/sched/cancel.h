/* cancel.h — ending tasks before their time.
 *
 * Each takes the lock itself, any thread.
 */
#ifndef ORUN_CANCEL_H
#define ORUN_CANCEL_H

#include "sched/sched.h"

/* Cancel. Gives 0, or ORUN_ERESOLVED when it was final already. */
int cancel_task(Sched *s, Task *t);

/* Cancel every task that is not final but list items; they end in their own
 * time. */
void cancel_all(Sched *s, TaskWhy why);

/* Cancel every task and accept no new one; they end in their own time. */
void cancel_and_close(Sched *s);

#endif
