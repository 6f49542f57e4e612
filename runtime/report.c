/* report.c — lines about tasks that ended badly. */
#include "report.h"
#include "show.h"
#include "wait.h"

enum { REPORT_LINES = 20 }; /* at most */

/* The task waited for by one that can never end, NULL when it is no task. */
static const Task *
report_awaited(const Task *t)
{
    if (t->waiting)
        return t->waiting->target;
    for (uint32_t i = 0; t->edges && i < t->edges->blocker_count; i++)
        if (!task_final(t->edges->blockers[i]))
            return t->edges->blockers[i];
    return NULL;
}

/* Begin a line that is about t. */
static void
report_begin(const Task *t, Buf *to)
{
    if (to->n)
        buf_putc(to, '\n');
    if (t->file) {
        show_put(to, t->file, strlen(t->file), SHOW_LINE);
        buf_printf(to, ":%d: ", t->line);
    }
    board_name(t, to);
}

void
report_stuck(Board *b, Buf *to)
{
    int lines = 0;
    board_lock(b);
    for (size_t i = 1; i < b->count && lines < REPORT_LINES; i++) {
        Task *t = board_find(b, i);
        if (task_final(t) || t->kind == TASK_ITEM)
            continue;
        const Task *other = report_awaited(t);
        report_begin(t, to);
        buf_puts(to, " can never end, and was cancelled: it waits");
        if (other) {
            buf_puts(to, " for ");
            board_name(other, to);
        }
        lines++;
    }
    board_unlock(b);
}

int
report_unread(Board *b, size_t *from, Buf *to)
{
    int unread = 0;
    board_lock(b);
    for (; *from < b->count; ++*from) {
        Task *t = board_find(b, *from);
        if (t->state != TASK_FAILED || t->read || unread++ >= REPORT_LINES)
            continue;
        report_begin(t, to);
        buf_printf(to, " failed and its result was never read: %s",
                   t->outcome.error ? t->outcome.error : "no reason known");
    }
    board_unlock(b);
    if (unread > REPORT_LINES)
        buf_printf(to, "\n(and %d more)", unread - REPORT_LINES);
    return unread;
}
