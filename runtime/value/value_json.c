/* value_json.c — numbers, keys and rings that JSON cannot express. */
#include "value/value_json.h"
#include <math.h>
#include <stdio.h>

const char *
value_json_number(lua_Number x)
{
    return isfinite(x) ? NULL : isnan(x) ? "NaN" : x > 0 ? "inf" : "-inf";
}

/* Is the key below the top an index of an array of that length? `what` says
 * what it is when not. */
static void
value_json_key(lua_State *L, lua_Unsigned length, char what[VALUE_JSON_WHAT])
{
    lua_Integer k = lua_isinteger(L, -2) ? lua_tointeger(L, -2) : 0;
    if (!lua_isinteger(L, -2))
        snprintf(what, VALUE_JSON_WHAT,
                 "a key of type %s (a name is "
                 "tostring(key))",
                 lua_typename(L, lua_type(L, -2)));
    else if (k < 1 || (lua_Unsigned)k > length)
        snprintf(what, VALUE_JSON_WHAT,
                 "the key %lld outside of an array "
                 "(1..n; a name is tostring(key))",
                 (long long)k);
}

bool
value_json_shape(lua_State *L, char what[VALUE_JSON_WHAT])
{
    lua_Unsigned length = lua_rawlen(L, -1), count = 0, names = 0;
    what[0] = '\0';
    lua_pushnil(L);
    for (; lua_next(L, -2); lua_pop(L, 1), count++) {
        if (lua_type(L, -2) == LUA_TSTRING)
            names++;
        else if (!what[0])
            value_json_key(L, length, what);
    }
    if (names == count || (names == 0 && count == length))
        return true;
    if (!what[0])
        snprintf(what, VALUE_JSON_WHAT, "%s",
                 names ? "an array that also has names"
                       : "an array with gaps (orun.json.null fills one)");
    return false;
}

bool
value_json_ring(lua_State *L, const ValueStep *way)
{
    const void *t = lua_topointer(L, -1);
    for (; way; way = way->up)
        if (way->upvalue == 0 && lua_topointer(L, way->at - 1) == t)
            return true;
    return false;
}
