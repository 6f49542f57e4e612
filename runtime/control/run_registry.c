/* roster.c — the folder, its files, whose run lives. */
#include "control/roster.h"
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
    ROSTER_SWEPT = 64, /* files a run that begins looks at */
    ROSTER_NAMES = 9,  /* tried, when one is taken */
    ROSTER_BEGUN = 60, /* seconds an empty file may have */
};

/* ---- the folder ---- */

/* Open a folder that is our own; others may do what `others` has. -1: errno. */
static int
roster_enter(int at, const char *path, mode_t others)
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

/* The folder `name` of our own in `parent`, a path or, with at, none. */
static int
roster_below(int at, const char *name, bool make)
{
    if (make && mkdirat(at, name, 0700) != 0 && errno != EEXIST)
        return -1;
    return roster_enter(at, name, 0);
}

/* The folder in /tmp, where somebody else may have taken the name: the `i`-th
 * that is tried. */
static int
roster_shared(int i, bool make)
{
    char path[64];
    int n = snprintf(path, sizeof path, "/tmp/orun-%u", (unsigned)geteuid());
    if (i > 0)
        snprintf(path + n, sizeof path - (size_t)n, "-%d", i);
    return roster_below(AT_FDCWD, path, make);
}

/* Open what the folder is in where that is not /tmp; -1: it is. */
static int
roster_parent(const char *runtime_dir)
{
    char path[64];
    int parent = -1;
    if (runtime_dir && *runtime_dir == '/')
        parent = roster_enter(AT_FDCWD, runtime_dir, 055);
    snprintf(path, sizeof path, "/run/user/%u", (unsigned)geteuid());
    return parent < 0 ? roster_enter(AT_FDCWD, path, 055) : parent;
}

/* Takes the descriptor. */
static int
roster_in(int parent, bool make)
{
    int fd = roster_below(parent, "orun", make), e = errno;
    close(parent);
    errno = e;
    return fd;
}

/* Open the folder, made when it is not there: in /tmp the first that is ours or
 * can be made. -1: errno. */
static int
roster_open(const char *runtime_dir)
{
    int parent = roster_parent(runtime_dir), fd = -1;
    if (parent >= 0)
        return roster_in(parent, true);
    for (int i = 0; fd < 0 && i < ROSTER_NAMES; i++)
        fd = roster_shared(i, true);
    return fd;
}

/* ---- reading ---- */

/* Is it the file of a run that has ended? One that is empty has just been made,
 * and is not held yet. */
static bool
roster_dead(int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    if (st.st_size == 0 && time(NULL) - st.st_mtime < ROSTER_BEGUN)
        return false;
    return flock(fd, LOCK_SH | LOCK_NB) == 0;
}

static void
roster_take(int fd, const char *name, Buf *out)
{
    char text[ROSTER_TEXT];
    ssize_t n = read(fd, text, sizeof text);
    if (n <= 0 || text[n - 1] != '\n')
        return;
    buf_printf(out, "%s\n", name);
    buf_put(out, text, (size_t)n);
    buf_putc(out, '\n');
}

/* Look at one file: into `out`, which may be NULL, or away with it. */
static void
roster_look(int dir, const char *name, Buf *out)
{
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    if (roster_dead(fd))
        unlinkat(dir, name, 0);
    else if (out)
        roster_take(fd, name, out);
    close(fd);
}

/* Look at `most` files. Takes the descriptor. */
static int
roster_each(int dir, size_t most, Buf *out)
{
    DIR *all = fdopendir(dir);
    if (!all) {
        close(dir);
        return ORUN_ESYS;
    }
    for (struct dirent *d; most-- > 0 && (d = readdir(all));)
        if (d->d_name[0] != '.')
            roster_look(dirfd(all), d->d_name, out);
    closedir(all);
    return 0;
}

/* In /tmp runs may be in any of them: what somebody else had taken when they
 * began may be free now. */
static int
roster_read_shared(Buf *out)
{
    int others = 0;
    for (int i = 0; i < ROSTER_NAMES; i++) {
        int dir = roster_shared(i, false);
        if (dir < 0)
            others += errno != ENOENT;
        else if (roster_each(dir, SIZE_MAX, out))
            return ORUN_ESYS;
    }
    errno = EPERM;
    return others == ROSTER_NAMES ? ORUN_ESYS : 0;
}

int
roster_read(const char *runtime_dir, Buf *out)
{
    int parent = roster_parent(runtime_dir);
    if (parent < 0)
        return roster_read_shared(out);
    int dir = roster_in(parent, false);
    if (dir < 0)
        return errno == ENOENT ? 0 : ORUN_ESYS;
    return roster_each(dir, SIZE_MAX, out);
}

/* ---- writing ---- */

/* A new file, held. */
static int
roster_make(RosterEntry *e, const char *name)
{
    for (int i = 1; e->fd < 0 && i <= ROSTER_NAMES; i++) {
        snprintf(e->name, sizeof e->name, i > 1 ? "%.50s-%d" : "%.50s", name,
                 i);
        e->fd = openat(e->dir, e->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
                       | O_CLOEXEC, 0600);
        if (e->fd < 0 && errno != EEXIST)
            break;
    }
    return e->fd >= 0 && flock(e->fd, LOCK_EX | LOCK_NB) == 0 ? 0 : ORUN_ESYS;
}

int
roster_put(const char *runtime_dir, const char *name, const char *text,
           size_t n, RosterEntry *e)
{
    *e = ROSTER_NONE;
    e->dir = roster_open(runtime_dir);
    if (e->dir < 0)
        return ORUN_ESYS;
    int again = fcntl(e->dir, F_DUPFD_CLOEXEC, 3);
    if (again >= 0)
        (void)!roster_each(again, ROSTER_SWEPT, NULL);
    errno = ENAMETOOLONG;
    if (n <= ROSTER_TEXT && roster_make(e, name) == 0
        && write(e->fd, text, n) == (ssize_t)n)
        return 0;
    int saved = errno;
    roster_remove(e);
    errno = saved;
    return ORUN_ESYS;
}

void
roster_remove(RosterEntry *e)
{
    if (e->fd >= 0) {
        unlinkat(e->dir, e->name, 0);
        close(e->fd);
    }
    if (e->dir >= 0)
        close(e->dir);
    *e = ROSTER_NONE;
}
