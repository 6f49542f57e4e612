/* run_lua.c — running Lua tasks on workers.
 *
 * start -> pool -> run_lua_job -> begin -> resume -> {finish | park | …}
 *
 * A LuaRun belongs to the worker that runs it; from park_begin's true on, to
 * whoever resumes it. t->run points to it, under the board's lock, as long as
 * it may be stopped.
 */
#include "runner/run_lua.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "engine/engine.h"
#include "process/launch.h"
#include "process/program.h"
#include "runner/isolate.h"
#include "runner/run_host.h"
#include "runner/run_isolated.h"
#include "runner/run_process.h"
#include "runner/run_tree.h"
#include "runner/stuck.h"
#include "sched/lifecycle.h"
#include "task/agent.h"
#include "task/fresh.h"
#include "thread/epoch.h"
#include "vm/handle.h"
#include "vm/park.h"
#include "vm/task_entry.h"
#include "vm/task_result.h"
#include <errno.h>
#include <math.h>

static int
run_lua_returned(lua_State *L, int status, lua_KContext ctx)
{
    (void)L;
    (void)status;
    (void)ctx;
    return 1;
}

/* Does t have a worktree? */
static bool
run_lua_in_worktree(const Task *t)
{
    return t->opt && t->opt->worktree;
}

/* The entry of the task's coroutine: argument 1 is the LuaRun. */
static int
run_lua_entry(lua_State *L)
{
    LuaRun *run = lua_touserdata(L, 1);
    ValueOps ops = task_result_decoding(run->sched, run->task);
    ValueOps code_ops = handle_keeping(run->sched);
    Task *t = run->task;
    const RunTree *tree = run->tree;
    TaskPlace place = { program_cwd(run), tree ? tree->path : NULL,
                        tree ? tree->branch : NULL };
    lua_settop(L, 0);
    task_entry_push(L, t, run->attempt, &place, &code_ops, &ops);
    lua_callk(L, 2, 1, 0, run_lua_returned);
    return run_lua_returned(L, LUA_OK, 0);
}

/* The entry of what runs in the state: the task's code, its proxy or a hook. */
static lua_CFunction
run_lua_code(const LuaRun *run)
{
    const Task *t = run->task;
    if (run->worktree_hook || (run_lua_in_worktree(t) && !run->tree))
        return run_tree_entry;
    if (agent_by_program(t))
        return run_process_entry;
    if (agent_host(t))
        return run_host_entry;
    return t->opt && t->opt->isolated ? run_isolated_entry : run_lua_entry;
}

/* Make the run's pristine state ready for what is next to be done for its task.
 */
static void
run_lua_set(LuaRun *run)
{
    Vm *vm = run->vm;
    Task *t = run->task;
    size_t limit = t->opt && !run->worktree_hook ? t->opt->memory_limit : 0;
    vm->owner = run;
    vm->limit = limit ? limit : run->engine->memory_limit;
    if (t->stopping && !(run->tree && run->tree->stage == RUN_AFTER))
        stop_request(&vm->stop, STOP_ONCE, task_fault_name(t->stopping));
    lua_pushcfunction(vm->co, run_lua_code(run));
    lua_pushlightuserdata(vm->co, run);
}

/* The run is to do this task, which has begun, in its pristine state. */
static void
run_lua_take(LuaRun *run, Task *t)
{
    run->task = t;
    run->cleans = false;
    bool in_worktree = run_lua_in_worktree(t);
    if ((in_worktree && run_tree_open(run))
        || (!in_worktree && agent_by_program(t) && run_tree_open_alone(run)))
        run->tree = NULL; /* the entry reports it */
    run_lua_set(run);
}

/* A pristine state for `next`, which has begun and may be stopped meanwhile by
 * way of next->run. False when memory is out. */
static bool
run_lua_renew(LuaRun *run, Task *next)
{
    VmPool *vms = run->engine->vms;
    if (vm_renew(vms, run->vm)) {
        program_drop_unseen(run);
        return true;
    }
    sched_lock(run->sched);
    next->run = NULL;
    sched_unlock(run->sched);
    vm_give(vms, run->vm);
    program_drop_unseen(run);
    Vm *vm = vm_take(vms);
    sched_lock(run->sched);
    run->vm = vm;
    next->run = vm ? run : NULL;
    sched_unlock(run->sched);
    return vm != NULL;
}

static void
run_lua_free(LuaRun *run)
{
    stuck_remove(run->engine, run);
    program_drop_unseen(run);
    run_tree_close(run);
    park_destroy(run);
    mem_free(run);
}

/* A result that the run has no memory for fails the task. */
static void
run_lua_keep(LuaRun *run, Outcome *o)
{
    static const char why[] =
        "its result does not fit in the memory set aside "
        "for the run (the backlog): write it to a file and return the path, or "
        "raise it with orun.config{backlog = \"4GiB\"}";
    if (!o->output || engine_keep(run->engine, &o->output) == 0)
        return;
    outcome_clear(o);
    o->state = TASK_FAILED;
    o->fault = FAULT_MEMORY;
    o->error = mem_dup(why, sizeof why - 1);
}

/* Make the outcome. That of an isolated task comes from its process, that of a
 * program from its end, and that of C code from what it said, unless the
 * coroutine here has failed. */
static void
run_lua_outcome(LuaRun *run, int status, Outcome *o)
{
    if (run->isolate && status == LUA_OK)
        isolate_outcome(run->isolate, o);
    else if (!run->worktree_hook && agent_by_program(run->task)
             && status == LUA_OK)
        run_process_entry_outcome(run, o);
    else if (!run->host || status != LUA_OK || !run_host_outcome(run, o))
        task_entry_outcome(run->vm, run->task, status, o);
    run_isolated_close(run);
    run_host_close(run, o);
    if (program_capture(run, o)) {
        outcome_clear(o);
        o->state = TASK_FAILED;
        o->fault = FAULT_MEMORY;
    }
    run_lua_keep(run, o);
}

static void
run_lua_no_memory(Engine *h, Task *t, uint32_t attempt)
{
    Outcome o = { .state = TASK_FAILED, .fault = FAULT_MEMORY, .code = -1 };
    lifecycle_finish(&h->sched, t, attempt, &o);
}

/* The state must be closed (files flushed) before others see the result, and
 * may be stopped as long as that takes. */
static void
run_lua_end_dirty(LuaRun *run, Outcome *o)
{
    vm_close(run->vm);
    sched_lock(run->sched);
    if (run->task->run == run)
        run->task->run = NULL;
    sched_unlock(run->sched);
    vm_give(run->engine->vms, run->vm);
    lifecycle_finish(run->sched, run->task, run->attempt, o);
    run_lua_free(run);
}

/* The next stage of a task with a worktree. False: the run has ended. */
static bool
run_lua_turn(LuaRun *run)
{
    if (run_lua_renew(run, run->task) && run_tree_turn(run)) {
        run_lua_set(run);
        return true;
    }
    Engine *h = run->engine;
    if (run->vm)
        vm_give(h->vms, run->vm);
    run_lua_no_memory(h, run->task, run->attempt);
    run_lua_free(run);
    return false;
}

/* So much of `took`, as an Outcome has it. */
static uint8_t
run_lua_part(double seconds, double took)
{
    double part = took > 0 ? seconds / took : 0;
    return (uint8_t)(fmin(fmax(part, 0), 1) * UINT8_MAX + 0.5);
}

/* Report the time that the task used and waited; start at 0 for the next. */
static void
run_lua_account(LuaRun *run, Outcome *o)
{
    if (run->outside > 0 || run->requeued > 0) {
        sched_lock(run->sched);
        double took = board_now(&run->sched->board) - run->task->started;
        o->idle = run_lua_part(run->outside, took);
        o->queued = run_lua_part(run->requeued, took);
        sched_unlock(run->sched);
    }
    if (run->used)
        event_used(&run->sched->board, run->task->id, run->used);
    run->outside = run->requeued = 0;
    run->used = 0;
}

/* The attempt has ended: note what a failed one left half-written. */
static void
run_lua_note_half(LuaRun *run, const Outcome *o)
{
    const TaskOptions *opt = run->task->opt;
    if (opt && opt->fresh && !run->sched->plan)
        fresh_ended(opt->fresh, opt->writes,
                    o->state != TASK_COMPLETED || run->task->stopping);
}

/* The coroutine has ended: report it to the scheduler. True if the run
 * continues with the next task. */
static bool
run_lua_end(LuaRun *run, int status)
{
    Outcome o = { .code = -1 };
    Engine *h = run->engine;
    run_lua_outcome(run, status, &o);
    program_task_over(run);
    if (o.state == TASK_COMPLETED)
        program_tell_unseen(run);
    if (run_tree_ended(run, &o))
        return run_lua_turn(run);
    run_lua_note_half(run, &o);
    run_lua_account(run, &o);
    if (vm_dirty(run->vm) || stuck_full(h)) {
        run_lua_end_dirty(run, &o);
        return false;
    }
    Task *next = lifecycle_finish_next(run->sched, run->task, &run->attempt, &o,
                                       run);
    if (!next) {
        vm_give(h->vms, run->vm);
        run_lua_free(run);
        return false;
    }
    run_tree_close(run);
    if (!run_lua_renew(run, next)) {
        run_lua_no_memory(h, next, run->attempt);
        run_lua_free(run);
        return false;
    }
    run_lua_take(run, next);
    return true;
}

/* Resume; while events are recorded, count the processor time. */
static int
run_lua_resume(LuaRun *run, int nargs) ON_WORKER
{
    int nresults;
    Vm *vm = run->vm;
    if (!run->sched->board.events)
        return stop_resume(&vm->stop, vm->co, nargs, &nresults);
    uint64_t before = thread_cpu_time();
    int status = stop_resume(&vm->stop, vm->co, nargs, &nresults);
    run->used += thread_cpu_time() - before;
    return status;
}

/* Resume until the task truly waits, or ends and none follows it. */
static void
run_lua_go(LuaRun *run, int nargs) ON_WORKER
{
    for (;;) {
        int status = run_lua_resume(run, nargs);
        if (run->sched->forks != fork_count)
            park_end_fork(run->vm, status);
        if (status == LUA_YIELD && run->wants) {
            nargs = 0;
            if (park_begin(run))
                return;
            continue;
        }
        if (status == LUA_YIELD)
            status = task_entry_yielded(run->vm);
        if (!run_lua_end(run, status))
            return;
        epoch_pass();
        nargs = 1;
    }
}

static LuaRun *
run_lua_new(Engine *h)
{
    LuaRun *run = mem_zalloc(1, sizeof *run);
    if (!run)
        return NULL;
    run->sched = &h->sched;
    run->pool = h->pool;
    run->engine = h;
    run->vm = vm_take(h->vms);
    if (!run->vm) {
        mem_free(run);
        return NULL;
    }
    park_init(run);
    return run;
}

/* In a plan nothing is written: will a task that t waits for write? */
static bool
run_lua_would_write(Sched *s, const Task *t)
{
    bool would = false;
    sched_lock(s);
    for (uint32_t i = 0; t->edges && i < t->edges->blocker_count; i++) {
        const Task *b = t->edges->blockers[i];
        would |= task_writes(b) && !task_fresh(b);
    }
    sched_unlock(s);
    return would;
}

/* Look at the files that t reads and writes, before its first attempt. True:
 * it has ended, because there is nothing to do, or nothing to do it with. */
static bool
run_lua_settled(Engine *h, Task *t)
{
    const char *missing;
    Outcome o = { .state = TASK_COMPLETED, .code = -1 };
    if (!task_looks(t))
        return false;
    FreshState state = fresh_look(t->opt->fresh, t->opt->writes, &missing);
    if (state == FRESH_STALE
        || (h->sched.plan && run_lua_would_write(&h->sched, t)))
        return false;
    if (state == FRESH_MISSING) {
        Buf why = { 0 };
        buf_printf(&why, "it reads '%s': %s", missing, strerror(errno));
        o = (Outcome){ .state = TASK_FAILED,
                       .fault = FAULT_SPAWN,
                       .code = -1,
                       .error = buf_take(&why) };
    }
    lifecycle_settle(&h->sched, t, &o);
    return true;
}

static void
run_lua_begin(Engine *h, Task *t) ON_WORKER
{
    uint32_t attempt;
    if (run_lua_settled(h, t))
        return;
    LuaRun *run = run_lua_new(h);
    if (!run) {
        if (lifecycle_begin(&h->sched, t, NULL, &attempt))
            run_lua_no_memory(h, t, attempt);
        return;
    }
    run->worker = pool_worker();
    if (!lifecycle_begin(&h->sched, t, run, &run->attempt)) {
        vm_give(h->vms, run->vm);
        run_lua_free(run);
        return;
    }
    run_lua_take(run, t);
    run_lua_go(run, 1);
}

static void
run_lua_job(Job *job)
{
    role_is_worker();
    Task *t = container_of(job, Task, job);
    LuaRun *run = t->run;
    if (!run) {
        run_lua_begin(container_of(sched_of(t)->runner[TASK_LUA], Engine, lua),
                      t);
        return;
    }
    park_resumed(run);
    run_lua_go(run, 0);
}

/* JobKind.reject: pool_reject is called under the board's lock. */
static void
run_lua_reject(Job *job)
{
    Task *t = container_of(job, Task, job);
    stuck_fail(container_of(sched_of(t)->runner[TASK_LUA], Engine, lua), t);
}

static const JobKind run_lua_kind = { run_lua_job, run_lua_reject };

/* t has its slots but cannot begin: stuck tasks have all threads, or the pool
 * returned e. */
static void
run_lua_refuse(Engine *h, Task *t, int e)
{
    const char *refusal = e == ORUN_ESYS ? strerror(errno) : err_text(e);
    uint32_t attempt;
    Buf why = { 0 };
    if (!lifecycle_begin(&h->sched, t, NULL, &attempt))
        return;
    if (stuck_full(h))
        stuck_explain(h, &why);
    else
        buf_printf(&why, "no worker could be started: %s", refusal);
    Outcome o = { .state = TASK_FAILED,
                  .fault = FAULT_SPAWN,
                  .code = -1,
                  .error = buf_take(&why) };
    lifecycle_finish(&h->sched, t, attempt, &o);
}

static void
run_lua_start(Runner *r, Task *t)
{
    Engine *h = container_of(r, Engine, lua);
    LuaRun *run = t->run;
    t->job.kind = &run_lua_kind;
    if (run && park_go_on(run))
        stuck_lose(h, run);
    if (run)
        return;
    bool elsewhere = (t->opt && t->opt->isolated) || agent_by_program(t);
    bool full = stuck_full(h) && !elsewhere; /* it cannot get stuck here */
    int e = full ? 0 : pool_push(h->pool, &t->job, t->priority);
    if (e || full)
        run_lua_refuse(h, t, e);
}

Output *
run_lua_live(Task *t, bool err, uint32_t *nth)
{
    LuaRun *run = t->kind == TASK_LUA ? t->run : NULL;
    if (!run)
        return NULL;
    *nth = run->shows;
    return program_shown(run, err);
}

/* Seconds until the next rung. A program that is the task's own work has its
 * grace, and then the time that the kernel may take to end it. */
static double
run_lua_grace(const Task *t, const LuaRun *run, int rung)
{
    if (run && program_is_work(run, t) && !list_empty(&run->programs))
        return rung == 1 ? LAUNCH_GRACE + 0.5 : LAUNCH_LOST + 0.5;
    return rung == 1 ? 0.25 : 1.0;
}

static double
run_lua_stop(Runner *r, Task *t, int rung)
{
    (void)r;
    LuaRun *run = t->run;
    if (run && run_tree_stop(run, rung > 1)) {
        park_hurry(run);
        return 0;
    }
    double grace = run_lua_grace(t, run, rung);
    if (run)
        program_stop_all(run, rung > 1);
    if (run && run->tree && run->tree->program)
        return 0;
    if (run && run->host)
        return run_host_stop(run, rung);
    if (run && run->isolate) {
        isolate_stop(run->isolate, (TaskFault)t->stopping, rung > 1);
        park_hurry(run);
        return 0;
    }
    if (run)
        stop_request(&run->vm->stop, rung == 1 ? STOP_ONCE : STOP_HARD,
                     task_fault_name(t->stopping));
    Wait *w = task_waiting(t);
    if (w && !(run && run->want.work))
        wait_fire(w, WAIT_STOPPED);
    else if (!w && run && rung == 1)
        park_hurry(run);
    return grace;
}

static void
run_lua_abandon(Runner *r, Task *t)
{
    if (!t->run)
        return;
    program_task_over(t->run);
    stuck_add(container_of(r, Engine, lua), t->run);
}

void
run_lua_init(Runner *r)
{
    *r = (Runner){ .start = run_lua_start,
                   .stop = run_lua_stop,
                   .abandon = run_lua_abandon };
}
