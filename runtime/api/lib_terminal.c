/* lib_terminal.c — what bundled Lua draws with. */
#include "api/lib_terminal.h"
#include "api/lib_class.h"
#include "base/err.h"
#include "base/sanitize.h"
#include "base/terminal.h"
#include <lauxlib.h>
#include <limits.h>
#include <time.h>
#include <unistd.h>

#define TERMINAL_TEXT_TYPE "orun.terminal.text"

static int
lib_terminal_stream(lua_State *L)
{
    lua_Integer fd = luaL_checkinteger(L, 1);
    luaL_argcheck(L, fd >= 0 && fd <= STDERR_FILENO, 1, "expected 0, 1 or 2");
    return (int)fd;
}

static int
lib_terminal_is(lua_State *L)
{
    lua_pushboolean(L, isatty(lib_terminal_stream(L)) == 1);
    return 1;
}

static int
lib_terminal_size(lua_State *L)
{
    TerminalSize size;
    if (!terminal_size(lib_terminal_stream(L), &size))
        return 0;
    lua_pushinteger(L, size.columns);
    lua_pushinteger(L, size.rows);
    return 2;
}

/* ---- texts ---- */

static int
lib_terminal_gc(lua_State *L)
{
    buf_free(lua_touserdata(L, 1));
    return 0;
}

/* Push a box, where Lua finds it when it raises, with the text as one line that
 * is safe to show. */
static Buf *
lib_terminal_push_safe(lua_State *L, const char *text, size_t n)
{
    static const luaL_Reg methods[] = {
        { "__gc", lib_terminal_gc },
        { NULL, NULL },
    };
    Buf *safe = lua_newuserdatauv(L, sizeof *safe, 0);
    *safe = (Buf){ 0 };
    lib_class_set(L, TERMINAL_TEXT_TYPE, methods);
    sanitize_put(safe, text, n, SANITIZE_LINE);
    if (buf_failed(safe))
        luaL_error(L, "%s", err_text(ORUN_ENOMEM));
    return safe;
}

/* Argument 2, as columns that there are. */
static int
lib_terminal_columns(lua_State *L)
{
    lua_Integer columns = luaL_checkinteger(L, 2);
    return columns < 0 ? 0 : columns < INT_MAX ? (int)columns : INT_MAX;
}

static int
lib_terminal_fit(lua_State *L)
{
    size_t n;
    int width;
    const char *text = luaL_checklstring(L, 1, &n);
    int columns = lib_terminal_columns(L);
    lua_settop(L, 2);
    Buf *safe = lib_terminal_push_safe(L, text, n);
    const char *s = buf_cstr(safe);
    size_t fits = terminal_fit(s, safe->n, columns, &width);
    bool cut = fits < safe->n && columns > 0;
    if (cut)
        fits = terminal_fit(s, safe->n, columns - 1, &width);
    lua_pushlstring(L, s, fits);
    if (cut) {
        lua_pushliteral(L, "…");
        lua_concat(L, 2);
        width++;
    }
    lua_pushinteger(L, width);
    buf_free(safe);
    return 2;
}

static int
lib_terminal_wrap(lua_State *L)
{
    size_t n, at = 0;
    const char *text = luaL_checklstring(L, 1, &n);
    int columns = lib_terminal_columns(L), width;
    columns = columns < 2 ? 2 : columns; /* as a character may take */
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_settop(L, 3);
    Buf *safe = lib_terminal_push_safe(L, text, n);
    lua_Integer row = (lua_Integer)lua_rawlen(L, 3);
    do {
        const char *s = buf_cstr(safe) + at;
        size_t length = terminal_fit(s, safe->n - at, columns, &width);
        lua_pushlstring(L, s, length);
        lua_rawseti(L, 3, ++row);
        at += length;
    } while (at < safe->n);
    buf_free(safe);
    lua_settop(L, 3);
    return 1;
}

static int
lib_terminal_clock(lua_State *L)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    lua_pushnumber(L, (double)now.tv_sec + (double)now.tv_nsec * 1e-9);
    return 1;
}

static int
lib_terminal_module(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "is", lib_terminal_is },       { "size", lib_terminal_size },
        { "fit", lib_terminal_fit },     { "wrap", lib_terminal_wrap },
        { "clock", lib_terminal_clock }, { NULL, NULL },
    };
    luaL_newlib(L, functions);
    return 1;
}

void
lib_terminal_open(lua_State *L)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, lib_terminal_module);
    lua_setfield(L, -2, "orun.terminal");
    lua_pop(L, 1);
}
