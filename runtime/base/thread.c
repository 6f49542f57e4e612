/* thread.c — a thread with its signals blocked, a lock that spins. */
#include "base/thread.h"
#include "base/err.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

void
thread_mutex_init_spinning(uv_mutex_t *lock)
{
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
    pthread_mutex_init(lock, &attr);
    pthread_mutexattr_destroy(&attr);
}

int
thread_start(uv_thread_t *out, size_t stack, int signal,
             void (*main)(void *arg), void *arg)
{
    uv_thread_options_t options = {
        .flags = stack ? UV_THREAD_HAS_STACK_SIZE : UV_THREAD_NO_FLAGS,
        .stack_size = stack,
    };
    sigset_t mask, old;
    sigfillset(&mask);
    if (signal)
        sigdelset(&mask, signal);
    pthread_sigmask(SIG_SETMASK, &mask, &old); /* a thread inherits it */
    int e = uv_thread_create_ex(out, &options, main, arg);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (e == UV_ENOMEM)
        return ORUN_ENOMEM;
    return e ? errno = -e, ORUN_ESYS : 0;
}

void
thread_block_pipe(sigset_t *before)
{
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &one, before);
}

void
thread_unblock_pipe(const sigset_t *before)
{
    static const struct timespec now;
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGPIPE);
    if (!sigismember(before, SIGPIPE)) {
        sigtimedwait(&one, NULL, &now);
        pthread_sigmask(SIG_UNBLOCK, &one, NULL);
    }
}

void
thread_detach(void)
{
    pthread_detach(pthread_self());
}

uint64_t
thread_cpu_time(void)
{
    struct timespec t;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) != 0)
        return 0;
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int
thread_processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}
