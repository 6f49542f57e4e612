/* lib_task.c — Task{...}: from a table to a task on the board.
 *
 * First everything that may raise is read and checked (only Lua values and
 * stack memory are held), then the task is made and linked, which cannot raise.
 */
#include "api/lib_task.h"
#include "api/lib_agent.h"
#include "api/lib_arg.h"
#include "api/lib_class.h"
#include "api/lib_command.h"
#include "api/lib_finally.h"
#include "api/lib_limit.h"
#include "api/lib_orun.h"
#include "api/lib_paths.h"
#include "api/lib_result.h"
#include "api/lib_secret.h"
#include "base/err.h"
#include "base/mem.h"
#include "control/register.h"
#include "engine/engine.h"
#include "process/launch.h"
#include "process/program.h"
#include "sched/forget.h"
#include "sched/lifecycle.h"
#include "sched/rank.h"
#include "sched/slots.h"
#include "task/agent.h"
#include "thread/epoch.h"
#include "value/module.h"
#include "value/value.h"
#include "vm/handle.h"
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>

/* clang-format off */
#define LIB_TASK_FIELDS(X) \
    X(allow_empty) X(base) X(blockedBy) X(cache) X(command) X(cwd) \
    X(description) \
    X(detach) X(env) X(expose) X(finally) X(input) X(isolation) X(keep) \
    X(key) X(limit) X(max_output) X(memory_limit) X(metadata) X(model) \
    X(on_blocker_failure) X(permissions) X(phase) X(pool) X(priority) \
    X(prompt) X(reads) X(retry) X(run) X(run_in_background) X(schema) X(slot) \
    X(subagent_type) X(timeout) X(writes)
/* clang-format on */

enum {
#define X(name) F_##name,
    LIB_TASK_FIELDS(X)
#undef X
        F_COUNT
};

static const char *const lib_task_fields[] = {
#define X(name) #name,
    LIB_TASK_FIELDS(X)
#undef X
};

void
lib_task_push_fields(lua_State *L)
{
    lua_createtable(L, countof(lib_task_fields), 0);
    for (size_t i = 0; i < countof(lib_task_fields); i++) {
        lua_pushstring(L, lib_task_fields[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

enum { LIB_MAX_KEY = 512 }; /* bytes of a key */

/* All of a Task call, checked; pointers are into values on the stack. */
typedef struct TaskArgs {
    const AgentType *agent;
    Limit *pool;
    const char *description, *prompt, *cwd, *file, *model, *base, *key;
    const char *phase;
    size_t prompt_len;
    double timeout;
    Retry retry;
    size_t memory_limit, max_output;
    int priority, slot;
    lua_Integer blockers, command; /* entries */
    LibPaths paths;
    bool background, detach, despite_failure, keep, cache, plain;
    uint8_t permissions;
    bool stubbed;  /* the function in its frame is a plan's stub */
    bool replaces; /* … and what that stands for is noted: worktree and base
                    * here, a function in the place of a command */
    bool old_worktree;
    const char *old_base;
    Isolation isolation;
} TaskArgs;

static bool
lib_task_has(lua_State *L, int field)
{
    return arg_given(L, ARG(field));
}

/* What does the task is one of three. */
static void
lib_task_check_doer(lua_State *L)
{
    static const int doers[] = { F_run, F_command, F_subagent_type };
    const char *one = NULL;
    for (size_t i = 0; i < countof(doers); i++) {
        if (!lib_task_has(L, doers[i]))
            continue;
        if (one)
            luaL_error(L,
                       "Task: both %s and %s are given; a task is done by "
                       "one of them",
                       one, lib_task_fields[doers[i]]);
        one = lib_task_fields[doers[i]];
    }
    if (!one && !lib_task_has(L, F_prompt) && !lib_task_has(L, F_input))
        luaL_error(L,
                   "Task: neither run nor prompt is given, and no command: "
                   "a task is a Lua function (run = function() ... end), a "
                   "program (command = {\"make\", \"-j4\"}) or a prompt for "
                   "an agent (prompt = \"...\")");
}

static void
lib_task_read_agent(lua_State *L, TaskArgs *a)
{
    const char *name = arg_agent_name(L, "Task", "subagent_type",
                                      ARG(F_subagent_type));
    lib_task_check_doer(L);
    if (lib_task_has(L, F_run)) {
        if (lua_type(L, ARG(F_run)) != LUA_TFUNCTION)
            arg_error(L, "Task", "run", ARG(F_run),
                      "expected a function; a "
                      "program is command = {\"make\", \"-j4\"}");
        return;
    }
    if (lib_task_has(L, F_command)) {
        a->command = lib_check_command(L, "Task", ARG(F_command));
        lib_check_exposed(L, "Task", ARG(F_command), ARG(F_expose));
        return;
    }
    a->agent = lib_agent_find(L, name ? name : "general-purpose");
}

/* Is it done by a program that orun starts? */
static bool
lib_task_by_program(const TaskArgs *a)
{
    return a->command || (a->agent && a->agent->kind == TASK_PROCESS);
}

/* May it be started without a prompt? An agent may not; a program reads
 * nothing then, unless it is to find its prompt in a file. */
static bool
lib_task_needs_nothing(const TaskArgs *a)
{
    if (!a->agent || a->agent->host)
        return true;
    return a->agent->kind == TASK_PROCESS
        && !launch_mentions((const char *const *)a->agent->argv,
                            LAUNCH_PROMPT_FILE);
}

static void
lib_task_read_prompt(lua_State *L, TaskArgs *a)
{
    bool empty_ok = arg_bool(L, "Task", "allow_empty", ARG(F_allow_empty),
                             lib_task_needs_nothing(a));
    a->prompt = arg_string(L, "Task", "prompt", ARG(F_prompt), LIB_MAX_PROMPT,
                           &a->prompt_len);
    if (a->prompt_len > 0 || empty_ok || lib_task_has(L, F_input))
        return;
    luaL_error(L,
               "Task: prompt is %s: the agent \"%s\" needs one (or an "
               "input; allow_empty=true starts it with nothing)",
               a->prompt ? "empty" : "missing", a->agent->name);
}

static void
lib_task_read_edges(lua_State *L, TaskArgs *a)
{
    a->blockers = arg_tasks(L, "Task", "blockedBy", ARG(F_blockedBy));
    const char *policy = arg_text(L, "Task", "on_blocker_failure",
                                  ARG(F_on_blocker_failure), 32);
    if (policy && strcmp(policy, "run") != 0 && strcmp(policy, "cancel") != 0)
        arg_error(L, "Task", "on_blocker_failure", ARG(F_on_blocker_failure),
                  "expected \"cancel\" (the default) or \"run\"");
    a->despite_failure = policy && policy[0] == 'r';
}

/* Which model answers, and in which form. */
static void
lib_task_read_form(lua_State *L, TaskArgs *a)
{
    a->model = arg_model(L, "Task", ARG(F_model));
    if (a->model && lib_task_by_program(a))
        arg_error(L, "Task", "model", ARG(F_model),
                  "it is for agents that "
                  "orun asks in its own name (preset, api) or functions; a "
                  "command's model is an argument of the command");
    if (!lib_task_has(L, F_schema))
        return;
    if (a->agent && a->agent->kind == TASK_PROCESS)
        arg_error(L, "Task", "schema", ARG(F_schema),
                  "it is for agents that "
                  "orun asks in its own name (preset, api), for functions and "
                  "for command=; make a preset of the type's command: "
                  "orun.agent{preset={program=, argv=}}");
    module_push_field(L, "orun.schema.typed", "check");
    lua_pushvalue(L, ARG(F_schema));
    lua_call(L, 1, 0);
}

/* Where it works, and what isolates it. */
static void
lib_task_read_place(lua_State *L, TaskArgs *a)
{
    const TaskOptions *own = a->agent ? &a->agent->opt : NULL;
    Isolation *i = &a->isolation;
    a->cwd = arg_text(L, "Task", "cwd", ARG(F_cwd), 4096);
    if (!a->cwd && own)
        a->cwd = own->cwd;
    *i = arg_isolation(L, "Task", ARG(F_isolation),
                       !a->command
                           && (!a->agent || a->agent->slot == SLOT_LUA));
    i->process |= own && own->isolated;
    i->worktree |= own && own->worktree;
    a->base = arg_base(L, "Task", ARG(F_base), i->worktree);
    if (!a->base && own)
        a->base = own->base;
}

/* `orun plan` starts no agent: a stub, a function that returns what the agent's
 * result looks like, takes its place, and no worktree or process is made. */
static void
lib_task_stub(lua_State *L, TaskArgs *a)
{
    Sched *s = park_run(L)->sched;
    bool agent = lib_task_by_program(a)
        || (a->agent && a->agent->slot != SLOT_LUA);
    if (s->plan == 0 || (s->plan == 1 && !agent))
        return;
    const HistoryEntry *like = a->agent
        ? rank_known_agent(s, a->key, a->agent->name)
        : NULL;
    a->stubbed = true;
    a->replaces = s->durable != NULL;
    a->old_worktree = a->isolation.worktree;
    a->old_base = a->base;
    a->isolation = (Isolation){ 0 };
    a->base = NULL;
    if (a->replaces && lib_task_has(L, F_run)) {
        lua_pushvalue(L, ARG(F_run));
        lua_replace(L, ARG(F_command));
    }
    module_push(L, "orun.plan.stub");
    lua_pushvalue(L, ARG(F_schema));
    lua_pushlstring(L, like ? &like->gave : "s", 1);
    lua_call(L, 2, 1);
    lua_replace(L, ARG(F_run));
}

/* What it is called from run to run. */
static const char *
lib_task_key(lua_State *L)
{
    const char *s = arg_text(L, "Task", "key", ARG(F_key), LIB_MAX_KEY);
    if (s && !*s)
        arg_error(L, "Task", "key", ARG(F_key),
                  "expected a text that names "
                  "this work in every run, such as \"review src/a.c\"");
    return s;
}

/* The named slots that it needs one of; its field was `limit` once. */
static void
lib_task_read_pool(lua_State *L, TaskArgs *a)
{
    const char *name = arg_name(L, "Task", "pool", ARG(F_pool));
    bool number = lua_type(L, ARG(F_limit)) == LUA_TNUMBER;
    if (lib_task_has(L, F_limit))
        luaL_error(L,
                   "Task: limit is now pool, the name of a pool of slots%s: "
                   "orun.limit(\"name\", {slots = %s}), and then "
                   "Task{pool = \"name\"}",
                   number ? " (a task is one; tasks share a pool)" : "",
                   number ? arg_show(L, ARG(F_limit)) : "3");
    a->pool = name ? lib_limit_find(L, "Task", "pool", name) : NULL;
}

/* The heading of it and of what it starts, in what shows the run. */
static const char *
lib_task_phase(lua_State *L)
{
    const char *s = arg_text(L, "Task", "phase", ARG(F_phase), LIB_MAX_LABEL);
    if (s && !*s)
        arg_error(L, "Task", "phase", ARG(F_phase),
                  "expected a short title, such as \"research\"");
    return s;
}

static void
lib_task_read(lua_State *L, TaskArgs *a)
{
    const char *fn = "Task";
    lib_task_read_agent(L, a);
    lib_task_read_prompt(L, a);
    const TaskOptions *own = a->agent ? &a->agent->opt : NULL;
    a->description = arg_text(L, fn, "description", ARG(F_description),
                              LIB_MAX_LABEL);
    a->key = lib_task_key(L);
    a->phase = lib_task_phase(L);
    a->background = arg_bool(L, fn, "run_in_background",
                             ARG(F_run_in_background), false);
    a->detach = arg_bool(L, fn, "detach", ARG(F_detach), false);
    a->keep = arg_bool(L, fn, "keep", ARG(F_keep), true);
    a->cache = arg_bool(L, fn, "cache", ARG(F_cache), true);
    a->timeout = arg_duration(L, fn, "timeout", ARG(F_timeout), false,
                              own ? own->timeout : 0);
    a->retry = lib_task_has(L, F_retry) || !own ? arg_retry(L, fn, ARG(F_retry))
                                                : own->retry;
    if (a->retry.resume && lib_task_by_program(a))
        arg_no_resume(L, fn);
    a->priority = (int)arg_integer(L, fn, "priority", ARG(F_priority),
                                   QUEUE_LOWEST, QUEUE_HIGHEST,
                                   a->agent ? a->agent->priority : 0);
    lib_task_read_pool(L, a);
    a->slot = (int)arg_integer(L, fn, "slot", ARG(F_slot), 1, 1000000, 0);
    a->memory_limit = arg_size(L, fn, "memory_limit", ARG(F_memory_limit));
    a->max_output = arg_size(L, fn, "max_output", ARG(F_max_output));
    arg_table(L, fn, "metadata", ARG(F_metadata));
    arg_check_env(L, fn, ARG(F_env));
    if (lib_task_has(L, F_expose) && !a->command)
        luaL_error(L,
                   "Task: expose is for command=; an agent type has its "
                   "own: orun.agent{command=, expose=}");
    lib_task_read_place(L, a);
    lib_task_read_form(L, a);
    a->permissions = arg_granted(L, fn, ARG(F_permissions), a->agent);
    a->paths = lib_paths_check(L, ARG(F_reads), ARG(F_writes));
    lib_task_read_edges(L, a);
    lib_finally_check(L, ARG(F_finally));
    lib_task_stub(L, a);
    a->plain = !a->replaces && !a->agent && !a->command && !a->prompt
        && a->timeout == 0 && a->retry.max == 0 && !a->pool && !a->slot
        && !a->memory_limit && !a->max_output && !a->paths.writes && !a->detach
        && a->keep && a->cache && !a->despite_failure && !a->isolation.process
        && !a->isolation.worktree && !a->model && !lib_task_has(L, F_finally)
        && !a->cwd && !a->key && !a->phase && !lib_task_has(L, F_env)
        && !program_cwd(park_run(L)) && !lib_task_has(L, F_metadata)
        && (a->stubbed || !lib_task_has(L, F_schema));
}

/* ---- the code of its function ---- */

/* A registry table, weak by key, from a function to a userdata that holds its
 * encoding: for functions that capture nothing, which is always the same. */
static const char lib_task_code_key;

static int
lib_task_code_gc(lua_State *L)
{
    Value **v = lua_touserdata(L, 1);
    value_drop(*v);
    *v = NULL;
    return 0;
}

static const luaL_Reg lib_task_code_methods[] = {
    { "__gc", lib_task_code_gc },
    { NULL, NULL },
};

/* True when the function at idx captures nothing but the globals. */
static bool
lib_task_constant(lua_State *L, int idx)
{
    const char *name = lua_getupvalue(L, idx, 1);
    if (!name)
        return true;
    bool env = strcmp(name, "_ENV") == 0;
    if (env) {
        lua_pushglobaltable(L);
        env = lua_rawequal(L, -1, -2);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    if (!env || !lua_getupvalue(L, idx, 2))
        return env;
    lua_pop(L, 1);
    return false;
}

/* Push the box in which the encoding of the function at idx is kept: a userdata
 * whose Value is NULL the first time; nil when it may not be kept, because the
 * function captures something. Only in the script: a task's state stays free of
 * userdata, which makes it cheap to end. And not in a finalizer: when the state
 * is being closed, what is made there is no longer finalized. */
static void
lib_task_code_box(lua_State *L, int idx)
{
    if (!vm_of(L)->script || lua_isnil(L, idx) || park_finalizing(L)
        || lua_iscfunction(L, idx) || !lib_task_constant(L, idx)) {
        lua_pushnil(L);
        return;
    }
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &lib_task_code_key) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_createtable(L, 0, 1);
        lua_pushliteral(L, "k");
        lua_setfield(L, -2, "__mode");
        lua_setmetatable(L, -2);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &lib_task_code_key);
    }
    lua_pushvalue(L, idx);
    if (lua_rawget(L, -2) != LUA_TUSERDATA) {
        lua_pop(L, 1);
        Value **box = lua_newuserdatauv(L, sizeof *box, 0);
        *box = NULL;
        lib_class_set(L, "orun.code", lib_task_code_methods);
        lua_pushvalue(L, idx);
        lua_pushvalue(L, -2);
        lua_rawset(L, -4);
    }
    lua_remove(L, -2);
}

/* `require` in tasks finds what it finds in the script: hand package.path and
 * cpath on when the script changed them (they are compared by address). */
static void
lib_task_sync_path(lua_State *L, LuaRun *run)
{
    static const char key;
    if (!run->vm->script)
        return;
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &key) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
        lua_getfield(L, -1, "package");
        lua_remove(L, -2);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
    }
    lua_getfield(L, -1, "path");
    lua_getfield(L, -2, "cpath");
    const char *path = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2)
                                                      : NULL;
    const char *cpath = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1)
                                                       : NULL;
    if (path && cpath && (path != run->path_seen || cpath != run->cpath_seen)) {
        int e = vmpool_set_path(run->engine->vms, path, cpath);
        if (e)
            luaL_error(L, "Task: %s", err_text(e));
        run->path_seen = path;
        run->cpath_seen = cpath;
        lua_pushvalue(L, -2);
        lua_setfield(L, LUA_REGISTRYINDEX, "orun.path");
        lua_pushvalue(L, -1);
        lua_setfield(L, LUA_REGISTRYINDEX, "orun.cpath");
    }
    lua_pop(L, 3);
}

/* ---- making: nothing below raises ---- */

/* A task begins where the one that started it is, unless it says so in full. */
static char *
lib_task_cwd(const LuaRun *run, const TaskArgs *a)
{
    Buf path = { 0 };
    const char *from = program_cwd(run);
    bool below = !a->cwd || (*a->cwd && a->cwd[0] != '/');
    if (below)
        buf_puts(&path, from ? from : run->engine->cwd);
    if (below && a->cwd)
        buf_puts(&path, "/");
    buf_puts(&path, a->cwd ? a->cwd : "");
    return buf_take(&path);
}

/* The strings of opt that come from the agent type or the call. */
static bool
lib_task_copy(lua_State *L, const LuaRun *run, TaskOptions *opt,
              const TaskArgs *a)
{
    bool failed = false;
    if (a->cwd || program_cwd(run))
        failed |= !(opt->cwd = lib_task_cwd(run, a));
    if (a->base)
        failed |= !(opt->base = mem_dup(a->base, strlen(a->base)));
    if (a->key)
        failed |= !(opt->key = mem_dup(a->key, strlen(a->key)));
    if (a->phase)
        failed |= !(opt->phase = mem_dup(a->phase, strlen(a->phase)));
    opt->env = arg_env(L, ARG(F_env), &failed);
    if (a->command)
        failed |= !(
            opt->argv = lib_command_copy(L, ARG(F_command), a->command));
    return !failed;
}

/* What the stub stands for, as far as it counts for the task's key. */
static int
lib_task_replaced(lua_State *L, const TaskArgs *a, TaskOptions *opt, Buf *why)
{
    TaskReplaced *old = opt->replaced = mem_zalloc(1, sizeof *old);
    int e = old ? 0 : ORUN_ENOMEM;
    if (e == 0 && a->agent)
        old->code = a->agent->code ? value_hold(a->agent->code) : NULL;
    else if (e == 0 && !a->command && lib_task_has(L, F_command))
        e = arg_encode(L, "Task", "run", ARG(F_command), &handle_encoding,
                       &old->code, why);
    if (e == 0 && lib_task_has(L, F_schema))
        e = value_encode(L, ARG(F_schema), "schema", &value_data, &old->schema,
                         why);
    if (e == 0 && a->old_base
        && !(old->base = mem_dup(a->old_base, strlen(a->old_base))))
        e = ORUN_ENOMEM;
    if (e == 0)
        old->worktree = a->old_worktree;
    return e;
}

static int
lib_task_options(lua_State *L, LuaRun *run, const TaskArgs *a, Task *t,
                 Buf *why)
{
    const TaskOptions *own = a->agent ? &a->agent->opt : NULL;
    const TaskOptions *from = run->task->opt;
    if (a->plain)
        return 0;
    TaskOptions *opt = t->opt = mem_zalloc(1, sizeof *opt);
    if (!opt || !lib_task_copy(L, run, opt, a))
        return ORUN_ENOMEM;
    if (a->prompt && !(opt->prompt = value_string(a->prompt, a->prompt_len)))
        return ORUN_ENOMEM;
    opt->agent = a->agent;
    opt->timeout = a->timeout;
    opt->retry = a->retry;
    opt->memory_limit = a->memory_limit ? a->memory_limit
        : own                           ? own->memory_limit
                                        : 0;
    opt->max_output = a->max_output ? a->max_output : own ? own->max_output : 0;
    opt->despite_failure = a->despite_failure;
    opt->detach = a->detach;
    opt->once = !a->keep;
    opt->uncached = !a->cache;
    opt->stubbed = a->stubbed;
    opt->permissions = a->permissions;
    opt->isolated = a->isolation.process;
    opt->worktree = a->isolation.worktree;
    opt->in_worktree = opt->worktree
        || (from && (from->worktree || from->in_worktree));
    opt->pool = a->pool;
    opt->slot = (uint32_t)a->slot;
    if (!lib_paths_set(L, run, &a->paths, opt))
        return ORUN_ENOMEM;
    if (a->model && !(opt->model = mem_dup(a->model, strlen(a->model))))
        return ORUN_ENOMEM;
    int e = 0;
    if (opt->argv && !t->description
        && !(t->description = lib_command_title(opt->argv)))
        return ORUN_ENOMEM;
    if (a->prompt && !t->description)
        e = lib_command_prompt_title(a->prompt, &t->description);
    if (e == 0 && a->replaces)
        e = lib_task_replaced(L, a, opt, why);
    if (e == 0 && lib_task_has(L, F_schema) && !a->stubbed)
        e = value_encode(L, ARG(F_schema), "schema", &value_data, &opt->schema,
                         why);
    if (e == 0 && lib_task_has(L, F_metadata))
        e = value_encode(L, ARG(F_metadata), "metadata", &value_data,
                         &opt->metadata, why);
    return e;
}

/* The function's encoding, from the box on top of the stack or made now. */
static int
lib_task_code(lua_State *L, Task *t, Buf *why)
{
    Value **box = lua_touserdata(L, -1);
    if (box && *box) {
        t->code = value_hold(*box);
        return 0;
    }
    int e = arg_encode(L, "Task", "run", ARG(F_run), &handle_encoding, &t->code,
                       why);
    if (e == 0 && box)
        *box = value_hold(t->code);
    t->own_code = e == 0 && !box;
    return e;
}

/* Its code, input and description. A program with writes is started by a
 * worker, which may look at files; others need none. */
static int
lib_task_values(lua_State *L, const TaskArgs *a, Task *t, Buf *why)
{
    int e = 0;
    if (a->agent)
        t->slot = (uint8_t)a->agent->slot;
    else if (a->command)
        t->slot = SLOT_PROCESS;
    if (a->command && !a->stubbed) {
        bool alone = !a->isolation.worktree && a->paths.writes == 0
            && !lib_task_has(L, F_schema);
        t->kind = alone ? TASK_PROCESS : TASK_LUA;
    } else if (a->agent && !a->stubbed) {
        t->code = value_hold(a->agent->code);
        t->kind = (uint8_t)(a->isolation.worktree || a->paths.writes
                                ? TASK_LUA
                                : a->agent->kind);
    } else {
        t->kind = TASK_LUA;
        e = lib_task_code(L, t, why);
    }
    if (e == 0 && lib_task_has(L, F_input))
        e = arg_encode(L, "Task", "input", ARG(F_input), &handle_encoding,
                       &t->input, why);
    if (e == 0 && a->description
        && !(t->description = mem_dup(a->description, strlen(a->description))))
        e = ORUN_ENOMEM;
    return e;
}

/* Does something run once it has ended? A plan's stub has left nothing to clean
 * up. */
static bool
lib_task_cleans(lua_State *L, const TaskArgs *a)
{
    return lib_task_has(L, F_finally) && !a->stubbed;
}

/* Everything the draft owns. */
static int
lib_task_make(lua_State *L, LuaRun *run, const TaskArgs *a, Task *t, Buf *why)
{
    t->priority = (int8_t)a->priority;
    int e = lib_task_values(L, a, t, why);
    if (e == 0)
        e = lib_task_options(L, run, a, t, why);
    if (e == 0 && lib_task_cleans(L, a))
        e = lib_finally_make(L, run, ARG(F_finally), t, why);
    if (e == 0 && t->own_code)
        e = engine_keep(run->engine, &t->code);
    if (e == 0)
        e = engine_keep(run->engine, &t->input);
    if (e == 0 && t->opt)
        e = engine_keep(run->engine, &t->opt->prompt);
    return e;
}

bool
lib_task_closing(const LuaRun *run)
{
    return run->vm->script && !run->bell
        && (run->sched->closing || run->sched->board.closed);
}

int
lib_task_add(lua_State *L, Task *draft, int first, lua_Integer n, Task **out)
{
    Sched *s = park_run(L)->sched;
    Task *parent = park_run(L)->task;
    const Value *input = draft->input;
    size_t inside = input ? value_handles(input) : 0, count = 0;
    register_run(park_run(L)->engine);
    draft->hosted = park_run(L)->hosted;
    if (n == 0 && inside == 0)
        return lifecycle_add(s, draft, parent, NULL, 0, out);
    Task **all = mem_alloc(((size_t)n + inside) * sizeof *all);
    if (!all)
        return ORUN_ENOMEM;
    for (lua_Integer i = 0; i < n; i++)
        all[count++] = lua_touserdata(L, first + (int)i);
    for (size_t i = 0; i < inside; i++) {
        Task *b = board_find(&s->board, value_handle(input, i));
        if (b && forget_is(b)) {
            mem_free(all);
            return ORUN_EFORGOTTEN;
        }
        if (b && b->id != 0)
            all[count++] = b;
    }
    int e = lifecycle_add(s, draft, parent, all, count, out);
    mem_free(all);
    return e;
}

/* Say why no task was made. */
static int
lib_task_failed(lua_State *L, int e, const LibWhy *why)
{
    if (e == ORUN_ESHUTDOWN) {
        lua_pushnil(L);
        lua_pushliteral(L, "shutting down");
        return 2;
    }
    if (e == ORUN_EDEPTH)
        return luaL_error(L,
                          "Task: tasks are nested %d deep; a task that "
                          "keeps starting itself never ends",
                          BOARD_MAX_DEPTH);
    if (e == ORUN_EREMOVED)
        return luaL_error(L,
                          "Task: blockedBy names a task that was removed "
                          "from the list");
    if (e == ORUN_EUNSENDABLE || e == ORUN_ETOOBIG || e == ORUN_EBACKLOG)
        return luaL_error(L, "%s", why->text);
    return luaL_error(L, "Task: %s", err_text(e));
}

/* Wait for the new task t, which may end at any time, and for its `finally`,
 * which was added with it: its id is the next. */
static int
lib_task_wait(lua_State *L, const TaskArgs *a, Task *t)
{
    Board *b = &park_run(L)->sched->board;
    if (!lib_task_cleans(L, a))
        return lib_await(L, "Task", t, INFINITY);
    return lib_await_finally(L, "Task", t, board_find(b, (uint64_t)t->id + 1));
}

int
lib_task(lua_State *L)
{
    LuaRun *run = park_run(L);
    epoch_pass(); /* a call from Lua holds no pointer yet */
    TaskArgs a = { 0 };
    LibWhy why = { "" };
    Buf text = { 0 };
    arg_frame(L, "Task", lib_task_fields, F_COUNT, false);
    lib_task_read(L, &a);
    if (!a.background)
        park_check(L, "Task");
    if (lib_task_closing(run))
        return lib_task_failed(L, ORUN_ESHUTDOWN, &why);
    lib_task_sync_path(L, run);
    lib_task_code_box(L, ARG(F_run));
    Task *t, draft = { 0 };
    lib_where(L, &draft);
    int e = lib_task_make(L, run, &a, &draft, &text);
    if (e == 0)
        e = lib_task_add(L, &draft, ARG(F_COUNT), a.blockers, &t);
    run->refused = e;
    if (e) {
        if (e == ORUN_EBACKLOG)
            lib_why_backlog(&why, "Task", run);
        else
            lib_why(&why, "Task", &text);
        task_clear(&draft);
        return lib_task_failed(L, e, &why);
    }
    if (a.background) {
        handle_push(L, t);
        return 1;
    }
    return lib_task_wait(L, &a, t);
}
