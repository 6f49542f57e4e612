/* orun_agent.c — agents in C: their types, and what they say of their calls. */
#include "api/lib_agent.h"
#include "api/lib_orun.h"
#include "base/mem.h"
#include "embed/api_error.h"
#include "embed/api_struct.h"
#include "embed/host_guest.h"
#include "embed/orun_own.h"
#include "engine/engine.h"
#include "runner/host_call.h"
#include "thread/epoch.h"
#include "value/field.h"
#include "value/module.h"
#include "value/value.h"
#include <lauxlib.h>
#include <math.h>

enum { ORUN_AGENT_SLOTS = 1000000 };

/* Seconds that a `stop` has when the type does not say. */
static const double orun_agent_grace = 2;

/* Call f(ud) in Lua for an attempt at t. ORUN_EINVAL: it raised. */
static int
orun_agent_lua(orun *o, Task *t, uint32_t attempt, lua_CFunction f, void *ud,
               Buf *why)
{
    epoch_enter();
    int e = host_guest_call_for(&o->host, o->engine, t, attempt, f, ud, NULL,
                                why);
    epoch_leave();
    return e == ORUN_EFAILED ? ORUN_EINVAL : e;
}

/* Push the table that the JSON text is. */
static void
orun_agent_push_json(lua_State *L, const char *name, const char *json)
{
    module_push_field(L, "orun.json", "decode");
    lua_pushstring(L, json);
    lua_call(L, 1, 2);
    if (lua_isnil(L, -2))
        luaL_error(L, "%s: expected a JSON object: %s", name,
                   lua_tostring(L, -1));
    if (lua_type(L, -2) != LUA_TTABLE)
        luaL_error(L, "%s: expected a JSON object, such as {\"%s\": 1}", name,
                   strcmp(name, "options") == 0 ? "retry" : "cost");
    lua_pop(L, 1);
}

/* ---- types ---- */

/* In the table on top, which has the options, may `key` be set? */
static void
orun_agent_only_once(lua_State *L, const char *key, const char *field)
{
    lua_pushstring(L, key);
    if (lua_rawget(L, -2) != LUA_TNIL)
        luaL_error(L,
                   "options: %s is given, but it is the field %s of "
                   "orun_agent",
                   key, field);
    lua_pop(L, 1);
}

/* AgentHost.call: the thread is in a function of the host. */
static void
orun_agent_call(void *owner, AgentCalled *f, orun_call *c, void *ud)
{
    ApiVisit visit;
    api_guard_visit(owner, &visit);
    f(c, ud);
    api_guard_return(owner, &visit);
}

typedef struct OrunAgentNew {
    orun *o;
    orun_agent type;
} OrunAgentNew;

static int
orun_agent_define(lua_State *L)
{
    const OrunAgentNew *new = lua_touserdata(L, 1);
    const orun_agent *type = &new->type;
    AgentHost host = {
        .start = type->start,
        .stop = type->stop,
        .release = type->release,
        .ud = type->ud,
        .call = orun_agent_call,
        .owner = orun_guard(new->o),
        .grace = type->grace > 0 ? type->grace : orun_agent_grace,
    };
    lua_pushcfunction(L, lib_agent_host);
    if (type->options)
        orun_agent_push_json(L, "options", type->options);
    else
        lua_newtable(L);
    orun_agent_only_once(L, "name", "name");
    orun_agent_only_once(L, "description", "description");
    orun_agent_only_once(L, "limit", "slots");
    orun_agent_only_once(L, "timeout", "timeout");
    field_set_string(L, "name", type->name);
    field_set_string(L, "description", type->description);
    if (type->slots)
        field_set_integer(L, "limit", (lua_Integer)type->slots);
    if (type->timeout > 0 || isnan(type->timeout))
        field_set_number(L, "timeout", type->timeout);
    lua_pushlightuserdata(L, &host);
    lua_call(L, 2, 0);
    return 0;
}

/* What is wrong with the struct; NULL: nothing that can be seen here. */
static const char *
orun_agent_wrong(orun_agent *type, const orun_agent *given)
{
    enum { LEAST = offsetof(orun_agent, options) + sizeof(char *) };
    if (!given)
        return "type is NULL";
    if (!api_struct_read(type, sizeof *type, given, LEAST))
        return "type.size is not sizeof(orun_agent), or what is beyond the "
               "fields that this library knows is not 0";
    if (!type->name || !*type->name)
        return "name is missing; tasks ask for the type by it";
    if (!type->start)
        return "start is NULL; it is what does a task";
    if (type->slots > ORUN_AGENT_SLOTS)
        return "slots: expected at most 1000000; 0 is no bound";
    if (!(type->grace >= 0) || isinf(type->grace))
        return "grace: expected seconds, not below 0; 0 is 2 seconds";
    return NULL;
}

int
orun_add_agent(orun *o, const orun_agent *given)
{
    static const char fn[] = "orun_add_agent";
    OrunAgentNew new = { .o = o };
    Buf why = { 0 };
    int e = orun_hold(o, fn);
    if (e)
        return e;
    const char *wrong = orun_agent_wrong(&new.type, given);
    if (wrong)
        e = api_error_set(o, ORUN_EINVAL, "%s: %s", fn, wrong);
    else if ((e = orun_agent_lua(o, o->run.task, 0, orun_agent_define, &new,
                                 &why))
             != 0)
        api_error_set(o, e, "%s: %s", fn, why.n ? buf_cstr(&why) : err_text(e));
    buf_free(&why);
    api_guard_unhold(&o->guard);
    return e;
}

/* ---- calls ---- */

/* Say why nothing was done; returns `e`. */
static int
orun_call_refused(const char *fn, int e)
{
    const char *why = err_text(e);
    if (e == ORUN_EINVAL)
        why = "this is no call, or one that was ended and released";
    else if (e == ORUN_ESTATE)
        why = "the call has been ended";
    else if (e == ORUN_ESHUTDOWN)
        why = "the call was given up: its task is over";
    return e ? api_error_set(NULL, e, "%s: %s", fn, why) : 0;
}

/* End it as failed, with this text. */
static int
orun_call_fails(orun_call *c, const char *fn, TaskFault kind, const char *why)
{
    char *copy = mem_dup(why, strlen(why));
    return orun_call_refused(fn,
                             host_call_end(c, HOST_FAILED, NULL, kind, copy));
}

/* The same, because the host has used fn in a wrong way, which `e` says. */
static int
orun_call_misused(orun_call *c, const char *fn, int e, const char *why)
{
    int refused = orun_call_fails(
        c, fn, e == ORUN_ENOMEM ? FAULT_MEMORY : FAULT_LUA, why);
    return refused ? refused : api_error_set(NULL, e, "%s", why);
}

static int
orun_call_ends(orun_call *c, const char *fn, HostEnd how, const void *p,
               size_t n)
{
    Value *text = value_string(p, n);
    if (!text)
        return orun_call_misused(c, fn, ORUN_ENOMEM, err_text(ORUN_ENOMEM));
    return orun_call_refused(fn, host_call_end(c, how, text, FAULT_NONE, NULL));
}

int
orun_call_text(orun_call *c, const void *text, size_t n)
{
    if (!text && n)
        return orun_call_misused(c, "orun_call_text", ORUN_EINVAL,
                                 "orun_call_text: text is NULL, and n is not "
                                 "0");
    return orun_call_ends(c, "orun_call_text", HOST_TEXT, text, n);
}

int
orun_call_json(orun_call *c, const char *json)
{
    if (!json)
        return orun_call_misused(c, "orun_call_json", ORUN_EINVAL,
                                 "orun_call_json: json is NULL; the JSON null "
                                 "is \"null\"");
    return orun_call_ends(c, "orun_call_json", HOST_JSON, json, strlen(json));
}

/* The kinds that an agent may fail with; others are orun's to say. */
static int
orun_call_kind(const char *kind)
{
    static const TaskFault others[] = { FAULT_NONE, FAULT_MEMORY,
                                        FAULT_BLOCKED };
    int fault = kind ? task_fault_find(kind) : FAULT_LUA;
    for (size_t i = 0; i < countof(others); i++)
        if (fault == (int)others[i])
            return -1;
    return fault;
}

int
orun_call_fail(orun_call *c, const char *kind, const char *why)
{
    static const char fn[] = "orun_call_fail";
    int fault = orun_call_kind(kind);
    int e = orun_call_fails(c, fn, fault < 0 ? FAULT_LUA : (TaskFault)fault,
                            why && *why ? why : "the agent gave no reason");
    if (e || fault >= 0)
        return e;
    return api_error_set(NULL, ORUN_EINVAL,
                         "%s: kind = \"%.64s\": expected one of these: exit, "
                         "http, rate, timeout, schema, budget, conflict, "
                         "lost, spawn, signal, lua, cancelled",
                         fn, kind);
}

int
orun_call_stopped(orun_call *c)
{
    int e = host_call_stopped(c);
    return e < 0 ? orun_call_refused("orun_call_stopped", e) : e;
}

int
orun_call_write(orun_call *c, const void *bytes, size_t n)
{
    static const char fn[] = "orun_call_write";
    if (!bytes && n)
        return api_error_set(NULL, ORUN_EINVAL,
                             "%s: bytes is NULL, and n is not 0", fn);
    return orun_call_refused(fn, host_call_write(c, bytes, n));
}

static int
orun_call_reports(lua_State *L)
{
    const char *json = lua_touserdata(L, 1);
    lua_pushcfunction(L, lib_report);
    orun_agent_push_json(L, "report", json);
    lua_call(L, 1, 0);
    return 0;
}

int
orun_call_report(orun_call *call, const char *json)
{
    static const char fn[] = "orun_call_report";
    HostCall *c;
    Buf why = { 0 };
    if (!json)
        return api_error_set(NULL, ORUN_EINVAL, "%s: json is NULL", fn);
    int e = host_call_enter(call, &c);
    if (e)
        return orun_call_refused(fn, e);
    LuaRun *run = c->run;
    e = orun_agent_lua(c->agent.owner, run->task, run->attempt,
                       orun_call_reports, (void *)(uintptr_t)json, &why);
    if (e)
        api_error_set(NULL, e, "%s: %s", fn,
                      why.n ? buf_cstr(&why) : err_text(e));
    buf_free(&why);
    host_call_leave(c);
    return e;
}
