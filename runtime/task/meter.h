/* meter.h — rates, budgets and the throttling of a limit.
 *
 * A Limit that is about more than slots has a Meter:
 *   - rates: at most n tasks begin, or n tokens are used, in any such time; the
 *     tasks one after the other, evenly, unless they may come in a burst;
 *   - a budget: US dollars, tokens, tasks, of the whole run;
 *   - throttling, when the service says that it is too much: no task begins
 *     until the time it names (or a time that doubles), and the tasks at once
 *     are halved; each that goes well lets a part of one more begin, so that
 *     n going well let one more (additive increase, multiplicative decrease).
 *
 * Everything here is guarded by the board's lock; times are the run's clock's.
 */
#ifndef ORUN_METER_H
#define ORUN_METER_H

#include "base/base.h"
#include "base/buf.h"
#include "task/timer.h"

struct Limit;
struct Sched;

enum {
    METER_RATES = 4,                /* of one limit */
    METER_MOST = 100000,            /* starts of a rate: their times are kept */
    METER_BUCKETS = 60,             /* parts of a rate's time, for tokens */
    METER_KEPT = METER_BUCKETS + 1, /* and the one it began in, which counts
                                     * until all of it is over */
};

/* Seconds; see meter_throttle. */
#define METER_BACKOFF 1.0
#define METER_BACKOFF_CAP 60.0

/* Seconds that a start may make up for: timers fire a little late. */
#define METER_LATE 0.01

typedef struct MeterRate {
    double n, period; /* at most n in any `period` seconds */
    bool tokens;      /* of tokens; else of tasks that begin */
    bool burst;       /* not spaced: all n may begin at once */
} MeterRate;

typedef struct MeterBudget {
    double usd; /* 0: no bound, as with the others */
    uint64_t tokens;
    uint64_t tasks;
} MeterBudget;

/* What is asked of a limit. */
typedef struct MeterSpec {
    MeterRate rate[METER_RATES];
    int rates;
    MeterBudget budget;
} MeterSpec;

typedef struct Meter {
    MeterSpec spec;
    struct {
        double *times;  /* ring of the last `n` starts; of tokens NULL */
        uint64_t count; /* starts so far */
        double next;    /* when the next is due, where they are spaced */
        double *used;   /* tokens in each part of the period … */
        int64_t part;   /* … of which this is the newest */
    } gauge[METER_RATES];
    MeterBudget spent;
    double window; /* tasks at once, just now; INFINITY: not throttled */
    double until;  /* nobody begins before */
    double calm;   /* until then a refusal is one of those known already */
    int strikes;   /* refusals since a task went well */
    bool pressed;  /* what ran was told to stop for the budget */
    Timer timer;   /* at which the limit opens again */
    struct Limit *limit;
    struct Sched *sched;
} Meter;

/* Make one / change what is asked of it: what it has measured stays, but for
 * rates, which begin anew. ORUN_ENOMEM changes nothing. */
int meter_set(Meter **m, const MeterSpec *spec) NODISCARD;
void meter_free(Meter *m); /* NULL is fine; its timer is not armed */

/* When the next task may begin: 0 now, else a time after `now`. */
double meter_opens(const Meter *m, double now);

/* An attempt begins; of a task that is new. */
void meter_begin(Meter *m, double now, bool new);

/* A task has used that much more. */
void meter_spend(Meter *m, double now, double tokens, double usd);

/* Is the budget used up, for a new task or one that was begun before / is it
 * overdrawn by a tenth? */
bool meter_broke(const Meter *m, bool new);
bool meter_far_broke(const Meter *m);

/* Append "usd 5.02 of 5" for the part of the budget that is used up. */
void meter_put_spent(const Meter *m, Buf *to);

/* A task was refused for having asked too much, while `used` ran. `after`: the
 * seconds to wait that the service asks for; NAN: it said nothing. jitter is
 * from 0.5 to 1. Those that are refused at the same time count once. */
void meter_throttle(Meter *m, double now, double after, int used,
                    double jitter);

/* A task went well. */
void meter_go_well(Meter *m);

#endif
