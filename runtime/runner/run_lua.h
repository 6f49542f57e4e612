/* run_lua.h — the runner of Lua tasks.
 *
 * Each attempt gets a pristine state from the pool of states. The function and
 * its input are decoded into it. The function runs on a worker until it
 * returns, raises or waits, and its result is encoded before the state is
 * returned to the pool. The function is called as fn(input, task) with
 * task = {id=, description=, attempt=, prompt=, …} (task_entry.c).
 */
#ifndef ORUN_RUN_LUA_H
#define ORUN_RUN_LUA_H

#include "sched/runner.h"

/* Fill in the runner. It finds its Engine around itself (engine->lua). */
void run_lua_init(Runner *r);

/* The current transcript of t (program.h), with a reference for the caller;
 * *nth says which of t's transcripts it is. NULL if t is not a Lua task that
 * runs, or has none. Under the board's lock. */
struct Output *run_lua_live(Task *t, bool err, uint32_t *nth);

#endif
