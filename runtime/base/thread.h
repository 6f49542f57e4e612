/* thread.h — threads and locks of orun, and the processors they may use.
 *
 * Threads, locks, conditions and semaphores are libuv's (uv_thread_*,
 * uv_mutex_*, uv_cond_*, uv_sem_*, uv_once). What libuv does not have is
 * POSIX's: masks of signals, a signal to one thread (stop.c), the bounds of a
 * stack, atfork handlers (fork.c), threads that are not joined, locks that are
 * ready before any code has run, and locks that spin before they sleep.
 */
#ifndef ORUN_THREAD_H
#define ORUN_THREAD_H

#include "base/base.h"
#include <uv.h>

/* For a lock or condition in static memory. libuv can initialise one only by a
 * call; on Unix its types are POSIX's, and so is this. */
#define THREAD_MUTEX_INIT PTHREAD_MUTEX_INITIALIZER
#define THREAD_COND_INIT PTHREAD_COND_INITIALIZER

/* Initialise a lock that several threads hold for less than a microsecond each.
 * A thread that finds it taken spins for a little before it sleeps, because
 * sleeping and waking cost more than the wait. Otherwise it is like any
 * uv_mutex_t. (No-op tasks on two workers: 10 to 15 % faster than with
 * uv_mutex_init.) */
void thread_mutex_init_spinning(uv_mutex_t *lock);

/* Start a thread that runs main(arg) with every signal blocked, but for
 * `signal` unless that is 0: none of orun's threads takes a signal that is
 * meant for the process, or for a thread of the embedding program. `stack` is
 * in bytes, 0 for the system's default. The caller joins *out, unless the
 * thread detaches itself or lives as long as the process. Returns 0,
 * ORUN_ENOMEM, or ORUN_ESYS with errno. Any thread. */
int thread_start(uv_thread_t *out, size_t stack, int signal,
                 void (*main)(void *arg), void *arg) NODISCARD;

/* Between the two calls a write whose reader has gone fails with EPIPE,
 * whatever the embedding program does with SIGPIPE: it is blocked in this
 * thread, and one that came is discarded. */
void thread_block_pipe(sigset_t *before);
void thread_unblock_pipe(const sigset_t *before);

/* The calling thread will not be joined: its resources are released when it
 * ends. */
void thread_detach(void);

/* How long the calling thread has been on a processor, in nanoseconds. */
uint64_t thread_cpu_time(void);

/* How many processors this process may use, at least 1. Any thread. */
int thread_processors(void);

#endif
