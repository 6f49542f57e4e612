/* proc.c — the life of one child process.
 *
 * Three pipes (or two and /dev/null), one timer and the supervisor's two calls
 * drive it; after each of them proc_settle looks whether it is over. Each pipe
 * end has its own open file description, so ours are non-blocking and the
 * child's are not. Handles are counted: `done` is called when the last one is
 * closed, so whoever gets it may free at once.
 *
 * The timer is one thing at a time: the report of a failure from proc_start,
 * the steps of proc_stop, or the end of draining. It goes by the run's clock:
 * one that uv finds due before that is set again.
 */
#include "process/proc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "process/supervisor_client.h"
#include "task/output.h"
#include "thread/loop.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PROC_READ = 64 << 10,   /* one read: all a pipe usually holds */
    PROC_READS = 4,         /* reads of one pipe before others have a turn */
    PROC_STDERR = 64 << 10, /* stderr bytes kept in memory */
    PROC_DRAIN_MS = 500,    /* for output after the exit */
    PROC_STANDING_MS = 50   /* between looks at a paused clock */
};

typedef enum ProcState {
    PROC_STARTING,
    PROC_RUNNING,
    PROC_DRAINING,
    PROC_OVER
} ProcState;

/* Our end of one of the child's 0-2. */
typedef struct Pipe {
    uv_poll_t poll;
    Proc *proc;
    Output *to;   /* NULL for stdin */
    int fd;       /* -1 when closed or never there */
    bool watched; /* the poll is there */
} Pipe;

struct Proc {
    SupervisorClient *supervisor;
    Clock *clock;
    void (*started)(void *ud);
    void (*done)(Proc *proc, void *ud);
    void *ud;
    Output *out, *err;

    ProcState state;
    SupervisorChild child;
    Pipe pipes[3]; /* by the child's descriptor */
    char *in;      /* stdin that is not written yet, or NULL */
    size_t in_len, in_done;
    uv_timer_t timer;
    uint64_t due;     /* ns, what the timer is set to */
    int handles;      /* timer and polls that are not closed */
    uint64_t kill_at; /* ns, when proc_stop's grace ends; 0: not stopped */
    ProcEnd end;
};

/* ---- the end ---- */

static void
proc_closed(uv_handle_t *h)
{
    role_is_io();
    Proc *p = h->data;
    if (--p->handles == 0)
        p->done(p, p->ud);
}

static void ON_IO
proc_close_pipe(Pipe *pipe)
{
    if (pipe->fd < 0)
        return;
    if (pipe->watched)
        uv_close((uv_handle_t *)&pipe->poll, proc_closed);
    close(pipe->fd);
    pipe->fd = -1;
}

static void ON_IO
proc_finish(Proc *p)
{
    if (p->state == PROC_OVER)
        return;
    p->state = PROC_OVER;
    for (int i = 0; i < 3; i++)
        proc_close_pipe(&p->pipes[i]);
    output_end(p->out);
    output_end(p->err);
    uv_close((uv_handle_t *)&p->timer, proc_closed);
}

/* After the exit, the end of both outputs is the end. */
static void ON_IO
proc_settle(Proc *p)
{
    if (p->state == PROC_DRAINING && p->pipes[1].fd < 0 && p->pipes[2].fd < 0)
        proc_finish(p);
}

static void ON_IO
proc_fail(Proc *p, int err, const char *what)
{
    p->end.spawn_errno = err ? err : EIO;
    p->end.spawn_what = what;
    p->end.code = -1;
}

/* ---- output ---- */

/* Take what is there, but not for ever; closes the pipe at its end. While the
 * child lives a short read is all there is; after its exit the end is looked
 * for too. Standard output that cannot be kept any more is closed: the program
 * notices, as it would on a full disk, and one that prints without end ends. */
static void ON_IO
proc_read(Pipe *pipe)
{
    char bytes[PROC_READ];
    for (int i = 0; i < PROC_READS; i++) {
        ssize_t n = read(pipe->fd, bytes, sizeof bytes);
        if (n > 0 && !output_write(pipe->to, bytes, (size_t)n)
            && pipe->to == pipe->proc->out) {
            proc_close_pipe(pipe);
            return;
        }
        if (n == (ssize_t)sizeof bytes || (n < 0 && errno == EINTR)
            || (n > 0 && pipe->proc->state == PROC_DRAINING))
            continue;
        if (n == 0 || (n < 0 && errno != EAGAIN))
            proc_close_pipe(pipe);
        return;
    }
}

static void
proc_readable(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events; /* read tells it better */
    role_is_io();
    Pipe *pipe = container_of(poll, Pipe, poll);
    proc_read(pipe);
    proc_settle(pipe->proc);
}

/* Read what a child left in its pipes. Those that were not watched yet have
 * not been made non-blocking by uv. */
static void ON_IO
proc_read_rest(Proc *p)
{
    for (int i = 1; i < 3; i++) {
        Pipe *pipe = &p->pipes[i];
        if (pipe->fd >= 0 && !pipe->watched)
            fcntl(pipe->fd, F_SETFL, O_NONBLOCK);
        if (pipe->fd >= 0)
            proc_read(pipe);
    }
}

/* ---- stdin ---- */

static void ON_IO
proc_end_input(Proc *p)
{
    proc_close_pipe(&p->pipes[0]);
    mem_free(p->in);
    p->in = NULL;
}

/* SIGPIPE is blocked on this thread; a child that does not read its input is
 * no error, its exit code decides. */
static void
proc_writable(uv_poll_t *poll, int status, int events)
{
    (void)events;
    role_is_io();
    Proc *p = container_of(poll, Pipe, poll)->proc;
    ssize_t n = status < 0
        ? -1
        : write(p->pipes[0].fd, p->in + p->in_done, p->in_len - p->in_done);
    if (n < 0 && status == 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0)
        p->in_done += (size_t)n;
    if (n < 0 || p->in_done == p->in_len)
        proc_end_input(p);
}

/* ---- watching ---- */

/* Have the loop watch a pipe; 0 or the errno. */
static int ON_IO
proc_watch(Pipe *pipe, int events, uv_poll_cb call)
{
    Loop *loop = supervisor_client_loop(pipe->proc->supervisor);
    int err = loop_watch(loop, &pipe->poll, pipe->fd, events, call);
    if (err)
        return err;
    pipe->poll.data = pipe->proc;
    pipe->proc->handles++;
    pipe->watched = true;
    return 0;
}

/* ---- stopping ---- */

static void proc_due(uv_timer_t *timer);

static void ON_IO
proc_arm(Proc *p, uint64_t ms)
{
    p->due = clock_nanoseconds(p->clock) + ms * 1000000;
    uv_update_time(p->timer.loop);
    uv_timer_start(&p->timer, proc_due, ms, 0);
}

/* The timer fired, but the clock was paused meanwhile: wait for the rest. */
static bool ON_IO
proc_early(Proc *p)
{
    uint64_t now = clock_nanoseconds(p->clock);
    if (now >= p->due)
        return false;
    uint64_t ms = (p->due - now + 999999) / 1000000;
    if (clock_is_paused(p->clock) && ms < PROC_STANDING_MS)
        ms = PROC_STANDING_MS;
    uv_timer_start(&p->timer, proc_due, ms, 0);
    return true;
}

static void ON_IO
proc_kill(Proc *p)
{
    if (p->end.killed)
        return;
    LOG(PROC, "killing the tree of %d", p->child.pid);
    p->end.killed = true;
    supervisor_client_signal(p->supervisor, &p->child, SIGKILL, true);
    proc_arm(p, PROC_GIVE_UP_MS);
}

/* It sits in the kernel where even SIGKILL does not reach it. */
static void ON_IO
proc_give_up(Proc *p)
{
    LOG(PROC, "%d does not end", p->child.pid);
    supervisor_client_forget(&p->child);
    p->end.code = -1;
    p->end.lost = p->end.left = true;
    proc_finish(p);
}

static void
proc_due(uv_timer_t *timer)
{
    role_is_io();
    Proc *p = timer->data;
    if (proc_early(p))
        return;
    if (p->end.spawn_what) {
        proc_finish(p);
    } else if (p->state == PROC_DRAINING) {
        proc_read_rest(p);
        proc_finish(p);
    } else if (p->end.killed) {
        proc_give_up(p);
    } else {
        proc_kill(p);
    }
}

void
proc_stop(Proc *p, double grace)
{
    if (p->state > PROC_RUNNING || p->end.killed || p->end.spawn_what)
        return;
    bool first = p->kill_at == 0;
    uint64_t wait = (uint64_t)(fmin(fmax(grace, 0), 1e9) * 1e9);
    uint64_t at = clock_nanoseconds(p->clock) + wait;
    if (!first && at >= p->kill_at)
        return;
    p->kill_at = at;
    if (wait == 0) {
        proc_kill(p);
        return;
    }
    if (first) {
        supervisor_client_signal(p->supervisor, &p->child, SIGTERM, false);
        supervisor_client_signal(p->supervisor, &p->child, SIGCONT, false);
    }
    proc_arm(p, (wait + 999999) / 1000000);
}

/* ---- what the supervisor reports ---- */

/* Output that cannot be watched cannot be kept: the child has to go. */
static void ON_IO
proc_watch_output(Proc *p)
{
    int err = 0;
    for (int i = 1; i < 3 && !err; i++)
        if (p->pipes[i].fd >= 0)
            err = proc_watch(&p->pipes[i], UV_READABLE, proc_readable);
    if (!err)
        return;
    proc_fail(p, err, "pipe");
    proc_kill(p);
}

static void
proc_started(SupervisorChild *c, int pid, int err, const char *what)
{
    role_is_io();
    Proc *p = container_of(c, Proc, child);
    if (pid > 0) {
        p->state = PROC_RUNNING;
        proc_watch_output(p);
        if (p->started && !p->end.spawn_what)
            p->started(p->ud);
        return;
    }
    proc_fail(p, err, what);
    proc_finish(p);
}

/* Others hold the outputs, or there is much in them: give them some time. What
 * was not watched, for the start and the exit came at once, is watched now. */
static void ON_IO
proc_drain(Proc *p)
{
    for (int i = 1; i < 3; i++)
        if (p->pipes[i].fd >= 0 && !p->pipes[i].watched)
            (void)proc_watch(&p->pipes[i], UV_READABLE, proc_readable);
    proc_arm(p, PROC_DRAIN_MS);
}

static void
proc_exited(SupervisorChild *c, const SupervisorExit *exit)
{
    role_is_io();
    Proc *p = container_of(c, Proc, child);
    ProcEnd *end = &p->end;
    int status = exit->status;
    end->wall = exit->wall;
    end->cpu = exit->cpu;
    end->max_rss = exit->max_rss;
    end->lost = exit->lost;
    end->left = exit->silent;
    end->code = !end->lost && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    end->signal = !end->lost && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    end->core = end->signal && WCOREDUMP(status);
    p->state = PROC_DRAINING;
    if (p->in)
        proc_end_input(p);
    proc_read_rest(p);
    proc_settle(p);
    if (p->state == PROC_DRAINING)
        proc_drain(p);
}

/* ---- the start ---- */

/* Write what the pipe takes at once, which is all of most prompts, and keep
 * the rest for later. ORUN_ENOMEM, or 0. */
static int ON_IO
proc_feed(Proc *p, const ProcSpec *spec)
{
    Pipe *pipe = &p->pipes[0];
    fcntl(pipe->fd, F_SETFL, O_NONBLOCK);
    ssize_t n = spec->in_len ? write(pipe->fd, spec->in, spec->in_len) : 0;
    size_t done = n > 0 ? (size_t)n : 0;
    if (done == spec->in_len) {
        close(pipe->fd);
        pipe->fd = -1;
        return 0;
    }
    p->in_len = spec->in_len - done;
    p->in = mem_dup(spec->in + done, p->in_len);
    return p->in ? 0 : ORUN_ENOMEM;
}

/* Make the pipes: ours in p, the child's in theirs[] (-1: /dev/null). The input
 * is written first: where all of it fits our end is closed, and the start takes
 * a descriptor less. ORUN_ENOMEM, or 0 with an errno in *err; what was made
 * stays for proc_unpipe. */
static int ON_IO
proc_pipe(Proc *p, const ProcSpec *spec, int theirs[3], int *err)
{
    for (int i = spec->in ? 0 : 1, e; i < 3; i++) {
        int pair[2];
        if (pipe2(pair, O_CLOEXEC) != 0)
            return *err = errno, 0;
        p->pipes[i].fd = pair[i == 0];
        theirs[i] = pair[i != 0];
        if (i == 0 && (e = proc_feed(p, spec)) != 0)
            return e;
    }
    return 0;
}

static void
proc_unpipe(Proc *p, const int theirs[3])
{
    for (int i = 0; i < 3; i++) {
        if (theirs[i] >= 0)
            close(theirs[i]);
        if (p->pipes[i].fd >= 0)
            close(p->pipes[i].fd);
        p->pipes[i].fd = -1;
    }
}

static Proc *ON_IO
proc_new(SupervisorClient *s, Folder *f, const ProcSpec *spec)
{
    Proc *p = mem_zalloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->supervisor = s;
    p->clock = spec->clock;
    p->child.lingers = spec->lingers;
    p->started = spec->started;
    p->done = spec->done;
    p->ud = spec->ud;
    p->child.started = proc_started;
    p->child.exited = proc_exited;
    for (int i = 0; i < 3; i++)
        p->pipes[i] = (Pipe){ .proc = p, .fd = -1 };
    p->pipes[1].to = p->out = output_new(f, spec->keep);
    p->pipes[2].to = p->err = output_new(f, PROC_STDERR);
    if (p->out && p->err)
        return p;
    proc_free(p);
    return NULL;
}

/* Keep the error that supervisor_client.c returned, which may have set errno.
 * Returns 0. */
static int ON_IO
proc_fail_supervisor(Proc *p, int e)
{
    proc_fail(p,
              e == ORUN_ENOMEM          ? ENOMEM
                  : e == ORUN_ESHUTDOWN ? ECANCELED
                                        : errno,
              e == ORUN_ETOOBIG ? "exec" : "supervisor");
    return 0;
}

/* Make the pipes and have the supervisor start it with its ends of them. A
 * failure is left in p->end, except ORUN_ENOMEM. */
static int ON_IO
proc_launch(Proc *p, const ProcSpec *spec)
{
    int theirs[3] = { -1, -1, -1 }, err = 0, e = 0;
    if (spec->fds)
        memcpy(theirs, spec->fds, sizeof theirs);
    else if ((e = supervisor_client_need(p->supervisor, spec->env)) != 0)
        return proc_fail_supervisor(p, e);
    else if ((e = proc_pipe(p, spec, theirs, &err)) == 0 && !err)
        err = output_reserve(p->out, supervisor_client_null(p->supervisor));
    if (!err && !e && p->in)
        err = proc_watch(&p->pipes[0], UV_WRITABLE, proc_writable);
    if (err || e) {
        proc_unpipe(p, theirs);
        proc_fail(p, err, "pipe");
        return e;
    }
    e = supervisor_client_spawn(p->supervisor, &p->child, spec->task,
                                spec->argv, spec->env, spec->cwd, theirs);
    return e ? proc_fail_supervisor(p, e) : 0;
}

Proc *
proc_start(SupervisorClient *s, Folder *f, const ProcSpec *spec)
{
    Proc *p = proc_new(s, f, spec);
    if (!p)
        return NULL;
    if (proc_launch(p, spec) != 0) {
        proc_free(p);
        return NULL;
    }
    uv_timer_init(loop_uv(supervisor_client_loop(s)), &p->timer);
    p->timer.data = p;
    p->handles++;
    if (p->end.spawn_what)
        proc_arm(p, 0);
    return p;
}

const ProcEnd *
proc_end(const Proc *p)
{
    return &p->end;
}

Output *
proc_out(Proc *p)
{
    return p->out;
}

Output *
proc_err(Proc *p)
{
    return p->err;
}

void
proc_free(Proc *p)
{
    if (!p)
        return;
    output_drop(p->out);
    output_drop(p->err);
    mem_free(p->in);
    mem_free(p);
}
