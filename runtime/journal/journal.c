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
#include "sched/slots.h"
#include "store/fact.h"
#include "task/task_report.h"
#include "thread/epoch.h"
#include <errno.h>
#include <stdio.h>

enum {
    JOURNAL_STACK = 1 << 20,
    JOURNAL_MISSED = 256, /* tasks that begin at once, at most */
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

/* Is there nothing to do now, but what was put off? */
static bool
journal_idle(Journal *j)
{
    uv_mutex_lock(&j->lock);
    bool idle = list_empty(&j->first) && list_empty(&j->jobs);
    uv_mutex_unlock(&j->lock);
    return idle;
}

/* There was no memory to look a task up: what it ends with cannot be kept, and
 * so the run is ended. Under the board's lock. */
static void
journal_starve(Journal *j)
{
    JournalJob *alarm = j->alarm;
    if (j->nowhere)
        return;
    j->alarm = NULL;
    j->starved = true;
    if (alarm)
        journal_push(j, alarm);
}

/* ---- looking up ---- */

/* Make the key of the job's task, and look for an equal one that was kept. */
static void
journal_find(Journal *j, JournalJob *job)
{
    unsigned char content[TASK_KEY_SIZE];
    int error = journal_job_content(job, j->engine, j->modules, content);
    job->starved = error == ORUN_ENOMEM;
    if (error) {
        buf_free(&job->parts);
        return; /* it runs, and is not kept: what it reads is not there */
    }
    uv_mutex_lock(&j->lock);
    int64_t n = resume_table_occurrence(j->table, job->scope, content);
    job->starved = n < 0;
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
    if (job->starved)
        journal_starve(j);
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
    if (!job) {
        journal_starve(j);
        return false;
    }
    job->looks = ++e->key->looks;
    if (t->kind == TASK_ITEM)
        journal_items_ready(j, t);
    if (t->kind == TASK_ITEM && !journal_look_item(j, job))
        return false;
    e->holds++;
    journal_push(j, job);
    return true;
}

/* Nothing is shown as done that is not kept, for want of memory. */
static void
journal_forgo(Outcome *o)
{
    outcome_clear(o);
    o->state = TASK_FAILED;
    o->fault = FAULT_MEMORY;
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
    if (!key || !key->known || dropped || stub) {
        if (j->starved && !j->nowhere && !dropped && !stub)
            journal_forgo(o);
        return false;
    }
    JournalJob *job = journal_job_seal(&j->engine->sched, t, o);
    if (!job) {
        journal_forgo(o);
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

/* The answer is about to be given: what it needs that is in the store. Gives
 * whether the outcome is taken over. */
static bool
journal_ready(Journal *j, JournalJob *job, bool found)
{
    const Task *t = job->task;
    if (!found && task_key(t)->stands_in) {
        journal_stand_in_fail(&job->kept);
        return true;
    }
    if (!found && j->config.resume && job->key.known && t->opt
        && t->opt->retry.resume)
        journal_drawn_resumed(j, job->key.key, &job->session);
    return found;
}

/* Hand the answer to the scheduler. Under the board's lock; then
 * lifecycle_propagate is due. */
static void
journal_give(Journal *j, JournalJob *job, bool found)
{
    Sched *s = &j->engine->sched;
    Task *t = job->task;
    j->answered++;
    if (job->starved)
        journal_starve(j);
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
        journal_give_session(s, t, &job->session);
        durable_looked(s, t, found ? &job->kept.outcome : NULL);
    }
    journal_handle_drop(&job->handles);
    board_drop(t);
}

/* The tasks that are to run begin now, in the order in which they would if they
 * had not been looked up: those with the longest work first. Not yet (unless
 * `all`) if there are more to be looked up: those that are released at once are
 * in the queue together, as soon as the board's lock is to be had. */
static void
journal_begin(Journal *j, bool all)
{
    Sched *s = &j->engine->sched;
    List done;
    if (!j->missed_count)
        return;
    list_init(&done);
    sched_lock(s);
    if (!all && !journal_idle(j)) {
        board_unlock(&s->board);
        return;
    }
    if (j->missed_count > 1)
        slots_hold(s);
    for (List *node; (node = list_shift(&j->missed)) != NULL;) {
        journal_give(j, container_of(node, JournalJob, link), false);
        list_push(&done, node);
    }
    j->missed_count = 0;
    lifecycle_propagate(s);
    sched_unlock(s);
    for (List *node; (node = list_shift(&done)) != NULL;)
        journal_job_free(container_of(node, JournalJob, link));
}

/* Answer, at once or with the looks that are in the queue now. */
static void
journal_answer(Journal *j, JournalJob *job, bool found)
{
    Sched *s = &j->engine->sched;
    found = journal_ready(j, job, found);
    if (!found) {
        list_push(&j->missed, &job->link);
        if (++j->missed_count == JOURNAL_MISSED)
            journal_begin(j, true);
        return;
    }
    sched_lock(s);
    journal_give(j, job, true);
    lifecycle_propagate(s);
    sched_unlock(s);
    journal_job_free(job);
}

/* ---- keeping ---- */

/* The store has failed, or (NULL: no memory for words) something else that has
 * nothing kept, of which `text` tells: nothing is shown from now on that is not
 * kept. Takes the text. */
static void
journal_break(Journal *j, char *text)
{
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
        Buf why = { 0 };
        store_fault(j->store, &why);
        journal_break(j, buf_take(&why));
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
    j->nowhere = j->forgone;
    if (j->forgone)
        j->fault = buf_take(&why);
    sched_unlock(&j->engine->sched);
    buf_free(&why);
}

/* There was no memory to look a task up. */
static void
journal_alarm(Journal *j, JournalJob *job)
{
    static const char text[] = "there was no memory to look a task up, so what "
                               "it ends with could not be kept";
    journal_job_free(job);
    if (j->store)
        journal_break(j, mem_dup(text, sizeof text - 1));
}

static void
journal_look_up(Journal *j, JournalJob *job)
{
    Sched *s = &j->engine->sched;
    if (!job->key.known) {
        if (job->handles.made_count) {
            sched_lock(s);
            journal_handle_learn(&job->handles);
            board_unlock(&s->board);
        }
        journal_find(j, job);
        sched_lock(s); /* for those that name it and are looked up next */
        journal_handle_note(&job->handles, task_key(job->task));
        board_unlock(&s->board);
    }
    JournalRead is = journal_read(j, job);
    bool found = is == JOURNAL_READ_FINE;
    if (is != JOURNAL_READ_LATER && (!found || !journal_list_items(j, job)))
        journal_answer(j, job, found);
}

static void
journal_do(Journal *j, JournalJob *job)
{
    journal_make_store(j);
    if (job->alarms) {
        journal_alarm(j, job);
        return;
    }
    if (job->seals || job->reads)
        journal_begin(j, true); /* nobody waits for a file that is read */
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
        journal_look_up(j, job);
    }
    if (journal_idle(j))
        journal_begin(j, false);
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
    if (j->alarm)
        journal_job_free(j->alarm);
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
    list_init(&j->missed);
    list_init(&j->drawn);
    uv_mutex_init(&j->lock);
    uv_cond_init(&j->more);
    j->table = resume_table_new();
    j->modules = key_modules_new();
    j->alarm = journal_job_alarm();
    if (j->table && j->modules && j->alarm)
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
