/* journal_job.c — what a job of the journal is made of. */
#include "journal/journal_job.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"
#include "journal/journal_content.h"
#include "value/value.h"

/* ---- jobs ---- */

static JournalJob *
journal_job_new(Task *t)
{
    JournalJob *job = mem_zalloc(1, sizeof *job);
    if (!job)
        return NULL;
    job->task = t;
    job->caches = !t || !t->opt || !t->opt->uncached;
    job->reads = t && t->opt && t->opt->fresh;
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
    job->code = journal_content_hold(replaced ? replaced->code : t->code);
    job->input = journal_content_hold(t->input);
    job->prompt = journal_content_hold(t->opt ? t->opt->prompt : NULL);
    job->first = own && own->item && own->item->listed;
    if (t->kind == TASK_ITEM && t->opt)
        job->metadata = journal_content_hold(t->opt->metadata);
    if (own && own->item) /* its maker may not be there any longer */
        memcpy(job->scope, own->item->scope, TASK_KEY_SIZE);
    else if (parent && parent->known)
        memcpy(job->scope, parent->scope, TASK_KEY_SIZE);
    else if (t->parent->id) /* it began before the run was kept */
        journal_content_place(t->parent, job->scope);
    if (journal_handle_take(s, t, &job->handles))
        return job;
    journal_job_free(job);
    return NULL;
}

JournalJob *
journal_job_alarm(void)
{
    JournalJob *job = journal_job_new(NULL);
    if (job)
        job->first = job->alarms = true;
    return job;
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
    journal_handle_seal(s, t, &job->fact.body);
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
    journal_handle_free(&job->handles);
    buf_free(&job->parts);
    buf_free(&job->session);
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

/* ValueHashOps.handle */
static int
journal_job_handle(void *ctx, uint64_t id, unsigned char hash[DIGEST_SIZE])
{
    const JournalJob *job = ctx;
    const unsigned char *counts = journal_handle_find(&job->handles, id);
    memset(hash, 0, DIGEST_SIZE);
    if (counts)
        memcpy(hash, counts, TASK_KEY_SIZE);
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

/* The content, with the hashes of its blockers in a block of their own. */
static int
journal_job_hash(JournalJob *job, const Engine *h,
                 unsigned char (*blockers)[KEY_SIZE],
                 unsigned char hash[DIGEST_SIZE])
{
    const Task *t = job->task;
    KeyParts parts;
    for (size_t i = 0; i < job->handles.blockers; i++)
        memcpy(blockers[i], job->handles.refs[i].hash, KEY_SIZE);
    journal_content_parts(&parts, t, h);
    parts.code = job->code;
    parts.input = job->input;
    parts.prompt = job->prompt;
    parts.blockers = (const unsigned char(*)[KEY_SIZE])blockers;
    parts.blocker_count = job->handles.blockers;
    parts.ops = (ValueHashOps){ .handle = journal_job_handle,
                                .module = journal_job_module,
                                .ctx = job };
    int e = journal_handle_hash(&job->handles, h, &parts.ops);
    if (e == 0)
        e = key_content(&parts, hash, &job->parts);
    if (e == 0 && t->kind != TASK_ITEM)
        e = journal_handle_own(&job->handles, &parts, &job->parts);
    if (e == 0 && t->kind == TASK_ITEM && !parts.key)
        e = journal_content_item(t, job->metadata, hash);
    return e;
}

int
journal_job_content(JournalJob *job, const Engine *h, KeyModules *modules,
                    unsigned char content[TASK_KEY_SIZE])
{
    unsigned char hash[DIGEST_SIZE] = { 0 };
    unsigned char(*blockers)[KEY_SIZE] = mem_alloc(
        job->handles.blockers * KEY_SIZE + 1);
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
