/* lib_exec.h — what orun.exec gives, whole or as a stream. Layer 7. */
#ifndef ORUN_LIB_EXEC_H
#define ORUN_LIB_EXEC_H

#include "program.h"
#include <lua.h>

/* Push the table orun.exec gives of a program that has ended: how, and at most
 * `max` bytes of each of its outputs. `name` is argv[0]. */
void lib_exec_push(lua_State *L, Program *p, const char *name, size_t max);

/* Push nil, why it could not be started, and the kind of that. */
int lib_exec_push_refusal(lua_State *L, Program *p, const char *name);

/* Push an empty box for a program whose output is read while it comes
 * (lib_stream.c); `name` and `max` are for its end. Gives the place for the
 * program. */
Program **lib_stream_push(lua_State *L, const char *name, size_t max);

/* Wait until the program in the box on top runs, then give the box, or
 * lib_exec_push_refusal's: `return lib_stream_begin(...)`. */
int lib_stream_begin(lua_State *L);

#endif
