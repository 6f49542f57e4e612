/* caller_serve.c — a call of a program, on a worker. */
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/caller_state.h"
#include "sched/claim.h"
#include "sched/forget.h"
#include "value/module.h"
#include "vm/body.h"
#include <lauxlib.h>

void
caller_put_refusal(Buf *to, const char *reason, const char *error)
{
    buf_printf(to, "{\"ok\":false,\"reason\":\"%s\",\"error\":\"%s\"}\n",
               reason, error);
}

/* ---- the code ---- */

static int
caller_returned(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    (void)ctx;
    return lua_gettop(L) - 1;
}

/* The coroutine: argument 1 is the Caller. Gives the reply, and whether it says
 * yes. */
static int
caller_body(lua_State *L)
{
    Caller *c = lua_touserdata(L, 1);
    module_push(L, "orun.control.call");
    lua_pushlstring(L, buf_cstr(&c->line), c->line.n);
    lua_callk(L, 1, 2, 0, caller_returned);
    return caller_returned(L, LUA_OK, 0);
}

void
caller_undo(Caller *c)
{
    Sched *s = c->run.sched;
    Task *item = c->run.claimed ? board_find(&s->board, c->run.claimed) : NULL;
    if (item && claim_release(s, item, c->run.task))
        LOG(PROC, "t%llu was claimed for nobody, and is not held any more",
            (unsigned long long)item->id);
    c->run.claimed = 0;
}

/* What the ended coroutine says goes to c->reply. */
static void
caller_take_reply(Caller *c, lua_State *L, int status)
{
    size_t n = 0;
    const char *s = status == LUA_OK && lua_type(L, -2) == LUA_TSTRING
        ? lua_tolstring(L, -2, &n) : NULL;
    if (!s || n > CONTROL_REPLY || !lua_toboolean(L, -1))
        caller_undo(c);
    if (!s)
        caller_put_refusal(&c->reply, "failed", stop_wanted(&c->run.vm->stop)
                           ? "the call was stopped" : "no memory was left for "
                           "the call, or for its answer");
    else if (n > CONTROL_REPLY)
        caller_put_refusal(&c->reply, "too_big", "the answer has more than 16 "
                           "MiB; read the task's output_file");
    else
        buf_put(&c->reply, s, n);
}

/* ---- running it ---- */

/* The run has no state any more: nobody can stop it. */
static void
caller_give_vm(Caller *c)
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
caller_end(Caller *c)
{
    caller_give_vm(c);
    loop_post(c->engine->loop, &c->reply_msg);
}

/* Resume until it waits, or ends. */
static void
caller_go(Caller *c, int nargs) ON_WORKER
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
            status = body_yielded(vm);
        caller_take_reply(c, vm->co, status);
        caller_end(c);
        return;
    }
}

/* Has the token's attempt not ended? What it must not do under any
 * circumstances is looked at again where it is done (claim.c, sched_add.c). */
static bool
caller_may(const Caller *c)
{
    const Task *t = c->run.task;
    sched_lock(c->run.sched);
    bool may = t->id == 0
        || (t->state == TASK_RUNNING && t->attempt == c->run.attempt);
    sched_unlock(c->run.sched);
    return may;
}

static void
caller_begin(Caller *c) ON_WORKER
{
    Engine *h = c->engine;
    Vm *vm = caller_may(c) ? vm_take(h->vms) : NULL;
    if (!vm) {
        if (caller_may(c))
            caller_put_refusal(&c->reply, "failed", err_text(ORUN_ENOMEM));
        else
            caller_put_refusal(&c->reply, "ended", "the task that this token "
                               "was given to has ended, or tries again: what "
                               "it had is not its any more");
        caller_end(c);
        return;
    }
    vm->owner = &c->run;
    vm->limit = h->memory_limit;
    sched_lock(c->run.sched);
    c->run.vm = vm;
    bool unwanted = c->run.given_up;
    sched_unlock(c->run.sched);
    if (unwanted)
        stop_tell(&vm->stop, "the caller has gone");
    lua_pushcfunction(vm->co, caller_body);
    lua_pushlightuserdata(vm->co, c);
    caller_go(c, 1);
}

static void
caller_job(Job *job)
{
    role_is_worker();
    Caller *c = container_of(job, Caller, job);
    sched_lock(c->run.sched);
    c->run.queued = false;
    c->run.worker = pool_worker();
    sched_unlock(c->run.sched);
    if (c->run.vm)
        caller_go(c, 0);
    else
        caller_begin(c);
}

/* Give it to a worker. Under the board's lock. */
static int
caller_push(Caller *c)
{
    int e = pool_resume(c->engine->pool, &c->job);
    c->run.queued = e == 0;
    if (e == 0)
        pool_hurry(c->engine->pool, &c->job);
    return e;
}

/* LuaRun.guest: its wait has ended. Its state goes with the reply when no
 * worker is left. */
static void
caller_wake(LuaRun *run)
{
    Caller *c = container_of(run, Caller, run);
    if (caller_push(c) == 0)
        return;
    caller_put_refusal(&c->reply, "failed", "no worker is left to go on");
    loop_post(c->engine->loop, &c->reply_msg);
}

int
caller_serve(Caller *c, Task *task, uint32_t attempt)
{
    LuaRun *run = &c->run;
    *run = (LuaRun){
        .sched = &c->engine->sched, .pool = c->engine->pool,
        .engine = c->engine, .task = task, .attempt = attempt,
        .guest = caller_wake,
    };
    park_init(run);
    c->job = (Job){ .run = caller_job };
    sched_lock(run->sched);
    run->holds = !forget_is(task) && board_hold(task);
    int e = run->holds || forget_is(task) ? caller_push(c) : ORUN_ENOMEM;
    if (e && run->holds)
        board_drop(task);
    sched_unlock(run->sched);
    if (e)
        park_destroy(run);
    return e;
}

void
caller_interrupt(Caller *c)
{
    Sched *s = &c->engine->sched;
    sched_lock(s);
    c->run.given_up = true;
    if (c->run.vm) {
        stop_tell(&c->run.vm->stop, "the caller has gone");
        wait_fire(&c->run.wait, WAIT_STOPPED);
    }
    sched_unlock(s);
}

void
caller_served(Caller *c)
{
    caller_give_vm(c);
    sched_lock(c->run.sched);
    if (c->run.holds)
        board_drop(c->run.task);
    sched_unlock(c->run.sched);
    park_destroy(&c->run);
    buf_free(&c->line);
}
