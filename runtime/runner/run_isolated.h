/* run_isolated.h — the proxy of an isolated task.
 *
 * On this side an isolated task is a Lua task like any other, but its code is
 * a proxy instead of the user's function. The proxy starts the process
 * (isolate.h) and makes each call of a primitive there once more here, on the
 * task's behalf. So claims, children, waits and slots belong to the task, and
 * there is one implementation of each primitive. While the process computes,
 * the proxy waits without a worker, and the task keeps its slots.
 */
#ifndef ORUN_RUN_ISOLATED_H
#define ORUN_RUN_ISOLATED_H

#include "vm/park.h"
#include <lua.h>

/* The entry of the task's coroutine: argument 1 is the LuaRun. */
int run_isolated_entry(lua_State *L);

/* Its coroutine has ended: free run->isolate, if there is one. */
void run_isolated_close(LuaRun *run);

#endif
