/* journal_store.c — the store of a journal, and the run in it. */
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/version.h"
#include "journal/journal_again.h"
#include "journal/journal_drawn.h"
#include "journal/journal_folder.h"
#include "journal/journal_items.h"
#include "journal/journal_past.h"
#include "journal/journal_state.h"
#include "journal/journal_tree.h"
#include "store/fact.h"
#include "vm/vm_seed.h"
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* ---- the run and what is known of it ---- */

/* The file of a store that is configured so, and the run in it that is gone on
 * with. */
static int
journal_store_choose(Journal *j, char id[STORE_RUN_ID], Buf *why)
{
    size_t n = strlen(j->config.path);
    if (j->config.resume) {
        JournalPast past;
        int e = journal_past_find(
            j->config.path, j->config.resume,
            *j->config.resume ? NULL : j->engine->script_file, &past, why);
        if (e)
            return e;
        j->config.late = past.late;
        j->awake = !past.late;
        memcpy(id, past.id, STORE_RUN_ID);
        j->file = past.file;
        past.file = NULL;
        journal_past_free(&past);
        return 0;
    }
    snprintf(id, STORE_RUN_ID, "%s", j->engine->name);
    if (n && j->config.path[n - 1] == '/')
        return journal_folder_add(j->config.path, id, &j->file, why);
    j->file = mem_dup(j->config.path, n);
    return j->file ? 0 : ORUN_ENOMEM;
}

/* What is read of a run. */
typedef struct JournalStoreRead {
    Journal *j;
    JournalAgain *again;
} JournalStoreRead;

/* Note which task had started that of the outcome. */
static void
journal_store_parent(Journal *j, const StoredFact *f)
{
    FactField field;
    Buf body = { 0 };
    const void *p = f->body;
    ResumeEntry *e = resume_table_look(j->table, f->key, f->kind);
    if (!p && store_body(j->store, f, &body, NULL) == 0)
        p = body.p;
    if (e && p && fact_find(p, f->size, FACT_TAG_MAKER, &field) == 1
        && field.n == TASK_KEY_SIZE)
        memcpy(e->parent, field.p, TASK_KEY_SIZE);
    buf_free(&body);
}

static int
journal_store_fact(void *ctx, const StoredFact *f)
{
    JournalStoreRead *read = ctx;
    Journal *j = read->j;
    int e = journal_again_see(read->again, j->store, f);
    if (e)
        return e;
    if (f->kind == FACT_RUN || f->kind == FACT_END)
        return 0;
    e = resume_table_add(j->table, f);
    if (e == 0 && f->kind == FACT_OUTCOME) {
        journal_tree_ended(j, f->key);
        journal_store_parent(j, f);
    }
    if (e == 0 && f->kind == FACT_ITEM)
        e = journal_items_load(j, f);
    if (e == 0 && f->kind == FACT_DREW)
        journal_drawn_load(j, f, resume_table_look(j->table, f->key, f->kind));
    return e;
}

/* Read what is known of the run that is gone on with. */
static int
journal_store_read(Journal *j, const char *id, Buf *why)
{
    JournalStoreRead read = { .j = j };
    int e = journal_again_new(j->config.again_tasks, &read.again);
    if (e == 0)
        e = store_load(j->store, id, journal_store_fact, &read, why);
    if (e == 0)
        e = journal_again_drop(read.again, j->table, id, why);
    journal_again_free(read.again);
    return e;
}

/* ---- what is told of a run ---- */

static void
journal_store_ignore(Fact *f, int error)
{
    (void)error; /* the store is dead then, and the next outcome says so */
    buf_free(&f->body);
    mem_free(f);
}

static void
journal_store_append(Journal *j, uint8_t kind, Fact *f)
{
    f->kind = kind;
    f->kept = journal_store_ignore;
    store_append(j->store, f);
}

static double
journal_store_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* What runs, and how it is begun again. */
static int
journal_store_run(Journal *j)
{
    Fact *f = mem_zalloc(1, sizeof *f);
    if (!f)
        return ORUN_ENOMEM;
    const char *path = j->engine->script_file;
    fact_put_int(&f->body, FACT_TAG_FORMAT, FACT_FORMAT);
    fact_put_text(&f->body, FACT_TAG_VERSION, ORUN_VERSION);
    if (j->config.script)
        fact_put_text(&f->body, FACT_TAG_NAME, j->config.script);
    if (path)
        fact_put_text(&f->body, FACT_TAG_SCRIPT, path);
    for (char *const *arg = j->config.args; arg && *arg; arg++)
        fact_put_text(&f->body, FACT_TAG_ARGUMENT, *arg);
    fact_put_text(&f->body, FACT_TAG_CWD, j->engine->cwd);
    fact_put_int(&f->body, FACT_TAG_PID, getpid());
    fact_put_number(&f->body, FACT_TAG_AT, journal_store_clock());
    fact_put_int(&f->body, FACT_TAG_LATE, j->config.late);
    fact_put_int(&f->body, FACT_TAG_SEED, vm_seed_get());
    if (buf_failed(&f->body)) {
        journal_store_ignore(f, 0);
        return ORUN_ENOMEM;
    }
    journal_store_append(j, FACT_RUN, f);
    return 0;
}

/* ---- the store ---- */

int
journal_store_open(Journal *j, Buf *why)
{
    uint64_t epoch;
    char id[STORE_RUN_ID];
    bool writes = !j->config.plan;
    unsigned flags = (j->config.resume ? STORE_EXISTS : 0)
        | (writes ? 0 : STORE_READ);
    int e = journal_store_choose(j, id, why);
    if (e == 0)
        e = store_open(j->file, flags, &j->store, why);
    if (e == 0 && j->config.resume)
        e = journal_store_read(j, id, why);
    if (e == 0 && writes)
        e = store_begin(j->store, j->config.resume ? id : NULL, id, &epoch,
                        why);
    if (e == 0)
        memcpy(j->run, id, sizeof j->run);
    if (e == 0 && writes)
        e = journal_store_run(j);
    if (e && j->store) {
        store_close(j->store);
        j->store = NULL;
    }
    return e;
}

void
journal_store_close(Journal *j, int status)
{
    bool writes = j->store && !j->config.plan;
    Fact *f = writes ? mem_zalloc(1, sizeof *f) : NULL;
    if (f) {
        fact_put_int(&f->body, FACT_TAG_EXIT_CODE, status);
        fact_put_number(&f->body, FACT_TAG_AT, journal_store_clock());
        journal_store_append(j, FACT_END, f);
    }
    store_close(j->store);
    j->store = NULL;
}
