/* task_report.h — what a task has told of its work.
 *
 * Kept with the task (Task.report), under the board's lock; report.h changes
 * it.
 */
#ifndef ORUN_TASK_REPORT_H
#define ORUN_TASK_REPORT_H

#include "base/base.h"

/* Counts of tokens; the word is the field in `usage`. */
/* clang-format off */
#define REPORT_COUNTS(X) \
    X(INPUT, "input_tokens") X(OUTPUT, "output_tokens") \
    X(CACHE_READ, "cache_read_tokens") X(CACHE_WRITE, "cache_write_tokens") \
    X(REASONING, "reasoning_tokens")
/* clang-format on */

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
    unsigned counted; /* bit 1 << i: usage[i] was told, ever */
    bool costed;      /* a cost was told, ever */
    uint64_t session_usage[REPORT_COUNT_KINDS]; /* of the agent's session … */
    double session_cost; /* … with its runs before this one */
    bool session_told;
    double retry_after;    /* seconds until another attempt makes sense; 0 */
    struct Value *denials; /* what it was not allowed in this attempt, an array
                            * of {tool=, what=}; NULL: nothing */
    char activity[160];    /* what it does now, one line; "" nothing */
    char model[96];        /* "" none */
    char session_id[96];   /* of the agent's own; "" none */
} TaskReport;

/* Free a task's own; NULL is fine. */
void task_report_free(TaskReport *r);

#endif
