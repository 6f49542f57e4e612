/* task_result.c — how a task ended, as a Lua table. */
#include "vm/task_result.h"
#include "task/agent.h"
#include "task/fresh.h"
#include "task/output.h"
#include "task/writes.h"
#include "value/field.h"
#include "vm/handle.h"
#include <lauxlib.h>

static void
task_result_set_value(lua_State *L, const char *key, const Value *v)
{
    if (!v)
        return;
    value_decode(L, v, NULL);
    lua_setfield(L, -2, key);
}

/* Set `error`, and `traceback` when the text goes on with one. */
static void
task_result_set_error(lua_State *L, const char *error)
{
    static const char mark[] = "\nstack traceback:\n";
    const char *trace = error ? strstr(error, mark) : NULL;
    if (!trace) {
        field_set_string(L, "error", error);
        return;
    }
    lua_pushlstring(L, error, (size_t)(trace - error));
    lua_setfield(L, -2, "error");
    field_set_string(L, "traceback", trace + 1);
}

/* Would a program have done t, had it not been for a plan? */
static bool
task_result_stubbed(const Task *t)
{
    return t->opt && t->opt->stubbed && t->state == TASK_COMPLETED
        && agent_argv(t);
}

/* Set half_written: the paths that a failed task has begun to write. */
static void
task_result_set_half(lua_State *L, const Task *t)
{
    size_t next = 0;
    const char *path = fresh_half_written(t, &next);
    if (!path)
        return;
    lua_newtable(L);
    for (lua_Integer n = 1; path; path = fresh_half_written(t, &next)) {
        lua_pushstring(L, path);
        lua_rawseti(L, -2, n++);
    }
    lua_setfield(L, -2, "half_written");
}

void
task_result_set(lua_State *L, const Task *t)
{
    const Outcome *o = &t->outcome;
    task_result_set_value(L, "output", o->output);
    task_result_set_error(L, task_error(t));
    field_set_string(L, "skipped", task_skipped(t));
    if (task_fresh(t))
        field_set_boolean(L, "fresh", true);
    if (task_cached(t))
        field_set_boolean(L, "cached", true);
    task_result_set_half(L, t);
    field_set_string(L, "error_kind", task_fault_name(o->fault));
    task_result_set_value(L, "error_value", o->error_value);
    if (t->opt)
        task_result_set_value(L, "worktree", t->opt->tree);
    if (o->code >= 0 || task_result_stubbed(t))
        field_set_integer(L, "exit_code", o->code < 0 ? 0 : o->code);
    if (o->signal) {
        field_set_integer(L, "signal", o->signal);
    }
    if (o->captured && o->captured->out) {
        size_t n;
        bool text = o->output && value_as_string(o->output, &n);
        if (agent_by_program(t) || (agent_host(t) && text))
            field_set_boolean(L, "truncated", true);
        field_set_string(L, "output_file", output_path(o->captured->out));
    }
}

void
task_result_push(lua_State *L, const Task *t)
{
    char id[HANDLE_ID_SIZE];
    luaL_checkstack(L, 8, NULL);
    lua_createtable(L, 0, 10);
    handle_name(t->id, id);
    field_set_string(L, "task_id", id);
    field_set_string(L, "description", t->description);
    field_set_string(L, "status", task_state_name(t->state));
    field_set_boolean(L, "ok", t->state == TASK_COMPLETED);
    field_set_integer(L, "attempts", t->attempt);
    field_set_number(L, "duration", t->took);
    task_result_set(L, t);
}

static void
task_result_resolve(lua_State *L, uint64_t id, void *ud)
{
    Sched *s = sched_of(ud);
    sched_lock(s);
    Task *t = board_held(&s->board, id); /* by the task that decodes */
    bool failed = t && task_final(t) && t->state != TASK_COMPLETED;
    board_unlock(&s->board);
    if (failed) {
        task_result_push(L, t);
        t->read = true;
    } else {
        handle_decoding(s).resolve(L, id, s);
    }
}

ValueOps
task_result_decoding(Sched *s, Task *t)
{
    if (!t->opt || !t->opt->despite_failure)
        return handle_decoding(s);
    return (ValueOps){ .resolve = task_result_resolve, .ud = t };
}
