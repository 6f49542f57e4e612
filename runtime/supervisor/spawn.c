/* keeper_exec.c — vfork and exec.
 *
 * Everything from keeper_exec_child on runs in the child, in the keeper's
 * memory, while the keeper stands still: it allocates nothing and changes only
 * its own stack and the KeeperExec. The keeper has no signal handlers and every
 * signal blocked, so nothing can run in the child before its mask is cleared,
 * and after that a signal can only end it.
 */
#include "keeper/keeper_exec.h"
#include "keeper/keeper_wire.h"
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

static const char keeper_exec_path[] = "/usr/local/bin:/usr/bin:/bin";

static char keeper_exec_stack[64 << 10] __attribute__((aligned(64)));

/* The search path the program itself would have. */
static const char *
keeper_exec_search(char *const *env)
{
    for (; *env; env++)
        if (strncmp(*env, "PATH=", 5) == 0)
            return *env + 5;
    return keeper_exec_path;
}

/* errno after `file` could not be executed, with the step it means: a script
 * that is there but "not found" lacks its interpreter. */
static int
keeper_exec_why(KeeperExec *e, const char *file)
{
    int err = errno;
    if (err == ENOENT && access(file, F_OK) == 0)
        e->step = WIRE_STEP_INTERPRETER;
    return err;
}

/* Whether another folder may have a file of that name that works. */
static bool
keeper_exec_go_on(int err)
{
    return err == ENOENT || err == EACCES || err == ENOTDIR || err == ESTALE
        || err == ENODEV || err == ETIMEDOUT || err == ENAMETOOLONG;
}

/* Try the folders of PATH in turn, as execvp does but never with a shell: the
 * errno that says most. */
static int
keeper_exec_find(KeeperExec *e)
{
    char file[PATH_MAX];
    int last = ENOENT, denied = 0;
    const char *at = keeper_exec_search(e->env);
    for (;;) {
        size_t n = strcspn(at, ":");
        int len = snprintf(file, sizeof file, "%.*s%s%s", (int)n, at,
                           n ? "/" : "", e->argv[0]);
        if (len > 0 && (size_t)len < sizeof file) {
            execve(file, e->argv, e->env);
            last = keeper_exec_why(e, file);
            if (last == EACCES)
                denied = EACCES;
            else if (!keeper_exec_go_on(last))
                return last;
        }
        if (!at[n])
            break;
        at += n + 1;
    }
    return denied && e->step == WIRE_STEP_EXEC ? denied : last;
}

/* Leave the child with the reason where the keeper finds it. */
static int
keeper_exec_fail(KeeperExec *e, int step, int err)
{
    e->step = step;
    e->err = err;
    return 127;
}

static int
keeper_exec_child(void *arg)
{
    KeeperExec *e = arg;
    sigset_t none;
    sigemptyset(&none);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != e->keeper) /* it died before that line */
        return 127;
    for (int i = 0; i < 3; i++)
        if (dup2(e->fds[i], i) < 0)
            return keeper_exec_fail(e, WIRE_STEP_PIPE, errno);
    close_range(3, ~0u, CLOSE_RANGE_CLOEXEC); /* all are; a second lock */
    if (e->cwd && chdir(e->cwd) != 0)
        return keeper_exec_fail(e, WIRE_STEP_CWD, errno);
    sigprocmask(SIG_SETMASK, &none, NULL);
    e->step = WIRE_STEP_EXEC;
    if (!strchr(e->argv[0], '/') && e->argv[0][0])
        return keeper_exec_fail(e, e->step, keeper_exec_find(e));
    execve(e->argv[0], e->argv, e->env);
    int err = keeper_exec_why(e, e->argv[0]);
    return keeper_exec_fail(e, e->step, err);
}

int
keeper_exec(KeeperExec *e)
{
    e->err = 0;
    e->step = WIRE_STEP_NONE;
    e->keeper = getpid();
    int pid = clone(keeper_exec_child,
                    keeper_exec_stack + sizeof keeper_exec_stack,
                    CLONE_VM | CLONE_VFORK | SIGCHLD, e);
    if (pid < 0) {
        keeper_exec_fail(e, WIRE_STEP_FORK, errno);
        return 0;
    }
    if (!e->err)
        return pid;
    waitpid(pid, NULL, 0);
    return 0;
}
