/* journal_handle.c — handles: found in what a task is given, hashed, compared
 * with what was seen of them. */
#include "journal/journal_handle.h"
#include "base/err.h"
#include "base/mem.h"
#include "journal/journal_content.h"
#include "sched/durable.h"
#include "sched/forget.h"
#include "store/fact.h"
#include "value/value.h"
#include <stdlib.h>

enum {
    JOURNAL_HANDLE_LOOKS = 1000, /* tasks that one waits for, looked at */
    JOURNAL_HANDLE_SAW = 2 * TASK_KEY_SIZE /* bytes of a FACT_TAG_SAW */
};

/* ---- found ---- */

/* How t has ended, or what it is if that is not known. */
static void
journal_handle_outcome(const Task *t, unsigned char hash[TASK_KEY_SIZE])
{
    const TaskKey *key = task_key(t);
    memset(hash, 0, TASK_KEY_SIZE);
    if (key && key->ended)
        memcpy(hash, key->outcome, TASK_KEY_SIZE);
    else if (key && key->known)
        memcpy(hash, key->key, TASK_KEY_SIZE);
    else
        hash[0] = (unsigned char)(1 + t->state); /* it is not kept */
}

/* t was waited for. In a plan a stub's result counts for nothing. */
static void
journal_handle_waited(JournalHandles *h, const Task *t)
{
    JournalRef *r = &h->refs[h->count++];
    r->id = t->id;
    r->waited = true;
    journal_handle_outcome(t, r->hash);
    if (task_key(t) && task_key(t)->guessed && !h->after)
        h->after = t->id;
}

/* Room for one more in `made`. */
static bool
journal_handle_grow(JournalHandles *h)
{
    if (h->made_count < h->made_room)
        return true;
    size_t room = h->made_room ? 2 * h->made_room : 4;
    void *more = mem_realloc(h->made, room * sizeof *h->made);
    if (!more)
        return false;
    h->made = more;
    h->made_room = room;
    return true;
}

/* An item may be changed, so it is hashed at once. Handles in it count for
 * nothing here. */
static int
journal_handle_none(void *ctx, uint64_t id, unsigned char hash[DIGEST_SIZE])
{
    (void)ctx;
    (void)id;
    memset(hash, 0, DIGEST_SIZE);
    return 0;
}

static bool
journal_handle_item(const Task *t, unsigned char hash[TASK_KEY_SIZE])
{
    unsigned char whole[DIGEST_SIZE];
    KeyParts parts = { .key = t->opt ? t->opt->key : NULL,
                       .input = t->input,
                       .prompt = t->opt ? t->opt->prompt : NULL,
                       .ops = { .handle = journal_handle_none } };
    int e = key_content(&parts, whole, NULL);
    if (e == 0)
        e = journal_content_item(t, t->opt ? t->opt->metadata : NULL, whole);
    memcpy(hash, whole, TASK_KEY_SIZE);
    return e == 0;
}

/* What t is to do, if that can be said now; else it is held, to be hashed. */
static bool
journal_handle_fill(JournalMade *made, Task *t)
{
    TaskKey *key = task_key(t);
    if (!key->made_known && t->kind == TASK_ITEM) {
        if (!journal_handle_item(t, key->made))
            return false;
        key->made_known = true;
    } else if (!key->made_known && !key->looks && t->state != TASK_WAITING) {
        journal_content_place(t, key->made);
        key->made_known = true;
    }
    made->known = key->made_known;
    memcpy(made->hash, key->made, TASK_KEY_SIZE);
    if (made->known)
        return true;
    const Value *values[JOURNAL_CONTENT_VALUES];
    journal_content_values(t, values);
    made->task = t;
    made->code = journal_content_hold(values[0]);
    made->input = journal_content_hold(values[1]);
    made->prompt = journal_content_hold(values[2]);
    t->edges->holds++;
    return true;
}

/* Have t in `made`, once for each search. */
static bool
journal_handle_want(JournalHandles *h, Task *t, uint64_t id, uint32_t search)
{
    JournalMade made = { .id = id, .known = true };
    bool gone = !t || t->id == 0 || forget_is(t);
    if (!gone && t->mark == search)
        return true;
    if (!journal_handle_grow(h))
        return false;
    if (!gone) {
        TaskEdges *e = board_edges(t);
        if (e && !e->key)
            e->key = mem_zalloc(1, sizeof *e->key);
        if (!e || !e->key || !journal_handle_fill(&made, t))
            return false;
        t->mark = search;
    }
    h->made[h->made_count++] = made;
    return true;
}

/* The same of all whose handles are in what t consists of. */
static bool
journal_handle_want_all(Sched *s, JournalHandles *h, const Task *t,
                        uint32_t search)
{
    const Value *values[JOURNAL_CONTENT_VALUES];
    journal_content_values(t, values);
    for (size_t i = 0; i < countof(values); i++)
        for (size_t k = 0; values[i] && k < value_handles(values[i]); k++) {
            uint64_t id = value_handle(values[i], k);
            if (id < t->id
                && !journal_handle_want(h, board_find(&s->board, id), id,
                                        search))
                return false;
        }
    return true;
}

static int
journal_handle_by_id(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int
journal_handle_ref_by_id(const void *a, const void *b)
{
    const JournalRef *x = a, *y = b;
    return journal_handle_by_id(&x->id, &y->id);
}

static int
journal_handle_made_by_id(const void *a, const void *b)
{
    const JournalMade *x = a, *y = b;
    return journal_handle_by_id(&x->id, &y->id);
}

/* What the handles are to do, and those that these have. Of one that is looked
 * up that will be known: its look comes first. */
static bool
journal_handle_take_made(Sched *s, const Task *t, JournalHandles *h)
{
    uint32_t search = ++s->board.search;
    if (!journal_handle_want_all(s, h, t, search))
        return false;
    for (size_t i = 0; i < h->made_count; i++)
        if (!h->made[i].known && !task_key(h->made[i].task)->looks
            && !journal_handle_want_all(s, h, h->made[i].task, search))
            return false;
    if (h->made_count)
        qsort(h->made, h->made_count, sizeof *h->made,
              journal_handle_made_by_id);
    return true;
}

/* One of the handles of t; those it waited for are marked. */
static void
journal_handle_add(Sched *s, JournalHandles *h, uint64_t id, uint32_t search)
{
    const Task *of = board_find(&s->board, id);
    if (of && of->id == id && of->mark == search) {
        journal_handle_waited(h, of);
        return;
    }
    h->refs[h->count++] = (JournalRef){ .id = id };
}

static size_t
journal_handle_count(const Value *const values[JOURNAL_CONTENT_VALUES])
{
    size_t n = 0;
    for (size_t i = 0; i < JOURNAL_CONTENT_VALUES; i++)
        n += values[i] ? value_handles(values[i]) : 0;
    return n;
}

bool
journal_handle_take(Sched *s, const Task *t, JournalHandles *h)
{
    const Value *values[JOURNAL_CONTENT_VALUES];
    uint32_t n = t->edges ? t->edges->blocker_count : 0;
    uint32_t search = ++s->board.search;
    journal_content_values(t, values);
    size_t all = n + journal_handle_count(values);
    h->refs = all ? mem_zalloc(all, sizeof *h->refs) : NULL;
    if (all && !h->refs)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        Task *blocker = t->edges->blockers[i];
        if (blocker->mark == search)
            continue; /* one that had ended may be there twice */
        blocker->mark = search;
        journal_handle_waited(h, blocker);
    }
    h->blockers = h->count;
    for (size_t i = 0; i < countof(values); i++)
        for (size_t k = 0; values[i] && k < value_handles(values[i]); k++)
            journal_handle_add(s, h, value_handle(values[i], k), search);
    if (h->count == h->blockers)
        return true;
    qsort(h->refs + h->blockers, h->count - h->blockers, sizeof *h->refs,
          journal_handle_ref_by_id);
    if (journal_handle_take_made(s, t, h))
        return true;
    journal_handle_drop(h);
    journal_handle_free(h);
    return false;
}

/* ---- hashed ---- */

static const JournalMade *
journal_handle_find_made(const JournalHandles *h, uint64_t id)
{
    JournalMade key = { .id = id };
    return h->made_count ? bsearch(&key, h->made, h->made_count,
                                   sizeof *h->made, journal_handle_made_by_id)
                         : NULL;
}

/* The caller's ops, for what a task is to do. */
typedef struct JournalHandleAsk {
    const JournalHandles *h;
    const ValueHashOps *ops;
} JournalHandleAsk;

static int
journal_handle_ask(void *ctx, uint64_t id, unsigned char hash[DIGEST_SIZE])
{
    const JournalHandleAsk *ask = ctx;
    const JournalMade *made = journal_handle_find_made(ask->h, id);
    memset(hash, 0, DIGEST_SIZE);
    if (made)
        memcpy(hash, made->hash, TASK_KEY_SIZE);
    return 0;
}

static int
journal_handle_module(void *ctx, const char *name, size_t n,
                      unsigned char hash[DIGEST_SIZE])
{
    const JournalHandleAsk *ask = ctx;
    return ask->ops->module(ask->ops->ctx, name, n, hash);
}

/* What is to be done, of that: with handles by what they are to do. */
static int
journal_handle_hash_made(const JournalHandles *h, KeyParts *parts,
                         const ValueHashOps *ops,
                         unsigned char hash[TASK_KEY_SIZE])
{
    JournalHandleAsk ask = { h, ops };
    unsigned char whole[DIGEST_SIZE];
    Buf told = { 0 };
    parts->reads = NULL;
    parts->blocker_count = 0;
    parts->ops = (ValueHashOps){ .handle = journal_handle_ask,
                                 .module = ops->module ? journal_handle_module
                                                       : NULL,
                                 .ctx = &ask };
    int e = key_content(parts, whole, &told);
    if (e == 0)
        key_made(told.p, told.n, hash);
    buf_free(&told);
    return e;
}

static int
journal_handle_make(JournalHandles *h, JournalMade *made, const Engine *engine,
                    const ValueHashOps *ops)
{
    KeyParts parts;
    journal_content_parts(&parts, made->task, engine);
    parts.code = made->code;
    parts.input = made->input;
    parts.prompt = made->prompt;
    return journal_handle_hash_made(h, &parts, ops, made->hash);
}

int
journal_handle_own(JournalHandles *h, const KeyParts *k, const Buf *parts)
{
    KeyParts own = *k;
    int e = 0;
    if (h->count == h->blockers)
        key_made(parts->p, parts->n, h->own);
    else
        e = journal_handle_hash_made(h, &own, &k->ops, h->own);
    h->own_known = e == 0;
    return e;
}

int
journal_handle_hash(JournalHandles *h, const Engine *engine,
                    const ValueHashOps *ops)
{
    int e = 0;
    for (size_t i = 0; i < h->made_count && e == 0; i++)
        if (!h->made[i].known)
            e = journal_handle_make(h, &h->made[i], engine, ops);
    for (size_t i = h->blockers; i < h->count && e == 0; i++) {
        JournalRef *r = &h->refs[i];
        const JournalMade *made = r->waited
            ? NULL
            : journal_handle_find_made(h, r->id);
        if (made)
            memcpy(r->hash, made->hash, TASK_KEY_SIZE);
    }
    return e;
}

const unsigned char *
journal_handle_find(const JournalHandles *h, uint64_t id)
{
    JournalRef key = { .id = id };
    const JournalRef *r = h->count > h->blockers
        ? bsearch(&key, h->refs + h->blockers, h->count - h->blockers,
                  sizeof *h->refs, journal_handle_ref_by_id)
        : NULL;
    return r ? r->hash : NULL;
}

void
journal_handle_note(const JournalHandles *h, TaskKey *key)
{
    for (size_t i = 0; i < h->made_count; i++) {
        TaskKey *of = h->made[i].known ? NULL : task_key(h->made[i].task);
        if (!of || of->made_known)
            continue;
        memcpy(of->made, h->made[i].hash, TASK_KEY_SIZE);
        of->made_known = true;
    }
    if (!h->own_known || key->made_known)
        return;
    memcpy(key->made, h->own, TASK_KEY_SIZE);
    key->made_known = true;
}

/* ---- seen ---- */

/* The handle of t with this id was not waited for by the scheduler, so its code
 * may have seen that it has ended. What is forgotten has another outcome every
 * time. */
static void
journal_handle_saw(Sched *s, uint64_t id, Buf *body)
{
    unsigned char saw[JOURNAL_HANDLE_SAW] = { 0 };
    const Task *of = board_find(&s->board, id);
    const TaskKey *key = of ? task_key(of) : NULL;
    if (!of || (!forget_is(of) && !task_final(of)))
        return;
    if (key)
        memcpy(saw, key->made, TASK_KEY_SIZE);
    if (key && !forget_is(of))
        journal_handle_outcome(of, saw + TASK_KEY_SIZE);
    fact_put(body, FACT_TAG_SAW, saw, sizeof saw);
}

void
journal_handle_seal(Sched *s, const Task *t, Buf *body)
{
    const Value *values[JOURNAL_CONTENT_VALUES];
    journal_content_values(t, values);
    if ((t->opt && t->opt->key) || t->kind == TASK_ITEM
        || !journal_handle_count(values))
        return;
    uint32_t search = ++s->board.search;
    for (uint32_t i = 0; t->edges && i < t->edges->blocker_count; i++)
        t->edges->blockers[i]->mark = search;
    for (size_t i = 0; i < countof(values); i++)
        for (size_t k = 0; values[i] && k < value_handles(values[i]); k++) {
            uint64_t id = value_handle(values[i], k);
            const Task *of = board_find(&s->board, id);
            if (!of || of->id != id || of->mark != search)
                journal_handle_saw(s, id, body);
        }
}

/* Has this one ended so? */
static JournalSaw
journal_handle_ended(Sched *s, const JournalRef *r, const unsigned char *saw)
{
    unsigned char outcome[TASK_KEY_SIZE];
    const Task *of = board_find(&s->board, r->id);
    int looks = JOURNAL_HANDLE_LOOKS;
    if (!of || forget_is(of) || (task_key(of) && task_key(of)->guessed))
        return JOURNAL_SAW_OTHER;
    if (!task_final(of))
        return durable_open(of, &looks) || looks < 0 ? JOURNAL_SAW_LATER
                                                     : JOURNAL_SAW_OTHER;
    journal_handle_outcome(of, outcome);
    bool same = task_key(of) && task_key(of)->ended
        && memcmp(outcome, saw + TASK_KEY_SIZE, TASK_KEY_SIZE) == 0;
    return same ? JOURNAL_SAW_SAME : JOURNAL_SAW_OTHER;
}

static int
journal_handle_by_made(const void *a, const void *b)
{
    const JournalRef *x = a, *y = b;
    int order = memcmp(x->hash, y->hash, TASK_KEY_SIZE);
    return order ? order : journal_handle_by_id(&x->id, &y->id);
}

/* One that has ended as `saw` says, and that none before was taken for. The
 * handles come by what they are to do, n of them. */
static JournalSaw
journal_handle_match(Sched *s, JournalHandles *h, JournalRef *refs, size_t n,
                     const unsigned char *saw)
{
    size_t low = 0, high = n;
    bool later = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(refs[middle].hash, saw, TASK_KEY_SIZE) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    h->after = 0;
    for (; low < n && !memcmp(refs[low].hash, saw, TASK_KEY_SIZE); low++) {
        if (refs[low].used)
            continue;
        JournalSaw is = journal_handle_ended(s, &refs[low], saw);
        refs[low].used = is == JOURNAL_SAW_SAME;
        if (refs[low].used)
            return is;
        later |= is == JOURNAL_SAW_LATER;
        h->after = h->after ? h->after : refs[low].id;
    }
    return later ? JOURNAL_SAW_LATER : JOURNAL_SAW_OTHER;
}

JournalSaw
journal_handle_check(Sched *s, JournalHandles *h, const Buf *body)
{
    JournalSaw all = JOURNAL_SAW_SAME;
    JournalRef *refs = NULL;
    size_t n = 0;
    FactField f;
    fact_first(&f, body->p, body->n);
    while (all != JOURNAL_SAW_OTHER && fact_next(&f) > 0) {
        if (f.tag != FACT_TAG_SAW)
            continue;
        if (!refs) {
            n = h->count - h->blockers;
            refs = mem_zalloc(n + 1, sizeof *refs);
            for (size_t i = 0; refs && i < n; i++)
                refs[i] = h->refs[h->blockers + i];
            if (refs)
                qsort(refs, n, sizeof *refs, journal_handle_by_made);
        }
        JournalSaw is = refs && f.n == JOURNAL_HANDLE_SAW
            ? journal_handle_match(s, h, refs, n, f.p)
            : JOURNAL_SAW_OTHER;
        all = is > all || is == JOURNAL_SAW_OTHER ? is : all;
    }
    mem_free(refs);
    return all;
}

static void
journal_handle_let_go(JournalMade *made)
{
    if (made->known)
        return;
    value_drop(made->code);
    value_drop(made->input);
    value_drop(made->prompt);
    board_drop(made->task);
    made->known = true;
}

void
journal_handle_learn(JournalHandles *h)
{
    for (size_t i = 0; i < h->made_count; i++) {
        JournalMade *made = &h->made[i];
        const TaskKey *key = made->known ? NULL : task_key(made->task);
        if (!key || !key->made_known)
            continue;
        memcpy(made->hash, key->made, TASK_KEY_SIZE);
        journal_handle_let_go(made);
    }
}

void
journal_handle_drop(JournalHandles *h)
{
    for (size_t i = 0; i < h->made_count; i++)
        journal_handle_let_go(&h->made[i]);
    h->made_count = 0;
}

void
journal_handle_free(JournalHandles *h)
{
    mem_free(h->refs);
    mem_free(h->made);
    *h = (JournalHandles){ 0 };
}
