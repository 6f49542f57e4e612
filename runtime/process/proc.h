/* proc.h — one child process: pipes, output, exit, end.
 *
 * A Proc is started by the supervisor, fed its stdin, drained, and ended. It
 * lives on the io thread from proc_start until `done` was called. After that
 * its fields may be read, and it may be freed, on that thread.
 *
 *   starting --spawned--> running --exit--> draining (<= 0.5 s) --> done
 *       \--spawn failed-------------------------------------------> done
 */
#ifndef ORUN_PROC_H
#define ORUN_PROC_H

#include "base/base.h"

typedef struct Folder Folder; /* folder.h */
typedef struct Output Output; /* output.h */
typedef struct Clock Clock;   /* clock.h */
typedef struct Proc Proc;
typedef struct SupervisorClient SupervisorClient; /* supervisor_client.h */

enum { PROC_GIVE_UP_MS = 10000 }; /* for an exit after SIGKILL */

typedef struct ProcSpec {
    const char *const *argv; /* NULL-terminated; [0] looked up in env's PATH */
    const char *const *env;  /* NULL-terminated "K=V" strings */
    const char *cwd;         /* NULL: orun's own */
    const char *in;          /* stdin bytes, copied; NULL: /dev/null */
    size_t in_len;
    const int *fds;            /* what become its 0-2 (-1: /dev/null) instead of
                                * `in` and pipes; NULL: those */
    size_t keep;               /* stdout bytes kept in memory */
    Clock *clock;              /* by which its graces go */
    bool lingers;              /* what it leaves stays until the task is over */
    uint64_t task;             /* whose it is, for attribution of strays */
    void (*started)(void *ud); /* it runs; on the io thread; may be NULL, and
                                * may be left out when its end comes at once */
    void (*done)(Proc *proc, void *ud); /* exactly once, on the io thread */
    void *ud;
} ProcSpec;

typedef struct ProcEnd {
    int spawn_errno;        /* 0, or why it could not be started … */
    const char *spawn_what; /* … and at which step: "exec", "interpreter",
                             * "cwd", "fork", "pipe", "supervisor" */
    int code;               /* exit code, -1 when a signal ended it */
    int signal;             /* that signal, 0 otherwise */
    bool core;              /* it dumped core */
    bool killed;            /* SIGKILL was sent by proc_stop's ladder */
    bool lost;              /* its supervisor died, or it cannot be killed */
    bool left;              /* … and may still be running */
    double wall, cpu;       /* seconds from start to exit; user + system */
    long max_rss;           /* KiB */
} ProcEnd;

/* Start. NULL: out of memory; every other failure comes through `done`, never
 * from inside this call. argv, env, cwd, in are copied; fds are closed, unless
 * it returns NULL. */
Proc *proc_start(SupervisorClient *s, Folder *f, const ProcSpec *spec) ON_IO;

/* SIGTERM to its group; after `grace` seconds SIGKILL to the whole tree. May
 * be called again with a smaller grace. One that does not even end by SIGKILL
 * is given up as lost after ten seconds. */
void proc_stop(Proc *p, double grace) ON_IO;

const ProcEnd *proc_end(const Proc *p) ON_IO; /* valid from `done` on */
Output *proc_out(Proc *p);     /* stdout, held by p; hold it to keep it */
Output *proc_err(Proc *p);     /* stderr */
void proc_free(Proc *p) ON_IO; /* only from `done` on; NULL is fine */

#endif
