/* folder.c — the run's temporary folder.
 *
 * `names` remembers what was made here, one NUL-terminated name after the
 * other, because only that is removed at the end: a folder in a shared place
 * is not swept blindly.
 */
#include "task/folder.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/leftover.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/thread.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

/* All there are, so that a process that ends by a signal can leave none. */
static uv_mutex_t folder_lock = THREAD_MUTEX_INIT;
static List folder_all = { &folder_all, &folder_all }; /* guarded by it */

struct Folder {
    List link; /* in folder_all */
    char *tmp; /* TMPDIR when the run began, or NULL */

    uv_mutex_t lock;
    /* guarded by lock: */
    char *path; /* absolute; NULL until made */
    int fd;     /* the folder, -1 until made, and once abandoned */
    bool abandoned;
    unsigned long next; /* N of the next file */
    Buf names;
};

Folder *
folder_new(void)
{
    Folder *f = mem_zalloc(1, sizeof *f);
    if (!f)
        return NULL;
    const char *tmp = getenv("TMPDIR");
    if (tmp && *tmp && !(f->tmp = mem_dup(tmp, strlen(tmp)))) {
        mem_free(f);
        return NULL;
    }
    uv_mutex_init(&f->lock);
    f->fd = -1;
    uv_mutex_lock(&folder_lock);
    list_push(&folder_all, &f->link);
    uv_mutex_unlock(&folder_lock);
    return f;
}

/* May a folder of ours be made in there? Where everybody may rename what others
 * made, somebody could put a folder of his own in its place, and its prompts
 * would be what agents read. */
static bool
folder_trusts(const char *parent)
{
    struct stat st;
    return parent && stat(parent, &st) == 0
        && (!(st.st_mode & S_IWOTH) || st.st_mode & S_ISVTX);
}

/* Open the folder that was just made, if it still is that: a folder, ours, and
 * nobody else's to enter whatever the umask was. -1 with errno. */
static int
folder_enter(const char *path)
{
    struct stat st;
    char self[32];
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int bad = fstat(fd, &st) != 0 ? errno : st.st_uid != geteuid() ? EPERM : 0;
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    if (!bad && (st.st_mode & 0777) != 0700 && chmod(self, 0700) != 0)
        bad = errno;
    if (!bad) {
        leftover_own(fd);
        return fd;
    }
    close(fd);
    errno = bad;
    return -1;
}

/* Make a folder of our own under `parent` and open it. Under the lock. */
static int
folder_make(Folder *f, const char *parent)
{
    char path[PATH_MAX];
    if (!realpath(parent, path))
        return ORUN_ESYS;
    if (strlen(path) + sizeof "/" LEFTOVER_TEMPLATE > sizeof path)
        return errno = ENAMETOOLONG, ORUN_ESYS;
    leftover_sweep(path);
    strcat(path, "/" LEFTOVER_TEMPLATE);
    if (!mkdtemp(path))
        return ORUN_ESYS;
    int fd = folder_enter(path);
    if (fd < 0)
        goto fail_open;
    f->path = mem_dup(path, strlen(path));
    if (!f->path)
        goto fail_path;
    f->fd = fd;
    return 0;
fail_path:
    unlinkat(fd, LEFTOVER_MARK, 0);
    close(fd);
    rmdir(path);
    return ORUN_ENOMEM;
fail_open:;
    int e = errno;
    rmdir(path);
    errno = e;
    return ORUN_ESYS;
}

static int
folder_need(Folder *f)
{
    if (f->fd >= 0)
        return 0;
    if (f->abandoned)
        return errno = ESHUTDOWN, ORUN_ESYS;
    int e = folder_trusts(f->tmp) ? folder_make(f, f->tmp) : ORUN_ESYS;
    return e == ORUN_ESYS ? folder_make(f, "/tmp") : e;
}

const char *
folder_path(Folder *f)
{
    uv_mutex_lock(&f->lock);
    const char *path = folder_need(f) == 0 ? f->path : NULL;
    uv_mutex_unlock(&f->lock);
    return path;
}

/* Under the lock: a path for something new, which is removed at the end. */
static int
folder_reserve(Folder *f, const char *prefix, const char *suffix, char **path)
{
    Buf full = { 0 };
    int e = folder_need(f);
    if (e)
        return e;
    buf_printf(&full, "%s/%s-%lu%s", f->path, prefix, ++f->next, suffix);
    *path = buf_take(&full);
    const char *name = *path ? *path + strlen(f->path) + 1 : "";
    if (*path && buf_room(&f->names, strlen(name) + 1)) {
        buf_put(&f->names, name, strlen(name) + 1);
        return 0;
    }
    f->names.failed = false; /* what is in it is still to be removed */
    mem_free(*path);
    *path = NULL;
    return ORUN_ENOMEM;
}

/* Under the lock: a new file. */
static int
folder_create(Folder *f, const char *prefix, const char *suffix, int *fd,
              char **path)
{
    int e = folder_reserve(f, prefix, suffix, path);
    if (e)
        return e;
    const char *name = *path + strlen(f->path) + 1;
    *fd = openat(f->fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (*fd >= 0) {
        fchmod(*fd, 0600); /* whatever the umask is */
        return 0;
    }
    int saved = errno;
    f->names.n -= strlen(name) + 1;
    mem_free(*path);
    *path = NULL;
    errno = saved;
    return ORUN_ESYS;
}

int
folder_name(Folder *f, const char *prefix, const char *suffix, char **path)
{
    uv_mutex_lock(&f->lock);
    int e = folder_reserve(f, prefix, suffix, path);
    uv_mutex_unlock(&f->lock);
    return e;
}

int
folder_open(Folder *f, const char *prefix, const char *suffix, int *fd,
            char **path)
{
    uv_mutex_lock(&f->lock);
    int e = folder_create(f, prefix, suffix, fd, path);
    uv_mutex_unlock(&f->lock);
    return e;
}

/* 0, or -1 with errno. */
static int
folder_write(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t written = write(fd, p, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        p += written;
        n -= (size_t)written;
    }
    return 0;
}

int
folder_file(Folder *f, const char *prefix, const char *suffix, const void *p,
            size_t n, char **path)
{
    int fd, e = folder_open(f, prefix, suffix, &fd, path);
    if (e)
        return e;
    int bad = folder_write(fd, p, n) ? errno : 0;
    if (close(fd) && !bad)
        bad = errno;
    if (!bad)
        return 0;
    folder_remove(f, *path);
    mem_free(*path);
    *path = NULL;
    errno = bad;
    return ORUN_ESYS;
}

void
folder_remove(Folder *f, const char *path)
{
    const char *name = strrchr(path, '/');
    uv_mutex_lock(&f->lock);
    if (name && f->fd >= 0)
        unlinkat(f->fd, name + 1, 0);
    uv_mutex_unlock(&f->lock);
}

/* Under the lock, or alone. */
static void
folder_clear(Folder *f)
{
    if (f->fd < 0)
        return;
    for (size_t at = 0; at < f->names.n; at += strlen(f->names.p + at) + 1)
        unlinkat(f->fd, f->names.p + at, 0);
    unlinkat(f->fd, LEFTOVER_MARK, 0);
    rmdir(f->path);
    close(f->fd);
    f->fd = -1;
}

void
folder_abandon(Folder *f)
{
    uv_mutex_lock(&f->lock);
    folder_clear(f);
    f->abandoned = true;
    uv_mutex_unlock(&f->lock);
}

void
folder_abandon_all(void)
{
    uv_mutex_lock(&folder_lock);
    list_each(node, &folder_all)
        folder_abandon(container_of(node, Folder, link));
    uv_mutex_unlock(&folder_lock);
}

void
folder_free(Folder *f)
{
    if (!f)
        return;
    uv_mutex_lock(&folder_lock);
    folder_clear(f); /* inside: a signal that ends the process waits for it */
    list_del(&f->link);
    uv_mutex_unlock(&folder_lock);
    buf_free(&f->names);
    mem_free(f->path);
    mem_free(f->tmp);
    uv_mutex_destroy(&f->lock);
    mem_free(f);
}
