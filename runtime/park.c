/* park.c — yielding or blocking until a Wait is fired. */
#include "park.h"
#include "slots.h"
#include "log.h"
#include <lauxlib.h>
#include <math.h>

/* A wait that only other tasks can end gives all slots back; sleeping and
 * outside work keep the named ones, for the work goes on. */
static bool
park_gives_all(const WaitFor *what)
{
    return what->kind != WAIT_FOR_OP && what->kind != WAIT_FOR_TIME;
}

static void
park_wake(Wait *w)
{
    LuaRun *run = container_of(w, LuaRun, wait);
    if (run->vm->script)
        pthread_cond_signal(&run->go);
    else
        slots_wake(run->sched, run->task);
}

void
park_init(LuaRun *run)
{
    pthread_cond_init(&run->go, NULL);
    run->wait.wake = park_wake;
    run->wait.outcome = WAIT_DONE;
}

void
park_destroy(LuaRun *run)
{
    pthread_cond_destroy(&run->go);
}

/* Begin the wanted wait, unless the task is being stopped. True when it is
 * pending. Under the lock. */
static bool
park_try(LuaRun *run)
{
    run->wait.outcome = WAIT_STOPPED;
    if (run->task->stopping)
        return false;
    int e = wait_begin(&run->sched->board, &run->wait, run->task, &run->want);
    if (e < 0)
        run->wait.outcome = WAIT_NO_MEMORY;
    if (e != 1)
        return false;
    slots_rest(run->sched, run->task, park_gives_all(&run->want));
    return true;
}

bool
park_begin(LuaRun *run)
{
    run->wants = false;
    sched_lock(run->sched);
    bool pending = park_try(run);
    sched_unlock(run->sched);
    return pending;
}

void
park_script(LuaRun *run)
{
    Board *b = &run->sched->board;
    if (!park_try(run))
        return;
    while (run->wait.outcome == WAIT_PENDING)
        pthread_cond_wait(&run->go, &b->lock);
}

static void
park_block_worker(LuaRun *run)
{
    Sched *s = run->sched;
    run->granted = false;
    run->blocked = park_try(run);
    if (!run->blocked)
        return;
    pool_block(run->pool);
    sched_unlock(s);
    sched_lock(s);
    while (!run->granted)
        pthread_cond_wait(&run->go, &s->board.lock);
    run->blocked = false;
    run->task->woken = false;
    pool_unblock(run->pool);
}

void
park_go_on(LuaRun *run)
{
    sched_lock(run->sched);
    bool blocked = run->blocked;
    if (blocked) {
        run->granted = true;
        pthread_cond_signal(&run->go);
    }
    sched_unlock(run->sched);
    if (!blocked)
        pool_resume(run->pool, &run->task->job);
}

/* While a finalizer runs the collector answers no question. */
void
park_check(lua_State *L, const char *what)
{
    if (vm_of(L)->script && lua_gc(L, LUA_GCISRUNNING) < 0)
        luaL_error(L, "%s: not allowed in a finalizer (__gc), which must not "
                   "wait", what);
}

int
park(lua_State *L, const WaitFor *what, lua_KFunction k, lua_KContext ctx)
{
    Vm *vm = vm_of(L);
    park_check(L, "waiting");
    if (stop_wanted(&vm->stop)) /* it was caught, and there is no waiting now */
        return stop_raise(L, &vm->stop);
    LuaRun *run = vm->owner;
    run->want = *what;
    if (!vm->script && L == vm->co && lua_isyieldable(L)) {
        run->wants = true;
        return lua_yieldk(L, 0, ctx, k);
    }
    sched_lock(run->sched);
    if (vm->script)
        park_script(run);
    else
        park_block_worker(run);
    sched_unlock(run->sched);
    return k(L, LUA_OK, ctx);
}

int
park_outcome(lua_State *L)
{
    Vm *vm = vm_of(L);
    LuaRun *run = vm->owner;
    if (stop_wanted(&vm->stop) || run->wait.outcome == WAIT_STOPPED)
        return stop_raise(L, &vm->stop);
    if (run->wait.outcome == WAIT_NO_MEMORY)
        return luaL_error(L, "not enough memory to wait");
    return run->wait.outcome;
}
