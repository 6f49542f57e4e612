/* settle.h — what a task's end means for others.
 *
 * settle makes a task final; its consequences (waits fired, claims returned,
 * children cancelled, dependents released or cancelled) are worked off by
 * settle_aftermath from a list, so a chain of a million tasks needs no stack.
 * All with the board's lock held, and sched_unlock afterwards.
 */
#ifndef ORUN_SETTLE_H
#define ORUN_SETTLE_H

#include "sched/sched.h"

/* Make t final with this outcome, whose contents it takes. */
void settle(Sched *s, Task *t, Outcome *o);

/* What the end of t, which was stopped, is told as, whatever `o` says. */
void settle_stopped(const Task *t, Outcome *o);

/* Who had t in hand cannot go on with it: it fails with this fault and text
 * (which is taken), unless it was being stopped. */
void settle_lost(Sched *s, Task *t, TaskFault fault, char *why);

/* t's blocker failed: t is cancelled with error_kind "blocked". */
void settle_blocked(Sched *s, Task *t, Task *blocker);

/* Cancel t, which is not final: at once when it does not run, else the stop
 * ladder begins. */
void settle_cancel(Sched *s, Task *t, TaskWhy why);

/* Cancel the unfinished children of t that are not detached. Items are not
 * children: what a planner put on the list outlives it. */
void settle_children(Sched *s, Task *t);

/* A claimed item goes back to the list, before the others. */
void settle_give_back(Sched *s, Task *item);

/* Items claimed by t and not finished go back to the list. */
void settle_claims(Sched *s, Task *t);

/* Work off the consequences of all that was settled. */
void settle_aftermath(Sched *s);

#endif
