/* retry.h — whether another attempt follows a failed one. */
#ifndef ORUN_RETRY_H
#define ORUN_RETRY_H

#include "sched/sched.h"

/* Send t, whose running attempt has failed with `o`, back to be tried again
 * after a delay, when its options allow that; false when it is to end so. What
 * the attempt has started ends, what it claimed is given back. With the board's
 * lock held; lifecycle_propagate is due afterwards. */
bool retry_again(Sched *s, Task *t, const Outcome *o);

/* t, whose attempt has ended, is ready again and in no queue: what the attempt
 * had is given back. With the board's lock held. */
void retry_reset(Sched *s, Task *t);

#endif
