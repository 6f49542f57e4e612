/* run_process.c — from a task to a Launch, and from its end to an outcome. */
#include "runner/run_process.h"
#include "base/err.h"
#include "base/mem.h"
#include "process/launch.h"
#include "runner/run_host.h"
#include "runner/run_tree.h"
#include "sched/lifecycle.h"
#include "sched/slot_number.h"
#include "sched/wait.h"
#include "task/agent.h"
#include "value/json.h"
#include "value/module.h"
#include "value/value.h"
#include "vm/handle.h"
#include "vm/task_result.h"
#include <errno.h>
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>

/* One attempt. t->run points to it, under the board's lock, while it may be
 * stopped. */
typedef struct ProcessRun {
    Engine *engine;
    Task *task;
    uint32_t attempt;
    Launch *launch;
} ProcessRun;

/* From `start` on `in` holds a JSON string, so the input is the handle of a
 * task with a string for output: write that as it is. */
static void
run_process_plain(Engine *h, const Task *t, size_t start, Buf *in)
{
    size_t n;
    Task *from = board_held(&h->sched.board, value_handle(t->input, 0));
    const char *s = value_as_string(from->outcome.output, &n);
    in->n = start;
    buf_put(in, s, n);
}

/* The bytes for stdin: prompt, empty line, input. A string goes as it is, all
 * else as JSON. */
static int
run_process_stdin(Engine *h, Task *t, Buf *in, Buf *why)
{
    size_t n;
    const Value *prompt = task_prompt(t);
    const char *s = prompt ? value_as_string(prompt, &n) : NULL;
    if (s)
        buf_put(in, s, n);
    if (!t->input)
        return 0;
    if (in->n)
        buf_puts(in, "\n\n");
    if ((s = value_as_string(t->input, &n)) != NULL) {
        buf_put(in, s, n);
        return 0;
    }
    size_t start = in->n;
    ValueOps ops = task_result_decoding(&h->sched, t);
    int e = json_from_value(t->input, &ops, in, why);
    if (e == 0 && in->p[start] == '"')
        run_process_plain(h, t, start, in);
    return e;
}

/* How much of the output goes into the result. */
static size_t
run_process_max(const Task *t)
{
    return t->opt && t->opt->max_output ? t->opt->max_output : LAUNCH_RESULT;
}

/* Without memory for the result the task fails; it is not left empty. */
static void
run_process_keep(Engine *h, Outcome *o)
{
    static const char why[] =
        "its output does not fit in the memory set aside "
        "for the run (the backlog): ask for less with max_output, or raise it "
        "with orun.config{backlog = \"4GiB\"}";
    bool there = o->output != NULL;
    if (there && engine_keep(h, &o->output) == 0)
        return;
    value_drop(o->output);
    o->output = NULL;
    if (o->state != TASK_COMPLETED)
        return;
    o->state = TASK_FAILED;
    o->fault = FAULT_MEMORY;
    o->error = there ? mem_dup(why, sizeof why - 1) : NULL;
}

/* Keep the output that is not in the result, so that it can be read later.
 * False when memory is out. */
static bool
run_process_capture(Output *out, Output *err, bool cut, Outcome *o)
{
    bool said = err && output_size(err) > 0;
    if (!cut && !said)
        return true;
    o->captured = mem_zalloc(1, sizeof *o->captured);
    if (!o->captured)
        return false;
    if (cut)
        o->captured->out = output_hold(out);
    if (said) {
        output_rest(err, LAUNCH_STDERR);
        o->captured->err = output_hold(err);
    }
    return true;
}

/* Make t's outcome of the program's end and of what it printed. */
static void
run_process_outcome(Engine *h, const Task *t, const ProcEnd *end, Output *out,
                    Output *err, Outcome *o)
{
    Buf text = { 0 };
    agent_took(task_agent(t), end->max_rss);
    launch_outcome(end, agent_argv(t)[0], out, err, o);
    bool cut = out && output_copy(out, run_process_max(t), &text);
    bool kept = run_process_capture(out, err, cut, o);
    if (kept && !buf_failed(&text))
        o->output = value_string(buf_cstr(&text), text.n);
    buf_free(&text);
    run_process_keep(h, o);
}

static void
run_process_grew(void *ud)
{
    ProcessRun *run = ud;
    sched_lock(&run->engine->sched);
    wait_fire_growth(run->task);
    sched_unlock(&run->engine->sched);
}

static void
run_process_done(Launch *l, const ProcEnd *end, void *ud)
{
    ProcessRun *run = ud;
    Task *t = run->task;
    Outcome o = { .code = -1 };
    run_process_outcome(run->engine, t, end, launch_out(l), launch_err(l), &o);
    event_used(&run->engine->sched.board, t->id, (uint64_t)(end->cpu * 1e9));
    sched_lock(&run->engine->sched);
    t->run = NULL;
    sched_unlock(&run->engine->sched);
    launch_free(l);
    lifecycle_finish(&run->engine->sched, t, run->attempt, &o);
    mem_free(run);
}

/* What is to be launched for a task. */
typedef struct ProcessWork {
    Buf in;
    LaunchFile file;
    LaunchSpec spec;
} ProcessWork;

/* Fill it in; a failure leaves its reason in `why`. The caller frees
 * work->in. */
static int
run_process_read(Engine *h, Task *t, uint32_t attempt, ProcessWork *work,
                 Buf *why)
{
    Buf *in = &work->in;
    int e = run_process_stdin(h, t, in, why);
    const AgentType *type = task_agent(t);
    const char *const *argv = (const char *const *)agent_argv(t);
    bool filed = launch_mentions(argv, LAUNCH_PROMPT_FILE);
    work->file = (LaunchFile){ LAUNCH_PROMPT_FILE, buf_cstr(in), in->n };
    work->spec = (LaunchSpec){
        .argv = argv,
        .tree_env = t->opt && t->opt->in_worktree ? program_hidden : NULL,
        .type_env = type ? type->opt.env : NULL,
        .env = t->opt ? t->opt->env : NULL,
        .cwd = t->opt ? t->opt->cwd : NULL,
        .in = in->n && !filed ? in->p : NULL,
        .in_len = filed ? 0 : in->n,
        .files = &work->file,
        .file_count = filed,
        .keep = LAUNCH_KEEP,
        .task = t->id,
        .attempt = attempt,
        .slot = slot_number(&h->sched, t),
    };
    return e == 0 && buf_failed(in) ? ORUN_ENOMEM : e;
}

/* Make the Launch; a failure leaves its reason in `why`. */
static int
run_process_prepare(ProcessRun *run, Buf *why)
{
    ProcessWork work = { 0 };
    int e = run_process_read(run->engine, run->task, run->attempt, &work, why);
    work.spec.done = run_process_done;
    work.spec.grew = run_process_grew;
    work.spec.ud = run;
    if (e == 0)
        e = launch_new(run->engine, &work.spec, &run->launch);
    if (e && !why->n)
        launch_put_refusal(work.spec.argv[0], e, why);
    buf_free(&work.in);
    return e;
}

static void
run_process_start(Runner *r, Task *t)
{
    Engine *h = container_of(r, Engine, process);
    uint32_t attempt;
    if (!lifecycle_begin(&h->sched, t, NULL, &attempt))
        return;
    Buf why = { 0 };
    ProcessRun *run = mem_zalloc(1, sizeof *run);
    if (run)
        *run = (ProcessRun){ .engine = h, .task = t, .attempt = attempt };
    if (!run || run_process_prepare(run, &why)) {
        Outcome o = { .state = TASK_FAILED,
                      .code = -1,
                      .fault = run ? FAULT_SPAWN : FAULT_MEMORY,
                      .error = run ? buf_take(&why) : NULL };
        mem_free(run);
        lifecycle_finish(&h->sched, t, attempt, &o);
        return;
    }
    sched_lock(&h->sched);
    t->run = run;
    if (t->stopping)
        launch_stop(run->launch, t->stop_rung > 1);
    sched_unlock(&h->sched);
    launch_go(run->launch);
}

Output *
run_process_live(Task *t, bool err)
{
    if (agent_host(t))
        return err ? NULL : run_host_live(t);
    if (t->run && t->kind == TASK_LUA && agent_by_program(t)) {
        LuaRun *run = t->run;
        const Program *p = run->tree ? run->tree->program : NULL;
        return p ? output_hold(program_output(p, err)) : NULL;
    }
    ProcessRun *run = t->kind == TASK_PROCESS ? t->run : NULL;
    if (!run)
        return NULL;
    return output_hold(err ? launch_err(run->launch) : launch_out(run->launch));
}

/* ---- in a worktree, or with a schema ---- */

enum { RUN_PROCESS_JSON = 64 << 20 }; /* bytes of output that are decoded */

/* Has the program succeeded, and does its output have a schema? */
static bool
run_process_typed(const LuaRun *run)
{
    const Program *p = run->tree->program;
    return run->task->opt->schema && p && p->out && p->end.code == 0
        && !p->end.signal && !p->end.spawn_errno && !run->task->stopping;
}

/* Push all that the program has printed. */
static void
run_process_push_output(lua_State *L, Output *out)
{
    luaL_Buffer b;
    size_t n = output_size(out);
    if (n > RUN_PROCESS_JSON)
        luaL_error(L,
                   "the program printed %I bytes, and at most %d are read "
                   "as JSON: have it write a file",
                   (LUAI_UACINT)n, RUN_PROCESS_JSON);
    char *to = luaL_buffinitsize(L, &b, n);
    size_t got = output_read_at(out, 0, to, n);
    luaL_pushresultsize(&b, got);
    if (got < n)
        luaL_error(L, "the file of its output cannot be read: %s",
                   output_path(out));
}

/* With a schema the result is the value in its output, if that is valid;
 * otherwise this raises. */
static int
run_process_waited(lua_State *L, int status, lua_KContext ctx)
{
    LuaRun *run = park_run(L);
    (void)status;
    (void)ctx;
    if (!run_process_typed(run))
        return 0;
    lua_settop(L, 0);
    module_push_field(L, "orun.schema.typed", "read");
    value_decode(L, run->task->opt->schema, NULL);
    run_process_push_output(L, run->tree->program->out);
    lua_call(L, 2, 1);
    return 1;
}

/* Start it, where a stop of the task finds it. A failure leaves its reason in
 * `why`. */
static int
run_process_enter(LuaRun *run, Buf *why)
{
    ProcessWork work = { 0 };
    Program *p = NULL;
    int e = run_process_read(run->engine, run->task, run->attempt, &work, why);
    if (!run->tree->alone)
        work.spec.cwd = NULL; /* the worktree */
    work.spec.work = true;
    if (e == 0)
        e = program_start(run, &work.spec, INFINITY, &p);
    if (e && !why->n)
        launch_put_refusal(work.spec.argv[0], e, why);
    buf_free(&work.in);
    sched_lock(run->sched);
    run->tree->program = p;
    sched_unlock(run->sched);
    return e;
}

int
run_process_entry(lua_State *L)
{
    LuaRun *run = lua_touserdata(L, 1);
    RunTree *tree = run->tree;
    Buf why = { 0 };
    lua_settop(L, 0);
    if (!tree)
        return luaL_error(L, "%s", err_text(ORUN_ENOMEM));
    if (run_process_enter(run, &why)) {
        tree->deferred = (Outcome){ .state = TASK_FAILED,
                                    .fault = FAULT_SPAWN,
                                    .code = -1,
                                    .error = buf_take(&why) };
        return 0;
    }
    WaitFor what = { .kind = WAIT_FOR_OP,
                     .op = &tree->program->op,
                     .deadline = INFINITY,
                     .work = true };
    return park(L, &what, run_process_waited, 0);
}

/* Replace the text in o by the value at the top. */
static void
run_process_value(lua_State *co, Outcome *o)
{
    Buf why = { 0 };
    outcome_clear(o);
    *o = (Outcome){ .state = TASK_COMPLETED };
    int e = value_encode(co, -1, "output", &value_data, &o->output, &why);
    if (e) {
        o->state = TASK_FAILED;
        o->fault = e == ORUN_ENOMEM ? FAULT_MEMORY : FAULT_SCHEMA;
        o->error = e == ORUN_ENOMEM ? NULL : buf_take(&why);
    }
    buf_free(&why);
}

void
run_process_entry_outcome(LuaRun *run, Outcome *o)
{
    RunTree *tree = run->tree;
    const Program *p = tree->program;
    if (p) {
        run_process_outcome(run->engine, run->task, &p->end, p->out, p->err, o);
        if (o->state == TASK_COMPLETED && lua_gettop(run->vm->co) > 0)
            run_process_value(run->vm->co, o);
        return;
    }
    *o = tree->deferred;
    tree->deferred = (Outcome){ .code = -1 };
}

static double
run_process_stop(Runner *r, Task *t, int rung)
{
    (void)r;
    ProcessRun *run = t->run;
    if (run)
        launch_stop(run->launch, rung > 1);
    return 0;
}

void
run_process_init(Runner *r)
{
    *r = (Runner){ .start = run_process_start, .stop = run_process_stop };
}
