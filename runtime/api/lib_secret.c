/* lib_secret.c — secrets and safe text as scripts see them. */
#include "api/lib_secret.h"
#include "api/lib_arg.h"
#include "api/lib_orun.h"
#include "base/err.h"
#include "base/sanitize.h"
#include "base/secret.h"
#include "engine/engine.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIB_SECRET_NAMES = 1000 };

/* The value of a variable: of the `env` table at idx (0: none), else of orun's
 * own environment; NULL when there is none. */
static const char *
lib_secret_value(lua_State *L, int env, const char *name)
{
    if (env && lua_type(L, env) == LUA_TTABLE) {
        lua_pushstring(L, name);
        lua_rawget(L, env);
        const char *value = lua_tostring(L, -1);
        lua_pop(L, 1); /* the table keeps it */
        if (value)
            return value;
    }
    size_t n = strlen(name);
    for (char **e = park_run(L)->engine->env; *e; e++)
        if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
            return *e + n + 1;
    return NULL;
}

/* Check the array of names of variables at idx (nil: none), and push them all;
 * returns how many. */
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
            arg_error(L, fn, field, lua_gettop(L),
                      "expected the name of an "
                      "environment variable, such as \"GITHUB_TOKEN\"");
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
            luaL_error(L,
                       "%s: command[%I] holds the value of %s, and "
                       "everybody on this machine could read it in ps: let the "
                       "program take it from its environment, its input or a "
                       "file (expose={\"%s\"} allows it)",
                       fn, (LUAI_UACINT)i, name, name);
        lua_pop(L, 1);
    }
    lua_settop(L, top);
}

/* Read a key's file, at most `size` - 1 bytes, into `text`; NULL, or why not.
 * Nobody else may be able to read it. */
static const char *
lib_key_read(const char *path, char *text, size_t size)
{
    struct stat st;
    const char *why = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return strerror(errno);
    if (fstat(fd, &st) != 0)
        why = strerror(errno);
    else if (!S_ISREG(st.st_mode))
        why = "it is not a file";
    else if (st.st_uid != geteuid() || st.st_mode & 077)
        why = "others could read it: it must be yours, with mode 0600 (chmod "
              "600)";
    ssize_t n = why ? 0 : read(fd, text, size);
    if (n < 0)
        why = strerror(errno);
    else if ((size_t)n == size)
        why = "it is too long for a key";
    text[n < 0 || (size_t)n == size ? 0 : n] = '\0';
    close(fd);
    return why;
}

/* The line a key is, in its place; NULL, or what is wrong with it. */
static const char *
lib_key_trim(char *text)
{
    size_t n = strlen(text);
    while (n && isspace((unsigned char)text[n - 1]))
        text[--n] = '\0';
    if (n == 0)
        return "it is empty";
    for (size_t i = 0; i < n; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return "it has a character that no key has (a space, a line's end "
                   "or one that is not ASCII)";
    return NULL;
}

static const char *const lib_key_fields[] = { "env", "file" };

/* key{env=NAME, file=PATH} -> the key: that variable of orun's environment,
 * else the content of that file; nil and why there is none. It is never shown.
 */
int
lib_key(lua_State *L)
{
    enum { LIB_KEY = 16 << 10 };
    char text[LIB_KEY] = "";
    arg_frame(L, "key", lib_key_fields, 2, false);
    const char *name = arg_text(L, "key", "env", ARG(0), 1024);
    const char *path = arg_text(L, "key", "file", ARG(1), 4096);
    const char *value = name ? lib_secret_value(L, 0, name) : NULL;
    const char *why = NULL, *from = name;
    if (value && *value) {
        snprintf(text, sizeof text, "%s", value);
    } else if (path) {
        why = lib_key_read(path, text, sizeof text);
        from = path;
    } else {
        why = "it is not set";
    }
    if (!why)
        why = lib_key_trim(text);
    if (!why && secret_add(name ? name : "KEY", text))
        why = err_text(ORUN_ENOMEM);
    if (why) {
        lua_pushnil(L);
        lua_pushfstring(L, "%s: %s", from ? from : "key", why);
        return 2;
    }
    lua_pushstring(L, text);
    return 1;
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
        arg_error(L, "clean", "text", 1, "expected a string");
    const char *s = lua_tolstring(L, 1, &n);
    if (secret_longest() == 0 && sanitize_is_safe(s, n, SANITIZE_TEXT))
        return 1;
    Buf *text = lua_newuserdatauv(L, sizeof *text, 0);
    *text = (Buf){ 0 };
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, lib_clean_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    sanitize_put(text, s, n, SANITIZE_TEXT);
    if (buf_failed(text))
        return luaL_error(L, "clean: %s", err_text(ORUN_ENOMEM));
    lua_pushlstring(L, buf_cstr(text), text->n);
    return 1;
}
