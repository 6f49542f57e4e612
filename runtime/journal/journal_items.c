/* journal_items.c — items as facts, and made of facts. */
#include "journal/journal_items.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/order.h"
#include "base/sanitize.h"
#include "base/secret.h"
#include "journal/journal_drawn.h"
#include "journal/journal_job.h"
#include "journal/journal_stand_in.h"
#include "sched/lifecycle.h"
#include "store/fact.h"
#include "task/output.h"
#include "value/value.h"
#include "value/value_rename.h"
#include "vm/handle.h"
#include <endian.h>
#include <unistd.h>

enum {
    JOURNAL_ITEMS_BLOCKERS = 1000, /* of one item, that are kept */
    JOURNAL_ITEMS_HANDLE = sizeof(uint64_t) + TASK_KEY_SIZE, /* of its field */
    JOURNAL_ITEMS_TITLE = 60, /* bytes of one that are told */
};

/* ---- an item as a fact ---- */

/* What the item is called in facts; made when it has no name yet, and can have
 * one. NULL: it is the script's, or its maker has no key. */
static const TaskItemKey *
journal_items_name(Journal *j, Task *t)
{
    static const unsigned char content[TASK_KEY_SIZE] = { 'i' };
    const TaskKey *maker = t->parent->id ? task_key(t->parent) : NULL;
    TaskEdges *e = board_edges(t);
    if (e && !e->key)
        e->key = mem_zalloc(1, sizeof *e->key);
    if (!e || !e->key || e->key->item)
        return e && e->key ? e->key->item : NULL;
    if (!maker || !maker->known)
        return NULL;
    TaskItemKey *item = mem_zalloc(1, sizeof *item);
    if (!item)
        return NULL;
    memcpy(item->scope, maker->scope, TASK_KEY_SIZE);
    uv_mutex_lock(&j->lock);
    int64_t n = resume_table_occurrence(j->table, maker->scope, content);
    uv_mutex_unlock(&j->lock);
    journal_job_mix(maker->scope, content, n, item->name);
    return e->key->item = item;
}

static void
journal_items_put_value(Buf *b, FactTag tag, const Value *v)
{
    size_t n;
    const void *p = v ? value_bytes(v, &n) : NULL;
    if (p)
        fact_put(b, tag, p, n);
}

/* What an item or a task is called in facts; NULL: nothing, yet. */
static const unsigned char *
journal_items_called(const Task *t)
{
    const TaskKey *key = t ? task_key(t) : NULL;
    if (key && key->item)
        return key->item->name;
    return key && key->known ? key->key : NULL;
}

/* What keeps it from being claimed. True: all of it has a name. */
static bool
journal_items_put_blockers(Buf *b, const Task *t)
{
    bool whole = true;
    for (uint32_t i = 0; i < t->edges->blocker_count; i++) {
        const unsigned char *name = journal_items_called(t->edges->blockers[i]);
        whole = whole && name;
        if (name)
            fact_put(b, FACT_TAG_BLOCKER, name, TASK_KEY_SIZE);
    }
    return whole;
}

/* The handles in its input. True: the tasks of all have a name. */
static bool
journal_items_put_handles(Journal *j, Buf *b, const Task *t)
{
    bool whole = true;
    size_t n = t->input ? value_handles(t->input) : 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t id = value_handle(t->input, i), le = htole64(id);
        unsigned char field[JOURNAL_ITEMS_HANDLE];
        const unsigned char *name = journal_items_called(
            board_find(&j->engine->sched.board, id));
        whole = whole && name;
        if (!name)
            continue;
        memcpy(field, &le, sizeof le);
        memcpy(field + sizeof le, name, TASK_KEY_SIZE);
        fact_put(b, FACT_TAG_HANDLE, field, sizeof field);
    }
    return whole;
}

static void
journal_items_put(Journal *j, Buf *b, const Task *t)
{
    TaskItemKey *item = task_key(t)->item;
    item->whole = true;
    if (t->removed) {
        fact_put_text(b, FACT_TAG_STATUS, "deleted");
        return;
    }
    fact_put_text(b, FACT_TAG_DESCRIPTION, t->description);
    fact_put(b, FACT_TAG_SCOPE, item->scope, TASK_KEY_SIZE);
    for (const Task *above = t->parent; above->id; above = above->parent)
        if (task_key(above) && task_key(above)->known)
            fact_put(b, FACT_TAG_MAKER, task_key(above)->key, TASK_KEY_SIZE);
    fact_put_int(b, FACT_TAG_PRIORITY, t->priority);
    journal_items_put_value(b, FACT_TAG_INPUT, t->input);
    journal_items_put_value(b, FACT_TAG_PROMPT, task_prompt(t));
    journal_items_put_value(b, FACT_TAG_METADATA,
                            t->opt ? t->opt->metadata : NULL);
    fact_put_int(b, FACT_TAG_DESPITE, t->opt && t->opt->despite_failure);
    if (t->file) {
        fact_put_text(b, FACT_TAG_FILE, t->file);
        fact_put_int(b, FACT_TAG_LINE, t->line);
    }
    item->whole = journal_items_put_blockers(b, t);
    item->whole = journal_items_put_handles(j, b, t) && item->whole;
}

void
journal_items_note(Durable *d, Task *t)
{
    Journal *j = container_of(d, Journal, seam);
    const TaskItemKey *item = !j->broken && j->awake ? journal_items_name(j, t)
                                                     : NULL;
    if (!item || item->again)
        return;
    Fact *f = mem_zalloc(1, sizeof *f);
    if (!f)
        return;
    f->kind = FACT_ITEM;
    memcpy(f->key, item->name, TASK_KEY_SIZE);
    journal_items_put(j, &f->body, t);
    bool secret = !buf_failed(&f->body)
        && secret_in(f->body.p, f->body.n, NULL, 0);
    j->secret += secret;
    journal_drawn_append(j, f, !secret && !buf_failed(&f->body));
}

void
journal_items_ready(Journal *j, Task *t)
{
    const TaskItemKey *item = task_key(t)->item;
    if (item && !item->whole && !item->again)
        journal_items_note(&j->seam, t);
}

/* ---- a fact as an item ---- */

/* With a maker's key: how many facts of items have it. */
static const unsigned char journal_items_made[TASK_KEY_SIZE] = { 'm' };

/* If the field names a task: it is to be known which one that is. */
static int
journal_items_load_name(Journal *j, const FactField *field)
{
    StoredFact named = { .kind = JOURNAL_NAMED, .seq = 1 };
    size_t at = field->tag == FACT_TAG_BLOCKER ? 0
        : field->tag == FACT_TAG_HANDLE        ? sizeof(uint64_t)
                                               : field->n;
    if (field->n != at + TASK_KEY_SIZE)
        return 0;
    memcpy(named.key, field->p + at, TASK_KEY_SIZE);
    return resume_table_add(j->table, &named);
}

int
journal_items_load(Journal *j, const StoredFact *f)
{
    FactField field;
    int more = 0;
    j->big_items |= !f->body && f->size > 0;
    if (!f->body)
        return 0;
    fact_first(&field, f->body, f->size);
    while ((more = fact_next(&field)) > 0) {
        bool maker = field.tag == FACT_TAG_MAKER && field.n == TASK_KEY_SIZE;
        if (maker
            && resume_table_occurrence(j->table, field.p, journal_items_made)
                < 0)
            return ORUN_ENOMEM;
        if (journal_items_load_name(j, &field))
            return ORUN_ENOMEM;
    }
    return 0; /* what is malformed is found when it is to be made */
}

/* An item to be made of a fact. */
typedef struct ItemDraft {
    Task task;
    TaskItemKey *key;
    FactField input; /* in the fact's bytes; n is 0 without one */
    unsigned char blockers[JOURNAL_ITEMS_BLOCKERS][TASK_KEY_SIZE];
    unsigned char handles[JOURNAL_ITEMS_BLOCKERS][JOURNAL_ITEMS_HANDLE];
    size_t blocker_count, handle_count;
    bool mine;    /* the task that takes its outcome over is above it */
    bool deleted; /* it is not on the list any longer */
} ItemDraft;

static bool
journal_items_is(const FactField *f, const unsigned char key[TASK_KEY_SIZE])
{
    return f->n == TASK_KEY_SIZE && memcmp(f->p, key, TASK_KEY_SIZE) == 0;
}

static bool
journal_items_value(Value **to, const FactField *f)
{
    value_drop(*to);
    *to = value_import(f->p, f->n, false);
    return *to != NULL;
}

static bool
journal_items_take(ItemDraft *d, const FactField *f, Engine *h,
                   const unsigned char key[TASK_KEY_SIZE])
{
    Task *t = &d->task;
    int64_t n = 0;
    switch (f->tag) {
    case FACT_TAG_DESCRIPTION:
        mem_free(t->description);
        t->description = mem_dup((const char *)f->p, f->n);
        return t->description != NULL;
    case FACT_TAG_SCOPE:
        if (f->n == TASK_KEY_SIZE)
            memcpy(d->key->scope, f->p, f->n);
        return f->n == TASK_KEY_SIZE;
    case FACT_TAG_MAKER:
        d->mine = d->mine || journal_items_is(f, key);
        return true;
    case FACT_TAG_PRIORITY:
        t->priority = fact_int(f, &n) ? (int8_t)n : 0;
        return n >= QUEUE_LOWEST && n <= QUEUE_HIGHEST;
    case FACT_TAG_INPUT: d->input = *f; return true;
    case FACT_TAG_STATUS: return d->deleted = true;
    case FACT_TAG_PROMPT: return journal_items_value(&t->opt->prompt, f);
    case FACT_TAG_METADATA: return journal_items_value(&t->opt->metadata, f);
    case FACT_TAG_DESPITE:
        t->opt->despite_failure = fact_int(f, &n) && n;
        return true;
    case FACT_TAG_LINE: t->line = fact_int(f, &n) ? (int)n : 0; return true;
    case FACT_TAG_FILE: {
        char *name = mem_dup((const char *)f->p, f->n);
        t->file = name ? engine_intern(h, name) : NULL;
        mem_free(name);
        return true;
    }
    case FACT_TAG_BLOCKER:
        if (f->n != TASK_KEY_SIZE || d->blocker_count == JOURNAL_ITEMS_BLOCKERS)
            return false;
        memcpy(d->blockers[d->blocker_count++], f->p, f->n);
        return true;
    case FACT_TAG_HANDLE:
        if (f->n != JOURNAL_ITEMS_HANDLE
            || d->handle_count == JOURNAL_ITEMS_BLOCKERS)
            return false;
        memcpy(d->handles[d->handle_count++], f->p, f->n);
        return true;
    default: return true;
    }
}

/* Read it; false: it cannot be read. */
static bool
journal_items_read(ItemDraft *d, const Buf *body, Engine *h,
                   const unsigned char name[TASK_KEY_SIZE],
                   const unsigned char key[TASK_KEY_SIZE])
{
    FactField f;
    int more;
    memset(d, 0, offsetof(ItemDraft, blockers));
    d->blocker_count = d->handle_count = 0;
    d->mine = d->deleted = false;
    d->task.kind = TASK_ITEM;
    d->task.opt = mem_zalloc(1, sizeof *d->task.opt);
    d->task.edges = mem_zalloc(1, sizeof *d->task.edges);
    d->key = mem_zalloc(1, sizeof *d->key);
    TaskKey *whole = mem_zalloc(1, sizeof *whole);
    if (!d->task.edges || !whole || !d->key) {
        mem_free(d->key);
        mem_free(whole);
        return false;
    }
    d->task.edges->key = whole;
    whole->item = d->key;
    memcpy(d->key->name, name, TASK_KEY_SIZE);
    d->key->again = d->key->listed = d->key->whole = true;
    fact_first(&f, body->p, body->n);
    while ((more = fact_next(&f)) > 0)
        if (!d->task.opt || !journal_items_take(d, &f, h, key))
            return false;
    return more == 0 && (d->deleted || d->task.description);
}

/* The id of the task that has this name or key now, or stands in for it below
 * t; 0: there is none. */
static uint64_t
journal_items_find(Journal *j, const unsigned char key[TASK_KEY_SIZE], Task *t)
{
    static const uint8_t kinds[] = { FACT_ITEM, JOURNAL_NAMED, FACT_OUTCOME };
    uint64_t id = 0;
    uv_mutex_lock(&j->lock);
    for (size_t i = 0; i < countof(kinds) && !id; i++) {
        const ResumeEntry *e = resume_table_look(j->table, key, kinds[i]);
        id = e ? e->task : 0;
    }
    uv_mutex_unlock(&j->lock);
    return id && board_find(&j->engine->sched.board, id)
        ? id
        : journal_stand_in_add(j, key, t);
}

/* The input, with handles of this try. False: it cannot be had. */
static bool
journal_items_input(Journal *j, ItemDraft *d, Task *t)
{
    ValueRename *names = mem_zalloc(d->handle_count + 1, sizeof *names);
    bool fine = names != NULL;
    for (size_t i = 0; i < d->handle_count && fine; i++) {
        memcpy(&names[i].was, d->handles[i], sizeof names[i].was);
        names[i].was = le64toh(names[i].was);
        names[i].is = journal_items_find(j, d->handles[i] + sizeof names[i].was,
                                         t);
        fine = names[i].is != 0;
    }
    if (fine && d->input.n)
        fine = (d->task.input = value_rename(d->input.p, d->input.n, names,
                                             d->handle_count))
            != NULL;
    mem_free(names);
    return fine;
}

/* Make it, below t. Its id, or 0. */
static uint64_t
journal_items_add(Journal *j, ItemDraft *d, Task *t)
{
    Task *item = NULL,
         **blockers = mem_zalloc(d->blocker_count + 1, sizeof(Task *));
    size_t n = 0;
    for (size_t i = 0; blockers && i < d->blocker_count; i++) {
        uint64_t id = journal_items_find(j, d->blockers[i], t);
        blockers[n] = id ? board_find(&j->engine->sched.board, id) : NULL;
        n += blockers[n] != NULL;
    }
    int e = blockers
        ? lifecycle_add(&j->engine->sched, &d->task, t, blockers, n, &item)
        : -1;
    mem_free(blockers);
    if (e)
        return 0;
    d->key->again = false;
    return item->id;
}

/* It is not put on the list. */
static void
journal_items_tell(const Task *item, const Task *t)
{
    Buf text = { 0 };
    char id[HANDLE_ID_SIZE];
    const char *title = item->description ? item->description : "an item";
    handle_name(t->id, id);
    buf_puts(&text, "orun: ");
    sanitize_cut(&text, title, strlen(title), JOURNAL_ITEMS_TITLE);
    buf_printf(&text,
               " of an earlier try is not on the list again, though %s, which "
               "had put it there, does not run again: a task in its input has "
               "no kept result, or what is kept of it cannot be read\n",
               id);
    order_keep(STDERR_FILENO);
    sanitize_write(STDERR_FILENO, buf_cstr(&text), text.n);
    buf_free(&text);
}

/* The i-th fact, if it is of an item that is to be made again. */
static bool
journal_items_nth(Journal *j, size_t i, StoredFact *fact)
{
    uv_mutex_lock(&j->lock);
    const ResumeEntry *e = resume_table_at(j->table, i);
    bool due = e->fact.kind == FACT_ITEM && e->fact.seq && !e->task;
    *fact = e->fact;
    uv_mutex_unlock(&j->lock);
    return due;
}

/* Make the item of a fact, if it is t's. */
static void
journal_items_make(Journal *j, ItemDraft *d, const StoredFact *fact, Task *t)
{
    Buf body = { 0 };
    bool fine = store_body(j->store, fact, &body, NULL) == 0
        && journal_items_read(d, &body, j->engine, fact->key, task_key(t)->key);
    bool due = !fine || (d->mine && !d->deleted);
    uint64_t id = fine && due && journal_items_input(j, d, t)
        ? journal_items_add(j, d, t)
        : 0;
    if (due && !id)
        journal_items_tell(&d->task, t);
    if (!id)
        task_clear(&d->task);
    buf_free(&body);
    uv_mutex_lock(&j->lock);
    ResumeEntry *e = resume_table_look(j->table, fact->key, FACT_ITEM);
    if (e && id)
        e->task = id;
    uv_mutex_unlock(&j->lock);
}

void
journal_items_again(Journal *j, Task *t)
{
    uv_mutex_lock(&j->lock);
    bool any = j->big_items
        || resume_table_occurred(j->table, task_key(t)->key, journal_items_made)
            > 0;
    size_t n = any ? resume_table_length(j->table) : 0;
    uv_mutex_unlock(&j->lock);
    ItemDraft *d = n ? mem_zalloc(1, sizeof *d) : NULL;
    for (size_t i = 0; d && i < n; i++) {
        StoredFact fact;
        if (journal_items_nth(j, i, &fact))
            journal_items_make(j, d, &fact, t);
    }
    mem_free(d);
}
