/* lib_limit.c — orun.limit: slots, rates and budgets. */
#include "api/lib_limit.h"
#include "api/lib_arg.h"
#include "api/lib_orun.h"
#include "base/err.h"
#include "sched/admit.h"
#include "sched/slot_number.h"
#include "sched/slots.h"
#include "sched/wait.h"
#include "value/field.h"
#include <lauxlib.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>

/* Seconds of the time that a rate ends in ("min", "200ms"), 0 when it is none.
 */
static double
lib_rate_period(const char *text)
{
    static const struct {
        const char *word;
        double seconds;
    } known[] = {
        { "ms", 1e-3 },   { "s", 1 },     { "sec", 1 },     { "second", 1 },
        { "min", 60 },    { "m", 60 },    { "minute", 60 }, { "h", 3600 },
        { "hour", 3600 }, { "d", 86400 }, { "day", 86400 },
    };
    double times = 1;
    size_t digits = strspn(text, "0123456789.");
    if (digits && sscanf(text, "%lf", &times) != 1)
        return 0;
    for (size_t i = 0; i < countof(known); i++)
        if (strcmp(known[i].word, text + digits) == 0)
            return known[i].seconds * times;
    return 0;
}

static void
lib_read_rate(lua_State *L, const char *fn, int idx, MeterSpec *spec)
{
    char what[16] = "", time[32] = "", burst[8] = "", rest;
    double n = 0;
    MeterRate *r = &spec->rate[spec->rates];
    const char *s = arg_text(L, fn, "rate", idx, 64);
    int plain = !s
        ? 0
        : sscanf(s, "%lf/%31[0-9.a-z] %7[a-z]%c", &n, time, burst, &rest);
    bool named = s && plain < 2
        && sscanf(s, "%lf %15[a-z]/%31[0-9.a-z]%c", &n, what, time, &rest) == 3;
    r->period = lib_rate_period(time);
    r->n = n;
    r->tokens = strcmp(what, "tokens") == 0;
    r->burst = strcmp(burst, "burst") == 0;
    bool fine = plain == 2 ? !strchr(s, ' ') : plain == 3 && r->burst;
    if ((!fine && !named) || (named && !r->tokens)
        || !(r->period >= 1e-3 && r->period <= 1e9) || !(n >= 1 && n <= 1e15))
        arg_error(L, fn, "rate", idx,
                  "expected a number of tasks or tokens "
                  "in a time, such as \"50/min\", \"1/200ms\", \"3/5s\", "
                  "\"10/s burst\" (not spaced) or \"100000 tokens/min\"");
    if (!r->tokens && (n > METER_MOST || floor(n) != n))
        arg_error(L, fn, "rate", idx, "expected whole tasks, 100000 at most");
    spec->rates++;
}

static void
lib_read_budget(lua_State *L, const char *fn, int idx, MeterBudget *b)
{
    if (lua_type(L, idx) != LUA_TTABLE)
        arg_error(L, fn, "budget", idx,
                  "expected a table {usd=, tokens=, "
                  "tasks=}");
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2)
                                                          : "";
        double n = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : -1;
        bool usd = strcmp(name, "usd") == 0;
        bool known = usd || !strcmp(name, "tokens") || !strcmp(name, "tasks");
        if (!known)
            luaL_error(L,
                       "%s: budget has the unknown field %s; it has usd, "
                       "tokens and tasks",
                       fn, arg_show(L, -2));
        if (!(n > 0 && n < 1e15) || (!usd && floor(n) != n))
            luaL_error(L, "%s: budget.%s = %s: expected a number above 0%s", fn,
                       name, arg_show(L, -1), usd ? "" : ", a whole one");
        if (usd)
            b->usd = n;
        else
            *(name[1] == 'o' ? &b->tokens : &b->tasks) = (uint64_t)n;
    }
}

bool
lib_read_meter(lua_State *L, const char *fn, int rate, int budget,
               MeterSpec *spec)
{
    *spec = (MeterSpec){ 0 };
    if (lua_type(L, rate) == LUA_TTABLE) {
        lua_Integer n = arg_array(L, fn, "rate", rate, METER_RATES);
        for (lua_Integer i = 1; i <= n; i++) {
            lua_rawgeti(L, rate, i);
            lib_read_rate(L, fn, lua_gettop(L), spec);
            lua_pop(L, 1);
        }
    } else if (arg_given(L, rate)) {
        lib_read_rate(L, fn, rate, spec);
    }
    if (arg_given(L, budget))
        lib_read_budget(L, fn, budget, &spec->budget);
    if (park_run(L)->sched->plan)
        *spec = (MeterSpec){ 0 }; /* nothing is done that would count */
    return arg_given(L, rate) || arg_given(L, budget);
}

/* What there is to see of a limit, copied under the lock. */
typedef struct LibLimitSeen {
    int slots, now, used;
    double opens;
    MeterBudget spent, budget;
} LibLimitSeen;

static LibLimitSeen
lib_limit_see(Sched *s, const Limit *l)
{
    sched_lock(s);
    double now = board_now(&s->board);
    double at = l->meter ? meter_opens(l->meter, now) : 0;
    LibLimitSeen seen = { .slots = l->slots,
                          .now = limit_slots_now(l),
                          .used = l->used,
                          .opens = at > 0 ? at - now : 0 };
    if (l->meter) {
        seen.spent = l->meter->spent;
        seen.budget = l->meter->spec.budget;
    }
    board_unlock(&s->board);
    return seen;
}

/* Set the field called `name` to {usd=, tokens=, tasks=}; where there are some
 * only, without zeros. */
static void
lib_limit_set_budget(lua_State *L, const char *name, const MeterBudget *b,
                     bool some)
{
    lua_createtable(L, 0, 3);
    if (b->usd > 0 || !some)
        field_set_number(L, "usd", b->usd);
    if (b->tokens || !some)
        field_set_integer(L, "tokens", (lua_Integer)b->tokens);
    if (b->tasks || !some)
        field_set_integer(L, "tasks", (lua_Integer)b->tasks);
    lua_setfield(L, -2, name);
}

static int
lib_limit_push(lua_State *L, Sched *s, const Limit *l)
{
    LibLimitSeen seen = lib_limit_see(s, l);
    lua_createtable(L, 0, 5);
    if (seen.slots < INT_MAX)
        field_set_integer(L, "slots", seen.slots);
    field_set_integer(L, "used", seen.used);
    if (seen.now < seen.slots)
        field_set_integer(L, "throttled_to", seen.now);
    if (seen.opens > 0) {
        field_set_number(L, "opens_in", seen.opens);
    }
    lib_limit_set_budget(L, "spent", &seen.spent, false);
    lib_limit_set_budget(L, "budget", &seen.budget, true);
    return 1;
}

/* limit(): the run, with its slots of each kind. */
static int
lib_limit_run(lua_State *L, Sched *s)
{
    static const char *const kinds[SLOT_KINDS] = {
        [SLOT_LUA] = "workers",
        [SLOT_PROCESS] = "processes",
        [SLOT_HTTP] = "http",
        [SLOT_HOST] = "host",
    };
    if (slots_count_run(s))
        return luaL_error(L, "limit: %s", err_text(ORUN_ENOMEM));
    lib_limit_push(L, s, s->whole);
    for (int i = 0; i < SLOT_KINDS; i++) {
        LibLimitSeen seen = lib_limit_see(s, s->kind[i]);
        lua_createtable(L, 0, 2);
        if (seen.slots < INT_MAX)
            field_set_integer(L, "slots", seen.slots);
        field_set_integer(L, "used", seen.used);
        lua_setfield(L, -2, kinds[i]);
    }
    return 1;
}

/* limit(name): a pool, or an agent type; nil when nothing has this name. */
static int
lib_limit_look(lua_State *L, Sched *s)
{
    const char *name = arg_agent_name(L, "limit", "name", 1);
    const Limit *l = slots_find(s, name);
    const AgentType *type = l ? NULL : sched_agent(s, name);
    if (type)
        l = type->limit;
    if (!l)
        lua_pushnil(L);
    else
        lib_limit_push(L, s, l);
    return 1;
}

enum { LIB_LIMIT_NAME = 80 }; /* bytes that a checked name fits into */

static const char *const lib_limit_fields[] = { "budget", "rate", "slots" };

Limit *
lib_limit_find(lua_State *L, const char *fn, const char *what, const char *name)
{
    enum { NAMES = 256 };
    const char *names[NAMES];
    Sched *s = park_run(L)->sched;
    Limit *l = slots_find(s, name);
    if (l)
        return l;
    const char *near = arg_nearest(name, names, slots_names(s, names, NAMES));
    if (near)
        luaL_error(L,
                   "%s: %s = \"%s\": there is no such pool, did you mean "
                   "\"%s\"?",
                   fn, what, name, near);
    luaL_error(L,
               "%s: %s = \"%s\": there is no such pool; make it first, "
               "with as many slots as it is to have: orun.limit(\"%s\", 2)",
               fn, what, name, name);
    return NULL;
}

/* limit(name, slots), limit(name, {slots=, rate=, budget=}) make a named pool,
 * or set what it allows; limit(name) looks at one or at an agent type, limit()
 * at the run. Each returns its state. */
int
lib_limit(lua_State *L)
{
    LuaRun *run = park_run(L);
    MeterSpec spec;
    bool metered = false;
    if (lua_gettop(L) == 0)
        return lib_limit_run(L, run->sched);
    lua_settop(L, 2);
    if (arg_given(L, 1) && !arg_given(L, 2))
        return lib_limit_look(L, run->sched);
    const char *given = arg_name(L, "limit", "name", 1);
    lua_Integer n = 0;
    char name[LIB_LIMIT_NAME];
    if (!given)
        return luaL_error(L, "limit: the name of the pool is missing");
    snprintf(name, sizeof name, "%s", given);
    if (lua_type(L, 2) == LUA_TTABLE) {
        lua_remove(L, 1);
        arg_frame(L, "limit", lib_limit_fields, 3, false);
        n = arg_integer(L, "limit", "slots", ARG(2), 1, 1000000, 0);
        metered = lib_read_meter(L, "limit", ARG(1), ARG(0), &spec);
    } else {
        n = arg_integer(L, "limit", "slots", 2, 1, 1000000, 0);
    }
    int slots = n ? (int)n : metered ? INT_MAX : 0;
    Limit *l = slots
        ? slots_limit(run->sched, name, slots, metered ? &spec : NULL)
        : lib_limit_find(L, "limit", "name", name);
    if (!l)
        return luaL_error(L, "limit: %s", err_text(ORUN_ENOMEM));
    return lib_limit_push(L, run->sched, l);
}

/* slot() -> the number of the slot that the task has, from 1 on; nil: it has
 * none that is numbered (slot_number.h). */
int
lib_slot(lua_State *L)
{
    const LuaRun *run = park_run(L);
    uint32_t n = slot_number(run->sched, run->task);
    if (n)
        lua_pushinteger(L, (lua_Integer)n);
    else
        lua_pushnil(L);
    return 1;
}

void
lib_push_reason(lua_State *L, Sched *s, const Task *t)
{
    const char *limit = NULL, *why = "";
    double wait = 0;
    sched_lock(s);
    if (t->state == TASK_READY && t->kind != TASK_ITEM && !t->has_kind)
        why = task_due(t) ? "retry" : admit_reason(s, t, &limit, &wait);
    if (*why && task_due(t))
        wait = task_due(t)->at - board_now(&s->board);
    board_unlock(&s->board);
    if (!*why)
        return;
    field_set_string(L, "waiting_for", why);
    if (limit && strcmp(why, "writes") != 0)
        field_set_string(L, "waiting_at", limit);
    if (wait > 0) {
        field_set_number(L, "wait", wait);
    }
}
