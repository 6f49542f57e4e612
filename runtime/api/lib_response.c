/* lib_response.c — what orun.http gives: the answer, whole or as a stream. */
#include "api/lib_response.h"
#include "value/field.h"
#include "value/module.h"
#include <ctype.h>
#include <lauxlib.h>
#include <math.h>

void
lib_response_clear(Request **box)
{
    request_drop(*box);
    *box = NULL;
}

static int
lib_response_gc(lua_State *L)
{
    if (park_forked(L))
        return 0; /* the parent has it */
    lib_response_clear(lua_touserdata(L, 1));
    return 0;
}

/* close(): nothing more is wanted. Also __close. */
static int
lib_response_close(lua_State *L)
{
    if (park_forked(L))
        return 0; /* the parent has it */
    lib_response_clear(luaL_checkudata(L, 1, RESPONSE_TYPE));
    return 0;
}

/* ---- reading ---- */

static int lib_response_next(lua_State *L, Request *r);

/* The box is at the bottom of the stack. */
static int
lib_response_woken(lua_State *L, int status, lua_KContext ctx)
{
    Request *r = *(Request **)lua_touserdata(L, 1);
    (void)status;
    (void)ctx;
    if (!r) /* another coroutine closed it */
        return luaL_error(L, "read: the response is closed");
    lib_response_ready(L, r);
    return lib_response_next(L, r);
}

static int
lib_response_next(lua_State *L, Request *r)
{
    int got = request_take(r);
    if (got == 0)
        return lib_response_wait(L, r, lib_response_woken);
    if (got < 0 && r->error)
        return lib_response_push_error(L, r);
    if (got < 0) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushlstring(L, r->piece.p, r->piece.n);
    buf_free(&r->piece);
    return 1;
}

/* read() -> the next piece; nil at the end; nil, message, kind when cut */
static int
lib_response_read(lua_State *L)
{
    Request **box = luaL_checkudata(L, 1, RESPONSE_TYPE);
    if (!*box)
        return luaL_error(L, "read: the response is closed");
    lua_settop(L, 1);
    return lib_response_next(L, *box);
}

int
lib_response_lines(lua_State *L)
{
    lua_settop(L, 2);
    module_push(L, "orun.util.lines");
    lua_insert(L, 1);
    lua_call(L, 2, 1);
    return 1;
}

int
lib_response_index(lua_State *L)
{
    if (lua_getiuservalue(L, 1, 1) == LUA_TTABLE) {
        lua_pushvalue(L, 2);
        if (lua_rawget(L, -2) != LUA_TNIL)
            return 1;
    }
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(1));
    return 1;
}

Request **
lib_response_push(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "read", lib_response_read },
        { "lines", lib_response_lines },
        { "close", lib_response_close },
        { NULL, NULL },
    };
    static const luaL_Reg meta[] = {
        { "__gc", lib_response_gc },
        { "__close", lib_response_close },
        { NULL, NULL },
    };
    Request **box = lua_newuserdatauv(L, sizeof(Request *), 1);
    *box = NULL;
    if (luaL_newmetatable(L, RESPONSE_TYPE)) {
        luaL_setfuncs(L, meta, 0);
        luaL_newlib(L, methods);
        lua_pushcclosure(L, lib_response_index, 1);
        lua_setfield(L, -2, "__index");
    }
    lua_setmetatable(L, -2);
    return box;
}

/* ---- waiting ---- */

int
lib_response_wait(lua_State *L, Request *r, lua_KFunction k)
{
    WaitFor what = { .kind = WAIT_FOR_OP, .op = &r->op, .deadline = INFINITY };
    return park(L, &what, k, 0);
}

void
lib_response_ready(lua_State *L, Request *r)
{
    if (!request_ready(r))
        request_stop(r);
    park_outcome(L);
}

/* ---- pushing ---- */

/* Add "Name: value" to the table on top: the name in lower case; what is there
 * more than once is joined by commas. */
static void
lib_response_add(lua_State *L, const char *line, size_t n)
{
    const char *colon = memchr(line, ':', n), *end = line + n;
    luaL_Buffer name;
    if (!colon || colon == line)
        return;
    luaL_buffinit(L, &name);
    for (const char *p = line; p < colon; p++)
        luaL_addchar(&name, (char)tolower((unsigned char)*p));
    luaL_pushresult(&name);
    do
        colon++;
    while (colon < end && (*colon == ' ' || *colon == '\t'));
    while (end > colon && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    lua_pushvalue(L, -1);
    bool again = lua_rawget(L, -3) != LUA_TNIL;
    if (again)
        lua_pushliteral(L, ", ");
    else
        lua_pop(L, 1);
    lua_pushlstring(L, colon, (size_t)(end - colon));
    if (again)
        lua_concat(L, 3);
    lua_rawset(L, -3);
}

static void
lib_response_push_headers(lua_State *L, const Buf *lines)
{
    const char *p = lines->p, *end = p + lines->n;
    lua_newtable(L);
    while (p < end) {
        const char *line = p;
        p = memchr(p, '\n', (size_t)(end - p));
        lib_response_add(L, line, (size_t)(p - line));
        p++;
    }
}

void
lib_response_push_head(lua_State *L, Request *r, const char *url)
{
    lua_createtable(L, 0, 5);
    field_set_integer(L, "status", r->status);
    lib_response_push_headers(L, &r->headers);
    lua_setfield(L, -2, "headers");
    field_set_string(L, "url", url);
}

int
lib_response_push_error(lua_State *L, Request *r)
{
    lua_pushnil(L);
    lua_pushstring(L, r->error);
    lua_pushstring(L, r->kind);
    return 3;
}
