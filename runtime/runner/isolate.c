/* isolate.c — a process for a task: start, stop, end, and its two threads.
 *
 * References: one for the run, one for each message in the mailbox, and one
 * for the process, from its start until its handles are closed. The timer is
 * one thing at a time: waiting for the greeting, the rungs of a stop, or an end
 * that should come by itself.
 */
#include "runner/isolate.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "process/launch.h"
#include "process/program.h"
#include "runner/isolate_state.h"
#include "value/value.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ISOLATE_GREET_MS = 30000 }; /* from the start to the greeting */

/* ---- between the io thread and the run ---- */

/* Have the run stop waiting in the task's name. Under the board's lock. */
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

/* It sits in the kernel where even SIGKILL does not reach it. */
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
    else if (i->state == ISOLATE_TOLD)
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
    i->end = (ProcEnd){ .spawn_errno = err ? err : EIO, .spawn_what = what,
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

/* Copies of orun's own output and error; where there is none, /dev/null. */
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

/* What its process is started with; false when memory is out. */
static bool
isolate_copy(Isolate *i, const LuaRun *run)
{
    const char *cwd = program_cwd(run);
    i->env = launch_env(i->engine, program_tree_env(run), NULL, NULL,
                        run->task->id, run->attempt);
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
    i->due = isolate_due;
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
