/* process_tree.c — reading /proc, and killing what is found there.
 *
 * One look is not atomic: a process may be born behind it. But a process that
 * was sent SIGKILL cannot fork, and a child that was born before shows up in
 * the next look. So code that kills a tree looks again until a look finds
 * nothing new.
 */
#include "supervisor/process_tree.h"
#include "base/mem.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static DIR *process_tree_proc;

void
process_tree_init(void)
{
    process_tree_proc = opendir("/proc");
}

/* Read at most size - 1 bytes of /proc/PID/`what`; the count, or -1. */
static ssize_t
process_tree_read(const char *pid, const char *what, char *to, size_t size)
{
    char name[64];
    snprintf(name, sizeof name, "%s/%s", pid, what);
    int fd = openat(dirfd(process_tree_proc), name, O_RDONLY | O_CLOEXEC);
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

/* Set *p from the stat line of a process; false when it is gone. */
static bool
process_tree_stat(const char *pid, Process *p)
{
    char line[512], state;
    if (process_tree_read(pid, "stat", line, sizeof line) <= 0)
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

/* Room for one more process, or NULL. */
static Process *
process_tree_slot(ProcessTree *t)
{
    if (t->n == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 256;
        Process *procs = mem_realloc(t->procs, cap * sizeof *procs);
        if (!procs)
            return NULL;
        t->procs = procs;
        t->cap = cap;
    }
    return &t->procs[t->n];
}

static int
process_tree_order(const void *a, const void *b)
{
    const Process *x = a, *y = b;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

/* The next process folder of /proc, or NULL. */
static const char *
process_tree_next(void)
{
    const struct dirent *d;
    while ((d = readdir(process_tree_proc)) != NULL)
        if (d->d_name[0] >= '1' && d->d_name[0] <= '9')
            return d->d_name;
    return NULL;
}

void
process_tree_look(ProcessTree *t)
{
    t->n = 0;
    if (!process_tree_proc)
        return;
    rewinddir(process_tree_proc);
    bool sorted = true;
    for (const char *pid; (pid = process_tree_next()) != NULL;) {
        Process *p = process_tree_slot(t);
        if (!p)
            break;
        if (!process_tree_stat(pid, p))
            continue;
        if (t->n && p[-1].pid > p->pid)
            sorted = false;
        t->n++;
    }
    if (!sorted)
        qsort(t->procs, t->n, sizeof *t->procs, process_tree_order);
}

static Process *
process_tree_find(const ProcessTree *t, int pid)
{
    Process key = { .pid = pid };
    return t->n ? bsearch(&key, t->procs, t->n, sizeof key, process_tree_order)
                : NULL;
}

void
process_tree_spread(ProcessTree *t)
{
    /* Pids wrap around, so a child may stand before its parent. */
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < t->n; i++) {
            Process *p = &t->procs[i];
            const Process *parent = p->marked ? NULL
                                              : process_tree_find(t, p->parent);
            if (parent && parent->marked)
                more = p->marked = true;
        }
    }
}

void
process_tree_mark_own(ProcessTree *t)
{
    int self = getpid();
    for (size_t i = 0; i < t->n; i++)
        t->procs[i].marked = t->procs[i].parent == self;
    process_tree_spread(t);
}

size_t
process_tree_kill(const ProcessTree *t)
{
    size_t sent = 0;
    for (size_t i = 0; i < t->n; i++)
        if (t->procs[i].marked && !t->procs[i].dead)
            sent += kill(t->procs[i].pid, SIGKILL) == 0;
    return sent;
}

/* The value of the mark that process `pid` was started with, in a static
 * buffer, or NULL. The whole environment is searched, because shells reorder
 * what they pass on. */
static const char *
process_tree_mark(int pid)
{
    enum { ENV_MAX = 1 << 20 };
    static char env[ENV_MAX];
    char text[16];
    snprintf(text, sizeof text, "%d", pid);
    ssize_t n = process_tree_read(text, "environ", env, sizeof env);
    for (const char *p = env; p < env + n; p += strlen(p) + 1)
        if (strncmp(p, PROCESS_TREE_MARK, sizeof PROCESS_TREE_MARK - 1) == 0)
            return p + sizeof PROCESS_TREE_MARK - 1;
    return NULL;
}

bool
process_tree_task(int pid, uint64_t *task)
{
    const char *mark = process_tree_mark(pid);
    int supervisor;
    unsigned long long number;
    if (!mark || sscanf(mark, "%d:t%llu", &supervisor, &number) != 2
        || supervisor != getpid())
        return false;
    *task = number;
    return true;
}

void
process_tree_end(void)
{
    static ProcessTree t;
    for (long ms = 1;; ms = ms < 50 ? ms * 2 : 50) {
        process_tree_look(&t);
        process_tree_mark_own(&t);
        process_tree_kill(&t);
        int pid;
        while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
            continue;
        if (pid < 0 && errno == ECHILD)
            return;
        struct timespec nap = { 0, ms * 1000000 };
        nanosleep(&nap, NULL);
    }
}
