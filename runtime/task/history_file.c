/* history_file.c — the file of a History: read, merged, replaced.
 *
 * It is replaced as a whole, by renaming a new one over it, so a reader finds
 * the old or the new. Beside it is a file that is locked for a merge.
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "task/history.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char history_head[] = "orun history 2";

/* The same of version 1, whose lines have HISTORY_FIELDS_1. */
static const char history_head_1[] = "orun history 1";

enum {
    HISTORY_FIELDS = 9,
    HISTORY_FIELDS_1 = 7,
    HISTORY_TRIES = 100, /* for the lock … */
    HISTORY_PAUSE = 10,  /* … milliseconds apart */
};

/* ---- reading ---- */

/* All of the file. ORUN_ESYS, ORUN_ENOMEM, ORUN_EPROTO: it is too large. */
static int
history_read(const char *path, Buf *text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    ssize_t got = 1;
    int e = fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ? ORUN_ESYS
                                                                  : 0;
    if (e == 0 && st.st_size > HISTORY_BYTES)
        e = ORUN_EPROTO;
    while (e == 0 && got > 0 && text->n <= HISTORY_BYTES) {
        char *room = buf_room(text, 64 << 10);
        got = room ? read(fd, room, 64 << 10) : 0;
        if (got > 0)
            text->n += (size_t)got;
        e = got < 0 ? ORUN_ESYS : room ? 0 : ORUN_ENOMEM;
    }
    if (fd >= 0)
        close(fd);
    return e;
}

static int
history_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The name that a field is, in place; its length, or 0 when it is none. */
static size_t
history_unescape(char *s)
{
    char *to = s;
    for (const char *at = s; *at; at++) {
        char c = *at;
        if (c == '%') {
            int high = history_digit(at[1]);
            int low = high < 0 ? -1 : history_digit(at[2]);
            if (low < 0)
                return 0;
            c = (char)(high << 4 | low);
            at += 2;
        }
        if (!c)
            return 0;
        *to++ = c;
    }
    *to = '\0';
    return strchr("akldo", *s) && to > s + 1 ? (size_t)(to - s) : 0;
}

/* A whole number of at most `max`; false for anything else. */
static bool
history_number(const char *s, uint64_t max, uint64_t *out)
{
    uint64_t n = 0;
    if (!*s || strlen(s) > 18)
        return false;
    for (; *s; s++) {
        if (*s < '0' || *s > '9')
            return false;
        n = n * 10 + (uint64_t)(*s - '0');
    }
    *out = n;
    return n <= max;
}

/* Cut a line where its blanks are, into n fields; false when it has not so
 * many. */
static bool
history_split(char *line, char **field, int n)
{
    int i = 0;
    for (char *at; (at = strsep(&line, " ")); i++) {
        if (i == n)
            return false;
        field[i] = at;
    }
    return i == n;
}

/* The fields of a line, those that version 1 has not as "0". */
static bool
history_fields(char *line, bool first, char *field[HISTORY_FIELDS])
{
    static char none[] = "0";
    if (!first)
        return history_split(line, field, HISTORY_FIELDS);
    if (!history_split(line, field, HISTORY_FIELDS_1))
        return false;
    memmove(field + 5, field + 3, 4 * sizeof *field);
    field[3] = field[4] = none;
    if (field[0][0] == 'k')
        field[0][0] = 'o';
    return true;
}

/* Add what a line tells, of a file of the first version or of this. */
static int
history_take(History *h, char *line, bool first)
{
    enum { NAME, TASKS, TOOK, IDLE, SPREAD, PAID, USD, GAVE, SEEN };
    char *field[HISTORY_FIELDS];
    uint64_t number[HISTORY_FIELDS] = { 0 };
    if (!history_fields(line, first, field))
        return ORUN_EPROTO;
    size_t size = history_unescape(field[NAME]);
    bool fine = size > 0 && strlen(field[GAVE]) == 1
        && strchr("stnb-", field[GAVE][0]);
    for (int i = 1; i < HISTORY_FIELDS && fine; i++)
        fine = i == GAVE
            || history_number(field[i],
                              i == TASKS || i == PAID ? UINT32_MAX : INT64_MAX,
                              &number[i]);
    if (!fine || number[TASKS] == 0 || history_find(h, field[NAME], size))
        return ORUN_EPROTO;
    HistoryEntry *e = history_entry(h, field[NAME], size);
    if (!e)
        return h->n == HISTORY_MOST || size >= HISTORY_NAME ? ORUN_EPROTO
                                                            : ORUN_ENOMEM;
    e->n = (uint32_t)number[TASKS];
    e->seconds = (double)number[TOOK] * 1e-6;
    e->idle = (double)number[IDLE] * 1e-6;
    e->spread = (double)number[SPREAD] * 1e-6;
    e->paid = (uint32_t)number[PAID];
    e->usd = (double)number[USD] * 1e-6;
    e->gave = field[GAVE][0];
    e->seen = (int64_t)number[SEEN];
    return 0;
}

/* The version that the first line tells, 1 or 2; else an error. */
static int
history_version(const char *line)
{
    if (strcmp(line, history_head) == 0)
        return 2;
    if (strcmp(line, history_head_1) == 0)
        return 1;
    return strncmp(line, history_head, sizeof history_head - 2) == 0
        ? ORUN_ESTATE
        : ORUN_EPROTO;
}

int
history_parse(History *h, char *text, size_t n)
{
    char *at = text, *end = text + n;
    for (int e, version = 0; at < end; at++) {
        char *line = at;
        at = memchr(at, '\n', (size_t)(end - at));
        if (!at)
            return ORUN_EPROTO;
        *at = '\0';
        if (line == text) {
            if ((version = history_version(line)) < 0)
                return version;
        } else if ((e = history_take(h, line, version == 1)) != 0) {
            return e;
        }
    }
    return n ? 0 : ORUN_EPROTO;
}

int
history_load(History *h, const char *path)
{
    Buf text = { 0 };
    int e = history_read(path, &text);
    if (e == 0)
        e = history_parse(h, text.p, text.n);
    if (e)
        history_free(h);
    buf_free(&text);
    return e;
}

/* ---- writing ---- */

static void
history_put_name(Buf *to, const char *name)
{
    for (const char *at = name; *at; at++)
        if ((unsigned char)*at <= ' ' || *at == '%' || *at == 0x7f)
            buf_printf(to, "%%%02X", (unsigned char)*at);
        else
            buf_putc(to, *at);
}

static unsigned long long
history_millionths(double x)
{
    return x > 0 && x < 1e11 ? (unsigned long long)(x * 1e6 + 0.5) : 0;
}

static void
history_put(Buf *to, const HistoryEntry *e)
{
    history_put_name(to, e->name);
    buf_printf(to, " %lu %llu %llu %llu %lu %llu %c %lld\n",
               (unsigned long)e->n, history_millionths(e->seconds),
               history_millionths(e->idle), history_millionths(e->spread),
               (unsigned long)e->paid, history_millionths(e->usd), e->gave,
               (long long)e->seen);
}

/* Those seen last come first; of one time, by name, so that a file depends on
 * what happened only. */
static int
history_order(const void *a, const void *b)
{
    const HistoryEntry *x = a, *y = b;
    if (x->seen != y->seen)
        return x->seen > y->seen ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int
history_write(const char *path, const Buf *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                  0600);
    size_t done = 0;
    ssize_t n = 0;
    if (fd < 0)
        return ORUN_ESYS;
    while (done < text->n && n >= 0) {
        n = write(fd, text->p + done, text->n - done);
        done += n > 0 ? (size_t)n : 0;
    }
    int e = n < 0 ? errno : 0;
    if (close(fd) != 0 && e == 0)
        e = errno;
    errno = e;
    return e ? ORUN_ESYS : 0;
}

void
history_print(History *h, Buf *to)
{
    buf_printf(to, "%s\n", history_head);
    if (h->n)
        qsort(h->entries, h->n, sizeof *h->entries, history_order);
    for (uint32_t i = 0; i < h->n; i++)
        history_put(to, &h->entries[i]);
}

/* Put h in the place of the file; `beside` is the name of a new one. */
static int
history_replace(History *h, const char *path, const char *beside)
{
    Buf text = { 0 };
    history_print(h, &text);
    int e = buf_failed(&text) ? ORUN_ENOMEM : history_write(beside, &text);
    if (e == 0 && rename(beside, path) != 0)
        e = ORUN_ESYS;
    if (e == ORUN_ESYS) {
        int why = errno;
        unlink(beside);
        errno = why;
    }
    buf_free(&text);
    return e;
}

/* Open the file to lock; what is missing of the folders above it is made. */
static int
history_open_lock(char *path)
{
    enum { FLAGS = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC };
    int fd = open(path, FLAGS, 0600);
    if (fd >= 0 || errno != ENOENT)
        return fd;
    for (char *at = path; (at = strchr(at + 1, '/')) != NULL; *at = '/') {
        *at = '\0';
        (void)!mkdir(path, 0700);
    }
    return open(path, FLAGS, 0600);
}

/* Lock the file at `path`, which closing gives back. -1: it cannot be made, or
 * somebody has kept it for a second. */
static int
history_lock(char *path)
{
    struct timespec pause = { 0, HISTORY_PAUSE * 1000000L };
    int fd = history_open_lock(path);
    for (int i = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0; i++) {
        if ((errno != EWOULDBLOCK && errno != EINTR) || i == HISTORY_TRIES) {
            int why = errno;
            close(fd);
            errno = why;
            return -1;
        }
        nanosleep(&pause, NULL);
    }
    return fd;
}

/* Add the names of `from` to `all`, as far as there is room, and (fold) what is
 * known of them. `seen` is when they were, 0: as it says. */
static int
history_join(History *all, const History *from, bool fold, int64_t seen)
{
    for (uint32_t i = 0; i < from->n; i++) {
        const HistoryEntry *e = &from->entries[i];
        HistoryEntry *to = history_entry(all, e->name, strlen(e->name));
        if (!to && all->n < HISTORY_MOST)
            return ORUN_ENOMEM;
        if (to && fold)
            history_fold(to, e);
        if (to && seen)
            to->seen = seen;
    }
    return 0;
}

/* All that is known: what is new has room first, then what was seen last. */
static int
history_add_up(History *all, const History *more, History *old, int64_t now)
{
    if (old->n)
        qsort(old->entries, old->n, sizeof *old->entries, history_order);
    int e = history_join(all, more, false, now);
    if (e == 0)
        e = history_join(all, old, true, 0);
    return e ? e : history_join(all, more, true, now);
}

/* With the lock held. */
static int
history_merge_locked(const History *more, const char *path, const char *beside,
                     int64_t now)
{
    History old = { 0 }, all = { 0 };
    int e = history_load(&old, path);
    if (e == ORUN_EPROTO || (e == ORUN_ESYS && errno == ENOENT))
        e = 0;
    if (e == 0)
        e = history_add_up(&all, more, &old, now);
    if (e == 0)
        e = history_replace(&all, path, beside);
    history_free(&old);
    history_free(&all);
    return e;
}

int
history_merge(const History *more, const char *path, int64_t now)
{
    Buf lock = { 0 }, beside = { 0 };
    buf_printf(&lock, "%s.lock", path);
    buf_printf(&beside, "%s.new", path);
    buf_cstr(&lock);
    int e = buf_failed(&lock) || buf_failed(&beside) ? ORUN_ENOMEM : 0;
    int fd = e ? -1 : history_lock(lock.p);
    if (fd >= 0)
        e = history_merge_locked(more, path, buf_cstr(&beside), now);
    else if (e == 0)
        e = ORUN_ESYS;
    int why = errno;
    if (fd >= 0)
        close(fd);
    buf_free(&lock);
    buf_free(&beside);
    errno = why;
    return e;
}
