/* store.c — the handle of a store: its queue, its writer thread, its end.
 *
 * The writer takes everything that is queued, has the kind of store commit it
 * at once, and tells each fact in order. While it commits, others queue up for
 * the next commit, so the more there is to keep the fewer syncs each fact
 * costs. Who was told of the last commit may be about to append again: the
 * writer waits for as many facts as that had, but no longer than a fraction of
 * what the commit took. A batch ends at STORE_BATCH bytes, so that no
 * transaction grows beyond what a disk takes in a moment.
 *
 * Two locks: `lock` guards the queue and the state, for as long as it takes to
 * link a fact; `use` is held around each call of the kind, which may take as
 * long as the disk does. `use` is taken first.
 */
#include "store/store.h"
#include "base/err.h"
#include "base/fork.h"
#include "base/mem.h"
#include "base/thread.h"
#include "store/store_file.h"
#include "store/store_kind.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/random.h>

enum {
    STORE_BATCH = 32 << 20,
    STORE_PATIENCE = 4,           /* a fourth of a commit's time … */
    STORE_PATIENCE_MOST = 2000000 /* … but at most so many nanoseconds */
};

struct Store {
    const StoreKind *kind;
    unsigned flags;
    unsigned forks; /* fork_count when it was opened */
    uv_thread_t writer;

    uv_mutex_t use; /* recursive: each() may read a body */
    void *file;     /* the kind's */
    StoreRun run;

    uv_mutex_t lock;
    uv_cond_t work; /* there is something queued, or it is closing */
    uv_cond_t idle; /* nothing is queued or being committed */
    List queue;     /* of Fact */
    size_t queued;  /* how many */
    bool busy;      /* facts are being committed or told */
    bool closing;
    int fault; /* dead since a commit failed with this */
    Buf fault_why;
};

/* `why` or, for callers who do not want it, a Buf to be thrown away. */
typedef struct StoreWhy {
    Buf own, *to;
} StoreWhy;

static Buf *
store_why(StoreWhy *w, Buf *why)
{
    w->own = (Buf){ 0 };
    w->to = why ? why : &w->own;
    return w->to;
}

static int
store_said(StoreWhy *w, int error)
{
    if (error == ORUN_ENOMEM && w->to->n == 0)
        buf_puts(w->to, "there is no memory left for the store");
    buf_free(&w->own);
    return error;
}

/* ---- the writer ---- */

/* Move what the next commit is to keep from the queue to `batch`, and count it.
 * Under the lock. */
static size_t
store_take(Store *s, List *batch)
{
    size_t bytes = 0, n = 0;
    list_init(batch);
    for (List *node; bytes < STORE_BATCH && (node = list_shift(&s->queue));) {
        bytes += container_of(node, Fact, link)->body.n;
        list_push(batch, node);
        n++;
    }
    s->queued -= n;
    return n;
}

/* Wait until there are `n` facts, for so many nanoseconds. Under the lock. */
static void
store_linger(Store *s, size_t n, uint64_t patience)
{
    uint64_t now = uv_hrtime(), until = now + patience;
    while (s->queued < n && !s->closing && now < until) {
        uv_cond_timedwait(&s->work, &s->lock, until - now);
        now = uv_hrtime();
    }
}

/* How long the next commit may wait for company. */
static uint64_t
store_patience(uint64_t took)
{
    took /= STORE_PATIENCE;
    return took < STORE_PATIENCE_MOST ? took : STORE_PATIENCE_MOST;
}

int
store_fault(Store *s, Buf *why)
{
    uv_mutex_lock(&s->lock);
    int error = s->fault;
    if (error && why && s->fault_why.n)
        buf_put(why, s->fault_why.p, s->fault_why.n);
    else if (error && why)
        buf_puts(why, "there is no memory left for the store");
    uv_mutex_unlock(&s->lock);
    return error;
}

/* May this handle write? */
static int
store_writable(Store *s, Buf *why)
{
    if (s->flags & STORE_READ) {
        buf_puts(why, "this store was opened for reading only");
        return ORUN_ESTATE;
    }
    return store_fault(s, why);
}

static bool
store_batch_whole(const List *batch)
{
    list_each(node, batch)
        if (buf_failed(&container_of(node, Fact, link)->body))
            return false;
    return true;
}

/* Keep the batch; the store is dead when that fails. */
static int
store_commit(Store *s, List *batch)
{
    Buf why = { 0 };
    int error = s->fault; /* only this thread writes it */
    if (error)
        return error;
    uv_mutex_lock(&s->use);
    if (s->flags & STORE_READ) {
        error = store_writable(s, &why);
    } else if (!s->run.id[0]) {
        error = ORUN_ESTATE;
        buf_puts(&why, "a fact was appended before a run was begun");
    } else if (!store_batch_whole(batch)) {
        error = ORUN_ENOMEM;
        buf_puts(&why, "there was no memory for a fact");
    } else {
        error = s->kind->commit(s->file, &s->run, batch, &why);
    }
    uv_mutex_unlock(&s->use);
    if (!error) {
        buf_free(&why);
        return 0;
    }
    uv_mutex_lock(&s->lock);
    s->fault = error;
    s->fault_why = why;
    uv_mutex_unlock(&s->lock);
    return error;
}

static void
store_tell(List *batch, int error)
{
    for (List *node; (node = list_shift(batch));) {
        Fact *f = container_of(node, Fact, link);
        f->kept(f, error);
    }
}

static void
store_write(void *arg)
{
    Store *s = arg;
    size_t n = 0;
    uint64_t patience = 0;
    uv_mutex_lock(&s->lock);
    for (;;) {
        while (list_empty(&s->queue) && !s->closing)
            uv_cond_wait(&s->work, &s->lock);
        if (list_empty(&s->queue))
            break;
        store_linger(s, n, patience);
        List batch;
        n = store_take(s, &batch);
        s->busy = true;
        uv_mutex_unlock(&s->lock);
        uint64_t began = uv_hrtime();
        int error = store_commit(s, &batch);
        patience = store_patience(uv_hrtime() - began);
        store_tell(&batch, error);
        uv_mutex_lock(&s->lock);
        s->busy = false;
        if (list_empty(&s->queue))
            uv_cond_broadcast(&s->idle);
    }
    uv_mutex_unlock(&s->lock);
}

/* ---- opening and closing ---- */

static void
store_free(Store *s)
{
    uv_cond_destroy(&s->idle);
    uv_cond_destroy(&s->work);
    uv_mutex_destroy(&s->lock);
    uv_mutex_destroy(&s->use);
    buf_free(&s->fault_why);
    mem_free(s);
}

static Store *
store_new(const StoreKind *kind, unsigned flags)
{
    Store *s = mem_zalloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->kind = kind;
    s->flags = flags;
    fork_watch();
    s->forks = fork_count;
    list_init(&s->queue);
    if (uv_mutex_init_recursive(&s->use) != 0)
        goto fail;
    if (uv_mutex_init(&s->lock) != 0)
        goto fail_use;
    if (uv_cond_init(&s->work) != 0)
        goto fail_lock;
    if (uv_cond_init(&s->idle) != 0)
        goto fail_work;
    return s;
fail_work:
    uv_cond_destroy(&s->work);
fail_lock:
    uv_mutex_destroy(&s->lock);
fail_use:
    uv_mutex_destroy(&s->use);
fail:
    mem_free(s);
    return NULL;
}

/* Give the open file its writer, which a handle for reading has, too: facts
 * that are appended to it are told so. */
static int
store_start(Store *s, Buf *why)
{
    int error = thread_start(&s->writer, 0, 0, store_write, s);
    if (error)
        buf_puts(why,
                 "the store's writer thread cannot be started: too many"
                 " threads or no memory");
    return error;
}

int
store_open(const char *path, unsigned flags, Store **out, Buf *why)
{
    StoreWhy w;
    why = store_why(&w, why);
    bool memory = strcmp(path, ":memory:") == 0;
    Store *s = store_new(memory ? &store_memory : &store_sqlite, flags);
    int error = s ? s->kind->open(path, flags, &s->file, why) : ORUN_ENOMEM;
    if (!error && (error = store_start(s, why)) != 0)
        s->kind->close(s->file, false);
    if (!error)
        *out = s;
    else if (s)
        store_free(s);
    return store_said(&w, error);
}

bool
store_in_use(const char *path, int *pid)
{
    pid_t owner;
    bool used = store_file_used(path, &owner);
    *pid = (int)owner;
    return used;
}

int
store_close(Store *s)
{
    if (!s || s->forks != fork_count)
        return 0; /* in a forked child there is no writer to wait for */
    uv_mutex_lock(&s->lock);
    s->closing = true;
    uv_cond_signal(&s->work);
    uv_mutex_unlock(&s->lock);
    uv_thread_join(&s->writer);
    int error = s->fault;
    s->kind->close(s->file, error != 0);
    store_free(s);
    return error;
}

/* ---- writing ---- */

void
store_append(Store *s, Fact *f)
{
    uv_mutex_lock(&s->lock);
    list_push(&s->queue, &f->link);
    s->queued++;
    uv_cond_signal(&s->work);
    uv_mutex_unlock(&s->lock);
}

int
store_flush(Store *s)
{
    uv_mutex_lock(&s->lock);
    while (s->busy || !list_empty(&s->queue))
        uv_cond_wait(&s->idle, &s->lock);
    int error = s->fault;
    uv_mutex_unlock(&s->lock);
    return error;
}

/* A new id: 12 letters and digits that are not easily mistaken. */
static int
store_draw_id(char *id)
{
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    unsigned char bytes[12];
    MUST_BE(sizeof digits == 33 && sizeof bytes < STORE_RUN_ID);
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return ORUN_ESYS;
    for (size_t i = 0; i < sizeof bytes; i++)
        id[i] = digits[bytes[i] & 31];
    id[sizeof bytes] = '\0';
    return 0;
}

static bool
store_busy(Store *s)
{
    uv_mutex_lock(&s->lock);
    bool busy = s->busy || !list_empty(&s->queue);
    uv_mutex_unlock(&s->lock);
    return busy;
}

int
store_begin(Store *s, const char *run, char id[STORE_RUN_ID], uint64_t *epoch,
            Buf *why)
{
    StoreWhy w;
    StoreRun now = { 0 };
    why = store_why(&w, why);
    if (run && strlen(run) >= sizeof now.id) {
        buf_printf(why, "there is no run \"%.*s...\"", STORE_RUN_ID, run);
        return store_said(&w, ORUN_ENOENT);
    }
    uv_mutex_lock(&s->use);
    int error = store_writable(s, why);
    if (!error && store_busy(s)) {
        error = ORUN_ESTATE;
        buf_puts(why, "a run cannot be begun while facts are on their way");
    }
    if (!error && run)
        memcpy(now.id, run, strlen(run) + 1);
    else if (!error && *id)
        memcpy(now.id, id, STORE_RUN_ID);
    else if (!error && (error = store_draw_id(now.id)) != 0)
        buf_puts(why, "the system has no random bytes for the id of a run");
    if (!error)
        error = s->kind->begin(s->file, !run, &now, why);
    if (!error) {
        s->run = now;
        memcpy(id, now.id, STORE_RUN_ID);
        *epoch = now.epoch;
    }
    uv_mutex_unlock(&s->use);
    return store_said(&w, error);
}

int
store_forget(Store *s, const char *run, Buf *why)
{
    StoreWhy w;
    why = store_why(&w, why);
    uv_mutex_lock(&s->use);
    int error = store_writable(s, why);
    if (!error && strcmp(run, s->run.id) == 0) {
        error = ORUN_ESTATE;
        buf_printf(why, "run %s is being written and cannot be removed", run);
    }
    if (!error)
        error = s->kind->forget(s->file, run, why);
    uv_mutex_unlock(&s->use);
    return store_said(&w, error);
}

/* ---- reading ---- */

int
store_load(Store *s, const char *run,
           int (*each)(void *ctx, const StoredFact *f), void *ctx, Buf *why)
{
    StoreWhy w;
    why = store_why(&w, why);
    uv_mutex_lock(&s->use);
    int error = s->kind->load(s->file, run, each, ctx, why);
    uv_mutex_unlock(&s->use);
    return store_said(&w, error);
}

int
store_body(Store *s, const StoredFact *f, Buf *out, Buf *why)
{
    StoreWhy w;
    why = store_why(&w, why);
    size_t before = out->n;
    uv_mutex_lock(&s->use);
    int error = s->kind->body(s->file, f, out, why);
    uv_mutex_unlock(&s->use);
    if (!error && buf_failed(out))
        error = ORUN_ENOMEM;
    if (error)
        out->n = before;
    return store_said(&w, error);
}

int
store_runs(Store *s, int (*each)(void *ctx, const StoredRun *run), void *ctx,
           Buf *why)
{
    StoreWhy w;
    why = store_why(&w, why);
    uv_mutex_lock(&s->use);
    int error = s->kind->runs(s->file, each, ctx, why);
    uv_mutex_unlock(&s->use);
    return store_said(&w, error);
}

#ifdef ORUN_TEST
int
store_again(Store *s, Store **out, Buf *why)
{
    Store *other = store_new(s->kind, s->flags);
    int error = other ? s->kind->again(s->file, &other->file, why)
                      : ORUN_ENOMEM;
    if (!error && (error = store_start(other, why)) != 0)
        s->kind->close(other->file, false);
    if (!error)
        *out = other;
    else if (other)
        store_free(other);
    return error;
}
#endif
