/* lib_response.h — a Request as a Lua value. */
#ifndef ORUN_LIB_RESPONSE_H
#define ORUN_LIB_RESPONSE_H

#include "http/request.h"
#include "vm/park.h"
#include <lua.h>

/* Push a box for a Request, a userdata whose finalizer drops it. Its user value
 * is for the fields it has. */
Request **lib_response_push(lua_State *L);

/* Empty the box. */
void lib_response_clear(Request **box);

/* Wait until the request is ready, then go on in `k`, which calls
 * lib_response_ready first: `return lib_response_wait(...)`. */
int lib_response_wait(lua_State *L, Request *r, lua_KFunction k);

/* The wait has ended: raises when the task is being stopped, and then the
 * request is given up. */
void lib_response_ready(lua_State *L, Request *r);

/* Push a table with the fields status, headers, url. */
void lib_response_push_head(lua_State *L, Request *r, const char *url);

/* Push nil, why it failed, and its kind. */
int lib_response_push_error(lua_State *L, Request *r);

/* Lua functions for metatables: __index with the methods as upvalue, which
 * looks among the fields first; the method lines. */
int lib_response_index(lua_State *L);
int lib_response_lines(lua_State *L);

#endif
