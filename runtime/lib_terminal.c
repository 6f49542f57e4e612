/* lib_terminal.c — what bundled Lua draws with. */
#include "lib_terminal.h"
#include "err.h"
#include "lib_class.h"
#include "show.h"
#include "terminal.h"
#include <lauxlib.h>
#include <time.h>
#include <unistd.h>

#define TERMINAL_TEXT_TYPE "orun.terminal.text"

static int
lib_terminal_stream(lua_State *L)
{
    lua_Integer fd = luaL_checkinteger(L, 1);
    luaL_argcheck(L, fd >= 0 && fd <= STDERR_FILENO, 1, "0, 1 or 2 is wanted");
    return (int)fd;
}

static int
lib_terminal_is(lua_State *L)
{
    lua_pushboolean(L, terminal_is(lib_terminal_stream(L)));
    return 1;
}

static int
lib_terminal_size(lua_State *L)
{
    int columns, rows;
    if (!terminal_size(lib_terminal_stream(L), &columns, &rows))
        return 0;
    lua_pushinteger(L, columns);
    lua_pushinteger(L, rows);
    return 2;
}

/* ---- texts ---- */

/* Two texts, where Lua finds them when it raises. */
typedef struct TerminalText {
    Buf safe, fitted;
} TerminalText;

static int
lib_terminal_gc(lua_State *L)
{
    TerminalText *t = lua_touserdata(L, 1);
    buf_free(&t->safe);
    buf_free(&t->fitted);
    return 0;
}

static TerminalText *
lib_terminal_push_text(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "__gc", lib_terminal_gc }, { NULL, NULL },
    };
    TerminalText *t = lua_newuserdatauv(L, sizeof *t, 0);
    *t = (TerminalText){ 0 };
    lib_class_set(L, TERMINAL_TEXT_TYPE, methods);
    return t;
}

static int
lib_terminal_fit(lua_State *L)
{
    size_t n;
    const char *text = luaL_checklstring(L, 1, &n);
    lua_Integer columns = luaL_checkinteger(L, 2);
    lua_settop(L, 2);
    TerminalText *t = lib_terminal_push_text(L);
    show_put(&t->safe, text, n, SHOW_LINE);
    size_t used = terminal_fit(&t->fitted, buf_cstr(&t->safe), t->safe.n,
                               columns > 0 ? (size_t)columns : 0);
    if (buf_failed(&t->safe) || buf_failed(&t->fitted))
        return luaL_error(L, "%s", err_text(ORUN_ENOMEM));
    lua_pushlstring(L, buf_cstr(&t->fitted), t->fitted.n);
    lua_pushinteger(L, (lua_Integer)used);
    buf_free(&t->safe);
    buf_free(&t->fitted);
    return 2;
}

static int
lib_terminal_wrap(lua_State *L)
{
    size_t n, at = 0;
    const char *text = luaL_checklstring(L, 1, &n);
    lua_Integer columns = luaL_checkinteger(L, 2);
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_settop(L, 3);
    TerminalText *t = lib_terminal_push_text(L);
    show_put(&t->safe, text, n, SHOW_LINE);
    if (buf_failed(&t->safe))
        return luaL_error(L, "%s", err_text(ORUN_ENOMEM));
    const char *safe = buf_cstr(&t->safe);
    lua_Integer row = (lua_Integer)lua_rawlen(L, 3);
    do {
        size_t length = terminal_break(safe + at, t->safe.n - at,
                                       columns > 0 ? (size_t)columns : 0);
        lua_pushlstring(L, safe + at, length);
        lua_rawseti(L, 3, ++row);
        at += length;
    } while (at < t->safe.n);
    buf_free(&t->safe);
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
        { "is", lib_terminal_is }, { "size", lib_terminal_size },
        { "fit", lib_terminal_fit }, { "wrap", lib_terminal_wrap },
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
