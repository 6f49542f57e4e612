/* store_file.c — the file of a store: found, checked, locked and watched.
 */
#include "store/store_file.h"
#include "base/err.h"
#include "base/mem.h"
#include "store/store.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "base/thread.h"

/* SQLite locks 512 bytes from 1 GiB on. */
enum { STORE_FILE_LOCK = 0x40001000, STORE_FILE_OWNER = 0x40001001 };

enum {
    STORE_FILE_HEADER = 100,
    STORE_FILE_TRIES = 10, /* for a lock whose owner may be ending */
    STORE_FILE_AGAIN = 1   /* look again: the path has another file now */
};

static uv_mutex_t store_file_lock = THREAD_MUTEX_INIT;
static List store_files = { &store_files, &store_files };

/* ---- paths ---- */

/* `path` with its folder made absolute and plain; NULL with errno. */
static char *
store_file_place(const char *path)
{
    char folder[PATH_MAX], plain[PATH_MAX];
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t n = slash ? (size_t)(slash - path) + 1 : 0;
    if (n >= sizeof folder || strlen(name) > NAME_MAX - 32) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    memcpy(folder, n ? path : ".", n ? n : 1);
    folder[n ? n : 1] = '\0';
    if (!realpath(folder, plain))
        return NULL;
    Buf b = { 0 };
    buf_printf(&b, "%s/%s", strcmp(plain, "/") == 0 ? "" : plain, name);
    errno = ENOMEM;
    return buf_take(&b);
}

static void
store_file_folder(const char *path, char folder[PATH_MAX])
{
    size_t n = (size_t)(strrchr(path, '/') - path);
    memcpy(folder, path, n);
    memcpy(folder + n, n ? "" : "/", n ? 1 : 2);
}

int
store_file_sync_folder(const char *path)
{
    char folder[PATH_MAX];
    store_file_folder(path, folder);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return ORUN_ESYS;
    int failed = fsync(fd);
    close(fd);
    return failed ? ORUN_ESYS : 0;
}

static int
store_file_refused(const StoreFile *f, const char *what, Buf *why)
{
    buf_printf(why, "%s cannot be %s: %s", f->path, what, strerror(errno));
    if (errno == EROFS || errno == EACCES || errno == EPERM)
        buf_puts(why, "; name a file that this user may write");
    else if (errno == ENOSPC || errno == EDQUOT)
        buf_puts(why, "; make room there or name a file elsewhere");
    return errno == ENOENT ? ORUN_ENOENT : ORUN_ESYS;
}

/* ---- what is at the path ---- */

/* Network file systems, and those that another program makes up: their locks
 * and syncs cannot be trusted. */
static const char *
store_file_network(long type)
{
    switch (type & 0xffffffffL) {
    case 0x6969: return "NFS";
    case 0x517b:
    case 0xff534d42:
    case 0xfe534d42: return "SMB";
    case 0x01021997: return "9p";
    case 0x65735546: return "FUSE";
    case 0x00c36400: return "Ceph";
    case 0x5346414f:
    case 0x6b414653: return "AFS";
    case 0x73757245: return "Coda";
    case 0x0bd00bd0: return "Lustre";
    case 0x7461636f: return "OCFS2";
    case 0x01161970: return "GFS2";
    case 0x786f4256: return "VirtualBox";
    default: return NULL;
    }
}

#ifdef ORUN_TEST
long store_file_fs;
#endif

static int
store_file_check_fs(const StoreFile *f, Buf *why)
{
    char folder[PATH_MAX];
    struct statfs fs;
    store_file_folder(f->path, folder);
    if ((f->flags & STORE_UNSAFE) || statfs(folder, &fs) != 0)
        return 0; /* what cannot be asked is said by open */
#ifdef ORUN_TEST
    if (store_file_fs)
        fs.f_type = store_file_fs;
#endif
    const char *name = store_file_network((long)fs.f_type);
    if (!name)
        return 0;
    buf_printf(why,
               "%s is on a network file system (%s), where a store could be"
               " damaged; name a file on a local disk",
               f->path, name);
    return ORUN_ESTATE;
}

static const char *
store_file_type(mode_t mode)
{
    return S_ISDIR(mode) ? "a folder"
        : S_ISLNK(mode)  ? "a symbolic link"
        : S_ISFIFO(mode) ? "a pipe"
        : S_ISSOCK(mode) ? "a socket"
                         : "a device";
}

static int
store_file_check_type(const StoreFile *f, mode_t mode, Buf *why)
{
    if (S_ISREG(mode))
        return 0;
    char target[PATH_MAX];
    buf_printf(why, "%s is %s and no store", f->path, store_file_type(mode));
    ssize_t n = readlink(f->path, target, sizeof target);
    if (n > 0)
        buf_printf(why, "; it leads to %.*s: name that file itself", (int)n,
                   target);
    else
        buf_puts(why, "; name a file, which may be a new one");
    return ORUN_EPROTO;
}

static uint32_t
store_file_word(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8
        | p[3];
}

/* Is it a database, and one of ours? Before SQLite has looked at it. */
static int
store_file_check_header(const StoreFile *f, Buf *why)
{
    unsigned char head[STORE_FILE_HEADER];
    ssize_t n = pread(f->fd, head, sizeof head, 0);
    if (n < 0)
        return store_file_refused(f, "read", why);
    if (n < STORE_FILE_HEADER || memcmp(head, "SQLite format 3", 16) != 0) {
        buf_printf(why,
                   "%s is not a store of orun (or its beginning is damaged)"
                   " and was left as it is; name another file",
                   f->path);
        return ORUN_EPROTO;
    }
    if (store_file_word(head + 68) != STORE_FILE_MARK) {
        buf_printf(why,
                   "%s is the database of another program and was left as it"
                   " is; name another file",
                   f->path);
        return ORUN_EPROTO;
    }
    return 0;
}

/* ---- the lock ---- */

static int
store_file_set_lock(int fd, int command, off_t at)
{
    struct flock lock = { .l_type = F_WRLCK, .l_start = at, .l_len = 1 };
    return fcntl(fd, command, &lock);
}

/* The process that has the file, or 0. */
static pid_t
store_file_owner(int fd)
{
    struct flock lock = { .l_type = F_WRLCK,
                          .l_start = STORE_FILE_OWNER,
                          .l_len = 1 };
    bool known = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    return known && lock.l_pid > 0 ? lock.l_pid : 0;
}

/* Has another descriptor the lock? Its process goes to *pid. */
static bool
store_file_locked(int fd, pid_t *pid)
{
    struct flock lock = { .l_type = F_WRLCK,
                          .l_start = STORE_FILE_LOCK,
                          .l_len = 1 };
    bool locked = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    if (locked)
        *pid = store_file_owner(fd);
    return locked;
}

/* Is that process stopped, by a signal or a debugger? */
static bool
store_file_stopped(pid_t pid)
{
    char name[32], text[512];
    snprintf(name, sizeof name, "/proc/%d/stat", (int)pid);
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    const char *state = strrchr(text, ')');
    return state && (state[2] == 'T' || state[2] == 't');
}

static int
store_file_in_use(const StoreFile *f, Buf *why)
{
    pid_t pid = store_file_owner(f->fd);
    buf_printf(why, "%s is in use by ", f->path);
    if (!pid)
        buf_puts(why, "another process; wait until that has ended");
    else if (store_file_stopped(pid))
        buf_printf(why,
                   "process %d, which is stopped; \"kill -CONT %d\" lets it go"
                   " on, \"kill -KILL %d\" ends it",
                   (int)pid, (int)pid, (int)pid);
    else
        buf_printf(why, "process %d; wait until that has ended", (int)pid);
    buf_puts(why, ", or name another file");
    return ORUN_ESTATE;
}

static int
store_file_take_lock(const StoreFile *f, Buf *why)
{
    static const struct timespec pause = { .tv_nsec = 50000000 };
    for (int tries = 0;; tries++) {
        if (store_file_set_lock(f->fd, F_OFD_SETLK, STORE_FILE_LOCK) == 0)
            return 0;
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN && errno != EACCES)
            return store_file_refused(f, "locked", why);
        if (tries >= STORE_FILE_TRIES)
            return store_file_in_use(f, why);
        nanosleep(&pause, NULL);
    }
}

void
store_file_sign(StoreFile *f)
{
    if (f->fd >= 0 && !(f->flags & STORE_READ))
        (void)store_file_set_lock(f->fd, F_SETLK, STORE_FILE_OWNER);
}

/* ---- the list of open files ---- */

static bool
store_file_enlist(StoreFile *f, const struct stat *st)
{
    uv_mutex_lock(&store_file_lock);
    bool found = false;
    list_each(node, &store_files) {
        const StoreFile *other = container_of(node, StoreFile, link);
        found |= other->device == st->st_dev && other->inode == st->st_ino;
    }
    if (!found) {
        f->device = st->st_dev;
        f->inode = st->st_ino;
        list_push(&store_files, &f->link);
    }
    uv_mutex_unlock(&store_file_lock);
    return !found;
}

/* Does a handle of this process write that file? Its lock may only be looked at
 * by the descriptor it has, or by none: another would, once closed, release
 * what SQLite has. -1: it is not open here; else whether it is written. */
static int
store_file_used_here(const struct stat *st, pid_t *pid)
{
    int used = -1;
    uv_mutex_lock(&store_file_lock);
    list_each(node, &store_files) {
        const StoreFile *f = container_of(node, StoreFile, link);
        if (f->device != st->st_dev || f->inode != st->st_ino)
            continue;
        used = !(f->flags & STORE_READ);
        *pid = used ? getpid() : 0;
        if (!used && f->fd >= 0)
            used = store_file_locked(f->fd, pid);
    }
    uv_mutex_unlock(&store_file_lock);
    return used;
}

bool
store_file_used(const char *path, pid_t *pid)
{
    struct stat st;
    *pid = 0;
    if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    int used = store_file_used_here(&st, pid);
    if (used >= 0)
        return used;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool locked = fd >= 0 && store_file_locked(fd, pid);
    if (fd >= 0)
        close(fd);
    return locked;
}

/* Close the descriptor, with its locks; the file may be opened again. */
static void
store_file_let_go(StoreFile *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
    uv_mutex_lock(&store_file_lock);
    list_del(&f->link);
    uv_mutex_unlock(&store_file_lock);
}

/* ---- making one ---- */

/* Move the new file to its place: over an empty one, or where there is none. */
static int
store_file_put(const StoreFile *f, const char *made, bool empty, Buf *why)
{
    int failed = empty ? rename(made, f->path) : link(made, f->path);
    if (failed && !empty && (errno == EPERM || errno == EOPNOTSUPP))
        failed = rename(made, f->path); /* a file system without links */
    if (failed && errno != EEXIST)
        return store_file_refused(f, "made", why);
    if (store_file_sync_folder(f->path) != 0)
        return store_file_refused(f, "made", why);
    return STORE_FILE_AGAIN;
}

static int
store_file_make(const StoreFile *f, bool empty,
                int (*make)(const char *path, Buf *why), Buf *why)
{
    Buf name = { 0 };
    buf_printf(&name, "%s.new-XXXXXX", f->path);
    char *made = buf_take(&name);
    if (!made)
        return ORUN_ENOMEM;
    int error, fd = mkostemp(made, O_CLOEXEC);
    if (fd < 0) {
        error = store_file_refused(f, "made", why);
    } else {
        error = make(made, why);
        if (!error && fsync(fd) != 0)
            error = store_file_refused(f, "made", why);
        close(fd);
        if (!error)
            error = store_file_put(f, made, empty, why);
        unlink(made);
    }
    mem_free(made);
    return error;
}

/* An empty file is as good as none, unless there is a journal beside it. */
static int
store_file_fill(StoreFile *f, int (*make)(const char *path, Buf *why), Buf *why)
{
    struct stat st;
    if (stat(f->journal, &st) == 0 && st.st_size > 0) {
        buf_printf(why,
                   "%s is empty, but %s beside it is not: the store was"
                   " damaged; restore a copy or name another file",
                   f->path, f->journal);
        return ORUN_EPROTO;
    }
    if (f->flags & (STORE_READ | STORE_EXISTS)) {
        buf_printf(why, "%s is empty: no run is kept there", f->path);
        return ORUN_ENOENT;
    }
    return store_file_make(f, true, make, why);
}

/* ---- opening ---- */

/* The file that is enlisted is opened, locked and looked at. */
static int
store_file_take(StoreFile *f, int (*make)(const char *path, Buf *why), Buf *why)
{
    struct stat st, now;
    bool read = f->flags & STORE_READ;
    f->fd = open(f->path,
                 (read ? O_RDONLY : O_RDWR) | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
                     | O_CLOEXEC);
    if (f->fd < 0)
        return errno == ENOENT || errno == ELOOP
            ? STORE_FILE_AGAIN
            : store_file_refused(f, read ? "read" : "written", why);
    int error = read ? 0 : store_file_take_lock(f, why);
    if (error)
        return error;
    if (fstat(f->fd, &st) != 0 || lstat(f->path, &now) != 0
        || st.st_ino != f->inode || now.st_ino != f->inode)
        return STORE_FILE_AGAIN;
    return st.st_size == 0 ? store_file_fill(f, make, why)
                           : store_file_check_header(f, why);
}

static int
store_file_try(StoreFile *f, int (*make)(const char *path, Buf *why), Buf *why)
{
    struct stat st;
    if (lstat(f->path, &st) != 0) {
        if (errno != ENOENT || (f->flags & (STORE_READ | STORE_EXISTS)))
            return store_file_refused(f, "opened", why);
        return store_file_make(f, false, make, why);
    }
    int error = store_file_check_type(f, st.st_mode, why);
    if (error)
        return error;
    if (!store_file_enlist(f, &st)) {
        buf_printf(why, "%s is open in this process already", f->path);
        return ORUN_ESTATE;
    }
    error = store_file_take(f, make, why);
    if (error)
        store_file_let_go(f);
    return error;
}

int
store_file_open(StoreFile *f, const char *path, unsigned flags,
                int (*make)(const char *path, Buf *why), Buf *why)
{
    *f = (StoreFile){ .fd = -1, .flags = flags };
    list_init(&f->link);
    f->path = store_file_place(path);
    if (!f->path) {
        buf_printf(why, "%s cannot be opened: the folder: %s", path,
                   strerror(errno));
        return errno == ENOENT ? ORUN_ENOENT
            : errno == ENOMEM  ? ORUN_ENOMEM
                               : ORUN_ESYS;
    }
    Buf name = { 0 };
    buf_printf(&name, "%s-wal", f->path);
    f->journal = buf_take(&name);
    int error = f->journal ? store_file_check_fs(f, why) : ORUN_ENOMEM;
    if (!error)
        do
            error = store_file_try(f, make, why);
        while (error == STORE_FILE_AGAIN);
    if (error)
        store_file_close(f);
    return error;
}

void
store_file_close(StoreFile *f)
{
    store_file_let_go(f);
    mem_free(f->path);
    mem_free(f->journal);
    f->path = f->journal = NULL;
}

/* ---- watching ---- */

static int
store_file_lost(const char *path, const char *how, Buf *why)
{
    buf_printf(why,
               "%s was %s while it was in use; what was kept before is in the"
               " old file only, if there still is one",
               path, how);
    return ORUN_ESTATE;
}

int
store_file_same(StoreFile *f, Buf *why)
{
    struct stat st;
    if (lstat(f->path, &st) != 0)
        return store_file_lost(f->path, "deleted or renamed", why);
    if (st.st_ino != f->inode || st.st_dev != f->device)
        return store_file_lost(f->path, "replaced", why);
    if (lstat(f->journal, &st) != 0)
        return store_file_lost(f->journal, "deleted", why);
    if (f->journal_inode == 0)
        f->journal_inode = st.st_ino;
    if (st.st_ino != f->journal_inode)
        return store_file_lost(f->journal, "replaced", why);
    return 0;
}

#ifdef ORUN_TEST
int
store_file_again(StoreFile *f, const StoreFile *of)
{
    *f = *of;
    list_init(&f->link);
    f->fd = -1;
    f->path = mem_dup(of->path, strlen(of->path));
    f->journal = mem_dup(of->journal, strlen(of->journal));
    return f->path && f->journal ? 0 : ORUN_ENOMEM;
}
#endif
