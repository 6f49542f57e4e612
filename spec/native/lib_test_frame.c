/* lib_test_frame.c — the door to frames and their programs. */
#include "base/err.h"
#include "base/mem.h"
#include "base/version.h"
#include "engine/engine.h"
#include "lib_test.h"
#include "value/frame.h"
#include "vm/park.h"
#include <lauxlib.h>

/* make(kind, field…) -> bytes: a string is a text field, a number a number, an
 * array of one string those very bytes */
static int
lib_frame_make(lua_State *L)
{
    Buf b = { 0 };
    int top = lua_gettop(L);
    frame_begin(&b, (int)luaL_checkinteger(L, 1));
    for (int i = 2; i <= top; i++) {
        size_t n;
        if (lua_isinteger(L, i)) {
            frame_put_number(&b, (uint64_t)lua_tointeger(L, i));
        } else if (lua_type(L, i) == LUA_TSTRING) {
            frame_put_text(&b, lua_tostring(L, i));
        } else {
            lua_rawgeti(L, i, 1);
            const char *p = lua_tolstring(L, -1, &n);
            frame_put(&b, p, n);
        }
    }
    int e = frame_end(&b);
    if (e) {
        buf_free(&b);
        return lib_test_error(L, e);
    }
    lua_pushlstring(L, b.p, b.n);
    buf_free(&b);
    return 1;
}

/* Push what frame_parse says: "more", or "refused" and why, or the kind and
 * how many bytes follow. Gives how many were pushed. */
static int
lib_frame_told(lua_State *L, int got, const Buf *in, const Frame *f,
               const char *why)
{
    if (got == 0) {
        lua_pushliteral(L, "more");
        return 1;
    }
    lua_pushstring(L, got < 0 ? "refused" : frame_name(f->kind));
    if (got < 0)
        lua_pushstring(L, why);
    else
        lua_pushinteger(L, (lua_Integer)(in->p + in->n - f->end));
    return 2;
}

/* parse(bytes, step) -> as above, the bytes having come `step` at a time */
static int
lib_frame_parse(lua_State *L)
{
    size_t n;
    const char *s = luaL_checklstring(L, 1, &n), *why = NULL;
    size_t step = (size_t)luaL_optinteger(L, 2, (lua_Integer)n);
    Buf in = { 0 };
    Frame f;
    FrameParser parser = { 0 };
    int got = 0;
    for (size_t at = 0; got == 0 && at < n; at += step) {
        buf_put(&in, s + at, step < n - at ? step : n - at);
        got = frame_parse(&parser, &in, &f, &why);
    }
    int results = lib_frame_told(L, got, &in, &f, why);
    buf_free(&in);
    return results;
}

/* fields(bytes) -> the fields of the frame as strings, then whether its end was
 * the end of the last */
static int
lib_frame_fields(lua_State *L)
{
    size_t n;
    Buf in = { 0 };
    Frame f;
    const char *why, *s = luaL_checklstring(L, 1, &n);
    in.p = (char *)s;
    in.n = n;
    if (frame_parse(&(FrameParser){ 0 }, &in, &f, &why) != 1)
        return luaL_error(L, "no frame");
    lua_settop(L, 1);
    while (frame_get(&f, &s, &n)) {
        luaL_checkstack(L, 4, NULL);
        lua_pushlstring(L, s, n);
    }
    lua_pushboolean(L, f.at == f.end);
    return lua_gettop(L) - 1;
}

/* sum(bytes, step) -> CRC-32C, summed `step` bytes at a time */
static int
lib_frame_sum(lua_State *L)
{
    size_t n;
    const char *s = luaL_checklstring(L, 1, &n);
    size_t step = (size_t)luaL_optinteger(L, 2, (lua_Integer)n + 1);
    uint32_t sum = 0;
    for (size_t at = 0; at < n; at += step)
        sum = frame_sum(sum, s + at, step < n - at ? step : n - at);
    lua_pushinteger(L, sum);
    return 1;
}

/* program(path) -> the one before: what runs isolated tasks from now on */
static int
lib_frame_program(lua_State *L)
{
    size_t n;
    const char *path = luaL_checklstring(L, 1, &n);
    Engine *h = park_run(L)->engine;
    lua_pushstring(L, h->program);
    char *copy = mem_dup(path, n);
    if (!copy)
        return luaL_error(L, "%s", err_text(ORUN_ENOMEM));
    mem_free(h->program);
    h->program = copy;
    return 1;
}

int
luaopen_test_frame(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "make", lib_frame_make },       { "parse", lib_frame_parse },
        { "fields", lib_frame_fields },   { "sum", lib_frame_sum },
        { "program", lib_frame_program }, { NULL, NULL },
    };
    luaL_newlib(L, functions);
    for (int kind = FRAME_NONE + 1; kind < FRAME_KIND_COUNT; kind++) {
        lua_pushinteger(L, kind);
        lua_setfield(L, -2, frame_name(kind));
    }
    lua_pushinteger(L, FRAME_MAX);
    lua_setfield(L, -2, "MAX");
    lua_pushstring(L, build_id);
    lua_setfield(L, -2, "build");
    return 1;
}
