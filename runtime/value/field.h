/* field.h — setting fields of the Lua table at the top of the stack.
 *
 * May raise, as lua_setfield may. On the thread that runs L.
 */
#ifndef ORUN_FIELD_H
#define ORUN_FIELD_H

#include "base/base.h"
#include <lua.h>

/* NULL sets nothing. */
void field_set_string(lua_State *L, const char *key, const char *s);

void field_set_integer(lua_State *L, const char *key, lua_Integer n);
void field_set_number(lua_State *L, const char *key, double x);
void field_set_boolean(lua_State *L, const char *key, bool b);

#endif
