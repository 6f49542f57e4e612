/* report.h — what a task has told of its work. Layer 3 (tasks).
 *
 * Code that does a task with an agent's help says what the agent does, what it
 * has used and what that cost. It is kept with the task: shown while it runs,
 * in its result, and charged to budgets. Counts are those of the attempt so
 * far; those of earlier attempts are added to them.
 */
#ifndef ORUN_REPORT_H
#define ORUN_REPORT_H

#include "sched.h"
#include <lua.h>

/* Counts of tokens; the word is the field in `usage`. */
#define REPORT_COUNTS(X) \
    X(INPUT, "input_tokens") X(OUTPUT, "output_tokens") \
    X(CACHE_READ, "cache_read_tokens") X(CACHE_WRITE, "cache_write_tokens") \
    X(REASONING, "reasoning_tokens")

enum {
#define X(name, word) REPORT_##name,
    REPORT_COUNTS(X)
#undef X
    REPORT_COUNT_KINDS
};

extern const char *const report_counts[REPORT_COUNT_KINDS];

typedef struct TaskReport {
    uint64_t usage[REPORT_COUNT_KINDS];  /* of this attempt */
    uint64_t before[REPORT_COUNT_KINDS]; /* of those before it */
    double cost, cost_before;            /* US dollars */
    unsigned counted;     /* bit 1 << i: usage[i] was told, ever */
    bool costed;          /* a cost was told, ever */
    uint64_t session_usage[REPORT_COUNT_KINDS]; /* of the agent's session … */
    double session_cost; /* … with its runs before this one */
    bool session_told;
    double retry_after;   /* seconds until another attempt makes sense; 0 */
    struct Value *denials; /* what it was not allowed in this attempt, an array
                            * of {tool=, what=}; NULL: nothing */
    char activity[160];   /* what it does now, one line; "" nothing */
    char model[96];       /* "" none */
    char session_id[96];  /* of the agent's own; "" none */
} TaskReport;

/* What is told at once; what is not given stays as it was. */
typedef struct ReportNews {
    uint64_t usage[REPORT_COUNT_KINDS];
    unsigned counted;            /* bit 1 << i: usage[i] is given */
    uint64_t session_usage[REPORT_COUNT_KINDS];
    double session_cost;         /* NAN: nothing is given of the session */
    struct Value *denials;       /* the caller's; NULL: not given */
    double cost;                 /* NAN: not given */
    double retry_after;          /* NAN: not given */
    const char *activity, *model, *session_id; /* NULL: not given; cut where a
                                                * character begins */
} ReportNews;

/* Keep the news with t, whose attempt that is; one that has ended, or another
 * attempt, is left alone. ORUN_ENOMEM. Takes the lock itself, any thread. */
int report_add(Sched *s, Task *t, uint32_t attempt, const ReportNews *news)
    NODISCARD;

/* Another attempt follows: this one's counts are those before it. With the
 * board's lock held. */
void report_next(Task *t);

/* A copy of what t has told; false when that is nothing. Takes the lock. The
 * copy holds its denials until report_push_denials. */
bool report_get(Sched *s, const Task *t, TaskReport *out);

/* Push the denials of a copy, nil for none; the copy has none afterwards.
 * Raises on memory. */
void report_push_denials(lua_State *L, TaskReport *copy);

/* Free a task's own; NULL is fine. */
void report_free(TaskReport *r);

#endif
