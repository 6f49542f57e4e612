/* fresh.h — are the files that a task writes newer than all that it reads?
 *
 * A task that declares both (reads, writes) and whose writes all exist and are
 * not older than any of its reads has nothing to do. A folder is as new as the
 * newest thing below it, its writes aside. What of its writes an attempt that
 * failed has changed is half-written, and would look new the next time.
 */
#ifndef ORUN_FRESH_H
#define ORUN_FRESH_H

#include "base/base.h"
#include <time.h>

struct Writes;

/* Belongs to the task's runner, from its start to its end. */
typedef struct Fresh {
    struct Writes *reads;
    struct timespec *before; /* of each of its writes, before it began */
    bool *half;              /* the writes that are half-written … */
    bool any_half;           /* … and whether one is */
} Fresh;

typedef enum FreshState { FRESH_STALE, FRESH_DONE, FRESH_MISSING } FreshState;

/* Takes the reads, of a task with so many writes. NULL when memory is out, and
 * then they are still the caller's. */
Fresh *fresh_new(struct Writes *reads, size_t writes);

/* Look at the files, before the task begins. FRESH_MISSING: *missing is what it
 * reads and errno why that cannot be. Blocks on the file system. */
FreshState fresh_look(Fresh *f, const struct Writes *writes,
                      const char **missing);

/* An attempt has ended; which of the writes has it changed, if it failed?
 * Blocks on the file system. */
void fresh_ended(Fresh *f, const struct Writes *writes, bool failed);

/* NULL is fine. */
void fresh_free(Fresh *f);

#endif
