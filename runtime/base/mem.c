/* mem.c — malloc or a host's allocator; failures on demand, to be tested. */
#include "base/mem.h"
#include "base/err.h"

/* Only the test build looks at it. */
static _Thread_local bool mem_sure;

#ifdef ORUN_TEST
#include <limits.h>
#include <stdatomic.h>

/* The allocations from mem_first on, and before mem_to, fail. */
static atomic_long mem_count, mem_first, mem_to, mem_missed, mem_blocks;

void
mem_fail(long first, long count)
{
    atomic_store(&mem_to, 0);
    atomic_store(&mem_count, 0);
    atomic_store(&mem_missed, 0);
    atomic_store(&mem_first, first);
    if (first > 0)
        atomic_store(&mem_to,
                     count > LONG_MAX - first ? LONG_MAX : first + count);
}

bool
mem_refused(void)
{
    if (mem_sure)
        return false;
    long n = atomic_fetch_add_explicit(&mem_count, 1, memory_order_relaxed) + 1;
    if (n >= atomic_load_explicit(&mem_to, memory_order_relaxed)
        || n < atomic_load_explicit(&mem_first, memory_order_relaxed))
        return false;
    atomic_fetch_add(&mem_missed, 1);
    return true;
}

long
mem_asked(void)
{
    return atomic_load(&mem_count);
}

long
mem_failed(void)
{
    return atomic_load(&mem_missed);
}

long
mem_live(void)
{
    return atomic_load(&mem_blocks);
}

static inline void *
mem_had(void *p)
{
    if (p)
        atomic_fetch_add_explicit(&mem_blocks, 1, memory_order_relaxed);
    return p;
}

static inline void
mem_lost(void *p)
{
    if (p)
        atomic_fetch_sub_explicit(&mem_blocks, 1, memory_order_relaxed);
}
#else
static inline void *
mem_had(void *p)
{
    return p;
}

static inline void
mem_lost(void *p)
{
    (void)p;
}
#endif

/* Set before anything is allocated; NULL: malloc and its like. */
static void *(*mem_other)(void *ud, void *p, size_t n);
static void *mem_other_ud;

void
mem_from(void *(*alloc)(void *ud, void *p, size_t n), void *ud)
{
    mem_other = alloc;
    mem_other_ud = ud;
}

/* realloc of more than nothing. */
static inline void *
mem_sized(void *p, size_t size)
{
    size = size ? size : 1;
    return mem_other ? mem_other(mem_other_ud, p, size) : realloc(p, size);
}

void *
mem_alloc(size_t size)
{
    return mem_refused() ? NULL : mem_had(mem_sized(NULL, size));
}

/* calloc of the other allocator. */
static void *
mem_zeroed(size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        return NULL;
    void *p = mem_sized(NULL, count * size);
    if (p)
        memset(p, 0, count * size);
    return p;
}

void *
mem_zalloc(size_t count, size_t size)
{
    if (mem_refused())
        return NULL;
    return mem_had(mem_other ? mem_zeroed(count, size)
                             : calloc(count ? count : 1, size ? size : 1));
}

void *
mem_realloc(void *p, size_t size)
{
    if (mem_refused())
        return NULL;
    void *q = mem_sized(p, size);
    return p ? q : mem_had(q);
}

void
mem_free(void *p)
{
    mem_lost(p);
    if (!mem_other)
        free(p);
    else if (p)
        mem_other(mem_other_ud, p, 0);
}

char *
mem_dup(const char *s, size_t n)
{
    char *copy = mem_alloc(n + 1);
    if (!copy)
        return NULL;
    memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

int
mem_begin_sure(size_t size)
{
    void *room = mem_alloc(size);
    if (!room)
        return ORUN_ENOMEM;
    mem_free(room);
    mem_sure = true;
    return 0;
}

void
mem_end_sure(void)
{
    mem_sure = false;
}
