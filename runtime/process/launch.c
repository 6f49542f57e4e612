/* launch.c — copying a request, posting it to the io thread, trying again, and
 * what its end means.
 *
 * References: one for the owner, one for each message in the mailbox, one for
 * the running Proc and one for the timer; the last one frees.
 *
 * What the system refuses is tried again. Without descriptors that is as long
 * as other programs run, because they give theirs back. Without a process for
 * the supervisor it is for some seconds; the supervisor does the same for all
 * other programs.
 */
#include "process/launch.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "control/control.h"
#include "process/supervisor_client.h"
#include "task/folder.h"
#include "vm/handle.h"
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

struct Launch {
    Engine *engine;
    char **argv, **env, **files; /* of the files, the paths */
    char *cwd, *in;
    size_t in_len, keep;
    int fds[3]; /* -1: none, or handed on … */
    bool lingers;
    bool has_fds; /* … and whether they were given */
    uint64_t task;
    void (*done)(Launch *l, const ProcEnd *end, void *ud);
    void (*started)(void *ud);
    void (*grew)(void *ud);
    void *ud;
    atomic_int refs;
    atomic_bool posted[2]; /* stop_msgs, the gentle one and the hard one */
    LoopMsg go_msg, stop_msgs[2];
    _Atomic(Output *) out, err;
    Proc *proc; /* of the io thread: NULL before the start and from `done` on */
    bool stopped; /* of the io thread: asked for, perhaps before the start, … */
    double grace; /* … with this grace */
    uv_timer_t again; /* of the io thread: the next try … */
    bool has_again;
    uint64_t delay, until; /* … in ms, and until when, in ns */
    uint64_t alone; /* … and without descriptors, no other program running */
};

enum {
    LAUNCH_ENVS = 4, /* lists that an environment is made of */
    LAUNCH_SOON = 5,
    LAUNCH_LATER = 250,     /* ms between two tries */
    LAUNCH_PATIENCE = 5000, /* ms, for the first process */
    LAUNCH_SETTLE = 300,    /* ms, for descriptors of ended programs to close */
};

/* The files are removed before the end is reported. */
static void
launch_remove_files(Launch *l)
{
    for (size_t i = 0; l->files && l->files[i]; i++)
        folder_remove(l->engine->folder, l->files[i]);
    task_strings_free(l->files);
    l->files = NULL;
}

void
launch_close(const LaunchSpec *spec)
{
    for (int i = 0; spec->fds && i < 3; i++)
        if (spec->fds[i] >= 0)
            close(spec->fds[i]);
}

static void
launch_unref(Launch *l)
{
    if (atomic_fetch_sub(&l->refs, 1) != 1)
        return;
    launch_close(&(LaunchSpec){ .fds = l->fds });
    launch_remove_files(l);
    task_strings_free(l->argv);
    task_strings_free(l->env);
    output_drop(l->out);
    output_drop(l->err);
    mem_free(l->cwd);
    mem_free(l->in);
    mem_free(l);
}

static size_t
launch_count(char *const *strings)
{
    size_t n = 0;
    while (strings && strings[n])
        n++;
    return n;
}

/* Does the list set or remove the variable of `s`? */
static bool
launch_overridden(const char *s, char *const *list)
{
    size_t n = strcspn(s, "=");
    for (; list && *list; list++)
        if (strncmp(s, *list, n) == 0 && ((*list)[n] == '=' || !(*list)[n]))
            return true;
    return false;
}

/* Append copies of the strings of lists[at] that set a variable, except those
 * that a later list or orun itself sets or removes. False when memory is
 * out. */
static bool
launch_add(char **env, char *const *const lists[LAUNCH_ENVS], int at)
{
    size_t n = launch_count(env);
    for (size_t i = 0; lists[at] && lists[at][i]; i++) {
        const char *s = lists[at][i];
        bool over = control_owns(s) || (at > 0 && !strchr(s, '='));
        for (int later = at + 1; later < LAUNCH_ENVS && !over; later++)
            over = launch_overridden(s, lists[later]);
        if (!over && !(env[n++] = mem_dup(s, strlen(s))))
            return false;
    }
    return true;
}

char **
launch_env(Engine *h, char *const *tree, char *const *type, char *const *own,
           uint64_t task, uint32_t attempt, uint32_t slot)
{
    char *const *const lists[LAUNCH_ENVS] = { h->env, tree, type, own };
    size_t total = CONTROL_VARIABLES + 1;
    for (int i = 0; i < LAUNCH_ENVS; i++)
        total += launch_count(lists[i]);
    char **env = mem_zalloc(total, sizeof *env);
    bool fine = env != NULL;
    for (int i = 0; i < LAUNCH_ENVS && fine; i++)
        fine = launch_add(env, lists, i);
    if (fine
        && control_put_env(h, task, attempt, slot, env + launch_count(env))
            == 0)
        return env;
    task_strings_free(env);
    return NULL;
}

/* The length of "{name}" at `s`, or 0 if something else is there. */
static size_t
launch_mark(const char *s, const char *name)
{
    size_t n = strlen(name);
    bool is = s[0] == '{' && strncmp(s + 1, name, n) == 0 && s[n + 1] == '}';
    return is ? n + 2 : 0;
}

bool
launch_mentions(const char *const *argv, const char *name)
{
    for (; *argv; argv++)
        for (const char *s = *argv; (s = strchr(s, '{')) != NULL; s++)
            if (launch_mark(s, name))
                return true;
    return false;
}

/* Append an argument, with the paths of files in place of their marks. No marks
 * are looked for in a path. */
static void
launch_argument(const Launch *l, const LaunchSpec *spec, const char *s, Buf *b)
{
    while (*s) {
        size_t i = 0, mark = 0;
        for (; i < spec->file_count; i++)
            if ((mark = launch_mark(s, spec->files[i].name)) > 0)
                break;
        if (mark)
            buf_puts(b, l->files[i]);
        size_t plain = mark ? 0 : 1 + strcspn(s + 1, "{");
        buf_put(b, s, plain);
        s += mark + plain;
    }
}

/* A copy of the strings, with the paths of files in place of their marks. */
static char **
launch_marked(const Launch *l, const LaunchSpec *spec, char *const *strings)
{
    size_t n = launch_count(strings);
    char **copy = mem_zalloc(n + 1, sizeof *copy);
    for (size_t i = 0; copy && i < n; i++) {
        Buf arg = { 0 };
        launch_argument(l, spec, strings[i], &arg);
        if (!(copy[i] = buf_take(&arg)))
            return task_strings_free(copy), NULL;
    }
    return copy;
}

static int
launch_write_files(Launch *l, const LaunchSpec *spec)
{
    l->files = mem_zalloc(spec->file_count + 1, sizeof *l->files);
    if (!l->files)
        return ORUN_ENOMEM;
    for (size_t i = 0; i < spec->file_count; i++) {
        const LaunchFile *f = &spec->files[i];
        int e = folder_file(l->engine->folder, f->name, ".txt", f->text,
                            f->size, &l->files[i]);
        if (e)
            return e;
    }
    return 0;
}

static void launch_go_posted(LoopMsg *msg);
static void launch_stop_posted(LoopMsg *msg);
static void launch_kill_posted(LoopMsg *msg);

static int
launch_copy(Launch *l, const LaunchSpec *spec)
{
    int e = spec->file_count ? launch_write_files(l, spec) : 0;
    if (e)
        return e;
    if (spec->in && !(l->in = mem_dup(spec->in, spec->in_len)))
        return ORUN_ENOMEM;
    l->in_len = spec->in_len;
    l->argv = launch_marked(l, spec, (char *const *)spec->argv);
    char **env = spec->env ? launch_marked(l, spec, spec->env) : NULL;
    if (env || !spec->env)
        l->env = launch_env(l->engine, spec->tree_env, spec->type_env, env,
                            spec->task, spec->attempt, spec->slot);
    task_strings_free(env);
    if (spec->cwd && !(l->cwd = mem_dup(spec->cwd, strlen(spec->cwd))))
        return ORUN_ENOMEM;
    return l->argv && l->env ? 0 : ORUN_ENOMEM;
}

int
launch_new(Engine *h, const LaunchSpec *spec, Launch **out)
{
    bool io = engine_loop(h) != NULL;
    Launch *l = io ? mem_zalloc(1, sizeof *l) : NULL;
    if (!l) {
        launch_close(spec);
        return io ? ORUN_ENOMEM : ORUN_ESYS;
    }
    l->has_fds = spec->fds != NULL;
    for (int i = 0; i < 3; i++)
        l->fds[i] = l->has_fds ? spec->fds[i] : -1;
    l->engine = h;
    l->keep = spec->keep;
    l->lingers = spec->lingers;
    l->task = spec->task;
    l->done = spec->done;
    l->started = spec->started;
    l->grew = spec->grew;
    l->ud = spec->ud;
    atomic_init(&l->refs, 1);
    l->go_msg.run = launch_go_posted;
    l->stop_msgs[0].run = launch_stop_posted;
    l->stop_msgs[1].run = launch_kill_posted;
    int e = launch_copy(l, spec);
    if (e) {
        launch_unref(l);
        return e;
    }
    *out = l;
    return 0;
}

void
launch_go(Launch *l)
{
    Loop *loop = engine_loop(l->engine);
    atomic_fetch_add(&l->refs, 1);
    if (loop_is_io(loop)) /* the end of one program starts the next */
        launch_go_posted(&l->go_msg);
    else
        loop_post(loop, &l->go_msg);
}

static void
launch_again_closed(uv_handle_t *timer)
{
    launch_unref(container_of(timer, Launch, again));
}

static void ON_IO
launch_end(Launch *l, const ProcEnd *end)
{
    if (l->has_again)
        uv_close((uv_handle_t *)&l->again, launch_again_closed);
    launch_remove_files(l);
    l->done(l, end, l->ud);
    launch_unref(l);
}

/* Will there be descriptors? Programs that run return theirs when they end, and
 * those of programs that have just ended take a moment to be closed. */
static bool ON_IO
launch_may_have_fds(Launch *l)
{
    uint64_t now = uv_hrtime();
    if (l->engine->programs > 0) {
        l->alone = 0;
    } else if (!l->alone) {
        l->alone = now + LAUNCH_SETTLE * 1000000ull;
        l->delay = LAUNCH_SOON;
    }
    return !l->alone || now < l->alone;
}

/* May a later try succeed? */
static bool ON_IO
launch_may_retry(Launch *l, const ProcEnd *end)
{
    if (l->stopped || l->has_fds || l->out)
        return false;
    if (end->spawn_errno == EMFILE || end->spawn_errno == ENFILE)
        return launch_may_have_fds(l);
    return end->spawn_errno == EAGAIN && uv_hrtime() < l->until;
}

static void launch_try_again(uv_timer_t *timer);

/* It could not be started: report that, or try again. */
static void ON_IO
launch_refused(Launch *l, const ProcEnd *end)
{
    if (!launch_may_retry(l, end)) {
        launch_end(l, end);
        return;
    }
    LOG(PROC, "%s: %s, later once more", l->argv[0],
        strerror(end->spawn_errno));
    if (!l->has_again) {
        uv_timer_init(loop_uv(l->engine->loop), &l->again);
        l->has_again = true;
        atomic_fetch_add(&l->refs, 1);
    }
    uv_update_time(l->again.loop);
    uv_timer_start(&l->again, launch_try_again, l->delay, 0);
    if (l->delay < LAUNCH_LATER)
        l->delay *= 2;
}

static void
launch_proc_done(Proc *proc, void *ud)
{
    role_is_io();
    Launch *l = ud;
    ProcEnd end = *proc_end(proc);
    l->proc = NULL;
    l->engine->programs -= l->out != NULL;
    if (end.left)
        sched_left(&l->engine->sched, l->task);
    if (l->out)
        launch_end(l, &end);
    else
        launch_refused(l, &end);
    proc_free(proc);
}

static void
launch_proc_started(void *ud)
{
    role_is_io();
    Launch *l = ud;
    if (l->started)
        l->started(l->ud);
}

static void ON_IO
launch_start(Launch *l)
{
    SupervisorClient *supervisor = supervisor_client_of(l->engine);
    ProcSpec spec = {
        .argv = (const char *const *)l->argv,
        .env = (const char *const *)l->env,
        .cwd = l->cwd,
        .in = l->in,
        .in_len = l->in_len,
        .fds = l->has_fds ? l->fds : NULL,
        .keep = l->keep,
        .lingers = l->lingers,
        .task = l->task,
        .clock = &l->engine->clock,
        .started = launch_proc_started,
        .done = launch_proc_done,
        .ud = l,
    };
    l->proc = supervisor ? proc_start(supervisor, l->engine->folder, &spec)
                         : NULL;
    for (int i = 0; l->proc && i < 3; i++)
        l->fds[i] = -1;
    if (!l->proc) {
        ProcEnd end = { .spawn_errno = supervisor ? ENOMEM : errno,
                        .spawn_what = "supervisor",
                        .code = -1 };
        launch_refused(l, &end);
        return;
    }
    if (proc_end(l->proc)->spawn_errno)
        return;
    l->engine->programs++;
    if (l->grew) {
        output_on_growth(proc_out(l->proc), l->grew, l->ud);
        output_on_growth(proc_err(l->proc), l->grew, l->ud);
    }
    atomic_store(&l->out, output_hold(proc_out(l->proc)));
    atomic_store(&l->err, output_hold(proc_err(l->proc)));
    if (l->stopped)
        proc_stop(l->proc, l->grace);
}

static void
launch_try_again(uv_timer_t *timer)
{
    role_is_io();
    launch_start(container_of(timer, Launch, again));
}

static void
launch_go_posted(LoopMsg *msg)
{
    role_is_io();
    Launch *l = container_of(msg, Launch, go_msg);
    l->delay = LAUNCH_SOON;
    l->until = uv_hrtime() + LAUNCH_PATIENCE * 1000000ull;
    launch_start(l);
}

static void ON_IO
launch_stop_now(Launch *l, double grace)
{
    if (!l->stopped || grace < l->grace)
        l->grace = grace;
    l->stopped = true;
    if (l->proc)
        proc_stop(l->proc, grace);
    else if (l->has_again && uv_is_active((uv_handle_t *)&l->again))
        uv_timer_start(&l->again, launch_try_again, 0, 0); /* its last */
    launch_unref(l);
}

static void
launch_stop_posted(LoopMsg *msg)
{
    role_is_io();
    launch_stop_now(container_of(msg, Launch, stop_msgs[0]), LAUNCH_GRACE);
}

static void
launch_kill_posted(LoopMsg *msg)
{
    role_is_io();
    launch_stop_now(container_of(msg, Launch, stop_msgs[1]), 0);
}

void
launch_stop(Launch *l, bool hard)
{
    if (atomic_exchange(&l->posted[hard], true))
        return;
    atomic_fetch_add(&l->refs, 1);
    loop_post(engine_loop(l->engine), &l->stop_msgs[hard]);
}

typedef struct LaunchOver {
    LoopMsg msg;
    Engine *engine;
    uint64_t task;
} LaunchOver;

static void
launch_over_posted(LoopMsg *msg)
{
    role_is_io();
    LaunchOver *over = container_of(msg, LaunchOver, msg);
    SupervisorClient *supervisor = supervisor_client_of(over->engine);
    if (supervisor)
        supervisor_client_task_over(supervisor, over->task);
    mem_free(over);
}

/* Without memory for the message they are killed when the run ends. */
void
launch_task_over(Engine *h, uint64_t task)
{
    LaunchOver *over = mem_alloc(sizeof *over);
    if (!over)
        return;
    *over = (LaunchOver){ { .run = launch_over_posted }, h, task };
    loop_post(engine_loop(h), &over->msg);
}

Output *
launch_out(Launch *l)
{
    return atomic_load(&l->out);
}

Output *
launch_err(Launch *l)
{
    return atomic_load(&l->err);
}

void
launch_free(Launch *l)
{
    launch_unref(l);
}

/* Add which limit was reached. */
static void
launch_put_limit(int err, Buf *text)
{
    struct rlimit most;
    if (err == EMFILE && getrlimit(RLIMIT_NOFILE, &most) == 0)
        buf_printf(text, "; the process may have %llu open files (ulimit -n)",
                   (unsigned long long)most.rlim_cur);
    else if (err == ENFILE)
        buf_puts(text,
                 "; the system has as many open files as it may have "
                 "(fs.file-max)");
    else if (err == EAGAIN)
        buf_puts(text,
                 "; there are as many processes and threads as the user "
                 "may have (ulimit -u), or no memory for one more");
    else if (err == EFBIG)
        buf_puts(text, "; files may not be larger (ulimit -f)");
}

static void
launch_explain_errno(int err, Buf *text)
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
        launch_explain_errno(err, text);
    else
        buf_puts(text, err_text(e));
}

static void
launch_explain_refusal(const ProcEnd *end, const char *program, Buf *text)
{
    const char *name = strerrorname_np(end->spawn_errno);
    const char *what = strerror(end->spawn_errno);
    if (strcmp(end->spawn_what, "cwd") == 0)
        buf_printf(text, "cwd: %s (%s)", what, name);
    else if (strcmp(end->spawn_what, "exec") == 0)
        buf_printf(text, "cannot start '%s': %s (%s)%s", program, what, name,
                   end->spawn_errno == ENOENT
                       ? "; is it installed, and in PATH?"
                       : "");
    else {
        buf_printf(text, "cannot start '%s': %s: ", program, end->spawn_what);
        launch_explain_errno(end->spawn_errno, text);
    }
}

/* Append the end of stderr, in whole lines if it is cut. Secrets are looked for
 * before the cut too, because it may go through one. */
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
    char *line = tail && before + cut > 0 ? memchr(tail, '\n', text->n - start)
                                          : NULL;
    if (!line || line + 1 == text->p + text->n)
        return;
    memmove(tail, line + 1, (size_t)(text->p + text->n - line - 1));
    text->n -= (size_t)(line + 1 - tail);
}

/* Add why its output is incomplete, if it is. */
static void
launch_put_loss(Output *o, Buf *text)
{
    const char *why = o ? output_error(o) : NULL;
    if (why)
        buf_printf(text, " (%s)", why);
}

static void
launch_explain_exit(const ProcEnd *end, Output *out, Output *err, Buf *text)
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
    while (text->n
           && (text->p[text->n - 1] == '\n' || text->p[text->n - 1] == '\r'))
        text->n--;
}

/* Did it end because nobody read what it printed, or without noticing?
 * Whichever it was, its output is not whole. */
static bool
launch_is_lost(const ProcEnd *end, Output *out)
{
    return out && output_error(out)
        && (end->signal ? end->signal == SIGPIPE : end->code == 0);
}

void
launch_outcome(const ProcEnd *end, const char *program, Output *out,
               Output *err, Outcome *o)
{
    Buf text = { 0 };
    o->code = end->code;
    o->signal = end->signal;
    o->state = TASK_FAILED;
    if (end->spawn_errno) {
        o->fault = FAULT_SPAWN;
        o->code = end->spawn_errno == ENOENT ? 127 : 126;
        launch_explain_refusal(end, program, &text);
    } else if (end->lost) {
        o->fault = FAULT_LOST;
        buf_puts(&text,
                 end->left ? "lost: it could not be stopped in time"
                           : "lost: its supervisor process died");
    } else if (launch_is_lost(end, out)) {
        o->fault = FAULT_LOST;
        buf_puts(&text, output_error(out));
    } else if (end->signal || end->code != 0) {
        o->fault = end->signal ? FAULT_SIGNAL : FAULT_EXIT;
        launch_explain_exit(end, out, err, &text);
    } else {
        o->state = TASK_COMPLETED;
        return;
    }
    o->error = buf_take(&text);
}
