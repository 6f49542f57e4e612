/* host_call.c — the table of calls, their ends, and the threads of `stop`. */
#include "runner/host_call.h"
#include "base/err.h"
#include "base/fork.h"
#include "base/mem.h"
#include "base/thread.h"
#include "engine/engine.h"
#include "process/launch.h"
#include "value/value.h"

enum {
    HOST_CALL_RINGS = 1024,
    HOST_CALL_STOPPERS = 64, /* threads that call `stop`, at most */
};

static uv_mutex_t host_call_lock = THREAD_MUTEX_INIT;
static uv_cond_t host_call_quiet = THREAD_COND_INIT; /* somebody has left */

/* Guarded by the lock; a ring is NULL until it has been used. */
static List host_call_table[HOST_CALL_RINGS];
static List host_call_to_stop = { &host_call_to_stop, &host_call_to_stop };
static int host_call_stoppers;   /* threads … */
static int host_call_telling;    /* … of them inside a `stop` */
static unsigned host_call_forks; /* fork_count when there were these threads */

/* Where calls of this address are. Under the lock. */
static List *
host_call_ring(const void *c)
{
    uintptr_t hash = (uintptr_t)c / 64 * 2654435761u;
    List *ring = &host_call_table[hash / 8 % HOST_CALL_RINGS];
    if (!ring->next)
        list_init(ring);
    return ring;
}

/* NULL: it is none. Under the lock. */
static HostCall *
host_call_find(const orun_call *c)
{
    list_each(node, host_call_ring(c)) {
        HostCall *known = container_of(node, HostCall, link);
        if (&known->call == c)
            return known;
    }
    return NULL;
}

HostCall *
host_call_new(const AgentHost *agent)
{
    HostCall *c = mem_zalloc(1, sizeof *c);
    if (!c)
        return NULL;
    fork_guard(FORK_HOST_CALL, &host_call_lock);
    c->agent = *agent;
    c->forks = fork_count;
    c->refs = 1;
    uv_mutex_init(&c->writing);
    op_init(&c->op);
    list_init(&c->link);
    list_init(&c->queued);
    return c;
}

void
host_call_run(HostCall *c, AgentCalled *f)
{
    c->agent.call(c->agent.owner, f, &c->call, c->agent.ud);
}

/* Nobody has it. `start` was called if it was ever in the table. */
static void
host_call_free(HostCall *c, bool started)
{
    if (started && c->agent.release)
        host_call_run(c, c->agent.release);
    value_drop(c->prompt);
    for (size_t i = 0; i < countof(c->owned); i++)
        mem_free(c->owned[i]);
    value_drop(c->text);
    mem_free(c->why);
    output_drop(c->out);
    uv_mutex_destroy(&c->writing);
    mem_free(c);
}

/* One reference less. With no lock held. */
static void
host_call_unref(HostCall *c)
{
    uv_mutex_lock(&host_call_lock);
    bool last = --c->refs == 0, started = !list_empty(&c->link);
    if (last)
        list_del(&c->link);
    uv_mutex_unlock(&host_call_lock);
    if (last)
        host_call_free(c, started);
}

void
host_call_open(HostCall *c, LuaRun *run)
{
    uv_mutex_lock(&host_call_lock);
    c->run = run;
    c->refs++;
    list_push(host_call_ring(&c->call), &c->link);
    uv_mutex_unlock(&host_call_lock);
}

void
host_call_close(HostCall *c)
{
    uv_mutex_lock(&host_call_lock);
    if (!c->ended)
        c->ended = HOST_GIVEN_UP;
    while (c->inside || c->telling)
        uv_cond_wait(&host_call_quiet, &host_call_lock);
    c->run = NULL;
    uv_mutex_unlock(&host_call_lock);
    if (c->out)
        output_end(c->out);
    host_call_unref(c);
}

/* ---- stopping ---- */

/* The next `stop` to be called, in *c; false: this thread is to end. Under the
 * lock. */
static bool
host_call_next_stop(HostCall **c)
{
    List *node = list_shift(&host_call_to_stop);
    if (!node) {
        host_call_stoppers--;
        return false;
    }
    *c = container_of(node, HostCall, queued);
    return true;
}

static void
host_call_stopper(void *arg)
{
    (void)arg;
    HostCall *c;
    thread_detach();
    uv_mutex_lock(&host_call_lock);
    while (host_call_next_stop(&c)) {
        bool wanted = c->ended == HOST_NOT_YET || c->ended == HOST_GIVEN_UP;
        host_call_telling++;
        uv_mutex_unlock(&host_call_lock);
        if (wanted)
            host_call_run(c, c->agent.stop);
        uv_mutex_lock(&host_call_lock);
        host_call_telling--;
        c->telling = false;
        uv_cond_broadcast(&host_call_quiet);
        uv_mutex_unlock(&host_call_lock);
        host_call_unref(c);
        uv_mutex_lock(&host_call_lock);
    }
    uv_mutex_unlock(&host_call_lock);
}

/* See that somebody calls what is queued. False: nobody will. Under the
 * lock. */
static bool
host_call_rouse(void)
{
    uv_thread_t thread;
    if (host_call_forks != fork_count) { /* they are the parent's */
        host_call_forks = fork_count;
        host_call_stoppers = host_call_telling = 0;
        list_init(&host_call_to_stop);
    }
    if (host_call_stoppers > host_call_telling
        || host_call_stoppers >= HOST_CALL_STOPPERS)
        return true;
    if (thread_start(&thread, 0, 0, host_call_stopper, NULL))
        return host_call_stoppers > 0;
    host_call_stoppers++;
    return true;
}

void
host_call_stop(HostCall *c)
{
    uv_mutex_lock(&host_call_lock);
    c->stopped = true;
    if (c->agent.stop && !c->told && c->ended == HOST_NOT_YET
        && host_call_rouse()) {
        c->told = c->telling = true;
        c->refs++;
        list_push(&host_call_to_stop, &c->queued);
    }
    uv_mutex_unlock(&host_call_lock);
}

void
host_call_give_up(HostCall *c)
{
    uv_mutex_lock(&host_call_lock);
    if (!c->ended)
        c->ended = HOST_GIVEN_UP;
    uv_mutex_unlock(&host_call_lock);
}

/* ---- the host's side ---- */

/* The call, or why nothing can be done with it any longer. Under the lock. */
static int
host_call_check(orun_call *call, HostCall **out)
{
    HostCall *c = *out = call ? host_call_find(call) : NULL;
    if (!c)
        return ORUN_EINVAL;
    if (c->forks != fork_count)
        return ORUN_EFORKED;
    if (c->ended == HOST_GIVEN_UP)
        return ORUN_ESHUTDOWN;
    return c->ended ? ORUN_ESTATE : 0;
}

int
host_call_enter(orun_call *call, HostCall **out)
{
    uv_mutex_lock(&host_call_lock);
    int e = host_call_check(call, out);
    if (e == 0)
        (*out)->inside++;
    uv_mutex_unlock(&host_call_lock);
    return e;
}

void
host_call_leave(HostCall *c)
{
    uv_mutex_lock(&host_call_lock);
    if (--c->inside == 0)
        uv_cond_broadcast(&host_call_quiet);
    uv_mutex_unlock(&host_call_lock);
}

int
host_call_stopped(orun_call *call)
{
    HostCall *c;
    uv_mutex_lock(&host_call_lock);
    int e = host_call_check(call, &c);
    if (e == 0)
        e = c->stopped;
    uv_mutex_unlock(&host_call_lock);
    return e == ORUN_ESHUTDOWN || e == ORUN_ESTATE ? 1 : e;
}

/* The run goes on, and the host has dropped the call. */
static void
host_call_over(HostCall *c, LuaRun *run)
{
    sched_lock(run->sched);
    op_done(&c->op);
    sched_unlock(run->sched);
    host_call_leave(c);
    host_call_unref(c);
}

int
host_call_end(orun_call *call, HostEnd how, Value *text, TaskFault fault,
              char *why)
{
    HostCall *c;
    LuaRun *run = NULL;
    uv_mutex_lock(&host_call_lock);
    int e = host_call_check(call, &c);
    /* One that was given up may be dropped once as well. */
    bool dropped = e == ORUN_ESHUTDOWN && !c->dropped;
    if (dropped)
        c->dropped = true;
    if (e == 0) {
        run = c->run;
        c->inside++;
        c->ended = (uint8_t)how;
        c->fault = (uint8_t)fault;
        c->text = text;
        c->why = why;
    }
    uv_mutex_unlock(&host_call_lock);
    if (e == 0) {
        host_call_over(c, run);
        return 0;
    }
    value_drop(text);
    mem_free(why);
    if (dropped)
        host_call_unref(c);
    return e == ORUN_ESHUTDOWN && !dropped ? ORUN_ESTATE : e;
}

static void
host_call_grew(void *ud)
{
    HostCall *c = ud;
    LuaRun *run = c->run; /* it is entered by the thread that writes */
    sched_lock(run->sched);
    wait_fire_growth(run->task);
    sched_unlock(run->sched);
}

/* Its Output, made when it is first needed. With c->writing held. */
static Output *
host_call_output(HostCall *c, LuaRun *run)
{
    if (c->out)
        return c->out;
    Output *out = output_new(run->engine->folder, LAUNCH_KEEP);
    if (!out)
        return NULL;
    output_on_growth(out, host_call_grew, c);
    sched_lock(run->sched);
    c->out = out;
    wait_fire_growth(run->task);
    sched_unlock(run->sched);
    return out;
}

int
host_call_write(orun_call *call, const void *p, size_t n)
{
    HostCall *c;
    int e = host_call_enter(call, &c);
    if (e || n == 0) {
        if (e == 0)
            host_call_leave(c);
        return e;
    }
    uv_mutex_lock(&c->writing);
    Output *out = host_call_output(c, c->run);
    if (out)
        output_write(out, p, n);
    bool lost = out && output_error(out);
    uv_mutex_unlock(&c->writing);
    host_call_leave(c);
    return !out ? ORUN_ENOMEM : lost ? ORUN_ESYS : 0;
}
