/* kept.h — what is kept of a task that has ended, as the body of a fact.
 *
 * An outcome is kept whole: state, output, error, exit code, what the program
 * printed beyond its result, what was told of the work (model, session, tokens,
 * cost), the worktree. Not kept are functions and modules in an output, which
 * mean nothing in another process; then the outcome is not kept at all, and
 * neither is one that has a known secret in it. Outcomes of which the work was
 * not the cause (LOST, SPAWN, RATE, BUDGET, …) are not kept, either; what
 * somebody has said of an item is, cancelled included.
 */
#ifndef ORUN_KEPT_H
#define ORUN_KEPT_H

#include "base/buf.h"
#include "engine/engine.h"
#include "task/task_report.h"

typedef struct Kept {
    Outcome outcome;
    struct Value *tree; /* Of its worktree, or NULL */
    TaskReport *report; /* or NULL */
    double took;        /* seconds of the attempt that gave it */
    double limit;       /* of a failure by time-out or memory: seconds, bytes */
    unsigned char hash[TASK_KEY_SIZE]; /* of the outcome */
} Kept;

typedef enum KeptRefusal {
    KEPT_FINE,
    KEPT_FAULT,  /* it failed for a reason that is not its own */
    KEPT_SECRET, /* there is a secret in it */
    KEPT_ODD,    /* there is a function or a module in it */
    KEPT_NO_MEMORY,
} KeptRefusal;

/* Write what t, whose last attempt took so long and is sealed, has ended with,
 * and its hash to k->hash: by it later tasks know that it is the same. The hash
 * is there whatever is refused, but for KEPT_NO_MEMORY. Without a lock. */
KeptRefusal kept_write(Kept *k, const Task *t, Engine *h, Buf *body);

/* Read it again. False: the bytes are damaged, of a version that wrote values
 * in another way, or memory is out; then k is empty. Any thread; may write a
 * file in the run's folder. */
bool kept_read(const Buf *body, Engine *h, Kept *k);

/* Does the outcome hold for t, too? Not if what t says it writes is not there,
 * or if it ran out of time or memory, and t has more. Blocks on the file
 * system. */
bool kept_still(const Kept *k, const Task *t);

/* Give t, which takes the outcome over, the rest. With the board's lock held.
 */
void kept_give(Kept *k, Task *t);

/* Free what k holds. */
void kept_clear(Kept *k);

#endif
