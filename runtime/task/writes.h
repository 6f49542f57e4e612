/* writes.h — the files and folders that a task says it will change.
 *
 * A task holds them from the start of its attempt to the end, also while it
 * waits, and those of two tasks that overlap are never held at the same time,
 * unless one of the tasks is above the other (task_barred). The board's lock
 * guards them.
 */
#ifndef ORUN_WRITES_H
#define ORUN_WRITES_H

#include "base/base.h"
#include "base/list.h"

typedef struct Writes {
    List held;          /* in the board's list while its task has them */
    struct Task *owner; /* the task that has them, or had them last */
    size_t n;
    char **paths; /* absolute, without "." and ".." and trailing slash */
} Writes;

/* Make an absolute, plain path out of `path` seen from `cwd` (absolute): what
 * exists of it is resolved (links followed), the rest by its letters. NULL
 * when memory is out. Blocks on the file system; not under a lock. */
char *writes_path(const char *cwd, const char *path);

/* True when `inner` is `outer` or lies below it. */
bool writes_inside(const char *inner, const char *outer);

/* True when some path of one is, or is inside, some path of the other. */
bool writes_overlap(const Writes *a, const Writes *b);

static inline bool
writes_held(const Writes *w)
{
    return !list_empty(&w->held);
}

/* NULL is fine. */
void writes_free(Writes *w);

#endif
