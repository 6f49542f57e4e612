/* secret.c — the list of secrets, and replacing them in a text. */
#include "base/secret.h"
#include "base/err.h"
#include "base/fork.h"
#include "base/mem.h"
#include "base/thread.h"
#include <stdatomic.h>
#include <unistd.h>

/* A variable holds a key if its name ends in, or contains, one of these; upper
 * or lower case does not matter. */
static const char *const secret_ends[] = {
    "_key", "apikey", "token", "secret", "_pat",
    "_pwd", "_pass",  "_auth", "_jwt",   "webhook_url",
};
static const char *const secret_parts[] = {
    "api_key",  "access_key", "private_key", "secret_",
    "password", "passwd",     "passphrase",  "credential",
};

typedef struct Secret {
    char *name, *value;
    size_t n;    /* bytes of value */
    size_t at;   /* in the text being searched: the next one, SIZE_MAX none */
    bool family; /* digits and dots that follow belong to it */
} Secret;

static uv_mutex_t secret_lock = THREAD_MUTEX_INIT;
/* Guarded by secret_lock: */
static Secret *secret_all;
static size_t secret_cap;
static unsigned secret_holders;
/* Written under it, read by anyone: */
static atomic_size_t secret_count, secret_max;

/* ---- what is a secret ---- */

/* Only the end of a name this long is checked. */
enum { SECRET_NAME = 255 };

/* All variables are checked before a script can start, so this must be fast. */
static bool
secret_named_by(const char *name, size_t n)
{
    char low[SECRET_NAME + 1];
    if (n > SECRET_NAME) {
        name += n - SECRET_NAME;
        n = SECRET_NAME;
    }
    for (size_t i = 0; i < n; i++)
        low[i] = name[i] >= 'A' && name[i] <= 'Z' ? name[i] | 32 : name[i];
    low[n] = '\0';
    for (size_t i = 0; i < countof(secret_ends); i++) {
        size_t m = strlen(secret_ends[i]);
        if (n >= m && memcmp(low + n - m, secret_ends[i], m) == 0)
            return true;
    }
    for (size_t at = 0; at < n; at++)
        for (size_t i = 0; i < countof(secret_parts); i++)
            if (low[at] == *secret_parts[i]
                && strncmp(low + at, secret_parts[i], strlen(secret_parts[i]))
                    == 0)
                return true;
    return false;
}

bool
secret_named(const char *name)
{
    return secret_named_by(name, strlen(name));
}

/* A variable such as GOOGLE_APPLICATION_CREDENTIALS only says where the secret
 * is, and programs are given such a path as an argument. */
static bool
secret_is_path(const char *value)
{
    return (*value == '/' || *value == '.') && access(value, F_OK) == 0;
}

/* With the lock held. */
static int
secret_put(const char *name, const char *value, size_t n)
{
    for (size_t i = 0; i < secret_count; i++)
        if (secret_all[i].n == n && memcmp(secret_all[i].value, value, n) == 0)
            return 0;
    if (secret_count == secret_cap) {
        size_t cap = secret_cap ? secret_cap * 2 : 8;
        Secret *all = mem_realloc(secret_all, cap * sizeof *all);
        if (!all)
            return ORUN_ENOMEM;
        secret_all = all;
        secret_cap = cap;
    }
    Secret *s = &secret_all[secret_count];
    *s = (Secret){ .name = mem_dup(name, strlen(name)),
                   .value = mem_dup(value, n),
                   .n = n };
    if (!s->name || !s->value) {
        mem_free(s->name);
        mem_free(s->value);
        return ORUN_ENOMEM;
    }
    if (n > secret_max)
        secret_max = n;
    secret_count++;
    return 0;
}

/* The lines of a value with several: a program may print only some of them, or
 * put something before each. The frame of a PEM key is not a secret. */
static int
secret_put_lines(const char *name, const char *value, size_t n)
{
    int e = 0;
    for (size_t m; n > 0 && e == 0; value += m, n -= m) {
        const char *end = memchr(value, '\n', n);
        size_t line = m = end ? (size_t)(end - value) : n;
        while (line > 0 && value[line - 1] == '\r')
            line--;
        if (line >= SECRET_LINE && strncmp(value, "-----", 5) != 0)
            e = secret_put(name, value, line);
        m += end != NULL;
    }
    return e;
}

int
secret_add(const char *name, const char *value)
{
    static const char space[] = " \t\r\n";
    value += strspn(value, space);
    size_t n = strlen(value);
    while (n > 0 && strchr(space, value[n - 1]))
        n--;
    if (n < SECRET_MIN)
        return 0;
    uv_mutex_lock(&secret_lock);
    int e = secret_put(name, value, n);
    if (e == 0 && memchr(value, '\n', n))
        e = secret_put_lines(name, value, n);
    uv_mutex_unlock(&secret_lock);
    return e;
}

int
secret_add_family(const char *name, const char *start)
{
    uv_mutex_lock(&secret_lock);
    int e = secret_put(name, start, strlen(start));
    for (size_t i = 0; e == 0 && i < secret_count; i++)
        if (strcmp(secret_all[i].value, start) == 0)
            secret_all[i].family = true;
    uv_mutex_unlock(&secret_lock);
    return e;
}

/* Add the password of each URL in the value: scheme://user:password@host. */
static int
secret_add_urls(const char *name, const char *value)
{
    int e = 0;
    for (const char *s = value; e == 0 && (s = strstr(s, "://")) != NULL;) {
        s += 3;
        size_t n = strcspn(s, "/?# \t\r\n\"'<>");
        const char *at = memrchr(s, '@', n);
        const char *colon = at ? memchr(s, ':', (size_t)(at - s)) : NULL;
        size_t length = colon ? (size_t)(at - colon - 1) : 0;
        if (length >= SECRET_MIN) {
            uv_mutex_lock(&secret_lock);
            e = secret_put(name, colon + 1, length);
            uv_mutex_unlock(&secret_lock);
        }
    }
    return e;
}

int
secret_see(const char *name, const char *value)
{
    int e = secret_add_urls(name, value);
    if (e == 0 && secret_named(name) && !secret_is_path(value))
        e = secret_add(name, value);
    return e;
}

/* ---- the list's life ---- */

int
secret_open(char *const *env)
{
    int e = 0;
    fork_guard(FORK_SECRET, &secret_lock);
    uv_mutex_lock(&secret_lock);
    secret_holders++;
    uv_mutex_unlock(&secret_lock);
    for (; env && *env && e == 0; env++) {
        const char *value = strchr(*env, '=');
        if (!value || value == *env)
            continue;
        size_t n = (size_t)(value++ - *env);
        if (!secret_named_by(*env, n) && !strstr(value, "://"))
            continue;
        char *name = mem_dup(*env, n);
        e = name ? secret_see(name, value) : ORUN_ENOMEM;
        mem_free(name);
    }
    return e;
}

void
secret_close(void)
{
    uv_mutex_lock(&secret_lock);
    if (--secret_holders == 0) {
        for (size_t i = 0; i < secret_count; i++) {
            explicit_bzero(secret_all[i].value, secret_all[i].n);
            mem_free(secret_all[i].value);
            mem_free(secret_all[i].name);
        }
        mem_free(secret_all);
        secret_all = NULL;
        secret_cap = 0;
        atomic_store(&secret_count, 0);
        atomic_store(&secret_max, 0);
    }
    uv_mutex_unlock(&secret_lock);
}

size_t
secret_longest(void)
{
    return atomic_load(&secret_max);
}

/* ---- finding and replacing; with the lock held ---- */

/* Where in [from, to) of the text the whole secret begins, or SIZE_MAX. */
static size_t
secret_find(const Secret *s, const char *text, size_t from, size_t to)
{
    if (from >= to || to - from < s->n)
        return SIZE_MAX;
    const char *p = memmem(text + from, to - from, s->value, s->n);
    return p ? (size_t)(p - text) : SIZE_MAX;
}

/* The first secret, and the longest of several there; NULL: no more. */
static Secret *
secret_first(void)
{
    Secret *first = NULL;
    for (size_t i = 0; i < secret_count; i++) {
        Secret *s = &secret_all[i];
        if (s->at == SIZE_MAX)
            continue;
        if (!first || s->at < first->at
            || (s->at == first->at && s->n > first->n))
            first = s;
    }
    return first;
}

/* The end of all secrets that overlap with [start, end), directly or through
 * another, so that no part of one remains. */
static size_t
secret_extend(const char *text, size_t n, size_t start, size_t end)
{
    for (size_t i = 0; i < secret_count; i++) {
        const Secret *s = &secret_all[i];
        size_t from = end > start + s->n ? end - s->n + 1 : start + 1;
        size_t to = n - end < s->n - 1 ? n : end + s->n - 1;
        size_t at = secret_find(s, text, from, to);
        if (at == SIZE_MAX || at + s->n <= end)
            continue;
        end = at + s->n;
        i = SIZE_MAX; /* from the first again */
    }
    return end;
}

/* The end of the digits that belong to a secret which was found up to `end`. */
static size_t
secret_rest(const Secret *s, const char *text, size_t n, size_t end)
{
    while (s->family && end < n && text[end]
           && strchr("0123456789abcdef.", text[end]))
        end++;
    return end;
}

/* Append the part of [lo, hi) that is in [from, to). */
static void
secret_copy(Buf *out, const char *text, size_t lo, size_t hi, size_t from,
            size_t to)
{
    lo = lo > from ? lo : from;
    hi = hi < to ? hi : to;
    if (lo < hi)
        buf_put(out, text + lo, hi - lo);
}

/* How many bytes at the end of the text are the beginning of a secret, *s. */
static size_t
secret_begun(const char *text, size_t n, const Secret **s)
{
    size_t most = 0;
    for (size_t i = 0; i < secret_count; i++) {
        const Secret *each = &secret_all[i];
        size_t m = n < each->n ? n : each->n - 1;
        while (m > most && m >= SECRET_MIN
               && memcmp(text + n - m, each->value, m) != 0)
            m--;
        if (m <= most || m < SECRET_MIN)
            continue;
        most = m;
        *s = each;
    }
    return most;
}

/* Append [lo, hi), which holds no whole secret. Where the text was cut, at its
 * end or where Lua shortened the name of a chunk, there may be part of one. */
static void
secret_plain(const char *text, size_t n, size_t lo, size_t hi, size_t from,
             size_t to, Buf *out)
{
    static const char dots[] = "...\"]";
    while (lo < hi) {
        const Secret *s = NULL;
        const char *p = memmem(text + lo, hi - lo, dots, sizeof dots - 1);
        size_t cut = p ? (size_t)(p - text) : hi;
        size_t m = p || hi == n ? secret_begun(text + lo, cut - lo, &s) : 0;
        secret_copy(out, text, lo, cut - m, from, to);
        if (m && cut > from && cut - m < to)
            buf_printf(out, "[%s]", s->name);
        lo = p ? cut + sizeof dots - 1 : hi;
        secret_copy(out, text, cut, lo, from, to);
    }
}

static void
secret_replace(const char *text, size_t n, size_t from, size_t to, Buf *out)
{
    size_t done = 0;
    Secret *s;
    for (size_t i = 0; i < secret_count; i++)
        secret_all[i].at = secret_find(&secret_all[i], text, 0, n);
    while ((s = secret_first()) != NULL && s->at < to) {
        size_t start = s->at;
        size_t end = secret_rest(s, text, n, start + s->n);
        end = secret_extend(text, n, start, end);
        secret_plain(text, n, done, start, from, to, out);
        if (end > from)
            buf_printf(out, "[%s]", s->name);
        done = end;
        for (size_t i = 0; i < secret_count; i++)
            if (secret_all[i].at < end)
                secret_all[i].at = secret_find(&secret_all[i], text, end, n);
    }
    secret_plain(text, n, done, s ? s->at : n, from, to, out);
}

/* ---- for others ---- */

void
secret_mask(const char *text, size_t n, size_t from, size_t to, Buf *out)
{
    if (from >= to)
        return;
    if (atomic_load_explicit(&secret_count, memory_order_relaxed) == 0) {
        buf_put(out, text + from, to - from);
    } else {
        uv_mutex_lock(&secret_lock);
        secret_replace(text, n, from, to, out);
        uv_mutex_unlock(&secret_lock);
    }
    if (buf_failed(out))
        out->n = 0;
}

void
secret_mask_string(char **text)
{
    if (!*text
        || atomic_load_explicit(&secret_count, memory_order_relaxed) == 0)
        return;
    Buf out = { 0 };
    size_t n = strlen(*text);
    secret_mask(*text, n, 0, n, &out);
    mem_free(*text);
    *text = buf_take(&out);
}

/* Is `name` one of the names? */
static bool
secret_among(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

const char *
secret_in(const char *text, size_t n, const char *const *but, size_t n_but)
{
    const char *name = NULL;
    uv_mutex_lock(&secret_lock);
    for (size_t i = 0; i < secret_count && !name; i++) {
        const Secret *s = &secret_all[i];
        if (secret_find(s, text, 0, n) != SIZE_MAX
            && !secret_among(s->name, but, n_but))
            name = s->name;
    }
    uv_mutex_unlock(&secret_lock);
    return name;
}
