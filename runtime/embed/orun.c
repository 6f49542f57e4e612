/* orun.c — the embedding API: creating a runtime and running scripts. */
#include "api/lib_orun.h"
#include "base/err.h"
#include "base/fork.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "embed/orun_own.h"
#include "embed/script.h"
#include "embed/script_return.h"
#include "embed/exit_summary.h"
#include "embed/finish.h"
#include "engine/engine.h"
#include "orun.h"
#include "process/program.h"
#include "runner/run_lua.h"
#include "runner/run_process.h"
#include "runner/stuck.h"
#include "sched/escalate.h"
#include "sched/lifecycle.h"
#include "sched/rank.h"
#include "thread/epoch.h"
#include "value/json.h"
#include "vm/bundle.h"
#include "vm/foreign.h"
#include "vm/handle.h"
#include "vm/park.h"
#include "vm/vm_seed.h"
#include <lauxlib.h>
#include <lualib.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

enum { ORUN_STACK = 960 << 10 }; /* bytes: what 1 MiB has at the least */

/* A thread is stuck forever: what it may use is never freed. */
static atomic_bool orun_leaves_stuck;

/* The script's state has all of the module, tasks' states what tasks may do. */
static void
orun_open_script(lua_State *L, Vm *vm, void *ud)
{
    orun *o = container_of(ud, orun, run);
    lib_orun_open(L, vm, ud);
    lua_getglobal(L, "orun");
    finish_push(L, &o->reported);
    lua_setfield(L, -2, "finish");
    lua_pop(L, 1);
}

static int
orun_make(orun *o, const orun_config *c)
{
    const VmConfig tasks = { .open = lib_orun_open, .seed = c->virtual_time };
    int e = stop_init();
    if (c->virtual_time)
        vm_seed_set((uint32_t)c->virtual_time);
    if (e == 0)
        e = engine_new(c, &tasks, &o->engine);
    if (e)
        return e;
    o->engine->keep = orun_keep_config;
    o->engine->keep_ud = o;
    run_lua_init(&o->engine->lua);
    run_process_init(&o->engine->process);
    o->run = (LuaRun){ .sched = &o->engine->sched,
                       .pool = o->engine->pool,
                       .engine = o->engine,
                       .task = o->engine->sched.board.root };
    VmConfig script = { .open = orun_open_script, .ud = &o->run };
    e = vm_script_new(&script, &o->vm);
    if (e) {
        engine_free(o->engine);
        return e;
    }
    o->vm->owner = &o->run;
    o->run.vm = o->vm;
    park_init(&o->run);
    o->no_wait = c->no_wait != 0;
    o->verbose = c->verbose != 0;
    return 0;
}

/* Read-only data that all runtimes of the process share. */
static void
orun_init_once(void)
{
    const BundleFile *json = bundle_find("orun.json");
    json_init(json->text, json->size);
    log_init();
    foreign_find();
}

int
orun_new(const orun_config *config, orun **out)
{
    static uv_once_t once = UV_ONCE_INIT;
    orun_config c;
    if (!out)
        return api_error_set(NULL, ORUN_EINVAL, "orun_new: out is NULL");
    *out = NULL;
    int e = orun_config_read(config, &c);
    if (e)
        return e;
    orun *o = mem_zalloc(1, sizeof *o);
    if (!o)
        return orun_refuse(NULL, ORUN_ENOMEM, "orun_new");
    uv_once(&once, orun_init_once);
    e = orun_make(o, &c);
    if (e == 0 && (e = orun_keep_new(o, &c)) != 0) {
        orun_keep_free(o);
        vm_script_free(o->vm);
        engine_free(o->engine);
        park_destroy(&o->run);
    }
    if (e) {
        mem_free(o);
        return orun_refuse(NULL, e, "orun_new");
    }
    uv_mutex_init(&o->keeping);
    host_init(&o->host, o, o->run.sched, &o->guard);
    api_guard_open(&o->guard);
    *out = o;
    return 0;
}

int
orun_raised(orun *o, int code, int status)
{
    lua_State *L = o->vm->L;
    const char *reason = o->vm->stop.reason;
    buf_clear(&o->message);
    if (stop_hard(&o->vm->stop) && reason)
        buf_printf(&o->message, "stopped: %s", reason);
    else
        vm_error_text(L, &o->message);
    lua_settop(L, 0);
    o->status = status;
    return code;
}

/* Wait on the script's behalf; returns the outcome. */
static int
orun_await(orun *o, const WaitFor *what)
{
    o->run.want = *what;
    sched_lock(o->run.sched);
    park_script(&o->run);
    sched_unlock(o->run.sched);
    return o->run.wait.outcome;
}

/* Wait until every task is final. Tasks whose wait can never end are cancelled
 * and named in the message; then this returns false. */
static bool
orun_wait_idle(orun *o)
{
    bool fine = true;
    WaitFor idle = { .kind = WAIT_FOR_IDLE, .deadline = INFINITY };
    for (int end; (end = orun_await(o, &idle)) != WAIT_DONE;) {
        if (end == WAIT_DEADLOCK && fine)
            exit_summary_deadlocked(&o->run.sched->board, &o->message);
        fine = fine && end != WAIT_DEADLOCK;
        sched_lock(o->run.sched);
        o->run.task->stopping = FAULT_NONE;
        sched_unlock(o->run.sched);
        lifecycle_cancel_script(o->run.sched, WHY_RUN);
    }
    return fine;
}

/* Cancel everything that is still running. */
static void
orun_cancel(orun *o)
{
    sched_lock(o->run.sched);
    o->run.sched->closing = true; /* clean-up starts nothing more */
    program_stop_all(&o->run, false);
    sched_unlock(o->run.sched);
    engine_hasten(o->engine, true);
    lifecycle_cancel_script(o->run.sched, WHY_SCRIPT);
}

/* Flush files. A stuck thread may hold the lock of a file; then only standard
 * output is flushed. */
static void
orun_flush(orun *o)
{
    fflush(pool_stuck(o->engine->pool) ? stdout : NULL);
}

/* Apply the end-of-script rule. `code` is how the script itself ended. */
static int
orun_conclude(orun *o, int code)
{
    if (code || o->no_wait || o->vm->exit_code >= 0
        || stop_wanted(&o->vm->stop))
        orun_cancel(o);
    o->run.task->stopping = FAULT_NONE;
    event_used(&o->run.sched->board, 0, thread_cpu_time() - o->used);
    sched_lock(o->run.sched);
    event_add(&o->run.sched->board, (Event){ .kind = EVENT_SCRIPT_ENDED });
    sched_unlock(o->run.sched);
    bool fine = orun_wait_idle(o);
    sched_lock(o->run.sched);
    o->run.sched->closing = false; /* there may be another script */
    sched_unlock(o->run.sched);
    engine_hasten(o->engine, false);
    program_task_over(&o->run);
    if (stop_wanted(&o->vm->stop) && o->vm->exit_code < 0 && code == 0)
        code = orun_fail(o, ORUN_ESTOPPED, "interrupted");
    if (code == 0 && o->vm->exit_code < 0) {
        bool unread = exit_summary_unread(&o->run.sched->board, &o->reported,
                                          o->verbose, &o->message)
            > 0;
        if (unread || !fine) {
            code = ORUN_EFAILED;
            o->status = 1;
        }
    }
    orun_flush(o);
    return orun_keep_ended(o, code);
}

void
orun_heed_return(orun *o, bool json)
{
    o->heeds_return = true;
    o->json = json;
}

/* The chunk has ended in its own time, and its results, if they count, are at
 * the top. */
static int
orun_returned(orun *o, bool exited)
{
    lua_State *L = o->vm->L;
    int code = 0;
    o->status = exited ? o->vm->exit_code : 0;
    if (!exited && o->heeds_return
        && !script_return_take(L, o->json, &o->status, &o->message)) {
        o->status = 1;
        code = ORUN_EFAILED;
    }
    lua_settop(L, 0);
    return code;
}

/* Run the chunk, the only value on the stack. */
static int
orun_run_chunk(orun *o)
{
    lua_State *L = o->vm->L;
    lua_pushcfunction(L, vm_traceback);
    lua_pushcfunction(L, script_spread);
    lua_rotate(L, 1, 2);
    lua_pushinteger(L, o->args);
    if (lua_pcall(L, 2, LUA_MULTRET, 0) != LUA_OK)
        return orun_raised(o, ORUN_ENOMEM, 1);
    int results = o->heeds_return ? 2 : 0;
    int status = stop_pcall(&o->vm->stop, L, lua_gettop(L) - 2, results, 1);
    if (status == LUA_OK || o->vm->exit_code >= 0)
        return orun_returned(o, o->vm->exit_code >= 0);
    bool stopped = stop_wanted(&o->vm->stop);
    return orun_raised(o, stopped ? ORUN_ESTOPPED : ORUN_EFAILED,
                       stopped ? 130 : 1);
}

/* Load with `load`, then run and conclude. */
static int
orun_load_run(orun *o, int (*load)(lua_State *L, void *ud), void *ud)
{
    lua_State *L = o->vm->L;
    size_t stack = api_guard_stack();
    if (stack < ORUN_STACK)
        return orun_fail(o, ORUN_EINVAL,
                         "a script needs 1 MiB of stack, and "
                         "this thread has %zu KiB left: run it on a thread "
                         "with more (pthread_attr_setstacksize; of the main "
                         "thread: ulimit -s)",
                         stack >> 10);
    buf_clear(&o->message);
    o->status = 1;
    int e = orun_keep_begin(o, o->engine->script);
    if (e)
        return e;
    o->status = 0;
    o->vm->exit_code = -1;
    stop_reset(&o->vm->stop);
    sched_lock(o->run.sched);
    o->run.task->stopping = FAULT_NONE; /* an interrupt came before it */
    sched_unlock(o->run.sched);
    escalate_hurry(o->run.sched, false);
    engine_hasten(o->engine, false);
    lua_settop(L, 0);
    int status = script_load(L, load, ud);
    if (status == LUA_ERRMEM)
        return orun_raised(o, ORUN_ENOMEM, 1);
    if (status != LUA_OK)
        return orun_raised(o, ORUN_ESYNTAX, 2);
    int code = orun_run_chunk(o);
    if (o->run.sched->forks != fork_count)
        return ORUN_EFORKED; /* what follows is the parent's to do */
    return orun_conclude(o, code);
}

int
orun_forked(orun *o, Buf *to)
{
    buf_put(to, o->message.p, o->message.n);
    vm_script_free(o->vm);
    return o->status;
}

/* Set the script's name in the registry of runs. */
static void
orun_name_script(orun *o, const char *name)
{
    if (*name == '=' || *name == '@')
        name++;
    o->engine->script = engine_intern(o->engine, name);
}

/* Set the file of the script, links followed: it decides whose history is used
 * and which project's Lua files may run. */
static void
orun_remember(orun *o, const char *path)
{
    char *full = strcmp(path, "-") ? realpath(path, NULL) : NULL;
    const char *real = full ? engine_intern(o->engine, full) : NULL;
    rank_script(o->run.sched, engine_intern(o->engine, path), real);
    o->engine->script_file = real;
    free(full);
}

static int
orun_run(orun *o, int (*load)(lua_State *L, void *ud), void *ud)
{
    sigset_t before;
    thread_block_pipe(&before);
    epoch_enter();
    int code = orun_load_run(o, load, ud);
    epoch_leave();
    thread_unblock_pipe(&before);
    orun_make_safe(o);
    return code;
}

/* Tell the views what runs from now on. */
static void
orun_tell(orun *o, const char *name)
{
    Board *b = &o->run.sched->board;
    o->used = thread_cpu_time();
    sched_lock(o->run.sched);
    if (b->events && name)
        event_add(b,
                  (Event){ .kind = EVENT_SCRIPT, .text = event_name(b, name) });
    sched_unlock(o->run.sched);
}

/* Run code, by which `file` the run is known to others (engine.h), or NULL. */
static int
orun_run_text(orun *o, ScriptText *text, const char *file)
{
    int e = orun_enter(o, "orun_run_string");
    if (e)
        return e;
    orun_tell(o, text->name + (*text->name == '=' || *text->name == '@'));
    if (!text->code)
        e = orun_fail(o, ORUN_EINVAL, "orun_run_string: code is NULL");
    else if (text->size > SCRIPT_MAX)
        e = orun_fail(o, ORUN_EINVAL,
                      "orun_run_string: size is %zu, and a "
                      "script may have %d bytes",
                      text->size, SCRIPT_MAX);
    else {
        const char *known = file ? engine_intern(o->engine, file) : NULL;
        orun_name_script(o, text->name);
        rank_script(o->run.sched, NULL, known);
        o->engine->script_file = known;
        e = orun_run(o, script_load_text, text);
    }
    return orun_leave(o, e);
}

int
orun_run_string(orun *o, const char *name, const char *code, size_t size)
{
    ScriptText text = { name ? name : "=script", code, size };
    return orun_run_text(o, &text, NULL);
}

int
orun_run_workflow(orun *o, const char *name, const char *code, size_t size)
{
    Buf chunk = { 0 };
    buf_printf(&chunk, "=%s", name);
    ScriptText text = { buf_cstr(&chunk), code, size };
    int e = buf_failed(&chunk) ? ORUN_ENOMEM : orun_run_text(o, &text, name);
    buf_free(&chunk);
    return e;
}

int
orun_run_path(orun *o, const char *path, int (*load)(lua_State *L, void *ud),
              void *ud)
{
    int e = orun_enter(o, "orun_run_file");
    if (e)
        return e;
    orun_tell(o, path ? path : "(command line)");
    if (!ud)
        e = orun_fail(o, ORUN_EINVAL, "orun_run_file: path is NULL");
    else if (!path)
        e = orun_run(o, load, ud);
    else if (script_add_path(o->vm->L, path) != 0)
        e = orun_raised(o, ORUN_ENOMEM, 1);
    else {
        orun_name_script(o, path);
        orun_remember(o, path);
        e = orun_run(o, load, ud);
    }
    return orun_leave(o, e);
}

int
orun_run_file(orun *o, const char *path)
{
    return orun_run_path(o, path, script_load_file, (void *)path);
}

int
orun_exit_status(orun *o)
{
    if (orun_enter(o, "orun_exit_status"))
        return 2;
    int status = o->status;
    api_guard_leave(&o->guard);
    return status;
}

const char *
orun_errmsg(orun *o)
{
    uint64_t mine = api_error_when(o);
    if (!o)
        return api_error_text();
    int e = api_guard_enter(orun_guard(o));
    if (e)
        return mine                                 ? api_error_text()
            : e == ORUN_ETHREAD || e == ORUN_ESTATE ? ""
                                                    : err_text(e);
    const char *message = mine > o->said ? api_error_text()
                                         : orun_message(o, 0);
    api_guard_leave(&o->guard);
    return message;
}

const char *
orun_stuck(orun *o)
{
    if (orun_enter(o, "orun_stuck") != 0)
        return "";
    buf_clear(&o->stuck);
    stuck_report(o->engine, &o->stuck);
    const char *text = buf_cstr(&o->stuck);
    api_guard_leave(&o->guard);
    return text;
}

int
orun_save_history(orun *o)
{
    int e = orun_enter(o, "orun_save_history");
    if (e)
        return e;
    buf_clear(&o->message);
    e = rank_save(o->run.sched, &o->message);
    if (e)
        orun_make_safe(o);
    return orun_leave(o, e);
}

int
orun_free(orun *o)
{
    int e = o ? orun_enter(o, "orun_free") : 0;
    if (!o || e)
        return e;
    api_guard_shut(&o->guard);
    host_close(&o->host);
    bool last = api_guard_close(&o->guard);
    engine_resume(o->engine);
    engine_hasten(o->engine, true);
    o->run.task->stopping = FAULT_NONE;
    lifecycle_close(o->run.sched);
    orun_wait_idle(o);
    orun_keep_free(o);
    view_finish(o->view, &o->message);
    (void)rank_save(o->run.sched, &o->message);
    sigset_t before;
    thread_block_pipe(&before);
    vm_script_free(o->vm);
    thread_unblock_pipe(&before);
    host_destroy(&o->host);
    uv_mutex_destroy(&o->keeping);
    bool stuck = !engine_free(o->engine);
    park_destroy(&o->run);
    buf_free(&o->message);
    buf_free(&o->stuck);
    task_strings_free(o->argv);
    mem_free(o);
    if (stuck)
        orun_leaves_stuck = true;
    if (last && !orun_leaves_stuck)
        json_close();
    return 0;
}
