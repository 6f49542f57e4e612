/* output.c — captured output: a head in memory, all of it in a file.
 *
 * `head` holds the first bytes and never more than `keep`; a byte is counted
 * in `size` once it is in the head or in the file. As the file only grows and
 * its name never changes, a reader takes size and path under the lock and
 * reads the bytes before that size without it.
 *
 * output_watch is called with the board's lock held and must not wait for a
 * write to a slow disk: so `size` and `watched` are atomic, too. The watcher
 * says that it watches and then looks at the size, the writer changes the size
 * and then looks whether it is watched: one of them sees the other.
 */
#include "task/output.h"
#include "base/err.h"
#include "base/mem.h"
#include "task/folder.h"
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <uv.h>

/* A program that prints without end must not take the disk from all others:
 * files grow as long as this much of it is left, which is looked at once every
 * OUTPUT_STEP bytes of a file. */
enum {
    OUTPUT_STEP = 16 << 20,
    OUTPUT_LEAVE = 1 << 30, /* bytes, or … */
    OUTPUT_LEAVE_PART = 20  /* … this part of a smaller disk */
};

struct Output {
    Folder *folder;
    size_t keep;
    atomic_int holders;
    void (*grew)(void *ud); /* may be NULL */
    void *ud;
    atomic_bool watched; /* `grew` is wanted after the next write */

    uv_mutex_t lock;
    /* guarded by lock: */
    Buf head;           /* the first bytes, at most `keep` */
    atomic_size_t size; /* bytes kept, in head and file together */
    int fd;             /* the file, -1 when not open */
    int reserve;        /* makes room for it, -1 when there is none */
    char *path;         /* the file, NULL when there is none */
    bool ended;
    char error[192]; /* "" or why bytes were dropped */
};

Output *
output_new(Folder *f, size_t keep)
{
    Output *o = mem_zalloc(1, sizeof *o);
    if (!o)
        return NULL;
    o->folder = f;
    o->keep = keep ? keep : 1;
    o->fd = o->reserve = -1;
    atomic_init(&o->holders, 1);
    uv_mutex_init(&o->lock);
    return o;
}

Output *
output_hold(Output *o)
{
    if (o)
        atomic_fetch_add_explicit(&o->holders, 1, memory_order_relaxed);
    return o;
}

static void
output_release(Output *o)
{
    if (o->reserve >= 0)
        close(o->reserve);
    o->reserve = -1;
}

int
output_reserve(Output *o, int fd)
{
    o->reserve = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    int more = o->reserve < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
    int err = more < 0 ? errno : 0;
    if (err)
        output_release(o);
    else
        close(more);
    return err;
}

void
output_drop(Output *o)
{
    if (!o || atomic_fetch_sub(&o->holders, 1) > 1)
        return;
    output_release(o);
    if (o->fd >= 0)
        close(o->fd);
    buf_free(&o->head);
    mem_free(o->path);
    uv_mutex_destroy(&o->lock);
    mem_free(o);
}

/* Remember why bytes were dropped; the first reason stays. Under the lock. */
static void
output_fail(Output *o, const char *why)
{
    if (!o->error[0])
        snprintf(o->error, sizeof o->error,
                 "output past %zu bytes was not kept: %s", (size_t)o->size,
                 why);
}

/* Append as much as goes, counted in *done; 0 or the errno. */
static int
output_append(int fd, const char *p, size_t n, atomic_size_t *done)
{
    while (n > 0) {
        ssize_t written = write(fd, p, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return errno;
        p += written;
        n -= (size_t)written;
        *done += (size_t)written;
    }
    return 0;
}

/* Close and remove a file that could not be made whole. Under the lock. */
static void
output_unspill(Output *o)
{
    close(o->fd);
    o->fd = -1;
    unlink(o->path);
    mem_free(o->path);
    o->path = NULL;
}

/* See that there is a file with the head in it; NULL or why there is none.
 * Under the lock (the write is short: at most `keep` bytes). */
static const char *
output_spill(Output *o)
{
    if (o->path)
        return NULL;
    if (!o->folder)
        return "there is no folder for it";
    output_release(o);
    int e = folder_open(o->folder, "output", ".txt", &o->fd, &o->path);
    if (e)
        return e == ORUN_ESYS ? strerror(errno) : err_text(e);
    atomic_size_t written = 0;
    int bad = output_append(o->fd, o->head.p, o->head.n, &written);
    if (!bad)
        return NULL;
    output_unspill(o);
    return strerror(bad);
}

/* Keep in memory what still fits there; returns how much. Under the lock. */
static size_t
output_keep(Output *o, const void *p, size_t n)
{
    if (o->path || o->head.n >= o->keep)
        return 0;
    size_t room = o->keep - o->head.n;
    size_t take = n < room ? n : room;
    buf_put(&o->head, p, take);
    if (buf_failed(&o->head)) {
        o->head.failed = false;
        return 0;
    }
    o->size += take;
    return take;
}

/* Would n bytes more take what is to be left of the disk? Says so in `why`.
 * What cannot be asked has room. Under the lock. */
static bool
output_is_crowded(Output *o, size_t n, char *why, size_t size)
{
    struct statvfs disk;
    if (o->size / OUTPUT_STEP == (o->size + n) / OUTPUT_STEP
        || fstatvfs(o->fd, &disk) != 0)
        return false;
    double mib = (double)disk.f_frsize / (1 << 20);
    double leave = (double)disk.f_blocks * mib / OUTPUT_LEAVE_PART;
    if (leave > OUTPUT_LEAVE >> 20)
        leave = OUTPUT_LEAVE >> 20;
    double there = (double)disk.f_bavail * mib;
    snprintf(why, size,
             "only %.0f MiB of its disk are free, and %.0f are left "
             "to others",
             there, leave);
    return there < leave;
}

/* Append what the head did not take to the file. Under the lock. */
static void
output_overflow(Output *o, const char *p, size_t n)
{
    char crowded[96];
    const char *why = output_spill(o);
    if (!why && output_is_crowded(o, n, crowded, sizeof crowded))
        why = crowded;
    int bad = why ? 0 : output_append(o->fd, p, n, &o->size);
    if (why || bad)
        output_fail(o, why ? why : strerror(bad));
}

bool
output_write(Output *o, const void *p, size_t n)
{
    uv_mutex_lock(&o->lock);
    if (!o->error[0]) {
        size_t kept = output_keep(o, p, n);
        if (kept < n)
            output_overflow(o, (const char *)p + kept, n - kept);
    }
    bool kept = !o->error[0];
    uv_mutex_unlock(&o->lock);
    if (o->grew && atomic_exchange(&o->watched, false))
        o->grew(o->ud);
    return kept;
}

void
output_on_growth(Output *o, void (*grew)(void *ud), void *ud)
{
    o->grew = grew;
    o->ud = ud;
    o->watched = true;
}

bool
output_watch(Output *o, size_t have)
{
    atomic_store(&o->watched, true);
    return atomic_load(&o->size) > have;
}

void
output_end(Output *o)
{
    uv_mutex_lock(&o->lock);
    o->ended = true;
    output_release(o);
    if (o->fd >= 0 && close(o->fd) != 0)
        output_fail(o, strerror(errno));
    o->fd = -1;
    uv_mutex_unlock(&o->lock);
}

/* The bytes are in the file: they need not be in memory. Under the lock. */
static void
output_close(Output *o)
{
    if (o->fd >= 0)
        close(o->fd);
    o->fd = -1;
    buf_free(&o->head);
}

void
output_rest(Output *o, size_t keep)
{
    uv_mutex_lock(&o->lock);
    if (o->head.n > keep && !output_spill(o))
        output_close(o);
    uv_mutex_unlock(&o->lock);
}

size_t
output_held(Output *o)
{
    if (!o)
        return 0;
    uv_mutex_lock(&o->lock);
    size_t held = sizeof *o + o->head.cap;
    uv_mutex_unlock(&o->lock);
    return held;
}

size_t
output_size(Output *o)
{
    uv_mutex_lock(&o->lock);
    size_t size = o->size;
    uv_mutex_unlock(&o->lock);
    return size;
}

const char *
output_error(Output *o)
{
    uv_mutex_lock(&o->lock);
    const char *error = o->error[0] ? o->error : NULL;
    uv_mutex_unlock(&o->lock);
    return error;
}

const char *
output_path(Output *o)
{
    uv_mutex_lock(&o->lock);
    const char *path = o->path;
    uv_mutex_unlock(&o->lock);
    return path;
}

/* Copy bytes [from, from + n) of the file; gives how many there were. */
static size_t
output_read(const char *path, size_t from, size_t n, char *to)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    size_t got = 0;
    while (fd >= 0 && got < n) {
        ssize_t r = pread(fd, to + got, n - got, (off_t)(from + got));
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            break;
        got += (size_t)r;
    }
    if (fd >= 0)
        close(fd);
    return got;
}

size_t
output_read_at(Output *o, size_t from, char *to, size_t n)
{
    uv_mutex_lock(&o->lock);
    size_t left = from < o->size ? o->size - from : 0;
    n = n < left ? n : left;
    const char *path = o->path;
    bool inside = from + n <= o->head.n;
    if (inside && n > 0)
        memcpy(to, o->head.p + from, n);
    uv_mutex_unlock(&o->lock);
    return inside ? n : path ? output_read(path, from, n, to) : 0;
}

/* Append bytes [from, from + n) to `to`. */
static void
output_range(Output *o, size_t from, size_t n, Buf *to)
{
    char *room = n ? buf_room(to, n) : NULL;
    if (room)
        to->n += output_read_at(o, from, room, n);
}

/* Size and path as of now; the file is made when there is more than `max`,
 * if it can be. */
static size_t
output_look(Output *o, size_t max, const char **path)
{
    uv_mutex_lock(&o->lock);
    size_t size = o->size;
    if (size > max && !output_spill(o) && o->ended)
        output_close(o);
    *path = o->path;
    uv_mutex_unlock(&o->lock);
    return size;
}

bool
output_copy(Output *o, size_t max, Buf *to)
{
    const char *path;
    size_t size = output_look(o, max, &path);
    size_t start = to->n, n = size < max ? size : max;
    output_range(o, 0, n, to);
    if (size <= max || buf_failed(to))
        return false;
    const char *text = to->p + start;
    const char *line = n ? memrchr(text, '\n', to->n - start) : NULL;
    if (line)
        to->n = start + (size_t)(line - text) + 1;
    n = to->n - start;
    if (n && !line)
        buf_putc(to, '\n');
    buf_printf(to, "[cut: %zu of %zu bytes", n, size);
    if (path)
        buf_printf(to, "; the whole is in %s", path);
    buf_puts(to, "]\n");
    return true;
}

size_t
output_tail(Output *o, size_t max, Buf *to)
{
    size_t size = output_size(o);
    size_t n = size < max ? size : max;
    output_range(o, size - n, n, to);
    return size - n;
}
