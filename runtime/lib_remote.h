/* lib_remote.h — the primitives in an isolated task's process. Layer 7 (Lua
 * API).
 *
 * Each is a function that asks orun to call the primitive of that name in the
 * task's name, and waits for what it gives or raises: run_isolated.c answers.
 * Handles, lists and collectors are on this side what they are on the other.
 */
#ifndef ORUN_LIB_REMOTE_H
#define ORUN_LIB_REMOTE_H

#include "uplink.h"
#include "value.h"
#include <lauxlib.h>

/* Push the function for the primitive f, called as a method (its first argument
 * is not sent) or not. What concerns nobody else is done here. May raise. */
void lib_remote_push(lua_State *L, const luaL_Reg *f, bool method);

/* Learn the descriptions of tasks from a field of a frame; raises when they
 * make no sense. */
void lib_remote_learn(lua_State *L, const char *p, size_t n);

/* For decoding: handles are handles, with what was learned. */
extern const ValueOps lib_remote_decoding;

#endif
