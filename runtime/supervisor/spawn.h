/* keeper_exec.h — starts one program, inside the keeper.
 *
 * Part of the keeper program only. The child is a vfork on a stack of its own:
 * it costs the same however large anybody is, and tells exactly which step
 * failed because it shares the keeper's memory until it has become the program.
 */
#ifndef ORUN_KEEPER_EXEC_H
#define ORUN_KEEPER_EXEC_H

#include "base/base.h"

typedef struct KeeperExec {
    char *const *argv; /* argv[0] without a slash is looked up in PATH of env */
    char *const *env;
    const char *cwd;   /* NULL: the keeper's */
    int fds[3];        /* become 0-2; the caller closes its own */
    /* filled by keeper_exec: */
    int keeper;        /* the keeper's process id */
    int err, step;     /* 0, or errno and the WIRE_STEP_… */
} KeeperExec;

/* Start it in a process group of its own, with default signals, descriptors 0-2
 * and nothing else; it is killed when the keeper dies. (A session of its own
 * would bring nothing, the keeper's has no terminal either, and costs a tenth
 * of the whole start where the kernel groups its scheduling by session.) The
 * process id, or 0 with err and step filled in. */
int keeper_exec(KeeperExec *e);

#endif
