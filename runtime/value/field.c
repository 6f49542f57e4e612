/* field.c — setting fields of the Lua table at the top of the stack. */
#include "value/field.h"

void
field_set_string(lua_State *L, const char *key, const char *s)
{
    if (!s)
        return;
    lua_pushstring(L, s);
    lua_setfield(L, -2, key);
}

void
field_set_integer(lua_State *L, const char *key, lua_Integer n)
{
    lua_pushinteger(L, n);
    lua_setfield(L, -2, key);
}

void
field_set_number(lua_State *L, const char *key, double x)
{
    lua_pushnumber(L, x);
    lua_setfield(L, -2, key);
}

void
field_set_boolean(lua_State *L, const char *key, bool b)
{
    lua_pushboolean(L, b);
    lua_setfield(L, -2, key);
}
