/* keeper_client.h — the client of the process that starts all others.
 *
 * The keeper (keeper_main.c) is a child subreaper with the other end of a
 * socket: it starts what it is told (vfork, own process group, default signals,
 * only descriptors 0-2), reports exits, kills whole trees, and when the socket
 * closes — however orun ended — kills everything it ever started. It is a small
 * program whose bytes are inside the library: it is written to a memfd and
 * executed from there with the first process, so hosts need no helper file and
 * are never forked. The host's SIGCHLD and waitpid are not touched: the keeper
 * is started with posix_spawn and waited for by its own pid only.
 *
 * A keeper that is killed takes all its descendants with it (another process
 * guards it): its children are reported lost, and the next spawn starts a new
 * keeper. While a run is to end (engine_hasten), one that does not answer, for
 * it was stopped, is killed so.
 */
#ifndef ORUN_KEEPER_CLIENT_H
#define ORUN_KEEPER_CLIENT_H

#include "base/base.h"
#include "base/list.h"

typedef struct Engine Engine; /* engine.h */
typedef struct Loop Loop; /* loop.h */
typedef struct Keeper Keeper;

typedef struct KeeperExit {
    int status;       /* as waitpid gives it */
    bool lost;        /* the keeper died: nothing else is known */
    bool silent;      /* … because it did not answer, and was killed */
    double wall, cpu; /* seconds: from start to exit; user and system */
    long max_rss;     /* KiB */
} KeeperExit;

typedef struct KeeperChild { /* embedded in a Proc */
    List link;
    uint64_t id;             /* set by keeper_spawn, 0 when forgotten */
    int pid;                 /* 0 until started */
    bool lingers;            /* what it leaves behind stays until its task is
                              * over; set before keeper_spawn */
    /* Both are called on the io thread, each at most once. started: pid > 0, a
     * few milliseconds after the start; or pid = 0 and err = errno, what = the
     * step: "fork", "cwd", "exec", "interpreter" (the script is there, what its
     * first line names is not), "pipe" or "keeper". */
    void (*started)(struct KeeperChild *c, int pid, int err, const char *what);
    /* The end of one that was started; for a short-lived one the only call. */
    void (*exited)(struct KeeperChild *c, const KeeperExit *exit);
} KeeperChild;

/* The run's keeper, which is started with the first keeper_spawn, and removes
 * the run's folder when this process is killed. It ends with the run. NULL and
 * errno when it cannot be made. */
Keeper *keeper_of(Engine *h) ON_IO;

/* See that the process runs, which keeper_spawn does too, but with more
 * descriptors open. `env` as there. Errors: ORUN_ENOMEM, ORUN_ESYS with errno,
 * ORUN_ESHUTDOWN. */
int keeper_need(Keeper *k, const char *const *env) ON_IO NODISCARD;

/* Its /dev/null, open for both. */
int keeper_null(const Keeper *k);

/* The loop it was made with. */
Loop *keeper_loop(Keeper *k);

/* Ask for a process: fds[3] become its 0-2 and are closed here whatever comes
 * (-1 stands for /dev/null). `cwd` NULL: where orun was when its keeper was
 * started. ORUN_KEEPER is added to `env`. The answer comes by c->started, never
 * from inside this call, unless the request could not even be sent: then a
 * negative code (ORUN_ESYS: errno tells). */
int keeper_spawn(Keeper *k, KeeperChild *c, uint64_t task,
                 const char *const *argv, const char *const *env,
                 const char *cwd, const int fds[3]) ON_IO;

/* Send a signal: to the process's group, or (tree) SIGKILL to every
 * descendant. One that still waits for a fork is not started then. Unknown or
 * ended ones are ignored. */
void keeper_signal(Keeper *k, KeeperChild *c, int signo, bool tree) ON_IO;

/* What children that linger have left for this task is to go. */
void keeper_task_over(Keeper *k, uint64_t task) ON_IO;

/* Forget a child without further calls. */
void keeper_forget(Keeper *k, KeeperChild *c) ON_IO;

#endif
