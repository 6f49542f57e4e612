/* guest_lua.h — is there one copy of Lua in this process? */
#ifndef ORUN_GUEST_LUA_H
#define ORUN_GUEST_LUA_H

#include <lua.h>

/* Raise an error that names both files if L's state is of another copy of Lua
 * than the one this library calls: the two would take apart each other's
 * memory. Nothing of a state tells by itself, so the functions in it are
 * compared. */
void guest_lua_check(lua_State *L);

#endif
