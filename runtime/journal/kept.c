/* kept.c — an outcome as bytes. */
#include "journal/kept.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/secret.h"
#include "sched/report.h"
#include "store/fact.h"
#include "task/agent.h"
#include "task/folder.h"
#include "task/output.h"
#include "task/writes.h"
#include "value/value.h"
#include "value/value_hash.h"
#include "vm/handle.h"
#include <endian.h>
#include <unistd.h>

enum {
    KEPT_PRINTED = 16 << 20, /* bytes of what a program printed, each way */
    KEPT_MEMORY = 64 << 10,  /* of them in memory, when they are read */
    KEPT_PIECE = 64 << 10,
};

/* The faults that are the work's own. */
static const unsigned kept_faults = 1u << FAULT_NONE | 1u << FAULT_LUA
    | 1u << FAULT_EXIT | 1u << FAULT_SIGNAL | 1u << FAULT_TIMEOUT
    | 1u << FAULT_MEMORY | 1u << FAULT_SCHEMA | 1u << FAULT_HTTP
    | 1u << FAULT_CONFLICT;

/* ---- the hash ---- */

/* Of the value. KEPT_ODD: there is a function or a module in it. */
static KeptRefusal
kept_hash_value(Digest *d, const Value *v)
{
    static const ValueHashOps ops = { .data = true };
    unsigned char hash[DIGEST_SIZE] = { 0 };
    int e = v ? value_hash(v, &ops, hash) : 0;
    if (e)
        return e == ORUN_ENOMEM ? KEPT_NO_MEMORY : KEPT_ODD;
    digest_add(d, hash, sizeof hash);
    return KEPT_FINE;
}

/* Two outcomes with one hash are the same to a task that gets them. */
static KeptRefusal
kept_hash(const Outcome *o, unsigned char hash[TASK_KEY_SIZE])
{
    Digest d;
    unsigned char whole[DIGEST_SIZE];
    unsigned char how[] = { o->state, o->fault, o->signal };
    digest_begin(&d);
    digest_add(&d, how, sizeof how);
    digest_add(&d, &o->code, sizeof o->code);
    KeptRefusal output = kept_hash_value(&d, o->output);
    KeptRefusal error = kept_hash_value(&d, o->error_value);
    digest_add(&d, o->error, o->error ? strlen(o->error) : 0);
    digest_end(&d, whole);
    memcpy(hash, whole, TASK_KEY_SIZE);
    return output > error ? output : error; /* no memory is the greatest */
}

/* ---- writing ---- */

static void
kept_put_text(Buf *b, FactTag tag, const char *s)
{
    if (s && *s)
        fact_put_text(b, tag, s);
}

static void
kept_put_value(Buf *b, FactTag tag, const Value *v)
{
    size_t n;
    const void *p = v ? value_bytes(v, &n) : NULL;
    if (p)
        fact_put(b, tag, p, n);
}

static void
kept_put_printed(Buf *b, FactTag tag, Output *o)
{
    if (!o)
        return;
    size_t size = output_size(o), n = 0;
    size = size < KEPT_PRINTED ? size : KEPT_PRINTED;
    char *bytes = mem_alloc(size + 1);
    for (size_t got = 1; bytes && n < size && got > 0; n += got)
        got = output_read_at(o, n, bytes + n, size - n);
    if (bytes)
        fact_put(b, tag, bytes, n);
    b->failed |= !bytes;
    mem_free(bytes);
}

static void
kept_put_report(Buf *b, const TaskReport *r)
{
    for (int i = 0; i < REPORT_COUNT_KINDS; i++)
        if (r->counted >> i & 1) {
            unsigned char field[9] = { (unsigned char)i };
            uint64_t n = htole64(r->before[i] + r->usage[i]);
            memcpy(field + 1, &n, sizeof n);
            fact_put(b, FACT_TAG_USAGE, field, sizeof field);
        }
    if (r->costed)
        fact_put_number(b, FACT_TAG_COST, r->cost_before + r->cost);
    kept_put_text(b, FACT_TAG_MODEL, r->model);
    kept_put_text(b, FACT_TAG_SESSION, r->session_id);
    kept_put_value(b, FACT_TAG_DENIALS, r->denials);
}

/* What is for people who look at it: `orun show`. */
static void
kept_put_task(Buf *b, const Task *t)
{
    char id[HANDLE_ID_SIZE];
    handle_name(t->id, id);
    fact_put_text(b, FACT_TAG_TASK, id);
    kept_put_text(b, FACT_TAG_DESCRIPTION, t->description);
    if (t->opt && t->opt->agent)
        fact_put_text(b, FACT_TAG_AGENT, t->opt->agent->name);
    if (t->opt)
        kept_put_text(b, FACT_TAG_PHASE, t->opt->phase);
    kept_put_text(b, FACT_TAG_FILE, t->file);
    fact_put_int(b, FACT_TAG_LINE, t->line);
    fact_put_int(b, FACT_TAG_ATTEMPTS, t->attempt);
    fact_put(b, FACT_TAG_SCOPE, task_key(t)->scope, TASK_KEY_SIZE);
    if (t->parent->id && task_key(t->parent) && task_key(t->parent)->known)
        fact_put(b, FACT_TAG_MAKER, task_key(t->parent)->key, TASK_KEY_SIZE);
}

static void
kept_put_outcome(Buf *b, const Outcome *o)
{
    fact_put_text(b, FACT_TAG_STATUS, task_state_name(o->state));
    kept_put_text(b, FACT_TAG_ERROR_KIND, task_fault_name(o->fault));
    if (o->signal)
        fact_put_int(b, FACT_TAG_SIGNAL, o->signal);
    if (o->code >= 0)
        fact_put_int(b, FACT_TAG_EXIT_CODE, o->code);
    kept_put_value(b, FACT_TAG_OUTPUT, o->output);
    kept_put_value(b, FACT_TAG_ERROR_VALUE, o->error_value);
    if (o->error)
        fact_put_text(b, FACT_TAG_ERROR, o->error);
    kept_put_printed(b, FACT_TAG_STDOUT, o->captured ? o->captured->out : NULL);
    kept_put_printed(b, FACT_TAG_STDERR, o->captured ? o->captured->err : NULL);
}

/* What it ran out of, if it did. */
static void
kept_put_limit(Buf *b, TaskFault fault, const TaskOptions *o)
{
    if (o && fault == FAULT_TIMEOUT)
        fact_put_number(b, FACT_TAG_LIMIT, o->timeout);
    else if (o && fault == FAULT_MEMORY)
        fact_put_number(b, FACT_TAG_LIMIT, (double)o->memory_limit);
}

KeptRefusal
kept_write(Kept *k, const Task *t, Engine *h, Buf *body)
{
    TaskReport report;
    KeptRefusal odd = kept_hash(&k->outcome, k->hash);
    if (odd)
        return odd;
    if (!(kept_faults >> k->outcome.fault & 1) && t->kind != TASK_ITEM)
        return KEPT_FAULT;
    kept_put_task(body, t);
    kept_put_outcome(body, &k->outcome);
    fact_put_number(body, FACT_TAG_DURATION, k->took);
    kept_put_limit(body, k->outcome.fault, t->opt);
    fact_put(body, FACT_TAG_OUTPUT_HASH, k->hash, sizeof k->hash);
    kept_put_value(body, FACT_TAG_WORKTREE, t->opt ? t->opt->tree : NULL);
    if (report_get(&h->sched, t, &report)) {
        kept_put_report(body, &report);
        value_drop(report.denials);
    }
    if (buf_failed(body))
        return KEPT_NO_MEMORY;
    return secret_in(body->p, body->n, NULL, 0) ? KEPT_SECRET : KEPT_FINE;
}

/* ---- reading ---- */

static bool
kept_take_value(Value **to, const FactField *f)
{
    value_drop(*to);
    *to = value_import(f->p, f->n, false);
    return *to != NULL;
}

static bool
kept_take_printed(Engine *h, Outcome *o, bool err, const FactField *f)
{
    Captured *c = o->captured ? o->captured : mem_zalloc(1, sizeof *c);
    o->captured = c;
    Output **to = c ? (err ? &c->err : &c->out) : NULL;
    if (!to || *to || !(*to = output_new(h->folder, KEPT_MEMORY)))
        return false;
    output_write(*to, f->p, f->n);
    output_end(*to);
    return true;
}

static void
kept_copy(char *to, size_t size, const FactField *f)
{
    size_t n = f->n < size ? f->n : size - 1;
    memcpy(to, f->p, n);
    to[n] = 0;
}

/* A field of what was told of the work. */
static bool
kept_take_report(Kept *k, const FactField *f)
{
    if (!k->report)
        k->report = mem_zalloc(1, sizeof *k->report);
    TaskReport *r = k->report;
    if (!r)
        return false;
    switch (f->tag) {
    case FACT_TAG_USAGE:
        if (f->n == 9 && f->p[0] < REPORT_COUNT_KINDS) {
            uint64_t n;
            memcpy(&n, f->p + 1, sizeof n);
            r->usage[f->p[0]] = le64toh(n);
            r->counted |= 1u << f->p[0];
        }
        return true;
    case FACT_TAG_COST: return r->costed = fact_number(f, &r->cost);
    case FACT_TAG_MODEL: kept_copy(r->model, sizeof r->model, f); return true;
    case FACT_TAG_SESSION:
        kept_copy(r->session_id, sizeof r->session_id, f);
        return true;
    default: return kept_take_value(&r->denials, f);
    }
}

/* The words of its end. */
static bool
kept_take_end(Outcome *o, const FactField *f)
{
    char word[32];
    int64_t n;
    kept_copy(word, sizeof word, f);
    switch (f->tag) {
    case FACT_TAG_STATUS:
        o->state = strcmp(word, "completed") == 0 ? TASK_COMPLETED
            : strcmp(word, "cancelled") == 0      ? TASK_CANCELLED
                                                  : TASK_FAILED;
        return true;
    case FACT_TAG_ERROR_KIND:
        o->fault = (uint8_t)task_fault_find(word);
        return o->fault < FAULT_COUNT;
    case FACT_TAG_SIGNAL:
        o->signal = fact_int(f, &n) ? (uint8_t)n : 0;
        return true;
    default: return fact_int(f, &n) && (o->code = (int)n) >= 0;
    }
}

/* Take one field; what is not known is for others, or of a newer orun. */
static bool
kept_take(Kept *k, Engine *h, const FactField *f)
{
    Outcome *o = &k->outcome;
    switch (f->tag) {
    case FACT_TAG_STATUS:
    case FACT_TAG_ERROR_KIND:
    case FACT_TAG_SIGNAL:
    case FACT_TAG_EXIT_CODE: return kept_take_end(o, f);
    case FACT_TAG_OUTPUT: return kept_take_value(&o->output, f);
    case FACT_TAG_ERROR_VALUE: return kept_take_value(&o->error_value, f);
    case FACT_TAG_ERROR:
        mem_free(o->error);
        return (o->error = mem_dup((const char *)f->p, f->n)) != NULL;
    case FACT_TAG_STDOUT: return kept_take_printed(h, o, false, f);
    case FACT_TAG_STDERR: return kept_take_printed(h, o, true, f);
    case FACT_TAG_DURATION: return fact_number(f, &k->took);
    case FACT_TAG_LIMIT: return fact_number(f, &k->limit);
    case FACT_TAG_OUTPUT_HASH:
        if (f->n == sizeof k->hash)
            memcpy(k->hash, f->p, f->n);
        return f->n == sizeof k->hash;
    case FACT_TAG_WORKTREE: return kept_take_value(&k->tree, f);
    case FACT_TAG_USAGE:
    case FACT_TAG_COST:
    case FACT_TAG_MODEL:
    case FACT_TAG_SESSION:
    case FACT_TAG_DENIALS: return kept_take_report(k, f);
    default: return true;
    }
}

bool
kept_read(const Buf *body, Engine *h, Kept *k)
{
    FactField f;
    int more;
    *k = (Kept){ .outcome = { .state = TASK_WAITING, .code = -1 } };
    fact_first(&f, body->p, body->n);
    while ((more = fact_next(&f)) > 0)
        if (!kept_take(k, h, &f))
            break;
    unsigned char hash[TASK_KEY_SIZE];
    bool fine = more == 0 && k->outcome.state >= TASK_COMPLETED
        && kept_hash(&k->outcome, hash) == KEPT_FINE
        && memcmp(hash, k->hash, sizeof hash) == 0;
    if (!fine)
        kept_clear(k);
    return fine;
}

/* ---- taking over ---- */

/* Does the task have more now of what it ran out of? */
static bool
kept_has_more(const Kept *k, const Task *t)
{
    const TaskOptions *o = t->opt;
    if (k->outcome.fault == FAULT_TIMEOUT)
        return !o || o->timeout == 0 || o->timeout > k->limit;
    return k->outcome.fault == FAULT_MEMORY && o
        && (double)o->memory_limit > k->limit;
}

bool
kept_still(const Kept *k, const Task *t)
{
    const Writes *w = task_writes(t);
    if (kept_has_more(k, t))
        return false;
    for (size_t i = 0; w && i < w->n; i++)
        if (access(w->paths[i], F_OK) != 0)
            return false;
    return true;
}

void
kept_give(Kept *k, Task *t)
{
    if (!t->report) {
        t->report = k->report;
        k->report = NULL;
    }
    if (t->opt && !t->opt->tree) {
        t->opt->tree = k->tree;
        k->tree = NULL;
    }
    TaskKey *key = task_key(t);
    memcpy(key->outcome, k->hash, sizeof k->hash);
    key->ended = true;
    mem_free(key->parts); /* they are kept already */
    key->parts = NULL;
    key->part_bytes = 0;
}

void
kept_clear(Kept *k)
{
    outcome_clear(&k->outcome);
    value_drop(k->tree);
    task_report_free(k->report);
    *k = (Kept){ .outcome.code = -1 };
}
