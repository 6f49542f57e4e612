/* key_modules.c — sources that are read once, and a walk over what they
 * require. */
#include "journal/key_modules.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "vm/bundle.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

/* A file, as it was when it was read. */
typedef struct KeySource {
    char *path;
    struct stat st;
    unsigned char hash[DIGEST_SIZE]; /* of its text */
    Buf needs; /* the names it requires, a NUL behind each */
} KeySource;

struct KeyModules {
    uv_mutex_t lock;
    /* Guarded by it. */
    KeySource *sources;
    size_t count, room;
};

/* The modules that one leads to: each once, in the order they are met. */
typedef struct KeyWalk {
    Buf names;   /* a NUL behind each */
    size_t next; /* where in them the next one to be looked at begins */
    int count;
} KeyWalk;

KeyModules *
key_modules_new(void)
{
    KeyModules *m = mem_zalloc(1, sizeof *m);
    if (m && uv_mutex_init(&m->lock)) {
        mem_free(m);
        return NULL;
    }
    return m;
}

void
key_modules_free(KeyModules *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->count; i++) {
        mem_free(m->sources[i].path);
        buf_free(&m->sources[i].needs);
    }
    mem_free(m->sources);
    uv_mutex_destroy(&m->lock);
    mem_free(m);
}

/* ---- what a text requires ---- */

/* Characters of names that lead to a file. */
static bool
key_modules_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-'
        || c == '/';
}

static const char *
key_modules_blank(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
        p++;
    return p;
}

/* The name in quotes that follows the word `require`, of *n bytes; or NULL. */
static const char *
key_modules_quoted(const char *p, const char *end, size_t *n)
{
    p = key_modules_blank(p, end);
    if (p < end && *p == '(')
        p = key_modules_blank(p + 1, end);
    if (p == end || (*p != '"' && *p != '\''))
        return NULL;
    const char *name = ++p;
    while (p < end && key_modules_letter(*p))
        p++;
    *n = (size_t)(p - name);
    return p < end && *p == name[-1] ? name : NULL;
}

/* Comments and strings are not told apart from code: what they name too much
 * does no harm. */
static void
key_modules_scan(const Buf *text, Buf *needs)
{
    static const char word[] = "require";
    const char *end = text->p + text->n, *at = text->p;
    while (at && (at = memmem(at, (size_t)(end - at), word, sizeof word - 1))) {
        size_t n;
        at += sizeof word - 1;
        const char *name = key_modules_quoted(at, end, &n);
        if (name && n && n <= KEY_MODULES_NAME) {
            buf_put(needs, name, n);
            buf_putc(needs, '\0');
        }
    }
}

/* ---- files ---- */

/* Read what counts of it. An errno. */
static int
key_modules_load(int fd, Buf *text)
{
    enum { PIECE = 64 << 10 };
    while (text->n < KEY_MODULES_TEXT) {
        char *to = buf_room(text, PIECE);
        if (!to)
            return ENOMEM;
        ssize_t n = read(fd, to, PIECE);
        if (n < 0 && errno != EINTR)
            return errno;
        if (n == 0)
            return 0;
        text->n += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static bool
key_modules_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev
        && a->st_size == b->st_size
        && memcmp(&a->st_mtim, &b->st_mtim, sizeof a->st_mtim) == 0
        && memcmp(&a->st_ctim, &b->st_ctim, sizeof a->st_ctim) == 0;
}

/* A place for the file, which is new or has changed; NULL: no memory. */
static KeySource *
key_modules_place(KeyModules *m, const char *path)
{
    for (size_t i = 0; i < m->count; i++)
        if (strcmp(m->sources[i].path, path) == 0)
            return &m->sources[i];
    if (m->count == m->room) {
        size_t room = m->room ? m->room * 2 : 16;
        void *more = mem_realloc(m->sources, room * sizeof *m->sources);
        if (!more)
            return NULL;
        m->sources = more;
        m->room = room;
    }
    KeySource *s = &m->sources[m->count];
    *s = (KeySource){ .path = mem_dup(path, strlen(path)) };
    m->count += s->path != NULL;
    return s->path ? s : NULL;
}

/* Have the file's text in *s. An errno. */
static int
key_modules_read(const char *path, KeySource *s)
{
    Buf text = { 0 };
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int e = fd < 0 || fstat(fd, &st) != 0 ? errno
        : S_ISREG(st.st_mode)             ? key_modules_load(fd, &text)
                                          : EINVAL;
    if (fd >= 0)
        close(fd);
    if (e == 0) {
        buf_clear(&s->needs);
        key_modules_scan(&text, &s->needs);
        digest_of(text.p, text.n, s->hash);
        s->st = st;
        e = buf_failed(&s->needs) ? ENOMEM : 0;
    }
    buf_free(&text);
    return e;
}

/* The source at `path`: *out, which is good until the next call, or NULL if
 * there is none that can be read. ORUN_ENOMEM. */
static int
key_modules_at(KeyModules *m, const char *path, KeySource **out)
{
    struct stat st;
    *out = NULL;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return 0;
    KeySource *s = key_modules_place(m, path);
    if (!s)
        return ORUN_ENOMEM;
    int e = key_modules_same(&s->st, &st) ? 0 : key_modules_read(path, s);
    if (e)
        s->st = (struct stat){ .st_size = -1 };
    else
        *out = s;
    return e == ENOMEM ? ORUN_ENOMEM : 0;
}

/* ---- names ---- */

/* The template with the name in the places of its question marks. */
static void
key_modules_fill(Buf *to, const char *from, size_t n, const char *name)
{
    buf_clear(to);
    for (const char *end = from + n; from < end; from++) {
        if (*from != '?') {
            buf_putc(to, *from);
            continue;
        }
        for (const char *c = name; *c; c++)
            buf_putc(to, *c == '.' ? '/' : *c);
    }
    buf_cstr(to);
}

/* As package.searchpath: the first file of the path that is there. */
static int
key_modules_find(KeyModules *m, const char *path, const char *name,
                 KeySource **out)
{
    Buf file = { 0 };
    int e = 0;
    *out = NULL;
    while (path && *path && e == 0 && !*out) {
        size_t n = strcspn(path, ";");
        key_modules_fill(&file, path, n, name);
        e = buf_failed(&file) ? ORUN_ENOMEM
            : file.n          ? key_modules_at(m, file.p, out)
                              : 0;
        path += n + (path[n] == ';');
    }
    buf_free(&file);
    return e;
}

static bool
key_modules_ours(const char *name)
{
    return strncmp(name, "orun.", 5) == 0 || bundle_find(name) != NULL;
}

/* ---- the walk ---- */

static void
key_modules_meet(KeyWalk *w, const char *name)
{
    const char *end = w->names.p + w->names.n;
    for (const char *seen = w->names.p; seen < end; seen += strlen(seen) + 1)
        if (strcmp(seen, name) == 0)
            return;
    if (w->count++ < KEY_MODULES_MAX)
        buf_put(&w->names, name, strlen(name) + 1);
}

/* Add the next module to the digest, and meet what it requires. */
static int
key_modules_step(KeyModules *m, KeyWalk *w, const char *path, Digest *d,
                 bool *any)
{
    char name[KEY_MODULES_NAME + 1];
    KeySource *s;
    size_t n = strlen(w->names.p + w->next);
    memcpy(name, w->names.p + w->next, n + 1);
    w->next += n + 1;
    if (key_modules_ours(name))
        return 0;
    int e = key_modules_find(m, path, name, &s);
    if (e || !s)
        return e;
    *any = true;
    digest_add(d, name, n + 1);
    digest_add(d, s->hash, sizeof s->hash);
    const char *end = s->needs.p + s->needs.n;
    for (const char *need = s->needs.p; need < end; need += strlen(need) + 1)
        key_modules_meet(w, need);
    return buf_failed(&w->names) ? ORUN_ENOMEM : 0;
}

int
key_modules_hash(KeyModules *m, const char *path, const char *name, size_t n,
                 unsigned char hash[DIGEST_SIZE])
{
    KeyWalk w = { .count = 1 };
    Digest d;
    bool any = false;
    memset(hash, 0, DIGEST_SIZE);
    for (size_t i = 0; i < n; i++)
        if (!key_modules_letter(name[i]))
            return 0;
    if (n == 0 || n > KEY_MODULES_NAME)
        return 0;
    buf_put(&w.names, name, n);
    buf_putc(&w.names, '\0');
    int e = buf_failed(&w.names) ? ORUN_ENOMEM : 0;
    digest_begin(&d);
    uv_mutex_lock(&m->lock);
    while (e == 0 && w.next < w.names.n)
        e = key_modules_step(m, &w, path, &d, &any);
    uv_mutex_unlock(&m->lock);
    if (e == 0 && any)
        digest_end(&d, hash);
    buf_free(&w.names);
    return e;
}
