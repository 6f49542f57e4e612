/* task_report.c — the words of what is counted, and freeing. */
#include "task/task_report.h"
#include "base/mem.h"
#include "value/value.h"

const char *const report_counts[REPORT_COUNT_KINDS] = {
#define X(name, word) word,
    REPORT_COUNTS(X)
#undef X
};

void
task_report_free(TaskReport *r)
{
    if (!r)
        return;
    value_drop(r->denials);
    mem_free(r);
}
