/* admit.h — may a task begin that has its slots?
 *
 * What slots.h asks beside slots: rates and budgets of the limits a task is
 * under, the throttling of the service that does the work, and the machine's
 * memory. All with the board's lock held.
 */
#ifndef ORUN_ADMIT_H
#define ORUN_ADMIT_H

#include "sched/sched.h"

enum {
    ADMIT_LIMITS = 4,     /* of a task, besides its kind's, at most */
    ADMIT_THROTTLES = 20, /* of one task, one after the other, at most */
};

/* The limits t is under besides its kind's: its named pool, its agent type's
 * own, that type's account, the run's; returns how many. */
int admit_limits(Sched *s, const Task *t, Limit **out);

/* Is l shut just now, by its rate or by throttling? Its timer is armed then,
 * and fires `open`. */
bool admit_shut(Limit *l, void (*open)(Timer *));

/* Is the budget of a limit of t used up? */
bool admit_broke(Sched *s, const Task *t);

/* Is there too little memory for another program of the type of t? Not asked if
 * none runs. t is to wait at s->memory then, whose timer fires `open`. */
bool admit_short(Sched *s, const Task *t, void (*open)(Timer *));

/* An attempt of t begins under these limits. */
void admit_begin(Sched *s, const Task *t, Limit *const *l, int n);

/* Append a message naming the exhausted budget that applies to t. */
void admit_put_broke(Sched *s, const Task *t, Buf *to);

/* The attempt of t has ended with `o`. If the service refused it because of too
 * many requests, throttle its limit and return true: t, which keeps its ticket,
 * is ready again. A good end is reported to the limit, too. */
bool admit_again(Sched *s, Task *t, const Outcome *o);

/* Why t, which is ready, has not begun: a word, "" if there is no such reason;
 * the name of the limit; and for how many seconds at least. */
const char *admit_reason(Sched *s, const Task *t, const char **limit,
                         double *wait);

#endif
