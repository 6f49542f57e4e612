/* forget.h — tasks whose results are no longer kept.
 *
 * A task that has ended is kept for ever, unless it is forgotten: then it is no
 * longer found (board_find returns Board.gone). What it has is released once
 * nothing needs it (TaskEdges.holds) and no thread can be reading it (epoch.h).
 * When all tasks of a page of the board have been released, the memory of that
 * page goes back to the system. Its addresses stay taken, so a pointer that was
 * kept for too long leads to zeros, never to something else.
 */
#ifndef ORUN_FORGET_H
#define ORUN_FORGET_H

#include "sched/sched.h"

/* Is t forgotten? All tasks of a page that was given back are. */
static inline bool
forget_is(const Task *t)
{
    return t->removed >= TASK_FORGOTTEN || (t->id == 0 && !t->run);
}

/* May t be forgotten? 0; ORUN_ESTATE: it has not ended; ORUN_EBLOCKED: a thread
 * that is stuck may still use it. With the lock held. */
int forget_refusal(const Task *t);

/* Forget t, for which that is 0, because of that (TASK_FORGOTTEN, TASK_ONCE or
 * TASK_OLD); one that is forgotten already stays so. With the lock held. */
void forget(Sched *s, Task *t, int why);

/* Why the task of this id is forgotten, in words: what the user wrote that had
 * it forgotten. A constant. Any thread. */
const char *forget_why(Board *b, uint64_t id);

/* t has ended: if only the newest are kept, forget older ones. A failure that
 * was not read is kept beside them. With the lock held. */
void forget_older(Sched *s, Task *t);

/* The result of t, which is kept until it has been read, has been read: forget
 * t. A failure is kept until somebody has looked at it: then it goes with one
 * of the next that are read. With the lock held. */
void forget_read(Sched *s, Task *t);

/* Release what can be released. Takes the lock; any thread. */
void forget_sweep(Sched *s);

#endif
