/* pool.h — the workers: OS threads that run jobs from one queue.
 *
 * Threads are started when there is work for them, up to `want` that are not
 * blocked. A worker that must block inside a job says so with pool_block: a
 * spare takes its place, and when the blocked one comes back the surplus
 * worker ends. Jobs that go on with something begun (pool_resume) come before
 * jobs that begin something, so what is half done gets done first; and for
 * those in a hurry (they are being stopped) one worker more than is wanted may
 * run, so they need not wait for jobs that take long.
 *
 * A worker that is stuck for good is given up (pool_abandon) and replaced, but
 * not for ever: of `most` stuck at once each has been replaced, each one more
 * leaves the pool with a worker less. When none is left the pool is spent: it
 * takes no job until a stuck worker comes back.
 *
 * Workers block every signal but SIGURG (which stop.h uses).
 */
#ifndef ORUN_POOL_H
#define ORUN_POOL_H

#include "base/base.h"
#include "base/list.h"

typedef struct Pool Pool;
typedef struct Worker Worker;

typedef struct Job Job;

/* What becomes of a job: one of the two is called, once each time that it was
 * queued. */
typedef struct JobKind {
    void (*run)(Job *job);    /* on a worker, with no lock held */
    void (*reject)(Job *job); /* by whoever calls pool_reject: nobody will */
} JobKind;

/* Embedded in what is to be run; belongs to the pool from pool_push until
 * `run` is called or pool_reject returns it. */
struct Job {
    List link;
    const JobKind *kind;
};

/* `want`: how many workers may run at once (at least 1). No thread yet.
 * Errors: ORUN_ENOMEM, ORUN_ESYS. */
int pool_new(int want, Pool **out) NODISCARD;

/* Queue a job; priority as in queue.h. Any thread. When a thread cannot be
 * started the job waits for the ones there are; only when none is there, or all
 * are blocked, pool_push returns ORUN_ESYS and the job stays the caller's. */
int pool_push(Pool *p, Job *job, int priority) NODISCARD;

/* Queue a job that goes on with something begun: before all of pool_push. Any
 * thread; errors as pool_push. */
int pool_resume(Pool *p, Job *job) NODISCARD;

/* A job that was given to pool_resume is in a hurry, if no worker has it yet:
 * it comes before all others. At most once a job. Any thread. */
void pool_hurry(Pool *p, Job *job);

/* The calling worker is about to block / is back. On a worker, in pairs; from
 * another thread they do nothing. ORUN_ESYS: jobs wait, and with this worker
 * blocked no thread would run them; it must not block then. */
int pool_block(Pool *p) NODISCARD;
void pool_unblock(Pool *p);

/* The worker that calls; NULL on any other thread. Good until its job has
 * returned. */
Worker *pool_worker(void);

/* The worker is stuck for good: count it out and let a spare take its place,
 * unless too many are stuck. When it does return from its job, it ends. Any
 * thread, while it is known to be inside that job. */
void pool_abandon(Worker *w);

/* While no worker is left and none can be made, call `reject` of each queued
 * job, which is its owner's again. Any thread, without the pool's lock. */
void pool_reject(Pool *p);

/* How many stuck workers are replaced; 8 at first. Any thread. */
void pool_set_most(Pool *p, int most);
int pool_most(const Pool *p);

/* How many are stuck now. Any thread, without the lock. */
int pool_stuck(const Pool *p);

/* The figures for tests and reports: workers alive (but those given up), of
 * them blocked. */
void pool_count(Pool *p, int *threads, int *blocked);

/* Let queued jobs be, end the idle workers, wait for the running ones. False
 * while abandoned ones are still stuck. Not from a worker. */
bool pool_close(Pool *p);

/* Close and free; true. While an abandoned worker is still stuck nothing is
 * freed, for it will come back: false, and what its job uses must stay, too.
 * The last that comes back calls gone(ud), which may free that, on its thread
 * and with no lock held, and frees the pool. `gone` may be NULL, and so may
 * `p`. Not from a worker. */
bool pool_free(Pool *p, void (*gone)(void *ud), void *ud);

#endif
