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

/* Claim `item` for `claimer`; `owner` (taken, may be NULL) is a label. Returns
 * 0, ORUN_ECLAIMED, ORUN_ERESOLVED, ORUN_EBLOCKED, ORUN_ESTATE (not an item),
 * ORUN_EENDED (`claimer` is no longer running), ORUN_ESHUTDOWN (the run is
 * drained), ORUN_ENOMEM. */
int claim_item(Sched *s, Task *item, Task *claimer, char *owner) NODISCARD;

/* Claim the first ready item into *item; NULL when none is ready now. *open
 * gets how many items are not final. Returns 0, ORUN_EENDED, ORUN_ESHUTDOWN or
 * ORUN_ENOMEM. */
int claim_next(Sched *s, Task *claimer, char *owner, Task **item,
               size_t *open) NODISCARD;

/* End an item with `o`, which is taken. Errors as claim_item; ORUN_ECLAIMED if
 * another task has claimed it. */
int claim_resolve(Sched *s, Task *item, Task *claimer, Outcome *o) NODISCARD;

/* Release a claim: the item is pending again. Errors as claim_resolve. */
int claim_release(Sched *s, Task *item, Task *claimer) NODISCARD;

#endif
