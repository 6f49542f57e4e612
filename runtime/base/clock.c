/* clock.c — the time of a run, which can be paused. */
#include "base/clock.h"
#include <time.h>

static int64_t
clock_monotonic(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The time, and in *word the state that it was computed from. The state is
 * read again after CLOCK_MONOTONIC, because the whole process may have been
 * stopped in between. */
static int64_t
clock_read(Clock *c, int64_t *word)
{
    for (;;) {
        *word = atomic_load(&c->word);
        if (*word < 0)
            return -1 - *word;
        int64_t now = clock_monotonic() - *word;
        if (atomic_load(&c->word) == *word)
            return now;
    }
}

uint64_t
clock_nanoseconds(Clock *c)
{
    int64_t word;
    return (uint64_t)clock_read(c, &word);
}

double
clock_seconds(Clock *c)
{
    return (double)clock_nanoseconds(c) * 1e-9;
}

void
clock_pause(Clock *c)
{
    int64_t word, now;
    do
        now = clock_read(c, &word);
    while (word >= 0
           && !atomic_compare_exchange_weak(&c->word, &word, -1 - now));
}

void
clock_resume(Clock *c)
{
    int64_t word, now;
    do
        now = clock_read(c, &word);
    while (word < 0
           && !atomic_compare_exchange_weak(&c->word, &word,
                                            clock_monotonic() - now));
}

bool
clock_is_paused(Clock *c)
{
    return atomic_load(&c->word) < 0;
}
