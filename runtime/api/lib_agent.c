/* lib_agent.c — orun.agent{...}: defining agent types. */
#include "api/lib_agent.h"
#include "api/lib_arg.h"
#include "api/lib_command.h"
#include "api/lib_limit.h"
#include "api/lib_orun.h"
#include "api/lib_secret.h"
#include "base/err.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "sched/slots.h"
#include "task/limit.h"
#include "value/module.h"
#include "value/value.h"
#include "vm/handle.h"
#include <lauxlib.h>
#include <limits.h>
#include <stdio.h>

/* clang-format off */
#define LIB_AGENT_FIELDS(X) \
    X(account) X(base) X(budget) X(command) X(cwd) X(description) X(env) \
    X(expose) X(isolation) X(limit) X(max_output) X(memory_limit) X(name) \
    X(permissions) X(priority) X(rate) X(retry) X(run) X(secrets) X(slots) \
    X(timeout) X(typed)
/* clang-format on */

enum {
#define X(name) A_##name,
    LIB_AGENT_FIELDS(X)
#undef X
        A_COUNT
};

static const char *const lib_agent_fields[] = {
#define X(name) #name,
    LIB_AGENT_FIELDS(X)
#undef X
};

static bool
lib_agent_copy(char **to, const char *s)
{
    if (s)
        *to = mem_dup(s, strlen(s));
    return !s || *to;
}

/* An API or a preset: its module makes a type with a function of it, which
 * takes the place of argument 1. */
static void
lib_agent_drive(lua_State *L)
{
    static const struct {
        const char *field, *module;
    } drivers[] = {
        { "api", "orun.llm" },
        { "preset", "orun.preset.agent" },
    };
    const char *module = NULL;
    if (lua_type(L, 1) != LUA_TTABLE)
        return;
    for (size_t i = 0; i < countof(drivers); i++) {
        lua_pushstring(L, drivers[i].field);
        bool given = lua_rawget(L, 1) != LUA_TNIL;
        lua_pop(L, 1);
        if (given && module)
            luaL_error(L, "agent: give either api= or preset=");
        if (given)
            module = drivers[i].module;
    }
    if (!module)
        return;
    module_push_field(L, module, "define");
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    lua_replace(L, 1);
}

/* What was checked, to be copied into a new type. */
typedef struct AgentArgs {
    const AgentHost *host; /* C code, in the place of command and run */
    const char *name, *description, *cwd, *account, *base;
    MeterSpec meter;
    bool metered;
    TaskOptions opt;
    lua_Integer command, limit, priority;
    SlotKind slot;
    bool typed;
} AgentArgs;

/* C code has no use for these fields. */
static void
lib_agent_check_host(lua_State *L, const AgentArgs *a)
{
    static const int others[] = { A_command, A_expose, A_memory_limit,
                                  A_run,     A_slots,  A_typed };
    for (size_t i = 0; i < countof(others); i++)
        if (arg_given(L, ARG(others[i])))
            luaL_error(L,
                       "agent \"%s\": %s is not for an agent in C; how many "
                       "of its tasks run at once is the field slots of "
                       "orun_agent",
                       a->name, lib_agent_fields[others[i]]);
}

/* What its tasks hold a slot of. */
static SlotKind
lib_agent_slot(lua_State *L, bool command)
{
    const char *s = arg_text(L, "agent", "slots", ARG(A_slots), 32);
    if (s && command)
        arg_error(L, "agent", "slots", ARG(A_slots),
                  "a command takes a slot "
                  "of \"process\" in any case; leave it out");
    if (command || (s && strcmp(s, "process") == 0))
        return SLOT_PROCESS;
    if (s && strcmp(s, "http") == 0)
        return SLOT_HTTP;
    if (s && strcmp(s, "lua") != 0)
        arg_error(L, "agent", "slots", ARG(A_slots),
                  "expected \"process\" (it "
                  "runs a program), \"http\" (it makes requests) or \"lua\" "
                  "(the default)");
    return SLOT_LUA;
}

static void
lib_agent_read(lua_State *L, AgentArgs *a)
{
    const char *fn = "agent";
    a->name = arg_agent_name(L, fn, "name", ARG(A_name));
    if (!a->name)
        luaL_error(L, "agent: name is missing; tasks ask for the type by it");
    bool command = arg_given(L, ARG(A_command)), run = arg_given(L, ARG(A_run));
    if (a->host)
        lib_agent_check_host(L, a);
    else if (command == run)
        luaL_error(L,
                   "agent \"%s\": give either command={...} (a program) or "
                   "run=function",
                   a->name);
    if (run && lua_type(L, ARG(A_run)) != LUA_TFUNCTION)
        arg_error(L, fn, "run", ARG(A_run), "expected a function");
    if (command)
        a->command = lib_check_command(L, fn, ARG(A_command));
    a->description = arg_text(L, fn, "description", ARG(A_description),
                              64 << 10);
    a->cwd = arg_text(L, fn, "cwd", ARG(A_cwd), 4096);
    arg_check_env(L, fn, ARG(A_env));
    a->slot = a->host ? SLOT_HOST : lib_agent_slot(L, command);
    if (a->slot != SLOT_PROCESS && arg_given(L, ARG(A_env)))
        luaL_error(L,
                   "agent \"%s\": env is for programs; a Lua agent shares "
                   "the process (with slots=\"process\" it finds it in "
                   "task.env)",
                   a->name);
    if (run && arg_given(L, ARG(A_expose)))
        luaL_error(L,
                   "agent \"%s\": expose is for commands; give it to "
                   "orun.exec",
                   a->name);
    lib_read_secrets(L, fn, ARG(A_secrets), ARG(A_env));
    if (command)
        lib_check_exposed(L, fn, ARG(A_command), ARG(A_expose));
    a->opt.timeout = arg_duration(L, fn, "timeout", ARG(A_timeout), false, 0);
    a->opt.retry = arg_retry(L, fn, ARG(A_retry));
    if (a->opt.retry.resume && command)
        arg_no_resume(L, fn);
    a->opt.permissions = arg_permissions(L, fn, ARG(A_permissions));
    if (a->opt.permissions && command)
        luaL_error(L,
                   "agent \"%s\": permissions are for agents that orun asks "
                   "in its own name (preset, api, run=function); what a "
                   "command may do is said by its arguments",
                   a->name);
    a->opt.memory_limit = arg_size(L, fn, "memory_limit", ARG(A_memory_limit));
    a->opt.max_output = arg_size(L, fn, "max_output", ARG(A_max_output));
    Isolation isolation = arg_isolation(L, fn, ARG(A_isolation),
                                        a->slot == SLOT_LUA);
    a->opt.isolated = isolation.process;
    a->opt.worktree = isolation.worktree;
    a->base = arg_base(L, fn, ARG(A_base), isolation.worktree);
    a->account = arg_name(L, fn, "account", ARG(A_account));
    a->metered = lib_read_meter(L, fn, ARG(A_rate), ARG(A_budget), &a->meter);
    a->typed = arg_bool(L, fn, "typed", ARG(A_typed), false);
    a->limit = arg_integer(L, fn, "limit", ARG(A_limit), 1, 1000000, 0);
    a->priority = arg_integer(L, fn, "priority", ARG(A_priority), QUEUE_LOWEST,
                              QUEUE_HIGHEST, 0);
}

/* Its own limit, which may only count, and the account it shares with others.
 */
static int
lib_agent_limits(lua_State *L, const AgentArgs *a, AgentType *t)
{
    Sched *s = park_run(L)->sched;
    int slots = a->limit ? (int)a->limit : INT_MAX;
    if (a->account && !(t->account = slots_account(s, a->account)))
        return ORUN_ENOMEM;
    if (slots_count_run(s) || !(t->limit = limit_new(a->name, slots)))
        return ORUN_ENOMEM;
    return limit_meter(t->limit, &a->meter, s);
}

static int
lib_agent_make(lua_State *L, const AgentArgs *a, AgentType *t, Buf *why)
{
    bool failed = false;
    t->opt = a->opt;
    t->priority = (int)a->priority;
    if (!lib_agent_copy(&t->name, a->name)
        || !lib_agent_copy(&t->description, a->description)
        || !lib_agent_copy(&t->opt.cwd, a->cwd)
        || !lib_agent_copy(&t->opt.base, a->base))
        return ORUN_ENOMEM;
    t->opt.env = arg_env(L, ARG(A_env), &failed);
    if (failed)
        return ORUN_ENOMEM;
    int e = lib_agent_limits(L, a, t);
    if (e)
        return e;
    t->kind = a->command ? TASK_PROCESS : TASK_LUA;
    t->slot = a->slot;
    t->typed = a->typed;
    if (a->host && !(t->host = mem_alloc(sizeof *t->host)))
        return ORUN_ENOMEM;
    if (a->host) {
        *t->host = *a->host;
        return 0;
    }
    if (a->command)
        return (t->argv = lib_command_copy(L, ARG(A_command), a->command))
            ? 0
            : ORUN_ENOMEM;
    return arg_encode(L, "agent", "run", ARG(A_run), &handle_encoding, &t->code,
                      why);
}

/* orun.agent's work on argument 1; `found`: by Task, which a definition made in
 * the meantime precedes; `host`: C code that does it, or NULL. */
static int
lib_agent_define(lua_State *L, bool found, const AgentHost *host)
{
    Sched *s = park_run(L)->sched;
    AgentArgs a = { .host = host };
    Buf text = { 0 };
    LibWhy why = { "agent: out of memory" };
    if (!host)
        lib_agent_drive(L);
    arg_frame(L, "agent", lib_agent_fields, A_COUNT, false);
    lib_agent_read(L, &a);
    AgentType *t = mem_zalloc(1, sizeof *t);
    int e = t ? lib_agent_make(L, &a, t, &text) : ORUN_ENOMEM;
    if (e) {
        if (text.n)
            lib_why(&why, "agent", &text);
        agent_free(t);
        return luaL_error(L, "%s", why.text);
    }
    if (!found)
        sched_add_agent(s, t);
    else if (!sched_add_found_agent(s, t))
        agent_free(t);
    lua_pushstring(L, a.name);
    return 1;
}

int
lib_agent(lua_State *L)
{
    return lib_agent_define(L, false, NULL);
}

int
lib_agent_host(lua_State *L)
{
    const AgentHost *host = lua_touserdata(L, 2);
    lua_settop(L, 1);
    return lib_agent_define(L, false, host);
}

static int
lib_agent_found(lua_State *L)
{
    return lib_agent_define(L, true, NULL);
}

/* The names of all types, a line each, as far as there is room. Nothing may
 * raise under the lock. */
static void
lib_agent_names(Sched *s, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    sched_lock(s);
    list_each(node, &s->agents) {
        AgentType *a = container_of(node, AgentType, link);
        int w = snprintf(text + used, size - used, "%s\n", a->name);
        if (w < 0 || used + (size_t)w >= size) {
            text[used] = '\0';
            break;
        }
        used += (size_t)w;
    }
    board_unlock(&s->board);
}

const AgentType *
lib_agent_find(lua_State *L, const char *name)
{
    LuaRun *run = park_run(L);
    char names[4096];
    const AgentType *known = sched_agent(run->sched, name);
    if (known)
        return known;
    int top = lua_gettop(L);
    lib_agent_names(run->sched, names, sizeof names);
    module_push_field(L, "orun.agents", "find");
    lua_pushstring(L, name);
    lua_pushstring(L, names);
    lua_pushboolean(L, atomic_exchange(&run->engine->agents_reported, true));
    lua_pushcfunction(L, lib_agent_found);
    lua_call(L, 4, 2);
    if (!lua_toboolean(L, -2))
        luaL_error(L, "%s", lua_tostring(L, -1));
    lua_settop(L, top);
    return sched_agent(run->sched, name);
}
