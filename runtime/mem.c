/* mem.c — malloc, with failures on demand in the test build. */
#include "mem.h"

#ifdef ORUN_TEST
#include <stdatomic.h>
static atomic_long mem_countdown;

static bool
mem_refused(void)
{
    if (atomic_load_explicit(&mem_countdown, memory_order_relaxed) == 0)
        return false;
    return atomic_fetch_sub(&mem_countdown, 1) == 1;
}

void
mem_fail_at(long n)
{
    atomic_store(&mem_countdown, n);
}
#else
static inline bool
mem_refused(void)
{
    return false;
}

void
mem_fail_at(long n)
{
    (void)n;
}
#endif

void *
mem_alloc(size_t size)
{
    return mem_refused() ? NULL : malloc(size ? size : 1);
}

void *
mem_zalloc(size_t count, size_t size)
{
    return mem_refused() ? NULL : calloc(count ? count : 1, size ? size : 1);
}

void *
mem_realloc(void *p, size_t size)
{
    return mem_refused() ? NULL : realloc(p, size ? size : 1);
}

void
mem_free(void *p)
{
    free(p);
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
