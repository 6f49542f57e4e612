/* launch.c — copying a request, posting it to the io thread, judging its end.
 *
 * References: one for the owner, one for each message in the mailbox and one
 * for the running Proc; the last one frees.
 */
#include "launch.h"
#include "err.h"
#include "folder.h"
#include "log.h"
#include "mem.h"
#include "handle.h"
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

struct Launch {
    Host *host;
    char **argv, **env;
    char *cwd, *in, *file;
    size_t in_len, keep;
    uint64_t task;
    void (*done)(Launch *l, const ProcEnd *end, void *ud);
    void *ud;
    atomic_int refs;
    atomic_bool stop_posted;
    LoopMsg go_msg, stop_msg;
    _Atomic(Output *) out, err;
    Proc *proc; /* of the io thread: NULL before the start and from `done` on */
    bool stopped; /* of the io thread: asked for, perhaps before the start */
};

/* Before anybody is told of the end, the prompt's file is gone. */
static void
launch_remove_file(Launch *l)
{
    if (l->file)
        unlink(l->file);
    mem_free(l->file);
    l->file = NULL;
}

static void
launch_unref(Launch *l)
{
    if (atomic_fetch_sub(&l->refs, 1) != 1)
        return;
    launch_remove_file(l);
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

/* True when some later list sets the same variable as `s`. */
static bool
launch_overridden(const char *s, char *const *later)
{
    size_t n = strcspn(s, "=") + 1;
    for (; later && *later; later++)
        if (strncmp(s, *later, n) == 0)
            return true;
    return false;
}

static char **
launch_env(char *const *base, char *const *type, char *const *own,
           uint64_t task)
{
    char id[HANDLE_ID_SIZE];
    char *const *lists[] = { base, type, own };
    size_t total = 2, n = 0;
    for (size_t i = 0; i < countof(lists); i++)
        total += launch_count(lists[i]);
    char **env = mem_zalloc(total, sizeof *env);
    if (!env)
        return NULL;
    for (size_t i = 0; i < countof(lists); i++)
        for (size_t j = 0; lists[i] && lists[i][j]; j++) {
            const char *s = lists[i][j];
            if ((i < 2 && launch_overridden(s, own))
                || (i < 1 && launch_overridden(s, type))
                || strncmp(s, "ORUN_TASK_ID=", 13) == 0)
                continue;
            if (!(env[n++] = mem_dup(s, strlen(s))))
                return task_strings_free(env), NULL;
        }
    Buf last = { 0 };
    handle_name(task, id);
    buf_printf(&last, "ORUN_TASK_ID=%s", id);
    if (!(env[n] = buf_take(&last)))
        return task_strings_free(env), NULL;
    return env;
}

static const char launch_mark[] = "{prompt_file}";

/* Copy argv, with the file's path for each mark. */
static char **
launch_argv(const char *const *argv, const char *file)
{
    size_t n = launch_count((char *const *)argv);
    char **copy = mem_zalloc(n + 1, sizeof *copy);
    for (size_t i = 0; copy && i < n; i++) {
        Buf arg = { 0 };
        const char *s = argv[i];
        for (const char *at; file && (at = strstr(s, launch_mark)) != NULL;
             s = at + sizeof launch_mark - 1) {
            buf_put(&arg, s, (size_t)(at - s));
            buf_puts(&arg, file);
        }
        buf_puts(&arg, s);
        if (!(copy[i] = buf_take(&arg)))
            return task_strings_free(copy), NULL;
    }
    return copy;
}

static bool
launch_wants_file(const char *const *argv)
{
    for (; *argv; argv++)
        if (strstr(*argv, launch_mark))
            return true;
    return false;
}

static void launch_go_posted(LoopMsg *msg);
static void launch_stop_posted(LoopMsg *msg);

static int
launch_copy(Launch *l, const LaunchSpec *spec)
{
    if (launch_wants_file(spec->argv)) {
        int e = folder_file(l->host->folder, "prompt", ".txt", spec->in,
                            spec->in_len, &l->file);
        if (e)
            return e;
    } else if (spec->in) {
        l->in_len = spec->in_len;
        if (!(l->in = mem_dup(spec->in, spec->in_len)))
            return ORUN_ENOMEM;
    }
    l->argv = launch_argv(spec->argv, l->file);
    l->env = launch_env(l->host->env, spec->type_env, spec->env, spec->task);
    if (spec->cwd && !(l->cwd = mem_dup(spec->cwd, strlen(spec->cwd))))
        return ORUN_ENOMEM;
    return l->argv && l->env ? 0 : ORUN_ENOMEM;
}

int
launch_new(Host *h, const LaunchSpec *spec, Launch **out)
{
    if (!host_loop(h))
        return ORUN_ESYS;
    Launch *l = mem_zalloc(1, sizeof *l);
    if (!l)
        return ORUN_ENOMEM;
    l->host = h;
    l->keep = spec->keep;
    l->task = spec->task;
    l->done = spec->done;
    l->ud = spec->ud;
    atomic_init(&l->refs, 1);
    l->go_msg.run = launch_go_posted;
    l->stop_msg.run = launch_stop_posted;
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
    Loop *loop = host_loop(l->host);
    atomic_fetch_add(&l->refs, 1);
    if (loop_is_io(loop)) /* the end of one program starts the next */
        launch_go_posted(&l->go_msg);
    else
        loop_post(loop, &l->go_msg);
}

static void
launch_proc_done(Proc *proc, void *ud)
{
    role_is_io();
    Launch *l = ud;
    ProcEnd end = *proc_end(proc);
    l->proc = NULL;
    launch_remove_file(l);
    l->done(l, &end, l->ud);
    proc_free(proc);
    launch_unref(l);
}

static void
launch_go_posted(LoopMsg *msg)
{
    role_is_io();
    Launch *l = container_of(msg, Launch, go_msg);
    Keeper *keeper = host_keeper(l->host);
    ProcSpec spec = {
        .argv = (const char *const *)l->argv,
        .env = (const char *const *)l->env,
        .cwd = l->cwd, .in = l->in, .in_len = l->in_len,
        .keep = l->keep, .task = l->task,
        .done = launch_proc_done, .ud = l,
    };
    l->proc = keeper ? proc_start(keeper, l->host->folder, &spec) : NULL;
    if (!l->proc) {
        ProcEnd end = { .spawn_errno = ENOMEM, .spawn_what = "keeper",
                        .code = -1 };
        l->done(l, &end, l->ud);
        launch_unref(l);
        return;
    }
    atomic_store(&l->out, output_hold(proc_out(l->proc)));
    atomic_store(&l->err, output_hold(proc_err(l->proc)));
    if (l->stopped)
        proc_stop(l->proc, LAUNCH_GRACE);
}

static void
launch_stop_posted(LoopMsg *msg)
{
    role_is_io();
    Launch *l = container_of(msg, Launch, stop_msg);
    l->stopped = true;
    if (l->proc)
        proc_stop(l->proc, LAUNCH_GRACE);
    launch_unref(l);
}

void
launch_stop(Launch *l)
{
    if (atomic_exchange(&l->stop_posted, true))
        return;
    atomic_fetch_add(&l->refs, 1);
    loop_post(host_loop(l->host), &l->stop_msg);
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
    else
        buf_printf(text, "cannot start '%s': %s: %s (%s)", program,
                   end->spawn_what, what, name);
}

static void
launch_judge_exit(const ProcEnd *end, Output *err, Buf *text)
{
    if (end->signal)
        buf_printf(text, "killed by signal %d (SIG%s)%s", end->signal,
                   sigabbrev_np(end->signal) ? sigabbrev_np(end->signal) : "?",
                   end->core ? ", core dumped" : "");
    else
        buf_printf(text, "exit code %d%s", end->code,
                   end->code == 127 ? " (command not found?)" : "");
    if (!err || output_size(err) == 0)
        return;
    buf_puts(text, ": ");
    output_tail(err, LAUNCH_STDERR, text);
    while (text->n && (text->p[text->n - 1] == '\n'
                       || text->p[text->n - 1] == '\r'))
        text->n--;
}

void
launch_judge(const ProcEnd *end, const char *program, Output *err, Outcome *o)
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
        buf_puts(&text, "lost: the process that keeps the children died");
    } else if (end->signal || end->code != 0) {
        o->fault = end->signal ? FAULT_SIGNAL : FAULT_EXIT;
        launch_judge_exit(end, err, &text);
    } else {
        o->state = TASK_COMPLETED;
        return;
    }
    o->error = buf_take(&text);
}
