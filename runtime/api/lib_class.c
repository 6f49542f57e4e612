/* lib_class.c — a metatable is registered when it is whole. */
#include "api/lib_class.h"
#include "value/field.h"
#include <string.h>

void
lib_class_set(lua_State *L, const char *name, const luaL_Reg *methods)
{
    if (luaL_getmetatable(L, name) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_createtable(L, 0, 4);
        luaL_setfuncs(L, methods, 0);
        field_set_string(L, "__name", name);
        lua_pushvalue(L, -1);
        lua_setfield(L, -2, "__index");
        lua_pushvalue(L, -1);
        lua_setfield(L, LUA_REGISTRYINDEX, name);
    }
    lua_setmetatable(L, -2);
}

bool
lib_class_is_own(lua_State *L)
{
    lua_pushliteral(L, "__name");
    lua_rawget(L, -2);
    const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1)
                                                      : "";
    bool own = strncmp(name, "orun.", 5) == 0;
    lua_pop(L, 1);
    return own;
}
