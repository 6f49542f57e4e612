/* run_host.h — tasks that C code of the host does.
 *
 * On this side such a task is a Lua task, but its code makes a HostCall
 * (host_call.h), calls the agent's `start` and waits, without a worker, until
 * the host has ended the call. So a schema, a worktree, files, retries and
 * stops are those of every Lua task, and there is one implementation of each.
 */
#ifndef ORUN_RUN_HOST_H
#define ORUN_RUN_HOST_H

#include "vm/park.h"
#include <lua.h>

/* The entry of the task's coroutine: argument 1 is the LuaRun. */
int run_host_entry(lua_State *L);

/* Make the outcome of the call that has ended, if that needs no Lua: true. On
 * the thread that runs the state. */
bool run_host_outcome(LuaRun *run, Outcome *o);

/* Its coroutine has ended with the outcome o: keep what the host has printed,
 * and close run->host, if there is one. May block. The same thread. */
void run_host_close(LuaRun *run, Outcome *o);

/* The task is being stopped. Seconds until the next rung. Under the board's
 * lock. */
double run_host_stop(LuaRun *run, int rung);

/* What t has printed so far, with a reference for the caller; NULL if that is
 * nothing. Under the board's lock. */
struct Output *run_host_live(Task *t);

#endif
