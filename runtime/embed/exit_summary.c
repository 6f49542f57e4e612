/* exit_summary.c — lines about deadlocked tasks and failures never read. */
#include "embed/exit_summary.h"
#include "base/sanitize.h"
#include "sched/wait.h"
#include "task/fresh.h"
#include "task/writes.h"

enum { EXIT_SUMMARY_LINES = 20 }; /* at most, of one kind */

/* Begin a line about t. */
static void
exit_summary_begin_line(Buf *to, const Task *t)
{
    if (to->n)
        buf_putc(to, '\n');
    if (t->file) {
        sanitize_put(to, t->file, strlen(t->file), SANITIZE_LINE);
        buf_printf(to, ":%d: ", t->line);
    }
    board_name(t, to);
}

/* The task that a deadlocked one waits for; NULL: not a task. */
static const Task *
exit_summary_awaited(const Task *t)
{
    if (task_waiting(t))
        return task_waiting(t)->target;
    for (uint32_t i = 0; t->edges && i < t->edges->blocker_count; i++)
        if (!task_final(t->edges->blockers[i]))
            return t->edges->blockers[i];
    return NULL;
}

void
exit_summary_deadlocked(Board *b, Buf *to)
{
    int lines = 0;
    board_lock(b);
    for (size_t i = 1; i < b->count && lines < EXIT_SUMMARY_LINES; i++) {
        Task *t = board_find(b, i);
        if (task_final(t) || t->kind == TASK_ITEM || t->hosted)
            continue;
        const Task *other = exit_summary_awaited(t);
        exit_summary_begin_line(to, t);
        buf_puts(to, " can never end, and was cancelled: it waits");
        if (other) {
            buf_puts(to, " for ");
            board_name(other, to);
        }
        lines++;
    }
    board_unlock(b);
}

/* Name what the failed task has begun to write. */
static void
exit_summary_half(Buf *to, const Task *t)
{
    size_t next = 0;
    const char *before = "\n  half-written: ", *path;
    while ((path = fresh_half_written(t, &next))) {
        buf_puts(to, before);
        sanitize_put(to, path, strlen(path), SANITIZE_LINE);
        before = ", ";
    }
}

int
exit_summary_unread(Board *b, size_t *from, bool traces, Buf *to)
{
    int unread = 0;
    board_lock(b);
    for (; *from < b->count; ++*from) {
        Task *t = board_find(b, *from);
        if (t->state != TASK_FAILED || t->read || t->hosted
            || unread++ >= EXIT_SUMMARY_LINES)
            continue;
        exit_summary_begin_line(to, t);
        buf_puts(to, " failed and its result was never read: ");
        const char *why = task_error(t);
        const char *trace = traces ? NULL : strstr(why, "\nstack traceback:\n");
        buf_put(to, why, trace ? (size_t)(trace - why) : strlen(why));
        exit_summary_half(to, t);
    }
    board_unlock(b);
    if (unread > EXIT_SUMMARY_LINES)
        buf_printf(to, "\n(and %d more)", unread - EXIT_SUMMARY_LINES);
    return unread;
}
