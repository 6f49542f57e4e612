/* claim.h — items of the list, shared out.
 *
 * A claim belongs to the claiming task. It is one move, ready to running, under
 * the board's lock, so exactly one caller wins. When the claimer ends, what it
 * did not finish goes back to the list (lifecycle.h). All functions take the
 * lock themselves, and may be called from any thread.
 */
#ifndef ORUN_CLAIM_H
#define ORUN_CLAIM_H

#include "sched/sched.h"

/* Claim `item` for `who`; `owner` (taken, may be NULL) is a label. Gives 0,
 * ORUN_ECLAIMED, ORUN_ERESOLVED, ORUN_EBLOCKED, ORUN_ESTATE (not an item),
 * ORUN_EENDED (`who` does not run any more), ORUN_ENOMEM. */
int claim_item(Sched *s, Task *item, Task *who, char *owner) NODISCARD;

/* Claim the first ready item into *item; NULL when none is ready now. *open
 * gets how many items are not final. Gives 0, ORUN_EENDED or ORUN_ENOMEM. */
int claim_next(Sched *s, Task *who, char *owner, Task **item,
               size_t *open) NODISCARD;

/* End an item: `o` is taken. As claim_item; ORUN_ECLAIMED when another task
 * holds it. */
int claim_resolve(Sched *s, Task *item, Task *who, Outcome *o) NODISCARD;

/* Give a claim back: in_progress to pending. Errors as claim_resolve. */
int claim_release(Sched *s, Task *item, Task *who) NODISCARD;

#endif
