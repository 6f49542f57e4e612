/* pool.c — the workers.
 *
 * One mutex guards everything. `threads` counts the workers that take jobs;
 * of them `blocked` sit inside a job waiting, and `idle` wait for a job. A
 * new thread is started only when no idle one could take what was pushed: an
 * idle worker that was signalled but has not woken yet is spoken for, one of
 * the `roused`.
 */
#include "pool.h"
#include "err.h"
#include "log.h"
#include "mem.h"
#include "queue.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { POOL_STACK = 8 << 20 };
#else
enum { POOL_STACK = 1 << 20 };
#endif

typedef struct Worker {
    List link; /* in pool->workers */
    Pool *pool;
    pthread_t thread;
    bool abandoned; /* under the pool's lock, as the next */
    bool blocking;
} Worker;

struct Pool {
    int want;

    pthread_mutex_t lock;
    /* guarded by lock: */
    pthread_cond_t work; /* a job came, or closing */
    pthread_cond_t gone; /* a worker ended */
    Queue fresh;
    List begun;
    List workers;
    int threads, idle, roused, blocked, stuck;
    bool closing;
};

static __thread Worker *pool_self;

int
pool_new(int want, Pool **out)
{
    Pool *p = mem_zalloc(1, sizeof *p);
    if (!p)
        return ORUN_ENOMEM;
    p->want = want < 1 ? 1 : want;
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
    pthread_mutex_init(&p->lock, &attr);
    pthread_mutexattr_destroy(&attr);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->gone, NULL);
    queue_init(&p->fresh);
    list_init(&p->begun);
    list_init(&p->workers);
    *out = p;
    return 0;
}

static Job *
pool_next(Pool *p)
{
    List *node = list_shift(&p->begun);
    if (!node)
        node = queue_shift(&p->fresh);
    return node ? container_of(node, Job, link) : NULL;
}

/* More workers than wanted run: this one should end. Under the lock. */
static bool
pool_surplus(const Pool *p)
{
    return p->threads - p->blocked > p->want;
}

/* The next job, or NULL when the worker is to end. Under the lock. */
static Job *
pool_wait(Pool *p, Worker *self)
{
    while (!self->abandoned && !pool_surplus(p)) {
        Job *job = p->closing ? NULL : pool_next(p);
        if (job || p->closing)
            return job;
        p->idle++;
        pthread_cond_wait(&p->work, &p->lock);
        p->idle--;
        if (p->roused > 0)
            p->roused--;
    }
    return NULL;
}

static void *
pool_main(void *arg)
{
    Worker *self = arg;
    Pool *p = self->pool;
    role_is_worker();
    pool_self = self;
    pthread_mutex_lock(&p->lock);
    for (Job *job; (job = pool_wait(p, self)) != NULL;) {
        pthread_mutex_unlock(&p->lock);
        job->run(job);
        pthread_mutex_lock(&p->lock);
    }
    if (self->abandoned)
        p->stuck--;
    else
        p->threads--;
    list_del(&self->link);
    mem_free(self); /* now: nobody waits for the thread itself */
    pthread_cond_broadcast(&p->gone);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* Start one worker. Under the lock. */
static int
pool_spawn(Pool *p)
{
    Worker *w = mem_zalloc(1, sizeof *w);
    if (!w)
        return ORUN_ENOMEM;
    w->pool = p;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, POOL_STACK);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    sigset_t mask, old;
    sigfillset(&mask);
    sigdelset(&mask, SIGURG);
    pthread_sigmask(SIG_SETMASK, &mask, &old);
    int e = pthread_create(&w->thread, &attr, pool_main, w);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    if (e) {
        mem_free(w);
        return errno = e, ORUN_ESYS;
    }
    list_push(&p->workers, &w->link);
    p->threads++;
    LOG(POOL, "worker started: %d threads, %d blocked", p->threads, p->blocked);
    return 0;
}

/* See that somebody takes what was just queued. Under the lock. */
static int
pool_rouse(Pool *p)
{
    if (p->idle > p->roused) {
        p->roused++;
        pthread_cond_signal(&p->work);
        return 0;
    }
    if (p->threads - p->blocked >= p->want)
        return 0;
    int e = pool_spawn(p);
    return e && p->threads == p->blocked ? e : 0;
}

int
pool_push(Pool *p, Job *job, int priority)
{
    pthread_mutex_lock(&p->lock);
    queue_push(&p->fresh, &job->link, priority);
    int e = pool_rouse(p);
    if (e)
        list_del(&job->link);
    pthread_mutex_unlock(&p->lock);
    return e;
}

void
pool_resume(Pool *p, Job *job)
{
    pthread_mutex_lock(&p->lock);
    list_push(&p->begun, &job->link);
    pool_rouse(p);
    pthread_mutex_unlock(&p->lock);
}

int
pool_block(Pool *p)
{
    int e = 0;
    if (!pool_self)
        return 0;
    pthread_mutex_lock(&p->lock);
    if (!pool_self->abandoned) {
        pool_self->blocking = true;
        p->blocked++;
    }
    if (p->threads == p->blocked || queue_peek(&p->fresh)
        || !list_empty(&p->begun))
        e = pool_rouse(p);
    if (e && pool_self->blocking) {
        pool_self->blocking = false;
        p->blocked--;
    }
    pthread_mutex_unlock(&p->lock);
    return e;
}

void
pool_unblock(Pool *p)
{
    if (!pool_self)
        return;
    pthread_mutex_lock(&p->lock);
    if (pool_self->blocking)
        p->blocked--;
    pool_self->blocking = false;
    if (pool_surplus(p) && p->idle > 0)
        pthread_cond_signal(&p->work);
    pthread_mutex_unlock(&p->lock);
}

bool
pool_on_worker(void)
{
    return pool_self != NULL;
}

void
pool_abandon(Pool *p, pthread_t thread)
{
    pthread_mutex_lock(&p->lock);
    list_each(node, &p->workers) {
        Worker *w = container_of(node, Worker, link);
        if (w->abandoned || !pthread_equal(w->thread, thread))
            continue;
        w->abandoned = true;
        if (w->blocking)
            p->blocked--;
        w->blocking = false;
        p->threads--;
        p->stuck++;
        if (queue_peek(&p->fresh) || !list_empty(&p->begun))
            pool_rouse(p);
        break;
    }
    pthread_mutex_unlock(&p->lock);
}

void
pool_count(Pool *p, int *threads, int *blocked)
{
    pthread_mutex_lock(&p->lock);
    *threads = p->threads;
    *blocked = p->blocked;
    pthread_mutex_unlock(&p->lock);
}

bool
pool_free(Pool *p)
{
    if (!p)
        return true;
    pthread_mutex_lock(&p->lock);
    p->closing = true;
    pthread_cond_broadcast(&p->work);
    while (p->threads > 0)
        pthread_cond_wait(&p->gone, &p->lock);
    bool stuck = p->stuck > 0;
    pthread_mutex_unlock(&p->lock);
    if (stuck)
        return false;
    pthread_cond_destroy(&p->gone);
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->lock);
    mem_free(p);
    return true;
}
