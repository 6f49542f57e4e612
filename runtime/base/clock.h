/* clock.h — the time of a run, which can be paused, or virtual.
 *
 * All deadlines of a run go by its clock. While a run is suspended no time
 * passes for it: time-outs, sleeps and the graces of programs that are being
 * ended continue afterwards from where they were. The clock reads
 * CLOCK_MONOTONIC minus all the time that it was paused. One word holds its
 * state, so a reader never sees half a change.
 *
 * Virtual time stands, and goes on only by clock_advance: whoever owns the run
 * calls it when nothing is left to be done at this instant.
 */
#ifndef ORUN_CLOCK_H
#define ORUN_CLOCK_H

#include "base/base.h"
#include <stdatomic.h>

typedef struct Clock {
    /* Seconds, monotonic: clock_seconds, or the virtual time of a test. Any
     * thread. */
    double (*now)(struct Clock *c);
    /* The first timer is now due at `at`. Returns 0, or an error when nothing
     * could fire it then. Under the board's lock. */
    int (*wake_at)(struct Clock *c, double at);
    /* Running: how many nanoseconds it was paused so far, 0 or more. Paused:
     * -1 minus what it reads. */
    _Atomic int64_t word;
    bool is_virtual;    /* never changes */
    _Atomic int64_t at; /* what stands for CLOCK_MONOTONIC then */
} Clock;

/* The time in nanoseconds. It goes back by no more than the instant that
 * clock_pause takes. Any thread. */
uint64_t clock_nanoseconds(Clock *c);

/* The same in seconds. */
double clock_seconds(Clock *c);

/* Let so much virtual time pass, or what is missing for clock_seconds to give
 * `at` or the next nanosecond. One thread. */
void clock_advance(Clock *c, double seconds);
void clock_advance_to(Clock *c, double at);

/* Pause or resume it; does nothing when it is so already. Any thread. */
void clock_pause(Clock *c);
void clock_resume(Clock *c);

/* Any thread. */
bool clock_is_paused(Clock *c);

#endif
