/* journal_plan.c — compares what would run again with what was kept. */
#include "journal/journal_plan.h"
#include "base/mem.h"
#include "journal/key.h"
#include "store/fact.h"
#include "task/agent.h"

enum { JOURNAL_PLAN_LOOKS = 5000 }; /* outcomes compared with a task, at most */

/* An outcome that no task has asked for. */
typedef struct JournalOld {
    char *description, *agent, *file; /* or NULL */
    int64_t line;
    unsigned char *parts;
    size_t part_bytes;
    bool taken; /* it is the nearest of a task */
} JournalOld;

struct JournalPlan {
    JournalOld *old; /* in the order in which they were kept */
    size_t count;
    size_t next; /* behind the one that was taken last */
};

void
journal_plan_missed(JournalJob *job)
{
    Task *t = job->task;
    bool stub = t->opt && t->opt->stubbed;
    task_key(t)->after = job->handles.after;
    task_key(t)->guessed = stub || job->handles.after;
    for (Task *p = t->parent; stub && p && p->id; p = p->parent)
        if (task_key(p)) /* its code may have read what the stub gave */
            task_key(p)->guessed = true;
}

/* ---- what was kept ---- */

static void
journal_plan_text(char **to, const FactField *f)
{
    mem_free(*to);
    *to = mem_dup((const char *)f->p, f->n);
}

static void
journal_plan_parts(JournalOld *old, const FactField *f)
{
    mem_free(old->parts);
    old->parts = mem_alloc(f->n + 1);
    old->part_bytes = old->parts ? f->n : 0;
    if (old->parts)
        memcpy(old->parts, f->p, f->n);
}

static void
journal_plan_read(JournalOld *old, const Buf *body)
{
    FactField f;
    fact_first(&f, body->p, body->n);
    while (fact_next(&f) > 0)
        switch (f.tag) {
        case FACT_TAG_DESCRIPTION:
            journal_plan_text(&old->description, &f);
            break;
        case FACT_TAG_AGENT: journal_plan_text(&old->agent, &f); break;
        case FACT_TAG_FILE: journal_plan_text(&old->file, &f); break;
        case FACT_TAG_LINE:
            if (!fact_int(&f, &old->line))
                old->line = 0;
            break;
        case FACT_TAG_PART: journal_plan_parts(old, &f); break;
        default: break;
        }
}

/* The i-th fact, if it is an outcome that no task has asked for. */
static bool
journal_plan_nth(Journal *j, size_t i, StoredFact *fact)
{
    uv_mutex_lock(&j->lock);
    const ResumeEntry *e = resume_table_at(j->table, i);
    bool due = e->fact.kind == FACT_OUTCOME && e->fact.seq && !e->asked;
    *fact = e->fact;
    uv_mutex_unlock(&j->lock);
    return due;
}

/* Read them, once all tasks have ended. NULL: no memory. */
static struct JournalPlan *
journal_plan_load(Journal *j)
{
    struct JournalPlan *p = j->plan = mem_zalloc(1, sizeof *p);
    size_t n = resume_table_length(j->table);
    if (p)
        p->old = mem_zalloc(n + 1, sizeof *p->old);
    for (size_t i = 0; p && p->old && i < n; i++) {
        StoredFact fact;
        Buf body = { 0 };
        if (journal_plan_nth(j, i, &fact)
            && store_body(j->store, &fact, &body, NULL) == 0)
            journal_plan_read(&p->old[p->count++], &body);
        buf_free(&body);
    }
    return p;
}

void
journal_plan_free(Journal *j)
{
    struct JournalPlan *p = j->plan;
    for (size_t i = 0; p && i < p->count; i++) {
        mem_free(p->old[i].description);
        mem_free(p->old[i].agent);
        mem_free(p->old[i].file);
        mem_free(p->old[i].parts);
    }
    if (p)
        mem_free(p->old);
    mem_free(p);
    j->plan = NULL;
}

/* ---- the nearest ---- */

static bool
journal_plan_same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* How near it is to t: 0, not at all. A description, then a line, then what
 * they have in common. */
static size_t
journal_plan_near(const JournalOld *old, const Task *t)
{
    const TaskKey *key = task_key(t);
    const AgentType *agent = task_agent(t);
    bool named = t->description
        && journal_plan_same(old->description, t->description);
    bool there = journal_plan_same(old->file, t->file);
    bool here = there && old->line == t->line;
    size_t common = key_common(old->parts, old->part_bytes, key->parts,
                               key->part_bytes);
    if (old->taken || !journal_plan_same(old->agent, agent ? agent->name : NULL)
        || !(named || here || (there && common)))
        return 0;
    return (named ? 1u << 20 : 0) + (here ? 1u << 16 : 0) + 1 + common;
}

static JournalOld *
journal_plan_nearest(struct JournalPlan *p, const Task *t)
{
    JournalOld *best = NULL;
    size_t most = 0;
    for (size_t i = 0; i < p->count && i < JOURNAL_PLAN_LOOKS; i++) {
        JournalOld *old = &p->old[(p->next + i) % p->count];
        size_t near = journal_plan_near(old, t);
        if (near > most) {
            most = near;
            best = old;
        }
    }
    if (best) {
        best->taken = true;
        p->next = (size_t)(best - p->old) + 1;
    }
    return best;
}

static bool
journal_plan_dropped(Journal *j, const TaskKey *key)
{
    uv_mutex_lock(&j->lock);
    bool dropped = resume_table_dropped(j->table, key->key, FACT_OUTCOME);
    uv_mutex_unlock(&j->lock);
    return dropped;
}

/* Why it runs again, although what was to be done is there, and equal. */
static const char *
journal_plan_equal(const Task *t, uint64_t *after)
{
    *after = t->parent ? t->parent->id : 0;
    return *after ? "parent" : "new"; /* one more of them than before */
}

const char *
journal_plan_why(Durable *d, Task *t, Buf *differs, uint64_t *after)
{
    Journal *j = container_of(d, Journal, seam);
    const TaskKey *key = task_key(t);
    struct JournalPlan *p = j->plan ? j->plan : journal_plan_load(j);
    *after = 0;
    if (!p || !p->old || !key || !key->looks || key->cached
        || t->kind == TASK_ITEM)
        return NULL;
    if (t->opt && t->opt->uncached)
        return "uncached";
    if (!key->known)
        return "unknown";
    if (key->anew && key->after) { /* it saw how that had ended */
        *after = key->after;
        return "after";
    }
    if (key->anew || journal_plan_dropped(j, key))
        return "retry";
    const JournalOld *old = journal_plan_nearest(p, t);
    if (!old)
        return "new";
    if ((*after = key->after) != 0)
        return "after";
    if (key_differs(old->parts, old->part_bytes, key->parts, key->part_bytes,
                    differs)
        || old->part_bytes == 0)
        return "unknown"; /* an older orun has kept it */
    return differs->n ? "differs" : journal_plan_equal(t, after);
}
