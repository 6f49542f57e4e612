/* lib_program.h — a Program as a Lua value, waiting for it, its end.
 *
 * The box is a userdata no script sees: it keeps the program as long as Lua
 * code may wait for it, and drops it when that code is gone, whatever ended it.
 */
#ifndef ORUN_LIB_PROGRAM_H
#define ORUN_LIB_PROGRAM_H

#include "process/program.h"
#include <lua.h>

/* Push an empty box; returns its place for a Program. */
Program **lib_program_push(lua_State *L);

/* The place of the box at `idx`. */
Program **lib_program_at(lua_State *L, int idx);

/* Drop what is in the box. */
void lib_program_clear(Program **box);

/* May the caller start a program now? If not: `return lib_program_queue(...)`,
 * whose continuation begins with park_outcome, and asks again. */
bool lib_program_may_start(lua_State *L);
int lib_program_queue(lua_State *L, lua_KFunction k);

/* Wait for its end: `return lib_program_wait(...)`. The continuation begins
 * with park_outcome. */
int lib_program_wait(lua_State *L, Program *p, lua_KFunction k);

/* Push the table that orun.exec returns for a program that has ended: how it
 * did, and at most `max` bytes of each of its outputs. `name` is argv[0]. */
void lib_program_push_end(lua_State *L, Program *p, const char *name,
                          size_t max);

/* Push nil, why it could not be started, and the kind of that. */
int lib_program_push_refusal(lua_State *L, Program *p, const char *name);

#endif
