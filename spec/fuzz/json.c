/* json.c — text as JSON: refused, or a value whose text comes back the same.
 */
#include "value/json.h"
#include "fuzz.h"
#include "value/value.h"
#include "vm/bundle.h"
#include <lua-cjson.h>

/* ( -- ) Globals decode and encode, made once in a state. */
static void
json_ready(lua_State *L)
{
    static const char open[] = "local json = ...\n"
                               "decode, encode = json.decode, json.encode\n";
    if (lua_getglobal(L, "decode") == LUA_TFUNCTION)
        goto out;
    const BundleFile *file = bundle_find("orun.json");
    FUZZ_MUST(file);
    json_init(file->text, file->size);
    luaL_requiref(L, "cjson", luaopen_cjson, 0);
    FUZZ_MUST(luaL_loadstring(L, open) == LUA_OK);
    FUZZ_MUST(luaL_loadbuffer(L, file->text, file->size, "json") == LUA_OK);
    FUZZ_MUST(lua_pcall(L, 0, 1, 0) == LUA_OK);
    FUZZ_MUST(lua_pcall(L, 1, 0, 0) == LUA_OK);
out:
    lua_settop(L, 0);
}

/* Replace the value on top by what the global function gives; false when it
 * raises or gives nil and a message. */
static bool
json_call(lua_State *L, const char *function)
{
    lua_getglobal(L, function);
    lua_insert(L, -2);
    int status = lua_pcall(L, 1, 1, 0);
    FUZZ_MUST(status == LUA_OK || status == LUA_ERRRUN);
    return status == LUA_OK && !lua_isnil(L, -1);
}

/* The same through a Value, as agents get it. */
static void
json_through(lua_State *L, int value, const char *text, size_t n)
{
    Value *v = NULL;
    Buf out = { 0 }, why = { 0 };
    FUZZ_MUST(value_encode(L, value, "v", NULL, &v, &why) == 0);
    FUZZ_MUST(json_from_value(v, NULL, &out, &why) == 0);
    /* Marks of empty arrays are metatables, which Values have not. */
    FUZZ_MUST(out.n == n
              && (memcmp(out.p, text, n) == 0 || strstr(text, "[]")));
    value_drop(v);
    buf_free(&out);
    buf_free(&why);
}

FUZZ(data, n)
{
    lua_State *L = fuzz_state();
    json_ready(L);
    lua_pushlstring(L, (const char *)data, n);
    if (!json_call(L, "decode"))
        return 0;
    lua_pushvalue(L, 1);
    if (!json_call(L, "encode"))
        return 0; /* a string that is not UTF-8 */
    size_t length;
    const char *text = lua_tolstring(L, 2, &length);
    json_through(L, 1, text, length);
    lua_pushvalue(L, 2);
    FUZZ_MUST(json_call(L, "decode"));
    FUZZ_MUST(fuzz_same(L, 1, 3));
    FUZZ_MUST(json_call(L, "encode"));
    FUZZ_MUST(lua_rawequal(L, 2, 3));
    return 0;
}
