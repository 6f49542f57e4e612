/* keeper_start.h — a request to start a program, read from a frame.
 *
 * Of the keeper's program.
 */
#ifndef ORUN_KEEPER_START_H
#define ORUN_KEEPER_START_H

#include "base/list.h"
#include "keeper/keeper_exec.h"

/* A request to start a program: what its strings point to follows it in the
 * same block. */
typedef struct Start {
    List link; /* in keeper.refused */
    uint64_t id, task;
    bool lingers;
    double deadline;
    KeeperExec exec;
    char mark[64]; /* ORUN_KEEPER=… */
    char *strings[];
} Start;

/* A Start for the body of a frame, or NULL: out of memory, or malformed (then
 * errno is EPROTO). */
Start *keeper_start_new(uint64_t id, const char *body, size_t size);

#endif
