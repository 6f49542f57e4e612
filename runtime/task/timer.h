/* timer.h — what is due when: a heap of deadlines.
 *
 * Times are seconds of the run's clock (monotonic, or the tests' virtual one).
 * Not locked: the board's lock guards it. Timers are embedded in what they
 * belong to and must be disarmed before that goes.
 */
#ifndef ORUN_TIMER_H
#define ORUN_TIMER_H

#include "base/base.h"

typedef struct Timer {
    double at;                    /* when it is due */
    size_t slot;                  /* its place in the heap; 0: not armed */
    void (*fire)(struct Timer *); /* called under the board's lock */
} Timer;

typedef struct Timers {
    Timer **heap; /* heap[1] is due first */
    size_t n, cap;
} Timers;

/* Arm (or re-arm) for `at`. ORUN_ENOMEM leaves it not armed. */
int timer_arm(Timers *all, Timer *t, double at) NODISCARD;

/* Disarm; does nothing when not armed. */
void timer_disarm(Timers *all, Timer *t);

/* The timer due first, left in place; NULL when none is armed. */
Timer *timer_first(const Timers *all);

/* Free the heap itself. */
void timer_free(Timers *all);

#endif
