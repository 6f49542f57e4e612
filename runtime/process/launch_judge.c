/* launch_judge.c — what the end of a program, or its not starting, means. */
#include "base/err.h"
#include "base/secret.h"
#include "process/launch.h"
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

/* Which limit it is that was reached. */
static void
launch_put_limit(int err, Buf *text)
{
    struct rlimit most;
    if (err == EMFILE && getrlimit(RLIMIT_NOFILE, &most) == 0)
        buf_printf(text, "; the process may have %llu open files (ulimit -n)",
                   (unsigned long long)most.rlim_cur);
    else if (err == ENFILE)
        buf_puts(text, "; the system has as many open files as it may have "
                 "(fs.file-max)");
    else if (err == EAGAIN)
        buf_puts(text, "; there are as many processes and threads as the user "
                 "may have (ulimit -u), or no memory for one more");
    else if (err == EFBIG)
        buf_puts(text, "; files may not be larger (ulimit -f)");
}

static void
launch_explain(int err, Buf *text)
{
    const char *name = strerrorname_np(err);
    buf_printf(text, "%s (%s)", strerror(err), name ? name : "?");
    launch_put_limit(err, text);
}

void
launch_put_refusal(const char *program, int e, Buf *text)
{
    int err = errno;
    buf_printf(text, "cannot start '%s': ", program);
    if (e == ORUN_ESYS)
        launch_explain(err, text);
    else
        buf_puts(text, err_text(e));
}

static void
launch_judge_spawn(const ProcEnd *end, const char *program, Buf *text)
{
    const char *name = strerrorname_np(end->spawn_errno);
    const char *what = strerror(end->spawn_errno);
    if (strcmp(end->spawn_what, "cwd") == 0)
        buf_printf(text, "cwd: %s (%s)", what, name);
    else if (strcmp(end->spawn_what, "exec") == 0)
        buf_printf(text, "cannot start '%s': %s (%s)%s", program, what, name,
                   end->spawn_errno == ENOENT
                       ? "; is it installed, and in PATH?" : "");
    else {
        buf_printf(text, "cannot start '%s': %s: ", program, end->spawn_what);
        launch_explain(end->spawn_errno, text);
    }
}

/* The end of stderr, in whole lines when it is cut. What stands before the cut
 * is looked at too, for the cut may go through a secret. */
static void
launch_tail(Output *err, Buf *text)
{
    Buf end = { 0 };
    size_t start = text->n;
    size_t before = output_tail(err, LAUNCH_STDERR + secret_longest(), &end);
    size_t cut = end.n > LAUNCH_STDERR ? end.n - LAUNCH_STDERR : 0;
    secret_mask(end.p, end.n, cut, end.n, text);
    buf_free(&end);
    char *tail = text->n > start ? text->p + start : NULL;
    char *line = tail && before + cut > 0
        ? memchr(tail, '\n', text->n - start) : NULL;
    if (!line || line + 1 == text->p + text->n)
        return;
    memmove(tail, line + 1, (size_t)(text->p + text->n - line - 1));
    text->n -= (size_t)(line + 1 - tail);
}

/* What it said before its end is not all there. */
static void
launch_put_loss(Output *o, Buf *text)
{
    const char *why = o ? output_error(o) : NULL;
    if (why)
        buf_printf(text, " (%s)", why);
}

static void
launch_judge_exit(const ProcEnd *end, Output *out, Output *err, Buf *text)
{
    if (end->signal)
        buf_printf(text, "killed by signal %d (SIG%s)%s", end->signal,
                   sigabbrev_np(end->signal) ? sigabbrev_np(end->signal) : "?",
                   end->core ? ", core dumped" : "");
    else
        buf_printf(text, "exit code %d%s", end->code,
                   end->code == 127 ? " (command not found?)" : "");
    launch_put_loss(out, text);
    launch_put_loss(err, text);
    if (!err || output_size(err) == 0)
        return;
    buf_puts(text, ": ");
    launch_tail(err, text);
    while (text->n && (text->p[text->n - 1] == '\n'
                       || text->p[text->n - 1] == '\r'))
        text->n--;
}

void
launch_judge(const ProcEnd *end, const char *program, Output *out, Output *err,
             Outcome *o)
{
    Buf text = { 0 };
    o->code = end->code;
    o->signal = end->signal;
    o->state = TASK_FAILED;
    if (end->spawn_errno) {
        o->fault = FAULT_SPAWN;
        o->code = end->spawn_errno == ENOENT ? 127 : 126;
        launch_judge_spawn(end, program, &text);
    } else if (end->lost) {
        o->fault = FAULT_LOST;
        buf_puts(&text, end->left ? "lost: it could not be stopped in time"
                 : "lost: the process that keeps the children died");
    } else if (end->signal || end->code != 0) {
        o->fault = end->signal ? FAULT_SIGNAL : FAULT_EXIT;
        launch_judge_exit(end, out, err, &text);
    } else {
        o->state = TASK_COMPLETED;
        return;
    }
    o->error = buf_take(&text);
}
