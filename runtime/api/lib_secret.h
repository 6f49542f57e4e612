/* lib_secret.h — secrets of a command, and arguments that expose one. */
#ifndef ORUN_LIB_SECRET_H
#define ORUN_LIB_SECRET_H

#include <lua.h>

/* Make secrets of the variables named in the array at idx (nil: none), whose
 * values are in the checked `env` at `env` or in orun's environment. */
void lib_read_secrets(lua_State *L, const char *fn, int idx, int env);

/* Raise when an argument of the checked `command` holds a secret, other than
 * those named in the array at `expose` (nil: none). */
void lib_check_exposed(lua_State *L, const char *fn, int command, int expose);

#endif
