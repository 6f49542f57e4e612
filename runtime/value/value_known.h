/* value_known.h — what travels by name between states.
 *
 * Loaded modules (the tables of package.loaded) and the C functions in them
 * exist in every state, so a Value only names them.
 */
#ifndef ORUN_VALUE_KNOWN_H
#define ORUN_VALUE_KNOWN_H

#include "base/base.h"
#include <lua.h>

/* Make ready for the functions below, and with `functions` learn anew which C
 * functions the loaded modules have. May run finalizers, never raises.
 * Errors: ORUN_ENOMEM. */
int value_known_learn(lua_State *L, bool functions) NODISCARD;

/* The name, of n bytes, of the module at the top, in a state that has learned;
 * NULL when it has none. Of several the one that is there in every state, else
 * the least: package.loaded.json = cjson has nothing asked for as 'json' where
 * that is unknown. Never raises. */
const char *value_known_module(lua_State *L, size_t *n);

/* The name "module\0field" of the C function at the top, of n bytes, as far
 * as it was learned; NULL when it has none. Never raises. */
const char *value_known_function(lua_State *L, size_t *n);

/* Push the module of that name, loading it when it is not loaded; raises when
 * it is not to be had. */
void value_known_push_module(lua_State *L, const char *name, size_t n);

/* Push the C function of that name ("module\0field"); raises likewise. */
void value_known_push_function(lua_State *L, const char *name, size_t n);

/* Is the upvalue on top, of that name, an environment that stands for the
 * globals? A sandbox falls back on them by a metatable, which it would lose on
 * the way. Never raises. */
bool value_known_globals(lua_State *L, const void *globals, const char *name);

#endif
