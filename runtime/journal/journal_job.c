/* journal_job.c — what a job of the journal is made of. */
#include "journal/journal_job.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"
#include "journal/key.h"
#include "value/value.h"
#include "task/fresh.h"
#include "value/value_hash.h"

/* ---- what a task names ---- */

/* The outcome of `of`, or its key. */
static JournalRef
journal_job_ref(Task *of, uint64_t id)
{
    JournalRef r = { .id = id };
    const TaskKey *key = of ? task_key(of) : NULL;
    if (key && key->ended)
        memcpy(r.hash, key->outcome, TASK_KEY_SIZE);
    else if (key && key->known)
        memcpy(r.hash, key->key, TASK_KEY_SIZE);
    else if (of)
        r.hash[0] = (unsigned char)(1 + of->state); /* it is not kept */
    return r;
}

/* The same; in a plan a stub's result counts for nothing. */
static void
journal_job_add_ref(JournalJob *job, Task *of, uint64_t id)
{
    const TaskKey *key = of ? task_key(of) : NULL;
    job->refs[job->ref_count++] = journal_job_ref(of, id);
    if (key && key->guessed && !job->after)
        job->after = of->id;
}

static void
journal_job_add_refs(Sched *s, JournalJob *job, const Value *v)
{
    for (size_t i = 0; v && i < value_handles(v); i++) {
        uint64_t id = value_handle(v, i);
        journal_job_add_ref(job, board_find(&s->board, id), id);
    }
}

/* The blockers, and the tasks whose handles t was given. */
static bool
journal_job_take_refs(Sched *s, JournalJob *job)
{
    const Task *t = job->task;
    const Value *given[] = { job->code, job->input, job->prompt };
    size_t n = t->edges->blocker_count;
    for (size_t i = 0; i < countof(given); i++)
        n += given[i] ? value_handles(given[i]) : 0;
    job->refs = n ? mem_zalloc(n, sizeof *job->refs) : NULL;
    if (n && !job->refs)
        return false;
    for (uint32_t i = 0; i < t->edges->blocker_count; i++) {
        Task *blocker = t->edges->blockers[i];
        journal_job_add_ref(job, blocker, blocker->id);
    }
    job->blockers = job->ref_count;
    for (size_t i = 0; i < countof(given); i++)
        journal_job_add_refs(s, job, given[i]);
    return true;
}

/* ---- jobs ---- */

static Value *
journal_job_hold(Value *v)
{
    return v ? value_hold(v) : NULL;
}

static JournalJob *
journal_job_new(Task *t)
{
    JournalJob *job = mem_zalloc(1, sizeof *job);
    if (!job)
        return NULL;
    job->task = t;
    job->caches = !t || !t->opt || !t->opt->uncached;
    job->kept.outcome.code = -1;
    return job;
}

JournalJob *
journal_job_look(Sched *s, Task *t)
{
    JournalJob *job = journal_job_new(t);
    if (!job)
        return NULL;
    const TaskKey *parent = task_key(t->parent), *own = task_key(t);
    const TaskReplaced *replaced = t->opt ? t->opt->replaced : NULL;
    job->code = journal_job_hold(replaced ? replaced->code : t->code);
    job->input = journal_job_hold(t->input);
    job->prompt = journal_job_hold(t->opt ? t->opt->prompt : NULL);
    job->first = own && own->item && own->item->listed;
    if (t->kind == TASK_ITEM && t->opt)
        job->metadata = journal_job_hold(t->opt->metadata);
    if (own && own->item) /* its maker may not be there any longer */
        memcpy(job->scope, own->item->scope, TASK_KEY_SIZE);
    else if (parent && parent->known)
        memcpy(job->scope, parent->scope, TASK_KEY_SIZE);
    else if (t->parent->id) /* it began before the run was kept */
        journal_job_place(t->parent, job->scope);
    if (journal_job_take_refs(s, job))
        return job;
    journal_job_free(job);
    return NULL;
}

JournalJob *
journal_job_stand_in(const unsigned char key[TASK_KEY_SIZE],
                     const StoredFact *fact)
{
    JournalJob *job = journal_job_new(NULL);
    if (!job)
        return NULL;
    job->first = job->found = job->key.known = true;
    job->fact_found = *fact;
    memcpy(job->key.key, key, TASK_KEY_SIZE);
    return job;
}

JournalJob *
journal_job_seal(Sched *s, Task *t, Outcome *o)
{
    JournalJob *job = journal_job_new(t);
    if (!job)
        return NULL;
    job->seals = true;
    job->weight = outcome_weight(o);
    job->kept.outcome = *o;
    *o = (Outcome){ .code = -1 };
    job->ended = board_now(&s->board);
    job->kept.took = job->ended - t->started;
    return job;
}

void
journal_job_lose(JournalJob *job, const char *why)
{
    Buf text = { 0 };
    buf_printf(&text, "its outcome could not be kept: %s", why);
    outcome_clear(&job->kept.outcome);
    job->kept.outcome = (Outcome){ .state = TASK_FAILED,
                                   .fault = FAULT_LOST,
                                   .code = -1,
                                   .error = buf_take(&text) };
}

void
journal_job_free(JournalJob *job)
{
    value_drop(job->code);
    value_drop(job->input);
    value_drop(job->prompt);
    value_drop(job->metadata);
    mem_free(job->refs);
    buf_free(&job->parts);
    kept_clear(&job->kept);
    buf_free(&job->fact.body);
    mem_free(job);
}

/* ---- keys ---- */

void
journal_job_mix(const unsigned char scope[TASK_KEY_SIZE],
                const unsigned char content[TASK_KEY_SIZE], int64_t n,
                unsigned char out[TASK_KEY_SIZE])
{
    Digest d;
    unsigned char whole[DIGEST_SIZE];
    digest_begin(&d);
    digest_add(&d, scope, TASK_KEY_SIZE);
    digest_add(&d, content, TASK_KEY_SIZE);
    digest_add(&d, &n, sizeof n);
    digest_end(&d, whole);
    memcpy(out, whole, TASK_KEY_SIZE);
}

void
journal_job_place(const Task *t, unsigned char out[TASK_KEY_SIZE])
{
    Digest d;
    unsigned char whole[DIGEST_SIZE];
    digest_begin(&d);
    digest_add(&d, t->file, t->file ? strlen(t->file) : 0);
    digest_add(&d, &t->line, sizeof t->line);
    digest_end(&d, whole);
    memcpy(out, whole, TASK_KEY_SIZE);
}

/* ValueHashOps.handle: tasks count by what they have ended with. */
static int
journal_job_handle(void *ctx, uint64_t id, unsigned char hash[DIGEST_SIZE])
{
    const JournalJob *job = ctx;
    memset(hash, 0, DIGEST_SIZE);
    for (size_t i = job->blockers; i < job->ref_count; i++)
        if (job->refs[i].id == id)
            memcpy(hash, job->refs[i].hash, TASK_KEY_SIZE);
    return 0;
}

/* ValueHashOps.module */
static int
journal_job_module(void *ctx, const char *name, size_t n,
                   unsigned char hash[DIGEST_SIZE])
{
    const JournalJob *job = ctx;
    return key_modules_hash(job->modules, job->path, name, n, hash);
}

static void
journal_job_options(KeyParts *parts, const TaskOptions *o)
{
    parts->key = o->key;
    parts->agent = o->agent;
    parts->argv = o->argv;
    parts->schema = o->schema;
    parts->model = o->model;
    parts->cwd = o->cwd;
    parts->env = o->env;
    parts->worktree = o->worktree;
    parts->base = o->base;
    parts->max_output = o->max_output;
    parts->reads = o->fresh ? o->fresh->reads : NULL;
    parts->writes = o->writes;
    if (o->replaced) {
        parts->schema = o->replaced->schema;
        parts->worktree = o->replaced->worktree;
        parts->base = o->replaced->base;
    }
}

/* What an item of the list is: all that it says. */
static int
journal_job_item(const JournalJob *job, unsigned char content[DIGEST_SIZE])
{
    Digest d;
    unsigned char hash[DIGEST_SIZE];
    const char *text = job->task->description;
    digest_begin(&d);
    digest_add(&d, content, DIGEST_SIZE);
    digest_add(&d, text, text ? strlen(text) + 1 : 0);
    if (job->metadata) {
        int e = value_hash(job->metadata, NULL, hash);
        if (e)
            return e;
        digest_add(&d, hash, sizeof hash);
    }
    digest_end(&d, content);
    return 0;
}

/* The content, with the hashes of its blockers in a block of their own. */
static int
journal_job_hash(JournalJob *job, const Engine *h,
                 unsigned char (*blockers)[KEY_SIZE],
                 unsigned char hash[DIGEST_SIZE])
{
    const Task *t = job->task;
    for (size_t i = 0; i < job->blockers; i++)
        memcpy(blockers[i], job->refs[i].hash, KEY_SIZE);
    KeyParts parts = { .code = job->code,
                       .input = job->input,
                       .prompt = job->prompt,
                       .permissions = task_permission(t),
                       .blockers = (const unsigned char(*)[KEY_SIZE])blockers,
                       .blocker_count = job->blockers,
                       .root = h->cwd,
                       .ops = { .handle = journal_job_handle,
                                .module = journal_job_module,
                                .ctx = job } };
    if (t->opt)
        journal_job_options(&parts, t->opt);
    int e = key_content(&parts, hash, &job->parts);
    if (e == 0 && t->kind == TASK_ITEM && !parts.key)
        e = journal_job_item(job, hash);
    return e;
}

int
journal_job_content(JournalJob *job, const Engine *h, KeyModules *modules,
                    unsigned char content[TASK_KEY_SIZE])
{
    unsigned char hash[DIGEST_SIZE] = { 0 };
    unsigned char(*blockers)[KEY_SIZE] = mem_alloc(job->blockers * KEY_SIZE
                                                   + 1);
    Buf path = { 0 };
    if (!blockers)
        return ORUN_ENOMEM;
    vmpool_path(h->vms, &path);
    job->modules = modules;
    job->path = buf_cstr(&path);
    int e = buf_failed(&path) ? ORUN_ENOMEM
                              : journal_job_hash(job, h, blockers, hash);
    job->path = NULL;
    buf_free(&path);
    mem_free(blockers);
    memcpy(content, hash, TASK_KEY_SIZE);
    return e;
}
