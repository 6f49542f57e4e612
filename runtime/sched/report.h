/* report.h — what a task has reported of its work.
 *
 * Code that does a task with an agent's help says what the agent does, what it
 * has used and what that cost. It is kept with the task: shown while it runs,
 * in its result, and charged to budgets. Counts are those of the attempt so
 * far; those of earlier attempts are added to them.
 */
#ifndef ORUN_REPORT_H
#define ORUN_REPORT_H

#include "sched/sched.h"
#include "task/task_report.h"
#include <lua.h>

/* What is reported at once; what is not given stays as it was. */
typedef struct ReportNews {
    uint64_t usage[REPORT_COUNT_KINDS];
    unsigned counted; /* bit 1 << i: usage[i] is given */
    uint64_t session_usage[REPORT_COUNT_KINDS];
    double session_cost;   /* NAN: nothing is given of the session */
    struct Value *denials; /* the caller's; NULL: not given */
    double cost;           /* NAN: not given */
    double retry_after;    /* NAN: not given */
    const char *activity, *model, *session_id; /* NULL: not given; cut where a
                                                * character begins */
} ReportNews;

/* Keep the news with t if this attempt is its current one and running;
 * otherwise do nothing. ORUN_ENOMEM. Takes the lock itself, any thread. */
int report_add(Sched *s, Task *t, uint32_t attempt,
               const ReportNews *news) NODISCARD;

/* Another attempt follows: add this one's counts to those of earlier attempts.
 * With the board's lock held. */
void report_next(Task *t);

/* Copy what t has reported; false if that is nothing. Takes the lock. The copy
 * holds its denials until report_push_denials. */
bool report_get(Sched *s, const Task *t, TaskReport *out);

/* Push the denials of a copy, nil for none; the copy has none afterwards.
 * Raises on memory. */
void report_push_denials(lua_State *L, TaskReport *copy);

#endif
