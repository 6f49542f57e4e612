/* run_host.c — from a task to a HostCall, and from its end to an outcome. */
#include "runner/run_host.h"
#include "base/err.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "process/launch.h"
#include "process/program.h"
#include "runner/host_call.h"
#include "task/task_report.h"
#include "thread/epoch.h"
#include "value/json.h"
#include "value/module.h"
#include "value/value.h"
#include "vm/task_result.h"
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>

enum {
    RUN_HOST_WHOLE = 64 << 20, /* bytes of text that Lua looks at */
};

/* Seconds between giving a call up and the end of a `start` or `stop` that
 * still runs; then its thread is given up, too. */
static const double run_host_patience = 1;

/* ---- what the host is told ---- */

/* A copy of `s` that the call owns, NULL for NULL. */
static const char *
run_host_own(HostCall *c, size_t *count, const char *s, bool *failed)
{
    if (!s)
        return NULL;
    char *copy = mem_dup(s, strlen(s));
    *failed |= !copy;
    c->owned[(*count)++] = copy;
    return copy;
}

/* v as JSON, which the call owns; NULL for NULL. */
static int
run_host_own_json(HostCall *c, size_t *count, const Value *v,
                  const ValueOps *ops, const char **to, Buf *why)
{
    Buf json = { 0 };
    if (!v)
        return 0;
    int e = json_from_value(v, ops, &json, why);
    if (e) {
        buf_free(&json);
        return e;
    }
    *to = c->owned[(*count)++] = buf_take(&json);
    return *to ? 0 : ORUN_ENOMEM;
}

/* The session that a retry is to continue, in `to`. */
static bool
run_host_session(LuaRun *run, Buf *to)
{
    const Task *t = run->task;
    sched_lock(run->sched);
    const TaskReport *r = t->opt->retry.resume ? t->report : NULL;
    if (r && r->session_id[0])
        buf_puts(to, r->session_id);
    board_unlock(&run->sched->board);
    return to->n > 0;
}

/* All that `start` may read. ORUN_EUNSENDABLE: `why` says what is no JSON. */
static int
run_host_fill(LuaRun *run, HostCall *c, Buf *why)
{
    Task *t = run->task;
    size_t count = 0;
    bool failed = false;
    Buf session = { 0 };
    orun_call *to = &c->call;
    ValueOps ops = task_result_decoding(run->sched, t);
    to->id = t->id;
    to->attempt = run->attempt;
    c->prompt = value_hold(task_prompt(t));
    to->prompt = c->prompt ? value_as_string(c->prompt, &to->prompt_size) : "";
    to->model = run_host_own(c, &count, t->opt->model, &failed);
    const char *cwd = program_cwd(run);
    to->cwd = run_host_own(c, &count, cwd ? cwd : run->engine->cwd, &failed);
    if (run_host_session(run, &session))
        to->session_id = run_host_own(c, &count, buf_cstr(&session), &failed);
    buf_free(&session);
    to->permissions = task_permission_name(t->opt->permissions);
    if (failed)
        return ORUN_ENOMEM;
    int e = run_host_own_json(c, &count, t->input, &ops, &to->input, why);
    if (e == 0)
        e = run_host_own_json(c, &count, t->opt->schema, &ops, &to->schema,
                              why);
    return e;
}

/* ---- doing it ---- */

static int run_host_woken(lua_State *L, int status, lua_KContext ctx);

/* Make run->host; raises if it cannot, or if the task is being stopped. */
static HostCall *
run_host_make(lua_State *L, LuaRun *run)
{
    char text[512] = "";
    Buf why = { 0 };
    HostCall *c = host_call_new(agent_host(run->task));
    int e = c ? run_host_fill(run, c, &why) : ORUN_ENOMEM;
    snprintf(text, sizeof text, "%s", why.n ? buf_cstr(&why) : err_text(e));
    buf_free(&why);
    sched_lock(run->sched);
    bool stopping = run->task->stopping != FAULT_NONE;
    if (e == 0 && !stopping)
        run->host = c;
    sched_unlock(run->sched);
    if (e || stopping) {
        if (c)
            host_call_close(c);
        if (e)
            luaL_error(L, "agent \"%s\": %s", task_agent(run->task)->name,
                       text);
        stop_raise(L, &run->vm->stop);
    }
    return c;
}

/* Call `start`, which may block. */
static void
run_host_begin(LuaRun *run, HostCall *c)
{
    bool blocks = pool_block(run->pool) == 0;
    int depth = epoch_pause();
    host_call_run(c, c->agent.start);
    epoch_resume(depth);
    if (blocks)
        pool_unblock(run->pool);
}

int
run_host_entry(lua_State *L)
{
    LuaRun *run = lua_touserdata(L, 1);
    lua_settop(L, 0);
    HostCall *c = run_host_make(L, run);
    host_call_open(c, run);
    run_host_begin(run, c);
    WaitFor what = {
        .kind = WAIT_FOR_OP, .op = &c->op, .deadline = INFINITY, .work = true
    };
    return park(L, &what, run_host_woken, 0);
}

/* ---- the end ---- */

/* All text that the host has given, its last words included, is in c->out. */
static int
run_host_collect(LuaRun *run, HostCall *c)
{
    size_t n = 0;
    const char *p = c->ended == HOST_TEXT ? value_as_string(c->text, &n) : NULL;
    if (!c->out) {
        Output *out = output_new(run->engine->folder, LAUNCH_KEEP);
        if (!out)
            return ORUN_ENOMEM;
        sched_lock(run->sched);
        c->out = out;
        sched_unlock(run->sched);
    }
    uv_mutex_lock(&c->writing); /* a thread may append still, too late */
    if (n)
        output_write(c->out, p, n);
    uv_mutex_unlock(&c->writing);
    if (c->ended == HOST_TEXT) {
        value_drop(c->text);
        c->text = NULL;
    }
    return 0;
}

/* Push the whole text. */
static void
run_host_push_text(lua_State *L, LuaRun *run, HostCall *c)
{
    luaL_Buffer b;
    size_t n = 0;
    if (c->text && !(c->ended == HOST_TEXT && c->out)) {
        const char *p = value_as_string(c->text, &n);
        lua_pushlstring(L, p, n);
        return;
    }
    if (run_host_collect(run, c))
        luaL_error(L, "%s", err_text(ORUN_ENOMEM));
    n = output_size(c->out);
    if (n > RUN_HOST_WHOLE)
        luaL_error(L,
                   "the agent wrote %I bytes, and at most %d are read as "
                   "JSON: have it write a file",
                   (LUAI_UACINT)n, RUN_HOST_WHOLE);
    char *to = luaL_buffinitsize(L, &b, n);
    size_t got = output_read_at(c->out, 0, to, n);
    luaL_pushresultsize(&b, got);
    if (got < n)
        luaL_error(L, "the file of its output cannot be read: %s",
                   output_path(c->out));
}

/* Must Lua look at what the host has ended it with? */
static bool
run_host_typed(const LuaRun *run)
{
    const HostCall *c = run->host;
    bool text = c->ended == HOST_TEXT || c->ended == HOST_JSON;
    return text && !run->task->stopping
        && (c->ended == HOST_JSON || run->task->opt->schema);
}

/* The result is JSON, or must be for its schema: leave the value. */
static int
run_host_woken(lua_State *L, int status, lua_KContext ctx)
{
    LuaRun *run = park_run(L);
    (void)status, (void)ctx;
    lua_settop(L, 0);
    if (!run_host_typed(run))
        return 0;
    module_push_field(L, "orun.schema.typed", "read");
    if (run->task->opt->schema)
        value_decode(L, run->task->opt->schema, NULL);
    else
        lua_pushnil(L);
    run_host_push_text(L, run, run->host);
    lua_call(L, 2, 1);
    return 1;
}

/* The text so far is the output of o, as much of it as a result has. */
static void
run_host_print(LuaRun *run, HostCall *c, Outcome *o)
{
    Buf text = { 0 };
    const TaskOptions *opt = run->task->opt;
    size_t max = opt->max_output ? opt->max_output : LAUNCH_RESULT;
    bool cut = output_copy(c->out, max, &text);
    o->output = buf_failed(&text) ? NULL
                                  : value_string(buf_cstr(&text), text.n);
    buf_free(&text);
    if (o->output && cut && (o->captured = mem_zalloc(1, sizeof(Captured))))
        o->captured->out = output_hold(c->out);
    const char *lost = output_error(c->out);
    if (o->state != TASK_COMPLETED || (o->output && !lost))
        return;
    o->state = TASK_FAILED;
    o->fault = lost ? FAULT_LOST : FAULT_MEMORY;
    o->error = lost ? mem_dup(lost, strlen(lost)) : NULL;
}

/* It has completed with a text. */
static void
run_host_text(LuaRun *run, HostCall *c, Outcome *o)
{
    size_t n, max = run->task->opt->max_output;
    value_as_string(c->text, &n);
    o->state = TASK_COMPLETED;
    if (!c->out && (max == 0 || n <= max)) {
        o->output = c->text;
        c->text = NULL;
    } else if (run_host_collect(run, c) == 0) {
        run_host_print(run, c, o);
    } else {
        o->state = TASK_FAILED;
        o->fault = FAULT_MEMORY;
    }
}

bool
run_host_outcome(LuaRun *run, Outcome *o)
{
    HostCall *c = run->host;
    if (run_host_typed(run))
        return false;
    if (c->ended == HOST_TEXT) {
        run_host_text(run, c, o);
        return true;
    }
    o->fault = c->ended == HOST_FAILED ? c->fault : FAULT_LUA;
    o->state = o->fault == FAULT_CANCELLED ? TASK_CANCELLED : TASK_FAILED;
    o->error = c->why;
    c->why = NULL;
    if (c->out)
        run_host_print(run, c, o);
    return true;
}

void
run_host_close(LuaRun *run, Outcome *o)
{
    HostCall *c = run->host;
    if (!c)
        return;
    if (c->ended == HOST_JSON && c->out && !o->captured
        && (o->captured = mem_zalloc(1, sizeof(Captured))))
        o->captured->out = output_hold(c->out);
    sched_lock(run->sched);
    run->host = NULL;
    sched_unlock(run->sched);
    bool blocks = pool_block(run->pool) == 0;
    int depth = epoch_pause();
    host_call_close(c);
    epoch_resume(depth);
    if (blocks)
        pool_unblock(run->pool);
}

/* ---- from outside ---- */

double
run_host_stop(LuaRun *run, int rung)
{
    HostCall *c = run->host;
    host_call_stop(c);
    if (rung == 1)
        return c->agent.grace;
    host_call_give_up(c);
    op_done(&c->op);
    park_hurry(run);
    return run_host_patience;
}

Output *
run_host_live(Task *t)
{
    const LuaRun *run = t->run;
    return run && run->host ? output_hold(run->host->out) : NULL;
}
