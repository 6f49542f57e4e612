/* request_handler.c — handles one request of a connection, on a worker. */
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/connection_state.h"
#include "sched/claim.h"
#include "sched/forget.h"
#include "value/module.h"
#include "vm/task_entry.h"
#include <lauxlib.h>

void
request_handler_refuse(Buf *to, const char *reason, const char *error)
{
    buf_printf(to, "{\"ok\":false,\"reason\":\"%s\",\"error\":\"%s\"}\n",
               reason, error);
}

/* ---- the code ---- */

static int
request_handler_returned(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    (void)ctx;
    return lua_gettop(L) - 1;
}

/* The coroutine. Argument 1 is the Connection; returns the reply, and whether
 * the call succeeded. */
static int
request_handler_entry(lua_State *L)
{
    Connection *c = lua_touserdata(L, 1);
    module_push_field(L, "orun.control.call", "perform_text");
    lua_pushlstring(L, buf_cstr(&c->line), c->line.n);
    lua_callk(L, 1, 2, 0, request_handler_returned);
    return request_handler_returned(L, LUA_OK, 0);
}

void
request_handler_undo(Connection *c)
{
    Sched *s = c->run.sched;
    Task *item = c->run.claimed ? board_find(&s->board, c->run.claimed) : NULL;
    if (item && claim_release(s, item, c->run.task))
        LOG(PROC, "t%llu: claim released, because its client disconnected",
            (unsigned long long)item->id);
    c->run.claimed = 0;
}

/* Put the result of the ended coroutine into c->reply. */
static void
request_handler_take_reply(Connection *c, lua_State *L, int status)
{
    size_t n = 0;
    const char *s = status == LUA_OK && lua_type(L, -2) == LUA_TSTRING
        ? lua_tolstring(L, -2, &n)
        : NULL;
    if (!s || n > CONTROL_REPLY || !lua_toboolean(L, -1))
        request_handler_undo(c);
    if (!s)
        request_handler_refuse(
            &c->reply, "failed",
            stop_wanted(&c->run.vm->stop)
                ? "the call was stopped"
                : "out of memory for the call or its answer");
    else if (n > CONTROL_REPLY)
        request_handler_refuse(&c->reply, "too_big",
                               "the answer is larger "
                               "than 16 MiB; read the task's output_file");
    else
        buf_put(&c->reply, s, n);
}

/* ---- running it ---- */

/* Give the Lua state back. From here on nothing can stop the run. */
static void
request_handler_give_vm(Connection *c)
{
    Sched *s = &c->engine->sched;
    sched_lock(s);
    Vm *vm = c->run.vm;
    c->run.vm = NULL;
    sched_unlock(s);
    if (vm)
        vm_give(c->engine->vms, vm);
}

static void
request_handler_reply(Connection *c)
{
    request_handler_give_vm(c);
    loop_post(c->engine->loop, &c->reply_msg);
}

/* Resume the coroutine until it waits or ends. */
static void
request_handler_go(Connection *c, int nargs) ON_WORKER
{
    LuaRun *run = &c->run;
    Vm *vm = run->vm;
    for (;; nargs = 0) {
        int n, status = stop_resume(&vm->stop, vm->co, nargs, &n);
        if (status == LUA_YIELD && run->wants) {
            if (park_begin(run))
                return;
            continue;
        }
        if (status == LUA_YIELD)
            status = task_entry_yielded(vm);
        request_handler_take_reply(c, vm->co, status);
        request_handler_reply(c);
        return;
    }
}

/* Is the token's attempt still running? What must never happen after its end is
 * checked again where it is done (claim.c, lifecycle.c). */
static bool
request_handler_may(const Connection *c)
{
    const Task *t = c->run.task;
    sched_lock(c->run.sched);
    bool may = t->id == 0
        || (t->state == TASK_RUNNING && t->attempt == c->run.attempt);
    sched_unlock(c->run.sched);
    return may;
}

static void
request_handler_begin(Connection *c) ON_WORKER
{
    Engine *h = c->engine;
    Vm *vm = request_handler_may(c) ? vm_take(h->vms) : NULL;
    if (!vm) {
        if (request_handler_may(c))
            request_handler_refuse(&c->reply, "failed", err_text(ORUN_ENOMEM));
        else
            request_handler_refuse(&c->reply, "ended",
                                   "token expired: its "
                                   "task has ended or is being retried; its "
                                   "claims were released");
        request_handler_reply(c);
        return;
    }
    vm->owner = &c->run;
    vm->limit = h->memory_limit;
    sched_lock(c->run.sched);
    c->run.vm = vm;
    bool unwanted = c->run.given_up;
    sched_unlock(c->run.sched);
    if (unwanted)
        stop_tell(&vm->stop, "the client disconnected");
    lua_pushcfunction(vm->co, request_handler_entry);
    lua_pushlightuserdata(vm->co, c);
    request_handler_go(c, 1);
}

static void
request_handler_job(Job *job)
{
    role_is_worker();
    Connection *c = container_of(job, Connection, job);
    sched_lock(c->run.sched);
    c->run.queued = false;
    c->run.worker = pool_worker();
    sched_unlock(c->run.sched);
    if (c->run.vm)
        request_handler_go(c, 0);
    else
        request_handler_begin(c);
}

/* Queue the request for a worker. Under the board's lock. */
static int
request_handler_push(Connection *c)
{
    int e = pool_resume(c->engine->pool, &c->job);
    c->run.queued = e == 0;
    if (e == 0)
        pool_hurry(c->engine->pool, &c->job);
    return e;
}

/* No worker can be had: the reply is an error, and request_handler_finish gives
 * the state back. JobKind.reject, too: pool_reject is called under the board's
 * lock. */
static void
request_handler_reject(Job *job)
{
    Connection *c = container_of(job, Connection, job);
    c->run.queued = false;
    request_handler_refuse(&c->reply, "failed",
                           c->run.vm ? "no worker can continue the call"
                                     : "no worker can begin the call");
    loop_post(c->engine->loop, &c->reply_msg);
}

static const JobKind request_handler_kind = { request_handler_job,
                                              request_handler_reject };

/* LuaRun.on_behalf: the wait of the request has ended. */
static void
request_handler_wake(LuaRun *run)
{
    Connection *c = container_of(run, Connection, run);
    if (request_handler_push(c))
        request_handler_reject(&c->job);
}

int
request_handler_start(Connection *c, Task *task, uint32_t attempt)
{
    LuaRun *run = &c->run;
    *run = (LuaRun){
        .sched = &c->engine->sched,
        .pool = c->engine->pool,
        .engine = c->engine,
        .task = task,
        .attempt = attempt,
        .on_behalf = request_handler_wake,
    };
    park_init(run);
    c->job = (Job){ .kind = &request_handler_kind };
    sched_lock(run->sched);
    run->holds = !forget_is(task) && board_hold(task);
    int e = run->holds || forget_is(task) ? request_handler_push(c)
                                          : ORUN_ENOMEM;
    if (e && run->holds)
        board_drop(task);
    sched_unlock(run->sched);
    if (e)
        park_destroy(run);
    return e;
}

bool
request_handler_runs(Connection *c)
{
    sched_lock(c->run.sched);
    bool runs = !c->run.queued && c->run.wait.outcome != WAIT_PENDING;
    sched_unlock(c->run.sched);
    return runs;
}

void
request_handler_interrupt(Connection *c)
{
    Sched *s = &c->engine->sched;
    sched_lock(s);
    c->run.given_up = true;
    if (c->run.vm) {
        stop_tell(&c->run.vm->stop, "the client disconnected");
        wait_fire(&c->run.wait, WAIT_STOPPED);
    }
    sched_unlock(s);
}

void
request_handler_finish(Connection *c)
{
    request_handler_give_vm(c);
    sched_lock(c->run.sched);
    if (c->run.holds)
        board_drop(c->run.task);
    sched_unlock(c->run.sched);
    park_destroy(&c->run);
    buf_free(&c->line);
}
