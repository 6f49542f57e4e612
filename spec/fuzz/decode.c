/* decode.c — bytes from outside as a Value: refused, or a value like any other.
 */
#include "fuzz.h"
#include "value/value.h"

static int
decode(lua_State *L)
{
    const Value *v = lua_touserdata(L, 1);
    value_decode(L, v, NULL);
    FUZZ_MUST(lua_gettop(L) == 2);
    return 1;
}

/* Push the value of these bytes; false when they were refused, and then the
 * message is there. */
static bool
decode_pushes(lua_State *L, const Value *v)
{
    lua_pushcfunction(L, decode);
    lua_pushlightuserdata(L, (void *)(uintptr_t)v);
    int status = lua_pcall(L, 1, 1, 0);
    FUZZ_MUST(status == LUA_OK || status == LUA_ERRRUN);
    return status == LUA_OK;
}

FUZZ(data, n)
{
    lua_State *L = fuzz_state();
    size_t length;
    Value *v = value_import(data, n, false), *again = NULL;
    FUZZ_MUST(v);
    const char *text = value_as_string(v, &length);
    if (decode_pushes(L, v)) {
        if (text) {
            FUZZ_MUST(lua_type(L, 1) == LUA_TSTRING);
            FUZZ_MUST(lua_rawlen(L, 1) == length);
        }
        Buf why = { 0 };
        FUZZ_MUST(value_encode(L, 1, "v", NULL, &again, &why) == 0);
        FUZZ_MUST(decode_pushes(L, again));
        FUZZ_MUST(fuzz_same(L, 1, 2));
        buf_free(&why);
    } else {
        FUZZ_MUST(lua_tostring(L, 1));
    }
    value_drop(again);
    value_drop(v);
    return 0;
}
