/* task_entry.c — the call of a Lua task's function, and its outcome. */
#include "vm/task_entry.h"
#include "base/err.h"
#include "base/mem.h"
#include "sched/report.h"
#include "task/agent.h"
#include "value/field.h"
#include "value/module.h"
#include "vm/handle.h"
#include "vm/task_result.h"
#include <lauxlib.h>

enum { TASK_ENTRY_ERROR = 64 << 10 }; /* bytes that are kept of an error */

/* Set task.resume: the session of earlier attempts, and what it has used. */
static void
task_entry_push_resume(lua_State *L, const TaskReport *r)
{
    lua_createtable(L, 0, 3);
    field_set_string(L, "session_id", r->session_id);
    field_set_number(L, "cost",
                     r->session_told ? r->session_cost : r->cost_before);
    if (r->session_told) {
        lua_createtable(L, 0, REPORT_COUNT_KINDS);
        for (size_t i = 0; i < REPORT_COUNT_KINDS; i++) {
            field_set_integer(L, report_counts[i],
                              (lua_Integer)r->session_usage[i]);
        }
        lua_setfield(L, -2, "usage");
    }
    lua_setfield(L, -2, "resume");
}

static void
task_entry_set_env(lua_State *L, char *const *env)
{
    for (; env && *env; env++) {
        size_t n = strcspn(*env, "=");
        lua_pushlstring(L, *env, n);
        if ((*env)[n])
            lua_pushstring(L, *env + n + 1);
        else
            lua_pushboolean(L, 0); /* to be unset */
        lua_rawset(L, -3);
    }
}

/* Set task.env, for the programs that do the task. */
static void
task_entry_push_env(lua_State *L, const Task *t)
{
    char *const *type = task_agent(t) ? task_agent(t)->opt.env : NULL;
    char *const *own = t->opt ? t->opt->env : NULL;
    if (!type && !own)
        return;
    lua_newtable(L);
    task_entry_set_env(L, type);
    task_entry_set_env(L, own);
    lua_setfield(L, -2, "env");
}

/* Set task.cwd, and task.worktree. */
static void
task_entry_push_place(lua_State *L, const TaskPlace *place)
{
    field_set_string(L, "cwd", place->cwd);
    if (!place->path)
        return;
    lua_createtable(L, 0, 2);
    field_set_string(L, "path", place->path);
    field_set_string(L, "branch", place->branch);
    lua_setfield(L, -2, "worktree");
}

static void
task_entry_push_task(lua_State *L, const Task *t, uint32_t attempt,
                     const TaskPlace *place)
{
    char id[HANDLE_ID_SIZE];
    handle_name(t->id, id);
    lua_createtable(L, 0, 4);
    task_entry_push_place(L, place);
    if (t->opt && t->opt->retry.resume && t->report && t->report->session_id[0])
        task_entry_push_resume(L, t->report);
    task_entry_push_env(L, t);
    field_set_string(L, "id", id);
    field_set_integer(L, "attempt", attempt);
    field_set_string(L, "description", t->description);
    if (t->opt && t->opt->model) {
        field_set_string(L, "model", t->opt->model);
    }
    if (t->opt && t->opt->permissions) {
        field_set_string(L, "permissions",
                         task_permission_name(t->opt->permissions));
    }
    if (task_prompt(t)) {
        value_decode(L, task_prompt(t), NULL);
        lua_setfield(L, -2, "prompt");
    }
    if (t->opt && t->opt->schema) {
        value_decode(L, t->opt->schema, NULL);
        lua_setfield(L, -2, "schema");
    }
}

/* Must the result of its function be checked against the schema? */
static bool
task_entry_checks(const Task *t)
{
    const AgentType *agent = task_agent(t);
    return t->opt && t->opt->schema && !(agent && agent->typed);
}

void
task_entry_push(lua_State *L, const Task *t, uint32_t attempt,
                const TaskPlace *place, const ValueOps *code,
                const ValueOps *input)
{
    value_decode(L, t->code, code);
    if (task_entry_checks(t)) { /* becomes function(input, task) around it */
        module_push_field(L, "orun.schema.typed", "around");
        lua_insert(L, -2);
        lua_call(L, 1, 1);
    }
    if (task_finally_of(t))
        task_result_push(L, task_finally_of(t));
    else if (t->input)
        value_decode(L, t->input, input);
    else
        lua_pushnil(L);
    task_entry_push_task(L, t, attempt, place);
}

/* Append the traceback. Argument 1: the coroutine that failed, 2: the Buf that
 * has the message. */
static int
task_entry_trace(lua_State *L)
{
    size_t n;
    Buf *text = lua_touserdata(L, 2);
    const char *message = buf_cstr(text);
    luaL_traceback(L, lua_tothread(L, 1), message, 0);
    const char *s = lua_tolstring(L, -1, &n);
    text->n = strlen(message);
    buf_put(text, s + text->n, n - text->n);
    text->failed = false; /* the message is better than nothing */
    return 0;
}

/* Remove orun's own frames from the end of a traceback. */
static void
task_entry_trim(Buf *text)
{
    static const char frame[] = "\n\t[C]: in ?";
    size_t n = sizeof frame - 1;
    if (text->n > n && memcmp(text->p + text->n - n, frame, n) == 0)
        text->n -= n;
}

/* The script's globals do not exist in a task: say so. */
static void
task_entry_hint(Buf *text)
{
    const char *s = buf_cstr(text), *at = strstr(s, "a nil value (global '");
    if (!at)
        return;
    const char *name = strchr(at, '\'') + 1;
    int n = (int)strcspn(name, "'");
    size_t line = strcspn(s, "\n");
    Buf with = { 0 };
    buf_put(&with, s, line);
    buf_printf(&with,
               "; a task does not see the script's globals: make '%.*s' "
               "a local above the function, or pass it in input",
               n, name);
    buf_puts(&with, s + line);
    if (buf_failed(&with)) {
        buf_free(&with);
        return;
    }
    buf_free(text);
    *text = with;
}

/* Append the traceback of the dead coroutine, if possible; never raises. */
static void
task_entry_add_trace(Vm *vm, Buf *text)
{
    lua_State *L = vm->L;
    if (stop_wanted(&vm->stop) || !lua_checkstack(L, 4)
        || !lua_checkstack(vm->co, 1))
        return;
    lua_settop(L, 0);
    lua_pushcfunction(L, task_entry_trace);
    lua_pushthread(vm->co);
    lua_xmove(vm->co, L, 1);
    lua_pushlightuserdata(L, text);
    if (lua_pcall(L, 2, 0, 0) == LUA_OK)
        task_entry_trim(text);
}

/* An error is kept as long as the run is: cut one that is very long. */
static void
task_entry_cut(Buf *text)
{
    size_t n = text->n;
    if (n <= TASK_ENTRY_ERROR)
        return;
    text->n = TASK_ENTRY_ERROR;
    buf_printf(text, " [cut: %d of %zu bytes]", TASK_ENTRY_ERROR, n);
}

/* The error as text, with a traceback while the coroutine still has its
 * frames. Never raises. */
static char *
task_entry_explain(Vm *vm, int status, bool frames)
{
    Buf text = { 0 };
    vm_error_text(vm->co, &text);
    task_entry_cut(&text);
    task_entry_hint(&text);
    if (frames && status != LUA_ERRMEM && !buf_failed(&text))
        task_entry_add_trace(vm, &text);
    return buf_take(&text);
}

/* The limit was hit: say where, and what to do about it. The limit is lifted,
 * so that there is memory for the message. */
static char *
task_entry_explain_limit(Vm *vm, bool own, bool frames)
{
    Buf text = { 0 };
    lua_Debug ar;
    size_t limit = vm->limit;
    ar.currentline = 0;
    for (int level = 0;
         frames && ar.currentline <= 0 && lua_getstack(vm->co, level, &ar);
         level++)
        lua_getinfo(vm->co, "Sl", &ar);
    if (ar.currentline > 0)
        buf_printf(&text, "%s:%d: ", ar.short_src, ar.currentline);
    buf_puts(&text, "not enough memory: the task used up its memory_limit of ");
    buf_bytes(&text, limit);
    buf_puts(&text, own ? "" : " (the default)");
    buf_puts(&text,
             "; keep less at a time, or give it more: memory_limit = "
             "\"");
    buf_printf(&text, "%zuMiB\"", limit >> 20 ? limit >> 19 : 1);
    vm->limit = 0;
    if (frames && !buf_failed(&text))
        task_entry_add_trace(vm, &text);
    return buf_take(&text);
}

/* os.exit(n) was called: 0 completes the task, any other number fails it. */
static void
task_entry_exited(int code, Outcome *o)
{
    o->code = code;
    o->state = code == 0 ? TASK_COMPLETED : TASK_FAILED;
    if (code != 0) {
        o->fault = FAULT_EXIT;
        Buf text = { 0 };
        buf_printf(&text, "os.exit(%d)", code);
        o->error = buf_take(&text);
    }
}

/* A failure that orun.fail raised, or the end of orun.skip. */
typedef struct TaskFailure {
    bool is, skip;
    TaskFault kind;
    char *message; /* NULL: there is none, or no memory for it */
    Value *partial;
} TaskFailure;

/* The string in field `key` of the table at 1, or NULL. */
static const char *
task_entry_field(lua_State *L, const char *key)
{
    lua_pushstring(L, key);
    return lua_rawget(L, 1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
}

/* Protected. Arguments: the error, a table, and the TaskFailure. */
static int
task_entry_read_failure(lua_State *L)
{
    TaskFailure *f = lua_touserdata(L, 2);
    if (!lua_getmetatable(L, 1))
        return 0;
    lua_pushliteral(L, "__name");
    if (lua_rawget(L, -2) != LUA_TSTRING)
        return 0;
    f->skip = strcmp(lua_tostring(L, -1), "orun.skipped") == 0;
    if (!f->skip && strcmp(lua_tostring(L, -1), "orun.failure") != 0)
        return 0;
    f->is = true;
    const char *kind = task_entry_field(L, "kind");
    int fault = kind ? task_fault_find(kind) : -1;
    f->kind = fault > 0 ? (TaskFault)fault : FAULT_LUA;
    const char *message = task_entry_field(L, f->skip ? "reason" : "message");
    f->message = message ? mem_dup(message, strlen(message)) : NULL;
    lua_pushliteral(L, "partial");
    if (lua_rawget(L, 1) != LUA_TNIL
        && value_encode(L, -1, "partial", NULL, &f->partial, NULL))
        f->partial = NULL;
    return 0;
}

/* If orun.fail or orun.skip raised the table at the top of the coroutine, make
 * the outcome of it; else return false. */
static bool
task_entry_failed_so(Vm *vm, Outcome *o)
{
    TaskFailure f = { 0 };
    lua_State *L = vm->L;
    if (!lua_checkstack(L, 8) || !lua_checkstack(vm->co, 1))
        return false;
    int top = lua_gettop(L);
    lua_pushcfunction(L, task_entry_read_failure);
    lua_pushvalue(vm->co, -1);
    lua_xmove(vm->co, L, 1);
    lua_pushlightuserdata(L, &f);
    lua_pcall(L, 2, 0, 0);
    lua_settop(L, top);
    if (!f.is)
        return false;
    if (f.skip && f.message)
        o->state = TASK_COMPLETED;
    o->fault = f.skip && f.message ? FAULT_NONE : (uint8_t)f.kind;
    o->error = f.message;
    o->output = f.partial;
    return true;
}

static void
task_entry_failed(Vm *vm, bool own_limit, int status, bool frames, Outcome *o)
{
    static const ValueOps small = { .max_bytes = TASK_ENTRY_ERROR };
    outcome_clear(o);
    o->state = TASK_FAILED;
    o->fault = status == LUA_ERRMEM ? FAULT_MEMORY : FAULT_LUA;
    if (vm_over_limit(vm, status)) {
        o->fault = FAULT_MEMORY;
        o->error = task_entry_explain_limit(vm, own_limit, frames);
        return;
    }
    bool table = status != LUA_ERRMEM && lua_type(vm->co, -1) == LUA_TTABLE;
    if (table && task_entry_failed_so(vm, o))
        return;
    int e = table
        ? value_encode(vm->co, -1, "error", &small, &o->error_value, NULL)
        : 0;
    if (e == ORUN_ENOMEM)
        o->fault = FAULT_MEMORY;
    else
        o->error = task_entry_explain(vm, status, frames);
}

static void
task_entry_completed(lua_State *co, Outcome *o)
{
    o->state = TASK_COMPLETED;
    if (lua_gettop(co) == 0 || lua_isnil(co, -1))
        return;
    Buf why = { 0 };
    int e = value_encode(co, -1, "result", NULL, &o->output, &why);
    if (e) {
        o->state = TASK_FAILED;
        o->fault = e == ORUN_ENOMEM ? FAULT_MEMORY : FAULT_LUA;
        o->error = e == ORUN_ENOMEM ? NULL : buf_take(&why);
    }
    buf_free(&why);
}

/* The coroutine failed: close its variables. An error that is raised meanwhile
 * replaces the one before, as in Lua. */
static void
task_entry_failed_closing(Vm *vm, bool own_limit, int status, Outcome *o)
{
    lua_State *L = vm->L, *co = vm->co;
    task_entry_failed(vm, own_limit, status, true, o);
    lua_settop(L, 0);
    if (lua_checkstack(co, 1)) {
        lua_pushvalue(co, -1);
        lua_xmove(co, L, 1);
    }
    status = stop_close(&vm->stop, co);
    if (status == LUA_OK || vm->exit_code >= 0 || !lua_checkstack(L, 2))
        return;
    lua_pushvalue(co, -1);
    lua_xmove(co, L, 1);
    if (lua_gettop(L) == 2 && !lua_rawequal(L, 1, 2))
        task_entry_failed(vm, own_limit, status, false, o);
}

static int
task_entry_misplaced(lua_State *L)
{
    lua_pushliteral(L, "attempt to yield from outside a coroutine");
    return 1;
}

int
task_entry_yielded(Vm *vm)
{
    lua_settop(vm->co, 0);
    lua_pushcfunction(vm->L, task_entry_misplaced);
    int status = lua_pcall(vm->L, 0, 1, 0);
    lua_xmove(vm->L, vm->co, 1);
    return status == LUA_ERRMEM ? status : LUA_ERRRUN;
}

void
task_entry_outcome(Vm *vm, const Task *t, int status, Outcome *o)
{
    bool own_limit = t->opt && t->opt->memory_limit;
    if (status == LUA_OK)
        task_entry_completed(vm->co, o);
    else
        task_entry_failed_closing(vm, own_limit, status, o);
    if (vm->exit_code < 0)
        return;
    outcome_clear(o);
    task_entry_exited(vm->exit_code, o);
}
