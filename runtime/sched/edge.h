/* edge.h — adding dependencies between tasks of the board. */
#ifndef ORUN_EDGE_H
#define ORUN_EDGE_H

#include "sched/sched.h"

/* `task` may not start before `blocker` is final. */
typedef struct Edge {
    Task *task, *blocker;
} Edge;

/* Add edges, all or none. ORUN_ECYCLE: `path` says which cycle would close.
 * ORUN_ESTATE: a task has begun already. ORUN_EREMOVED, ORUN_ENOMEM. Takes the
 * lock itself, any thread. */
int edge_add(Sched *s, const Edge *edges, size_t n, Buf *path) NODISCARD;

#endif
