/* spend.h — what tasks use is charged to their budgets. */
#ifndef ORUN_SPEND_H
#define ORUN_SPEND_H

#include "sched/sched.h"

/* t has used that much more: charge it; what it pays for beyond the budget is
 * stopped. With the lock held, and then sched_unlock. */
void spend(Sched *s, Task *t, double tokens, double usd);

#endif
