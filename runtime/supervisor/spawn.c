/* spawn.c — reading a request to start a program; vfork and exec.
 *
 * Everything from spawn_child on runs in the child, in the supervisor's memory,
 * while the supervisor stands still: it allocates nothing and changes only its
 * own stack and the Spawn. The supervisor has no signal handlers and blocks
 * every signal, so nothing can run in the child before its mask is cleared, and
 * after that a signal can only end it.
 */
#include "supervisor/spawn.h"
#include "base/mem.h"
#include "supervisor/process_tree.h"
#include "supervisor/supervisor_protocol.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4
#endif

/* Where a program is looked for whose environment has no PATH. */
static const char spawn_path[] = "/usr/local/bin:/usr/bin:/bin";

static char spawn_stack[64 << 10] __attribute__((aligned(64)));

/* ---- the request ---- */

/* Point `to` at the `n` strings that begin at *at; false when there are fewer
 * before `end`. */
static bool
spawn_strings(char **to, size_t n, char **at, const char *end)
{
    for (size_t i = 0; i < n; i++) {
        if (*at >= end)
            return false;
        to[i] = *at;
        *at += strlen(*at) + 1;
    }
    to[n] = NULL;
    return true;
}

/* Set argv, env (with the mark in it) and cwd from the strings of the body. */
static bool
spawn_parse(Spawn *s, const ProtocolSpawn *w, char *text, size_t size)
{
    char **argv = s->strings, **env = argv + w->argc + 1, **kept = env + 1;
    char *at = text, *cwd[2] = { NULL };
    const char *end = text + size;
    if (w->argc == 0 || size == 0 || text[size - 1] != '\0'
        || !spawn_strings(cwd, w->has_cwd, &at, end)
        || !spawn_strings(argv, w->argc, &at, end)
        || !spawn_strings(env + 1, w->envc, &at, end))
        return false;
    env[0] = s->mark;
    for (char **v = kept; *v; v++)
        if (strncmp(*v, PROCESS_TREE_MARK, sizeof PROCESS_TREE_MARK - 1) != 0)
            *kept++ = *v;
    *kept = NULL;
    s->argv = argv;
    s->env = env;
    s->cwd = cwd[0];
    snprintf(s->mark, sizeof s->mark, PROCESS_TREE_MARK "%d:t%llu", getpid(),
             (unsigned long long)w->task);
    return true;
}

Spawn *
spawn_new(uint64_t id, const char *body, size_t size)
{
    ProtocolSpawn w;
    errno = EPROTO;
    if (size < sizeof w)
        return NULL;
    memcpy(&w, body, sizeof w);
    body += sizeof w;
    size -= sizeof w;
    if (w.argc > size || w.envc > size || w.has_cwd > 1)
        return NULL;
    size_t pointers = ((size_t)w.argc + w.envc + 3) * sizeof(char *);
    Spawn *s = mem_alloc(sizeof *s + pointers + size);
    if (!s)
        return errno = ENOMEM, NULL;
    *s = (Spawn){ .id = id, .task = w.task, .lingers = w.lingers != 0 };
    char *text = (char *)s->strings + pointers;
    memcpy(text, body, size);
    if (spawn_parse(s, &w, text, size))
        return s;
    mem_free(s);
    return errno = EPROTO, NULL;
}

/* ---- the start ---- */

/* The search path that the program itself would have. */
static const char *
spawn_search(char *const *env)
{
    for (; *env; env++)
        if (strncmp(*env, "PATH=", 5) == 0)
            return *env + 5;
    return spawn_path;
}

/* errno after `file` could not be executed. Sets the step if that says more: a
 * script that is there but "not found" lacks its interpreter. */
static int
spawn_why(Spawn *s, const char *file)
{
    int err = errno;
    if (err == ENOENT && access(file, F_OK) == 0)
        s->step = PROTOCOL_STEP_INTERPRETER;
    return err;
}

/* May another folder have a file of that name that works? */
static bool
spawn_try_next(int err)
{
    return err == ENOENT || err == EACCES || err == ENOTDIR || err == ESTALE
        || err == ENODEV || err == ETIMEDOUT || err == ENAMETOOLONG;
}

/* Try the folders of PATH in turn, as execvp does but never with a shell.
 * Returns the errno that says most. */
static int
spawn_find(Spawn *s)
{
    char file[PATH_MAX];
    int last = ENOENT, denied = 0;
    const char *at = spawn_search(s->env);
    for (;;) {
        size_t n = strcspn(at, ":");
        int len = snprintf(file, sizeof file, "%.*s%s%s", (int)n, at,
                           n ? "/" : "", s->argv[0]);
        if (len > 0 && (size_t)len < sizeof file) {
            execve(file, s->argv, s->env);
            last = spawn_why(s, file);
            if (last == EACCES)
                denied = EACCES;
            else if (!spawn_try_next(last))
                return last;
        }
        if (!at[n])
            break;
        at += n + 1;
    }
    return denied && s->step == PROTOCOL_STEP_EXEC ? denied : last;
}

/* Leave the reason where the supervisor finds it; returns the exit code. */
static int
spawn_fail(Spawn *s, int step, int err)
{
    s->step = step;
    s->err = err;
    return 127;
}

static int
spawn_child(void *arg)
{
    Spawn *s = arg;
    sigset_t none;
    sigemptyset(&none);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != s->supervisor) /* it died before that call */
        return 127;
    for (int i = 0; i < 3; i++)
        if (dup2(s->fds[i], i) < 0)
            return spawn_fail(s, PROTOCOL_STEP_PIPE, errno);
    close_range(3, ~0u, CLOSE_RANGE_CLOEXEC); /* all have it; to be sure */
    if (s->cwd && chdir(s->cwd) != 0)
        return spawn_fail(s, PROTOCOL_STEP_CWD, errno);
    sigprocmask(SIG_SETMASK, &none, NULL);
    s->step = PROTOCOL_STEP_EXEC;
    if (!strchr(s->argv[0], '/') && s->argv[0][0])
        return spawn_fail(s, s->step, spawn_find(s));
    execve(s->argv[0], s->argv, s->env);
    int err = spawn_why(s, s->argv[0]);
    return spawn_fail(s, s->step, err);
}

int
spawn_exec(Spawn *s)
{
    s->err = 0;
    s->step = PROTOCOL_STEP_NONE;
    s->supervisor = getpid();
    int pid = clone(spawn_child, spawn_stack + sizeof spawn_stack,
                    CLONE_VM | CLONE_VFORK | SIGCHLD, s);
    if (pid < 0) {
        spawn_fail(s, PROTOCOL_STEP_FORK, errno);
        return 0;
    }
    if (!s->err)
        return pid;
    waitpid(pid, NULL, 0);
    return 0;
}
