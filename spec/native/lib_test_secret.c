/* lib_test_secret.c — the door to secrets and to text made safe. */
#include "base/err.h"
#include "base/sanitize.h"
#include "base/secret.h"
#include "lib_test.h"
#include <lauxlib.h>

/* Push the bytes and free them; false when memory was out. */
static int
lib_test_text(lua_State *L, Buf *text)
{
    if (buf_failed(text)) {
        buf_free(text);
        return lib_test_error(L, ORUN_ENOMEM);
    }
    lua_pushlstring(L, buf_cstr(text), text->n);
    buf_free(text);
    return 1;
}

/* named(name) -> does it look like a key's? */
static int
lib_secret_test_named(lua_State *L)
{
    lua_pushboolean(L, secret_named(luaL_checkstring(L, 1)));
    return 1;
}

static int
lib_secret_test_done(lua_State *L, int e)
{
    lib_test_disarm();
    if (e)
        return lib_test_error(L, e);
    lua_pushboolean(L, 1);
    return 1;
}

/* add(name, value), see(name, value) -> true, or nil and an error's name */
static int
lib_secret_test_add(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1), *value = luaL_checkstring(L, 2);
    lib_test_arm();
    return lib_secret_test_done(L, secret_add(name, value));
}

static int
lib_secret_test_see(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1), *value = luaL_checkstring(L, 2);
    lib_test_arm();
    return lib_secret_test_done(L, secret_see(name, value));
}

/* mask(text, from, to) -> bytes [from, to) of it, secrets replaced */
static int
lib_secret_test_mask(lua_State *L)
{
    size_t n;
    Buf out = { 0 };
    const char *text = luaL_checklstring(L, 1, &n);
    size_t from = (size_t)luaL_optinteger(L, 2, 0);
    size_t to = (size_t)luaL_optinteger(L, 3, (lua_Integer)n);
    luaL_argcheck(L, from <= to && to <= n, 3, "not in the text");
    lib_test_arm();
    secret_mask(text, n, from, to, &out);
    lib_test_disarm();
    return lib_test_text(L, &out);
}

/* inside(text, [name]) -> the name of a secret in it, but not that one */
static int
lib_secret_test_inside(lua_State *L)
{
    size_t n;
    const char *text = luaL_checklstring(L, 1, &n);
    const char *but = luaL_optstring(L, 2, "");
    lua_pushstring(L, secret_in(text, n, &but, 1));
    return 1;
}

/* shown(text, mode) -> with unsafe characters written out; is it safe? */
static int
lib_secret_test_shown(lua_State *L)
{
    static const char *const modes[] = { "text", "line", "print", NULL };
    size_t n;
    Buf out = { 0 };
    const char *text = luaL_checklstring(L, 1, &n);
    SanitizeMode mode = (SanitizeMode)luaL_checkoption(L, 2, "text", modes);
    lib_test_arm();
    sanitize_escape(&out, text, n, mode);
    lib_test_disarm();
    int results = lib_test_text(L, &out);
    if (results == 1)
        lua_pushboolean(L, sanitize_is_safe(text, n, mode));
    return 2;
}

/* put(text), cut(text, max) -> as orun shows it; as a line of max bytes */
static int
lib_secret_test_put(lua_State *L)
{
    size_t n;
    Buf out = { 0 };
    const char *text = luaL_checklstring(L, 1, &n);
    lib_test_arm();
    sanitize_put(&out, text, n, SANITIZE_TEXT);
    lib_test_disarm();
    return lib_test_text(L, &out);
}

static int
lib_secret_test_cut(lua_State *L)
{
    size_t n;
    Buf out = { 0 };
    const char *text = luaL_checklstring(L, 1, &n);
    size_t max = (size_t)luaL_checkinteger(L, 2);
    sanitize_cut(&out, text, n, max);
    return lib_test_text(L, &out);
}

int
luaopen_test_secret(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "named", lib_secret_test_named },
        { "add", lib_secret_test_add },
        { "see", lib_secret_test_see },
        { "mask", lib_secret_test_mask },
        { "inside", lib_secret_test_inside },
        { "shown", lib_secret_test_shown },
        { "put", lib_secret_test_put },
        { "cut", lib_secret_test_cut },
        { NULL, NULL },
    };
    luaL_newlib(L, functions);
    return 1;
}
