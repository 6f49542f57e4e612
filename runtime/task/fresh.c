/* fresh.c — how new files and folders are. */
#include "task/fresh.h"
#include "base/buf.h"
#include "base/mem.h"
#include "task/task.h"
#include "task/writes.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { FRESH_DEEP = 100 }; /* folders in folders that are looked at */

/* How a file or folder itself was. */
typedef struct FreshStamp {
    bool there;
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec changed;
} FreshStamp;

/* Which of its times says how new something is. */
typedef enum FreshWhich { FRESH_MODIFIED, FRESH_CHANGED } FreshWhich;

static const struct timespec fresh_none = { 0, -1 };

Fresh *
fresh_new(Writes *reads, size_t writes)
{
    Fresh *f = mem_zalloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->before = mem_zalloc(writes, sizeof *f->before);
    f->half = mem_zalloc(writes, sizeof *f->half);
    if (!f->before || !f->half) {
        fresh_free(f);
        return NULL;
    }
    f->reads = reads;
    return f;
}

void
fresh_free(Fresh *f)
{
    if (!f)
        return;
    writes_free(f->reads);
    mem_free(f->before);
    mem_free(f->half);
    mem_free(f);
}

static bool
fresh_later(struct timespec a, struct timespec b)
{
    return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

/* Is the path one of the writes, or (above) is one of them below it? */
static bool
fresh_written(const Writes *but, const char *path, bool above)
{
    for (size_t i = 0; but && i < but->n; i++)
        if (above ? writes_inside(but->paths[i], path)
                  : writes_inside(path, but->paths[i]))
            return true;
    return false;
}

static void fresh_entries(Buf *path, int deep, FreshWhich which,
                          const Writes *but, struct timespec *newest);

/* Make *newest the time of what is at `path`, if that is later. */
static void
fresh_take(Buf *path, const struct stat *st, int deep, FreshWhich which,
           const Writes *but, struct timespec *newest)
{
    bool folder = S_ISDIR(st->st_mode);
    struct timespec at = which == FRESH_CHANGED ? st->st_ctim : st->st_mtim;
    if (!(folder && fresh_written(but, buf_cstr(path), true))
        && fresh_later(at, *newest))
        *newest = at;
    if (folder && deep < FRESH_DEEP)
        fresh_entries(path, deep + 1, which, but, newest);
}

static void
fresh_entries(Buf *path, int deep, FreshWhich which, const Writes *but,
              struct timespec *newest)
{
    struct stat st;
    size_t n = path->n;
    DIR *dir = opendir(buf_cstr(path));
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL; path->n = n) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        buf_putc(path, '/');
        buf_puts(path, e->d_name);
        if (buf_failed(path) || fresh_written(but, buf_cstr(path), false)
            || fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW))
            continue;
        fresh_take(path, &st, deep, which, but, newest);
    }
    if (dir)
        closedir(dir);
}

/* When the file, or the newest thing in the folder but for these, was changed.
 * fresh_none, with errno set: there is none. */
static struct timespec
fresh_time(const char *file, const Writes *but)
{
    struct stat st;
    struct timespec newest = fresh_none;
    Buf path = { 0 };
    if (stat(file, &st))
        return fresh_none;
    buf_puts(&path, file);
    if (!buf_failed(&path))
        fresh_take(&path, &st, 0, FRESH_MODIFIED, but, &newest);
    buf_free(&path);
    if (newest.tv_nsec < 0)
        newest = (struct timespec){ 0 };
    return newest;
}

/* How what is at the path is now. */
static FreshStamp
fresh_stamp(const char *path)
{
    struct stat st;
    if (stat(path, &st))
        return (FreshStamp){ 0 };
    return (FreshStamp){ .there = true,
                         .dev = st.st_dev,
                         .ino = st.st_ino,
                         .size = st.st_size,
                         .changed = st.st_ctim };
}

static bool
fresh_same(const FreshStamp *a, const FreshStamp *b)
{
    return a->there == b->there && a->dev == b->dev && a->ino == b->ino
        && a->size == b->size && !fresh_later(a->changed, b->changed)
        && !fresh_later(b->changed, a->changed);
}

/* Was something in the folder changed since then? */
static bool
fresh_below(const char *folder, struct timespec since)
{
    struct timespec newest = fresh_none;
    Buf path = { 0 };
    buf_puts(&path, folder);
    if (!buf_failed(&path))
        fresh_entries(&path, 1, FRESH_CHANGED, NULL, &newest);
    buf_free(&path);
    return newest.tv_nsec >= 0 && !fresh_later(since, newest);
}

/* Is what is at the path there, and not as it was before? */
static bool
fresh_half(const Fresh *f, const FreshStamp *before, const char *path)
{
    FreshStamp now = fresh_stamp(path);
    return now.there
        && (!fresh_same(before, &now) || fresh_below(path, f->began));
}

FreshState
fresh_look(Fresh *f, const Writes *writes, const char **missing)
{
    bool done = f->reads != NULL;
    struct timespec oldest = { 0 };
    clock_gettime(CLOCK_REALTIME_COARSE, &f->began);
    for (size_t i = 0; i < writes->n; i++)
        f->before[i] = fresh_stamp(writes->paths[i]);
    for (size_t i = 0; done && i < writes->n; i++) {
        struct timespec at = fresh_time(writes->paths[i], NULL);
        if (at.tv_nsec < 0)
            done = false;
        else if (i == 0 || fresh_later(oldest, at))
            oldest = at;
    }
    for (size_t i = 0; f->reads && i < f->reads->n; i++) {
        struct timespec at = fresh_time(f->reads->paths[i], writes);
        if (at.tv_nsec < 0) {
            *missing = f->reads->paths[i];
            return FRESH_MISSING;
        }
        if (fresh_later(at, oldest))
            done = false;
    }
    return done ? FRESH_DONE : FRESH_STALE;
}

void
fresh_ended(Fresh *f, const Writes *writes, bool failed)
{
    for (size_t i = 0; i < writes->n; i++)
        f->half[i] = failed && fresh_half(f, &f->before[i], writes->paths[i]);
}

const char *
fresh_half_written(const Task *t, size_t *next)
{
    const Fresh *f = t->opt ? t->opt->fresh : NULL;
    while (f && t->state != TASK_COMPLETED && *next < t->opt->writes->n) {
        size_t i = (*next)++;
        if (f->half[i])
            return t->opt->writes->paths[i];
    }
    return NULL;
}
