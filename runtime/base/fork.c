/* fork.c — counting forks, and the locks that are taken around each. */
#include "base/fork.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <unistd.h>

unsigned fork_count;

static uv_mutex_t *_Atomic fork_locks[FORK_LOCKS];
static uv_mutex_t *fork_held[FORK_LOCKS]; /* between `before` and `after` */
static bool fork_ending;
static void (*fork_child)(void);
static pid_t fork_parent;

static void
fork_before(void)
{
    for (int i = 0; i < FORK_LOCKS; i++) {
        uv_mutex_t *lock = atomic_load(&fork_locks[i]);
        if (lock)
            uv_mutex_lock(lock);
        fork_held[i] = lock;
    }
    fork_parent = getpid();
}

static void
fork_release(void)
{
    for (int i = FORK_LOCKS; i-- > 0;)
        if (fork_held[i])
            uv_mutex_unlock(fork_held[i]);
}

/* The parent may have ended before this was set. */
static void
fork_tie(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != fork_parent)
        raise(SIGKILL);
}

static void
fork_in_child(void)
{
    fork_count++;
    fork_release();
    if (fork_ending)
        fork_tie();
    if (fork_child)
        fork_child();
}

static void
fork_watch_once(void)
{
    pthread_atfork(fork_before, fork_release, fork_in_child);
}

void
fork_watch(void)
{
    static uv_once_t once = UV_ONCE_INIT;
    uv_once(&once, fork_watch_once);
}

void
fork_guard(ForkLock which, uv_mutex_t *lock)
{
    atomic_store(&fork_locks[which], lock);
}

void
fork_ends(void (*child)(void))
{
    fork_ending = true;
    fork_child = child;
    fork_watch();
}
