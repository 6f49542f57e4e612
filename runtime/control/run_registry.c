/* run_registry.c — the folder of live runs: written, read, swept. */
#include "control/run_registry.h"
#include "base/err.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    RUN_REGISTRY_SWEPT = 64, /* files that a starting run checks */
    RUN_REGISTRY_NAMES = 9,  /* to try when one is taken */
    RUN_REGISTRY_BEGUN = 60, /* seconds a file may stay empty */
};

/* ---- the folder ---- */

/* Open a folder that we own, where others have at most the permissions
 * `others`. -1: see errno. */
static int
run_registry_enter(int at, const char *path, mode_t others)
{
    struct stat st;
    int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) == 0 && st.st_uid == geteuid()
        && !(st.st_mode & 077 & ~others))
        return fd;
    close(fd);
    errno = EPERM;
    return -1;
}

/* Open our own folder `name`, relative to `at`; `make` creates it. */
static int
run_registry_below(int at, const char *name, bool make)
{
    if (make && mkdirat(at, name, 0700) != 0 && errno != EEXIST)
        return -1;
    return run_registry_enter(at, name, 0);
}

/* The i-th candidate for the folder in /tmp, where another user may have taken
 * the name. */
static int
run_registry_shared(int i, bool make)
{
    char path[64];
    int n = snprintf(path, sizeof path, "/tmp/orun-%u", (unsigned)geteuid());
    if (i > 0)
        snprintf(path + n, sizeof path - (size_t)n, "-%d", i);
    return run_registry_below(AT_FDCWD, path, make);
}

/* Open the directory that the folder is in; -1: it is in /tmp. */
static int
run_registry_parent(const char *runtime_dir)
{
    char path[64];
    int parent = -1;
    if (runtime_dir && *runtime_dir == '/')
        parent = run_registry_enter(AT_FDCWD, runtime_dir, 055);
    snprintf(path, sizeof path, "/run/user/%u", (unsigned)geteuid());
    return parent < 0 ? run_registry_enter(AT_FDCWD, path, 055) : parent;
}

/* Open the folder in `parent`, which is closed. */
static int
run_registry_in(int parent, bool make)
{
    int fd = run_registry_below(parent, "orun", make), e = errno;
    close(parent);
    errno = e;
    return fd;
}

/* Open the folder, creating it when missing. In /tmp: the first candidate that
 * is ours or can be created. -1: see errno. */
static int
run_registry_open(const char *runtime_dir)
{
    int parent = run_registry_parent(runtime_dir), fd = -1;
    if (parent >= 0)
        return run_registry_in(parent, true);
    for (int i = 0; fd < 0 && i < RUN_REGISTRY_NAMES; i++)
        fd = run_registry_shared(i, true);
    return fd;
}

/* ---- reading ---- */

/* Has the run of this file ended? An empty file is new and not locked yet. */
static bool
run_registry_dead(int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    if (st.st_size == 0 && time(NULL) - st.st_mtime < RUN_REGISTRY_BEGUN)
        return false;
    return flock(fd, LOCK_SH | LOCK_NB) == 0;
}

static void
run_registry_take(int fd, const char *name, Buf *out)
{
    char text[RUN_REGISTRY_TEXT];
    ssize_t n = read(fd, text, sizeof text);
    if (n <= 0 || text[n - 1] != '\n')
        return;
    buf_printf(out, "%s\n", name);
    buf_put(out, text, (size_t)n);
    buf_putc(out, '\n');
}

/* Append one file to `out` (may be NULL), or remove it if its run is dead. */
static void
run_registry_look(int dir, const char *name, Buf *out)
{
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    if (run_registry_dead(fd))
        unlinkat(dir, name, 0);
    else if (out)
        run_registry_take(fd, name, out);
    close(fd);
}

/* Do that for at most `most` files. Closes `dir`. */
static int
run_registry_each(int dir, size_t most, Buf *out)
{
    DIR *all = fdopendir(dir);
    if (!all) {
        close(dir);
        return ORUN_ESYS;
    }
    for (struct dirent *d; most-- > 0 && (d = readdir(all));)
        if (d->d_name[0] != '.')
            run_registry_look(dirfd(all), d->d_name, out);
    closedir(all);
    return 0;
}

/* In /tmp runs may be in any of the candidates: a name that was taken when a
 * run started may be free now. */
static int
run_registry_read_shared(Buf *out)
{
    int others = 0;
    for (int i = 0; i < RUN_REGISTRY_NAMES; i++) {
        int dir = run_registry_shared(i, false);
        if (dir < 0)
            others += errno != ENOENT;
        else if (run_registry_each(dir, SIZE_MAX, out))
            return ORUN_ESYS;
    }
    errno = EPERM;
    return others == RUN_REGISTRY_NAMES ? ORUN_ESYS : 0;
}

int
run_registry_read(const char *runtime_dir, Buf *out)
{
    int parent = run_registry_parent(runtime_dir);
    if (parent < 0)
        return run_registry_read_shared(out);
    int dir = run_registry_in(parent, false);
    if (dir < 0)
        return errno == ENOENT ? 0 : ORUN_ESYS;
    return run_registry_each(dir, SIZE_MAX, out);
}

/* ---- writing ---- */

/* Create the file and lock it. */
static int
run_registry_make(RunRegistryEntry *e, const char *name)
{
    for (int i = 1; e->fd < 0 && i <= RUN_REGISTRY_NAMES; i++) {
        snprintf(e->name, sizeof e->name, i > 1 ? "%.50s-%d" : "%.50s", name,
                 i);
        e->fd = openat(e->dir, e->name,
                       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                       0600);
        if (e->fd < 0 && errno != EEXIST)
            break;
    }
    return e->fd >= 0 && flock(e->fd, LOCK_EX | LOCK_NB) == 0 ? 0 : ORUN_ESYS;
}

int
run_registry_put(const char *runtime_dir, const char *name, const char *text,
                 size_t n, RunRegistryEntry *e)
{
    *e = RUN_REGISTRY_NONE;
    e->dir = run_registry_open(runtime_dir);
    if (e->dir < 0)
        return ORUN_ESYS;
    int again = fcntl(e->dir, F_DUPFD_CLOEXEC, 3);
    if (again >= 0)
        (void)!run_registry_each(again, RUN_REGISTRY_SWEPT, NULL);
    errno = ENAMETOOLONG;
    if (n <= RUN_REGISTRY_TEXT && run_registry_make(e, name) == 0
        && write(e->fd, text, n) == (ssize_t)n)
        return 0;
    int saved = errno;
    run_registry_remove(e);
    errno = saved;
    return ORUN_ESYS;
}

void
run_registry_remove(RunRegistryEntry *e)
{
    if (e->fd >= 0) {
        unlinkat(e->dir, e->name, 0);
        close(e->fd);
    }
    if (e->dir >= 0)
        close(e->dir);
    *e = RUN_REGISTRY_NONE;
}
