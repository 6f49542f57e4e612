/* pace.c — the run's clock, which can be made to stand still. */
#include "base/pace.h"
#include <time.h>

static int64_t
pace_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The reading that belongs to *word, which is looked at again after the clock:
 * the whole process may have been stopped between the two. */
static int64_t
pace_read(Pace *p, int64_t *word)
{
    for (;;) {
        *word = atomic_load(&p->word);
        if (*word < 0)
            return -1 - *word;
        int64_t now = pace_clock() - *word;
        if (atomic_load(&p->word) == *word)
            return now;
    }
}

uint64_t
pace_now(Pace *p)
{
    int64_t word;
    return (uint64_t)pace_read(p, &word);
}

void
pace_stand(Pace *p)
{
    int64_t word, now;
    do
        now = pace_read(p, &word);
    while (word >= 0 && !atomic_compare_exchange_weak(&p->word, &word,
                                                      -1 - now));
}

void
pace_go(Pace *p)
{
    int64_t word, now;
    do
        now = pace_read(p, &word);
    while (word < 0 && !atomic_compare_exchange_weak(&p->word, &word,
                                                     pace_clock() - now));
}

bool
pace_stands(Pace *p)
{
    return atomic_load(&p->word) < 0;
}
