/* isolate.c — a process for a task: start, frames, stop, end.
 *
 * References: one for the run, one for each message in the mailbox, and one
 * for the process, from its start until its handles are closed. The timer is
 * one thing at a time: waiting for the greeting, the rungs of a stop, or an end
 * that should come by itself.
 */
#include "isolate.h"
#include "err.h"
#include "host.h"
#include "launch.h"
#include "log.h"
#include "mem.h"
#include "value.h"
#include "version.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ISOLATE_READ = 64 << 10,
    ISOLATE_READS = 4,          /* of one socket before others have a turn */
    ISOLATE_GREET_MS = 30000,   /* from the start to the greeting */
    ISOLATE_LINGER_MS = 5000,   /* from the last frame to the exit */
    ISOLATE_GIVE_UP_MS = 10000, /* from SIGKILL to the exit */
};

typedef enum IsolateState {
    ISOLATE_GREETING, ISOLATE_WORKING, ISOLATE_SERVING, ISOLATE_TOLD
} IsolateState;

/* How far up its stop ladder; the last two are the end of any ladder. */
enum { RUNG_NONE, RUNG_ONCE, RUNG_HARD, RUNG_KILLED };

struct Isolate {
    /* Never changes. */
    Host *host;
    uint64_t task;
    size_t limit;   /* of the Lua state, bytes */
    char **env;
    atomic_int refs;
    LoopMsg go_msg, reply_msg, stop_msg, kill_msg;

    /* Guarded by the board's lock. */
    LuaRun *run;    /* who stands in for it; NULL when it has let go */
    Op op;
    bool called;    /* a CALL is to be taken */
    bool ended;
    TaskFault why;  /* it is stopped for; NONE: it is not */

    /* The io thread's, but for the run's between isolate_take and _reply. */
    Buf in;         /* of what is read the part that was not acted on */
    Frame call;     /* a CALL in it */
    Buf reply;
    Value *held;    /* the run decodes it */

    /* Of the io thread. */
    IsolateState state;
    int rung;
    bool begun;     /* the start was tried */
    bool early;     /* a stop came before that */
    int fd;         /* -1: not open */
    bool deaf;      /* nothing more is read */
    bool gone;      /* the process has ended, or never was */
    FrameParser parser;
    Buf out;        /* to be sent, from `sent` on */
    size_t sent;
    KeeperChild child;
    uv_poll_t poll;
    uv_timer_t timer;
    int handles;    /* of the two that are not closed */
    char lost[160]; /* which breach of the protocol there was; "": none */
    char refused[256]; /* why it is not the right program; "": it is */
    ProcEnd end;
    Outcome told;   /* what END said */
};

static void
isolate_unref(Isolate *i)
{
    if (atomic_fetch_sub(&i->refs, 1) != 1)
        return;
    task_strings_free(i->env);
    buf_free(&i->in);
    buf_free(&i->out);
    buf_free(&i->reply);
    outcome_clear(&i->told);
    value_drop(i->held);
    mem_free(i);
}

static void
isolate_post(Isolate *i, LoopMsg *msg)
{
    atomic_fetch_add(&i->refs, 1);
    loop_post(host_loop(i->host), msg);
}

/* ---- between the io thread and the run ---- */

/* Have the run stop waiting in the task's name. Under the board's lock. */
static void
isolate_interrupt(LuaRun *run, const char *reason)
{
    Wait *w = run->task->waiting;
    stop_tell(&run->vm->stop, reason);
    if (w == &run->wait && !run->want.work)
        wait_fire(w, WAIT_STOPPED);
}

/* The process and its handles are gone: the last thing done here. */
static void ON_IO
isolate_finish(Isolate *i)
{
    Sched *s = &i->host->sched;
    sched_lock(s);
    i->ended = true;
    if (i->run) {
        op_done(&i->op);
        isolate_interrupt(i->run, "the task's process has ended");
    }
    sched_unlock(s);
    isolate_unref(i);
}

static void ON_IO
isolate_hand_over(Isolate *i, const Frame *call)
{
    Sched *s = &i->host->sched;
    i->state = ISOLATE_SERVING;
    i->call = *call;
    sched_lock(s);
    i->called = true;
    if (i->run)
        op_done(&i->op);
    sched_unlock(s);
}

Op *
isolate_op(Isolate *i)
{
    return &i->op;
}

Frame *
isolate_take(Isolate *i, bool *ended)
{
    Sched *s = &i->host->sched;
    sched_lock(s);
    *ended = i->ended;
    bool called = i->called && !i->ended;
    i->called = false;
    i->op.done = i->ended;
    sched_unlock(s);
    return called ? &i->call : NULL;
}

const Value *
isolate_hold(Isolate *i, const char *p, size_t n)
{
    value_drop(i->held);
    i->held = value_import(p, n, true);
    return i->held;
}

/* ---- the end ---- */

static void
isolate_closed(uv_handle_t *h)
{
    role_is_io();
    Isolate *i = h->data;
    if (--i->handles == 0)
        isolate_finish(i);
}

/* The process has ended, or could not be started. */
static void ON_IO
isolate_close(Isolate *i)
{
    i->gone = true;
    if (i->fd >= 0) {
        uv_close((uv_handle_t *)&i->poll, isolate_closed);
        close(i->fd);
        i->fd = -1;
    }
    uv_close((uv_handle_t *)&i->timer, isolate_closed);
}

static void isolate_due(uv_timer_t *timer);

static void ON_IO
isolate_arm(Isolate *i, uint64_t ms)
{
    uv_update_time(i->timer.loop);
    uv_timer_start(&i->timer, isolate_due, ms, 0);
}

static void ON_IO
isolate_kill(Isolate *i)
{
    if (i->rung == RUNG_KILLED || i->gone || !i->begun)
        return;
    LOG(PROC, "t%llu: killing its process %d", (unsigned long long)i->task,
        i->child.pid);
    i->rung = RUNG_KILLED;
    keeper_signal(host_keeper(i->host), &i->child, SIGKILL, true);
    isolate_arm(i, ISOLATE_GIVE_UP_MS);
}

/* ---- sending ---- */

static void isolate_event(uv_poll_t *poll, int status, int events);

/* While a call is served the child has nothing to say. */
static bool
isolate_listens(const Isolate *i)
{
    return !i->deaf && i->state != ISOLATE_SERVING;
}

/* Look for what is of interest now. */
static void ON_IO
isolate_watch(Isolate *i)
{
    int events = 0;
    if (i->fd < 0)
        return;
    if (isolate_listens(i))
        events |= UV_READABLE;
    if (i->out.n > i->sent)
        events |= UV_WRITABLE;
    if (events)
        uv_poll_start(&i->poll, events, isolate_event);
    else
        uv_poll_stop(&i->poll);
}

/* Send what the socket takes. That nobody is there any more is noticed by
 * reading. */
static void ON_IO
isolate_flush(Isolate *i)
{
    while (i->fd >= 0 && i->sent < i->out.n) {
        ssize_t n = send(i->fd, i->out.p + i->sent, i->out.n - i->sent,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        i->sent = n < 0 ? i->out.n : i->sent + (size_t)n;
    }
    buf_free(&i->out);
    i->sent = 0;
}

/* Send the frame, which is taken over. */
static void ON_IO
isolate_send(Isolate *i, Buf *frame)
{
    if (i->out.n == 0) {
        buf_free(&i->out);
        i->out = *frame;
    } else {
        buf_put(&i->out, frame->p, frame->n);
        buf_free(frame);
    }
    *frame = (Buf){ 0 };
    if (buf_failed(&i->out))
        isolate_kill(i);
    isolate_flush(i);
    isolate_watch(i);
}

/* ---- stopping ---- */

static void ON_IO
isolate_send_stop(Isolate *i, int level)
{
    Buf frame = { 0 };
    frame_begin(&frame, FRAME_STOP);
    frame_put_number(&frame, (uint64_t)level);
    frame_put_number(&frame, i->why);
    if (frame_end(&frame) == 0)
        isolate_send(i, &frame);
    buf_free(&frame);
}

/* The next rung. A frame that cannot be sent does not matter: the last rung
 * needs none. */
static void ON_IO
isolate_climb(Isolate *i)
{
    if (i->rung == RUNG_HARD) {
        isolate_kill(i);
        return;
    }
    i->rung++;
    isolate_send_stop(i, i->rung == RUNG_ONCE ? STOP_ONCE : STOP_HARD);
    isolate_arm(i, (uint64_t)(ISOLATE_GRACE * 1000));
}

static void
isolate_stop_posted(LoopMsg *msg)
{
    role_is_io();
    Isolate *i = container_of(msg, Isolate, stop_msg);
    i->early = !i->begun;
    if (i->begun && !i->gone && i->rung == RUNG_NONE)
        isolate_climb(i);
    isolate_unref(i);
}

void
isolate_stop(Isolate *i, TaskFault why)
{
    if (i->why != FAULT_NONE || i->ended)
        return;
    i->why = why;
    isolate_post(i, &i->stop_msg);
    isolate_interrupt(i->run, task_fault_name(why));
}

/* It sits in the kernel where even SIGKILL does not reach it. */
static void ON_IO
isolate_give_up(Isolate *i)
{
    keeper_forget(host_keeper(i->host), &i->child);
    i->end.code = -1;
    i->end.lost = true;
    isolate_close(i);
}

static void ON_IO isolate_lose(Isolate *i, const char *format, ...)
    PRINTF_LIKE(2, 3);

static void
isolate_due(uv_timer_t *timer)
{
    role_is_io();
    Isolate *i = timer->data;
    if (i->rung == RUNG_KILLED)
        isolate_give_up(i);
    else if (i->rung != RUNG_NONE)
        isolate_climb(i);
    else if (i->state == ISOLATE_TOLD)
        isolate_kill(i);
    else if (i->deaf)
        isolate_lose(i, "the connection was closed before the task had ended");
    else
        isolate_lose(i, "no greeting came within %d s",
                     ISOLATE_GREET_MS / 1000);
}

/* ---- what the child tells ---- */

/* The protocol is broken: nothing it says counts any more. */
static void
isolate_lose(Isolate *i, const char *format, ...)
{
    if (!i->lost[0]) {
        va_list args;
        va_start(args, format);
        vsnprintf(i->lost, sizeof i->lost, format, args);
        va_end(args);
    }
    i->deaf = true;
    isolate_watch(i);
    isolate_kill(i);
}

/* It must be of this build: what is exchanged are functions. */
static bool ON_IO
isolate_greeted(Isolate *i, Frame *f)
{
    const char *version, *build;
    if (!frame_get_text(f, &version) || !frame_get_text(f, &build)
        || !version || !build)
        return false;
    if (strcmp(version, ORUN_VERSION) != 0 || strcmp(build, build_id) != 0) {
        snprintf(i->refused, sizeof i->refused, "'%s' is orun %.32s (build "
                 "%.32s), and this is orun %s (build %s): an isolated task "
                 "needs the same", i->host->program, version, build,
                 ORUN_VERSION, build_id);
        i->deaf = true;
        isolate_kill(i);
    }
    i->state = ISOLATE_WORKING;
    if (i->rung == RUNG_NONE)
        uv_timer_stop(&i->timer);
    return true;
}

/* A value of the outcome: an empty field is none. */
static bool
isolate_get_value(Frame *f, Value **out)
{
    const char *p;
    size_t n;
    if (!frame_get(f, &p, &n))
        return false;
    *out = n ? value_import(p, n, true) : NULL;
    return n == 0 || *out;
}

/* state, fault, exit code + 1, error, output, error value */
static bool ON_IO
isolate_told(Isolate *i, Frame *f)
{
    uint64_t state, fault, code;
    const char *error;
    Outcome *o = &i->told;
    if (!frame_get_number(f, &state) || !frame_get_number(f, &fault)
        || !frame_get_number(f, &code) || !frame_get_text(f, &error)
        || !isolate_get_value(f, &o->output)
        || !isolate_get_value(f, &o->error_value) || f->at != f->end)
        return false;
    bool completed = state == TASK_COMPLETED && fault == FAULT_NONE;
    bool failed = state == TASK_FAILED
        && (fault == FAULT_LUA || fault == FAULT_EXIT || fault == FAULT_MEMORY);
    if ((!completed && !failed) || code > 256)
        return false;
    o->state = (TaskState)state;
    o->fault = (TaskFault)fault;
    o->code = (int)code - 1;
    o->error = error ? mem_dup(error, strlen(error)) : NULL;
    i->state = ISOLATE_TOLD;
    if (i->rung == RUNG_NONE)
        isolate_arm(i, ISOLATE_LINGER_MS);
    return true;
}

/* Act on a whole frame. False: it does not belong here. */
static bool ON_IO
isolate_act(Isolate *i, Frame *f)
{
    if (i->state == ISOLATE_GREETING && f->kind == FRAME_HELLO)
        return isolate_greeted(i, f);
    if (i->state != ISOLATE_WORKING || f->end != i->in.p + i->in.n)
        return false;
    if (f->kind == FRAME_CALL)
        return isolate_hand_over(i, f), true;
    return f->kind == FRAME_END && isolate_told(i, f);
}

/* Act on the frames that are there. */
static void ON_IO
isolate_parse(Isolate *i)
{
    while (isolate_listens(i)) {
        Frame f;
        const char *why;
        int got = frame_parse(&i->parser, &i->in, &f, &why);
        if (got == 0)
            return;
        if (got < 0 || !isolate_act(i, &f)) {
            if (got < 0)
                isolate_lose(i, "%s", why);
            else
                isolate_lose(i, "a %s frame out of place, or with other than "
                             "its fields", frame_name(f.kind));
            return;
        }
        if (i->state == ISOLATE_SERVING)
            return; /* the run has it now */
        i->parser = (FrameParser){ 0 };
        i->in.n = (size_t)(i->in.p + i->in.n - f.end);
        memmove(i->in.p, f.end, i->in.n);
    }
}

/* Take what is there; false when there is no more now. */
static bool ON_IO
isolate_read(Isolate *i)
{
    char *room = buf_room(&i->in, ISOLATE_READ);
    if (!room) {
        isolate_lose(i, "out of memory");
        return false;
    }
    ssize_t n = recv(i->fd, room, ISOLATE_READ, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return errno == EINTR;
    if (n <= 0) {
        i->deaf = true; /* most often it has ended: that will be told */
        if (i->rung == RUNG_NONE && !i->gone)
            isolate_arm(i, ISOLATE_LINGER_MS);
        return false;
    }
    i->in.n += (size_t)n;
    isolate_parse(i);
    return isolate_listens(i);
}

static void
isolate_event(uv_poll_t *poll, int status, int events)
{
    role_is_io();
    Isolate *i = poll->data;
    if (status < 0 || events & UV_WRITABLE)
        isolate_flush(i);
    if ((status < 0 || events & UV_READABLE) && isolate_listens(i))
        for (int n = 0; n < ISOLATE_READS && isolate_read(i); n++)
            continue;
    isolate_watch(i);
}

/* ---- replying ---- */

static void
isolate_reply_posted(LoopMsg *msg)
{
    role_is_io();
    Isolate *i = container_of(msg, Isolate, reply_msg);
    buf_free(&i->in);
    i->parser = (FrameParser){ 0 };
    if (!i->gone) {
        i->state = ISOLATE_WORKING;
        if (buf_failed(&i->reply))
            isolate_lose(i, "out of memory");
        else
            isolate_send(i, &i->reply);
    }
    isolate_unref(i);
}

void
isolate_reply(Isolate *i, Buf *reply)
{
    i->reply = *reply;
    *reply = (Buf){ 0 };
    isolate_post(i, &i->reply_msg);
}

/* ---- the start, and what the keeper tells ---- */

static void
isolate_started(KeeperChild *c, int pid, int err, const char *what)
{
    role_is_io();
    Isolate *i = container_of(c, Isolate, child);
    if (pid > 0)
        return;
    i->end = (ProcEnd){ .spawn_errno = err ? err : EIO, .spawn_what = what,
                        .code = -1 };
    isolate_close(i);
}

static void
isolate_exited(KeeperChild *c, const KeeperExit *exit)
{
    role_is_io();
    Isolate *i = container_of(c, Isolate, child);
    ProcEnd *end = &i->end;
    int status = exit->status;
    end->lost = exit->lost;
    end->code = !exit->lost && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    end->signal = !exit->lost && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    end->core = end->signal && WCOREDUMP(status);
    end->max_rss = exit->max_rss;
    LOG(PROC, "t%llu: its process %d ended", (unsigned long long)i->task,
        c->pid);
    i->gone = true;
    while (isolate_listens(i) && isolate_read(i))
        continue;
    isolate_close(i);
}

/* Copies of orun's own output and error; where there is none, /dev/null. */
static void
isolate_share(int fds[3])
{
    for (int k = 1; k < 3; k++)
        fds[k] = fcntl(k, F_DUPFD_CLOEXEC, 3);
}

/* Start the process; 0 or an errno. */
static int ON_IO
isolate_spawn(Isolate *i)
{
    int pair[2], fds[3];
    const char *argv[] = { i->host->program, ISOLATE_ARGUMENT, NULL };
    Keeper *keeper = host_keeper(i->host);
    if (!keeper)
        return ENOMEM;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return errno;
    int e = uv_poll_init(i->timer.loop, &i->poll, pair[0]);
    if (e) {
        close(pair[0]);
        close(pair[1]);
        return -e;
    }
    i->fd = pair[0];
    i->poll.data = i;
    i->handles++;
    fds[0] = pair[1];
    isolate_share(fds);
    e = keeper_spawn(keeper, &i->child, i->task, argv,
                     (const char *const *)i->env, NULL, fds);
    return e == 0 ? 0 : e == ORUN_ENOMEM ? ENOMEM : errno;
}

static void
isolate_go_posted(LoopMsg *msg)
{
    role_is_io();
    Isolate *i = container_of(msg, Isolate, go_msg);
    uv_timer_init(loop_uv(host_loop(i->host)), &i->timer);
    i->timer.data = i;
    i->handles++;
    i->begun = true;
    int e = isolate_spawn(i);
    if (e) {
        isolate_started(&i->child, 0, e, "keeper");
        return;
    }
    isolate_flush(i);
    isolate_watch(i);
    isolate_arm(i, ISOLATE_GREET_MS);
    if (i->early)
        isolate_climb(i);
}

static void
isolate_kill_posted(LoopMsg *msg)
{
    role_is_io();
    Isolate *i = container_of(msg, Isolate, kill_msg);
    isolate_kill(i);
    isolate_unref(i);
}

int
isolate_new(LuaRun *run, Buf *start, Isolate **out)
{
    if (!host_loop(run->host))
        return ORUN_ESYS;
    Isolate *i = mem_zalloc(1, sizeof *i);
    if (!i)
        return ORUN_ENOMEM;
    i->env = launch_env(run->host->env, NULL, NULL, run->task->id);
    if (!i->env) {
        mem_free(i);
        return ORUN_ENOMEM;
    }
    i->host = run->host;
    i->run = run;
    i->task = run->task->id;
    i->limit = run->vm->limit;
    i->fd = -1;
    i->out = *start;
    *start = (Buf){ 0 };
    i->go_msg.run = isolate_go_posted;
    i->reply_msg.run = isolate_reply_posted;
    i->stop_msg.run = isolate_stop_posted;
    i->kill_msg.run = isolate_kill_posted;
    i->child.started = isolate_started;
    i->child.exited = isolate_exited;
    op_init(&i->op);
    atomic_init(&i->refs, 1);
    *out = i;
    return 0;
}

void
isolate_go(Isolate *i)
{
    isolate_post(i, &i->go_msg);
}

void
isolate_free(Isolate *i)
{
    if (!i)
        return;
    Sched *s = &i->host->sched;
    sched_lock(s);
    i->run = NULL;
    bool ended = i->ended;
    sched_unlock(s);
    if (!ended)
        isolate_post(i, &i->kill_msg);
    isolate_unref(i);
}

/* ---- what came of it ---- */

static void
isolate_fail(Outcome *o, TaskFault fault, const char *format, ...)
    PRINTF_LIKE(3, 4);

static void
isolate_fail(Outcome *o, TaskFault fault, const char *format, ...)
{
    Buf text = { 0 };
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    mem_free(o->error);
    o->error = buf_take(&text);
    o->state = TASK_FAILED;
    o->fault = fault;
}

/* Did C code use up what the process may have? Half of what is its own is the
 * address space of its state's slices, which is not resident. */
static bool
isolate_exhausted(const Isolate *i)
{
    size_t rss = (size_t)i->end.max_rss << 10;
    return rss >= (isolate_memory(i->limit) - ISOLATE_OWN / 2) / 4 * 3;
}

/* It ended by a signal, or by itself, before its function did. */
static void
isolate_judge_exit(Isolate *i, Outcome *o)
{
    bool cut = i->in.n > 0 && i->state != ISOLATE_SERVING;
    launch_judge(&i->end, i->host->program, NULL, o);
    if (i->end.spawn_errno || i->end.lost)
        return;
    if (i->end.signal && isolate_exhausted(i))
        isolate_fail(o, FAULT_MEMORY, "its process ended by signal %d when it "
                     "had %zu bytes of memory, C code's included; "
                     "memory_limit = %zu allows %zu", o->signal,
                     (size_t)i->end.max_rss << 10, i->limit,
                     isolate_memory(i->limit));
    else if (!i->end.signal && (cut || i->state == ISOLATE_GREETING))
        isolate_fail(o, FAULT_LOST, "protocol: '%s' ended with exit code %d %s",
                     i->host->program, o->code, cut ? "in the middle of a frame"
                     : "before it greeted: it is no orun of this build");
    else if (!i->end.signal)
        isolate_fail(o, FAULT_EXIT, "its process ended with exit code %d "
                     "before its function did", o->code);
}

void
isolate_judge(Isolate *i, Outcome *o)
{
    if (i->refused[0]) {
        isolate_fail(o, FAULT_SPAWN, "%s", i->refused);
    } else if (i->lost[0]) {
        isolate_fail(o, FAULT_LOST, "protocol: %s", i->lost);
    } else if (i->state == ISOLATE_TOLD) {
        *o = i->told;
        i->told = (Outcome){ 0 };
    } else {
        isolate_judge_exit(i, o);
    }
}
