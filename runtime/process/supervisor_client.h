/* supervisor_client.h — the client of the process that starts all others.
 *
 * The supervisor (supervisor_main.c) is a child subreaper at the other end of a
 * socket. It starts the programs it is asked to (vfork, a process group of its
 * own, default signals, only descriptors 0-2), reports exits, kills whole
 * trees, and when the socket closes, however orun ended, kills everything it
 * ever started. It is a small program whose bytes are inside the library: with
 * the first program they are written to a memfd and executed, so embedders need
 * no helper file and are never forked. The embedder's SIGCHLD and waitpid are
 * not touched: the supervisor is started with posix_spawn, and waited for by
 * its own process id only.
 *
 * A supervisor that is killed takes all its descendants with it, because its
 * guard kills them. Its children are reported as lost, and the next spawn
 * starts another supervisor. While a run is to end (engine_hasten), one that
 * does not answer, because it was stopped, is killed in that way.
 */
#ifndef ORUN_SUPERVISOR_CLIENT_H
#define ORUN_SUPERVISOR_CLIENT_H

#include "base/base.h"
#include "base/list.h"

typedef struct Engine Engine; /* engine.h */
typedef struct Loop Loop;     /* loop.h */
typedef struct SupervisorClient SupervisorClient;

typedef struct SupervisorExit {
    int status;       /* as from waitpid */
    bool lost;        /* the supervisor died: nothing else is known */
    bool silent;      /* … because it did not answer, and was killed */
    double wall, cpu; /* seconds: from start to exit; user and system */
    long max_rss;     /* KiB */
} SupervisorExit;

typedef struct SupervisorChild { /* embedded in a Proc */
    List link;
    uint64_t id;  /* set by supervisor_client_spawn; 0 when forgotten */
    int pid;      /* 0 until started */
    bool lingers; /* what it leaves behind stays until its task is over; set
                   * before the spawn */
    /* Both are called on the io thread, each at most once. started: pid > 0, a
     * few milliseconds after the start; or pid = 0, err = errno and what = the
     * step: "fork", "cwd", "exec", "interpreter" (the script is there, what its
     * first line names is not), "pipe" or "supervisor". */
    void (*started)(struct SupervisorChild *c, int pid, int err,
                    const char *what);
    /* The end of one that was started; the only call if it was short-lived. */
    void (*exited)(struct SupervisorChild *c, const SupervisorExit *exit);
} SupervisorChild;

/* The client of the run. Its process is started with the first spawn, removes
 * the run's folder if this process is killed, and ends with the run. NULL and
 * errno when the client cannot be made. */
SupervisorClient *supervisor_client_of(Engine *h) ON_IO;

/* Start the process if it does not run. supervisor_client_spawn does so too,
 * but with more descriptors open. `env` as there. Errors: ORUN_ENOMEM,
 * ORUN_ESYS with errno, ORUN_ESHUTDOWN. */
int supervisor_client_need(SupervisorClient *s,
                           const char *const *env) ON_IO NODISCARD;

/* Its /dev/null, open for reading and writing. */
int supervisor_client_null(const SupervisorClient *s);

/* The loop it was made with. */
Loop *supervisor_client_loop(SupervisorClient *s);

/* Ask for a process. fds[3] become its 0-2, where -1 stands for /dev/null; they
 * are closed here in any case. `cwd` NULL: where orun was when its supervisor
 * was started. ORUN_KEEPER is added to `env`. The answer comes by c->started,
 * never from inside this call, unless the request cannot even be sent: then
 * returns a negative code (ORUN_ESYS with errno). */
int supervisor_client_spawn(SupervisorClient *s, SupervisorChild *c,
                            uint64_t task, const char *const *argv,
                            const char *const *env, const char *cwd,
                            const int fds[3]) ON_IO;

/* Send a signal to the child's process group, or (tree) SIGKILL to it and all
 * its descendants. One that still waits for a fork is then not started. No
 * effect on one that has ended or was forgotten. */
void supervisor_client_signal(SupervisorClient *s, SupervisorChild *c,
                              int signo, bool tree) ON_IO;

/* The task is over: kill what its children that linger have left. */
void supervisor_client_task_over(SupervisorClient *s, uint64_t task) ON_IO;

/* Forget a child: it gets no further calls. */
void supervisor_client_forget(SupervisorChild *c) ON_IO;

#endif
