/* lifecycle.h — the life of a task, from being added to being final.
 *
 *    lifecycle_add        a draft becomes a task; once nothing blocks it, it is
 *        |                offered slots (slots.h) and given to its runner
 *    lifecycle_begin      the runner begins an attempt: the task is running
 *        |  ^
 *        |  | retry       the attempt failed, and the options allow another
 *    lifecycle_finish     the attempt has ended
 *        |
 *    lifecycle_finalize   the task is final
 *        |
 *    lifecycle_propagate  what follows for others: waits are fired, claims
 *                         returned, children cancelled, dependents released or
 *                         cancelled
 *
 * Final tasks are propagated from a list, so a chain of a million tasks needs
 * no stack. The functions that take the lock themselves may be called from any
 * thread.
 */
#ifndef ORUN_LIFECYCLE_H
#define ORUN_LIFECYCLE_H

#include "sched/sched.h"

/* ---- takes the lock itself ---- */

/* Put a new task on the board, where it is `*out`, and start it as soon as it
 * may. On success the board owns what the draft owned. `blockers` are tasks of
 * this board. Errors, with nothing done and the draft still the caller's:
 * ORUN_ESHUTDOWN, ORUN_EENDED (the parent has), ORUN_EDEPTH, ORUN_ENOMEM,
 * ORUN_EREMOVED (a blocker was removed), ORUN_EBACKLOG. When its `finally`
 * cannot be added the task is cancelled, and the draft empty. */
int lifecycle_add(Sched *s, Task *draft, Task *parent, Task *const *blockers,
                  size_t n, Task **out) NODISCARD;

/* The runner begins an attempt at the task. True: it is running, t->run is
 * `run`, and *attempt is the number that lifecycle_finish expects. False: it
 * was stopped meanwhile, is final now, and must not be run. */
bool lifecycle_begin(Sched *s, Task *t, void *run, uint32_t *attempt);

/* The runner found that t, which it has not begun, needs no attempt, or cannot
 * have one: make it final with this outcome, which is taken. */
void lifecycle_settle(Sched *s, Task *t, Outcome *o);

/* The attempt has ended; takes what `o` holds. Does nothing else if it is no
 * longer the task's current attempt. May try the task again. */
void lifecycle_finish(Sched *s, Task *t, uint32_t attempt, Outcome *o);

/* lifecycle_finish and, under the same lock, lifecycle_begin (with `run`) of
 * the task of this kind that got the slot. Returns that task, with its number
 * in *attempt, or NULL. For a runner that does one task after the other. */
Task *lifecycle_finish_next(Sched *s, Task *t, uint32_t *attempt, Outcome *o,
                            void *run);

/* Cancel t. Returns 0, or ORUN_ERESOLVED if it is final already. */
int lifecycle_cancel(Sched *s, Task *t);

/* Cancel every task that is not final, except list items. Those that run end in
 * their own time; the `finally` of a task has ten seconds, unless the run is
 * hurried. */
void lifecycle_cancel_all(Sched *s, TaskWhy why);

/* The same of those that end with the script: not those of the embedding
 * program, until the run is closed. */
void lifecycle_cancel_script(Sched *s, TaskWhy why);

/* Cancel the tasks that do not run yet, and from now on every new one; those
 * that run go on. List items stay as they are. */
void lifecycle_drain(Sched *s);

/* Cancel every task and list item, and accept no new one. */
void lifecycle_close(Sched *s);

/* ---- with the lock held, and then sched_unlock ---- */

/* What a task's timer (TaskTimer) fires, for sched_init: its time-out, the
 * delay before another attempt, or the grace of a stop is over. */
void lifecycle_timer_due(Timer *timer);

/* Make t final with this outcome, whose contents it takes. */
void lifecycle_finalize(Sched *s, Task *t, Outcome *o);

/* The same for t, which runs, once that outcome is kept (durable.h): until then
 * its slots are others', and nothing can stop it. */
void lifecycle_end(Sched *s, Task *t, Outcome *o);

/* Fail t, whose runner can no longer continue it, with this fault and text
 * (which is taken). If t was being stopped, that is its outcome instead. */
void lifecycle_fail(Sched *s, Task *t, TaskFault fault, char *why);

/* A blocker of t failed: cancel t with error_kind "blocked". */
void lifecycle_cancel_blocked(Sched *s, Task *t, Task *blocker);

/* Put a claimed item back on the list, before the others. */
void lifecycle_return_item(Sched *s, Task *item);

/* Do what follows from the end of each task that has become final. */
void lifecycle_propagate(Sched *s);

#endif
