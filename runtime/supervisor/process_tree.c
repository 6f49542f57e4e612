/* keeper_tree.c — looking at /proc, and killing by what is found there.
 *
 * One look is not atomic: a process may be born behind it. But SIGKILL, once
 * sent, stops a process from forking, and a child that was born before it shows
 * up in the next look. So whoever kills a tree looks again until a look finds
 * nothing new.
 */
#include "keeper/keeper_tree.h"
#include "base/mem.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static DIR *keeper_tree_proc;

void
keeper_tree_init(void)
{
    keeper_tree_proc = opendir("/proc");
}

/* Read at most size - 1 bytes of /proc/PID/`what`; the count, or -1. */
static ssize_t
keeper_tree_read(const char *pid, const char *what, char *to, size_t size)
{
    char name[64];
    snprintf(name, sizeof name, "%s/%s", pid, what);
    int fd = openat(dirfd(keeper_tree_proc), name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    size_t n = 0;
    ssize_t got = 0;
    while (n < size - 1 && (got = read(fd, to + n, size - 1 - n)) > 0)
        n += (size_t)got;
    close(fd);
    to[n] = '\0';
    return got < 0 ? -1 : (ssize_t)n;
}

/* Fill `p` from the stat line of a process; false when it is gone. */
static bool
keeper_tree_stat(const char *pid, TreeProc *p)
{
    char line[512], state;
    if (keeper_tree_read(pid, "stat", line, sizeof line) <= 0)
        return false;
    const char *end = strrchr(line, ')'); /* the name may hold anything */
    if (!end
        || sscanf(end + 1, " %c %d %d", &state, &p->parent, &p->group) != 3)
        return false;
    p->pid = atoi(pid);
    p->dead = state == 'Z' || state == 'X';
    p->stopped = state == 'T';
    p->stuck = state == 'D';
    p->marked = false;
    return true;
}

/* Room for one more, or NULL. */
static TreeProc *
keeper_tree_slot(Tree *t)
{
    if (t->n == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 256;
        TreeProc *procs = mem_realloc(t->procs, cap * sizeof *procs);
        if (!procs)
            return NULL;
        t->procs = procs;
        t->cap = cap;
    }
    return &t->procs[t->n];
}

static int
keeper_tree_order(const void *a, const void *b)
{
    const TreeProc *x = a, *y = b;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

/* The next process folder of /proc, or NULL. */
static const char *
keeper_tree_next(void)
{
    const struct dirent *d;
    while ((d = readdir(keeper_tree_proc)) != NULL)
        if (d->d_name[0] >= '1' && d->d_name[0] <= '9')
            return d->d_name;
    return NULL;
}

void
keeper_tree_look(Tree *t)
{
    t->n = 0;
    if (!keeper_tree_proc)
        return;
    rewinddir(keeper_tree_proc);
    bool sorted = true;
    for (const char *pid; (pid = keeper_tree_next()) != NULL;) {
        TreeProc *p = keeper_tree_slot(t);
        if (!p)
            break;
        if (!keeper_tree_stat(pid, p))
            continue;
        if (t->n && p[-1].pid > p->pid)
            sorted = false;
        t->n++;
    }
    if (!sorted)
        qsort(t->procs, t->n, sizeof *t->procs, keeper_tree_order);
}

static TreeProc *
keeper_tree_find(const Tree *t, int pid)
{
    TreeProc key = { .pid = pid };
    return t->n ? bsearch(&key, t->procs, t->n, sizeof key, keeper_tree_order)
                : NULL;
}

void
keeper_tree_spread(Tree *t)
{
    /* Pids wrap around, so a child may stand before its parent. */
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < t->n; i++) {
            TreeProc *p = &t->procs[i];
            const TreeProc *parent = p->marked ? NULL
                : keeper_tree_find(t, p->parent);
            if (parent && parent->marked)
                more = p->marked = true;
        }
    }
}

void
keeper_tree_mark_own(Tree *t)
{
    int self = getpid();
    for (size_t i = 0; i < t->n; i++)
        t->procs[i].marked = t->procs[i].parent == self;
    keeper_tree_spread(t);
}

size_t
keeper_tree_kill(const Tree *t)
{
    size_t sent = 0;
    for (size_t i = 0; i < t->n; i++)
        if (t->procs[i].marked && !t->procs[i].dead)
            sent += kill(t->procs[i].pid, SIGKILL) == 0;
    return sent;
}

/* The ORUN_KEEPER that process `pid` was started with, in a static buffer, or
 * NULL. It is looked for everywhere: shells reorder what they pass on. */
static const char *
keeper_tree_mark(int pid)
{
    enum { ENV_MAX = 1 << 20 };
    static char env[ENV_MAX];
    static const char mark[] = "ORUN_KEEPER=";
    char text[16];
    snprintf(text, sizeof text, "%d", pid);
    ssize_t n = keeper_tree_read(text, "environ", env, sizeof env);
    for (const char *p = env; p < env + n; p += strlen(p) + 1)
        if (strncmp(p, mark, sizeof mark - 1) == 0)
            return p + sizeof mark - 1;
    return NULL;
}

bool
keeper_tree_task(int pid, uint64_t *task)
{
    const char *mark = keeper_tree_mark(pid);
    int keeper;
    unsigned long long number;
    if (!mark || sscanf(mark, "%d:t%llu", &keeper, &number) != 2
        || keeper != getpid())
        return false;
    *task = number;
    return true;
}

void
keeper_tree_end(void)
{
    static Tree t;
    for (long ms = 1;; ms = ms < 50 ? ms * 2 : 50) {
        keeper_tree_look(&t);
        keeper_tree_mark_own(&t);
        keeper_tree_kill(&t);
        int pid;
        while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
            continue;
        if (pid < 0 && errno == ECHILD)
            return;
        struct timespec nap = { 0, ms * 1000000 };
        nanosleep(&nap, NULL);
    }
}
