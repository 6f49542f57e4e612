/* key.c — the parts of a task's content, hashed one by one.
 *
 * The content hash is that of the kinds that are given, each with its whole
 * hash. The parts are, for each kind, one without a name, which has the
 * beginning of that hash; and for some kinds details, with names, which only
 * say what differs: a variable, a file. A part is
 *
 *   kind (1 byte), length of the name (1 byte), name, KEY_SIZE bytes
 */
#include "journal/key.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/sanitize.h"
#include "base/secret.h"
#include "journal/key_files.h"
#include "task/agent.h"
#include "task/writes.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    KEY_FORM = 1, /* changes with what the hash is made of */
};

MUST_BE(KEY_DETAIL_NAME < 256 && KEY_KIND_COUNT < 256);

typedef struct KeyMaker {
    const KeyParts *k;
    Digest whole;
    Buf *parts; /* may be NULL */
    KeyKind kind;
    int details; /* of this kind so far */
    int error;
} KeyMaker;

static void
key_fail(KeyMaker *m, int error)
{
    m->error = m->error ? m->error : error;
}

/* ---- parts ---- */

static void
key_write_part(KeyMaker *m, const char *name, size_t n,
               const unsigned char hash[DIGEST_SIZE])
{
    if (!m->parts)
        return;
    n = n < KEY_DETAIL_NAME ? n : KEY_DETAIL_NAME;
    buf_putc(m->parts, (char)m->kind);
    buf_putc(m->parts, (char)n);
    buf_put(m->parts, name, n);
    buf_put(m->parts, hash, KEY_SIZE);
}

/* A detail of the kind in hand, for those who ask why. */
static void
key_detail(KeyMaker *m, const char *name, size_t n,
           const unsigned char hash[DIGEST_SIZE])
{
    if (m->details++ < KEY_DETAILS && n > 0)
        key_write_part(m, name, n, hash);
}

static void
key_detail_text(KeyMaker *m, const char *name, const char *text)
{
    unsigned char hash[DIGEST_SIZE];
    digest_of(text, strlen(text), hash);
    key_detail(m, name, strlen(name), hash);
}

/* The kind as a whole: it counts. */
static void
key_part(KeyMaker *m, KeyKind kind, const unsigned char hash[DIGEST_SIZE])
{
    unsigned char byte = (unsigned char)kind;
    m->kind = kind;
    digest_add(&m->whole, &byte, 1);
    digest_add(&m->whole, hash, DIGEST_SIZE);
    key_write_part(m, "", 0, hash);
    m->details = 0;
}

static void
key_begin(KeyMaker *m, KeyKind kind)
{
    m->kind = kind;
    m->details = 0;
}

static void
key_bytes(KeyMaker *m, KeyKind kind, const void *p, size_t n)
{
    unsigned char hash[DIGEST_SIZE];
    digest_of(p, n, hash);
    key_part(m, kind, hash);
}

static void
key_text(KeyMaker *m, KeyKind kind, const char *s)
{
    if (s)
        key_bytes(m, kind, s, strlen(s));
}

/* ---- values ---- */

/* Of a function: its code (name NULL), and a variable it captures. */
static int
key_function_part(void *ctx, const char *name, size_t n,
                  const unsigned char hash[DIGEST_SIZE])
{
    KeyMaker *m = ctx;
    char text[KEY_DETAIL_NAME + 32];
    int length = name
        ? snprintf(text, sizeof text, "captured value `%.*s`",
                   (int)(n < KEY_DETAIL_NAME ? n : KEY_DETAIL_NAME), name)
        : snprintf(text, sizeof text, "code");
    key_detail(m, text, (size_t)length, hash);
    return 0;
}

/* What value_hash asks while parts are told: the caller's own, with its
 * ctx. */
typedef struct KeyAsk {
    KeyMaker *m;
    const ValueHashOps *ops;
} KeyAsk;

static int
key_ask_handle(void *ctx, uint64_t id, unsigned char hash[DIGEST_SIZE])
{
    const KeyAsk *ask = ctx;
    return ask->ops->handle(ask->ops->ctx, id, hash);
}

static int
key_ask_module(void *ctx, const char *name, size_t n,
               unsigned char hash[DIGEST_SIZE])
{
    const KeyAsk *ask = ctx;
    return ask->ops->module(ask->ops->ctx, name, n, hash);
}

static int
key_ask_part(void *ctx, const char *name, size_t n,
             const unsigned char hash[DIGEST_SIZE])
{
    const KeyAsk *ask = ctx;
    return key_function_part(ask->m, name, n, hash);
}

static void
key_value_hash(KeyMaker *m, const Value *v, unsigned char hash[DIGEST_SIZE])
{
    KeyAsk ask = { m, &m->k->ops };
    ValueHashOps ops = {
        .handle = ask.ops->handle ? key_ask_handle : NULL,
        .module = ask.ops->module ? key_ask_module : NULL,
        .part = m->parts ? key_ask_part : NULL,
        .ctx = &ask,
    };
    key_fail(m, value_hash(v, &ops, hash));
}

static void
key_value(KeyMaker *m, KeyKind kind, const Value *v)
{
    unsigned char hash[DIGEST_SIZE] = { 0 };
    if (!v || m->error)
        return;
    key_begin(m, kind);
    key_value_hash(m, v, hash);
    key_part(m, kind, hash);
}

/* ---- words, paths and variables ---- */

/* Feed the digest a text with its length, so that two do not run together. */
static void
key_feed(Digest *d, const char *s, size_t n)
{
    unsigned char length[8];
    uint64_t rest = n;
    for (size_t i = 0; i < sizeof length; i++, rest >>= 8)
        length[i] = (unsigned char)rest;
    digest_add(d, length, sizeof length);
    digest_add(d, s, n);
}

static void
key_words(char *const *argv, unsigned char hash[DIGEST_SIZE])
{
    Digest d;
    digest_begin(&d);
    for (; *argv; argv++)
        key_feed(&d, *argv, strlen(*argv));
    digest_end(&d, hash);
}

/* The path as seen from the root, when it is there or below. */
static const char *
key_path(const KeyMaker *m, const char *path)
{
    const char *root = m->k->root;
    size_t n = root ? strlen(root) : 0;
    if (n < 2 || !writes_inside(path, root))
        return path;
    return path[n] ? path + n + 1 : ".";
}

/* What counts of "NAME=value": all, but of a secret the name. */
static size_t
key_variable(const char *s)
{
    const char *value = strchr(s, '=');
    if (!value)
        return strlen(s);
    char name[256];
    size_t n = (size_t)(value - s), length = strlen(value + 1);
    snprintf(name, sizeof name, "%.*s", (int)(n < 255 ? n : 255), s);
    bool secret = secret_named(name) || secret_in(value + 1, length, NULL, 0);
    return secret ? n : n + 1 + length;
}

static int
key_by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The n texts in order, in a block of their own; NULL, and m has failed, when
 * memory is out. */
static const char **
key_sorted(KeyMaker *m, char *const *texts, size_t n)
{
    const char **sorted = mem_zalloc(n + 1, sizeof *sorted);
    if (!sorted) {
        key_fail(m, ORUN_ENOMEM);
        return NULL;
    }
    if (n)
        memcpy(sorted, texts, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, key_by_text);
    return sorted;
}

/* The variables, by name; each a detail. */
static void
key_variables(KeyMaker *m, char *const *env, unsigned char hash[DIGEST_SIZE])
{
    size_t n = 0;
    while (env[n])
        n++;
    const char **sorted = key_sorted(m, env, n);
    if (!sorted)
        return;
    Digest d;
    digest_begin(&d);
    for (size_t i = 0; i < n; i++) {
        unsigned char one[DIGEST_SIZE];
        size_t counts = key_variable(sorted[i]);
        digest_of(sorted[i], counts, one);
        digest_add(&d, one, sizeof one);
        key_detail(m, sorted[i], strcspn(sorted[i], "="), one);
    }
    digest_end(&d, hash);
    mem_free(sorted);
}

static void
key_env(KeyMaker *m)
{
    unsigned char hash[DIGEST_SIZE] = { 0 };
    if (!m->k->env || !m->k->env[0])
        return;
    key_begin(m, KEY_ENV);
    key_variables(m, m->k->env, hash);
    key_part(m, KEY_ENV, hash);
}

/* ---- the type of agent ---- */

/* A text of the type: fed, and a detail. */
static void
key_agent_text(KeyMaker *m, Digest *d, const char *name, const char *s)
{
    digest_add(d, s ? "+" : "-", 1);
    if (!s)
        return;
    key_feed(d, s, strlen(s));
    key_detail_text(m, name, s);
}

/* How it does a task: by a function, a program, or C code that has nothing but
 * its name. */
static void
key_agent_doer(KeyMaker *m, Digest *d, const AgentType *a)
{
    unsigned char hash[DIGEST_SIZE] = { 0 };
    char kind = (char)a->kind;
    digest_add(d, &kind, 1);
    if (a->code)
        key_value_hash(m, a->code, hash);
    digest_add(d, hash, sizeof hash);
    memset(hash, 0, sizeof hash);
    if (a->host)
        key_agent_text(m, d, "C code", a->name);
    if (a->argv) {
        key_words(a->argv, hash);
        key_detail(m, "command", strlen("command"), hash);
    }
    digest_add(d, hash, sizeof hash);
}

static void
key_agent(KeyMaker *m)
{
    const AgentType *a = m->k->agent;
    unsigned char hash[DIGEST_SIZE] = { 0 };
    Digest d;
    if (!a)
        return;
    key_begin(m, KEY_AGENT);
    digest_begin(&d);
    key_agent_doer(m, &d, a);
    if (a->opt.env) {
        key_variables(m, a->opt.env, hash);
        digest_add(&d, hash, sizeof hash);
    }
    key_agent_text(m, &d, "cwd", a->opt.cwd ? key_path(m, a->opt.cwd) : NULL);
    key_agent_text(m, &d, "permissions",
                   task_permission_name(a->opt.permissions));
    digest_end(&d, hash);
    key_part(m, KEY_AGENT, hash);
}

/* ---- files and blockers ---- */

/* One of the files; it counts by its name, as seen from the root, too. */
static void
key_read(KeyMaker *m, Digest *d, const char *path)
{
    const Writes *writes = m->k->writes;
    const char *name = key_path(m, path);
    unsigned char hash[DIGEST_SIZE];
    int error = key_files_hash(path, writes ? writes->paths : NULL,
                               writes ? writes->n : 0, hash);
    key_fail(m, error);
    if (error)
        return;
    key_feed(d, name, strlen(name));
    digest_add(d, hash, sizeof hash);
    key_detail(m, name, strlen(name), hash);
}

static void
key_reads(KeyMaker *m)
{
    const Writes *reads = m->k->reads;
    unsigned char hash[DIGEST_SIZE];
    Digest d;
    if (!reads || !reads->n)
        return;
    const char **sorted = key_sorted(m, reads->paths, reads->n);
    key_begin(m, KEY_READS);
    digest_begin(&d);
    for (size_t i = 0; i < reads->n && !m->error; i++)
        key_read(m, &d, sorted[i]);
    digest_end(&d, hash);
    key_part(m, KEY_READS, hash);
    mem_free(sorted);
}

static int
key_by_outcome(const void *a, const void *b)
{
    return memcmp(a, b, KEY_SIZE);
}

static void
key_blockers(KeyMaker *m)
{
    size_t n = m->k->blocker_count;
    if (!n)
        return;
    unsigned char(*sorted)[KEY_SIZE] = mem_zalloc(n, sizeof *sorted);
    if (!sorted) {
        key_fail(m, ORUN_ENOMEM);
        return;
    }
    memcpy(sorted, m->k->blockers, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, key_by_outcome);
    key_bytes(m, KEY_BLOCKERS, sorted, n * sizeof *sorted);
    mem_free(sorted);
}

/* ---- the whole ---- */

/* Where the task works. */
static void
key_place(KeyMaker *m)
{
    const KeyParts *k = m->k;
    if (k->cwd)
        key_text(m, KEY_CWD, key_path(m, k->cwd));
    key_env(m);
    if (k->worktree)
        key_text(m, KEY_WORKTREE, k->base ? k->base : "");
}

/* The kinds, each at most once, in one order. */
static void
key_all(KeyMaker *m)
{
    const KeyParts *k = m->k;
    unsigned char hash[DIGEST_SIZE];
    key_agent(m);
    key_value(m, KEY_RUN, k->code);
    if (k->argv) {
        key_words(k->argv, hash);
        key_part(m, KEY_COMMAND, hash);
    }
    key_value(m, KEY_PROMPT, k->prompt);
    key_value(m, KEY_INPUT, k->input);
    key_text(m, KEY_MODEL, k->model);
    key_value(m, KEY_SCHEMA, k->schema);
    key_text(m, KEY_PERMISSIONS, task_permission_name(k->permissions));
    key_place(m);
    key_reads(m);
    if (k->max_output) {
        char text[24];
        snprintf(text, sizeof text, "%zu", k->max_output);
        key_text(m, KEY_OUTPUT, text);
    }
    key_blockers(m);
}

int
key_content(const KeyParts *k, unsigned char hash[DIGEST_SIZE], Buf *parts)
{
    KeyMaker m = { .k = k, .parts = parts };
    unsigned char form = KEY_FORM;
    digest_begin(&m.whole);
    digest_add(&m.whole, &form, 1);
    if (k->key)
        key_text(&m, KEY_USER, k->key);
    else
        key_all(&m);
    digest_end(&m.whole, hash);
    if (parts && buf_failed(parts))
        key_fail(&m, ORUN_ENOMEM);
    return m.error;
}

/* ---- what differs ---- */

typedef struct KeyPart {
    KeyKind kind;
    size_t n; /* of the name; 0: the kind as a whole */
    const char *name;
    const unsigned char *hash;
} KeyPart;

typedef struct KeyReader {
    const unsigned char *at, *end;
} KeyReader;

/* The next part; false at the end, or when it is malformed: then at < end. */
static bool
key_next(KeyReader *r, KeyPart *part)
{
    size_t left = (size_t)(r->end - r->at);
    if (left < 2 || r->at[0] >= KEY_KIND_COUNT
        || left < 2 + (size_t)r->at[1] + KEY_SIZE)
        return false;
    part->kind = r->at[0];
    part->n = r->at[1];
    part->name = (const char *)r->at + 2;
    part->hash = r->at + 2 + part->n;
    r->at = part->hash + KEY_SIZE;
    return true;
}

static bool
key_readable(KeyReader r)
{
    KeyPart part;
    while (key_next(&r, &part))
        ;
    return r.at == r.end;
}

/* Is there this very part? Of several with one name each will do. */
static bool
key_has(KeyReader r, const KeyPart *want)
{
    KeyPart part;
    while (key_next(&r, &part))
        if (part.kind == want->kind && part.n == want->n
            && memcmp(part.name, want->name, part.n) == 0
            && memcmp(part.hash, want->hash, KEY_SIZE) == 0)
            return true;
    return false;
}

static bool
key_names(KeyReader r, const KeyPart *want)
{
    KeyPart part;
    while (key_next(&r, &part))
        if (part.kind == want->kind && part.n == want->n
            && memcmp(part.name, want->name, part.n) == 0)
            return true;
    return false;
}

static const char *
key_word(KeyKind kind)
{
    static const char *const words[] = {
#define X(name, word) word,
        KEY_KINDS(X)
#undef X
    };
    return words[kind];
}

static void
key_tell(const KeyPart *part, Buf *out)
{
    bool named = part->kind == KEY_READS || part->kind == KEY_ENV;
    buf_puts(out, out->n ? ", " : "");
    buf_puts(out, key_word(part->kind));
    if (!part->n)
        return;
    buf_puts(out, named ? " " : ": ");
    sanitize_put(out, part->name, part->n, SANITIZE_LINE);
}

/* Tell the details of the kind in `from` that `other` has not; with `news`
 * those only of which it does not even have the name. How many. */
static size_t
key_tell_details(KeyReader from, KeyReader other, KeyKind kind, bool news,
                 Buf *out)
{
    KeyPart part;
    size_t told = 0;
    while (key_next(&from, &part)) {
        if (part.kind != kind || !part.n || key_has(other, &part)
            || (news && key_names(other, &part)))
            continue;
        key_tell(&part, out);
        told++;
    }
    return told;
}

/* The kind as a whole, if it is there. */
static bool
key_find(KeyReader r, KeyKind kind, KeyPart *part)
{
    while (key_next(&r, part))
        if (part->kind == kind && !part->n)
            return true;
    return false;
}

int
key_differs(const void *was, size_t was_n, const void *is, size_t is_n,
            Buf *out)
{
    KeyReader a = { was, (const unsigned char *)was + was_n };
    KeyReader b = { is, (const unsigned char *)is + is_n };
    Buf told = { 0 };
    if (was_n > KEY_PARTS_MAX || is_n > KEY_PARTS_MAX || !key_readable(a)
        || !key_readable(b))
        return ORUN_EPROTO;
    for (KeyKind kind = 0; kind < KEY_KIND_COUNT; kind++) {
        KeyPart old, new;
        bool there = key_find(a, kind, &old), here = key_find(b, kind, &new);
        if ((!there && !here)
            || (there && here && memcmp(old.hash, new.hash, KEY_SIZE) == 0))
            continue;
        size_t n = 0;
        if (there && here)
            n = key_tell_details(b, a, kind, false, &told)
                + key_tell_details(a, b, kind, true, &told);
        if (n == 0)
            key_tell(here ? &new : &old, &told);
    }
    buf_put(out, told.p, told.n);
    bool failed = buf_failed(&told);
    buf_free(&told);
    return failed ? ORUN_ENOMEM : 0;
}

size_t
key_common(const void *was, size_t was_n, const void *is, size_t is_n)
{
    KeyReader a = { was, (const unsigned char *)was + was_n };
    KeyReader b = { is, (const unsigned char *)is + is_n };
    KeyPart part;
    size_t n = 0;
    if (was_n > KEY_PARTS_MAX || is_n > KEY_PARTS_MAX)
        return 0;
    while (key_next(&a, &part))
        n += key_has(b, &part);
    return n;
}

void
key_made(const void *parts, size_t n, unsigned char hash[KEY_SIZE])
{
    unsigned char whole[DIGEST_SIZE];
    KeyReader r = { parts, (const unsigned char *)parts + n };
    KeyPart part;
    Digest d;
    digest_begin(&d);
    while (key_next(&r, &part)) {
        unsigned char kind = (unsigned char)part.kind;
        if (part.n || kind == KEY_READS || kind == KEY_BLOCKERS)
            continue;
        digest_add(&d, &kind, 1);
        digest_add(&d, part.hash, KEY_SIZE);
    }
    digest_end(&d, whole);
    memcpy(hash, whole, KEY_SIZE);
}
