/* host.h — what one run owns: scheduler, workers, states, io. Layer 5.
 *
 * The io thread, the keeper and the temporary folder are made when they are
 * first needed, so a script without programs and timers starts no thread but
 * its workers. host.h is what the runners and the Lua API see of the runtime;
 * orun.h is what an embedding program sees.
 */
#ifndef ORUN_HOST_H
#define ORUN_HOST_H

#include "keeper.h"
#include "loop.h"
#include "output.h"
#include "pool.h"
#include "sched.h"
#include "vm.h"

typedef struct Host {
    /* Never changes once made. */
    Sched sched;
    Clock clock;
    Runner lua, process;
    Pool *pool;
    VmPool *vms;
    Folder *folder;
    char **env;       /* snapshot of the environment */
    char *cwd;        /* absolute working directory at start */
    int workers;      /* Lua tasks at once */
    atomic_size_t memory_limit; /* of a Lua task, bytes, when it does not say;
                          * any thread sets it */

    _Atomic(Loop *) loop; /* NULL: not needed yet; set once, under io_lock */

    pthread_mutex_t io_lock;
    /* Guarded by io_lock: */
    bool io_failed;
    LoopMsg tick_msg;
    bool tick_posted;
    char **names;     /* interned strings, NULL-terminated */
    size_t name_count;

    /* Of the io thread. */
    uv_timer_t timer;
    bool timer_ready;
    Keeper *keeper;
} Host;

typedef struct HostConfig {
    int processes;    /* programs at once */
    int workers;      /* Lua tasks at once */
    size_t memory_limit;
    size_t backlog;   /* bytes of tasks, inputs and results; 0: no bound */
    VmConfig vm;      /* for task states */
} HostConfig;

/* Make a host. Errors: ORUN_ENOMEM, ORUN_ESYS. */
int host_new(const HostConfig *config, Host **out) NODISCARD;

/* End everything: tasks are cancelled, children ended, workers and io joined.
 * When a worker is stuck in a C function for good, the memory stays. Not from
 * a thread of its own. */
void host_free(Host *h);

/* A copy of `s` that lives as long as the host, the same one each time. Any
 * thread; NULL when memory is out. */
const char *host_intern(Host *h, const char *s);

/* See that the run can keep *v, which nobody else holds: when half of the
 * backlog is taken, a large value goes to the run's folder. ORUN_EBACKLOG: it
 * has no room for it. Any thread; may block for a file write. */
int host_keep(Host *h, struct Value **v) NODISCARD;

/* The io thread, started when needed; NULL when it cannot be. Any thread. */
Loop *host_loop(Host *h);

/* The keeper; NULL when memory is out. */
Keeper *host_keeper(Host *h) ON_IO;

#endif
