/* report.c — keeping what a task tells. */
#include "report.h"
#include "admit.h"
#include "err.h"
#include "mem.h"
#include <math.h>

const char *const report_counts[REPORT_COUNT_KINDS] = {
#define X(name, word) word,
    REPORT_COUNTS(X)
#undef X
};

/* The beginning of `s` that fits, ended where no UTF-8 character is cut. */
static void
report_copy(char *to, size_t size, const char *s)
{
    size_t n = strnlen(s, size);
    if (n == size)
        for (n = size - 1; n > 0 && ((unsigned char)s[n] & 0xC0) == 0x80;)
            n--;
    memcpy(to, s, n);
    to[n] = '\0';
}

static void
report_take(TaskReport *r, const ReportNews *news)
{
    for (size_t i = 0; i < REPORT_COUNT_KINDS; i++)
        if (news->counted >> i & 1)
            r->usage[i] = news->usage[i];
    r->counted |= news->counted;
    if (!isnan(news->cost)) {
        r->cost = news->cost;
        r->costed = true;
    }
    if (!isnan(news->retry_after))
        r->retry_after = news->retry_after;
    if (news->activity)
        report_copy(r->activity, sizeof r->activity, news->activity);
    if (news->model)
        report_copy(r->model, sizeof r->model, news->model);
    if (news->session_id)
        report_copy(r->session_id, sizeof r->session_id, news->session_id);
}

/* Tokens of the attempt that count for rates and budgets: what was read from a
 * cache does not. */
static double
report_tokens(const TaskReport *r)
{
    return (double)r->usage[REPORT_INPUT] + (double)r->usage[REPORT_OUTPUT]
        + (double)r->usage[REPORT_CACHE_WRITE];
}

int
report_add(Sched *s, Task *t, uint32_t attempt, const ReportNews *news)
{
    int e = 0;
    sched_lock(s);
    bool current = t->state == TASK_RUNNING && t->attempt == attempt;
    if (current && !t->report) {
        t->report = mem_zalloc(1, sizeof *t->report);
        e = t->report ? 0 : ORUN_ENOMEM;
        if (e == 0)
            s->held += sizeof *t->report;
    }
    TaskReport *r = current ? t->report : NULL;
    if (r) {
        double tokens = report_tokens(r), cost = r->cost;
        report_take(r, news);
        admit_spend(s, t, fmax(0, report_tokens(r) - tokens),
                    fmax(0, r->cost - cost));
        event_add(&s->board, (Event){ .kind = EVENT_REPORTED, .task = t->id });
    }
    sched_unlock(s);
    return e;
}

void
report_next(Task *t)
{
    TaskReport *r = t->report;
    if (!r)
        return;
    for (size_t i = 0; i < REPORT_COUNT_KINDS; i++) {
        r->before[i] += r->usage[i];
        r->usage[i] = 0;
    }
    r->cost_before += r->cost;
    r->cost = 0;
    r->retry_after = 0;
    r->activity[0] = '\0';
}

bool
report_get(Sched *s, const Task *t, TaskReport *out)
{
    if (!t->report)
        return false;
    sched_lock(s);
    *out = *t->report;
    board_unlock(&s->board);
    return true;
}
