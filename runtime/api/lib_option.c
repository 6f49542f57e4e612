/* lib_option.c — options of tasks and agent types alike. */
#include "api/lib_arg.h"
#include "api/lib_task.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/sanitize.h"
#include "base/secret.h"
#include "control/register.h"
#include "engine/engine.h"
#include "sched/forget.h"
#include "sched/lifecycle.h"
#include "sched/sched.h"
#include "task/writes.h"
#include "value/value.h"
#include <ctype.h>
#include <lauxlib.h>
#include <stdio.h>

bool
lib_closing(const LuaRun *run)
{
    return run->vm->script && run->sched->closing;
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
    buf_puts(&text, "the tasks of this run, their inputs and their results "
             "would take more than the ");
    buf_bytes(&text, run->sched->backlog);
    buf_puts(&text, " of memory set aside for them (the backlog): start fewer "
             "at a time (orun.fan_out has limit=), hand large data on in "
             "files, or raise it with orun.config{backlog = \"4GiB\"}");
    lib_why(why, fn, &text);
}

Retry
lib_retry(lua_State *L, const char *fn, int idx)
{
    Retry r = { .backoff = 0.5, .on = ~(1u << FAULT_BLOCKED
                                        | 1u << FAULT_CANCELLED
                                        | 1u << FAULT_BUDGET) };
    if (lua_isnil(L, idx))
        return (Retry){ 0 };
    if (lua_type(L, idx) == LUA_TNUMBER) {
        r.max = (int)arg_integer(L, fn, "retry", idx, 0, 1000, 0);
        return r;
    }
    if (lua_type(L, idx) != LUA_TTABLE)
        arg_error(L, fn, "retry", idx, "expected a number of tries or a table "
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
            luaL_error(L, "%s: retry has the unknown field %s; it has max, "
                       "backoff, on and resume", fn, arg_show(L, -2));
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
                ? task_fault_find(lua_tostring(L, -1)) : -1;
            if (is >= 0)
                r.on |= 1u << is;
            else
                arg_error(L, fn, "retry.on", -1, "expected an error_kind such "
                          "as \"exit\", \"timeout\", \"lua\"");
            lua_pop(L, 1);
        }
    }
    lua_settop(L, top);
    return r;
}

uint8_t
lib_permissions(lua_State *L, const char *fn, int idx)
{
    if (lua_isnil(L, idx))
        return PERMISSION_NONE;
    const char *s = arg_text(L, fn, "permissions", idx, 32);
    int permission = s ? task_permission_find(s) : -1;
    if (permission < 0)
        arg_error(L, fn, "permissions", idx, "expected \"read\", \"edit\" or "
                  "\"full\"");
    return (uint8_t)permission;
}

uint8_t
lib_granted(lua_State *L, const char *fn, int idx, const AgentType *agent)
{
    uint8_t own = agent ? agent->opt.permissions : PERMISSION_NONE;
    uint8_t asked = lib_permissions(L, fn, idx);
    if (asked && !own)
        arg_error(L, fn, "permissions", idx, "they are for agents of a preset "
                  "that takes them, of an api, or of a type with run=function "
                  "that has permissions itself");
    if (!own)
        return PERMISSION_NONE;
    uint8_t most = task_permission(park_run(L)->task);
    if (asked && most && asked > most)
        luaL_error(L, "%s: permissions = \"%s\": the task that starts it has "
                   "\"%s\", and cannot give more", fn,
                   task_permission_name(asked), task_permission_name(most));
    uint8_t granted = asked ? asked : own;
    return most && granted > most ? most : granted;
}

int
lib_no_resume(lua_State *L, const char *fn)
{
    return luaL_error(L, "%s: retry.resume is for agents whose session orun "
                      "knows (a preset, or run=function that calls "
                      "orun.report{session_id=}); a command has none", fn);
}

/* One word of it, at idx. */
static void
lib_isolation_word(lua_State *L, const char *fn, int idx, bool lua,
                   Isolation *i)
{
    const char *s = arg_text(L, fn, "isolation", idx, 32);
    if (s && strcmp(s, "worktree") == 0) {
        i->worktree = true;
        return;
    }
    if (!s || strcmp(s, "process") != 0)
        arg_error(L, fn, "isolation", idx, "expected \"process\" (a process "
                  "of its own; without it a Lua task runs in a thread), "
                  "\"worktree\" (a git worktree of its own) or "
                  "{\"process\", \"worktree\"}");
    if (!lua)
        arg_error(L, fn, "isolation", idx, "it is for Lua functions; what an "
                  "agent with a command, preset or api does is done by another "
                  "process already");
    i->process = true;
}

Isolation
lib_isolation(lua_State *L, const char *fn, int idx, bool lua)
{
    Isolation i = { 0 };
    if (lua_isnil(L, idx))
        return i;
    if (lua_type(L, idx) != LUA_TTABLE) {
        lib_isolation_word(L, fn, idx, lua, &i);
        return i;
    }
    lua_Integer n = arg_array(L, fn, "isolation", idx, 2);
    for (lua_Integer k = 1; k <= n; k++) {
        lua_rawgeti(L, idx, k);
        lib_isolation_word(L, fn, lua_gettop(L), lua, &i);
        lua_pop(L, 1);
    }
    return i;
}

const char *
lib_base(lua_State *L, const char *fn, int idx, bool worktree)
{
    const char *base = arg_text(L, fn, "base", idx, 256);
    if (base && (!*base || *base == '-'))
        arg_error(L, fn, "base", idx, "expected a commit, branch or tag");
    if (base && !worktree)
        arg_error(L, fn, "base", idx, "it is what a worktree begins at, and "
                  "none is asked for: isolation = \"worktree\"");
    return base;
}

void
lib_check_env(lua_State *L, const char *fn, int idx)
{
    if (lua_isnil(L, idx))
        return;
    if (lua_type(L, idx) != LUA_TTABLE)
        arg_error(L, fn, "env", idx, "expected a table {NAME=\"value\"}");
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "%s: env has the key %s; names of variables are "
                       "strings", fn, arg_show(L, -2));
        size_t kn, vn;
        const char *k = lua_tolstring(L, -2, &kn);
        if (kn == 0 || strchr(k, '=') || strlen(k) != kn)
            luaL_error(L, "%s: env has the name %s; it may not be empty or "
                       "hold '=' or NUL", fn, arg_show(L, -2));
        if (lua_isboolean(L, -1) && !lua_toboolean(L, -1))
            continue; /* to be without it */
        if (lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L, "%s: env.%s = %s: expected a string, or false for "
                       "none", fn, k, arg_show(L, -1));
        const char *v = lua_tolstring(L, -1, &vn);
        if (strlen(v) != vn)
            luaL_error(L, "%s: env.%s holds a NUL byte", fn, k);
        if (secret_see(k, v))
            luaL_error(L, "%s: %s", fn, err_text(ORUN_ENOMEM));
    }
}

char **
lib_env(lua_State *L, int idx, bool *failed)
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

enum { LIB_MAX_MODEL = 128 }; /* bytes of a model's name */

/* A model's name stands on the command line of programs and in requests: no
 * option, and nothing that is not part of such names. */
const char *
lib_model(lua_State *L, const char *fn, int idx)
{
    static const char others[] = "._-/:@+[]";
    const char *s = arg_text(L, fn, "model", idx, LIB_MAX_MODEL);
    bool fine = s && isalnum((unsigned char)*s);
    for (const char *p = s; fine && *p; p++)
        fine = isalnum((unsigned char)*p) || strchr(others, *p);
    if (s && !fine)
        arg_error(L, fn, "model", idx, "expected a name such as \"haiku\", "
                  "\"gpt-5.1\" or \"provider/model\"");
    return s;
}

int
lib_add(lua_State *L, Task *draft, int first, lua_Integer n, Task **out)
{
    Sched *s = park_run(L)->sched;
    Task *parent = park_run(L)->task;
    const Value *input = draft->input;
    size_t inside = input ? value_handles(input) : 0, count = 0;
    register_run(park_run(L)->engine);
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

Writes *
lib_writes(lua_State *L, Engine *h, int idx, lua_Integer n, const char *cwd)
{
    Writes *w = mem_zalloc(1, sizeof *w);
    if (!w)
        return NULL;
    list_init(&w->held);
    w->paths = mem_zalloc((size_t)n, sizeof *w->paths);
    for (lua_Integer i = 1; w->paths && i <= n; i++) {
        lua_rawgeti(L, idx, i);
        char *p = writes_path(cwd && cwd[0] == '/' ? cwd : h->cwd,
                              lua_tostring(L, -1));
        lua_pop(L, 1);
        if (!p)
            break;
        w->paths[w->n++] = p;
    }
    if (w->n == (size_t)n)
        return w;
    writes_free(w);
    return NULL;
}
