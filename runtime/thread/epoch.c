/* era.c — the threads that are inside, and since when. */
#include "thread/era.h"
#include "base/mem.h"
#include "base/thread.h"
#include <pthread.h>
#include <stdatomic.h>

/* Of one thread; when it has ended, of the next that has none. */
typedef struct EraThread {
    atomic_uint_least64_t since; /* the era it is inside of; 0: of none */
    atomic_bool used;
    struct EraThread *next;
    int depth; /* of calls; the thread's own */
} EraThread;

static _Atomic(EraThread *) era_threads; /* only grows */
static atomic_uint_least64_t era_current = 1;
static atomic_int era_unknown; /* threads inside for which memory was out */
static _Thread_local EraThread *era_self;
static _Thread_local int era_blind; /* depth of a thread without a record */
static pthread_key_t era_key;

static void
era_thread_ends(void *record)
{
    EraThread *t = record;
    atomic_store(&t->since, 0);
    t->depth = 0;
    atomic_store(&t->used, false);
}

static void
era_init_once(void)
{
    pthread_key_create(&era_key, era_thread_ends);
}

/* Enough of them for most processes. */
static EraThread era_first[256];
static atomic_uint era_given;

static EraThread *
era_make(void)
{
    unsigned nth = atomic_fetch_add(&era_given, 1);
    return nth < countof(era_first) ? &era_first[nth]
        : mem_zalloc(1, sizeof(EraThread));
}

/* A record that nobody has, or a new one; NULL when memory is out. */
static EraThread *
era_take(void)
{
    for (EraThread *t = atomic_load(&era_threads); t; t = t->next) {
        bool used = false;
        if (atomic_compare_exchange_strong(&t->used, &used, true))
            return t;
    }
    EraThread *t = era_make();
    if (!t)
        return NULL;
    t->used = true;
    t->next = atomic_load(&era_threads);
    while (!atomic_compare_exchange_weak(&era_threads, &t->next, t))
        continue;
    return t;
}

static EraThread *
era_mine(void)
{
    static uv_once_t once = UV_ONCE_INIT;
    if (era_self || era_blind)
        return era_self;
    uv_once(&once, era_init_once);
    era_self = era_take();
    if (era_self)
        pthread_setspecific(era_key, era_self);
    return era_self;
}

void
era_enter(void)
{
    EraThread *t = era_mine();
    if (!t && era_blind++ == 0)
        atomic_fetch_add(&era_unknown, 1);
    if (t && t->depth++ == 0)
        atomic_store(&t->since, atomic_load(&era_current));
}

void
era_leave(void)
{
    EraThread *t = era_self;
    if (!t && --era_blind == 0)
        atomic_fetch_sub(&era_unknown, 1);
    if (t && --t->depth == 0)
        atomic_store(&t->since, 0);
}

int
era_rest(void)
{
    EraThread *t = era_self;
    int depth = t ? t->depth : 0;
    if (depth) {
        t->depth = 0;
        atomic_store(&t->since, 0);
    }
    return depth;
}

void
era_resume(int depth)
{
    EraThread *t = era_self;
    if (!depth)
        return;
    t->depth = depth;
    atomic_store(&t->since, atomic_load(&era_current));
}

void
era_pass(void)
{
    era_pass_to(atomic_load(&era_current));
}

uint64_t
era_number(void)
{
    return atomic_load(&era_current);
}

void
era_pass_to(uint64_t number)
{
    if (era_self && era_self->depth)
        atomic_store(&era_self->since, number);
}

uint64_t
era_retire(void)
{
    return atomic_fetch_add(&era_current, 1);
}

bool
era_over(uint64_t number)
{
    if (atomic_load(&era_unknown))
        return false;
    for (EraThread *t = atomic_load(&era_threads); t; t = t->next) {
        uint64_t since = atomic_load(&t->since);
        if (since && since <= number)
            return false;
    }
    return true;
}
