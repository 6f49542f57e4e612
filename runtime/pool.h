/* pool.h — the workers: OS threads that run jobs from one queue. Layer 2.
 *
 * Threads are started when there is work for them, up to `want` that are not
 * blocked. A worker that must block inside a job says so with pool_block: a
 * spare takes its place, and when the blocked one comes back the surplus
 * worker ends. Jobs that go on with something begun (pool_resume) come before
 * jobs that begin something, so what is half done gets done first.
 *
 * Workers block every signal but SIGURG (which stop.h uses).
 */
#ifndef ORUN_POOL_H
#define ORUN_POOL_H

#include "base.h"
#include "list.h"
#include <pthread.h>

typedef struct Pool Pool;

/* Embedded in what is to be run; belongs to the pool from pool_push until
 * `run` is called, on a worker, with no lock held. */
typedef struct Job {
    List link;
    void (*run)(struct Job *job); /* on a worker */
} Job;

/* `want`: how many workers may run at once (at least 1). No thread yet.
 * Errors: ORUN_ENOMEM, ORUN_ESYS. */
int pool_new(int want, Pool **out) NODISCARD;

/* Queue a job; priority as in queue.h. Any thread, never fails: when a thread
 * cannot be started the job waits for the ones there are; only when there is
 * none at all, pool_push returns ORUN_ESYS and the job stays the caller's. */
int pool_push(Pool *p, Job *job, int priority) NODISCARD;

/* Queue a job that goes on with something begun: before all of pool_push. */
void pool_resume(Pool *p, Job *job);

/* The calling worker is about to block / is back. On a worker, in pairs; from
 * another thread they do nothing. Somebody is always left for the queue: where
 * a spare is needed for that and cannot be had, pool_block gives ORUN_ENOMEM or
 * ORUN_ESYS, and the worker must not block. */
int pool_block(Pool *p) NODISCARD;
void pool_unblock(Pool *p);

/* True on a worker of some pool. */
bool pool_on_worker(void);

/* The worker that runs `thread` is stuck for good: count it out and let a
 * spare take its place. When it does return from its job, it ends. Any
 * thread but that one. */
void pool_abandon(Pool *p, pthread_t thread);

/* The figures for tests and reports: workers alive, of them blocked. */
void pool_count(Pool *p, int *threads, int *blocked);

/* Let queued jobs be, end the idle workers, wait for the running ones, free;
 * true. While an abandoned worker is still stuck nothing is freed, for it will
 * come back: false, and what its job uses must stay, too. NULL is fine. Not
 * from a worker. */
bool pool_free(Pool *p);

#endif
