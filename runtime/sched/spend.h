/* spend.h — what tasks use is charged to their budgets. */
#ifndef ORUN_SPEND_H
#define ORUN_SPEND_H

#include "sched/sched.h"

/* t has used that much more: charge it to its limits. Far beyond a budget, the
 * tasks under it are stopped. With the lock held, and then sched_unlock. */
void spend(Sched *s, Task *t, double tokens, double usd);

#endif
