/* park.c — yielding or blocking until a Wait is fired. */
#include "vm/park.h"
#include "base/err.h"
#include "base/log.h"
#include "base/sanitize.h"
#include "sched/slots.h"
#include "sched/wait.h"
#include "thread/epoch.h"
#include "vm/park_bell.h"
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A wait that only other tasks can end gives all slots back. Sleeping and
 * outside work keep the named ones, because the work goes on, and keep the slot
 * of the kind where that counts such work. */
static bool
park_gives_all(const WaitFor *what)
{
    return what->kind != WAIT_FOR_OP && what->kind != WAIT_FOR_TIME;
}

/* Time passes, or work is done outside: another task may have the worker. */
static bool
park_outside(const WaitFor *what)
{
    return !what->work && !park_gives_all(what);
}

/* Record a wait on the task's behalf, so that cycles of waits are found, and
 * lend its slots while only other tasks can end the wait. */
static void
park_behalf_begin(LuaRun *run)
{
    Task *t = run->task;
    if (t->id == 0 || task_final(t) || !park_gives_all(&run->want))
        return;
    run->wait.next_on_behalf = t->edges->on_behalf;
    t->edges->on_behalf = &run->wait;
    slots_lend(run->sched, t);
}

static void
park_behalf_end(LuaRun *run)
{
    TaskEdges *e = run->task->edges;
    if (!e)
        return;
    for (Wait **w = &e->on_behalf; *w; w = &(*w)->next_on_behalf)
        if (*w == &run->wait) {
            *w = run->wait.next_on_behalf;
            break;
        }
    if (!e->on_behalf && !task_final(run->task))
        slots_return(run->sched, run->task);
}

static void
park_behalf_wake(LuaRun *run)
{
    park_behalf_end(run);
    if (!run->blocked) {
        run->on_behalf(run);
        return;
    }
    run->granted = true;
    uv_cond_signal(&run->go);
}

static void
park_wake(Wait *w)
{
    LuaRun *run = container_of(w, LuaRun, wait);
    run->woken = board_now(&run->sched->board);
    if (park_outside(&run->want))
        run->outside += run->woken - run->since;
    if (run->bell)
        park_bell_ring(run->bell);
    else if (run->vm->script)
        uv_cond_signal(&run->go);
    else if (run->on_behalf)
        park_behalf_wake(run);
    else
        slots_wake(run->sched, run->task);
}

void
park_init(LuaRun *run)
{
    uv_cond_init(&run->go);
    list_init(&run->programs);
    run->wait.wake = park_wake;
    run->wait.outcome = WAIT_DONE;
    list_init(&run->stuck);
}

void
park_destroy(LuaRun *run)
{
    uv_cond_destroy(&run->go);
}

/* Must the code stop waiting? A wait for the task's own work is never refused.
 * A process that has gone leaves nothing that could use the result. */
static bool
park_refused(const LuaRun *run)
{
    if (run->given_up)
        return true;
    if (run->want.work || run->worktree_hook
        || (run->want.cleans && stop_cleans(&run->vm->stop)))
        return false;
    return (run->task->stopping && !run->hosted)
        || ((run->isolate || run->on_behalf) && stop_wanted(&run->vm->stop));
}

/* Have the task queue for a slot for a program. It can go on meanwhile, had it
 * the slot. With the lock held. */
static void
park_queue(LuaRun *run)
{
    run->wait.outcome = WAIT_DONE;
    run->woken = board_now(&run->sched->board);
    slots_queue_program(run->sched, run->task);
}

/* Begin the wanted wait, unless the task is being stopped. True when it is
 * pending. Under the lock. */
static bool
park_try(LuaRun *run)
{
    run->wait.outcome = WAIT_STOPPED;
    run->woken = 0;
    if (park_refused(run))
        return false;
    if (run->want.kind == WAIT_FOR_SLOT) {
        park_queue(run);
        return true;
    }
    Board *b = &run->sched->board;
    Task *waiter = run->on_behalf || run->beside ? NULL : run->task;
    int e = ORUN_ENOMEM;
    if (!run->on_behalf || board_edges(run->task))
        e = wait_closes_cycle(b, run->task, &run->want, NULL);
    if (e == 0)
        e = wait_begin(b, &run->wait, waiter, &run->want);
    if (e < 0)
        run->wait.outcome = e == ORUN_ECYCLE ? WAIT_CYCLE : WAIT_NO_MEMORY;
    if (e != 1)
        return false;
    bool all = park_gives_all(&run->want);
    if (park_outside(&run->want))
        run->since = board_now(&run->sched->board);
    if (run->on_behalf) {
        park_behalf_begin(run);
        return true;
    }
    bool keeps = run->want.work || (!all && run->task->slot != SLOT_LUA);
    if (!keeps)
        slots_rest(run->sched, run->task, all);
    wait_check_stuck(b);
    return true;
}

bool
park_begin(LuaRun *run)
{
    run->wants = false;
    sched_lock(run->sched);
    bool pending = park_try(run);
    if (pending)
        run->worker = NULL;
    sched_unlock(run->sched);
    return pending;
}

void
park_script(LuaRun *run)
{
    Board *b = &run->sched->board;
    if (!park_try(run))
        return;
    int depth = epoch_pause();
    while (run->wait.outcome == WAIT_PENDING) {
        if (!run->bell)
            uv_cond_wait(&run->go, &b->lock);
        else if (park_bell_wait(run->bell, run->vm->L, &b->lock))
            wait_fire(&run->wait, WAIT_STOPPED);
    }
    epoch_resume(depth);
}

/* Wait where Lua cannot yield. With the lock held, which is released
 * meanwhile. */
static void
park_block_worker(LuaRun *run)
{
    Sched *s = run->sched;
    bool blocks = !wait_ready(&s->board, &run->want);
    if (blocks && pool_block(run->pool)) {
        run->wait.outcome = WAIT_NO_THREAD;
        return;
    }
    run->granted = false;
    run->blocked = park_try(run);
    if (run->blocked) {
        sched_unlock(s);
        int depth = epoch_pause();
        sched_lock(s);
        while (!run->granted)
            uv_cond_wait(&run->go, &s->board.lock);
        epoch_resume(depth);
        run->blocked = false;
        if (!run->on_behalf)
            run->task->woken = false;
    }
    if (blocks)
        pool_unblock(run->pool);
}

int
park_go_on(LuaRun *run)
{
    int e = 0;
    sched_lock(run->sched);
    if (run->blocked) {
        run->granted = true;
        uv_cond_signal(&run->go);
    } else {
        e = pool_resume(run->pool, &run->task->job);
        run->queued = e == 0;
        if (run->task->stopping)
            park_hurry(run);
    }
    sched_unlock(run->sched);
    return e;
}

void
park_hurry(LuaRun *run)
{
    if (run->queued)
        pool_hurry(run->pool, &run->task->job);
}

void
park_resumed(LuaRun *run)
{
    sched_lock(run->sched);
    run->task->woken = run->queued = false;
    run->worker = pool_worker();
    sched_unlock(run->sched);
}

/* While a finalizer runs, queries of the collector fail. */
bool
park_finalizing(lua_State *L)
{
    return lua_gc(L, LUA_GCISRUNNING) < 0;
}

void
park_check(lua_State *L, const char *what)
{
    if (park_finalizing(L))
        luaL_error(L,
                   "%s: not allowed in a finalizer (__gc), which must not "
                   "wait",
                   what);
}

_Noreturn void
park_refuse_fork(lua_State *L)
{
    lua_Debug ar;
    const char *name = lua_getstack(L, 0, &ar) && lua_getinfo(L, "n", &ar)
        ? ar.name
        : NULL;
    luaL_error(L,
               "%s: ORUN_EFORKED: a C module forked this process after orun "
               "had started, and a fork has none of orun's threads; start "
               "tasks and programs in the process that forked",
               name ? name : "orun");
    abort();
}

_Noreturn void
park_end_fork(Vm *vm, int status)
{
    Buf text = { 0 }, safe = { 0 };
    int code = vm->exit_code >= 0 ? vm->exit_code : status != LUA_OK;
    if (status != LUA_OK && vm->exit_code < 0) {
        vm_error_text(vm->co, &text);
        sanitize_put(&safe, text.p, text.n, SANITIZE_TEXT);
        fprintf(stderr, "orun: %s\n", buf_cstr(&safe));
    }
    vm_close(vm);
    fflush(stdout);
    _exit(code);
}

bool
park_line(lua_State *L, lua_Debug *ar)
{
    for (int level = 1; lua_getstack(L, level, ar); level++) {
        lua_getinfo(L, "Sl", ar);
        bool ours = strncmp(ar->short_src, "[orun]", 6) == 0;
        if (!ours && ar->currentline > 0)
            return true;
    }
    return false;
}

/* The code has asked to wait. */
static void
park_tell(lua_State *L, const LuaRun *run)
{
    lua_Debug ar;
    Board *b = &run->sched->board;
    const WaitFor *what = &run->want;
    bool known = !run->line && park_line(L, &ar);
    bool one = what->kind == WAIT_FOR_TASK || what->kind == WAIT_FOR_OUTPUT;
    board_lock(b);
    event_add(
        b,
        (Event){ .kind = EVENT_WAITS,
                 .task = run->task->id,
                 .what = what->kind,
                 .other = one ? what->task->id : 0,
                 .line = known ? ar.currentline : run->line,
                 .text = known ? event_name(b, ar.short_src) : run->file });
    board_unlock(b);
}

/* … and continues, after it had waited so long for a slot. */
static void
park_tell_end(const LuaRun *run, double queued)
{
    Board *b = &run->sched->board;
    board_lock(b);
    event_add(b,
              (Event){ .kind = EVENT_GOES_ON,
                       .task = run->task->id,
                       .what = (uint8_t)run->wait.outcome,
                       .n = (uint64_t)(queued * 1e9) });
    board_unlock(b);
}

/* Seconds since its wait ended: of a task, whose slot others may have had. */
static double
park_queued(LuaRun *run)
{
    if (run->woken == 0 || run->on_behalf || run->vm->script)
        return 0;
    double queued = board_now(&run->sched->board) - run->woken;
    run->woken = 0; /* it is reported once */
    run->requeued += queued;
    return queued;
}

int
park(lua_State *L, const WaitFor *what, lua_KFunction k, lua_KContext ctx)
{
    Vm *vm = vm_of(L);
    park_check(L, "waiting");
    bool cleans = what->cleans && stop_cleans(&vm->stop);
    if (!what->work && !cleans && stop_wanted(&vm->stop)) /* it was caught */
        return stop_raise(L, &vm->stop);
    LuaRun *run = vm->owner;
    run->want = *what;
    if (run->sched->board.events && !run->on_behalf)
        park_tell(L, run);
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
    double queued = park_queued(run);
    if (run->sched->board.events && !run->on_behalf)
        park_tell_end(run, queued);
    if (run->bell)
        park_bell_heed(run->bell, L, vm->L);
    bool cleans = run->want.cleans && stop_cleans(&vm->stop);
    if ((stop_wanted(&vm->stop) && !cleans)
        || run->wait.outcome == WAIT_STOPPED)
        return stop_raise(L, &vm->stop);
    if (run->wait.outcome == WAIT_NO_MEMORY)
        return luaL_error(L,
                          "cannot wait: there is no memory, or no "
                          "thread, left for a timer");
    if (run->wait.outcome == WAIT_NO_THREAD)
        return luaL_error(L,
                          "cannot wait here: in a sort comparator, gsub, "
                          "__tostring or a coroutine of your own a thread must "
                          "block, and no other can be started");
    return run->wait.outcome;
}
