/* stop_lua.h — pcall and coroutine functions that do not catch a stop. */
#ifndef ORUN_STOP_LUA_H
#define ORUN_STOP_LUA_H

#include <lua.h>

/* Put the replaced pcall, xpcall and functions of coroutine into the globals of
 * L, which finds its Stop by vm_of(L). May raise. */
void stop_lua_open(lua_State *L);

#endif
