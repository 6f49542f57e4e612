/* epoch.c — the threads that are inside an epoch, and since which. */
#include "thread/epoch.h"
#include "base/mem.h"
#include "base/thread.h"
#include <pthread.h>
#include <stdatomic.h>

/* The record of one thread. When that has ended, another thread takes it. */
typedef struct EpochThread {
    atomic_uint_least64_t since; /* the epoch it is inside of; 0: none */
    atomic_bool used;
    struct EpochThread *next;
    int depth; /* of calls; the thread's own */
} EpochThread;

static _Atomic(EpochThread *) epoch_threads; /* only grows */
static atomic_uint_least64_t epoch_current = 1;
static atomic_int epoch_unknown; /* threads inside that got no record */
static _Thread_local EpochThread *epoch_self;
static _Thread_local int epoch_blind; /* depth of a thread without a record */
static _Thread_local bool epoch_ensured;
static pthread_key_t epoch_key;

static void
epoch_thread_ends(void *record)
{
    EpochThread *t = record;
    atomic_store(&t->since, 0);
    t->depth = 0;
    atomic_store(&t->used, false);
}

static void
epoch_init_once(void)
{
    pthread_key_create(&epoch_key, epoch_thread_ends);
}

/* Enough records for most processes. */
static EpochThread epoch_first[256];
static atomic_uint epoch_given;

static EpochThread *
epoch_make(void)
{
    unsigned nth = atomic_fetch_add(&epoch_given, 1);
    return nth < countof(epoch_first) ? &epoch_first[nth]
                                      : mem_zalloc(1, sizeof(EpochThread));
}

/* An unused record, or a new one; NULL when memory is out. */
static EpochThread *
epoch_take(void)
{
    for (EpochThread *t = atomic_load(&epoch_threads); t; t = t->next) {
        bool used = false;
        if (atomic_compare_exchange_strong(&t->used, &used, true))
            return t;
    }
    EpochThread *t = epoch_make();
    if (!t)
        return NULL;
    t->used = true;
    t->next = atomic_load(&epoch_threads);
    while (!atomic_compare_exchange_weak(&epoch_threads, &t->next, t))
        continue;
    return t;
}

static EpochThread *
epoch_mine(void)
{
    static uv_once_t once = UV_ONCE_INIT;
    if (epoch_self || epoch_blind)
        return epoch_self;
    uv_once(&once, epoch_init_once);
    epoch_self = epoch_take();
    if (epoch_self)
        pthread_setspecific(epoch_key, epoch_self);
    return epoch_self;
}

void
epoch_enter(void)
{
    EpochThread *t = epoch_mine();
    if (!t && epoch_blind++ == 0)
        atomic_fetch_add(&epoch_unknown, 1);
    if (t && t->depth++ == 0)
        atomic_store(&t->since, atomic_load(&epoch_current));
}

void
epoch_leave(void)
{
    EpochThread *t = epoch_self;
    if (!t && --epoch_blind == 0)
        atomic_fetch_sub(&epoch_unknown, 1);
    if (t && --t->depth == 0)
        atomic_store(&t->since, 0);
}

void
epoch_ensure(void)
{
    const EpochThread *t = epoch_mine();
    if (t ? t->depth > 0 : epoch_blind > 0)
        return;
    epoch_enter();
    epoch_ensured = true;
}

void
epoch_release(void)
{
    if (!epoch_ensured)
        return;
    epoch_ensured = false;
    epoch_leave();
}

int
epoch_pause(void)
{
    EpochThread *t = epoch_self;
    int depth = t ? t->depth : 0;
    if (depth) {
        t->depth = 0;
        atomic_store(&t->since, 0);
    }
    return depth;
}

void
epoch_resume(int depth)
{
    EpochThread *t = epoch_self;
    if (!depth)
        return;
    t->depth = depth;
    atomic_store(&t->since, atomic_load(&epoch_current));
}

void
epoch_pass(void)
{
    epoch_pass_to(atomic_load(&epoch_current));
}

uint64_t
epoch_number(void)
{
    return atomic_load(&epoch_current);
}

void
epoch_pass_to(uint64_t number)
{
    if (epoch_self && epoch_self->depth)
        atomic_store(&epoch_self->since, number);
}

uint64_t
epoch_retire(void)
{
    return atomic_fetch_add(&epoch_current, 1);
}

bool
epoch_is_over(uint64_t number)
{
    if (atomic_load(&epoch_unknown))
        return false;
    for (EpochThread *t = atomic_load(&epoch_threads); t; t = t->next) {
        uint64_t since = atomic_load(&t->since);
        if (since && since <= number)
            return false;
    }
    return true;
}
