/* fresh.h — how new the files are that a task writes, and those it reads.
 *
 * A task that declares both (reads, writes) and whose writes all exist and are
 * not older than any of its reads has nothing to do. A folder is as new as the
 * newest thing below it, its writes aside.
 *
 * What a task that failed has changed of its writes is half-written, and would
 * look new the next time. A file or folder has changed when its own stat(2)
 * says so, or when something in the folder was changed since the task began, or
 * in the tick of the clock before that. A folder is searched only after a
 * failure, so that a task that writes to a large one begins at once.
 */
#ifndef ORUN_FRESH_H
#define ORUN_FRESH_H

#include "base/base.h"
#include <time.h>

struct Task;
struct Writes;

/* Of a task with writes. Belongs to its runner, from its start to its end. */
typedef struct Fresh {
    struct Writes *reads;      /* NULL: it declares none */
    struct timespec began;     /* the clock of files, before it began … */
    struct FreshStamp *before; /* … and how each of its writes was */
    bool *half;                /* the writes that are half-written */
} Fresh;

typedef enum FreshState { FRESH_STALE, FRESH_DONE, FRESH_MISSING } FreshState;

/* Takes the reads (NULL: none), of a task with so many writes. NULL when memory
 * is out, and then they are still the caller's. */
Fresh *fresh_new(struct Writes *reads, size_t writes);

/* Look at the files, before the task begins; STALE without reads. MISSING:
 * *missing is what it reads and errno why that cannot be. Blocks on the file
 * system. */
FreshState fresh_look(Fresh *f, const struct Writes *writes,
                      const char **missing);

/* An attempt has ended; which of the writes has the task changed, if it failed?
 * Blocks on the file system. */
void fresh_ended(Fresh *f, const struct Writes *writes, bool failed);

/* The next of the writes of a final task, from number *next on, that is
 * half-written; *next is the one after it. NULL: none is left. */
const char *fresh_half_written(const struct Task *t, size_t *next);

/* NULL is fine. */
void fresh_free(Fresh *f);

#endif
