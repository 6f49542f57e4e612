/* store_memory.c — a store that lives in this process.
 *
 * For runs that need none, and what the other kinds are held against: it does
 * in the plainest way what they do with a disk. Everything is in arrays.
 */
#include "base/err.h"
#include "base/mem.h"
#include "store/store_kind.h"
#include <time.h>
#include <uv.h>

typedef struct MemoryFact {
    uint8_t kind;
    unsigned char key[KEY_SIZE];
    char *body;
    size_t size;
} MemoryFact;

typedef struct MemoryRun {
    char id[STORE_RUN_ID];
    uint64_t epoch;
    double begun;
    MemoryFact *facts;
    size_t n, cap;
} MemoryRun;

/* What all handles on one store share: only a test has several. */
typedef struct Memory {
    uv_mutex_t lock;
    unsigned handles;
    MemoryRun **runs; /* the oldest first; NULL where one was forgotten, so that
                       * its number stands for no other */
    size_t n, cap;
} Memory;

static int
store_memory_open(const char *path, unsigned flags, void **out, Buf *why)
{
    (void)path;
    (void)flags;
    (void)why;
    Memory *m = mem_zalloc(1, sizeof *m);
    if (!m)
        return ORUN_ENOMEM;
    if (uv_mutex_init_recursive(&m->lock) != 0) {
        mem_free(m);
        return ORUN_ENOMEM;
    }
    m->handles = 1;
    *out = m;
    return 0;
}

static void
store_memory_free_run(MemoryRun *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->n; i++)
        mem_free(r->facts[i].body);
    mem_free(r->facts);
    mem_free(r);
}

static void
store_memory_close(void *file, bool dead)
{
    (void)dead;
    Memory *m = file;
    uv_mutex_lock(&m->lock);
    bool last = --m->handles == 0;
    uv_mutex_unlock(&m->lock);
    if (!last)
        return;
    for (size_t i = 0; i < m->n; i++)
        store_memory_free_run(m->runs[i]);
    mem_free(m->runs);
    uv_mutex_destroy(&m->lock);
    mem_free(m);
}

/* The place of a run, or -1. Under the lock. */
static int64_t
store_memory_row(const Memory *m, const char *id)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->runs[i] && strcmp(m->runs[i]->id, id) == 0)
            return (int64_t)i;
    return -1;
}

static int
store_memory_no_run(const char *id, Buf *why)
{
    buf_printf(why, "there is no run \"%s\" in this store", id);
    return ORUN_ENOENT;
}

/* An array of `size` each, with room for one more than *n. */
static void *
store_memory_grow(void *array, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return array;
    size_t more = *cap ? *cap * 2 : 16;
    void *grown = mem_realloc(array, more * size);
    if (grown)
        *cap = more;
    return grown;
}

static int
store_memory_add_run(Memory *m, const char *id, int64_t *row)
{
    void *grown = store_memory_grow(m->runs, m->n, &m->cap, sizeof *m->runs);
    if (!grown)
        return ORUN_ENOMEM;
    m->runs = grown;
    MemoryRun *r = mem_zalloc(1, sizeof *r);
    if (!r)
        return ORUN_ENOMEM;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    r->begun = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    memcpy(r->id, id, strlen(id) + 1);
    *row = (int64_t)m->n;
    m->runs[m->n++] = r;
    return 0;
}

static int
store_memory_begin(void *file, bool fresh, StoreRun *run, Buf *why)
{
    Memory *m = file;
    int error = 0;
    uv_mutex_lock(&m->lock);
    run->row = store_memory_row(m, run->id);
    if (fresh && run->row >= 0) {
        error = ORUN_ESTATE;
        buf_printf(why, "there is a run %s already", run->id);
    } else if (fresh) {
        error = store_memory_add_run(m, run->id, &run->row);
    } else if (run->row < 0) {
        error = store_memory_no_run(run->id, why);
    }
    if (!error) {
        MemoryRun *r = m->runs[run->row];
        run->epoch = ++r->epoch;
        run->facts = r->n;
    }
    uv_mutex_unlock(&m->lock);
    return error;
}

/* A copy of a fact at the end of a run, which is not counted yet. */
static int
store_memory_add(MemoryRun *r, size_t at, const Fact *f)
{
    void *grown = store_memory_grow(r->facts, at, &r->cap, sizeof *r->facts);
    if (!grown)
        return ORUN_ENOMEM;
    r->facts = grown;
    MemoryFact *to = &r->facts[at];
    *to = (MemoryFact){ .kind = f->kind, .size = f->body.n };
    memcpy(to->key, f->key, sizeof to->key);
    to->body = mem_dup(f->body.n ? f->body.p : "", f->body.n);
    return to->body ? 0 : ORUN_ENOMEM;
}

static int
store_memory_commit(void *file, StoreRun *run, const List *facts, Buf *why)
{
    Memory *m = file;
    int error = 0;
    uv_mutex_lock(&m->lock);
    MemoryRun *r = m->runs[run->row];
    if (!r || r->epoch != run->epoch) {
        buf_printf(why, "run %s was taken over by another process", run->id);
        error = ORUN_ESTATE;
    }
    size_t at = r ? r->n : 0;
    list_each(node, facts) {
        if (error)
            break;
        error = store_memory_add(r, at, container_of(node, Fact, link));
        at += error == 0;
    }
    if (!error)
        run->facts = r->n = at;
    while (error && r && at > r->n)
        mem_free(r->facts[--at].body);
    uv_mutex_unlock(&m->lock);
    return error;
}

static int
store_memory_load(void *file, const char *run,
                  int (*each)(void *ctx, const StoredFact *f), void *ctx,
                  Buf *why)
{
    Memory *m = file;
    int result = 0;
    uv_mutex_lock(&m->lock);
    int64_t row = store_memory_row(m, run);
    const MemoryRun *r = row < 0 ? NULL : m->runs[row];
    if (!r)
        result = store_memory_no_run(run, why);
    for (size_t i = 0; r && !result && i < r->n; i++) {
        const MemoryFact *from = &r->facts[i];
        StoredFact f = { .seq = i + 1, .kind = from->kind, .place = row };
        memcpy(f.key, from->key, sizeof f.key);
        f.size = from->size;
        f.body = from->size <= STORE_INLINE ? from->body : NULL;
        result = each(ctx, &f);
    }
    uv_mutex_unlock(&m->lock);
    return result;
}

static int
store_memory_body(void *file, const StoredFact *f, Buf *out, Buf *why)
{
    Memory *m = file;
    uv_mutex_lock(&m->lock);
    const MemoryRun *r = m->runs[f->place];
    if (r)
        buf_put(out, r->facts[f->seq - 1].body, r->facts[f->seq - 1].size);
    uv_mutex_unlock(&m->lock);
    if (r)
        return 0;
    buf_puts(why, "the run of this fact was removed");
    return ORUN_ENOENT;
}

static void
store_memory_tell(const MemoryRun *r, StoredRun *to)
{
    *to = (StoredRun){ .epoch = r->epoch, .begun = r->begun, .facts = r->n };
    memcpy(to->id, r->id, sizeof to->id);
    for (size_t i = 0; i < r->n; i++) {
        const MemoryFact *f = &r->facts[i];
        to->bytes += f->size;
        if (f->kind == FACT_RUN) {
            to->run = f->size <= STORE_INLINE ? f->body : NULL;
            to->run_size = f->size;
            to->end = NULL;
            to->end_size = 0;
        } else if (f->kind == FACT_END) {
            to->end = f->size <= STORE_INLINE ? f->body : NULL;
            to->end_size = f->size;
        }
    }
}

static int
store_memory_runs(void *file, int (*each)(void *ctx, const StoredRun *run),
                  void *ctx, Buf *why)
{
    (void)why;
    Memory *m = file;
    int result = 0;
    uv_mutex_lock(&m->lock);
    for (size_t i = 0; !result && i < m->n; i++) {
        StoredRun told;
        if (!m->runs[i])
            continue;
        store_memory_tell(m->runs[i], &told);
        result = each(ctx, &told);
    }
    uv_mutex_unlock(&m->lock);
    return result;
}

static int
store_memory_forget(void *file, const char *run, Buf *why)
{
    Memory *m = file;
    uv_mutex_lock(&m->lock);
    int64_t row = store_memory_row(m, run);
    if (row >= 0) {
        store_memory_free_run(m->runs[row]);
        m->runs[row] = NULL;
    }
    uv_mutex_unlock(&m->lock);
    return row < 0 ? store_memory_no_run(run, why) : 0;
}

#ifdef ORUN_TEST
static int
store_memory_again(void *file, void **out, Buf *why)
{
    (void)why;
    Memory *m = file;
    uv_mutex_lock(&m->lock);
    m->handles++;
    uv_mutex_unlock(&m->lock);
    *out = m;
    return 0;
}
#endif

const StoreKind store_memory = {
    .open = store_memory_open,
    .begin = store_memory_begin,
    .commit = store_memory_commit,
    .load = store_memory_load,
    .body = store_memory_body,
    .runs = store_memory_runs,
    .forget = store_memory_forget,
    .close = store_memory_close,
#ifdef ORUN_TEST
    .again = store_memory_again,
#endif
};
