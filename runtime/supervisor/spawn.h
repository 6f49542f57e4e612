/* spawn.h — one program to be started: the request for it, and its start.
 *
 * Part of the supervisor's program. The child is made by a vfork on a stack of
 * its own: that costs the same however large a process is, and tells exactly
 * which step failed, because the child shares the supervisor's memory until it
 * has become the program.
 */
#ifndef ORUN_SPAWN_H
#define ORUN_SPAWN_H

#include "base/base.h"
#include "base/list.h"

/* Its strings follow it in the same block. */
typedef struct Spawn {
    List link; /* in supervisor.refused */
    uint64_t id, task;
    bool lingers;
    double deadline;
    char *const *argv; /* argv[0] without a slash is looked up in PATH of env */
    char *const *env;
    const char *cwd; /* NULL: the supervisor's */
    int fds[3];      /* become 0-2; closed by the caller */
    /* Set by spawn_exec: */
    int supervisor; /* the supervisor's process id */
    int err, step;  /* 0, or errno and the PROTOCOL_STEP_… */

    char mark[64]; /* PROCESS_TREE_MARK and what names the task */
    char *strings[];
} Spawn;

/* The request in the body of a SPAWN message. NULL with errno: ENOMEM, or
 * EPROTO when the body is malformed. */
Spawn *spawn_new(uint64_t id, const char *body, size_t size);

/* Start it in a process group of its own, with default signals and descriptors
 * 0-2 only; it is killed when the supervisor dies. (It gets no session of its
 * own: that has no use, because the supervisor's has no terminal either, and
 * makes the start a tenth slower where the kernel groups its scheduling by
 * session.) Returns the process id, or 0 with err and step set. */
int spawn_exec(Spawn *s);

#endif
