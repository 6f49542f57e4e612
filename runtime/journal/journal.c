/* journal.c — its thread: keys, outcomes looked up, outcomes kept. */
#include "journal/journal.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "journal/journal_drawn.h"
#include "journal/journal_items.h"
#include "journal/journal_job.h"
#include "journal/journal_plan.h"
#include "journal/journal_stand_in.h"
#include "journal/journal_state.h"
#include "journal/journal_tree.h"
#include "journal/kept.h"
#include "sched/lifecycle.h"
#include "store/fact.h"
#include "task/task_report.h"
#include "thread/epoch.h"
#include <errno.h>
#include <stdio.h>

enum {
    JOURNAL_STACK = 1 << 20,
};

typedef enum JournalRead {
    JOURNAL_READ_NONE,
    JOURNAL_READ_FINE,
    JOURNAL_READ_LATER /* the job was put off */
} JournalRead;

static Journal *
journal_of(Durable *d)
{
    return container_of(d, Journal, seam);
}

/* ---- the queue ---- */

/* Any lock may be held but the journal's. */
static void
journal_push(Journal *j, JournalJob *job)
{
    uv_mutex_lock(&j->lock);
    list_push(job->first ? &j->first : &j->jobs, &job->link);
    uv_cond_signal(&j->more);
    uv_mutex_unlock(&j->lock);
}

/* The next job; NULL: there is none, and none will come. */
static JournalJob *
journal_next(Journal *j)
{
    uv_mutex_lock(&j->lock);
    while (list_empty(&j->first) && list_empty(&j->jobs)
           && list_empty(&j->later) && !j->closing)
        uv_cond_wait(&j->more, &j->lock);
    List *node = list_shift(&j->first);
    if (!node)
        node = list_shift(&j->jobs);
    if (!node)
        node = list_shift(&j->later);
    uv_mutex_unlock(&j->lock);
    return node ? container_of(node, JournalJob, link) : NULL;
}

/* ---- looking up ---- */

/* Make the key of the job's task, and look for an equal one that was kept. */
static void
journal_find(Journal *j, JournalJob *job)
{
    unsigned char content[TASK_KEY_SIZE];
    if (journal_job_content(job, j->engine, j->modules, content)) {
        buf_free(&job->parts);
        return; /* it runs, and is not kept */
    }
    uv_mutex_lock(&j->lock);
    int64_t n = resume_table_occurrence(j->table, job->scope, content);
    if (n >= 0) {
        journal_job_mix(job->scope, content, n, job->key.key);
        journal_job_mix(job->scope, content, -1, job->key.scope);
        job->key.known = true;
    }
    ResumeEntry *e = n >= 0 && job->caches && !job->handles.after
        ? resume_table_ask(j->table, job->key.key, FACT_OUTCOME)
        : NULL;
    job->found = e != NULL;
    if (e) {
        job->fact_found = e->fact;
        e->task = job->task->id;
    }
    e = job->key.known
        ? resume_table_look(j->table, job->key.key, JOURNAL_NAMED)
        : NULL;
    if (e)
        e->task = job->task->id;
    uv_mutex_unlock(&j->lock);
}

/* The parts of the content are the task's, until they are kept. */
static void
journal_take_parts(JournalJob *job, TaskKey *key)
{
    uint32_t n = (uint32_t)job->parts.n;
    mem_free(key->parts);
    key->parts = (unsigned char *)buf_take(&job->parts);
    key->part_bytes = key->parts ? n : 0;
}

/* They are kept with its outcome. In a plan they are asked for at the end. */
static void
journal_give_parts(TaskKey *key, JournalJob *job)
{
    job->parts = (Buf){ .p = (char *)key->parts,
                        .n = key->part_bytes,
                        .cap = key->part_bytes };
    key->parts = NULL;
    key->part_bytes = 0;
}

/* Write the key that was made to the task. Under the board's lock. */
static void
journal_note(JournalJob *job)
{
    TaskKey *key = task_key(job->task);
    if (job->parts.n) /* else they are there already */
        journal_take_parts(job, key);
    journal_handle_note(&job->handles, key);
    memcpy(key->key, job->key.key, TASK_KEY_SIZE);
    memcpy(key->scope, job->key.scope, TASK_KEY_SIZE);
    key->known = job->key.known;
}

/* ---- the seam, under the board's lock ---- */

/* Is t the kind of work for which a run is kept that nobody asked to be? */
static bool
journal_matters(const Task *t)
{
    return t->kind == TASK_PROCESS || t->slot != SLOT_LUA
        || (t->opt && (t->opt->argv || t->opt->agent));
}

/* Items have no code, so their keys are made at once: whoever has made one may
 * claim it. True: there is an outcome, which the thread is to read. */
static bool
journal_look_item(Journal *j, JournalJob *job)
{
    bool found;
    journal_find(j, job);
    journal_note(job);
    found = job->found;
    if (!found) {
        journal_handle_drop(&job->handles);
        journal_job_free(job);
    }
    return found;
}

static bool
journal_look(Durable *d, Task *t)
{
    Journal *j = journal_of(d);
    j->awake = j->awake || journal_matters(t);
    if (!j->awake)
        return false;
    TaskEdges *e = board_edges(t);
    if (e && !e->key)
        e->key = mem_zalloc(1, sizeof *e->key);
    JournalJob *job = NULL;
    if (e && e->key && e->key->stands_in)
        job = journal_stand_in_look(j, t);
    else if (e && e->key)
        job = journal_job_look(&j->engine->sched, t);
    if (!job)
        return false; /* no memory: it runs, and is not kept */
    job->looks = ++e->key->looks;
    if (t->kind == TASK_ITEM)
        journal_items_ready(j, t);
    if (t->kind == TASK_ITEM && !journal_look_item(j, job))
        return false;
    e->holds++;
    journal_push(j, job);
    return true;
}

/* Also when the store has failed: what ends then is not kept, and so may not be
 * shown. */
static bool
journal_seal(Durable *d, Task *t, Outcome *o)
{
    Journal *j = journal_of(d);
    TaskKey *key = task_key(t);
    bool stub = j->config.plan && t->opt && t->opt->stubbed;
    /* Of items that comes here what somebody has said of them. */
    bool dropped = o->state == TASK_CANCELLED && t->kind != TASK_ITEM;
    if (!key || !key->known || dropped || stub)
        return false;
    JournalJob *job = journal_job_seal(&j->engine->sched, t, o);
    if (!job) { /* nothing is shown as done that is not kept */
        outcome_clear(o);
        o->state = TASK_FAILED;
        o->fault = FAULT_MEMORY;
        return false;
    }
    if (!j->config.plan)
        journal_give_parts(key, job);
    journal_push(j, job);
    return true;
}

/* ---- looking up ---- */

/* Do the tasks whose handles the job's captures stand as the outcome that was
 * found has seen them? It may be that some are still to be looked up: LATER,
 * and the job is put off behind those. If nothing was answered since that was
 * done last, they wait for this one. */
static JournalSaw
journal_later(Journal *j, JournalJob *job, const Buf *body)
{
    Sched *s = &j->engine->sched;
    sched_lock(s);
    JournalSaw saw = journal_handle_check(s, &job->handles, body);
    uv_mutex_lock(&j->lock);
    bool stuck = job->put_off == j->answered + 1 && list_empty(&j->first)
        && list_empty(&j->jobs);
    if (saw == JOURNAL_SAW_LATER && stuck)
        saw = JOURNAL_SAW_OTHER;
    if (saw == JOURNAL_SAW_LATER) {
        job->put_off = j->answered + 1;
        list_push(&j->later, &job->link);
    }
    uv_mutex_unlock(&j->lock);
    board_unlock(&s->board);
    return saw;
}

/* Read the outcome that was found. NONE: there is none to be taken over. */
static JournalRead
journal_read(Journal *j, JournalJob *job)
{
    Buf body = { 0 };
    JournalSaw saw = JOURNAL_SAW_SAME;
    bool fine = job->found
        && store_body(j->store, &job->fact_found, &body, NULL) == 0
        && kept_read(&body, j->engine, &job->kept)
        && !(j->config.again && job->kept.outcome.state == TASK_FAILED
             && !task_key(job->task)->stands_in)
        && kept_still(&job->kept, job->task)
        && (!job->kept.tree || journal_tree_there(j, job->key.key, job->task));
    if (fine && !task_key(job->task)->stands_in)
        saw = journal_later(j, job, &body);
    buf_free(&body);
    if (!fine || saw != JOURNAL_SAW_SAME)
        kept_clear(&job->kept);
    return saw == JOURNAL_SAW_LATER       ? JOURNAL_READ_LATER
        : fine && saw == JOURNAL_SAW_SAME ? JOURNAL_READ_FINE
                                          : JOURNAL_READ_NONE;
}

/* The job's task takes an outcome over: what it had put on the list is there,
 * and what of that had ended has, before anybody sees its own end. True: the
 * job is done later, behind what is to be looked up for that. */
static bool
journal_list_items(Journal *j, JournalJob *job)
{
    Task *t = job->task;
    sched_lock(&j->engine->sched);
    bool due = task_key(t)->looks == job->looks && task_looking(t);
    if (due)
        journal_note(job);
    due = due && t->kind != TASK_ITEM && !task_key(t)->stands_in;
    sched_unlock(&j->engine->sched);
    if (due)
        journal_items_again(j, t);
    uv_mutex_lock(&j->lock);
    job->listed = due && !list_empty(&j->first);
    if (job->listed)
        list_after(&j->jobs, &job->link);
    uv_mutex_unlock(&j->lock);
    return job->listed;
}

/* The job's task runs: an agent goes on with the session that it had when it
 * was interrupted (retry.resume). Under the board's lock. */
static void
journal_give_session(Sched *s, Task *t, Buf *session)
{
    TaskReport *r = session->n && !t->report ? mem_zalloc(1, sizeof *r) : NULL;
    if (!r)
        return;
    snprintf(r->session_id, sizeof r->session_id, "%s", buf_cstr(session));
    s->held += sizeof *r;
    t->report = r;
}

/* The job's task takes the outcome over. Under the board's lock. */
static void
journal_taken(Journal *j, const JournalJob *job)
{
    uv_mutex_lock(&j->lock);
    ResumeEntry *e = resume_table_look(j->table, job->key.key, FACT_OUTCOME);
    if (e)
        e->taken = true;
    uv_mutex_unlock(&j->lock);
}

/* Hand the answer to the scheduler. */
static void
journal_answer(Journal *j, JournalJob *job, bool found)
{
    Sched *s = &j->engine->sched;
    Task *t = job->task;
    Buf session = { 0 };
    if (!found && task_key(t)->stands_in) {
        journal_stand_in_fail(&job->kept);
        found = true;
    } else if (!found && j->config.resume && job->key.known && t->opt
               && t->opt->retry.resume) {
        journal_drawn_resumed(j, job->key.key, &session);
    }
    sched_lock(s);
    j->answered++;
    if (task_key(t)->looks == job->looks && task_looking(t)) {
        journal_note(job);
        found = found && t->unmet == 0; /* else it has got another blocker */
        if (found) {
            j->found++;
            journal_taken(j, job);
            kept_give(&job->kept, t);
        }
        task_key(t)->anew = job->found && !found;
        if (j->config.plan && !found)
            journal_plan_missed(job);
        journal_give_session(s, t, &session);
        durable_looked(s, t, found ? &job->kept.outcome : NULL);
        lifecycle_propagate(s);
    }
    journal_handle_drop(&job->handles);
    board_drop(t);
    sched_unlock(s);
    buf_free(&session);
    kept_clear(&job->kept);
    journal_job_free(job);
}

/* ---- keeping ---- */

/* The store has failed: nothing is shown from now on that is not kept. */
static void
journal_break(Journal *j)
{
    Buf why = { 0 };
    store_fault(j->store, &why);
    char *text = buf_take(&why);
    sched_lock(&j->engine->sched);
    bool first = !j->broken;
    j->broken = true;
    if (first)
        j->fault = text;
    sched_unlock(&j->engine->sched);
    if (!first)
        mem_free(text);
    if (first && j->config.broken)
        j->config.broken(j->config.ud);
}

/* The job's task is final. */
static void
journal_show(Journal *j, JournalJob *job)
{
    Sched *s = &j->engine->sched;
    Task *t = job->task;
    sched_lock(s);
    memcpy(task_key(t)->outcome, job->kept.hash, TASK_KEY_SIZE);
    task_key(t)->ended = true;
    durable_sealed(s, t, &job->kept.outcome, job->weight, job->ended);
    lifecycle_propagate(s);
    sched_unlock(s);
    journal_job_free(job);
}

/* On the store's thread: the fact is kept, or cannot be. */
static void
journal_kept(Fact *f, int error)
{
    JournalJob *job = container_of(f, JournalJob, fact);
    Journal *j = job->journal;
    if (error) {
        journal_break(j);
        journal_job_lose(job, journal_fault(j));
    } else {
        j->kept++;
    }
    journal_show(j, job);
}

static void
journal_keep(Journal *j, JournalJob *job)
{
    if (job->parts.n)
        fact_put(&job->fact.body, FACT_TAG_PART, job->parts.p, job->parts.n);
    KeptRefusal refusal = kept_write(&job->kept, job->task, j->engine,
                                     &job->fact.body);
    j->secret += refusal == KEPT_SECRET;
    j->odd += refusal == KEPT_ODD;
    if (refusal == KEPT_NO_MEMORY)
        journal_job_lose(job, err_text(ORUN_ENOMEM));
    if (refusal || !job->caches || j->config.plan) {
        journal_show(j, job);
        return;
    }
    job->journal = j;
    job->fact.kind = FACT_OUTCOME;
    memcpy(job->fact.key, task_key(job->task)->key, TASK_KEY_SIZE);
    job->fact.kept = journal_kept;
    store_append(j->store, &job->fact);
}

/* ---- the thread ---- */

/* Of a run that is kept by default: open its store now. If that cannot be, it
 * is not kept. */
static void
journal_make_store(Journal *j)
{
    Buf why = { 0 };
    if (j->store || j->forgone)
        return;
    j->forgone = journal_store_open(j, &why) != 0;
    journal_drawn_open(j, !j->forgone);
    sched_lock(&j->engine->sched);
    if (j->forgone)
        j->fault = buf_take(&why);
    sched_unlock(&j->engine->sched);
    buf_free(&why);
}

static void
journal_do(Journal *j, JournalJob *job)
{
    journal_make_store(j);
    if (!j->store) {
        if (job->seals)
            journal_show(j, job);
        else
            journal_answer(j, job, false);
    } else if (job->seals) {
        journal_keep(j, job);
    } else if (job->listed) {
        journal_answer(j, job, true);
    } else {
        if (!job->key.known)
            journal_find(j, job);
        JournalRead is = journal_read(j, job);
        bool found = is == JOURNAL_READ_FINE;
        if (is != JOURNAL_READ_LATER && (!found || !journal_list_items(j, job)))
            journal_answer(j, job, found);
    }
}

static void
journal_main(void *arg)
{
    Journal *j = arg;
    epoch_enter();
    for (JournalJob *job; (job = journal_next(j)) != NULL;) {
        journal_do(j, job);
        epoch_pass();
    }
    epoch_leave();
}

static int
journal_start(Journal *j)
{
    j->seam.look = journal_look;
    j->seam.seal = journal_seal;
    j->seam.recall = journal_drawn_recall;
    j->seam.note = journal_drawn_note;
    j->seam.item = journal_items_note;
    j->seam.session = journal_drawn_session;
    j->seam.tree = journal_tree_note;
    j->seam.tree_before = journal_tree_before;
    j->seam.by = journal_drawn_by;
    j->seam.why = j->config.plan ? journal_plan_why : NULL;
    int e = thread_start(&j->thread, JOURNAL_STACK, 0, journal_main, j);
    if (e)
        return e;
    sched_lock(&j->engine->sched);
    j->engine->sched.durable = &j->seam;
    sched_unlock(&j->engine->sched);
    return 0;
}

static void
journal_stop(Journal *j)
{
    sched_lock(&j->engine->sched);
    j->engine->sched.durable = NULL;
    sched_unlock(&j->engine->sched);
    uv_mutex_lock(&j->lock);
    j->closing = true;
    uv_cond_signal(&j->more);
    uv_mutex_unlock(&j->lock);
    uv_thread_join(&j->thread);
}

/* ---- open, close ---- */

static void
journal_free(Journal *j)
{
    journal_drawn_open(j, false);
    journal_plan_free(j);
    resume_table_free(j->table);
    key_modules_free(j->modules);
    mem_free(j->file);
    mem_free(j->fault);
    uv_mutex_destroy(&j->lock);
    uv_cond_destroy(&j->more);
    mem_free(j);
}

static Journal *
journal_new(Engine *h, const JournalConfig *c)
{
    Journal *j = mem_zalloc(1, sizeof *j);
    if (!j)
        return NULL;
    j->engine = h;
    j->config = *c;
    j->awake = !c->late;
    list_init(&j->jobs);
    list_init(&j->first);
    list_init(&j->later);
    list_init(&j->drawn);
    uv_mutex_init(&j->lock);
    uv_cond_init(&j->more);
    j->table = resume_table_new();
    j->modules = key_modules_new();
    if (j->table && j->modules)
        return j;
    journal_free(j);
    return NULL;
}

int
journal_open(Engine *h, const JournalConfig *c, Journal **out, Buf *why)
{
    Journal *j = journal_new(h, c);
    if (!j)
        return ORUN_ENOMEM;
    bool now = !c->late || c->resume;
    int e = now ? journal_store_open(j, why) : 0;
    if (e == 0 && now)
        journal_drawn_open(j, !c->plan);
    if (e == 0 && (e = journal_start(j)) != 0)
        buf_puts(why,
                 "the thread that keeps the run cannot be started: too many"
                 " threads or no memory");
    if (e) {
        store_close(j->store);
        journal_free(j);
        return e;
    }
    *out = j;
    return 0;
}

void
journal_close(Journal *j, int status)
{
    if (!j)
        return;
    journal_stop(j);
    journal_store_close(j, status);
    journal_free(j);
}

void
journal_count(Journal *j, JournalCounts *to)
{
    *to = (JournalCounts){
        .kept = j->kept, .found = j->found, .secret = j->secret, .odd = j->odd
    };
    for (size_t i = 0; i < resume_table_length(j->table); i++)
        to->unasked += resume_table_unasked(j->table,
                                            resume_table_at(j->table, i));
}

const char *
journal_run(const Journal *j)
{
    return j->run;
}

const char *
journal_path(const Journal *j)
{
    return j->store ? j->file : "";
}

const char *
journal_fault(Journal *j)
{
    sched_lock(&j->engine->sched);
    bool broken = j->broken;
    const char *fault = j->fault;
    sched_unlock(&j->engine->sched);
    return broken && !fault ? err_text(ORUN_ENOMEM) : fault;
}

bool
journal_broken(Journal *j)
{
    sched_lock(&j->engine->sched);
    bool broken = j->broken;
    sched_unlock(&j->engine->sched);
    return broken;
}
