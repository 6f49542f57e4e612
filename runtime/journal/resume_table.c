/* resume_table.c — two hash tables by keys that are hashes themselves. */
#include "journal/resume_table.h"
#include "base/err.h"
#include "base/mem.h"

enum { RESUME_TABLE_DEPTH = 1000 }; /* of tasks that started tasks, at most */

/* How often a scope has had tasks of one content. The key is the exclusive or
 * of both, the content's turned: both are SHA-256 cut short, so what differs
 * does so here, too. */
typedef struct ResumeCount {
    unsigned char key[TASK_KEY_SIZE];
    int64_t n; /* 0: the place is free */
} ResumeCount;

struct ResumeTable {
    ResumeEntry *entries; /* in the order of the facts */
    size_t count, room;
    uint32_t *slots; /* 0: free, or 1 + the index of an entry */
    size_t slot_count;
    ResumeCount *counts;
    size_t counted, count_room;
};

ResumeTable *
resume_table_new(void)
{
    return mem_zalloc(1, sizeof(ResumeTable));
}

void
resume_table_free(ResumeTable *r)
{
    if (!r)
        return;
    mem_free(r->entries);
    mem_free(r->slots);
    mem_free(r->counts);
    mem_free(r);
}

static size_t
resume_table_hash(const unsigned char key[TASK_KEY_SIZE], uint8_t kind)
{
    uint64_t h;
    memcpy(&h, key, sizeof h);
    return (size_t)(h ^ kind);
}

/* ---- facts ---- */

/* The slot of this kind and key, or the free one where it would be. */
static uint32_t *
resume_table_slot(const ResumeTable *r, const unsigned char *key, uint8_t kind)
{
    size_t i = resume_table_hash(key, kind);
    for (;; i++) {
        uint32_t *slot = &r->slots[i & (r->slot_count - 1)];
        const ResumeEntry *e = *slot ? &r->entries[*slot - 1] : NULL;
        if (!e
            || (e->fact.kind == kind
                && memcmp(e->fact.key, key, TASK_KEY_SIZE) == 0))
            return slot;
    }
}

static int
resume_table_grow(ResumeTable *r)
{
    size_t room = r->room ? r->room * 2 : 256;
    void *entries = mem_realloc(r->entries, room * sizeof *r->entries);
    if (!entries)
        return ORUN_ENOMEM;
    r->entries = entries;
    uint32_t *slots = mem_zalloc(room * 2, sizeof *slots);
    if (!slots)
        return ORUN_ENOMEM;
    mem_free(r->slots);
    r->slots = slots;
    r->slot_count = room * 2;
    r->room = room;
    for (size_t i = 0; i < r->count; i++) {
        const ResumeEntry *e = &r->entries[i];
        *resume_table_slot(r, e->fact.key, e->fact.kind) = (uint32_t)i + 1;
    }
    return 0;
}

int
resume_table_add(ResumeTable *r, const StoredFact *f)
{
    if (r->count == r->room && resume_table_grow(r))
        return ORUN_ENOMEM;
    uint32_t *slot = resume_table_slot(r, f->key, f->kind);
    if (!*slot) {
        r->entries[r->count] = (ResumeEntry){ .asked = false };
        *slot = (uint32_t)++r->count;
    }
    r->entries[*slot - 1].fact = *f;
    r->entries[*slot - 1].fact.body = NULL;
    return 0;
}

bool
resume_table_dropped(const ResumeTable *r,
                     const unsigned char key[TASK_KEY_SIZE], uint8_t kind)
{
    const uint32_t *slot = r->slots ? resume_table_slot(r, key, kind) : NULL;
    return slot && *slot && !r->entries[*slot - 1].fact.seq;
}

ResumeEntry *
resume_table_look(const ResumeTable *r, const unsigned char key[TASK_KEY_SIZE],
                  uint8_t kind)
{
    uint32_t *slot = r->slots ? resume_table_slot(r, key, kind) : NULL;
    ResumeEntry *e = slot && *slot ? &r->entries[*slot - 1] : NULL;
    return e && e->fact.seq ? e : NULL;
}

void
resume_table_drop(ResumeTable *r, const unsigned char key[TASK_KEY_SIZE],
                  uint8_t kind)
{
    ResumeEntry *e = resume_table_look(r, key, kind);
    if (e)
        e->fact.seq = 0;
}

ResumeEntry *
resume_table_ask(ResumeTable *r, const unsigned char key[TASK_KEY_SIZE],
                 uint8_t kind)
{
    ResumeEntry *e = resume_table_look(r, key, kind);
    if (e)
        e->asked = true;
    return e;
}

size_t
resume_table_length(const ResumeTable *r)
{
    return r->count;
}

ResumeEntry *
resume_table_at(const ResumeTable *r, size_t i)
{
    return &r->entries[i];
}

bool
resume_table_unasked(const ResumeTable *r, const ResumeEntry *e)
{
    bool unasked = e->fact.kind == FACT_OUTCOME && e->fact.seq && !e->asked;
    for (int depth = 0; unasked && e && depth < RESUME_TABLE_DEPTH; depth++) {
        e = resume_table_look(r, e->parent, FACT_OUTCOME);
        unasked = !e || !e->taken;
    }
    return unasked;
}

/* ---- occurrences ---- */

static ResumeCount *
resume_table_counter(const ResumeTable *r, const unsigned char *key)
{
    size_t i = resume_table_hash(key, 0);
    for (;; i++) {
        ResumeCount *c = &r->counts[i & (r->count_room - 1)];
        if (c->n == 0 || memcmp(c->key, key, TASK_KEY_SIZE) == 0)
            return c;
    }
}

static int
resume_table_grow_counts(ResumeTable *r)
{
    ResumeTable old = *r;
    size_t room = r->count_room ? r->count_room * 2 : 256;
    ResumeCount *counts = mem_zalloc(room, sizeof *counts);
    if (!counts)
        return ORUN_ENOMEM;
    r->counts = counts;
    r->count_room = room;
    for (size_t i = 0; i < old.count_room; i++)
        if (old.counts[i].n)
            *resume_table_counter(r, old.counts[i].key) = old.counts[i];
    mem_free(old.counts);
    return 0;
}

static void
resume_table_count_key(const unsigned char *scope, const unsigned char *content,
                       unsigned char *key)
{
    for (int i = 0; i < TASK_KEY_SIZE; i++)
        key[i] = scope[i] ^ content[(i + 5) % TASK_KEY_SIZE];
}

int64_t
resume_table_occurrence(ResumeTable *r,
                        const unsigned char scope[TASK_KEY_SIZE],
                        const unsigned char content[TASK_KEY_SIZE])
{
    unsigned char key[TASK_KEY_SIZE];
    if (r->counted * 2 >= r->count_room && resume_table_grow_counts(r))
        return ORUN_ENOMEM;
    resume_table_count_key(scope, content, key);
    ResumeCount *c = resume_table_counter(r, key);
    if (c->n == 0) {
        memcpy(c->key, key, TASK_KEY_SIZE);
        r->counted++;
    }
    return c->n++;
}

int64_t
resume_table_occurred(const ResumeTable *r,
                      const unsigned char scope[TASK_KEY_SIZE],
                      const unsigned char content[TASK_KEY_SIZE])
{
    unsigned char key[TASK_KEY_SIZE];
    resume_table_count_key(scope, content, key);
    return r->count_room ? resume_table_counter(r, key)->n : 0;
}
