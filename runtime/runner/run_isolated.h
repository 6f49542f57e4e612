/* run_isolated.h — who stands in for an isolated task.
 *
 * On this side an isolated task is a Lua task like any other, whose code is
 * not the user's function: it starts the process (isolate.h), and then calls,
 * here and in the task's name, each primitive that is called there. So claims,
 * children, waits and their slots belong to the task, and there is one
 * implementation of each primitive. While the process computes, the stand-in
 * waits, without a worker, and the task keeps its slots.
 */
#ifndef ORUN_RUN_ISOLATED_H
#define ORUN_RUN_ISOLATED_H

#include "vm/park.h"
#include <lua.h>

/* The entry of the task's coroutine: argument 1 is the LuaRun. */
int run_isolated_entry(lua_State *L);

/* Its coroutine has ended: let go of run->isolate, if there is one. */
void run_isolated_close(LuaRun *run);

#endif
