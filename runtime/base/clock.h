/* pace.h — the run's clock, which can be made to stand still.
 *
 * While a run is suspended no time passes for it: time-outs, sleeps and the
 * graces of programs that are being ended go on where they were. A Pace reads
 * CLOCK_MONOTONIC less all the time it stood. Any thread may read it; one word
 * says everything, so no reader sees half a change.
 */
#ifndef ORUN_PACE_H
#define ORUN_PACE_H

#include "base/base.h"
#include <stdatomic.h>

typedef struct Pace {
    /* Going: the nanoseconds it stood so far, 0 or more. Standing: -1 less what
     * it reads. */
    _Atomic int64_t word;
} Pace;

/* Nanoseconds; goes back by no more than the instant that pace_stand takes. Any
 * thread. */
uint64_t pace_now(Pace *p);

/* Stand still / go on; does nothing when that is so already. Any thread. */
void pace_stand(Pace *p);
void pace_go(Pace *p);

/* Does it stand? Any thread. */
bool pace_stands(Pace *p);

#endif
