/* journal_stand_in.c — their drafts, made of the facts of outcomes. */
#include "journal/journal_stand_in.h"
#include "base/mem.h"
#include "journal/journal_job.h"
#include "sched/lifecycle.h"
#include "store/fact.h"

/* What it is called, and where it was started. */
static void
journal_stand_in_take(Task *draft, const FactField *f, Engine *h)
{
    int64_t n;
    char *text = mem_dup((const char *)f->p, f->n);
    if (f->tag == FACT_TAG_DESCRIPTION && !draft->description) {
        draft->description = text;
        return;
    }
    if (f->tag == FACT_TAG_FILE && text)
        draft->file = engine_intern(h, text);
    else if (f->tag == FACT_TAG_LINE && fact_int(f, &n))
        draft->line = (int)n;
    mem_free(text);
}

/* False: memory is out, or the fact cannot be read. */
static bool
journal_stand_in_draft(Journal *j, const StoredFact *fact, Task *draft)
{
    Buf body = { 0 };
    FactField f;
    int more = -1;
    *draft = (Task){ .kind = TASK_LUA, .read = true };
    draft->edges = mem_zalloc(1, sizeof *draft->edges);
    TaskKey *key = draft->edges ? mem_zalloc(1, sizeof *key) : NULL;
    if (key) {
        draft->edges->key = key;
        key->stands_in = true;
    }
    if (key && store_body(j->store, fact, &body, NULL) == 0) {
        fact_first(&f, body.p, body.n);
        while ((more = fact_next(&f)) > 0)
            if (f.tag == FACT_TAG_DESCRIPTION || f.tag == FACT_TAG_FILE
                || f.tag == FACT_TAG_LINE)
                journal_stand_in_take(draft, &f, j->engine);
    }
    buf_free(&body);
    return more == 0;
}

static void
journal_stand_in_set(Journal *j, JournalJob *job)
{
    sched_lock(&j->engine->sched);
    if (!job && j->stand_in) /* it was cancelled at once */
        journal_job_free(j->stand_in);
    j->stand_in = job;
    sched_unlock(&j->engine->sched);
}

uint64_t
journal_stand_in_add(Journal *j, const unsigned char key[TASK_KEY_SIZE],
                     Task *t)
{
    Task draft, *out = NULL;
    StoredFact fact = { 0 };
    uv_mutex_lock(&j->lock);
    const ResumeEntry *e = resume_table_ask(j->table, key, FACT_OUTCOME);
    if (e)
        fact = e->fact;
    uv_mutex_unlock(&j->lock);
    if (!fact.seq)
        return 0;
    JournalJob *job = journal_job_stand_in(key, &fact);
    bool made = journal_stand_in_draft(j, &fact, &draft) && job;
    if (made) {
        journal_stand_in_set(j, job);
        made = lifecycle_add(&j->engine->sched, &draft, t, NULL, 0, &out) == 0;
        journal_stand_in_set(j, NULL);
    } else if (job) {
        journal_job_free(job);
    }
    if (!made) {
        task_clear(&draft);
        return 0;
    }
    uv_mutex_lock(&j->lock);
    ResumeEntry *own = resume_table_look(j->table, key, FACT_OUTCOME);
    if (own)
        own->task = out->id;
    uv_mutex_unlock(&j->lock);
    return out->id;
}

JournalJob *
journal_stand_in_look(Journal *j, Task *t)
{
    JournalJob *job = j->stand_in;
    j->stand_in = NULL;
    if (job)
        job->task = t;
    return job;
}

void
journal_stand_in_fail(Kept *kept)
{
    static const char why[] = "its result of an earlier try cannot be read "
                              "again";
    kept->outcome = (Outcome){ .state = TASK_FAILED,
                               .fault = FAULT_LOST,
                               .code = -1,
                               .error = mem_dup(why, sizeof why - 1) };
}
