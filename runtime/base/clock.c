/* clock.c — the time of a run, which can be paused, or virtual. */
#include "base/clock.h"
#include <time.h>

static int64_t
clock_base(Clock *c)
{
    struct timespec t;
    if (c->is_virtual)
        return atomic_load(&c->at);
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
        int64_t now = clock_base(c) - *word;
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
    return (double)clock_nanoseconds(c) / 1e9;
}

void
clock_advance(Clock *c, double seconds)
{
    if (seconds > 0)
        atomic_fetch_add(&c->at, (int64_t)(seconds * 1e9 + 0.5));
}

void
clock_advance_to(Clock *c, double at)
{
    clock_advance(c, at - clock_seconds(c));
    if (clock_seconds(c) < at)
        clock_advance(c, 1e-9);
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
    while (
        word < 0
        && !atomic_compare_exchange_weak(&c->word, &word, clock_base(c) - now));
}

bool
clock_is_paused(Clock *c)
{
    return atomic_load(&c->word) < 0;
}
