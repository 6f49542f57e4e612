/* lib_secret.c — secrets and safe text as scripts see them. Layer 7. */
#include "err.h"
#include "host.h"
#include "lib_arg.h"
#include "lib_task.h"
#include "secret.h"
#include "show.h"
#include <lauxlib.h>

enum { LIB_SECRET_NAMES = 1000 };

/* The value of a variable: of the `env` table at idx, else of orun's own
 * environment; NULL when there is none. */
static const char *
lib_secret_value(lua_State *L, int env, const char *name)
{
    if (lua_type(L, env) == LUA_TTABLE) {
        lua_pushstring(L, name);
        lua_rawget(L, env);
        const char *value = lua_tostring(L, -1);
        lua_pop(L, 1); /* the table keeps it */
        if (value)
            return value;
    }
    size_t n = strlen(name);
    for (char **e = park_run(L)->host->env; *e; e++)
        if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
            return *e + n + 1;
    return NULL;
}

/* Check the array of names of variables at idx (nil: none), and push them all;
 * gives how many. */
static size_t
lib_secret_names(lua_State *L, const char *fn, const char *field, int idx)
{
    if (lua_isnil(L, idx))
        return 0;
    lua_Integer n = arg_array(L, fn, field, idx, LIB_SECRET_NAMES);
    luaL_checkstack(L, (int)n + 8, "too many names");
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, idx, i);
        const char *s = arg_text(L, fn, field, lua_gettop(L), 1024);
        if (!s || !*s || strchr(s, '='))
            arg_error(L, fn, field, lua_gettop(L), "the name of an environment "
                      "variable is wanted, such as \"GITHUB_TOKEN\"");
    }
    return (size_t)n;
}

void
lib_read_secrets(lua_State *L, const char *fn, int idx, int env)
{
    int top = lua_gettop(L);
    size_t n = lib_secret_names(L, fn, "secrets", idx);
    for (size_t i = 1; i <= n; i++) {
        const char *name = lua_tostring(L, top + (int)i);
        const char *value = lib_secret_value(L, env, name);
        if (value && secret_add(name, value))
            luaL_error(L, "%s: %s", fn, err_text(ORUN_ENOMEM));
    }
    lua_settop(L, top);
}

void
lib_check_exposed(lua_State *L, const char *fn, int command, int expose)
{
    const char *but[LIB_SECRET_NAMES];
    int top = lua_gettop(L);
    size_t names = lib_secret_names(L, fn, "expose", expose);
    for (size_t i = 0; i < names; i++)
        but[i] = lua_tostring(L, top + 1 + (int)i);
    lua_Integer n = secret_longest() ? (lua_Integer)lua_rawlen(L, command) : 0;
    for (lua_Integer i = 1; i <= n; i++) {
        size_t size;
        lua_rawgeti(L, command, i);
        const char *s = lua_tolstring(L, -1, &size);
        const char *name = secret_in(s, size, but, names);
        if (name)
            luaL_error(L, "%s: command[%I] holds the value of %s, and "
                       "everybody on this machine could read it in ps: let the "
                       "program take it from its environment, its input or a "
                       "file (expose={\"%s\"} allows it)", fn, (LUAI_UACINT)i,
                       name, name);
        lua_pop(L, 1);
    }
    lua_settop(L, top);
}

/* Where text stays while Lua, which may raise, copies it. */
static int
lib_clean_gc(lua_State *L)
{
    buf_free(lua_touserdata(L, 1));
    return 0;
}

/* clean(text) -> the text as orun would show it */
int
lib_clean(lua_State *L)
{
    size_t n;
    lua_settop(L, 1);
    if (lua_type(L, 1) != LUA_TSTRING)
        arg_error(L, "clean", "text", 1, "a string is wanted");
    const char *s = lua_tolstring(L, 1, &n);
    if (secret_longest() == 0 && show_safe(s, n, SHOW_TEXT))
        return 1;
    Buf *text = lua_newuserdatauv(L, sizeof *text, 0);
    *text = (Buf){ 0 };
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, lib_clean_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    show_put(text, s, n, SHOW_TEXT);
    if (buf_failed(text))
        return luaL_error(L, "clean: %s", err_text(ORUN_ENOMEM));
    lua_pushlstring(L, buf_cstr(text), text->n);
    return 1;
}
