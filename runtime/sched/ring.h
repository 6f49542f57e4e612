/* ring.h — tasks that would wait for each other for ever.
 *
 * A task needs the end of its blockers, of what its code and its programs wait
 * for, of the task that has claimed it, and of those that hold what it is to
 * write. Where that comes back to the one that asks, a ring would close. A wait
 * for whichever of several ends needs one of them: it closes a ring only when
 * none of them can end otherwise.
 *
 * All with the board's lock held. 0: there is no ring. ORUN_ECYCLE: there is
 * one, and `path` (NULL: it is not told) gets "t1 -> t2 -> t3", or "t1 ->
 * (writes) t2" where t2 holds what t1 is to write. ORUN_ENOMEM: it cannot be
 * said.
 */
#ifndef ORUN_RING_H
#define ORUN_RING_H

#include "sched/wait.h"
#include "task/board.h"

/* Would `from`, for being final, have to wait for `to`? */
int ring_leads(Board *b, Task *from, Task *to, Buf *path);

/* Would `waiter`, by this wait, wait for itself? A time-out does not count.
 * Cheap when nobody can be waiting for the waiter's end or its writes. */
int ring_closes(Board *b, Task *waiter, const WaitFor *what, Buf *path);

#endif
