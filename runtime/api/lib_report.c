/* lib_report.c — orun.report, and what tasks have told in results. */
#include "api/lib_report.h"
#include "api/lib_arg.h"
#include "api/lib_orun.h"
#include "base/err.h"
#include "value/field.h"
#include "value/value.h"
#include <lauxlib.h>
#include <math.h>

/* clang-format off */
#define LIB_REPORT_FIELDS(X) \
    X(activity) X(cost) X(denials) X(model) X(retry_after) X(session) \
    X(session_id) X(usage)
/* clang-format on */

enum {
#define X(name) R_##name,
    LIB_REPORT_FIELDS(X)
#undef X
        R_COUNT
};

static const char *const lib_report_fields[] = {
#define X(name) #name,
    LIB_REPORT_FIELDS(X)
#undef X
};

enum { LIB_REPORT_TEXT = 64 << 10 };

/* The table at idx, {input_tokens =, …}, as counts; returns which there are. */
static unsigned
lib_report_usage(lua_State *L, int idx, uint64_t usage[REPORT_COUNT_KINDS])
{
    unsigned counted = 0;
    if (lua_isnil(L, idx))
        return 0;
    if (lua_type(L, idx) != LUA_TTABLE)
        arg_error(L, "report", "usage", idx,
                  "expected a table such as "
                  "{input_tokens=, output_tokens=}");
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2)
                                                          : "";
        int i = 0;
        while (i < REPORT_COUNT_KINDS && strcmp(name, report_counts[i]) != 0)
            i++;
        if (i == REPORT_COUNT_KINDS)
            luaL_error(L,
                       "report: usage has the unknown field %s; it has "
                       "input_tokens, output_tokens, cache_read_tokens, "
                       "cache_write_tokens and reasoning_tokens",
                       arg_show(L, -2));
        int whole;
        lua_Integer n = lua_tointegerx(L, -1, &whole);
        if (!whole || lua_type(L, -1) != LUA_TNUMBER || n < 0)
            luaL_error(L,
                       "report: usage.%s = %s: expected a count, a whole "
                       "number not below 0",
                       name, arg_show(L, -1));
        usage[i] = (uint64_t)n;
        counted |= 1u << i;
    }
    return counted;
}

/* A number that is not below 0, NAN when none is given. */
static double
lib_report_number(lua_State *L, const char *name, int idx, const char *what)
{
    if (lua_isnil(L, idx))
        return NAN;
    double x = lua_type(L, idx) == LUA_TNUMBER ? lua_tonumber(L, idx) : -1;
    if (!(x >= 0) || isinf(x))
        arg_error(L, "report", name, idx, what);
    return x;
}

/* The table at idx, {cost =, usage =}: what the session has used. */
static void
lib_report_session(lua_State *L, int idx, ReportNews *news)
{
    news->session_cost = NAN;
    if (lua_isnil(L, idx))
        return;
    if (lua_type(L, idx) != LUA_TTABLE)
        arg_error(L, "report", "session", idx,
                  "expected a table such as "
                  "{cost=, usage={input_tokens=}}");
    lua_getfield(L, idx, "cost");
    double cost = lib_report_number(L, "session.cost", lua_gettop(L),
                                    "expected US dollars, not below 0");
    lua_getfield(L, idx, "usage");
    lib_report_usage(L, lua_gettop(L), news->session_usage);
    lua_pop(L, 2);
    news->session_cost = isnan(cost) ? 0 : cost;
}

/* The array at idx as a Value, NULL for nil. */
static Value *
lib_report_denials(lua_State *L, int idx)
{
    static const ValueOps small = {
        .max_bytes = LIB_REPORT_TEXT,
        .data = true,
        .json = true,
    };
    Value *denials = NULL;
    if (lua_isnil(L, idx))
        return NULL;
    arg_array(L, "report", "denials", idx, 100);
    if (value_encode(L, idx, "denials", &small, &denials, NULL))
        arg_error(L, "report", "denials", idx,
                  "expected an array of "
                  "{tool=, what=}, texts of 64 KiB in all");
    return denials;
}

int
lib_report(lua_State *L)
{
    const char *fn = "report";
    LuaRun *run = park_run(L);
    ReportNews news = { 0 };
    arg_frame(L, fn, lib_report_fields, R_COUNT, false);
    news.activity = arg_text(L, fn, "activity", ARG(R_activity),
                             LIB_REPORT_TEXT);
    news.model = arg_text(L, fn, "model", ARG(R_model), LIB_REPORT_TEXT);
    news.session_id = arg_text(L, fn, "session_id", ARG(R_session_id),
                               LIB_REPORT_TEXT);
    news.cost = lib_report_number(L, "cost", ARG(R_cost),
                                  "expected US "
                                  "dollars, not below 0");
    news.retry_after = lib_report_number(L, "retry_after", ARG(R_retry_after),
                                         "expected seconds, not below 0");
    news.counted = lib_report_usage(L, ARG(R_usage), news.usage);
    lib_report_session(L, ARG(R_session), &news);
    if (run->task->id == 0)
        return luaL_error(L,
                          "report: the script is not a task; it is for code "
                          "that a task runs");
    news.denials = lib_report_denials(L, ARG(R_denials));
    int e = report_add(run->sched, run->task, run->attempt, &news);
    value_drop(news.denials);
    if (e)
        return luaL_error(L, "report: %s", err_text(ORUN_ENOMEM));
    return 0;
}

static void
lib_report_set(lua_State *L, const char *key, const char *s)
{
    if (*s)
        field_set_string(L, key, s);
}

void
lib_report_push(lua_State *L, Sched *s, const Task *t)
{
    TaskReport r;
    if (!report_get(s, t, &r))
        return;
    report_push_denials(L, &r);
    lua_setfield(L, -2, "denials");
    if (r.counted) {
        lua_createtable(L, 0, REPORT_COUNT_KINDS);
        for (size_t i = 0; i < REPORT_COUNT_KINDS; i++)
            if (r.counted >> i & 1) {
                field_set_integer(L, report_counts[i],
                                  (lua_Integer)(r.before[i] + r.usage[i]));
            }
        lua_setfield(L, -2, "usage");
    }
    if (r.costed)
        field_set_number(L, "cost", r.cost_before + r.cost);
    if (!task_final(t))
        lib_report_set(L, "activity", r.activity);
    lib_report_set(L, "model", r.model);
    lib_report_set(L, "session_id", r.session_id);
}
