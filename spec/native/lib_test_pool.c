/* lib_test_pool.c — a worker pool whose jobs do what the spec says.
 *
 * Each job stays on its worker and waits for orders: block, unblock, end. The
 * spec thus holds every worker where it wants it, and nothing depends on how
 * fast anybody is. Whatever waits gives up after LIB_PATIENCE seconds, so a
 * pool that forgets a job fails a test and does not hang it.
 */
#include "base/err.h"
#include "base/mem.h"
#include "base/thread.h"
#include "lib_test.h"
#include "thread/pool.h"
#include <lauxlib.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { LIB_PATIENCE = 20, LIB_JOBS = 256 };
#define LIB_PATIENCE_NS (LIB_PATIENCE * UINT64_C(1000000000))

typedef enum PoolOrder {
    ORDER_NONE,
    ORDER_BLOCK,
    ORDER_UNBLOCK,
    ORDER_END,
} PoolOrder;

typedef struct PoolJob {
    Job job;
    struct LibPool *owner;
    PoolOrder order;
    bool runs, on_worker, refused;
    Worker *worker;
    pid_t tid;
    sigset_t mask;
} PoolJob;

typedef struct LibPool {
    Pool *pool;
    bool given_up; /* and workers are in it */
    int made;

    uv_mutex_t lock;
    /* guarded by lock: */
    uv_cond_t changed;
    bool closing;
    int starts, forsaken;
    int order[LIB_JOBS];            /* jobs by when they started */
    int rejected, reject[LIB_JOBS]; /* of the spec's thread */
    PoolJob job[LIB_JOBS];
} LibPool;

#define LIB_POOL "orun.test.pool"

static LibPool *
lib_pool(lua_State *L)
{
    LibPool *p = luaL_checkudata(L, 1, LIB_POOL);
    luaL_argcheck(L, p->pool, 1, "this pool was freed");
    return p;
}

static PoolJob *
lib_pool_job(lua_State *L, LibPool *p, int idx)
{
    lua_Integer i = luaL_checkinteger(L, idx);
    luaL_argcheck(L, i > 0 && i <= p->made, idx, "no job has this number");
    return &p->job[i - 1];
}

static struct timespec
lib_pool_deadline(void)
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_sec += LIB_PATIENCE;
    return at;
}

/* ---- on a worker ---- */

static void
lib_pool_obey(LibPool *p, PoolJob *j, PoolOrder order)
{
    uv_mutex_unlock(&p->lock);
    int e = order == ORDER_BLOCK ? pool_block(p->pool) : 0;
    if (order == ORDER_UNBLOCK)
        pool_unblock(p->pool);
    uv_mutex_lock(&p->lock);
    j->refused = e != 0;
    j->order = ORDER_NONE;
    uv_cond_broadcast(&p->changed);
}

static void
lib_pool_run(Job *job)
{
    PoolJob *j = container_of(job, PoolJob, job);
    LibPool *p = j->owner;
    uv_mutex_lock(&p->lock);
    j->worker = pool_worker();
    j->tid = gettid();
    j->on_worker = j->worker != NULL;
    j->runs = true;
    pthread_sigmask(SIG_SETMASK, NULL, &j->mask);
    p->order[p->starts++] = (int)(j - p->job) + 1;
    uv_cond_broadcast(&p->changed);
    for (PoolOrder order = ORDER_NONE; order != ORDER_END && !p->closing;) {
        while (j->order == ORDER_NONE && !p->closing)
            uv_cond_wait(&p->changed, &p->lock);
        order = j->order;
        if (order != ORDER_END)
            lib_pool_obey(p, j, order);
    }
    j->runs = false;
    j->order = ORDER_NONE;
    uv_cond_broadcast(&p->changed);
    uv_mutex_unlock(&p->lock);
}

/* ---- on the spec's thread ---- */

static void
lib_pool_rejects(Job *job)
{
    PoolJob *j = container_of(job, PoolJob, job);
    LibPool *p = j->owner;
    p->reject[p->rejected++] = (int)(j - p->job) + 1;
}

static const JobKind lib_pool_kind = { lib_pool_run, lib_pool_rejects };

static PoolJob *
lib_pool_make(lua_State *L, LibPool *p)
{
    if (p->made == LIB_JOBS)
        luaL_error(L, "a test pool has %d jobs at most", LIB_JOBS);
    PoolJob *j = &p->job[p->made++];
    j->owner = p;
    j->job.kind = &lib_pool_kind;
    list_init(&j->job.link);
    return j;
}

/* push(priority) -> the job's number, or nil and the error */
static int
lib_pool_push(lua_State *L)
{
    LibPool *p = lib_pool(L);
    int priority = (int)luaL_optinteger(L, 2, 0);
    PoolJob *j = lib_pool_make(L, p);
    lib_test_arm();
    int e = pool_push(p->pool, &j->job, priority);
    lib_test_disarm();
    if (e)
        return lib_test_error(L, e);
    lua_pushinteger(L, p->made);
    return 1;
}

/* burst(n): push n jobs as fast as can be */
static int
lib_pool_burst(lua_State *L)
{
    LibPool *p = lib_pool(L);
    int n = (int)luaL_checkinteger(L, 2), e = 0;
    for (int i = 0; i < n && e == 0; i++)
        e = pool_push(p->pool, &lib_pool_make(L, p)->job, 0);
    if (e)
        return lib_test_error(L, e);
    lua_pushinteger(L, p->made);
    return 1;
}

/* resume() -> the number of a job that goes on with something, or nil and the
 * error */
static int
lib_pool_resume(lua_State *L)
{
    LibPool *p = lib_pool(L);
    PoolJob *j = lib_pool_make(L, p);
    lib_test_arm();
    int e = pool_resume(p->pool, &j->job);
    lib_test_disarm();
    if (e)
        return lib_test_error(L, e);
    lua_pushinteger(L, p->made);
    return 1;
}

/* hurry(job): one that was given to resume */
static int
lib_pool_hurry(lua_State *L)
{
    LibPool *p = lib_pool(L);
    pool_hurry(p->pool, &lib_pool_job(L, p, 2)->job);
    return 0;
}

/* reject() -> the numbers of the jobs that were queued in vain */
static int
lib_pool_reject(lua_State *L)
{
    LibPool *p = lib_pool(L);
    p->rejected = 0;
    pool_reject(p->pool);
    lua_createtable(L, p->rejected, 0);
    for (int i = 0; i < p->rejected; i++) {
        lua_pushinteger(L, p->reject[i]);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* stuck() -> workers given up that have not come back */
static int
lib_pool_stuck(lua_State *L)
{
    lua_pushinteger(L, pool_stuck(lib_pool(L)->pool));
    return 1;
}

/* most(n): so many of them are replaced */
static int
lib_pool_most(lua_State *L)
{
    pool_set_most(lib_pool(L)->pool, (int)luaL_checkinteger(L, 2));
    return 0;
}

/* started(n) -> have n jobs started by now, or soon? */
static int
lib_pool_started(lua_State *L)
{
    LibPool *p = lib_pool(L);
    int n = (int)luaL_checkinteger(L, 2), e = 0;
    uv_mutex_lock(&p->lock);
    while (p->starts < n && e != UV_ETIMEDOUT)
        e = uv_cond_timedwait(&p->changed, &p->lock, LIB_PATIENCE_NS);
    bool reached = p->starts >= n;
    uv_mutex_unlock(&p->lock);
    lua_pushboolean(L, reached);
    return 1;
}

/* order() -> the numbers of the jobs that started, in that order */
static int
lib_pool_order(lua_State *L)
{
    LibPool *p = lib_pool(L);
    int order[LIB_JOBS];
    uv_mutex_lock(&p->lock);
    int n = p->starts;
    memcpy(order, p->order, sizeof order);
    uv_mutex_unlock(&p->lock);
    lua_createtable(L, n, 0);
    for (int i = 0; i < n; i++) {
        lua_pushinteger(L, order[i]);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* tell(job, "block"|"unblock"|"end") -> was it obeyed in time? */
static int
lib_pool_tell(lua_State *L)
{
    static const char *const names[] = { "block", "unblock", "end", NULL };
    LibPool *p = lib_pool(L);
    PoolJob *j = lib_pool_job(L, p, 2);
    PoolOrder order = ORDER_BLOCK + luaL_checkoption(L, 3, NULL, names);
    int e = 0;
    uv_mutex_lock(&p->lock);
    j->order = order;
    uv_cond_broadcast(&p->changed);
    while (j->order != ORDER_NONE && e != UV_ETIMEDOUT)
        e = uv_cond_timedwait(&p->changed, &p->lock, LIB_PATIENCE_NS);
    bool obeyed = j->order == ORDER_NONE && !j->refused;
    uv_mutex_unlock(&p->lock);
    lua_pushboolean(L, obeyed);
    return 1;
}

/* count() -> workers alive, of them blocked */
static int
lib_pool_count(lua_State *L)
{
    int threads, blocked;
    pool_count(lib_pool(L)->pool, &threads, &blocked);
    lua_pushinteger(L, threads);
    lua_pushinteger(L, blocked);
    return 2;
}

/* settles(n) -> are there n workers now, or soon? (A worker says nothing when
 * it ends, so this one asks again and again.) */
static int
lib_pool_settles(lua_State *L)
{
    LibPool *p = lib_pool(L);
    int n = (int)luaL_checkinteger(L, 2), threads, blocked;
    struct timespec now, until = lib_pool_deadline();
    do {
        sched_yield();
        pool_count(p->pool, &threads, &blocked);
        clock_gettime(CLOCK_REALTIME, &now);
    } while (threads != n && now.tv_sec < until.tv_sec);
    lua_pushboolean(L, threads == n);
    return 1;
}

static int
lib_pool_abandon(lua_State *L)
{
    LibPool *p = lib_pool(L);
    pool_abandon(lib_pool_job(L, p, 2)->worker);
    return 0;
}

static bool
lib_pool_ends(const PoolJob *j)
{
    struct timespec now, until = lib_pool_deadline();
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d", (int)j->tid);
    do {
        if (access(path, F_OK))
            return true;
        sched_yield();
        clock_gettime(CLOCK_REALTIME, &now);
    } while (now.tv_sec < until.tv_sec);
    return false;
}

/* ended(job) -> has the thread that ran it ended by now, or soon? */
static int
lib_pool_ended(lua_State *L)
{
    LibPool *p = lib_pool(L);
    lua_pushboolean(L, lib_pool_ends(lib_pool_job(L, p, 2)));
    return 1;
}

/* about(job) -> {thread=, on_worker=, refused=it may not block, signals={those
 * not blocked}} */
static int
lib_pool_about(lua_State *L)
{
    LibPool *p = lib_pool(L);
    PoolJob *j = lib_pool_job(L, p, 2);
    lua_Integer n = 0;
    lua_newtable(L);
    lua_pushinteger(L, j->tid);
    lua_setfield(L, -2, "thread");
    lua_pushboolean(L, j->on_worker);
    lua_setfield(L, -2, "on_worker");
    lua_pushboolean(L, j->refused);
    lua_setfield(L, -2, "refused");
    lua_newtable(L);
    for (int signal = 1; signal < 32; signal++) {
        if (signal == SIGKILL || signal == SIGSTOP
            || sigismember(&j->mask, signal))
            continue;
        lua_pushinteger(L, signal);
        lua_rawseti(L, -2, ++n);
    }
    lua_setfield(L, -2, "signals");
    return 1;
}

/* here() -> is the caller a worker? Blocking from here does nothing. */
static int
lib_pool_here(lua_State *L)
{
    LibPool *p = lib_pool(L);
    int e = pool_block(p->pool);
    pool_unblock(p->pool);
    lua_pushboolean(L, e || pool_worker() != NULL);
    return 1;
}

static void
lib_pool_forsaken(void *ud)
{
    LibPool *p = ud;
    uv_mutex_lock(&p->lock);
    p->forsaken++;
    uv_mutex_unlock(&p->lock);
}

/* give_up() -> was it freed? All that run were abandoned. */
static int
lib_pool_give_up(lua_State *L)
{
    LibPool *p = lib_pool(L);
    p->given_up = true;
    lua_pushboolean(L, pool_free(p->pool, lib_pool_forsaken, p));
    p->pool = NULL;
    return 1;
}

/* back(job) -> how many blocks of memory its worker has freed on its way out,
 * and how often it was said that the last one is back */
static int
lib_pool_back(lua_State *L)
{
    LibPool *p = luaL_checkudata(L, 1, LIB_POOL);
    PoolJob *j = lib_pool_job(L, p, 2);
    long before = mem_live();
    uv_mutex_lock(&p->lock);
    j->order = ORDER_END;
    uv_cond_broadcast(&p->changed);
    uv_mutex_unlock(&p->lock);
    lib_pool_ends(j);
    lua_pushinteger(L, before - mem_live());
    uv_mutex_lock(&p->lock);
    lua_Integer forsaken = p->forsaken;
    uv_mutex_unlock(&p->lock);
    lua_pushinteger(L, forsaken);
    return 2;
}

/* Let all jobs end, then free. */
static int
lib_pool_gone(lua_State *L)
{
    LibPool *p = lua_touserdata(L, 1);
    bool ran[LIB_JOBS];
    if (!p->pool && !p->given_up)
        return 0;
    uv_mutex_lock(&p->lock);
    for (int i = 0; i < p->made; i++)
        ran[i] = p->job[i].runs;
    p->closing = true;
    uv_cond_broadcast(&p->changed);
    uv_mutex_unlock(&p->lock);
    if (p->pool)
        (void)pool_free(p->pool, NULL, NULL);
    p->pool = NULL;
    p->given_up = false;
    for (int i = 0; i < p->made; i++)
        if (ran[i])
            lib_pool_ends(&p->job[i]);
    uv_cond_destroy(&p->changed);
    uv_mutex_destroy(&p->lock);
    return 0;
}

/* pool{want=} -> a pool */
static int
lib_test_pool(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "push", lib_pool_push },       { "burst", lib_pool_burst },
        { "resume", lib_pool_resume },   { "started", lib_pool_started },
        { "order", lib_pool_order },     { "tell", lib_pool_tell },
        { "count", lib_pool_count },     { "settles", lib_pool_settles },
        { "hurry", lib_pool_hurry },     { "reject", lib_pool_reject },
        { "stuck", lib_pool_stuck },     { "most", lib_pool_most },
        { "abandon", lib_pool_abandon }, { "ended", lib_pool_ended },
        { "about", lib_pool_about },     { "here", lib_pool_here },
        { "give_up", lib_pool_give_up }, { "back", lib_pool_back },
        { "free", lib_pool_gone },       { NULL, NULL },
    };
    luaL_checktype(L, 1, LUA_TTABLE);
    int want = (int)lib_test_number(L, 1, "want", 2);
    LibPool *p = lib_test_object(L, LIB_POOL, sizeof *p, methods,
                                 lib_pool_gone);
    uv_mutex_init(&p->lock);
    uv_cond_init(&p->changed);
    lib_test_arm();
    int e = pool_new(want, &p->pool);
    lib_test_disarm();
    return e ? lib_test_error(L, e) : 1;
}

int
luaopen_test_pool(lua_State *L)
{
    lua_pushcfunction(L, lib_test_pool);
    return 1;
}
