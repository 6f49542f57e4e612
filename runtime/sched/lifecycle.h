/* lifecycle.h — what a task's end means for others.
 *
 * lifecycle_finalize makes a task final. lifecycle_propagate then does what
 * follows: it fires waits, returns claims, cancels children, and releases or
 * cancels dependents. It works from a list, so a chain of a million tasks needs
 * no stack. All functions are called with the board's lock held, and followed
 * by sched_unlock.
 */
#ifndef ORUN_LIFECYCLE_H
#define ORUN_LIFECYCLE_H

#include "sched/sched.h"

/* Make t final with this outcome, whose contents it takes. */
void lifecycle_finalize(Sched *s, Task *t, Outcome *o);

/* Make `o` the outcome of t, which was stopped, whatever it said. */
void lifecycle_explain_stop(const Task *t, Outcome *o);

/* Fail t, whose runner can no longer continue it, with this fault and text
 * (which is taken). If t was being stopped, that is its outcome instead. */
void lifecycle_fail(Sched *s, Task *t, TaskFault fault, char *why);

/* t's blocker failed: t is cancelled with error_kind "blocked". */
void lifecycle_cancel_blocked(Sched *s, Task *t, Task *blocker);

/* Cancel t, which is not final: at once if it is not running, otherwise through
 * the stop ladder. */
void lifecycle_cancel(Sched *s, Task *t, TaskWhy why);

/* Cancel the unfinished children of t that are not detached. Items are not
 * children: what a planner put on the list outlives it. */
void lifecycle_cancel_children(Sched *s, Task *t);

/* Put a claimed item back on the list, before the others. */
void lifecycle_return_item(Sched *s, Task *item);

/* Put the items that t has claimed and not finished back on the list. */
void lifecycle_return_claims(Sched *s, Task *t);

/* Do what follows from the end of each task that has become final. */
void lifecycle_propagate(Sched *s);

#endif
