/* isolate.c — the process of an isolated task.
 *
 * References: one for the run, one for each message in the mailbox, and one
 * for the process, from its start until its handles are closed. The timer has
 * one use at a time: waiting for the greeting, the steps of a stop, or an end
 * that should come by itself.
 */
#include "runner/isolate.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/version.h"
#include "process/launch.h"
#include "process/program.h"
#include "runner/isolate_state.h"
#include "value/value.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ISOLATE_GREET_MS = 30000,   /* from the start to the greeting */
    ISOLATE_LINGER_MS = 5000,   /* from END to the exit */
    ISOLATE_GIVE_UP_MS = 10000, /* from SIGKILL to the exit */
    ISOLATE_READ = 64 << 10,
    ISOLATE_READS = 4, /* of one socket before others have a turn */
};

/* One reference less; the last one frees. Any thread. */
static void
isolate_unref(Isolate *i)
{
    if (atomic_fetch_sub(&i->refs, 1) != 1)
        return;
    task_strings_free(i->env);
    mem_free(i->cwd);
    buf_free(&i->in);
    buf_free(&i->out);
    buf_free(&i->reply);
    outcome_clear(&i->reported);
    buf_free(&i->unseen);
    value_drop(i->held);
    mem_free(i);
}

/* Post one of its messages, which holds a reference until it has been handled.
 * Any thread. */
static void
isolate_post(Isolate *i, LoopMsg *msg)
{
    atomic_fetch_add(&i->refs, 1);
    loop_post(engine_loop(i->engine), msg);
}

/* The run is to serve the call, which is in i->in. */
static void ON_IO
isolate_hand_over(Isolate *i, const Frame *call)
{
    Sched *s = &i->engine->sched;
    i->state = ISOLATE_SERVING;
    i->call = *call;
    sched_lock(s);
    i->called = true;
    if (i->run)
        op_done(&i->op);
    sched_unlock(s);
}

static void isolate_due(uv_timer_t *timer);

/* Call isolate_due after so long, and not before. */
static void ON_IO
isolate_arm(Isolate *i, uint64_t ms)
{
    uv_update_time(i->timer.loop);
    uv_timer_start(&i->timer, isolate_due, ms, 0);
}

/* SIGKILL to the process and all its descendants, unless they are dead. */
static void ON_IO
isolate_kill(Isolate *i)
{
    if (i->rung == RUNG_KILLED || i->gone || !i->begun)
        return;
    LOG(PROC, "t%llu: killing its process %d", (unsigned long long)i->task,
        i->child.pid);
    i->rung = RUNG_KILLED;
    supervisor_client_signal(supervisor_client_of(i->engine), &i->child,
                             SIGKILL, true);
    isolate_arm(i, ISOLATE_GIVE_UP_MS);
}

/* ---- sending ---- */

/* Is anything expected from the child? Not while it waits for a reply. */
static bool ON_IO
isolate_listens(const Isolate *i)
{
    return !i->deaf && i->state != ISOLATE_SERVING;
}

static void isolate_event(uv_poll_t *poll, int status, int events);

/* Use the socket `fd`, which is taken over on success. Returns 0 or an
 * errno. */
static int ON_IO
isolate_open(Isolate *i, int fd)
{
    int err = loop_watch(engine_loop(i->engine), &i->poll, fd, UV_READABLE,
                         isolate_event);
    if (err)
        return err;
    i->fd = fd;
    i->poll.data = i;
    i->handles++;
    return 0;
}

/* Have the loop watch for what is expected now. */
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

/* Send what the socket takes now. That the peer has gone is noticed by
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

/* ---- receiving ---- */

/* The protocol is broken: nothing the child says counts from now on, and it is
 * killed. */
static void isolate_lose(Isolate *i, const char *format, ...) ON_IO
    PRINTF_LIKE(2, 3);

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

/* It must be of this build, because functions are exchanged. */
static bool ON_IO
isolate_greeted(Isolate *i, Frame *f)
{
    const char *version, *build;
    if (!frame_get_text(f, &version) || !frame_get_text(f, &build) || !version
        || !build)
        return false;
    if (strcmp(version, ORUN_VERSION) != 0 || strcmp(build, build_id) != 0) {
        snprintf(i->refused, sizeof i->refused,
                 "'%s' is orun %.32s (build "
                 "%.32s), and this is orun %s (build %s): an isolated task "
                 "needs the same",
                 i->engine->program, version, build, ORUN_VERSION, build_id);
        i->deaf = true;
        isolate_kill(i);
    }
    i->state = ISOLATE_WORKING;
    if (i->rung == RUNG_NONE)
        uv_timer_stop(&i->timer);
    return true;
}

/* A value of the outcome; an empty field means there is none. */
static bool ON_IO
isolate_get_value(Isolate *i, Frame *f, Value **out)
{
    const char *p;
    size_t n;
    if (!frame_get(f, &p, &n))
        return false;
    *out = n ? value_import(p, n, true) : NULL;
    if (n && !*out)
        isolate_lose(i, "%s", err_text(ORUN_ENOMEM));
    return true;
}

/* state, fault, exit code + 1, error, output, error value, the failures of
 * programs that nobody has looked at */
static bool ON_IO
isolate_reported(Isolate *i, Frame *f)
{
    uint64_t state, fault, code;
    const char *error, *unseen;
    size_t unseen_size;
    Outcome *o = &i->reported;
    if (!frame_get_number(f, &state) || !frame_get_number(f, &fault)
        || !frame_get_number(f, &code) || !frame_get_text(f, &error)
        || !isolate_get_value(i, f, &o->output)
        || !isolate_get_value(i, f, &o->error_value)
        || !frame_get(f, &unseen, &unseen_size) || f->at != f->end)
        return false;
    if (i->lost[0]) /* there was no memory for a value */
        return true;
    bool completed = state == TASK_COMPLETED && fault == FAULT_NONE;
    bool failed = state == TASK_FAILED && fault != FAULT_NONE
        && fault < FAULT_COUNT && fault != FAULT_BLOCKED
        && fault != FAULT_CANCELLED && fault != FAULT_SIGNAL;
    if ((!completed && !failed) || code > 256)
        return false;
    o->state = (TaskState)state;
    o->fault = (TaskFault)fault;
    o->code = (int)code - 1;
    o->error = error ? mem_dup(error, strlen(error)) : NULL;
    buf_put(&i->unseen, unseen, unseen_size);
    i->state = ISOLATE_REPORTED;
    if (i->rung == RUNG_NONE)
        isolate_arm(i, ISOLATE_LINGER_MS);
    return true;
}

/* Act on a whole frame; false if it does not belong here. */
static bool ON_IO
isolate_act(Isolate *i, Frame *f)
{
    if (i->state == ISOLATE_GREETING && f->kind == FRAME_HELLO)
        return isolate_greeted(i, f);
    if (i->state != ISOLATE_WORKING || f->end != i->in.p + i->in.n)
        return false;
    if (f->kind == FRAME_CALL)
        return isolate_hand_over(i, f), true;
    return f->kind == FRAME_END && isolate_reported(i, f);
}

/* Act on the frames that have arrived. */
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
                isolate_lose(i,
                             "a %s frame out of place, or with other than "
                             "its fields",
                             frame_name(f.kind));
            return;
        }
        if (i->state == ISOLATE_SERVING)
            return; /* the run has it now */
        i->parser = (FrameParser){ 0 };
        i->in.n = (size_t)(i->in.p + i->in.n - f.end);
        memmove(i->in.p, f.end, i->in.n);
    }
}

/* Read what has arrived; false when there is no more now. */
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
        i->deaf = true; /* most often it has ended: isolate_exited */
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

/* ---- between the io thread and the run ---- */

/* End the wait of a call that the run makes for the task. Under the board's
 * lock. */
static void
isolate_interrupt(LuaRun *run, const char *reason)
{
    Wait *w = task_waiting(run->task);
    stop_tell(&run->vm->stop, reason);
    if (w == &run->wait && !run->want.work)
        wait_fire(w, WAIT_STOPPED);
}

/* The process and its handles are gone: the last thing done here. */
static void ON_IO
isolate_finish(Isolate *i)
{
    Sched *s = &i->engine->sched;
    if (i->end.left)
        sched_left(s, i->task);
    sched_lock(s);
    i->ended = true;
    if (i->run) {
        op_done(&i->op);
        isolate_interrupt(i->run, "the task's process has ended");
    }
    sched_unlock(s);
    isolate_unref(i);
}

Op *
isolate_op(Isolate *i)
{
    return &i->op;
}

Frame *
isolate_take(Isolate *i, bool *ended)
{
    Sched *s = &i->engine->sched;
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

void
isolate_reply(Isolate *i, Buf *reply)
{
    i->reply = *reply;
    *reply = (Buf){ 0 };
    isolate_post(i, &i->reply_msg);
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

/* Do programs clean up after the stop? They have their time once. */
static bool ON_IO
isolate_cleans(Isolate *i)
{
    Sched *s = &i->engine->sched;
    sched_lock(s);
    const LuaRun *run = i->run;
    bool cleans = !i->cleaned && i->rung == RUNG_ONCE && run && run->cleans
        && !sched_hurried(s, run->task) && !list_empty(&run->programs);
    sched_unlock(s);
    i->cleaned |= cleans;
    return cleans;
}

/* The next step. It does not matter if a frame cannot be sent: the last step
 * needs none. */
static void ON_IO
isolate_climb(Isolate *i)
{
    if (i->rung == RUNG_HARD) {
        isolate_kill(i);
        return;
    }
    if (isolate_cleans(i)) {
        isolate_arm(i, (uint64_t)(PROGRAM_CLEANS * 1000));
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

static void
isolate_post_kill(Isolate *i)
{
    if (!atomic_exchange(&i->kill_sent, true))
        isolate_post(i, &i->kill_msg);
}

void
isolate_stop(Isolate *i, TaskFault why, bool now)
{
    if (now && !i->ended)
        isolate_post_kill(i);
    if (i->why != FAULT_NONE || i->ended)
        return;
    i->why = why;
    isolate_post(i, &i->stop_msg);
    isolate_interrupt(i->run, task_fault_name(why));
}

/* It is in the kernel, where even SIGKILL does not reach it. */
static void ON_IO
isolate_give_up(Isolate *i)
{
    supervisor_client_forget(&i->child);
    i->end.code = -1;
    i->end.lost = i->end.left = true;
    isolate_close(i);
}

static void ON_IO
isolate_lose_late(Isolate *i)
{
    Buf within = { 0 };
    buf_seconds(&within, ISOLATE_GREET_MS * 1e-3);
    isolate_lose(i, "no greeting came within %s", buf_cstr(&within));
    buf_free(&within);
}

static void
isolate_due(uv_timer_t *timer)
{
    role_is_io();
    Isolate *i = timer->data;
    if (i->rung == RUNG_KILLED)
        isolate_give_up(i);
    else if (i->rung != RUNG_NONE)
        isolate_climb(i);
    else if (i->state == ISOLATE_REPORTED)
        isolate_kill(i);
    else if (i->deaf)
        isolate_lose(i, "the connection was closed before the task had ended");
    else
        isolate_lose_late(i);
}

/* ---- the start, and what the supervisor reports ---- */

static void
isolate_started(SupervisorChild *c, int pid, int err, const char *what)
{
    role_is_io();
    Isolate *i = container_of(c, Isolate, child);
    if (pid > 0)
        return;
    i->end = (ProcEnd){ .spawn_errno = err ? err : EIO,
                        .spawn_what = what,
                        .code = -1 };
    isolate_close(i);
}

static void
isolate_exited(SupervisorChild *c, const SupervisorExit *exit)
{
    role_is_io();
    Isolate *i = container_of(c, Isolate, child);
    ProcEnd *end = &i->end;
    int status = exit->status;
    end->lost = exit->lost;
    end->left = exit->silent;
    end->code = !exit->lost && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    end->signal = !exit->lost && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    end->core = end->signal && WCOREDUMP(status);
    end->max_rss = exit->max_rss;
    event_used(&i->engine->sched.board, (uint32_t)i->task,
               (uint64_t)(exit->cpu * 1e9));
    LOG(PROC, "t%llu: its process %d ended", (unsigned long long)i->task,
        c->pid);
    i->gone = true;
    while (isolate_listens(i) && isolate_read(i))
        continue;
    i->cut = i->state != ISOLATE_SERVING && i->in.n > 0;
    isolate_close(i);
}

/* Duplicate orun's own output and error; what is closed becomes /dev/null. */
static int
isolate_share(int fds[3])
{
    int err = 0;
    for (int k = 1; k < 3; k++) {
        fds[k] = fcntl(k, F_DUPFD_CLOEXEC, 3);
        if (fds[k] < 0 && errno != EBADF) /* EBADF: there is none to share */
            err = errno;
    }
    if (err)
        launch_close(&(LaunchSpec){ .fds = fds });
    return err;
}

/* Start the process; 0 or an errno. */
static int ON_IO
isolate_spawn(Isolate *i)
{
    int pair[2], fds[3];
    const char *argv[] = { i->engine->program, ISOLATE_ARGUMENT, NULL };
    SupervisorClient *supervisor = supervisor_client_of(i->engine);
    if (!supervisor)
        return errno;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return errno;
    int err = isolate_open(i, pair[0]);
    if (err) {
        close(pair[0]);
        close(pair[1]);
        return err;
    }
    fds[0] = pair[1];
    err = isolate_share(fds);
    if (err)
        return err;
    int e = supervisor_client_spawn(supervisor, &i->child, i->task, argv,
                                    (const char *const *)i->env, i->cwd, fds);
    return e == 0 ? 0 : e == ORUN_ENOMEM ? ENOMEM : errno;
}

static void
isolate_go_posted(LoopMsg *msg)
{
    role_is_io();
    Isolate *i = container_of(msg, Isolate, go_msg);
    uv_timer_init(loop_uv(engine_loop(i->engine)), &i->timer);
    i->timer.data = i;
    i->handles++;
    i->begun = true;
    int e = isolate_spawn(i);
    if (e) {
        isolate_started(&i->child, 0, e, "supervisor");
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

/* Copy what its process is started with; false when memory is out. */
static bool
isolate_copy(Isolate *i, const LuaRun *run)
{
    const char *cwd = program_cwd(run);
    const TaskOptions *opt = run->task->opt;
    i->env = launch_env(i->engine, program_tree_env(run), NULL,
                        opt ? opt->env : NULL, run->task->id, run->attempt, 0);
    i->cwd = cwd ? mem_dup(cwd, strlen(cwd)) : NULL;
    return i->env && (i->cwd || !cwd);
}

int
isolate_new(LuaRun *run, Buf *start, Isolate **out)
{
    if (!engine_loop(run->engine))
        return ORUN_ESYS;
    Isolate *i = mem_zalloc(1, sizeof *i);
    if (!i)
        return ORUN_ENOMEM;
    i->engine = run->engine;
    if (!isolate_copy(i, run)) {
        task_strings_free(i->env);
        mem_free(i);
        return ORUN_ENOMEM;
    }
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
    Sched *s = &i->engine->sched;
    sched_lock(s);
    i->run = NULL;
    bool ended = i->ended;
    sched_unlock(s);
    if (!ended)
        isolate_post_kill(i);
    isolate_unref(i);
}
