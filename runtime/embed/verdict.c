/* verdict.c — what is said of a script's tasks at its end. */
#include "embed/verdict.h"
#include "base/sanitize.h"
#include "sched/wait.h"

enum { VERDICT_LINES = 20 }; /* at most, of one kind */

/* Begin a line that is about t. */
static void
verdict_line(Buf *to, const Task *t)
{
    if (to->n)
        buf_putc(to, '\n');
    if (t->file) {
        sanitize_put(to, t->file, strlen(t->file), SANITIZE_LINE);
        buf_printf(to, ":%d: ", t->line);
    }
    board_name(t, to);
}

/* The task waited for by one that can never end, NULL when it is no task. */
static const Task *
verdict_awaited(const Task *t)
{
    if (task_waiting(t))
        return task_waiting(t)->target;
    for (uint32_t i = 0; t->edges && i < t->edges->blocker_count; i++)
        if (!task_final(t->edges->blockers[i]))
            return t->edges->blockers[i];
    return NULL;
}

void
verdict_endless(Board *b, Buf *to)
{
    int lines = 0;
    board_lock(b);
    for (size_t i = 1; i < b->count && lines < VERDICT_LINES; i++) {
        Task *t = board_find(b, i);
        if (task_final(t) || t->kind == TASK_ITEM)
            continue;
        const Task *other = verdict_awaited(t);
        verdict_line(to, t);
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
verdict_unread(Board *b, size_t *from, bool traces, Buf *to)
{
    int unread = 0;
    board_lock(b);
    for (; *from < b->count; ++*from) {
        Task *t = board_find(b, *from);
        if (t->state != TASK_FAILED || t->read || unread++ >= VERDICT_LINES)
            continue;
        verdict_line(to, t);
        buf_puts(to, " failed and its result was never read: ");
        const char *why = task_error(t);
        const char *trace = traces ? NULL : strstr(why, "\nstack traceback:\n");
        buf_put(to, why, trace ? (size_t)(trace - why) : strlen(why));
    }
    board_unlock(b);
    if (unread > VERDICT_LINES)
        buf_printf(to, "\n(and %d more)", unread - VERDICT_LINES);
    return unread;
}
