/* pool.c — the workers.
 *
 * One mutex guards everything. `threads` counts the workers that take jobs;
 * of them `blocked` sit inside a job waiting, and `idle` wait for a job. A
 * new thread is started only when no idle one could take what was pushed: an
 * idle worker that was signalled but has not woken yet is spoken for, one of
 * the `roused`.
 *
 * Of the workers given up the pool knows their number only: the thread that
 * comes back finds itself `abandoned`, and ends. A pool that its owner has
 * freed meanwhile is `ownerless`, and the last of them frees it.
 */
#include "thread/pool.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"
#include "base/thread.h"
#include "thread/epoch.h"
#include <signal.h>
#include <stdatomic.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { POOL_STACK = 8 << 20 };
#else
enum { POOL_STACK = 1 << 20 };
#endif

enum { POOL_MOST = 8 }; /* stuck workers that are replaced, at first */

struct Worker {
    Pool *pool;
    /* Under the pool's lock: */
    List link; /* in its workers */
    bool abandoned, blocking;
    bool hurries; /* runs a job that was in a hurry */
};

struct Pool {
    int want;               /* never changes */
    atomic_int most, stuck; /* written under the lock */

    uv_mutex_t lock;
    /* guarded by lock: */
    uv_cond_t work; /* a job came, or closing */
    uv_cond_t gone; /* a worker ended */
    Queue fresh;
    List begun;
    List hurried;
    List workers; /* those whose threads have not ended */
    int hurries;  /* jobs in a hurry, queued or running */
    int threads, idle, roused, blocked;
    bool closing;
    bool ownerless; /* the last worker to come back frees it, after … */
    void (*forsaken)(void *ud); /* … this, unless it is NULL */
    void *ud;
};

static __thread Worker *pool_self;

int
pool_new(int want, Pool **out)
{
    Pool *p = mem_zalloc(1, sizeof *p);
    if (!p)
        return ORUN_ENOMEM;
    p->want = want < 1 ? 1 : want;
    thread_mutex_init_spinning(&p->lock);
    uv_cond_init(&p->work);
    uv_cond_init(&p->gone);
    queue_init(&p->fresh);
    list_init(&p->begun);
    list_init(&p->hurried);
    list_init(&p->workers);
    p->most = POOL_MOST;
    *out = p;
    return 0;
}

/* The next job; *hurried says whether it was in a hurry. Under the lock. */
static Job *
pool_next(Pool *p, bool *hurried)
{
    List *node = list_shift(&p->hurried);
    *hurried = node != NULL;
    if (!node)
        node = list_shift(&p->begun);
    if (!node)
        node = queue_shift(&p->fresh);
    return node ? container_of(node, Job, link) : NULL;
}

static bool
pool_queued(Pool *p)
{
    return !list_empty(&p->hurried) || !list_empty(&p->begun)
        || queue_peek(&p->fresh);
}

/* How many may run at once now; 0 when the pool is spent. Under the lock. */
static int
pool_wanted(const Pool *p)
{
    int lost = p->stuck - p->most;
    if (lost >= p->want)
        return 0;
    return p->want - (lost > 0 ? lost : 0) + (p->hurries > 0);
}

/* More workers than wanted run: this one should end. Under the lock. */
static bool
pool_surplus(const Pool *p)
{
    return p->threads - p->blocked > pool_wanted(p);
}

/* The next job, or NULL when the worker is to end. Under the lock. */
static Job *
pool_wait(Pool *p, Worker *self)
{
    while (!self->abandoned && !pool_surplus(p)) {
        Job *job = p->closing ? NULL : pool_next(p, &self->hurries);
        if (job || p->closing)
            return job;
        p->idle++;
        uv_cond_wait(&p->work, &p->lock);
        p->idle--;
        if (p->roused > 0)
            p->roused--;
    }
    return NULL;
}

static int pool_rouse(Pool *p);

static void
pool_drop(Pool *p)
{
    uv_cond_destroy(&p->gone);
    uv_cond_destroy(&p->work);
    uv_mutex_destroy(&p->lock);
    mem_free(p);
}

static void
pool_main(void *arg)
{
    Worker *self = arg;
    Pool *p = self->pool;
    role_is_worker();
    thread_detach(); /* one that is given up is never joined */
    pool_self = self;
    uv_mutex_lock(&p->lock);
    for (Job *job; (job = pool_wait(p, self)) != NULL;) {
        uv_mutex_unlock(&p->lock);
        epoch_enter();
        job->kind->run(job);
        epoch_leave();
        uv_mutex_lock(&p->lock);
        p->hurries -= self->hurries;
        self->hurries = false;
    }
    if (self->abandoned)
        p->stuck--;
    else
        p->threads--;
    if (self->abandoned && !p->closing && pool_queued(p))
        (void)pool_rouse(p); /* one more may run again */
    list_del(&self->link);
    mem_free(self);
    bool last = p->ownerless && p->stuck == 0;
    uv_cond_broadcast(&p->gone);
    uv_mutex_unlock(&p->lock);
    pool_self = NULL;
    if (last && p->forsaken)
        p->forsaken(p->ud);
    if (last)
        pool_drop(p);
}

/* Start one worker. Under the lock. */
static int
pool_spawn(Pool *p)
{
    Worker *w = mem_zalloc(1, sizeof *w);
    if (!w)
        return ORUN_ENOMEM;
    w->pool = p;
    uv_thread_t thread;
    int e = thread_start(&thread, POOL_STACK, SIGURG, pool_main, w);
    if (e) {
        mem_free(w);
        return e;
    }
    p->threads++;
    list_push(&p->workers, &w->link);
    LOG(POOL, "worker started: %d threads, %d blocked", p->threads, p->blocked);
    return 0;
}

/* See that somebody takes what was just queued. ORUN_ESYS: nobody ever will.
 * Under the lock. */
static int
pool_rouse(Pool *p)
{
    if (pool_wanted(p) == 0)
        return ORUN_ESYS;
    if (p->idle > p->roused) {
        p->roused++;
        uv_cond_signal(&p->work);
        return 0;
    }
    int running = p->threads - p->blocked;
    if (running >= pool_wanted(p))
        return 0;
    int e = pool_spawn(p);
    return e && running == 0 ? e : 0;
}

int
pool_push(Pool *p, Job *job, int priority)
{
    uv_mutex_lock(&p->lock);
    queue_push(&p->fresh, &job->link, priority);
    int e = pool_rouse(p);
    if (e)
        list_del(&job->link);
    uv_mutex_unlock(&p->lock);
    return e;
}

int
pool_resume(Pool *p, Job *job)
{
    uv_mutex_lock(&p->lock);
    list_push(&p->begun, &job->link);
    int e = pool_rouse(p);
    if (e)
        list_del(&job->link);
    uv_mutex_unlock(&p->lock);
    return e;
}

void
pool_hurry(Pool *p, Job *job)
{
    uv_mutex_lock(&p->lock);
    if (!list_empty(&job->link)) {
        list_del(&job->link);
        list_push(&p->hurried, &job->link);
        p->hurries++;
        (void)pool_rouse(p);
    }
    uv_mutex_unlock(&p->lock);
}

int
pool_block(Pool *p)
{
    Worker *self = pool_self;
    int e = 0;
    if (!self)
        return 0;
    uv_mutex_lock(&p->lock);
    self->blocking = !self->abandoned;
    p->blocked += self->blocking;
    if (pool_queued(p))
        e = pool_rouse(p);
    if (e) {
        p->blocked -= self->blocking;
        self->blocking = false;
    }
    uv_mutex_unlock(&p->lock);
    return e;
}

void
pool_unblock(Pool *p)
{
    if (!pool_self)
        return;
    uv_mutex_lock(&p->lock);
    if (pool_self->blocking)
        p->blocked--;
    pool_self->blocking = false;
    if (pool_surplus(p) && p->idle > 0)
        uv_cond_signal(&p->work);
    uv_mutex_unlock(&p->lock);
}

Worker *
pool_worker(void)
{
    return pool_self;
}

void
pool_abandon(Worker *w)
{
    Pool *p = w->pool;
    uv_mutex_lock(&p->lock);
    if (!w->abandoned) {
        w->abandoned = true;
        p->blocked -= w->blocking;
        p->hurries -= w->hurries;
        w->blocking = w->hurries = false;
        p->threads--;
        p->stuck++;
        LOG(POOL, "worker given up: %d threads, %d stuck", p->threads,
            p->stuck);
        if (pool_queued(p))
            (void)pool_rouse(p);
    }
    uv_mutex_unlock(&p->lock);
}

static Job *
pool_rejected(Pool *p)
{
    bool hurried = false;
    uv_mutex_lock(&p->lock);
    Job *job = pool_wanted(p) == 0 ? pool_next(p, &hurried) : NULL;
    p->hurries -= hurried;
    uv_mutex_unlock(&p->lock);
    return job;
}

void
pool_reject(Pool *p)
{
    for (Job *job; (job = pool_rejected(p)) != NULL;)
        job->kind->reject(job);
}

void
pool_set_most(Pool *p, int most)
{
    uv_mutex_lock(&p->lock);
    p->most = most;
    uv_cond_broadcast(&p->work); /* some may be too many now */
    if (pool_queued(p))
        (void)pool_rouse(p);
    uv_mutex_unlock(&p->lock);
}

int
pool_most(const Pool *p)
{
    return atomic_load_explicit(&p->most, memory_order_relaxed);
}

int
pool_stuck(const Pool *p)
{
    return atomic_load_explicit(&p->stuck, memory_order_relaxed);
}

void
pool_count(Pool *p, int *threads, int *blocked)
{
    uv_mutex_lock(&p->lock);
    *threads = p->threads;
    *blocked = p->blocked;
    uv_mutex_unlock(&p->lock);
}

/* Under the lock; true when all workers have ended. */
static bool
pool_end(Pool *p)
{
    p->closing = true;
    uv_cond_broadcast(&p->work);
    while (p->threads > 0)
        uv_cond_wait(&p->gone, &p->lock);
    return p->stuck == 0;
}

bool
pool_close(Pool *p)
{
    uv_mutex_lock(&p->lock);
    bool ended = pool_end(p);
    uv_mutex_unlock(&p->lock);
    return ended;
}

bool
pool_free(Pool *p, void (*gone)(void *ud), void *ud)
{
    if (!p)
        return true;
    uv_mutex_lock(&p->lock);
    bool ended = pool_end(p);
    p->ownerless = !ended;
    p->forsaken = gone;
    p->ud = ud;
    uv_mutex_unlock(&p->lock);
    if (ended)
        pool_drop(p);
    return ended;
}
