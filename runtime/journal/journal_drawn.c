/* journal_drawn.c — values drawn: found by their keys, made facts. */
#include "journal/journal_drawn.h"
#include "journal/journal_content.h"
#include "base/mem.h"
#include "base/secret.h"
#include "journal/journal_job.h"
#include "store/fact.h"

static Journal *
journal_drawn_journal(Durable *d)
{
    return container_of(d, Journal, seam);
}

/* ---- keys ---- */

/* What stands for t: its key; the script has none, and neither has a task that
 * began before the run was kept: that has the place where it was called, and a
 * number. False when memory is out. Under the journal's lock, too. */
static bool
journal_drawn_self(Journal *j, Task *t, unsigned char self[TASK_KEY_SIZE])
{
    static const unsigned char none[TASK_KEY_SIZE] = { 0 };
    memcpy(self, none, TASK_KEY_SIZE);
    if (t->id == 0)
        return true;
    TaskEdges *edges = board_edges(t);
    if (edges && !edges->key)
        edges->key = mem_zalloc(1, sizeof *edges->key);
    TaskKey *key = edges ? edges->key : NULL;
    if (!key || key->known) {
        memcpy(self, key ? key->key : none, TASK_KEY_SIZE);
        return key != NULL;
    }
    unsigned char place[TASK_KEY_SIZE];
    journal_content_place(t, place);
    if (key->drawn == 0)
        key->drawn = (uint32_t)resume_table_occurrence(j->table, place, none)
            + 1;
    journal_job_mix(place, none, key->drawn, self);
    return true;
}

/* The key of the next value of that kind; `takes`: the one after it is the next
 * from now on. False: it is not kept. */
static bool
journal_drawn_key(Journal *j, Task *t, uint32_t attempt, DrawnKind kind,
                  bool takes, unsigned char key[TASK_KEY_SIZE])
{
    unsigned char self[TASK_KEY_SIZE], scope[TASK_KEY_SIZE],
        content[TASK_KEY_SIZE] = { 'd', (unsigned char)kind };
    if (!journal_drawn_self(j, t, self))
        return false;
    journal_job_mix(self, content, attempt, scope);
    int64_t n = takes ? resume_table_occurrence(j->table, scope, content)
                      : resume_table_occurred(j->table, scope, content);
    if (n < 0 || n >= JOURNAL_DRAWN_MAX)
        return false;
    journal_job_mix(scope, content, n, key);
    return true;
}

/* ---- what was drawn ---- */

bool
journal_drawn_recall(Durable *d, Task *t, uint32_t attempt, DrawnKind kind,
                     unsigned char value[DRAWN_SIZE])
{
    Journal *j = journal_drawn_journal(d);
    unsigned char key[TASK_KEY_SIZE];
    bool anew = task_key(t) && task_key(t)->anew;
    const ResumeEntry *e = NULL;
    if (!j->config.resume || anew)
        return false;
    uv_mutex_lock(&j->lock);
    if (journal_drawn_key(j, t, attempt, kind, false, key))
        e = resume_table_ask(j->table, key, FACT_DREW);
    if (e)
        memcpy(value, e->drawn, DRAWN_SIZE);
    uv_mutex_unlock(&j->lock);
    return e != NULL;
}

static void
journal_drawn_kept(Fact *f, int error)
{
    (void)error; /* the store is dead then, and the next outcome says so */
    buf_free(&f->body);
    mem_free(f);
}

static Fact *
journal_drawn_fact(DrawnKind kind, const unsigned char key[TASK_KEY_SIZE],
                   const unsigned char value[DRAWN_SIZE])
{
    Fact *f = mem_zalloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->kind = FACT_DREW;
    memcpy(f->key, key, TASK_KEY_SIZE);
    fact_put_text(&f->body, FACT_TAG_DREW, durable_drawn_name(kind));
    fact_put(&f->body, FACT_TAG_VALUE, value, DRAWN_SIZE);
    if (!buf_failed(&f->body))
        return f;
    journal_drawn_kept(f, 0);
    return NULL;
}

/* Is that value kept already? */
static bool
journal_drawn_known(const Journal *j, const unsigned char *key,
                    const unsigned char *value)
{
    const ResumeEntry *e = resume_table_ask(j->table, key, FACT_DREW);
    return e && memcmp(e->drawn, value, DRAWN_SIZE) == 0;
}

void
journal_drawn_note(Durable *d, Task *t, uint32_t attempt, DrawnKind kind,
                   const unsigned char value[DRAWN_SIZE])
{
    Journal *j = journal_drawn_journal(d);
    unsigned char key[TASK_KEY_SIZE];
    if (j->broken)
        return;
    uv_mutex_lock(&j->lock);
    bool keeps = !j->deaf && journal_drawn_key(j, t, attempt, kind, true, key)
        && !journal_drawn_known(j, key, value);
    uv_mutex_unlock(&j->lock);
    Fact *f = keeps ? journal_drawn_fact(kind, key, value) : NULL;
    if (f)
        journal_drawn_append(j, f, true);
}

void
journal_drawn_append(Journal *j, Fact *f, bool keeps)
{
    f->kept = journal_drawn_kept;
    uv_mutex_lock(&j->lock);
    if (!keeps || j->deaf)
        journal_drawn_kept(f, 0);
    else if (j->open)
        store_append(j->store, f);
    else
        list_push(&j->drawn, &f->link);
    uv_mutex_unlock(&j->lock);
}

/* The key under which the session of a task is kept, which needs no number. */
static void
journal_drawn_session_key(const unsigned char own[TASK_KEY_SIZE],
                          unsigned char key[TASK_KEY_SIZE])
{
    static const unsigned char content[TASK_KEY_SIZE] = { 's' };
    journal_job_mix(own, content, 0, key);
}

void
journal_drawn_session(Durable *d, Task *t)
{
    Journal *j = journal_drawn_journal(d);
    unsigned char key[TASK_KEY_SIZE];
    const TaskKey *own = task_key(t);
    bool known = own && own->known && !j->broken;
    Fact *f = known ? mem_zalloc(1, sizeof *f) : NULL;
    if (!f)
        return;
    journal_drawn_session_key(own->key, key);
    f->kind = FACT_DREW;
    memcpy(f->key, key, TASK_KEY_SIZE);
    fact_put_text(&f->body, FACT_TAG_DREW, "session");
    fact_put_text(&f->body, FACT_TAG_SESSION, t->report->session_id);
    bool secret = secret_in(f->body.p, f->body.n, NULL, 0);
    journal_drawn_append(j, f, !buf_failed(&f->body) && !secret);
}

bool
journal_drawn_body(Journal *j, const unsigned char key[TASK_KEY_SIZE],
                   Buf *body)
{
    StoredFact fact = { 0 };
    uv_mutex_lock(&j->lock);
    const ResumeEntry *e = resume_table_look(j->table, key, FACT_DREW);
    if (e)
        fact = e->fact;
    uv_mutex_unlock(&j->lock);
    return fact.seq && store_body(j->store, &fact, body, NULL) == 0;
}

void
journal_drawn_resumed(Journal *j, const unsigned char own[TASK_KEY_SIZE],
                      Buf *session)
{
    unsigned char key[TASK_KEY_SIZE];
    Buf body = { 0 };
    FactField field;
    journal_drawn_session_key(own, key);
    if (journal_drawn_body(j, key, &body)
        && fact_find(body.p, body.n, FACT_TAG_SESSION, &field) == 1)
        buf_put(session, field.p, field.n);
    buf_free(&body);
}

bool
journal_drawn_by(Durable *d, const unsigned char key[TASK_KEY_SIZE],
                 uint64_t *id)
{
    Journal *j = journal_drawn_journal(d);
    uv_mutex_lock(&j->lock);
    const ResumeEntry *e = resume_table_look(j->table, key, FACT_OUTCOME);
    if (e)
        *id = e->task;
    uv_mutex_unlock(&j->lock);
    return e != NULL;
}

/* ---- the store ---- */

void
journal_drawn_load(Journal *j, const StoredFact *f, ResumeEntry *e)
{
    FactField field;
    double now;
    bool tree = f->body
        && fact_find(f->body, f->size, FACT_TAG_PATH, &field) == 1;
    e->ended = false;
    j->trees |= tree;
    if (tree
        || (f->body
            && fact_find(f->body, f->size, FACT_TAG_SESSION, &field) == 1))
        return; /* it is read when it is asked for */
    if (!f->body || fact_find(f->body, f->size, FACT_TAG_VALUE, &field) != 1
        || field.n != DRAWN_SIZE) {
        e->fact.seq = 0;
        return;
    }
    memcpy(e->drawn, field.p, DRAWN_SIZE);
    if (fact_find(f->body, f->size, FACT_TAG_DREW, &field) != 1 || field.n != 3
        || memcmp(field.p, durable_drawn_name(DRAWN_NOW), 3) != 0)
        return;
    memcpy(&now, e->drawn, sizeof now);
    double ahead = now - board_now(&j->engine->sched.board);
    if (ahead > j->seam.ahead && ahead < 1e12)
        j->seam.ahead = ahead;
}

void
journal_drawn_open(Journal *j, bool store)
{
    uv_mutex_lock(&j->lock);
    j->open = store;
    j->deaf = !store;
    for (List *node; (node = list_shift(&j->drawn)) != NULL;) {
        Fact *f = container_of(node, Fact, link);
        if (store)
            store_append(j->store, f);
        else
            journal_drawn_kept(f, 0);
    }
    uv_mutex_unlock(&j->lock);
}
