/* json.c — a Value as JSON text.
 *
 * The state that does it costs more than most values, so one idle state is
 * kept for the next call, whichever thread that is on. It holds json.encode at
 * stack index 1. A state that a large value made large is not kept. Modules
 * cannot be loaded in it: a Value may name one, and none has JSON.
 */
#include "value/json.h"
#include "base/err.h"
#include "base/mem.h"
#include "value/value.h"
#include <lauxlib.h>
#include <lua-cjson.h>
#include <lualib.h>
#include <stdatomic.h>

enum { JSON_KEEP_KB = 1024 };

static const char *json_source;
static size_t json_source_n;
static _Atomic(lua_State *) json_idle;

typedef struct JsonJob {
    const Value *v;
    const ValueOps *ops;
    Buf *out;
} JsonJob;

void
json_init(const char *source, size_t n)
{
    json_source = source;
    json_source_n = n;
}

void
json_close(void)
{
    lua_State *L = atomic_exchange(&json_idle, NULL);
    if (L)
        lua_close(L);
}

static void *
json_alloc(void *ud, void *p, size_t osize, size_t nsize)
{
    (void)ud;
    if (nsize == 0) {
        mem_free(p);
        return NULL;
    }
    void *q = mem_realloc(p, nsize);
    return q || !p || nsize > osize ? q : p; /* shrinking must work */
}

/* ( -- json.encode ) */
static int
json_open(lua_State *L)
{
    luaL_openlibs(L);
    luaL_requiref(L, "cjson", luaopen_cjson, 0);
    lua_getglobal(L, LUA_STRLIBNAME);
    lua_setglobal(L, "_string"); /* as lib_bundle.c has it */
    if (luaL_loadbufferx(L, json_source, json_source_n, "=[orun]/json.lua", "t")
        != LUA_OK)
        return lua_error(L);
    lua_call(L, 0, 1);
    lua_getfield(L, -1, "encode");
    lua_pushnil(L);
    lua_setglobal(L, "require");
    return 1;
}

/* ( job encode -- ) */
static int
json_convert(lua_State *L)
{
    JsonJob *job = lua_touserdata(L, 1);
    size_t n;
    value_decode(L, job->v, job->ops);
    lua_createtable(L, 0, 2);
    lua_pushliteral(L, "input");
    lua_setfield(L, -2, "name");
    lua_pushboolean(L, true);
    lua_setfield(L, -2, "lossy");
    lua_call(L, 2, 1);
    const char *text = lua_tolstring(L, -1, &n);
    buf_put(job->out, text, n);
    return 0;
}

/* The idle state, or a new one; NULL with `why` when it cannot be made. */
static lua_State *
json_take(Buf *why)
{
    lua_State *L = atomic_exchange(&json_idle, NULL);
    if (L)
        return L;
    L = lua_newstate(json_alloc, NULL);
    if (!L)
        return NULL;
    lua_pushcfunction(L, json_open);
    if (lua_pcall(L, 0, 1, 0) == LUA_OK)
        return L;
    const char *text = lua_tostring(L, -1);
    buf_puts(why, text ? text : "orun.json cannot be loaded");
    lua_close(L);
    return NULL;
}

static void
json_give(lua_State *L)
{
    lua_settop(L, 1);
    lua_State *none = NULL;
    if (lua_gc(L, LUA_GCCOUNT) > JSON_KEEP_KB
        || !atomic_compare_exchange_strong(&json_idle, &none, L))
        lua_close(L);
}

int
json_from_value(const Value *v, const ValueOps *ops, Buf *out, Buf *why)
{
    lua_State *L = json_take(why);
    if (!L)
        return ORUN_ENOMEM;
    JsonJob job = { v, ops, out };
    lua_pushcfunction(L, json_convert);
    lua_pushlightuserdata(L, &job);
    lua_pushvalue(L, 1);
    int status = lua_pcall(L, 2, 0, 0);
    const char *text = status == LUA_OK ? NULL : lua_tostring(L, -1);
    static const char prefix[] = "json.encode: ";
    if (text && !strncmp(text, prefix, sizeof prefix - 1))
        text += sizeof prefix - 1;
    if (status != LUA_OK)
        buf_puts(why, text ? text : "it cannot be written as JSON");
    json_give(L);
    if (status == LUA_ERRMEM || buf_failed(out))
        return ORUN_ENOMEM;
    return status == LUA_OK ? 0 : ORUN_EUNSENDABLE;
}
