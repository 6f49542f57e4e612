/* run_tree.c — the stages of a task with a worktree. */
#include "runner/run_tree.h"
#include "base/err.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "sched/durable.h"
#include "sched/escalate.h"
#include "sched/lifecycle.h"
#include "task/agent.h"
#include "value/field.h"
#include "value/module.h"
#include "value/value.h"
#include "vm/handle.h"
#include <lauxlib.h>
#include <stdio.h>

/* A tree whose first stage this is, or NULL when memory is out. */
static RunTree *
run_tree_new(RunStage stage)
{
    RunTree *tree = mem_zalloc(1, sizeof *tree);
    if (tree) {
        tree->stage = stage;
        tree->deferred.code = -1;
    }
    return tree;
}

int
run_tree_open(LuaRun *run)
{
    RunTree *tree = run_tree_new(RUN_BEFORE);
    if (!tree)
        return ORUN_ENOMEM;
    sched_lock(run->sched);
    run->tree = tree;
    run->worktree_hook = true;
    run->task->opt->place = NULL; /* that of an attempt before */
    sched_disarm(run->sched, run->task);
    sched_unlock(run->sched);
    return 0;
}

int
run_tree_open_alone(LuaRun *run)
{
    RunTree *tree = run_tree_new(RUN_WORK);
    if (!tree)
        return ORUN_ENOMEM;
    tree->alone = true;
    sched_lock(run->sched);
    run->tree = tree;
    sched_unlock(run->sched);
    return 0;
}

void
run_tree_close(LuaRun *run)
{
    RunTree *tree = run->tree;
    if (!tree)
        return;
    sched_lock(run->sched);
    run->tree = NULL;
    run->worktree_hook = false;
    sched_unlock(run->sched);
    program_drop(tree->program);
    task_strings_free(run->tree_env);
    run->tree_env = NULL;
    mem_free(tree->path);
    mem_free(tree->branch);
    value_drop(tree->state);
    outcome_clear(&tree->deferred);
    mem_free(tree);
}

/* ---- the hooks ---- */

/* The environment of programs in the worktree. NULL: no memory. */
static char **
run_tree_env(const char *path, const char *branch)
{
    size_t n = 0;
    while (program_hidden[n])
        n++;
    char **env = mem_zalloc(n + 3, sizeof *env);
    bool failed = !env;
    for (size_t i = 0; i < n && !failed; i++)
        failed = !(
            env[i] = mem_dup(program_hidden[i], strlen(program_hidden[i])));
    const char *const told[][2] = {
        { "ORUN_WORKTREE", path },
        { "ORUN_BRANCH", branch },
    };
    for (size_t i = 0; i < countof(told) && !failed; i++) {
        Buf b = { 0 };
        buf_printf(&b, "%s=%s", told[i][0], told[i][1]);
        failed = !(env[n + i] = buf_take(&b));
    }
    if (!failed)
        return env;
    task_strings_free(env);
    return NULL;
}

/* keep(cwd, path, branch, repository): notes where the worktree is */
static int
run_tree_keep(lua_State *L)
{
    LuaRun *run = park_run(L);
    RunTree *tree = run->tree;
    const char *cwd = engine_intern(run->engine, luaL_checkstring(L, 1));
    size_t path, branch;
    const char *s = luaL_checklstring(L, 2, &path);
    tree->path = mem_dup(s, path);
    s = luaL_checklstring(L, 3, &branch);
    tree->branch = mem_dup(s, branch);
    const char *repository = luaL_checkstring(L, 4);
    if (tree->path && tree->branch)
        run->tree_env = run_tree_env(tree->path, tree->branch);
    if (!run->tree_env || !cwd)
        return luaL_error(L, "%s", err_text(ORUN_ENOMEM));
    run->task->opt->place = cwd;
    sched_lock(run->sched);
    Durable *d = run->sched->durable;
    if (d && d->tree)
        d->tree(d, run->task,
                &(DurableTree){ .path = tree->path,
                                .branch = tree->branch,
                                .repository = repository });
    sched_unlock(run->sched);
    return 0;
}

/* Set the field `before` of the table on top: the worktree in which an earlier
 * try of the run was at work on this task. What had ended and is done again
 * begins afresh, as another attempt does. */
static void
run_tree_push_before(lua_State *L, const LuaRun *run)
{
    const Task *t = run->task;
    Buf path = { 0 }, branch = { 0 };
    sched_lock(run->sched);
    Durable *d = run->sched->durable;
    const TaskKey *key = task_key(t);
    bool asks = d && d->tree_before && key && key->known && run->attempt == 1;
    sched_unlock(run->sched);
    if (asks && d->tree_before(d, key, t->opt->retry.resume, &path, &branch)) {
        lua_createtable(L, 0, 2);
        field_set_string(L, "path", buf_cstr(&path));
        field_set_string(L, "branch", buf_cstr(&branch));
        lua_setfield(L, -2, "before");
    }
    buf_free(&path);
    buf_free(&branch);
}

/* Push the argument of `enter`: see lua/worktree/init.lua. */
static void
run_tree_push_task(lua_State *L, const LuaRun *run)
{
    const Task *t = run->task;
    const AgentType *agent = task_agent(t);
    char id[HANDLE_ID_SIZE];
    handle_name(t->id, id);
    lua_createtable(L, 0, 8);
    field_set_string(L, "id", id);
    field_set_string(L, "run", run->engine->name);
    field_set_string(L, "description", t->description);
    field_set_string(L, "agent", agent ? agent->name : NULL);
    field_set_string(L, "base", t->opt->base);
    field_set_string(L, "cwd", t->opt->cwd ? t->opt->cwd : run->engine->cwd);
    field_set_integer(L, "attempt", run->attempt);
    field_set_boolean(L, "resume", t->opt->retry.resume);
    run_tree_push_before(L, run);
}

/* Push the arguments of `leave`: what `enter` returned, and how the work
 * ended. */
static void
run_tree_push_end(lua_State *L, const LuaRun *run)
{
    const RunTree *tree = run->tree;
    value_decode(L, tree->state, NULL);
    lua_createtable(L, 0, 2);
    field_set_string(L, "status", task_state_name(tree->deferred.state));
    field_set_string(
        L, "error_kind",
        task_fault_name(tree->stopped ? tree->stopped : tree->deferred.fault));
}

static int
run_tree_returned(lua_State *L, int status, lua_KContext ctx)
{
    (void)L;
    (void)status;
    (void)ctx;
    return 1;
}

int
run_tree_entry(lua_State *L)
{
    LuaRun *run = lua_touserdata(L, 1);
    RunTree *tree = run->tree;
    if (!tree)
        return luaL_error(L, "%s", err_text(ORUN_ENOMEM));
    lua_settop(L, 0);
    bool before = tree->stage == RUN_BEFORE;
    module_push_field(L, "orun.worktree", before ? "enter" : "leave");
    if (before) {
        run_tree_push_task(L, run);
        lua_pushcfunction(L, run_tree_keep);
    } else {
        run_tree_push_end(L, run);
    }
    lua_callk(L, 2, 1, 0, run_tree_returned);
    return run_tree_returned(L, LUA_OK, 0);
}

/* ---- from stage to stage ---- */

/* v, which is taken over, is what the result says of the worktree. */
static void
run_tree_tell(LuaRun *run, Value *v)
{
    Task *t = run->task;
    sched_lock(run->sched);
    bool mine = t->run == run && !run->given_up;
    if (mine) {
        sched_discard(run->sched, t->opt->tree);
        t->opt->tree = v;
    }
    sched_unlock(run->sched);
    if (!mine)
        value_drop(v);
}

/* BEFORE has ended. True: the worktree is made; false: the task has failed. */
static bool
run_tree_made(LuaRun *run, Outcome *o)
{
    RunTree *tree = run->tree;
    if (o->state != TASK_COMPLETED || !tree->path)
        return false;
    tree->state = o->output;
    o->output = NULL;
    run_tree_tell(run, value_hold(tree->state));
    sched_lock(run->sched);
    TaskFault stopping = run->task->stopping;
    sched_unlock(run->sched);
    tree->next = stopping ? RUN_AFTER : RUN_WORK;
    if (stopping)
        tree->deferred = (Outcome){ .state = TASK_FAILED,
                                    .code = -1,
                                    .fault = (uint8_t)stopping };
    return true;
}

/* AFTER has ended. What the task did is committed; if not, it stays in the
 * worktree and the task has failed, whatever its code returned. */
static void
run_tree_left(LuaRun *run, Outcome *o)
{
    RunTree *tree = run->tree;
    Outcome deferred = tree->deferred;
    tree->deferred = (Outcome){ .code = -1 };
    if (o->state == TASK_COMPLETED) {
        run_tree_tell(run, o->output);
        o->output = NULL;
    } else if (deferred.state == TASK_COMPLETED) {
        deferred.state = TASK_FAILED;
        deferred.fault = FAULT_LOST;
        mem_free(deferred.error);
        deferred.error = o->error;
        o->error = NULL;
    }
    outcome_clear(o);
    *o = deferred;
}

bool
run_tree_ended(LuaRun *run, Outcome *o)
{
    RunTree *tree = run->tree;
    if (!tree || tree->alone)
        return false;
    if (tree->stage == RUN_BEFORE)
        return run_tree_made(run, o);
    if (tree->stage == RUN_AFTER) {
        run_tree_left(run, o);
        return false;
    }
    sched_lock(run->sched);
    tree->stopped = run->task->stopping;
    bool hurried = sched_hurried(run->sched, run->task) && tree->stopped;
    sched_unlock(run->sched);
    if (hurried)
        return false;
    tree->deferred = *o;
    *o = (Outcome){ .code = -1 };
    tree->next = RUN_AFTER;
    return true;
}

bool
run_tree_turn(LuaRun *run)
{
    RunTree *tree = run->tree;
    Sched *s = run->sched;
    Task *t = run->task;
    sched_lock(s);
    bool on = t->run == run && !run->given_up;
    if (on) {
        tree->stage = tree->next;
        run->worktree_hook = tree->stage != RUN_WORK;
        sched_disarm(s, t);
        if (!run->worktree_hook && t->opt->timeout > 0
            && sched_arm(s, t, board_now(&s->board) + t->opt->timeout))
            escalate(s, t, FAULT_MEMORY);
    }
    sched_unlock(s);
    if (on && run->worktree_hook)
        stop_reset(&run->vm->stop); /* the stop was for the work */
    return on;
}

bool
run_tree_stop(LuaRun *run, bool hard)
{
    if (!run->worktree_hook)
        return false;
    if (hard || run->tree->stage == RUN_BEFORE)
        program_stop_all(run, hard);
    if (hard)
        stop_request(&run->vm->stop, STOP_HARD,
                     task_fault_name((TaskFault)run->task->stopping));
    return true;
}
