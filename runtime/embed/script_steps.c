/* script_steps.c — what a command line has run, in order.
 *
 * As Lua's own program does it: each in a chunk of its own, all with the same
 * globals; the first that fails is the last. What the last one returns is what
 * all of them return.
 */
#include "embed/script_steps.h"
#include "embed/script.h"
#include "value/module.h"
#include <lauxlib.h>
#include <string.h>

/* The chunk, or what is wrong with it, is on top: call it with the n values
 * below. Its first two results replace them. */
static void
script_steps_call(lua_State *L, ScriptSteps *s, int status, int n)
{
    s->syntax = status == LUA_ERRSYNTAX || status == LUA_ERRFILE;
    if (status != LUA_OK)
        lua_error(L);
    lua_insert(L, -(n + 1));
    lua_call(L, n, 2);
}

static void
script_steps_code(lua_State *L, ScriptSteps *s, const char *code,
                  const char *name)
{
    int status = luaL_loadbufferx(L, code, strlen(code), name, NULL);
    script_steps_call(L, s, status, 0);
}

/* NAME=MODULE, or MODULE, whose NAME is the part before a '-'. */
static void
script_steps_require(lua_State *L, const char *text)
{
    const char *equals = strchr(text, '=');
    const char *module = equals ? equals + 1 : text;
    size_t n = equals ? (size_t)(equals - text) : strcspn(text, "-");
    lua_pushlstring(L, text, n);
    lua_getglobal(L, "require");
    lua_pushstring(L, module);
    lua_call(L, 1, 1);
    lua_pushglobaltable(L);
    lua_rotate(L, -3, 1);
    lua_settable(L, -3);
    lua_pop(L, 1);
}

/* Push the values of `arg`, which earlier steps may have changed; returns their
 * number. */
static int
script_steps_spread(lua_State *L)
{
    if (lua_getglobal(L, "arg") != LUA_TTABLE)
        luaL_error(L, "'arg' is not a table");
    int table = lua_gettop(L), n = (int)luaL_len(L, table);
    luaL_checkstack(L, n + 8, "too many arguments");
    for (int i = 1; i <= n; i++)
        lua_rawgeti(L, table, i);
    lua_remove(L, table);
    return n;
}

static void
script_steps_file(lua_State *L, ScriptSteps *s, const char *path)
{
    int n = 0, status = script_load_file(L, (void *)path);
    if (status == LUA_OK && s->passes) {
        n = script_steps_spread(L);
        lua_pushvalue(L, -(n + 1));
    }
    script_steps_call(L, s, status, n);
}

static void
script_steps_one(lua_State *L, ScriptSteps *s, const ScriptStep *step)
{
    switch (step->kind) {
    case 'e': script_steps_code(L, s, step->text, "=(command line)"); break;
    case 'W': lua_warning(L, "@on", 0); break;
    case 'l': script_steps_require(L, step->text); break;
    case 'I':
        if (*step->text == '@')
            script_steps_call(L, s,
                              script_load_file(L, (void *)(step->text + 1)), 0);
        else
            script_steps_code(L, s, step->text, step->name);
        break;
    case 'f': script_steps_file(L, s, step->text); break;
    default: module_push(L, "orun.command.interactive"); lua_call(L, 0, 0);
    }
}

static int
script_steps_main(lua_State *L)
{
    ScriptSteps *s = lua_touserdata(L, lua_upvalueindex(1));
    for (int i = 0; i < s->count; i++) {
        lua_settop(L, 0); /* the script has its arguments in its turn */
        script_steps_one(L, s, &s->all[i]);
    }
    return lua_gettop(L) < 2 ? 0 : 2;
}

int
script_steps_load(lua_State *L, void *steps)
{
    lua_pushlightuserdata(L, steps);
    lua_pushcclosure(L, script_steps_main, 1);
    return LUA_OK;
}
