/* run_lua.c — running Lua tasks on workers.
 *
 * start -> pool -> run_lua_job -> begin -> resume -> {finish | park | …}
 *
 * A LuaRun belongs to the worker that runs it; from park_begin's true on, to
 * whoever resumes it. t->run points to it, under the board's lock, as long as
 * it may be stopped.
 */
#include "run_lua.h"
#include "err.h"
#include "handle.h"
#include "host.h"
#include "log.h"
#include "mem.h"
#include "park.h"
#include "value.h"
#include <lauxlib.h>

static void
run_lua_push_task(lua_State *L, Task *t)
{
    char id[HANDLE_ID_SIZE];
    handle_name(t->id, id);
    lua_createtable(L, 0, 4);
    lua_pushstring(L, id);
    lua_setfield(L, -2, "id");
    lua_pushinteger(L, t->attempt);
    lua_setfield(L, -2, "attempt");
    if (t->description) {
        lua_pushstring(L, t->description);
        lua_setfield(L, -2, "description");
    }
    if (t->prompt) {
        value_decode(L, t->prompt, NULL);
        lua_setfield(L, -2, "prompt");
    }
}

static int
run_lua_returned(lua_State *L, int status, lua_KContext ctx)
{
    (void)L;
    (void)status;
    (void)ctx;
    return 1;
}

/* The body of the task's coroutine: argument 1 is the LuaRun. */
static int
run_lua_body(lua_State *L)
{
    LuaRun *run = lua_touserdata(L, 1);
    ValueOps ops = handle_decoding(run->sched);
    ValueOps code_ops = handle_keeping(run->sched);
    Task *t = run->task;
    lua_settop(L, 0);
    value_decode(L, t->code, &code_ops);
    if (t->input)
        value_decode(L, t->input, &ops);
    else
        lua_pushnil(L);
    run_lua_push_task(L, t);
    lua_callk(L, 2, 1, 0, run_lua_returned);
    return run_lua_returned(L, LUA_OK, 0);
}

/* argument 1: the coroutine that failed, 2: the text; gives the text with
 * where it happened. */
static int
run_lua_trace(lua_State *L)
{
    lua_State *co = lua_tothread(L, 1);
    luaL_traceback(L, co, lua_tostring(L, 2), 0);
    return 1;
}

/* A trace without the frames of orun itself at its end. */
static void
run_lua_trim(Buf *text)
{
    static const char frame[] = "\n\t[C]: in ?";
    size_t n = sizeof frame - 1;
    if (text->n > n && memcmp(text->p + text->n - n, frame, n) == 0)
        text->n -= n;
}

/* A global of the script is not there in a task: say so. */
static void
run_lua_hint(Buf *text)
{
    const char *s = buf_cstr(text), *at = strstr(s, "a nil value (global '");
    if (!at)
        return;
    const char *name = strchr(at, '\'') + 1;
    int n = (int)strcspn(name, "'");
    size_t line = strcspn(s, "\n");
    Buf with = { 0 };
    buf_put(&with, s, line);
    buf_printf(&with, "; a task does not see the script's globals: make '%.*s' "
               "a local above the function, or pass it in input", n, name);
    buf_puts(&with, s + line);
    buf_free(text);
    *text = with;
}

/* What was raised, as text with a traceback; never raises. */
static char *
run_lua_explain(Vm *vm, int status)
{
    Buf text = { 0 };
    lua_State *L = vm->L;
    vm_error_text(vm->co, &text);
    run_lua_hint(&text);
    if (status == LUA_ERRMEM || stop_wanted(&vm->stop)
        || !lua_checkstack(L, 4))
        return buf_take(&text);
    lua_settop(L, 0);
    lua_pushcfunction(L, run_lua_trace);
    lua_pushthread(vm->co);
    lua_xmove(vm->co, L, 1);
    lua_pushstring(L, buf_cstr(&text));
    if (lua_pcall(L, 2, 1, 0) == LUA_OK) {
        size_t n;
        const char *s = lua_tolstring(L, -1, &n);
        buf_clear(&text);
        buf_put(&text, s, n);
        run_lua_trim(&text);
    }
    return buf_take(&text);
}

static char *
run_lua_format(const char *format, ...) PRINTF_LIKE(1, 2);

static char *
run_lua_format(const char *format, ...)
{
    Buf text = { 0 };
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    return buf_take(&text);
}

/* os.exit(n) was called: 0 completes the task, any other number fails it. */
static void
run_lua_exited(int code, Outcome *o)
{
    o->code = code;
    o->state = code == 0 ? TASK_COMPLETED : TASK_FAILED;
    if (code != 0) {
        o->fault = FAULT_EXIT;
        o->error = run_lua_format("os.exit(%d)", code);
    }
}

static void
run_lua_failed(LuaRun *run, int status, Outcome *o)
{
    Vm *vm = run->vm;
    o->state = TASK_FAILED;
    o->fault = FAULT_LUA;
    if (status == LUA_ERRMEM && vm->over_limit) {
        o->fault = FAULT_MEMORY;
        o->error = run_lua_format("memory limit of %zu bytes reached",
                                  vm->limit);
        return;
    }
    if (status == LUA_ERRMEM)
        o->fault = FAULT_MEMORY;
    if (status != LUA_ERRMEM && lua_type(vm->co, -1) == LUA_TTABLE) {
        Buf why = { 0 };
        if (value_encode(vm->co, -1, "error", NULL, &o->error_value, &why))
            o->error_value = NULL;
        buf_free(&why);
    }
    o->error = run_lua_explain(vm, status);
}

static void
run_lua_completed(LuaRun *run, Outcome *o)
{
    lua_State *co = run->vm->co;
    o->state = TASK_COMPLETED;
    if (lua_gettop(co) == 0 || lua_isnil(co, -1))
        return;
    Buf why = { 0 };
    if (value_encode(co, -1, "result", NULL, &o->output, &why)) {
        o->state = TASK_FAILED;
        o->fault = FAULT_LUA;
        o->error = buf_take(&why);
    }
    buf_free(&why);
}

/* Make the run's pristine state ready for a task it is about to do. */
static void
run_lua_set(LuaRun *run, Task *t)
{
    Vm *vm = run->vm;
    size_t limit = t->opt ? t->opt->memory_limit : 0;
    run->task = t;
    vm->owner = run;
    vm->limit = limit ? limit : run->host->memory_limit;
    if (t->stopping)
        stop_request(&vm->stop, STOP_ONCE, task_fault_name(t->stopping));
    lua_pushcfunction(vm->co, run_lua_body);
    lua_pushlightuserdata(vm->co, run);
}

/* A pristine state for `next`, which has begun and may be stopped meanwhile by
 * way of next->run. False when memory is out. */
static bool
run_lua_renew(LuaRun *run, Task *next)
{
    VmPool *vms = run->host->vms;
    if (vm_renew(vms, run->vm))
        return true;
    sched_lock(run->sched);
    next->run = NULL;
    sched_unlock(run->sched);
    vm_give(vms, run->vm);
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
    park_destroy(run);
    mem_free(run);
}

/* What the ended coroutine means. */
static void
run_lua_judge(LuaRun *run, int status, Outcome *o)
{
    Vm *vm = run->vm;
    if (status == LUA_OK)
        run_lua_completed(run, o);
    else if (vm->exit_code < 0)
        run_lua_failed(run, status, o);
    if (status != LUA_OK)
        stop_close(&vm->stop, vm->co);
    if (vm->exit_code >= 0) { /* in a <close> just now, perhaps */
        outcome_clear(o);
        run_lua_exited(vm->exit_code, o);
    }
}

static void
run_lua_no_memory(Host *h, Task *t, uint32_t attempt)
{
    Outcome o = { .state = TASK_FAILED, .fault = FAULT_MEMORY, .code = -1,
                  .error = mem_dup("out of memory", 13) };
    sched_finish(&h->sched, t, attempt, &o);
}

/* The state must be closed (files flushed) before others see the result. */
static void
run_lua_end_dirty(LuaRun *run, Outcome *o)
{
    sched_lock(run->sched);
    if (run->task->run == run)
        run->task->run = NULL;
    sched_unlock(run->sched);
    vm_give(run->host->vms, run->vm);
    sched_finish(run->sched, run->task, run->attempt, o);
    run_lua_free(run);
}

/* The coroutine has ended: tell the scheduler. True when the run goes on with
 * the next task. */
static bool
run_lua_end(LuaRun *run, int status)
{
    Outcome o = { .code = -1 };
    Host *h = run->host;
    run_lua_judge(run, status, &o);
    if (vm_dirty(run->vm)) {
        run_lua_end_dirty(run, &o);
        return false;
    }
    Task *next = sched_finish_next(run->sched, run->task, &run->attempt, &o,
                                   run);
    if (!next) {
        vm_give(h->vms, run->vm);
        run_lua_free(run);
        return false;
    }
    if (!run_lua_renew(run, next)) {
        run_lua_no_memory(h, next, run->attempt);
        run_lua_free(run);
        return false;
    }
    run_lua_set(run, next);
    return true;
}

/* Resume until the task truly waits, or ends and none follows it. */
static void
run_lua_go(LuaRun *run, int nargs) ON_WORKER
{
    for (;;) {
        int nresults;
        Vm *vm = run->vm;
        int status = stop_resume(&vm->stop, vm->co, nargs, &nresults);
        if (status == LUA_YIELD && run->wants) {
            nargs = 0;
            if (park_begin(run))
                return;
            continue;
        }
        if (status == LUA_YIELD) {
            lua_settop(vm->co, 0);
            lua_pushstring(vm->co, "attempt to yield from outside a coroutine");
            status = LUA_ERRRUN;
        }
        if (!run_lua_end(run, status))
            return;
        nargs = 1;
    }
}

static LuaRun *
run_lua_new(Host *h)
{
    LuaRun *run = mem_zalloc(1, sizeof *run);
    if (!run)
        return NULL;
    run->sched = &h->sched;
    run->pool = h->pool;
    run->host = h;
    run->vm = vm_take(h->vms);
    if (!run->vm) {
        mem_free(run);
        return NULL;
    }
    park_init(run);
    return run;
}

static void
run_lua_begin(Host *h, Task *t) ON_WORKER
{
    uint32_t attempt;
    LuaRun *run = run_lua_new(h);
    if (!run) {
        if (sched_begin(&h->sched, t, NULL, &attempt))
            run_lua_no_memory(h, t, attempt);
        return;
    }
    if (!sched_begin(&h->sched, t, run, &run->attempt)) {
        vm_give(h->vms, run->vm);
        run_lua_free(run);
        return;
    }
    run_lua_set(run, t);
    run_lua_go(run, 1);
}

static void
run_lua_job(Job *job)
{
    role_is_worker();
    Task *t = container_of(job, Task, job);
    LuaRun *run = t->run;
    if (!run) {
        run_lua_begin(container_of(sched_of(t)->runner[TASK_LUA], Host, lua),
                      t);
        return;
    }
    sched_lock(run->sched);
    t->woken = false;
    sched_unlock(run->sched);
    run_lua_go(run, 0);
}

static void
run_lua_start(Runner *r, Task *t)
{
    Host *h = container_of(r, Host, lua);
    if (t->run) {
        t->job.run = run_lua_job;
        park_go_on(t->run);
        return;
    }
    t->job.run = run_lua_job;
    if (pool_push(h->pool, &t->job, t->priority) == 0)
        return;
    uint32_t attempt;
    if (!sched_begin(&h->sched, t, NULL, &attempt))
        return;
    Outcome o = { .state = TASK_FAILED, .fault = FAULT_SPAWN, .code = -1,
                  .error = run_lua_format("no worker could be started") };
    sched_finish(&h->sched, t, attempt, &o);
}

static double
run_lua_stop(Runner *r, Task *t, int rung)
{
    (void)r;
    LuaRun *run = t->run;
    if (run)
        stop_request(&run->vm->stop, rung == 1 ? STOP_ONCE : STOP_HARD,
                     task_fault_name(t->stopping));
    if (t->waiting)
        wait_fire(t->waiting, WAIT_STOPPED);
    return rung == 1 ? 0.25 : 1.0;
}

static void
run_lua_abandon(Runner *r, Task *t)
{
    Host *h = container_of(r, Host, lua);
    LuaRun *run = t->run;
    if (!run)
        return;
    t->run = NULL;
    pool_abandon(h->pool, run->vm->stop.thread);
    LOG(SCHED, "t%llu is stuck in a C function: its worker is given up",
        (unsigned long long)t->id);
}

void
run_lua_init(Runner *r)
{
    *r = (Runner){ .start = run_lua_start, .stop = run_lua_stop,
                   .abandon = run_lua_abandon };
}
