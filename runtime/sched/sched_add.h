/* sched_add.h — a new task. */
#ifndef ORUN_SCHED_ADD_H
#define ORUN_SCHED_ADD_H

#include "sched/sched.h"

/* Put a new task on the board, where it is `*out`, and start it as soon as it
 * may. On success the board owns what the draft owned. `blockers` are tasks of
 * this board. Errors, with nothing done and the draft still the caller's:
 * ORUN_ESHUTDOWN, ORUN_EENDED (the parent has), ORUN_EDEPTH, ORUN_ENOMEM,
 * ORUN_EREMOVED (a blocker was removed), ORUN_EBACKLOG. */
int sched_add(Sched *s, Task *draft, Task *parent, Task *const *blockers,
              size_t n, Task **out) NODISCARD;

#endif
