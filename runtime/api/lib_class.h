/* lib_class.h — metatables of userdata that own C memory. */
#ifndef ORUN_LIB_CLASS_H
#define ORUN_LIB_CLASS_H

#include "base/base.h"
#include <lauxlib.h>

/* Give the userdata on top of the stack the metatable `name`, made of `methods`
 * the first time, which is also its __index. The table is known by its name
 * only once it is whole: where memory runs out in between, luaL_newmetatable
 * would leave one without __gc, and what later userdata own would never be
 * freed. */
void lib_class_set(lua_State *L, const char *name, const luaL_Reg *methods);

/* Is the metatable on top of the stack one of orun's own userdata, whose names
 * begin with "orun."? Never raises but for memory. */
bool lib_class_is_own(lua_State *L);

#endif
