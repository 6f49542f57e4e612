/* lib_stream.h — a program whose output is read while it comes. */
#ifndef ORUN_LIB_STREAM_H
#define ORUN_LIB_STREAM_H

#include "process/program.h"
#include <lua.h>

/* Push an empty box for such a program; `name` and `max` are for its end
 * (lib_program_push_end). Gives the place for the program. */
Program **lib_stream_push(lua_State *L, const char *name, size_t max);

/* Wait until the program in the box on top runs, then give the box, or
 * lib_program_push_refusal's: `return lib_stream_begin(...)`. */
int lib_stream_begin(lua_State *L);

#endif
