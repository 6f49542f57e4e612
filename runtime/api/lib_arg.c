/* lib_arg.c — argument checks and their messages. */
#include "api/lib_arg.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sanitize.h"
#include "base/secret.h"
#include "engine/engine.h"
#include "sched/forget.h"
#include "sched/sched.h"
#include "task/agent.h"
#include "value/value.h"
#include "vm/handle.h"
#include "vm/park.h"
#include <ctype.h>
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

enum {
    ARG_SHOWN = 48,       /* bytes of a string shown in a message */
    ARG_AGENT_NAME = 200, /* bytes of an agent type's name */
    ARG_MODEL = 128,      /* bytes of a model's name */
};

/* In quotes, cut, safe to show. It is on the C stack when Lua, which may raise,
 * copies it. */
static const char *
arg_show_string(lua_State *L, int idx)
{
    char shown[512];
    Buf text = { 0 };
    size_t n;
    const char *s = lua_tolstring(L, idx, &n);
    sanitize_cut(&text, s, n, ARG_SHOWN);
    snprintf(shown, sizeof shown, "\"%s\"", buf_cstr(&text));
    buf_free(&text);
    return lua_pushstring(L, shown);
}

const char *
arg_show(lua_State *L, int idx)
{
    luaL_checkstack(L, 4, NULL);
    switch (lua_type(L, idx)) {
    case LUA_TNIL: return lua_pushliteral(L, "nil");
    case LUA_TBOOLEAN:
        return lua_pushstring(L, lua_toboolean(L, idx) ? "true" : "false");
    case LUA_TNUMBER:
        if (lua_isinteger(L, idx))
            return lua_pushfstring(L, "%I", (LUAI_UACINT)lua_tointeger(L, idx));
        return lua_pushfstring(L, "%f", (LUAI_UACNUMBER)lua_tonumber(L, idx));
    case LUA_TSTRING: return arg_show_string(L, idx);
    default: return lua_pushfstring(L, "a %s", luaL_typename(L, idx));
    }
}

int
arg_error(lua_State *L, const char *fn, const char *name, int idx,
          const char *want)
{
    const char *shown = arg_show(L, idx);
    return luaL_error(L, "%s: %s = %s: %s", fn, name, shown, want);
}

static int
arg_find(const char *key, const char *const *names, int n)
{
    int lo = 0, hi = n;
    while (lo < hi) {
        int mid = (lo + hi) / 2, order = strcmp(key, names[mid]);
        if (order == 0)
            return mid;
        if (order < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return -1;
}

static int
arg_unknown(lua_State *L, const char *fn, const char *const *names, int n)
{
    if (lua_type(L, -2) != LUA_TSTRING) {
        const char *shown = arg_show(L, -2);
        return luaL_error(L,
                          "%s: the field [%s] has no meaning here; %s takes "
                          "one table of named fields",
                          fn, shown, fn);
    }
    const char *key = lua_tostring(L, -2);
    const char *near = arg_nearest(key, names, n);
    const char *shown = arg_show(L, -2);
    if (near)
        return luaL_error(L, "%s: unknown field %s, did you mean '%s'?", fn,
                          shown, near);
    luaL_Buffer all;
    luaL_buffinit(L, &all);
    for (int i = 0; i < n; i++) {
        luaL_addstring(&all, i == 0 ? "" : ", ");
        luaL_addstring(&all, names[i]);
    }
    luaL_pushresult(&all);
    return luaL_error(L, "%s: unknown field %s; there are %s", fn, shown,
                      lua_tostring(L, -1));
}

void
arg_frame(lua_State *L, const char *fn, const char *const *names, int n,
          bool optional)
{
    Stop *stop = &vm_of(L)->stop;
    if (stop_hard(stop)) /* a C function called this: no hook was run */
        stop_raise(L, stop);
    if (optional && lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    if (lua_type(L, 1) != LUA_TTABLE)
        luaL_error(L, "%s: argument 1 is %s, not a table; call it as %s{...}",
                   fn, lua_isnone(L, 1) ? "missing" : arg_show(L, 1), fn);
    if (lua_gettop(L) > 1)
        luaL_error(L, "%s takes one table, and got %d arguments", fn,
                   lua_gettop(L));
    luaL_checkstack(L, n + 16, "too many fields");
    lua_settop(L, n + 1);
    for (lua_pushnil(L); lua_next(L, 1);) {
        int i = lua_type(L, -2) == LUA_TSTRING
            ? arg_find(lua_tostring(L, -2), names, n)
            : -1;
        if (i < 0)
            arg_unknown(L, fn, names, n);
        lua_replace(L, ARG(i));
    }
}

const char *
arg_string(lua_State *L, const char *fn, const char *name, int idx, size_t max,
           size_t *n)
{
    size_t length = 0;
    if (n)
        *n = 0;
    if (lua_isnil(L, idx))
        return NULL;
    if (lua_type(L, idx) != LUA_TSTRING)
        arg_error(L, fn, name, idx,
                  "expected a string; convert it yourself "
                  "with tostring");
    const char *s = lua_tolstring(L, idx, &length);
    if (length > max)
        luaL_error(L, "%s: %s is %I bytes long, and at most %I are allowed", fn,
                   name, (LUAI_UACINT)length, (LUAI_UACINT)max);
    if (n)
        *n = length;
    return s;
}

const char *
arg_text(lua_State *L, const char *fn, const char *name, int idx, size_t max)
{
    size_t n;
    const char *s = arg_string(L, fn, name, idx, max, &n);
    if (s && strlen(s) != n)
        arg_error(L, fn, name, idx, "it may not hold a NUL byte");
    return s;
}

bool
arg_bool(lua_State *L, const char *fn, const char *name, int idx, bool other)
{
    if (lua_isnil(L, idx))
        return other;
    if (!lua_isboolean(L, idx))
        arg_error(L, fn, name, idx,
                  "expected true or false (a string counts "
                  "as true in Lua)");
    return lua_toboolean(L, idx);
}

lua_Integer
arg_integer(lua_State *L, const char *fn, const char *name, int idx,
            lua_Integer lo, lua_Integer hi, lua_Integer other)
{
    if (lua_isnil(L, idx))
        return other;
    int is = 0;
    lua_Integer i = lua_type(L, idx) == LUA_TNUMBER
        ? lua_tointegerx(L, idx, &is)
        : 0;
    if (!is || i < lo || i > hi) {
        const char *want = lua_pushfstring(L,
                                           "expected an integer from "
                                           "%I to %I",
                                           (LUAI_UACINT)lo, (LUAI_UACINT)hi);
        arg_error(L, fn, name, idx, want);
    }
    return i;
}

void
arg_table(lua_State *L, const char *fn, const char *name, int idx)
{
    if (!lua_isnil(L, idx) && lua_type(L, idx) != LUA_TTABLE)
        arg_error(L, fn, name, idx, "expected a table of named fields");
}

typedef struct ArgUnit {
    const char *name;
    double factor;
} ArgUnit;

/* "12.5ms" -> 12.5 × the unit's factor; NaN when it is not of that form. */
static double
arg_with_unit(const char *s, const ArgUnit *units, size_t n)
{
    char *end;
    if (!(*s >= '0' && *s <= '9') && *s != '.')
        return NAN;
    double x = strtod(s, &end);
    for (size_t i = 0; i < n; i++)
        if (strcmp(end, units[i].name) == 0)
            return x * units[i].factor;
    return NAN;
}

double
arg_duration(lua_State *L, const char *fn, const char *name, int idx, bool zero,
             double other)
{
    static const ArgUnit units[] = {
        { "ms", 1e-3 }, { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 },
    };
    if (lua_isnil(L, idx))
        return other;
    double x = lua_type(L, idx) == LUA_TNUMBER ? lua_tonumber(L, idx)
        : lua_type(L, idx) == LUA_TSTRING
        ? arg_with_unit(lua_tostring(L, idx), units, countof(units))
        : NAN;
    if (!(x >= 0))
        arg_error(L, fn, name, idx,
                  "a duration is a number of seconds, 0 or "
                  "more, or a string such as \"250ms\", \"30s\", \"5m\", "
                  "\"2h\"");
    if (x == 0 && !zero)
        arg_error(L, fn, name, idx,
                  "0 seconds leave no time; use nil for none");
    return x == INFINITY ? x : fmin(x, 1e9);
}

size_t
arg_size(lua_State *L, const char *fn, const char *name, int idx)
{
    static const ArgUnit units[] = {
        { "KiB", 1024.0 },
        { "MiB", 1048576.0 },
        { "GiB", 1073741824.0 },
        { "B", 1 },
    };
    if (lua_isnil(L, idx))
        return 0;
    double x = lua_isinteger(L, idx) ? (double)lua_tointeger(L, idx)
        : lua_type(L, idx) == LUA_TSTRING
        ? arg_with_unit(lua_tostring(L, idx), units, countof(units))
        : NAN;
    if (!(x >= 1) || x > 1e15)
        arg_error(L, fn, name, idx,
                  "a size is a whole number of bytes, 1 or "
                  "more, or a string such as \"64KiB\", \"32MiB\", \"1GiB\"");
    return (size_t)x;
}

static bool
arg_is_name(const char *s, size_t n)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    if (n == 0 || n > 64 || strlen(s) != n || !strchr(first, s[0]))
        return false;
    for (size_t i = 1; i < n; i++)
        if (!strchr(first, s[i]) && !strchr("0123456789-", s[i]))
            return false;
    return true;
}

const char *
arg_name(lua_State *L, const char *fn, const char *name, int idx)
{
    size_t n;
    const char *s = arg_string(L, fn, name, idx, SIZE_MAX, &n);
    if (s && !arg_is_name(s, n))
        arg_error(L, fn, name, idx,
                  "a name has 1 to 64 letters, digits, '_' "
                  "and '-', and begins with a letter or '_'");
    return s;
}

const char *
arg_agent_name(lua_State *L, const char *fn, const char *name, int idx)
{
    size_t n;
    const char *s = arg_string(L, fn, name, idx, SIZE_MAX, &n);
    if (s
        && (n == 0 || n > ARG_AGENT_NAME || s[0] == ' ' || s[0] == '-'
            || s[n - 1] == ' ' || !sanitize_is_safe(s, n, SANITIZE_LINE)))
        arg_error(L, fn, name, idx,
                  "the name of an agent type is expected: "
                  "one line of text, at most 200 bytes, without blanks at its "
                  "ends, a '-' at its beginning, or control characters");
    return s;
}

lua_Integer
arg_array(lua_State *L, const char *fn, const char *name, int idx,
          lua_Integer max)
{
    if (lua_type(L, idx) != LUA_TTABLE)
        arg_error(L, fn, name, idx, "expected an array");
    lua_Integer count = 0, highest = 0;
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1), count++) {
        if (!lua_isinteger(L, -2)) {
            const char *key = arg_show(L, -2);
            luaL_error(L, "%s: %s has the key %s; an array has 1, 2, 3, ...",
                       fn, name, key);
        }
        lua_Integer i = lua_tointeger(L, -2);
        if (i > highest)
            highest = i;
        if (i < 1 || count >= max)
            luaL_error(L, "%s: %s: keys from 1 to %I are allowed", fn, name,
                       (LUAI_UACINT)max);
    }
    if (highest != count)
        luaL_error(L, "%s: %s has holes: %I entries, but the last is [%I]", fn,
                   name, (LUAI_UACINT)count, (LUAI_UACINT)highest);
    return count;
}

/* ---- tasks ---- */

/* Raise for an id that names no task. */
static int
arg_no_task(lua_State *L, const char *fn, const char *name, uint64_t id,
            size_t count)
{
    if (count <= 1)
        return luaL_error(L,
                          "%s: %s = t%I: no such task; none was started in "
                          "this run",
                          fn, name, (LUAI_UACINT)id);
    return luaL_error(L,
                      "%s: %s = t%I: no such task; the ids of this run are "
                      "t1 to t%I (ids of another run mean nothing here)",
                      fn, name, (LUAI_UACINT)id, (LUAI_UACINT)(count - 1));
}

/* Push what names the task: the string itself or the table's id. */
static void
arg_push_id(lua_State *L, int idx)
{
    static const char *const keys[] = { "id", "task_id" };
    idx = lua_absindex(L, idx);
    if (lua_type(L, idx) != LUA_TTABLE) {
        lua_pushvalue(L, idx);
        return;
    }
    for (size_t i = 0; i < countof(keys); i++) {
        lua_pushstring(L, keys[i]);
        lua_rawget(L, idx);
        if (!lua_isnil(L, -1))
            return;
        lua_pop(L, 1);
    }
    lua_pushnil(L);
}

/* The number in the id on top; 0: it is none. */
static uint64_t
arg_parse_id(lua_State *L)
{
    size_t n = 0;
    const char *s = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &n)
                                                   : NULL;
    return s && strlen(s) == n ? handle_parse(s) : 0;
}

uint64_t
arg_task_id(lua_State *L, int idx)
{
    luaL_checkstack(L, 8, NULL);
    arg_push_id(L, idx);
    uint64_t id = arg_parse_id(L);
    lua_pop(L, 1);
    return id;
}

Task *
arg_task(lua_State *L, const char *fn, const char *name, int idx)
{
    LuaRun *run = park_run(L);
    idx = lua_absindex(L, idx);
    luaL_checkstack(L, 8, NULL);
    arg_push_id(L, idx);
    uint64_t id = arg_parse_id(L);
    if (id == 0)
        arg_error(
            L, fn, name, idx,
            lua_isnil(L, -1)
                ? "a task is named by its handle or its id, a string such "
                  "as \"t1\": keep what Task gives, local t = Task{...}"
                : "a task is named by its handle or its id, a string such "
                  "as \"t1\"");
    Task *t = board_find(&run->sched->board, id);
    if (!t)
        arg_no_task(L, fn, name, id, run->sched->board.count);
    else if (forget_is(t))
        luaL_error(L, ARG_FORGOTTEN, fn, name, (LUAI_UACINT)id, (LUAI_UACINT)id,
                   forget_why(&run->sched->board, id));
    lua_pop(L, 1);
    return t;
}

lua_Integer
arg_tasks(lua_State *L, const char *fn, const char *name, int idx)
{
    if (lua_isnil(L, idx))
        return 0;
    if (handle_is(L, idx))
        arg_error(L, fn, name, idx,
                  "expected an array of tasks; put the "
                  "handle in braces: {handle}");
    lua_Integer n = arg_array(L, fn, name, idx, BOARD_MAX_BLOCKERS);
    luaL_checkstack(L, (int)n + 8, "too many tasks");
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, idx, i);
        Task *t = arg_task(L, fn, name, -1);
        lua_pushlightuserdata(L, t);
        lua_replace(L, -2);
    }
    return n;
}

/* ---- options of tasks and of agent types ---- */

Retry
arg_retry(lua_State *L, const char *fn, int idx)
{
    Retry r = { .backoff = 0.5,
                .on = ~(1u << FAULT_BLOCKED | 1u << FAULT_CANCELLED
                        | 1u << FAULT_BUDGET) };
    if (lua_isnil(L, idx))
        return (Retry){ 0 };
    if (lua_type(L, idx) == LUA_TNUMBER) {
        r.max = (int)arg_integer(L, fn, "retry", idx, 0, 1000, 0);
        return r;
    }
    if (lua_type(L, idx) != LUA_TTABLE)
        arg_error(L, fn, "retry", idx,
                  "expected a number of tries or a table "
                  "{max=, backoff=, on=, resume=}");
    static const char *const names[] = { "backoff", "max", "on", "resume" };
    int top = lua_gettop(L);
    luaL_checkstack(L, 8, NULL);
    lua_settop(L, top + (int)countof(names));
    for (lua_pushnil(L); lua_next(L, idx);) {
        int i = -1;
        bool named = lua_type(L, -2) == LUA_TSTRING;
        for (int k = 0; named && k < (int)countof(names); k++)
            if (strcmp(lua_tostring(L, -2), names[k]) == 0)
                i = k;
        if (i < 0)
            luaL_error(L,
                       "%s: retry has the unknown field %s; it has max, "
                       "backoff, on and resume",
                       fn, arg_show(L, -2));
        lua_replace(L, top + 1 + i);
    }
    r.backoff = arg_duration(L, fn, "retry.backoff", top + 1, true, r.backoff);
    r.max = (int)arg_integer(L, fn, "retry.max", top + 2, 0, 1000, 2);
    r.resume = arg_bool(L, fn, "retry.resume", top + 4, false);
    if (!lua_isnil(L, top + 3)) {
        lua_Integer n = arg_array(L, fn, "retry.on", top + 3, FAULT_COUNT);
        r.on = 0;
        for (lua_Integer i = 1; i <= n; i++) {
            int is = lua_rawgeti(L, top + 3, i) == LUA_TSTRING
                ? task_fault_find(lua_tostring(L, -1))
                : -1;
            if (is >= 0)
                r.on |= 1u << is;
            else
                arg_error(L, fn, "retry.on", -1,
                          "expected an error_kind such "
                          "as \"exit\", \"timeout\", \"lua\"");
            lua_pop(L, 1);
        }
    }
    lua_settop(L, top);
    return r;
}

uint8_t
arg_permissions(lua_State *L, const char *fn, int idx)
{
    if (lua_isnil(L, idx))
        return PERMISSION_NONE;
    const char *s = arg_text(L, fn, "permissions", idx, 32);
    int permission = s ? task_permission_find(s) : -1;
    if (permission < 0)
        arg_error(L, fn, "permissions", idx,
                  "expected \"read\", \"edit\" or "
                  "\"full\"");
    return (uint8_t)permission;
}

uint8_t
arg_granted(lua_State *L, const char *fn, int idx, const AgentType *agent)
{
    uint8_t own = agent ? agent->opt.permissions : PERMISSION_NONE;
    uint8_t asked = arg_permissions(L, fn, idx);
    if (asked && !own)
        arg_error(L, fn, "permissions", idx,
                  "they are for agents of a preset "
                  "that takes them, of an api, or of a type with run=function "
                  "that has permissions itself");
    if (!own)
        return PERMISSION_NONE;
    uint8_t most = task_permission(park_run(L)->task);
    if (asked && most && asked > most)
        luaL_error(L,
                   "%s: permissions = \"%s\": the task that starts it has "
                   "\"%s\", and cannot give more",
                   fn, task_permission_name(asked), task_permission_name(most));
    uint8_t granted = asked ? asked : own;
    return most && granted > most ? most : granted;
}

int
arg_no_resume(lua_State *L, const char *fn)
{
    return luaL_error(L,
                      "%s: retry.resume is for agents whose session orun "
                      "knows (a preset, or run=function that calls "
                      "orun.report{session_id=}); a command has none",
                      fn);
}

/* One word of it, at idx. */
static void
arg_isolation_word(lua_State *L, const char *fn, int idx, bool lua,
                   Isolation *i)
{
    const char *s = arg_text(L, fn, "isolation", idx, 32);
    if (s && strcmp(s, "worktree") == 0) {
        i->worktree = true;
        return;
    }
    if (!s || strcmp(s, "process") != 0)
        arg_error(L, fn, "isolation", idx,
                  "expected \"process\" (a process "
                  "of its own; without it a Lua task runs in a thread), "
                  "\"worktree\" (a git worktree of its own) or "
                  "{\"process\", \"worktree\"}");
    if (!lua)
        arg_error(L, fn, "isolation", idx,
                  "it is for Lua functions; what an "
                  "agent with a command, preset or api does is done by another "
                  "process already");
    i->process = true;
}

Isolation
arg_isolation(lua_State *L, const char *fn, int idx, bool lua)
{
    Isolation i = { 0 };
    if (lua_isnil(L, idx))
        return i;
    if (lua_type(L, idx) != LUA_TTABLE) {
        arg_isolation_word(L, fn, idx, lua, &i);
        return i;
    }
    lua_Integer n = arg_array(L, fn, "isolation", idx, 2);
    for (lua_Integer k = 1; k <= n; k++) {
        lua_rawgeti(L, idx, k);
        arg_isolation_word(L, fn, lua_gettop(L), lua, &i);
        lua_pop(L, 1);
    }
    return i;
}

const char *
arg_base(lua_State *L, const char *fn, int idx, bool worktree)
{
    const char *base = arg_text(L, fn, "base", idx, 256);
    if (base && (!*base || *base == '-'))
        arg_error(L, fn, "base", idx, "expected a commit, branch or tag");
    if (base && !worktree)
        arg_error(L, fn, "base", idx,
                  "it is what a worktree begins at, and "
                  "none is asked for: isolation = \"worktree\"");
    return base;
}

void
arg_check_env(lua_State *L, const char *fn, int idx)
{
    if (lua_isnil(L, idx))
        return;
    if (lua_type(L, idx) != LUA_TTABLE)
        arg_error(L, fn, "env", idx, "expected a table {NAME=\"value\"}");
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L,
                       "%s: env has the key %s; names of variables are "
                       "strings",
                       fn, arg_show(L, -2));
        size_t kn, vn;
        const char *k = lua_tolstring(L, -2, &kn);
        if (kn == 0 || strchr(k, '=') || strlen(k) != kn)
            luaL_error(L,
                       "%s: env has the name %s; it may not be empty or "
                       "hold '=' or NUL",
                       fn, arg_show(L, -2));
        if (lua_isboolean(L, -1) && !lua_toboolean(L, -1))
            continue; /* to be without it */
        if (lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L,
                       "%s: env.%s = %s: expected a string, or false for "
                       "none",
                       fn, k, arg_show(L, -1));
        const char *v = lua_tolstring(L, -1, &vn);
        if (strlen(v) != vn)
            luaL_error(L, "%s: env.%s holds a NUL byte", fn, k);
        if (secret_see(k, v))
            luaL_error(L, "%s: %s", fn, err_text(ORUN_ENOMEM));
    }
}

/* A model's name stands on the command line of programs and in requests: no
 * option, and nothing that is not part of such names. */
const char *
arg_model(lua_State *L, const char *fn, int idx)
{
    static const char others[] = "._-/:@+[]";
    const char *s = arg_text(L, fn, "model", idx, ARG_MODEL);
    bool fine = s && isalnum((unsigned char)*s);
    for (const char *p = s; fine && *p; p++)
        fine = isalnum((unsigned char)*p) || strchr(others, *p);
    if (s && !fine)
        arg_error(L, fn, "model", idx,
                  "expected a name such as \"haiku\", "
                  "\"gpt-5.1\" or \"provider/model\"");
    return s;
}

/* ---- what is made of them, without raising ---- */

static void
arg_report_left(LuaRun *run, const char *fn, const Buf *left)
{
    Buf text = { 0 };
    buf_printf(&text, "orun: %s: ", fn);
    buf_put(&text, left->p, left->n);
    buf_putc(&text, '\n');
    if (!buf_failed(&text) && engine_once(run->engine, buf_cstr(&text)))
        log_tell(LOG_WARNING, text.p, text.n);
    buf_free(&text);
}

int
arg_encode(lua_State *L, const char *fn, const char *name, int idx,
           const ValueOps *base, Value **out, Buf *why)
{
    Buf left = { 0 };
    ValueOps ops = *base;
    ops.left = &left;
    int e = value_encode(L, idx, name, &ops, out, why);
    if (e == 0 && left.n)
        arg_report_left(park_run(L), fn, &left);
    buf_free(&left);
    return e;
}

void
lib_why(LibWhy *why, const char *fn, Buf *b)
{
    Buf safe = { 0 };
    sanitize_put(&safe, b->p, b->n, SANITIZE_TEXT);
    const char *text = buf_cstr(&safe);
    /* cppcheck-suppress ctuuninitvar ; filled here, not read */
    snprintf(why->text, sizeof why->text, "%s: %s", fn,
             *text ? text : err_text(ORUN_ENOMEM));
    buf_free(&safe);
    buf_free(b);
}

void
lib_why_backlog(LibWhy *why, const char *fn, LuaRun *run)
{
    Buf text = { 0 };
    buf_puts(&text,
             "the tasks of this run, their inputs and their results "
             "would take more than the ");
    buf_bytes(&text, run->sched->backlog);
    buf_puts(&text,
             " of memory set aside for them (the backlog): start fewer "
             "at a time (orun.fan_out has limit=), hand large data on in "
             "files, or raise it with orun.config{backlog = \"4GiB\"}");
    lib_why(why, fn, &text);
}

char **
arg_env(lua_State *L, int idx, bool *failed)
{
    size_t n = 0;
    if (lua_isnil(L, idx))
        return NULL;
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1))
        n++;
    char **env = mem_zalloc(n + 1, sizeof *env);
    *failed |= !env;
    n = 0;
    lua_pushnil(L);
    while (env && lua_next(L, idx)) {
        Buf b = { 0 };
        buf_puts(&b, lua_tostring(L, -2));
        if (lua_isstring(L, -1))
            buf_printf(&b, "=%s", lua_tostring(L, -1));
        env[n] = buf_take(&b);
        *failed |= !env[n];
        n += env[n] != NULL;
        lua_pop(L, 1);
    }
    if (!env)
        lua_pop(L, 1);
    return env;
}
